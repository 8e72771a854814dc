package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"headroom/internal/sim"
)

// A simulated license server's tool is this program itself: the demo's agents
// start it as `headroom lmstat -a -c FILE`, as they would start lmutil, and it
// prints what lmutil would. The file says which server is meant.
type toolFile struct {
	Seed   uint64        `json:"seed"`
	Now    time.Time     `json:"now"`
	Server string        `json:"server"`
	Ahead  time.Duration `json:"ahead_ns"` // the demo's clock minus the machine's
}

func (f toolFile) write(path string) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// Lmstat prints the present status of the simulated license server that a file
// of the demo names.
func Lmstat(w io.Writer, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var f toolFile
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("%s names no simulated license server: %w", path, err)
	}
	estate, err := sim.New(f.Seed, f.Now)
	if err != nil {
		return err
	}
	s, ok := estate.Server(f.Server)
	if !ok {
		return errors.New("there is no simulated license server " + f.Server)
	}
	_, err = io.WriteString(w, s.Status(time.Now().Add(f.Ahead)))
	return err
}
