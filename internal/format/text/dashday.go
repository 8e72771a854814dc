package text

import (
	"strings"
	"time"
)

// centuryTurn divides years of two digits: 70 and above are of the century
// before.
const centuryTurn = 70

// ParseDashDay reads D-Mon-YYYY, as license files write dates: day padded or
// not, English month in any case, year of four or two digits. A year of zero
// ("0", "00", "0000") is returned as 0.
func ParseDashDay(s string) (Day, bool) {
	d, rest, ok1 := strings.Cut(s, "-")
	m, y, ok2 := strings.Cut(rest, "-")
	if !ok1 || !ok2 || len(m) != 3 {
		return Day{}, false
	}
	day, ok1 := number(d, 1, 31)
	month, ok2 := Month(m)
	year, ok3 := number(y, 0, 9999)
	if !ok1 || !ok2 || !ok3 {
		return Day{}, false
	}
	if year == 0 {
		return Day{0, month, day}, true
	}
	switch {
	case len(y) == 2 && year >= centuryTurn:
		year += 1900
	case len(y) == 2:
		year += 2000
	case len(y) != 4:
		return Day{}, false
	}
	r := Day{year, month, day}
	return r, r.exists()
}

// Midnight returns the start of d in UTC.
func (d Day) Midnight() time.Time { return d.At(Clock{}, time.UTC) }
