package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"headroom/internal/format/flexnet"
)

// settle is how long a file must not have changed before it counts as whole;
// settleTries is how often a reader waits for that.
const (
	settle      = 2 * time.Second
	settleTries = 5
)

// A File reads a license server by a file into which somebody else puts the
// output of lmstat -a, such as a scheduled task.
type File struct {
	Path string
	// LicenseFile, if set, tells how much of a count is overdraft.
	LicenseFile string
	Host        string // which server is meant, should the file tell of several; may be empty
	Zone        *time.Location
	CodePage    string
	// Replay takes the status date of the text for the instant of the
	// reading, and a file that has not changed for nothing new. Without it
	// each reading counts as made when the file is read.
	Replay bool
	Now    func() time.Time

	last time.Time // status date of the last reading, in replay
}

// Read reads the file once it is whole.
func (r *File) Read(ctx context.Context) (Result, error) {
	text, err := whole(ctx, r.Path)
	now := r.Now().Truncate(time.Second)
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case err != nil:
		return failed(now, err.Error()), nil
	}
	zone := r.Zone
	if zone == nil {
		zone = time.Local
	}
	o := flexnet.StatusOptions{Zone: zone, CodePage: r.CodePage}
	if !r.Replay {
		o.Collected = now
	}
	st, err := flexnet.ParseStatus(bytes.NewReader(text), o)
	if err != nil {
		return failed(now, err.Error()), nil
	}
	if r.Replay && st.At.IsZero() {
		return failed(now, "the text has no status date to replay it at"), nil
	}
	if r.Replay && st.At.Equal(r.last) {
		return Result{At: now}, nil
	}
	res := statusResult(st, r.Host, now)
	if r.Replay {
		r.last = st.At
		if res.Failure != "" {
			res.At = st.At
		}
		return withOverdraft(res, r.LicenseFile, r.CodePage), nil
	}
	if res.HasSnapshot() {
		res.Snapshot.At, res.Own = now, true
	}
	return withOverdraft(res, r.LicenseFile, r.CodePage), nil
}

var errBeingWritten = errors.New("the file is being written")

// whole returns a file's content, once nobody writes to it: half a status
// would let the features at its end seem gone.
func whole(ctx context.Context, path string) ([]byte, error) {
	for range settleTries {
		text, err := still(path)
		if !errors.Is(err, errBeingWritten) {
			return text, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(settle):
		}
	}
	return nil, fmt.Errorf("%s: %w", path, errBeingWritten)
}

// still reads the file, or says that it changes.
func still(path string) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	if age := time.Since(before.ModTime()); age >= 0 && age < settle {
		return nil, errBeingWritten
	}
	text, err = io.ReadAll(io.LimitReader(f, DefaultMaxOutput+1))
	if err != nil {
		return nil, err
	}
	if len(text) > DefaultMaxOutput {
		return nil, fmt.Errorf("%s has more than %d MiB", path, DefaultMaxOutput>>20)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return nil, errBeingWritten
	}
	return text, nil
}
