package wire

import (
	"bytes"
	"fmt"
	"strconv"

	"headroom/internal/license"
)

// Counts are the values of a pool at the instants of a run. In JSON they are
// an array of whole numbers and nulls. Nearly all of a batch is such arrays:
// they are read and written by hand because that is ten times faster. Most are
// part of samples, of which the whole line is read and written so.
type Counts []license.Count

// MarshalJSON writes the values; unknown is null.
func (c Counts) MarshalJSON() ([]byte, error) {
	return c.appendJSON(make([]byte, 0, 2+4*len(c))), nil
}

func (c Counts) appendJSON(b []byte) []byte {
	b = append(b, '[')
	for i, v := range c {
		if i > 0 {
			b = append(b, ',')
		}
		if v.Known {
			b = strconv.AppendInt(b, v.N, 10)
		} else {
			b = append(b, "null"...)
		}
	}
	return append(b, ']')
}

// UnmarshalJSON reads an array of whole numbers and nulls, or null for none.
func (c *Counts) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*c = nil
		return nil
	}
	if len(b) < 2 || b[0] != '[' || b[len(b)-1] != ']' {
		return fmt.Errorf("%.40q is not an array of counts", b)
	}
	inner := b[1 : len(b)-1]
	*c = make(Counts, 0, bytes.Count(inner, []byte(","))+1)
	if len(bytes.TrimSpace(inner)) == 0 {
		return nil
	}
	for len(inner) > 0 {
		word, rest, more := bytes.Cut(inner, []byte(","))
		v, err := parseCount(word)
		if err != nil {
			return err
		}
		*c = append(*c, v)
		if inner = rest; more && len(rest) == 0 {
			return fmt.Errorf("%.40q ends with a comma", b)
		}
	}
	return nil
}

// parseCount reads a whole number or null.
func parseCount(word []byte) (license.Count, error) {
	if n := 0; len(word) > 0 && len(word) < 10 {
		for _, d := range word {
			if d < '0' || d > '9' {
				n = -1
				break
			}
			n = 10*n + int(d-'0')
		}
		if n >= 0 {
			return license.Of(int64(n)), nil
		}
	}
	var v license.Count
	return v, v.UnmarshalJSON(bytes.TrimSpace(word))
}
