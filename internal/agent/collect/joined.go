package collect

import (
	"context"
	"errors"
	"io"
)

// A Joined reads a license server by its status and by its log. The log tells
// each change; the status tells what is installed and reserved, and anchors a
// log that does not go back to a start of the server. Where the log does not
// tell all, only the status counts. What the two say of one pool is compared by
// who gets both.
type Joined struct {
	Status interface {
		Read(ctx context.Context) (Result, error)
	}
	Log *EventLog

	more bool // the log's last result was a portion
}

// Read reads both. That one of them cannot be read does not hold up the other:
// a failure of the status is that of the result, one of the log stands in its
// Note.
func (j *Joined) Read(ctx context.Context) (Result, error) {
	if j.more {
		return j.readLog(ctx, Result{})
	}
	res, err := j.Status.Read(ctx)
	if err != nil {
		return Result{}, err
	}
	j.Log.use.beside(res.Snapshot)
	return j.readLog(ctx, res)
}

// readLog adds to a result what the log tells.
func (j *Joined) readLog(ctx context.Context, res Result) (Result, error) {
	log, err := j.Log.Read(ctx)
	if err != nil {
		return Result{}, err
	}
	if res.At.IsZero() {
		res.At = log.At
	}
	if log.Failure != "" {
		note := "the log was not read: " + log.Failure
		if res.Note != "" {
			note = res.Note + "; " + note
		}
		res.Note = note
	}
	res.Events, res.Denials, res.Resume, res.More = log.Events, log.Denials, log.Resume, log.More
	if j.more = log.More; !j.more && res.HasSnapshot() {
		j.Log.use.compare(res.Snapshot)
	}
	return res, nil
}

// Close ends the readers.
func (j *Joined) Close() error {
	err := j.Log.Close()
	if c, ok := j.Status.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	return err
}
