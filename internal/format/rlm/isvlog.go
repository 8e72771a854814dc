package rlm

import (
	"fmt"
	"io"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// An ISVLog reads the debug log of vendors' servers, one event after the
// other. Its lines tell date and minute, not the year; they name product and
// version, not the pool; checkouts that share one license look like any other.
type ISVLog struct {
	logReader
	source   io.ReadSeeker
	options  facts.Options
	looked   bool
	dated    bool
	calendar calendar
}

// NewISVLog returns a reader of the log in r. The last line is of the year
// that Options.At tells, or of the one before if it would lie ahead; without
// At no event has a time. To find the year of the first line the reader goes
// through the dates of the log and back to where r stood, before it returns
// the first event. The error says that there is no such code page.
func NewISVLog(r io.ReadSeeker, o facts.Options) (*ISVLog, error) {
	lines, err := newLogReader(r, o)
	if err != nil {
		return nil, err
	}
	return &ISVLog{logReader: lines, source: r, options: o}, nil
}

// Next returns the next event, in the order of the log. It returns io.EOF at
// the end and otherwise only errors of the underlying reader.
func (l *ISVLog) Next() (facts.Event, error) {
	if err := l.look(); err != nil {
		return facts.Event{}, err
	}
	for l.next() {
		if e, ok := l.read(); ok {
			return e, nil
		}
	}
	return facts.Event{}, l.end()
}

// look finds the year of the first line, by counting the turns of the year up
// to the last one.
func (l *ISVLog) look() error {
	if l.looked || l.options.At.IsZero() {
		return nil
	}
	l.looked = true
	start, err := l.source.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("look for the years of the log: %w", err)
	}
	var years calendar
	var last text.Yearless
	lines, err := text.NewLines(l.source, l.options.CodePage)
	if err != nil {
		return err
	}
	for lines.Next() {
		if line, ok := readISVLine(lines.Text()); ok {
			years.next(line.month, line.day)
			last = text.Yearless{Month: line.month, Day: line.day, Clock: line.clock}
		}
	}
	if lines.Err() != nil {
		return lines.Err()
	}
	if at, _ := last.Resolve(l.options.At, l.wall.zone); !at.IsZero() {
		l.dated = true
		l.calendar.day.Year = at.Year() - years.day.Year
	}
	_, err = l.source.Seek(start, io.SeekStart)
	return err
}

// read makes an event of the current line, if it is one.
func (l *ISVLog) read() (facts.Event, bool) {
	line, ok := readISVLine(l.line)
	switch {
	case !ok && isRawNoise(l.line):
		return facts.Event{}, false
	case !ok || l.cut:
		l.miss()
		return facts.Event{}, false
	}
	at := l.instant(line)
	if line.vendor == manager || isLogNoise(line.text) {
		return facts.Event{}, false
	}
	e, ok := readISVEvent(line.text)
	if !ok {
		l.miss()
		return facts.Event{}, false
	}
	e.At, e.Daemon, e.Line = at, line.vendor, l.number
	if e.Kind == facts.Refused {
		e.Reason = l.reason(line.vendor)
	}
	return e, true
}

// instant returns the time of a line; zero if the year is not known.
func (l *ISVLog) instant(line isvLine) time.Time {
	if !l.dated {
		return time.Time{}
	}
	return l.wall.at(l.calendar.next(line.month, line.day), line.clock)
}

// reason takes the line that tells the reason of a refusal on the line before:
// indented behind the vendor, or without a date.
func (l *ISVLog) reason(vendor string) string {
	s, ok := l.peek()
	if !ok {
		return ""
	}
	line, dated := readISVLine(s)
	switch {
	case dated && (line.vendor != vendor || !isIndented(line.text)):
		return ""
	case !dated && strings.TrimSpace(s) == "":
		return ""
	case dated:
		s = line.text
		l.instant(line)
	}
	l.next()
	return facts.Shorten(strings.TrimSpace(s), facts.MaxText)
}

// readISVEvent reads what stands behind date and vendor.
func readISVEvent(s string) (facts.Event, bool) {
	keyword, rest, _ := strings.Cut(s, " ")
	switch keyword {
	case "OUT:":
		return readISVUse(facts.Out, "", rest)
	case "IN:":
		why, rest := cutParentheses(rest)
		return readISVUse(facts.In, why, rest)
	case "DENIED:":
		count, rest := cutParentheses(rest)
		e, ok := readISVUse(facts.Refused, "", rest)
		n, isNumber := readCount(count)
		e.Licenses = n
		return e, ok && isNumber
	}
	if strings.HasPrefix(s, "Server started on ") {
		return facts.Event{Kind: facts.Start}, true
	}
	s = strings.Trim(s, "= ")
	if who, ok := strings.CutPrefix(s, "Shutdown request by "); ok {
		user, host, _ := cutUser(who)
		return facts.Event{Kind: facts.Shutdown, User: user, Host: host}, true
	}
	if who, ok := strings.CutPrefix(s, "Reread request by "); ok {
		user, host, _ := cutUser(who)
		return facts.Event{Kind: facts.Reread, User: user, Host: host}, true
	}
	return facts.Event{}, false
}

// readISVUse reads "viewer v1.0 by ann@pc1 vendor's text (2 licenses)".
func readISVUse(kind facts.Kind, why, s string) (facts.Event, bool) {
	m := isvUse.FindStringSubmatch(s)
	if m == nil {
		return facts.Event{}, false
	}
	user, host, ok := cutUser(m[2])
	e := facts.Event{
		Kind: kind, Pool: license.Pool{Feature: m[1]}, User: user, Host: host, Licenses: 1, Reason: why,
	}
	if n := isvLicenses.FindStringSubmatch(m[2]); n != nil {
		e.Licenses, ok = readCount(n[1])
	}
	return e, ok
}
