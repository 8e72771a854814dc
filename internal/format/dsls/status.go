// Package dsls reads what the administration tool of Dassault Systèmes'
// license server (DSLS) prints in a session: the usage of licenses, as CSV
// (getLicenseUsage -csv) or as text (-all), and the table of licenses. It
// turns bytes into facts and returns every line that it could not read with
// its number and text.
//
// The log of the server is not read: how its lines look when usage is traced
// is documented nowhere that we know of.
package dsls

import (
	"io"
	"slices"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
)

// maxKept bounds what one status may make us keep: licenses and users.
const maxKept = 1 << 20

// ParseStatus reads the output of a session of DSLicSrv -admin. Prompts and
// echoes of commands may stand anywhere before a line. A pool is a feature, and
// the licenses behind it are added; only where two editors have a feature of
// one name, the editor is part of the pool. Users of named user licenses are
// holders and stand in Assigned too, with their last use.
//
// Dates are printed as the locale of the tool has it, in o.Zone; their order is
// found out from all of them. An expiry is an instant: DSLS ends licenses at
// 23:59 UTC, which is the next day in zones east of it. The output has no date
// of its own. The error is for reading r and for a code page that does not
// exist; what the tool itself complains about stands in Output.Error.
func ParseStatus(r io.Reader, o facts.Options) (facts.Output, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return facts.Output{}, err
	}
	p := statusParser{dates: newCalendar(o.Zone)}
	for lines.Next() {
		t, prompted := stripPrompts(lines.Text())
		if t != "" && (lines.Cut() || !p.read(t, prompted)) {
			p.unread(lines.Number(), t)
		}
	}
	p.out.Lines = lines.Number()
	p.finish()
	return p.out, lines.Err()
}

const prompt = "admin >"

// stripPrompts removes the prompts at the front of a line.
func stripPrompts(s string) (t string, prompted bool) {
	for t = strings.TrimSpace(s); strings.HasPrefix(t, prompt); prompted = true {
		t = strings.TrimSpace(t[len(prompt):])
	}
	return t, prompted
}

// A statusParser holds what is between two lines.
type statusParser struct {
	out      facts.Output
	dates    *calendar
	sections []*section
	sec      *section // the last one; nil before the first
	kept     int

	config bool           // within the server's configuration
	csv    map[string]int // the columns of the usage list; nil before its header
	table  []column       // of the table of licenses; nil outside
	open   *grant         // whose users come next in the text
	repeat bool           // the list was printed before in this section
}

// read applies the rules to a line that is not empty, and reports whether one
// of them understood it.
func (p *statusParser) read(t string, prompted bool) bool {
	if prompted {
		p.config, p.table = false, nil
	}
	switch {
	case p.kept >= maxKept:
		return false
	case p.readTableRow(t), p.readCSV(t), p.readText(t), p.readSession(t):
		return true
	case p.config && strings.Contains(t, ":"):
		return true
	}
	return prompted && isCommand(t)
}

func (p *statusParser) unread(line int, t string) {
	p.out.Unread.Add(line, t)
	if p.sec != nil && p.sec.listed {
		p.sec.torn = true
	}
}

// section returns the section at hand, and opens one if there is none: a
// capture may lack the head of the session.
func (p *statusParser) section() *section {
	if p.sec == nil {
		p.openSection()
	}
	return p.sec
}

// openSection begins what the tool says about the next server.
func (p *statusParser) openSection() {
	p.sec = newSection()
	p.sections = append(p.sections, p.sec)
	p.config, p.csv, p.table, p.open, p.repeat = false, nil, nil, nil, false
}

// finish puts together what was read, or says why there is nothing.
func (p *statusParser) finish() {
	if !slices.ContainsFunc(p.sections, (*section).told) {
		p.out.Error = p.whyNothing()
		return
	}
	for _, s := range p.sections {
		p.out.Servers = append(p.out.Servers, s.status(p.dates))
	}
}

func (p *statusParser) whyNothing() string {
	for _, s := range p.sections {
		if s.failure != "" {
			return s.failure
		}
	}
	switch {
	case p.out.Lines == 0:
		return "the output is empty"
	case p.out.Unread.Total > 0:
		return noUsage + ": " + p.out.Unread.First[0].Text
	}
	return noUsage
}

const noUsage = "the output has no list of license usage"
