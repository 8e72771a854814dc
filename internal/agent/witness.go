package agent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"headroom/internal/wire"
)

// witnessFile is where the ends of the organisation's audit log are kept that the
// hub told last, a line of JSON each, oldest first. headroom hub audit verify reads
// it: whoever writes the log anew cannot reach this machine as well.
const witnessFile = "witness.jsonl"

// witnesses is how many of them are kept.
const witnesses = 30

// witness keeps what the hub told, if it is news.
func (a *Agent) witness(w *wire.Witness) error {
	if w == nil || a.witnessed == endOf(w) {
		return nil
	}
	dir := a.config.State
	lines, err := readWitnesses(dir)
	if err != nil {
		return err
	}
	if n := len(lines); n == 0 || endOf(&lines[n-1]) != endOf(w) {
		lines = append(lines, *w)
		lines = lines[max(0, len(lines)-witnesses):]
		var text bytes.Buffer
		out := json.NewEncoder(&text)
		for i := range lines {
			if err := out.Encode(&lines[i]); err != nil {
				return err
			}
		}
		if err := writeFile(dir, witnessFile, text.Bytes()); err != nil {
			return fmt.Errorf("keep what the hub told of its audit log: %w", err)
		}
	}
	a.witnessed = endOf(w)
	return nil
}

// A logEnd is what a witness is about, whenever it was told.
type logEnd struct {
	organisation, head string
	entries            int64
}

func endOf(w *wire.Witness) logEnd { return logEnd{w.Organisation, w.Head, w.Entries} }

func readWitnesses(dir string) (lines []wire.Witness, err error) {
	text, err := os.ReadFile(filepath.Join(dir, witnessFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	in := bufio.NewScanner(bytes.NewReader(text))
	for in.Scan() {
		var w wire.Witness
		if err := json.Unmarshal(in.Bytes(), &w); err != nil {
			return nil, fmt.Errorf("%s is damaged: %w; keep a copy of it and remove it", filepath.Join(dir, witnessFile), err)
		}
		lines = append(lines, w)
	}
	return lines, in.Err()
}
