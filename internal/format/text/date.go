package text

import (
	"strconv"
	"strings"
	"time"
)

const (
	months   = "janfebmaraprmayjunjulaugsepoctnovdec"
	weekdays = "sunmontuewedthufrisat"
)

// Month reads an English month by its first three letters, in any case:
// "Jan", "jan", "January".
func Month(s string) (time.Month, bool) {
	i, ok := third(months, s, func(i int) string { return time.Month(i + 1).String() })
	return time.Month(i + 1), ok
}

// Weekday reads an English weekday by its first three letters, in any case:
// "Mon", "monday".
func Weekday(s string) (time.Weekday, bool) {
	i, ok := third(weekdays, s, func(i int) string { return time.Weekday(i).String() })
	return time.Weekday(i), ok
}

// third finds s among names of three letters, or as one of the full names.
func third(short, s string, full func(int) string) (int, bool) {
	if len(s) < 3 || !ascii(s) {
		return 0, false
	}
	i := strings.Index(short, strings.ToLower(s[:3]))
	if i < 0 || i%3 != 0 {
		return 0, false
	}
	return i / 3, len(s) == 3 || strings.EqualFold(s, full(i/3))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// A Clock is a time of day.
type Clock struct{ Hour, Minute, Second int }

// ParseClock reads H:MM or H:MM:SS, 24 hours, padded or not.
func ParseClock(s string) (Clock, bool) {
	h, rest, ok := strings.Cut(s, ":")
	if !ok {
		return Clock{}, false
	}
	m, sec, withSeconds := strings.Cut(rest, ":")
	var c Clock
	var ok1, ok2 bool
	ok3 := true
	c.Hour, ok1 = number(h, 0, 23)
	c.Minute, ok2 = number(m, 0, 59)
	if withSeconds {
		c.Second, ok3 = number(sec, 0, 59)
	}
	return c, ok1 && ok2 && ok3 && len(m) == 2
}

// ParseMonthDay reads M/D, padded or not.
func ParseMonthDay(s string) (time.Month, int, bool) {
	m, d, ok := strings.Cut(s, "/")
	month, ok1 := number(m, 1, 12)
	day, ok2 := number(d, 1, 31)
	return time.Month(month), day, ok && ok1 && ok2
}

// A Day is a day of the calendar.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseSlashDay reads M/D/YYYY, padded or not.
func ParseSlashDay(s string) (Day, bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 || len(s)-i != 5 {
		return Day{}, false
	}
	m, d, ok1 := ParseMonthDay(s[:i])
	y, ok2 := number(s[i+1:], 1, 9999)
	day := Day{y, m, d}
	return day, ok1 && ok2 && day.exists()
}

// At returns the instant of a time of day on d in zone. A time that a change
// of the clocks skips moves by that change; of a time that happens twice it is
// one of the two.
func (d Day) At(c Clock, zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, c.Hour, c.Minute, c.Second, 0, zone)
}

// Weekday returns the day's weekday.
func (d Day) Weekday() time.Weekday { return d.Midnight().Weekday() }

func (d Day) exists() bool { return d.Midnight().Day() == d.Day }

// number reads digits only, within [low, high].
func number(s string, low, high int) (int, bool) {
	if s == "" || len(s) > 4 || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= low && n <= high
}
