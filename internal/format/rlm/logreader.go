package rlm

import (
	"io"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
)

// A logReader is what the readers of both logs have in common: lines, of which
// the next one can be looked at, and the clock.
type logReader struct {
	lines  *text.Lines
	ahead  bool // lines is one line further
	line   string
	number int
	cut    bool
	taken  int64 // bytes of the log, up to the end of line
	unread facts.UnreadLines
	wall   wall
}

func newLogReader(r io.Reader, o facts.Options) (logReader, error) {
	lines, err := text.NewLines(r, o.CodePage)
	return logReader{lines: lines, wall: wall{zone: zoneOf(o)}}, err
}

// Offset returns how many bytes of the log the events so far have taken: the
// next one is on a line that begins there or later. A last line without an end is
// not in it, and it is 0 for UTF-16.
func (l *logReader) Offset() int64 { return l.taken }

// Lines returns how many lines the events so far have taken.
func (l *logReader) Lines() int { return l.number }

// Unread returns the lines so far that no rule understood.
func (l *logReader) Unread() facts.UnreadLines { return l.unread }

// Span returns the earliest and the latest time that the lines so far tell:
// between them the log says what happened. They are zero if there is none.
func (l *logReader) Span() (first, last time.Time) { return l.wall.earliest, l.wall.latest }

// next goes to the next line; false at the end.
func (l *logReader) next() bool {
	if !l.ahead && !l.lines.Next() {
		return false
	}
	l.line, l.number, l.cut, l.taken = l.lines.Text(), l.lines.Number(), l.lines.Cut(), l.lines.Offset()
	l.ahead = false
	return true
}

// peek returns the next line without going there.
func (l *logReader) peek() (string, bool) {
	if !l.ahead {
		l.ahead = l.lines.Next()
	}
	return l.lines.Text(), l.ahead
}

// miss notes that no rule understood the current line.
func (l *logReader) miss() { l.unread.Add(l.number, l.line) }

// end returns what ended the log.
func (l *logReader) end() error {
	if err := l.lines.Err(); err != nil {
		return err
	}
	return io.EOF
}
