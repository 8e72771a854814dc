package text

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// ReadAll returns a text that has to be read as one, such as XML or JSON, in
// UTF-8 and decoded as NewLines does it. It reads at most limit bytes; more
// reports that there were more.
func ReadAll(r io.Reader, codePage string, limit int64) (b []byte, more bool, err error) {
	page, err := CodePage(codePage)
	if err != nil {
		return nil, false, err
	}
	b, err = io.ReadAll(io.LimitReader(unmark(r), limit+1))
	if int64(len(b)) > limit {
		b, more = b[:limit], true
	}
	if utf8.Valid(b) {
		return b, more, err
	}
	var out bytes.Buffer
	for line := range bytes.Lines(b) {
		if !utf8.Valid(line) {
			line = decode(page, line)
		}
		out.Write(line)
	}
	return out.Bytes(), more, err
}
