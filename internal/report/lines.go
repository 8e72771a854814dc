package report

import (
	"errors"
	"iter"
	"slices"
	"strings"

	"headroom/internal/format"
	"headroom/internal/format/text"
)

// A LineState says whether a line was understood.
type LineState string

// The states of a line. Of unread lines only the first 1000 are kept: where
// there are more, a later line that says nothing may be one of them.
const (
	LineRead   LineState = "read"
	LineUnread LineState = "unread"
	LineUnsure LineState = "unsure"
	LineBlank  LineState = "blank"
)

// A Line is one line of a file and what it was understood to say. Most lines
// that were read say nothing by themselves.
type Line struct {
	Number int // counted from 1; 0 has the facts that are not of one line
	Text   string
	State  LineState
	Facts  []Fact
}

// Lines says what every line of a file was understood to say: first, as line 0,
// the facts that are not of one line, if there are any, then the lines in their
// order. Memory does not grow with a log.
func Lines(s Source, o Options, each func(Line) error) (File, error) {
	unread := map[int]bool{}
	whole := Line{State: LineRead}
	file, err := Read(s, o, func(f Fact) error {
		switch {
		case f.Kind == kindUnread:
			unread[f.Line] = true
		case f.Line == 0:
			whole.Facts = append(whole.Facts, f)
		}
		return nil
	})
	if err != nil {
		return File{}, err
	}
	if len(whole.Facts) > 0 {
		if err := each(whole); err != nil {
			return File{}, err
		}
	}
	lines, err := text.NewLines((&input{Source: s}).reader(), o.CodePage)
	if err != nil {
		return File{}, err
	}
	next, stop := iter.Pull(factsByLine(s, o, file))
	defer stop()
	fact, more := next()
	for lines.Next() {
		l := Line{Number: lines.Number(), Text: lines.Text(), State: stateOf(lines.Number(), lines.Text(), unread, file)}
		for more && fact.Line <= l.Number {
			l.Facts = append(l.Facts, fact)
			fact, more = next()
		}
		if err := each(l); err != nil {
			return File{}, err
		}
	}
	return file, lines.Err()
}

func stateOf(number int, text string, unread map[int]bool, file File) LineState {
	switch {
	case strings.TrimSpace(text) == "":
		return LineBlank
	case unread[number] || file.Format == string(format.Unknown):
		return LineUnread
	case file.Unread > len(unread):
		return LineUnsure
	}
	return LineRead
}

// errEnough ends a reading.
var errEnough = errors.New("enough")

// factsByLine returns the facts of lines in the order of the lines. A log's are
// in that order; a status is small enough to be sorted.
func factsByLine(s Source, o Options, file File) iter.Seq[Fact] {
	read := func(yield func(Fact) bool) {
		// A failure ends the facts: the file was read once without one.
		_, _ = Read(s, o, func(f Fact) error {
			if f.Line > 0 && f.Kind != kindUnread && !yield(f) {
				return errEnough
			}
			return nil
		})
	}
	if isLog(file.Format) {
		return read
	}
	return slices.Values(slices.SortedStableFunc(read, func(a, b Fact) int { return a.Line - b.Line }))
}

func isLog(name string) bool {
	_, ok := logFormats[format.Format(name)]
	return ok || name == string(format.FlexNetLog)
}
