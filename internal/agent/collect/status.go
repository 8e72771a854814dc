package collect

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"headroom/internal/format/facts"
)

// A Status reads a license server by the output of its manager's status tool:
// by a run of the tool, or from a file into which somebody else puts it.
type Status struct {
	Manager  Manager
	Command  Command // of the tool; its Path is empty where there is a file
	Path     string
	Host     string         // which server is meant, should the output tell of several; may be empty
	Zone     *time.Location // of times in the output; nil: the machine's
	CodePage string         // of names that are not UTF-8; empty: windows-1252
	Now      func() time.Time
}

// Read reads the output once.
func (r *Status) Read(ctx context.Context) (Result, error) {
	text, exit, err := r.text(ctx)
	now := r.Now().Truncate(time.Second)
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case err != nil:
		return failed(now, err.Error()), nil
	}
	out, err := r.Manager.parse(bytes.NewReader(text), facts.Options{Zone: r.zone(), At: now, CodePage: r.CodePage})
	if err != nil {
		return failed(now, err.Error()), nil
	}
	if r.Host != "" && len(out.Servers) > 1 {
		out.Servers = slices.DeleteFunc(out.Servers, func(s facts.Status) bool { return !serves(s.Server, r.Host) })
	}
	res := oneServer(out, now)
	if res.Server.Manager = r.Manager.Name; res.HasSnapshot() {
		// The times of tools are those of some clock, and of a minute at best.
		res.Snapshot.At, res.Own = now, true
		if res.Assignments != nil {
			res.Assignments.At = now
		}
		res.Note = cmp.Or(oneLine(out.Servers[0].Partial), res.Note)
	} else if exit != 0 {
		res.Failure = fmt.Sprintf("%s (exit status %d)", res.Failure, exit)
	}
	return res, nil
}

// text gets the output. What tools of vendors mean by their exit status is in
// the text, if anywhere.
func (r *Status) text(ctx context.Context) (text []byte, exit int, err error) {
	if r.Command.Path == "" {
		text, err = whole(ctx, r.Path)
		return text, 0, err
	}
	c := r.Command
	if r.Zone != nil {
		c.Env = append(slices.Clone(c.Env), "TZ="+r.Zone.String())
	}
	out, err := c.Run(ctx)
	return out.Text, out.Exit, err
}

func (r *Status) zone() *time.Location {
	switch {
	case r.Manager.GMT:
		return time.UTC
	case r.Zone == nil:
		return time.Local
	}
	return r.Zone
}
