package collect

import (
	"bytes"
	"context"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/relay"
)

// A RelayTool reads a Keygen Relay by its own command line. RelayFile tells
// more; this is for versions whose database it does not know. Relay needs the
// right to write there, even to list.
type RelayTool struct {
	Tool     string // absolute path of relay
	Database string // absolute path of its database; relay would make another one where it is missing
	Timeout  time.Duration
	Now      func() time.Time
}

// Read lists the licenses.
func (r *RelayTool) Read(ctx context.Context) (Result, error) {
	out, err := Command{
		Path: r.Tool, Args: []string{"ls", "--plain", "--database", r.Database}, Env: []string{"NO_COLOR=1"}, Timeout: r.Timeout,
	}.Run(ctx)
	now := r.Now().Truncate(time.Second)
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case err != nil:
		return failed(now, err.Error()), nil
	}
	list, err := relay.ParseStatus(bytes.NewReader(out.Text), facts.Options{})
	if err != nil {
		return failed(now, err.Error()), nil
	}
	return oneServer(list, now), nil
}
