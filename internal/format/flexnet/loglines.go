package flexnet

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/text/encoding/unicode"
)

const (
	logBuffer = 256 << 10
	// logMaxLine is where a line is cut; real ones have less than 300 bytes.
	logMaxLine = 64 << 10
	// logLookAhead is how far the first date is looked for. lmgrd writes one
	// every 6 hours; 16 MiB in that time are ten events a second.
	logLookAhead = 16 << 20
)

// logLines cuts a stream into lines and can look ahead. It holds one buffer,
// larger than logBuffer only while a look-ahead is being consumed.
type logLines struct {
	r          io.Reader
	buf        []byte
	start, end int
	err        error
	cut        bool // the line returned last was longer than logMaxLine
	skip       bool // drop the rest of a line that was cut at the buffer's end
	taken      int64
}

// next returns the next line without its end, valid until the next call.
func (l *logLines) next() ([]byte, bool) {
	for l.skip {
		if !l.drop() {
			return nil, false
		}
	}
	l.cut = false
	from := 0
	for {
		if i := bytes.IndexByte(l.buf[l.start+from:l.end], '\n'); i >= 0 {
			line := l.buf[l.start : l.start+from+i]
			l.start += from + i + 1
			l.taken += int64(len(line)) + 1
			return l.trim(line), true
		}
		from = l.end - l.start
		if from >= logMaxLine && from >= logBuffer/2 {
			l.skip = true
			return l.rest(), true
		}
		if !l.more(logBuffer) {
			return l.rest(), from > 0
		}
	}
}

// rest takes all that is buffered as one line.
func (l *logLines) rest() []byte {
	line := l.buf[l.start:l.end]
	l.taken += int64(len(line))
	l.start = l.end
	return l.trim(line)
}

// drop throws away what is buffered up to the next end of line.
func (l *logLines) drop() bool {
	i := bytes.IndexByte(l.buf[l.start:l.end], '\n')
	if i >= 0 {
		l.skip = false
		l.start += i + 1
		l.taken += int64(i) + 1
		return true
	}
	l.taken += int64(l.end - l.start)
	l.start = l.end
	return l.more(logBuffer)
}

// trim removes a carriage return and cuts what is too long.
func (l *logLines) trim(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) > logMaxLine {
		l.cut = true
		line = line[:logMaxLine]
	}
	return line
}

// peek returns the line that begins pos bytes behind the next one, and where
// the line after it begins. It reads on until limit bytes are buffered.
func (l *logLines) peek(pos, limit int) (line []byte, next int, ok bool) {
	for {
		if i := bytes.IndexByte(l.buf[l.start+pos:l.end], '\n'); i >= 0 {
			return bytes.TrimSuffix(l.buf[l.start+pos:l.start+pos+i], []byte{'\r'}), pos + i + 1, true
		}
		if !l.more(limit) {
			break
		}
	}
	if pos >= l.end-l.start || l.err == nil {
		return nil, pos, false // the end, or a line that the limit cuts
	}
	return l.buf[l.start+pos : l.end], l.end - l.start, true
}

// more reads behind what is buffered, up to limit bytes in all. It returns
// false at the limit and when there is no more.
func (l *logLines) more(limit int) bool {
	if l.err != nil || l.end-l.start >= limit {
		return false
	}
	if l.buf == nil {
		if l.open(); l.end > l.start || l.err != nil {
			return l.end > l.start
		}
	}
	if l.end == len(l.buf) || l.start == l.end {
		l.make(limit)
	}
	for range 100 {
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		if l.err = err; n > 0 || err != nil {
			return n > 0
		}
	}
	l.err = io.ErrNoProgress
	return false
}

// make makes room behind what is buffered: by moving it to the front, by a
// larger buffer while looking ahead, by a small one again afterwards.
func (l *logLines) make(limit int) {
	kept := l.end - l.start
	switch {
	case len(l.buf) > logBuffer && kept < logBuffer/2 && limit <= logBuffer:
		buf := make([]byte, logBuffer)
		copy(buf, l.buf[l.start:l.end])
		l.buf = buf
	case l.start > 0:
		copy(l.buf, l.buf[l.start:l.end])
	case kept == len(l.buf):
		buf := make([]byte, min(2*len(l.buf), max(limit, logBuffer)))
		copy(buf, l.buf)
		l.buf = buf
	}
	l.start, l.end = 0, kept
}

// open reads the first bytes and takes off a byte order mark. A log that was
// passed through PowerShell is UTF-16.
func (l *logLines) open() {
	l.buf = make([]byte, logBuffer)
	n, err := io.ReadAtLeast(l.r, l.buf, 3)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	l.end, l.err = n, err
	head := l.buf[:n]
	order := unicode.LittleEndian
	switch {
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		l.start, l.taken = 3, 3
		return
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		order = unicode.BigEndian
	case !bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return
	}
	wide := io.MultiReader(bytes.NewReader(bytes.Clone(head)), &logFailing{l.r, l.err})
	l.r, l.err = unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(wide), nil
	l.end = 0
}

// A logFailing returns err, if it has one, before it reads on.
type logFailing struct {
	r   io.Reader
	err error
}

func (f *logFailing) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.r.Read(p)
}
