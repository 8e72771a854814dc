package report

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	utf16 "golang.org/x/text/encoding/unicode"

	"headroom/internal/format/text"
)

// A document is a text as lines that can be put together again, byte for byte.
type document struct {
	whole encoding.Encoding // of a text in UTF-16; else nil
	page  encoding.Encoding // of lines that are no UTF-8
	lines []docLine
	words map[string]bool // that stand in it, folded
}

// A docLine is a line with its end.
type docLine struct {
	raw  []byte
	text []rune
	in   lineCode
}

// A lineCode says how a line is encoded.
type lineCode uint8

const (
	inUTF8  lineCode = iota
	inPage           // the document's code page
	inBytes          // nothing that is known: a rune is a byte
)

// split cuts a text into lines. The error says that there is no such code page.
func split(raw []byte, codePage string) (*document, error) {
	d := &document{words: map[string]bool{}}
	var err error
	if d.page, err = text.CodePage(codePage); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}):
		d.whole = utf16.UTF16(utf16.LittleEndian, utf16.ExpectBOM)
	case bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		d.whole = utf16.UTF16(utf16.BigEndian, utf16.ExpectBOM)
	}
	if d.whole != nil {
		if raw, err = d.whole.NewDecoder().Bytes(raw); err != nil {
			return nil, fmt.Errorf("decode UTF-16: %w", err)
		}
	}
	for len(raw) > 0 {
		end := bytes.IndexAny(raw, "\r\n") + 1
		if end == 0 {
			end = len(raw)
		}
		line := d.decode(raw[:end])
		for _, w := range wordsOf(fold(string(line.text))) {
			d.words[w] = true
		}
		d.lines, raw = append(d.lines, line), raw[end:]
	}
	return d, nil
}

// decode reads a line in a way in which it can be written again.
func (d *document) decode(raw []byte) docLine {
	if utf8.Valid(raw) {
		return docLine{raw: raw, text: []rune(string(raw))}
	}
	if decoded, err := d.page.NewDecoder().Bytes(raw); err == nil {
		if again, err := d.page.NewEncoder().Bytes(decoded); err == nil && bytes.Equal(again, raw) {
			return docLine{raw: raw, text: []rune(string(decoded)), in: inPage}
		}
	}
	line := docLine{raw: raw, in: inBytes, text: make([]rune, len(raw))}
	for i, b := range raw {
		line.text[i] = rune(b)
	}
	return line
}

// encode writes a line as it was encoded.
func (d *document) encode(in lineCode, s []rune) ([]byte, error) {
	switch in {
	case inPage:
		return d.page.NewEncoder().Bytes([]byte(string(s)))
	case inBytes:
		raw := make([]byte, len(s))
		for i, r := range s {
			raw[i] = byte(r)
		}
		return raw, nil
	}
	return []byte(string(s)), nil
}

// wordsOf returns the words in a line.
func wordsOf(line []rune) []string {
	var all []string
	for i := 0; i < len(line); i++ {
		if end := wordEnd(line, i); end > i {
			all = append(all, string(line[i:end]))
			i = end
		}
	}
	return all
}

// has reports whether some longer word of an alias stands in the text, or all of
// a short one.
func (d *document) has(alias string) bool {
	words := wordsOf([]rune(alias))
	for _, w := range words {
		if d.words[w] && (len(w) > 2 || len(words) == 1) {
			return true
		}
	}
	return false
}

// find returns the places of all names.
func (d *document) find(f *finder) []hit {
	var found []hit
	for i, line := range d.lines {
		f.find(line.text, func(start, end int, n *name) { found = append(found, hit{i, start, end, n}) })
	}
	return found
}

// replace returns the text with the parts of what was found replaced.
func (d *document) replace(found []hit, parts []part) ([]byte, error) {
	var at []int
	for _, p := range parts {
		at = append(at, p...)
	}
	slices.Sort(at)
	var b bytes.Buffer
	next := 0
	for i, line := range d.lines {
		first := next
		for next < len(at) && found[at[next]].line == i {
			next++
		}
		if first == next {
			b.Write(line.raw)
			continue
		}
		var out []rune
		last := 0
		for _, k := range at[first:next] {
			h := found[k]
			out = append(append(out, line.text[last:h.start]...), h.name.as(line.text[h.start:h.end])...)
			last = h.end
		}
		raw, err := d.encode(line.in, append(out, line.text[last:]...))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		b.Write(raw)
	}
	if d.whole == nil {
		return b.Bytes(), nil
	}
	return d.whole.NewEncoder().Bytes(b.Bytes())
}

// around is how far the looks of a place go.
const around = 24

// looks describes what stands around a place: a letter for a word, a digit for a
// number, all else as it is.
func (d *document) looks(h hit) string {
	line := d.lines[h.line].text
	before, after := line[max(0, h.start-around):h.start], line[h.end:min(len(line), h.end+around)]
	edge := ""
	if h.start <= around {
		edge = "^"
	}
	return edge + shape(before) + "\x00" + shape(after)
}

func shape(r []rune) string {
	var b strings.Builder
	last := rune(0)
	for _, c := range r {
		switch {
		case unicode.IsLetter(c):
			c = 'a'
		case unicode.IsDigit(c):
			c = '0'
		}
		if c != last || c != 'a' && c != '0' {
			b.WriteRune(c)
		}
		last = c
	}
	return b.String()
}

// keys are how license keys and signatures stand in license files.
var keys = regexp.MustCompile(`(?im)\b(SIGN2?|ck)=|^\s*(FEATURE|INCREMENT|UPGRADE)\s.*\s[0-9A-F]{12,20}\b`)

// HasKeys reports whether a text has license keys in it, which redacting leaves
// as they are.
func HasKeys(text []byte) bool { return keys.Match(text) }
