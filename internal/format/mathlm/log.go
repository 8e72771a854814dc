package mathlm

import (
	"io"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
)

// A Log reads the events of one server log in MathLM's default format, one
// after the other: starts of the server, licenses granted, returned and
// refused. Memory does not grow with the log.
//
// Times are GMT unless MathLM was started with -localtime, which o.Zone is
// for; an offset that a line carries itself comes first. What MathLM prints
// beside its log when it runs in the foreground is passed over.
type Log struct {
	lines   *text.Lines
	zone    *time.Location
	unread  facts.UnreadLines
	message bool // the next line is the text of a message that has its own date
}

// NewLog returns a reader of the log in r. The error says that the code page
// does not exist.
func NewLog(r io.Reader, o facts.Options) (*Log, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return nil, err
	}
	l := &Log{lines: lines, zone: o.Zone}
	if l.zone == nil {
		l.zone = time.UTC
	}
	return l, nil
}

// Next returns the next event, in the order of the log. It returns io.EOF at
// the end and otherwise only errors of the underlying reader.
func (l *Log) Next() (facts.Event, error) {
	for l.lines.Next() {
		t := strings.TrimSpace(l.lines.Text())
		if t == "" {
			continue
		}
		e, ok := l.read(t)
		switch {
		case !ok || l.lines.Cut():
			l.unread.Add(l.lines.Number(), t)
		case e.Kind != 0:
			e.Line = l.lines.Number()
			return e, nil
		}
	}
	if err := l.lines.Err(); err != nil {
		return facts.Event{}, err
	}
	return facts.Event{}, io.EOF
}

// Offset returns where in the log the line of the last event ends: a reader of
// the rest goes on there. See text.Lines.
func (l *Log) Offset() int64 { return l.lines.Offset() }

// Lines returns how many lines were read so far.
func (l *Log) Lines() int { return l.lines.Number() }

// Unread returns the lines so far that no rule understood.
func (l *Log) Unread() facts.UnreadLines { return l.unread }

// read applies the rules to a line that is not empty. An event without a kind
// is a line that is understood and tells nothing about licenses.
func (l *Log) read(t string) (facts.Event, bool) {
	line, ok := readLogLine(t, l.zone)
	if !ok {
		return facts.Event{}, l.readConsole(t)
	}
	l.message = false
	return line.event()
}

// readConsole recognises what MathLM prints to a terminal between the lines of
// its log: help, messages of the system and the table of licenses.
func (l *Log) readConsole(t string) bool {
	message := l.message
	l.message = isMessageDate(t)
	return message || l.message || isHelp(t) || isLicenseTable(t)
}

// isMessageDate recognises "Jun 6 17:13:59:". The message is the next line.
func isMessageDate(t string) bool {
	w := strings.Fields(t)
	if len(w) != 3 {
		return false
	}
	_, ok1 := text.Month(w[0])
	_, ok2 := text.ParseCount(w[1])
	_, ok3 := text.ParseClock(strings.TrimSuffix(w[2], ":"))
	return ok1 && ok2 && ok3
}

// isLicenseTable recognises "Mathematica Class B processes:" and
// "20 MathKernel processes authorized; 0 in use." below it. Its counts are by
// class, which no line about a license names.
func isLicenseTable(t string) bool {
	return strings.HasSuffix(t, " processes:") || strings.Contains(t, " processes authorized; ") && strings.HasSuffix(t, " in use.")
}
