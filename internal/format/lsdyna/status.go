// Package lsdyna reads what lstc_qrun -r prints about an LSTC license server,
// from which LS-DYNA and its variants draw. It turns bytes into facts and
// returns every line that it could not read with its number and text.
package lsdyna

import (
	"io"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// Group is the feature under which the common pool of all programs is known.
const Group = "LICENSE GROUP"

// maxKept bounds what one status may make us keep: programs and jobs.
const maxKept = 1 << 20

// ParseStatus reads the output of lstc_qrun -r. The programs that it lists
// share one pool, so there is one reading, from the line LICENSE GROUP, and the
// jobs hold from it; Display is a job's program, Handle its process id. Only
// where a server has several such groups, each is a pool with its first program
// as variant. A group's licenses are one term for each day on which a program
// expires, at its midnight in UTC. The output has no date of its own and no
// times. The error is for
// reading r and for a code page that does not exist; what lstc_qrun itself
// complains about stands in Output.Error.
func ParseStatus(r io.Reader, o facts.Options) (facts.Output, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return facts.Output{}, err
	}
	p := statusParser{server: license.Server{Manager: "lsdyna"}}
	for lines.Next() {
		t := strings.TrimSpace(lines.Text())
		if t != "" && (lines.Cut() || !p.read(t)) {
			p.out.Unread.Add(lines.Number(), t)
		}
	}
	p.out.Lines = lines.Number()
	p.finish()
	return p.out, lines.Err()
}

// A statusParser holds what is between two lines.
type statusParser struct {
	out     facts.Output
	server  license.Server
	failure string // lstc_qrun's own words
	open    group  // the group whose line has not come yet
	groups  []group
	kept    int
}

// read applies the rules to a line that is not empty, and reports whether one
// of them understood it.
func (p *statusParser) read(t string) bool {
	switch {
	case strings.HasPrefix(t, "***"):
		p.failure = facts.Shorten(t, facts.MaxText)
		return true
	case strings.HasPrefix(t, "Using "):
		return p.readServer(t)
	case strings.HasPrefix(t, "LICENSE INFORMATION"), strings.HasPrefix(t, "PROGRAM "), strings.HasPrefix(t, "-----"):
		return true
	case p.kept >= maxKept:
		return false
	}
	p.kept++
	if c, ok := readCounts(t); ok {
		p.addCounts(c)
		return true
	}
	return p.open.addJob(t)
}

// readServer reads "Using user specified server PORT@HOST".
func (p *statusParser) readServer(t string) bool {
	port, host, ok := strings.Cut(t[strings.LastIndexByte(t, ' ')+1:], "@")
	n, isPort := text.ParseCount(port)
	if !ok || !isPort || n > 65535 || host == "" {
		return false
	}
	p.server.Hosts, p.server.Port = []string{host}, int(n)
	return true
}

// addCounts takes a line with counts: a program's, or that of the group to
// which the programs above it belong.
func (p *statusParser) addCounts(c counts) {
	if c.name != Group {
		p.open.programs = append(p.open.programs, program{c.name, c.expiry})
		return
	}
	p.open.counts = c
	p.groups = append(p.groups, p.open)
	p.open = group{}
}

// finish puts together what was read, or says why there is nothing.
func (p *statusParser) finish() {
	whole := len(p.open.programs) == 0
	if !whole {
		p.groups = append(p.groups, p.open)
	}
	if len(p.groups) == 0 {
		p.out.Error = p.whyNothing()
		return
	}
	s := facts.Status{Server: p.server}
	var rows facts.Readings
	for _, g := range p.groups {
		pool := license.Pool{Feature: Group}
		if len(p.groups) > 1 && len(g.programs) > 0 {
			pool.Variant = g.programs[0].name
		}
		r := g.reading(pool)
		rows.Add(r)
		s.Terms = append(s.Terms, g.terms(r)...)
		for _, h := range g.jobs {
			h.Pool = pool
			s.Snapshot.Holders = append(s.Snapshot.Holders, h)
		}
	}
	s.Snapshot.Readings = rows.All()
	s.Snapshot.Complete = whole && p.failure == "" && p.out.Unread.Total == 0
	p.out.Servers = []facts.Status{s}
}

func (p *statusParser) whyNothing() string {
	switch {
	case p.failure != "":
		return p.failure
	case p.out.Lines == 0:
		return "the output is empty"
	}
	return "the output has no table of licenses, as lstc_qrun -r prints it"
}
