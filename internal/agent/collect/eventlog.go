package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"headroom/internal/license"
)

// maxSteps and maxDenials bound how much of a long log goes into one result.
const (
	maxSteps   = 20_000
	maxDenials = 2000
)

// A LogFormat says how the logs of a license manager are read.
type LogFormat struct {
	Manager string // as in license.Server
	// Open returns the events of a log from its first line on, of which the last
	// is of about the time at. It must not read before Next is called. A log that
	// is tailed is no io.Seeker.
	Open func(r io.Reader, at time.Time) (EventStream, error)
	// Silence is how long a log vouches for itself after a line that has a date:
	// longer than a license server that runs can be silent. 0: for ever.
	Silence time.Duration
	// Lag is how late a line may be written, or how coarse its time is.
	Lag time.Duration
	// Host returns the license server that a log names; empty if it names none.
	// It may be nil.
	Host func(io.Reader) (string, error)
}

// An EventLog reads the log of a license server while it is written. Each Read
// returns what the log tells beyond the last result: steps of use up to now, and
// the refusals of which it is known how they ended.
type EventLog struct {
	format LogFormat
	now    func() time.Time
	tail   *Tail
	use    *logUse
	feeder feeder
	path   string
}

// A logResume is where an EventLog goes on.
type logResume struct {
	Told time.Time       `json:"told"`
	Log  json.RawMessage `json:"log"`
}

// NewEventLog returns a reader of the log at path, which may be a pattern
// (NewTail). resume is that of the last result that is safe, or empty.
func NewEventLog(path string, f LogFormat, resume string, now func() time.Time) (*EventLog, error) {
	var at logResume
	if resume != "" {
		if err := json.Unmarshal([]byte(resume), &at); err != nil {
			return nil, fmt.Errorf("resume reading %s: %w", path, err)
		}
	}
	if _, err := f.Open(strings.NewReader(""), now()); err != nil {
		return nil, err
	}
	tail, err := NewTail(path, string(at.Log))
	if err != nil {
		return nil, err
	}
	use := newLogUse(f.Silence, at.Told)
	return &EventLog{format: f, now: now, tail: tail, use: use, path: path, feeder: feeder{
		use: use, open: func(r io.Reader) (EventStream, error) { return f.Open(r, now()) },
	}}, nil
}

// Close ends the reader.
func (r *EventLog) Close() error {
	r.feeder.end()
	return nil
}

// Read reads what is new in the log.
func (r *EventLog) Read(ctx context.Context) (Result, error) {
	now := r.now().Truncate(time.Second)
	more, err := r.follow(ctx)
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case err != nil:
		return failed(now, err.Error()), nil
	case r.use.now.IsZero():
		return failed(now, fmt.Sprintf("no line of %s tells its date yet", r.path)), nil
	}
	res := Result{At: now, Server: license.Server{Manager: r.format.Manager}, More: more}
	to := r.vouched(now)
	if more {
		to = r.use.now
	}
	switch {
	case to.After(r.use.told):
		var totals []license.Snapshot
		res.Events, res.Denials, totals = r.use.tell(to)
		if res.Snapshot = lastOf(totals); res.HasSnapshot() {
			res.Unlisted = true
		}
	case more:
	case r.silent(now):
		return failed(now, fmt.Sprintf("the log has had no line since %s", r.use.now.UTC().Format(time.RFC3339))), nil
	}
	res.Resume, err = r.resume()
	return res, err
}

// follow reads the log to its end, or as far as goes into one result.
func (r *EventLog) follow(ctx context.Context) (more bool, err error) {
	for {
		lines, err := r.tail.Next(ctx)
		switch {
		case errors.Is(err, ErrLost):
			r.use.lost()
			r.feeder.end()
			continue
		case err != nil:
			return false, err
		case len(lines) == 0:
			return false, nil
		}
		if err := r.feeder.feed(lines); err != nil {
			return false, fmt.Errorf("read %s: %w", r.path, err)
		}
		if r.use.steps >= maxSteps || len(r.use.wants) >= maxDenials {
			return true, nil
		}
	}
}

// vouched returns up to when the log tells everything: now, if it is alive, less
// the time that a line may take. Its last second may not be over.
func (r *EventLog) vouched(now time.Time) time.Time {
	last := r.use.now
	if r.feeder.pending() {
		return last
	}
	to := now.Add(-r.format.Lag)
	if silent := last.Add(r.format.Silence); r.format.Silence > 0 && to.After(silent) {
		to = silent
	}
	return later(last, to)
}

// silent says whether the log is silent for too long.
func (r *EventLog) silent(now time.Time) bool {
	return r.format.Silence > 0 && now.Sub(r.use.now) > r.format.Silence
}

func (r *EventLog) resume() (string, error) {
	text, err := json.Marshal(logResume{Told: r.use.told.UTC(), Log: json.RawMessage(r.tail.Resume())})
	return string(text), err
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
