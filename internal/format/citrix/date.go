package citrix

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"headroom/internal/format/text"
)

// An order says which part of a date in numbers stands first.
type order uint8

const (
	anyOrder   order = iota // told by the numbers, or not at all
	monthFirst              // 2/13/2015
	dayFirst                // 13/2/2015
)

// A moment is a time as a source writes it: a day of the calendar, and perhaps
// a time of day.
type moment struct {
	at     time.Time
	timed  bool // it has a time of day
	zoned  bool // it says its zone; else it was read in the given one
	either bool // the order of month and day makes a difference, and nothing tells it
}

// Forms of times, most of them as .NET and WMI write them.
var (
	sharpDate = regexp.MustCompile(`^/?\\?/?Date\((-?\d+)([+-]\d+)?\)\\?/?$`)
	cimDate   = regexp.MustCompile(`^(\d{14})\.\d{6}([+-]\d{3})$`)
	saDate    = regexp.MustCompile(`^(\d{4})\.(\d{2})(\d{2})$`)
	numbered  = regexp.MustCompile(`^(\d{1,4})([/.\-])\s?(\d{1,2})[/.\-]\s?(\d{1,4})\.?,?(?:[T\s\x{202f}]+(.+))?$`)
	dayTime   = regexp.MustCompile(`(?i)^(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?(?:[\s\x{a0}\x{202f}]*(a|p)\.?[\s\x{a0}]?m\.?)?(Z)?$`)
)

// parseMoment reads a time. Times without a zone are those of zone.
func parseMoment(s string, zone *time.Location, o order) (moment, bool) {
	s = strings.TrimSpace(s)
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return moment{at: t.UTC(), timed: true, zoned: true}, true
	}
	if m := sharpDate.FindStringSubmatch(s); m != nil {
		ms, err := strconv.ParseInt(m[1], 10, 64)
		return moment{at: time.UnixMilli(ms).UTC(), timed: true, zoned: true}, err == nil
	}
	if m := cimDate.FindStringSubmatch(s); m != nil {
		t, err := time.Parse("20060102150405", m[1])
		minutes, _ := strconv.Atoi(m[2]) // three digits with a sign
		return moment{at: t.Add(-time.Duration(minutes) * time.Minute), timed: true, zoned: true}, err == nil
	}
	if m := saDate.FindStringSubmatch(s); m != nil {
		d, ok := calendar(m[1], m[2], m[3])
		return moment{at: d.Midnight(), zoned: true}, ok
	}
	if d, ok := text.ParseDashDay(s); ok && d.Year != 0 {
		return moment{at: d.Midnight(), zoned: true}, true
	}
	return parseNumbered(s, zone, o)
}

// parseNumbered reads dates such as 2/13/2015 6:01:40 AM, 13.02.2015 06:01 and
// 2015-02-13T06:01:40.
func parseNumbered(s string, zone *time.Location, o order) (moment, bool) {
	m := numbered.FindStringSubmatch(s)
	if m == nil {
		return moment{}, false
	}
	clock, timed, half, utc := text.Clock{}, m[5] != "", false, false
	if timed {
		var ok bool
		if clock, half, utc, ok = parseDayTime(m[5]); !ok {
			return moment{}, false
		}
	}
	first, second, third := m[1], m[3], m[4]
	either := false
	var d text.Day
	var ok bool
	switch {
	case len(first) == 4:
		d, ok = calendar(first, second, third)
	case len(third) != 4:
		return moment{}, false
	default:
		if o == anyOrder {
			o, either = guess(first, second, m[2], half)
		}
		if o == dayFirst {
			d, ok = calendar(third, second, first)
		} else {
			d, ok = calendar(third, first, second)
		}
	}
	if zone == nil || utc {
		zone = time.UTC
	}
	return moment{at: d.At(clock, zone).UTC(), timed: timed, zoned: utc, either: either}, ok
}

// guess says what the numbers tell of their order. Dots are written by those
// who begin with the day, AM and PM by those who begin with the month.
func guess(first, second, separator string, half bool) (o order, either bool) {
	a, _ := strconv.Atoi(first) // digits
	b, _ := strconv.Atoi(second)
	switch {
	case a > 12 || separator == "." && b <= 12:
		return dayFirst, false
	case b > 12 || half || a == b:
		return monthFirst, false
	}
	return monthFirst, true
}

// parseDayTime reads a time of day; half says that it is AM or PM.
func parseDayTime(s string) (c text.Clock, half, utc, ok bool) {
	m := dayTime.FindStringSubmatch(s)
	if m == nil {
		return c, false, false, false
	}
	c.Hour, _ = strconv.Atoi(m[1]) // digits
	c.Minute, _ = strconv.Atoi(m[2])
	c.Second, _ = strconv.Atoi("0" + m[3])
	if half = m[4] != ""; half {
		if c.Hour < 1 || c.Hour > 12 {
			return c, half, false, false
		}
		c.Hour %= 12
		if strings.EqualFold(m[4], "p") {
			c.Hour += 12
		}
	}
	return c, half, m[5] != "", c.Hour < 24 && c.Minute < 60 && c.Second < 60
}

// calendar returns a day that exists.
func calendar(year, month, day string) (text.Day, bool) {
	y, err1 := strconv.Atoi(year)
	m, err2 := strconv.Atoi(month)
	d, err3 := strconv.Atoi(day)
	at := text.Day{Year: y, Month: time.Month(m), Day: d}
	ok := err1 == nil && err2 == nil && err3 == nil && y > 0 && m >= 1 && m <= 12 && d >= 1 && at.Midnight().Day() == d
	return at, ok
}

// saDateOf returns a Subscription Advantage date as license files write it,
// YYYY.MMDD. Sources that tell it as a time mean midnight UTC. What is no date
// is returned as it is.
func saDateOf(s string, zone *time.Location) string {
	s = strings.TrimSpace(s)
	m, ok := parseMoment(s, zone, anyOrder)
	if !ok || m.either {
		return s
	}
	if !m.timed {
		return localDay(m, zone).Format("2006.0102")
	}
	return m.at.Format("2006.0102")
}

// localDay returns the day of the calendar that a moment without a time of day
// means.
func localDay(m moment, zone *time.Location) time.Time {
	if m.zoned || zone == nil {
		return m.at
	}
	return m.at.In(zone)
}

// instant reads a time that must be understood.
func instant(s string, zone *time.Location, o order) (time.Time, error) {
	m, ok := parseMoment(s, zone, o)
	switch {
	case !ok:
		return time.Time{}, fmt.Errorf("%q is no time that is known here", s)
	case m.either:
		return time.Time{}, fmt.Errorf("%q can be read in two ways: nothing tells whether the month or the day stands first", s)
	}
	return m.at, nil
}
