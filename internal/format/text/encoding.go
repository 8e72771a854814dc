package text

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// CodePage returns the code page of that name; empty is windows-1252. Use it
// to check a setting before it is needed.
func CodePage(name string) (encoding.Encoding, error) {
	if name == "" {
		return charmap.Windows1252, nil
	}
	page, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("code page %q is not known; use a name such as windows-1252, windows-1251, euc-kr or gbk", name)
	}
	return page, nil
}

// unmark returns r without its byte order mark, and as UTF-8 if the mark says
// UTF-16 (as PowerShell writes files). Nothing is read before the first Read.
func unmark(r io.Reader) *marked { return &marked{r: r} }

// A marked reader looks for a byte order mark on its first Read.
type marked struct {
	r      io.Reader
	looked bool
	mark   int64 // bytes of a mark that were dropped
	wide   bool  // the input is UTF-16
}

func (m *marked) Read(p []byte) (int, error) {
	if !m.looked {
		m.looked = true
		m.look()
	}
	return m.r.Read(p)
}

func (m *marked) look() {
	b := bufio.NewReaderSize(m.r, 4096)
	m.r = b
	head, _ := b.Peek(3) // an error comes again with the next Read
	var order unicode.Endianness
	switch {
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		m.mark = 3
		_, _ = b.Discard(3) // peeked: cannot fail
		return
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		order = unicode.LittleEndian
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		order = unicode.BigEndian
	default:
		return
	}
	m.wide = true
	m.r = unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(b)
}
