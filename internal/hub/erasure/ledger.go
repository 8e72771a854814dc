package erasure

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// An Act is what a line of the ledger is about.
type Act string

// The acts.
const (
	UsageDeleted        Act = "usage.delete"        // of the license server GUID
	RegistrationRemoved Act = "registration.remove" // of the agent GUID
)

// A Line is one line of the ledger.
type Line struct {
	At           time.Time `json:"at"`
	Act          Act       `json:"act"`
	Organisation string    `json:"organisation"` // its public id
	GUID         string    `json:"guid"`
	By           string    `json:"by,omitempty"` // who deleted; of a removal the audit log tells
}

// same says whether two lines are about one act.
func (l Line) same() Line {
	l.At, l.By = l.At.UTC(), ""
	return l
}

// maxLine is more than any line takes.
const maxLine = 4 << 10

// Record writes to the ledger what the store knows and it does not: at once what
// was deleted by this process, and now and then what others did. The file is
// synced when it returns.
func (s *Service) Record(ctx context.Context) error {
	if s.Ledger == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ended, err := s.Store.Ended(ctx)
	if err != nil {
		return err
	}
	told, err := readLedger(s.Ledger)
	if err != nil {
		return err
	}
	known := make(map[Line]bool, len(told))
	for _, l := range told {
		known[l.same()] = true
	}
	var fresh []Line
	for _, l := range ended {
		if !known[l.same()] {
			fresh = append(fresh, l)
		}
	}
	return appendLedger(s.Ledger, fresh)
}

// Replay does again what stands in the ledger and not in the store, and returns
// how many acts that were: of a store that was restored to an older state. It is
// to be called before anything is served.
func (s *Service) Replay(ctx context.Context) (again int, err error) {
	if s.Ledger == "" {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	told, err := readLedger(s.Ledger)
	if err != nil {
		return 0, err
	}
	for _, l := range told {
		done, err := s.Store.Again(ctx, l)
		if err != nil {
			return again, fmt.Errorf("do again what %s says: %s of %s: %w", s.Ledger, l.Act, l.GUID, err)
		}
		if done {
			again++
		}
	}
	return again, nil
}

// readLedger reads a ledger. A file that is not there is an empty one. A line that
// was cut off at the end was being written when the power went: its act stands in
// the store. Any other line that does not read is an error: it may say what must
// not come back.
func readLedger(path string) (lines []Line, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := bufio.NewReaderSize(f, maxLine)
	for n := 1; ; n++ {
		text, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF): // what is there has no end
			return lines, nil
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("%s, line %d: longer than %d bytes", path, n, maxLine)
		case err != nil:
			return nil, err
		}
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		var l Line
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w; restore the file from its copy, or take the line out if you know what it said", path, n, err)
		}
		if l.Act != UsageDeleted && l.Act != RegistrationRemoved {
			return nil, fmt.Errorf("%s, line %d: nothing that is called %.40q is known; a newer hub wrote it", path, n, l.Act)
		}
		lines = append(lines, l)
	}
}

// appendLedger appends lines to a ledger, after cutting off a last line that was
// not finished.
func appendLedger(path string, lines []Line) (err error) {
	if len(lines) == 0 {
		return nil
	}
	made := false
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		made = true
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	end, err := wholeLines(f)
	if err != nil {
		return err
	}
	if err := f.Truncate(end); err != nil {
		return err
	}
	var text bytes.Buffer
	for _, l := range lines {
		l.At = l.At.UTC()
		line, err := json.Marshal(l)
		if err != nil {
			return err
		}
		text.Write(append(line, '\n'))
	}
	if _, err := f.WriteAt(text.Bytes(), end); err != nil {
		return err
	}
	if err := f.Sync(); err != nil || !made {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// wholeLines returns where the last whole line of a file ends.
func wholeLines(f *os.File) (end int64, err error) {
	r := bufio.NewReader(f)
	for at := int64(0); ; {
		text, err := r.ReadSlice('\n')
		at += int64(len(text))
		switch {
		case err == nil:
			end = at
		case errors.Is(err, io.EOF):
			return end, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return 0, err
		}
	}
}

// syncFolder makes a new file's name survive a power cut. Windows does so by
// itself, and has no such call.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
