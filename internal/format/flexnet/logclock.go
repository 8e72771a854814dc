package flexnet

import (
	"bytes"
	"time"

	"headroom/internal/format/text"
)

const (
	logDay     = 24 * 60 * 60
	logHalfDay = logDay / 2
	// logUndated is where the seconds of an undated log begin: below every
	// real instant, and in order among themselves.
	logUndated = -1 << 40
	// logDisorder is how many seconds the lines of two processes may be out of
	// order.
	logDisorder = 60
)

// A logClock turns the times of day of a log into instants. Only a step back
// by more than 12 hours is midnight; a smaller one is the end of daylight
// saving time, or a clock that was set.
type logClock struct {
	zone  *time.Location
	dated bool
	day   int64 // days since 1970; in an undated log since its first line
	tod   int32 // of the line before, in seconds; -1 before the first

	flat          bool  // the zone's offset does not change around this day
	base          int64 // instant of 0:00, if flat
	before, after int64 // the zone's offset around the day, if not flat
	last          int64 // the latest instant so far
	wall          int64 // of the line, as if its clock were UTC
	back          bool  // a line went back in time, and no date has explained it yet
}

func newLogClock(zone *time.Location) logClock {
	if zone == nil {
		zone = time.UTC
	}
	c := logClock{zone: zone, tod: -1, last: logUndated}
	c.setDay(0)
	return c
}

// tick goes on to a line with that time of day and returns its instant.
func (c *logClock) tick(tod int32) int64 {
	step := tod - c.tod
	if c.tod >= 0 && (step < -logHalfDay || step > logDay-logDisorder) {
		if step > 0 { // written late: it belongs to the day that has just ended
			return c.yesterday(tod)
		}
		c.setDay(c.day + 1)
	}
	c.tod = tod
	c.wall = c.day*logDay + int64(tod)
	if c.flat {
		at := c.base + int64(tod)
		if at >= c.last {
			c.last = at
			return at
		}
	}
	at := c.resolve(tod)
	if step < 0 && c.last-at > logDisorder {
		c.back = true
	}
	c.last = max(c.last, at)
	return at
}

// resolve returns the instant of a time of today.
func (c *logClock) resolve(tod int32) int64 {
	if c.flat {
		return c.base + int64(tod)
	}
	return c.changing(tod)
}

func (c *logClock) yesterday(tod int32) int64 {
	day := *c
	day.setDay(c.day - 1)
	c.wall = day.day*logDay + int64(tod)
	return day.resolve(tod)
}

// changing resolves a time of day near a change of the zone's offset. A time
// that comes twice is the first one, unless the log is already past that. One
// that does not exist is read with the offset before the change.
func (c *logClock) changing(tod int32) int64 {
	wall := c.day*logDay + int64(tod)
	first, second := wall-c.before, wall-c.after
	if c.offset(first) != c.before {
		if c.offset(second) == c.after {
			return second
		}
		return first // skipped by the change
	}
	if c.offset(second) == c.after && second > first && first < c.last-logDisorder {
		return second
	}
	return first
}

func (c *logClock) offset(at int64) int64 {
	_, o := time.Unix(at, 0).In(c.zone).Zone()
	return int64(o)
}

func (c *logClock) setDay(day int64) {
	c.day = day
	if !c.dated {
		c.flat, c.base = true, logUndated+day*logDay
		return
	}
	c.before = c.offset(day*logDay - 15*60*60) // no zone is further from UTC
	c.after = c.offset((day+1)*logDay + 15*60*60)
	c.flat, c.base = c.before == c.after, day*logDay-c.before
}

// anchor takes the date from a line: a day and, where the line tells it, the
// time of day that belongs to it (else -1). It returns the line's instant and
// by how many days the clock was wrong.
func (c *logClock) anchor(day int64, at int32) (instant, wrong int64) {
	day = dayAt(day, at, c.tod)
	if c.dated {
		wrong = day - c.day
	}
	if wrong != 0 || !c.dated {
		c.dated = true
		c.setDay(day)
		if wrong < 0 {
			c.last = 0
		}
	}
	c.back = false
	c.wall = c.day*logDay + int64(c.tod)
	instant = c.resolve(c.tod)
	c.last = max(c.last, instant)
	return instant, wrong
}

// dayAt returns the day of a line at tod, when its text was made on that day
// at that time: seconds earlier or later, so perhaps across midnight.
func dayAt(day int64, at, tod int32) int64 {
	switch {
	case at < 0:
		return day
	case at-tod > logHalfDay:
		return day + 1
	case tod-at > logHalfDay:
		return day - 1
	}
	return day
}

// A logDate is a date that a line tells: a day since 1970 and, if told, the
// time of day that belongs to it (else -1).
type logDate struct {
	day   int64
	at    int32
	start bool // the line is part of a server's start block
}

