package demo

import (
	"context"
	"errors"
	"os"
	"time"
)

// logEvery is how often a license server's log is written on.
const logEvery = 10 * time.Second

// A debugLog is the log that a simulated license server writes.
type debugLog struct {
	*site
	file *os.File
	told time.Time // up to here
}

// openLog makes the log of a license server as it is at an instant: it goes
// back to the start of the server.
func openLog(s *site, now time.Time) (*debugLog, error) {
	file, err := os.Create(s.log())
	if err != nil {
		return nil, err
	}
	l := &debugLog{site: s, file: file, told: s.LogStart(now)}
	if err := l.write(now); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// write adds what the log tells up to an instant.
func (l *debugLog) write(to time.Time) error {
	if !to.After(l.told) {
		return nil
	}
	_, err := l.file.WriteString(l.DebugLog(l.told, to))
	l.told = to
	return err
}

// run writes on until ctx is done.
func (l *debugLog) run(ctx context.Context, now func() time.Time) (err error) {
	defer func() { err = errors.Join(err, l.file.Close()) }()
	tick := time.NewTicker(logEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := l.write(now().Truncate(time.Second)); err != nil {
			return err
		}
	}
}
