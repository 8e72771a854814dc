// Package text turns the bytes that license tools write into lines of text
// and pieces of dates: byte order marks, UTF-16, code pages, mixed line ends,
// lines without end. It loses no line over an odd byte and keeps at most one
// line in memory.
package text

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

// MaxLine is the length in bytes beyond which a line is cut.
const MaxLine = 64 << 10

// maxEmptyReads bounds how often a reader may bring neither bytes nor an end.
const maxEmptyReads = 100

// A Lines walks over the lines of an input, as bufio.Scanner does. A line
// ends with LF, CRLF or CR; one input may mix them.
type Lines struct {
	r       *marked
	page    encoding.Encoding
	buf     []byte
	base    int64 // where buf begins in what r reads
	start   int   // of what is not consumed yet
	end     int
	whole   int64 // where the last line with an end ends, in what r reads
	eof     bool
	afterCR bool // an LF that comes next belongs to the line before
	err     error

	line   []byte
	number int
	cut    bool
}

// NewLines returns the lines of r. A byte order mark (UTF-8 or UTF-16) is
// obeyed and dropped. Without one, each line that is not UTF-8 is decoded from
// codePage, a name of the WHATWG list ("windows-1252", "euc-kr"); empty is
// windows-1252. The error says that there is no such code page.
func NewLines(r io.Reader, codePage string) (*Lines, error) {
	page, err := CodePage(codePage)
	if err != nil {
		return nil, err
	}
	return &Lines{r: unmark(r), page: page, buf: make([]byte, 2*MaxLine)}, nil
}

// Next goes to the next line. It returns false at the end and on an error.
func (l *Lines) Next() bool {
	l.line, l.cut = nil, false
	for {
		l.skipLF()
		data := l.buf[l.start:l.end]
		i := lineEnd(data)
		if i >= 0 && i <= MaxLine {
			l.take(data[:i], data[i] == '\r')
			return true
		}
		if len(data) > MaxLine {
			l.takeCut(data)
			return true
		}
		if l.eof {
			if len(data) == 0 {
				return false
			}
			l.start = l.end
			l.set(data)
			return true
		}
		l.fill()
	}
}

// Bytes returns the line in UTF-8, without its end. It is valid until Next.
func (l *Lines) Bytes() []byte { return l.line }

// Text returns the line in UTF-8, without its end.
func (l *Lines) Text() string { return string(l.line) }

// Number returns the line's number, counted from 1.
func (l *Lines) Number() int { return l.number }

// Cut reports whether the line was longer than MaxLine and the rest dropped.
func (l *Lines) Cut() bool { return l.cut }

// Offset returns where in the input the current line ends, its end included:
// a byte at which reading can be taken up again. A last line without an end is
// not in it, since it may grow. It is 0 for UTF-16, which cannot be read from
// the middle.
func (l *Lines) Offset() int64 {
	if l.r.wide || l.whole == 0 {
		return 0
	}
	return l.r.mark + l.whole
}

// Err returns the error of the reader, if it was one that ended the input.
func (l *Lines) Err() error { return l.err }

// lineEnd returns where the first line of data ends, or -1.
func lineEnd(data []byte) int {
	lf := bytes.IndexByte(data, '\n')
	if lf < 0 {
		return bytes.IndexByte(data, '\r')
	}
	if cr := bytes.IndexByte(data[:lf], '\r'); cr >= 0 {
		return cr
	}
	return lf
}

func (l *Lines) skipLF() {
	if l.afterCR && l.start < l.end {
		if l.buf[l.start] == '\n' {
			l.start++
		}
		l.afterCR = false
	}
}

// take makes line the current one and goes behind its end.
func (l *Lines) take(line []byte, cr bool) {
	l.start += len(line) + 1
	l.afterCR = cr
	l.skipLF()
	l.whole = l.base + int64(l.start)
	l.set(line)
}

// takeCut makes the first MaxLine bytes of data the current line and reads on
// to the line's end.
func (l *Lines) takeCut(data []byte) {
	keep := MaxLine
	for i := 0; i < utf8.UTFMax && !utf8.RuneStart(data[keep]); i++ {
		keep-- // do not cut a letter in two
	}
	l.set(bytes.Clone(data[:keep]))
	l.cut = true
	for {
		data := l.buf[l.start:l.end]
		if i := lineEnd(data); i >= 0 {
			l.start += i + 1
			l.afterCR = data[i] == '\r'
			l.skipLF()
			l.whole = l.base + int64(l.start)
			return
		}
		l.start = l.end
		if l.eof {
			return
		}
		l.fill()
	}
}

func (l *Lines) set(line []byte) {
	l.number++
	l.line = line
	if !utf8.Valid(line) {
		l.line = decode(l.page, line)
	}
}

// decode never fails: what the code page does not have becomes U+FFFD.
func decode(page encoding.Encoding, line []byte) []byte {
	out, err := page.NewDecoder().Bytes(line)
	if err != nil {
		return bytes.ToValidUTF8(line, []byte("\uFFFD"))
	}
	return out
}

// fill reads once, after making room.
func (l *Lines) fill() {
	if l.start > 0 {
		l.end = copy(l.buf, l.buf[l.start:l.end])
		l.base += int64(l.start)
		l.start = 0
	}
	for range maxEmptyReads {
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		if err != nil {
			l.eof = true
			if !errors.Is(err, io.EOF) {
				l.err = err
			}
			return
		}
		if n > 0 {
			return
		}
	}
	l.eof, l.err = true, io.ErrNoProgress
}