// logDateOf returns the date in the text of a line, if it is one that tells
// when it was written.
func logDateOf(line []byte) (logDate, bool) {
	switch line[0] {
	case '(':
		return logStatisticsDate(line)
	case 'T':
		if rest, ok := bytes.CutPrefix(line, []byte("TIMESTAMP ")); ok {
			day, ok := logSlashDay(bytes.TrimSpace(rest))
			return logDate{day: day, at: -1}, ok
		}
	case 'S':
		if rest, ok := bytes.CutPrefix(line, []byte("Server's System Date and Time:")); ok {
			d, ok := logLongDate(rest)
			d.start = true
			return d, ok
		}
	case 'F':
		day, ok := logStartedOn(line)
		return logDate{day: day, at: -1, start: true}, ok
	}
	return logDate{}, false
}

// logStatisticsDate reads "(@daemon-SLOG@) Time: ..." and "... Start-Date: ...".
// Other dates in statistics are of something past.
func logStatisticsDate(line []byte) (logDate, bool) {
	i := bytes.IndexByte(line, ')')
	if i < 0 || i+2 >= len(line) {
		return logDate{}, false
	}
	line = line[i+2:]
	switch line[0] {
	case 'T':
		if rest, ok := bytes.CutPrefix(line, []byte("Time:")); ok {
			return logLongDate(rest)
		}
	case 'S':
		if rest, ok := bytes.CutPrefix(line, []byte("Start-Date:")); ok {
			return logLongDate(rest)
		}
	}
	return logDate{}, false
}

// logStartedOn reads "FlexNet Licensing (v11.14) started on HOST (os) (7/27/2018)".
func logStartedOn(line []byte) (int64, bool) {
	line = bytes.TrimRight(line, " \t")
	i := bytes.LastIndexByte(line, '(')
	if i < 0 || line[len(line)-1] != ')' || !bytes.Contains(line, []byte(" started on ")) {
		return 0, false
	}
	return logSlashDay(line[i+1 : len(line)-1])
}

// logSlashDay reads M/D/YYYY, which all versions and locales print.
func logSlashDay(b []byte) (int64, bool) {
	month, rest, ok1 := bytes.Cut(b, []byte{'/'})
	day, year, ok2 := bytes.Cut(rest, []byte{'/'})
	m, ok3 := logNumber(month)
	d, ok4 := logNumber(day)
	y, ok5 := logNumber(year)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || len(year) != 4 {
		return 0, false
	}
	return logDayNumber(int(y), time.Month(m), int(d))
}

// logLongDate reads "Thu Jun 09 2022 10:25:31 <zone name in any language>".
func logLongDate(b []byte) (logDate, bool) {
	f := bytes.Fields(b)
	if len(f) < 5 {
		return logDate{}, false
	}
	m, ok1 := text.Month(string(f[1]))
	d, ok2 := logNumber(f[2])
	y, ok3 := logNumber(f[3])
	tod, n := logTimeOfDay(f[4])
	if !ok1 || !ok2 || !ok3 || n != len(f[4]) {
		return logDate{}, false
	}
	day, ok := logDayNumber(int(y), m, int(d))
	return logDate{day: day, at: tod}, ok
}

// logDayNumber counts days since 1970. It refuses dates that do not exist and
// years in which no license server ran.
func logDayNumber(year int, month time.Month, day int) (int64, bool) {
	if year < 1980 || year > 2999 || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, false
	}
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return t.Unix() / logDay, t.Day() == day
}

// logNumber reads a number without sign, of up to 18 digits.
func logNumber[T []byte | string](b T) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(b) {
		if b[i]-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(b[i]-'0')
	}
	return n, true
}

// logTimeOfDay reads H:MM:SS or HH:MM:SS at the front of b, and H:MM of the
// oldest daemons. It returns the seconds since midnight and the bytes used; 0
// bytes if there is no time.
func logTimeOfDay(b []byte) (tod int32, n int) {
	hour := int32(0)
	for n < len(b) && n < 2 && b[n]-'0' <= 9 {
		hour = hour*10 + int32(b[n]-'0')
		n++
	}
	if n == 0 || hour > 23 || len(b) < n+3 || b[n] != ':' {
		return 0, 0
	}
	minute, ok := logTwoDigits(b[n+1], b[n+2])
	if !ok {
		return 0, 0
	}
	tod, n = hour*3600+minute*60, n+3
	if len(b) < n+3 || b[n] != ':' {
		return tod, n
	}
	second, ok := logTwoDigits(b[n+1], b[n+2])
	if !ok {
		return 0, 0
	}
	return tod + second, n + 3
}

// logTwoDigits reads a number from 00 to 59.
func logTwoDigits(a, b byte) (int32, bool) {
	a, b = a-'0', b-'0'
	return int32(a)*10 + int32(b), a <= 5 && b <= 9
}
