package license

import (
	"bytes"
	"fmt"
	"strconv"
)

// A Count is a number of licenses that may be unknown. The zero Count is
// unknown: nothing becomes 0 by being forgotten.
type Count struct {
	N     int64
	Known bool
}

// Of returns the known count n.
func Of(n int64) Count { return Count{N: n, Known: true} }

// Plus adds two counts; the sum is known where both are.
func (c Count) Plus(d Count) Count {
	if !c.Known || !d.Known {
		return Count{}
	}
	return Of(c.N + d.N)
}

// String shows the number, or "unknown".
func (c Count) String() string {
	if !c.Known {
		return "unknown"
	}
	return strconv.FormatInt(c.N, 10)
}

// MarshalJSON writes the number, or null where it is unknown.
func (c Count) MarshalJSON() ([]byte, error) {
	if !c.Known {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, c.N, 10), nil
}

// UnmarshalJSON reads a whole number or null.
func (c *Count) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*c = Count{}
		return nil
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return fmt.Errorf("count %q is not a whole number", b)
	}
	*c = Of(n)
	return nil
}
