package look

import (
	"strings"
	"unicode/utf8"
)

// Cell makes a text fit for a cell of a CSV file. Names come from license servers:
// one that a spreadsheet would take for a formula gets an apostrophe before it.
func Cell(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	first, _ := utf8.DecodeRuneInString(strings.TrimSpace(s))
	if strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", first) {
		return "'" + s
	}
	return s
}
