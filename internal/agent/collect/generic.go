package collect

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/generic"
	"headroom/internal/license"
)

// A Generic reads any source that says in our own JSON how licenses are used
// (docs/format/generic.md): a command that prints it, or a file.
type Generic struct {
	Command  []string      // absolute path of the program, and its arguments
	Path     string        // the file, where there is no command
	CodePage string        // of texts that are not UTF-8; empty: windows-1252
	Timeout  time.Duration // of the command; 0: DefaultTimeout
	Now      func() time.Time

	last    time.Time // at of the last document that had one
	uses    map[useKey]facts.Use
	denials map[generic.Denial]bool
}

// A useKey is what a use is about.
type useKey struct {
	pool license.Pool
	from time.Time
}

// Read gets one document. What it tells of the past is left out if the document
// before it has told it in the same words.
func (r *Generic) Read(ctx context.Context) (Result, error) {
	text, failure := r.text(ctx)
	now := r.Now().Truncate(time.Second)
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if failure != "" {
		return failed(now, failure), nil
	}
	doc, err := r.parse(text)
	if err != nil {
		return failed(now, err.Error()), nil
	}
	return r.result(doc, now), nil
}

// text returns the document, or why there is none.
func (r *Generic) text(ctx context.Context) (text []byte, failure string) {
	if len(r.Command) == 0 {
		text, err := whole(ctx, r.Path)
		if err != nil {
			return nil, err.Error()
		}
		return text, ""
	}
	c := Command{Path: r.Command[0], Args: r.Command[1:], Timeout: r.Timeout, Apart: true}
	out, err := c.Run(ctx)
	switch {
	case err != nil:
		return nil, err.Error()
	case out.Exit != 0:
		return nil, fmt.Sprintf("%s (exit status %d)", r.said(out), out.Exit)
	}
	return out.Text, ""
}

// said is what a command that failed says of it.
func (r *Generic) said(out Output) string {
	if doc, err := r.parse(out.Text); err == nil && doc.Said {
		return doc.Output.Error
	}
	lines := strings.Split(strings.TrimSpace(string(out.Errors)), "\n")
	return cmp.Or(facts.Shorten(strings.TrimSpace(lines[len(lines)-1]), facts.MaxText), "the command failed and does not say why")
}

func (r *Generic) parse(text []byte) (generic.Document, error) {
	return generic.Parse(bytes.NewReader(text), facts.Options{CodePage: r.CodePage})
}

func (r *Generic) result(doc generic.Document, now time.Time) Result {
	if doc.Output.Error != "" {
		return failed(now, doc.Output.Error)
	}
	s := doc.Output.Servers[0]
	res := Result{At: now, Server: s.Server, Note: unread(doc.Output.Unread)}
	if len(s.Snapshot.Readings) > 0 {
		at := s.Snapshot.At
		if !at.IsZero() && !at.After(r.last) {
			return Result{At: now}
		}
		res.Snapshot, res.Unlisted = s.Snapshot, !doc.Holders
		if at.IsZero() {
			res.Snapshot.At, res.Own = now, true
		} else {
			r.last = at
		}
	}
	res.Events = eventsOf(r.newUses(doc.Uses))
	res.Denials = r.newDenials(doc.Denials)
	return res
}

// newUses are those that the document before did not have.
func (r *Generic) newUses(uses []facts.Use) []facts.Use {
	var out []facts.Use
	told := map[useKey]facts.Use{}
	for _, u := range uses {
		key := useKey{u.Pool, u.From}
		told[key] = u
		if !reflect.DeepEqual(r.uses[key], u) {
			out = append(out, u)
		}
	}
	r.uses = told
	return out
}

// newDenials are those that the document before did not have.
func (r *Generic) newDenials(denials []generic.Denial) []Denial {
	var out []Denial
	told := map[generic.Denial]bool{}
	for _, d := range denials {
		told[d] = true
		if !r.denials[d] {
			out = append(out, Denial{Pool: d.Pool, At: d.At, User: d.User, Host: d.Host, Reason: d.Reason, Count: d.Count})
		}
	}
	r.denials = told
	return out
}
