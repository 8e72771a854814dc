// Package text turns the bytes that license tools write into lines of text
// and pieces of dates: byte order marks, UTF-16, code pages, mixed line ends,
// lines without end. It loses no line over an odd byte and keeps at most one
// line in memory.
package text

import (
	"errors"
	"io"
)

// A Lines walks over the lines of an input, as bufio.Scanner does.
type Lines struct {
	number int
	err    error
}

// NewLines returns the lines of r. Lines that are not UTF-8 are decoded from
// codePage, a name of the WHATWG list ("windows-1252", "euc-kr"); empty is
// windows-1252. The error says that there is no such code page.
func NewLines(r io.Reader, codePage string) (*Lines, error) {
	return nil, errors.New("not written yet")
}

// Next goes to the next line. It returns false at the end and on an error.
func (l *Lines) Next() bool { return false }

// Bytes returns the line in UTF-8, without its end. It is valid until Next.
func (l *Lines) Bytes() []byte { return nil }

// Text returns the line in UTF-8, without its end.
func (l *Lines) Text() string { return "" }

// Number returns the line's number, counted from 1.
func (l *Lines) Number() int { return l.number }

// Cut reports whether the line was longer than MaxLine and the rest dropped.
func (l *Lines) Cut() bool { return false }

// Err returns the error of the reader, if it was one that ended the input.
func (l *Lines) Err() error { return l.err }

// MaxLine is the length in bytes beyond which a line is cut.
const MaxLine = 64 << 10
