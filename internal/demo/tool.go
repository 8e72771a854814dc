package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"headroom/internal/sim"
)

// The tools of a simulated license server are this program itself. In the
// server's folder it is known under the name of each: the demo's agents start
// it by that, with the arguments that the real tool takes, and it prints what
// that would. A file beside it says which server is meant.
type toolFile struct {
	Seed   uint64        `json:"seed"`
	Now    time.Time     `json:"now"`
	Server string        `json:"server"`
	Ahead  time.Duration `json:"ahead_ns"` // the demo's clock minus the machine's
}

// toolFileName is what the file is called.
const toolFileName = "simulated.json"

func (f toolFile) write(dir string) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, toolFileName), text, 0o600)
}

// IsTool reports whether a program was started as the tool of a license server:
// by its whole path, and under the name of such a tool.
func IsTool(program string) bool { return filepath.IsAbs(program) && sim.IsTool(toolName(program)) }

// RunTool prints what that tool prints at present, called with these arguments.
func RunTool(w io.Writer, program string, args []string) error {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(program), toolFileName))
	if err != nil {
		return err
	}
	var f toolFile
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("%s names no simulated license server: %w", toolFileName, err)
	}
	estate, err := sim.New(f.Seed, f.Now)
	if err != nil {
		return err
	}
	s, ok := estate.Server(f.Server)
	if !ok {
		return errors.New("there is no simulated license server " + f.Server)
	}
	out, err := s.Call(time.Now().Add(f.Ahead), toolName(program), args...)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, out)
	return err
}

func toolName(program string) string { return strings.TrimSuffix(filepath.Base(program), ".exe") }

// toolPath is where a tool of a license server is.
func toolPath(dir, tool string) string {
	if runtime.GOOS == "windows" {
		tool += ".exe"
	}
	return filepath.Join(dir, tool)
}

// installTools puts the tools of a license server into its folder. It returns
// the program that the next tools are best made of.
func installTools(program, dir string, tools []string) (string, error) {
	for _, tool := range tools {
		to := toolPath(dir, tool)
		if os.Symlink(program, to) == nil || os.Link(program, to) == nil {
			continue
		}
		// Windows, and the program on another volume: links to a copy can be made.
		if err := copyProgram(program, to); err != nil {
			return "", fmt.Errorf("make the tools of the simulated license servers: %w", err)
		}
		program = to
	}
	return program, nil
}

func copyProgram(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
