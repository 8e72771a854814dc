package dsls

import (
	"strings"
	"time"
	"unicode"

	"headroom/internal/format/text"
)

// An order says where in a date of three numbers year, month and day stand.
type order struct{ year, month, day int }

var (
	yearMonthDay = order{0, 1, 2}
	dayMonthYear = order{2, 1, 0}
	monthDayYear = order{2, 0, 1}
)

// A calendar finds out in which order the locale of an output writes dates. No
// single date tells it for sure, but all of one output have the same order:
// the one in which most of them are dates at all (no month above 12), and where
// that leaves a choice, the one that is usual for their style.
type calendar struct {
	zone  *time.Location
	votes map[order]int
	first stamp
	seen  bool
}

func newCalendar(zone *time.Location) *calendar {
	if zone == nil {
		zone = time.UTC
	}
	return &calendar{zone: zone, votes: map[order]int{}}
}

// observe takes a date of the output into account.
func (c *calendar) observe(s string) {
	st, ok := readStamp(s)
	if !ok || st.month != 0 {
		return
	}
	if !c.seen {
		c.first, c.seen = st, true
	}
	for _, o := range st.usual() {
		if _, ok := st.on(o, c.zone); ok {
			c.votes[o]++
		}
	}
}

// instant returns the instant of a date in UTC; zero if it is none.
func (c *calendar) instant(s string) time.Time {
	st, ok := readStamp(s)
	if !ok {
		return time.Time{}
	}
	best := order{}
	for _, o := range c.first.usual() {
		if best == (order{}) || c.votes[o] > c.votes[best] {
			best = o
		}
	}
	at, _ := st.on(best, c.zone)
	return at
}

// A stamp is a date and a time of day as some locale prints them.
type stamp struct {
	date  []figure   // three, or two if the month is a word
	month time.Month // if it is a word
	clock text.Clock
	noon  marker
	point rune // what divides the numbers of the date
	loose bool // a blank follows it
}

// A figure is a number as printed.
type figure struct {
	value  int
	digits int
	colon  bool // a colon stands before or behind it
}

// A marker is the word for the half of the day.
type marker struct {
	pm, am   bool
	american bool // AM or PM, in capitals
	asian    bool
}

// markers are the words for the halves of the day, in lower case.
var markers = map[string]marker{
	"am": {am: true}, "pm": {pm: true},
	"上午": {am: true, asian: true}, "下午": {pm: true, asian: true},
	"午前": {am: true, asian: true}, "午後": {pm: true, asian: true},
	"오전": {am: true, asian: true}, "오후": {pm: true, asian: true},
}

// fillers are words between numbers that say what we know by their place.
var fillers = map[string]bool{"年": true, "月": true, "日": true, "년": true, "월": true, "일": true, "t": true}

// dotted joins markers that would be two words.
var dotted = strings.NewReplacer("a.m.", "am", "p.m.", "pm")

// maxStamp is longer than any date.
const maxStamp = 60

// readStamp divides a date into its parts. Separators, blanks of any kind and
// the place of the marker do not matter.
func readStamp(s string) (stamp, bool) {
	var st stamp
	var all []figure
	if len(s) > maxStamp {
		return st, false
	}
	s = dotted.Replace(s)
	for s != "" {
		digits := span(s, isDigit)
		letters := span(s, unicode.IsLetter)
		switch {
		case digits > 0:
			n, ok := text.ParseCount(s[:digits])
			if !ok || digits > 4 {
				return st, false
			}
			all = append(all, figure{value: int(n), digits: digits})
			s = s[digits:]
		case letters > 0:
			if !st.word(s[:letters]) {
				return st, false
			}
			s = s[letters:]
		default:
			n := span(s, func(r rune) bool { return !isDigit(r) && !unicode.IsLetter(r) })
			st.divide(all, s[:n], n < len(s) && isDigit(rune(s[n])))
			s = s[n:]
		}
	}
	return st, st.assign(all)
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// span returns how many bytes at the front of s are letters of a kind.
func span(s string, kind func(rune) bool) int {
	for i, r := range s {
		if !kind(r) {
			return i
		}
	}
	return len(s)
}

// word takes the name of a month or a half of the day.
func (st *stamp) word(s string) bool {
	lower := strings.ToLower(s)
	if m, ok := markers[lower]; ok {
		st.noon = m
		st.noon.american = s == "AM" || s == "PM"
		return true
	}
	if fillers[lower] {
		return true
	}
	month, ok := text.Month(s)
	st.month = month
	return ok
}

// divide notes what stands between two figures.
func (st *stamp) divide(before []figure, s string, figureFollows bool) {
	point := strings.TrimSpace(s)
	if len(before) == 1 && point != "" {
		st.point, st.loose = rune(point[0]), len(s) > len(point)
	}
	if point == ":" && len(before) > 0 && figureFollows {
		before[len(before)-1].colon = true
	}
}

// assign divides the figures among date and time of day.
func (st *stamp) assign(all []figure) bool {
	dates := 3
	if st.month != 0 {
		dates = 2
	}
	clock := len(all)
	for i, f := range all {
		if f.colon {
			clock = i
			break
		}
	}
	if clock == len(all) {
		clock = min(dates, len(all)) // 19.59.00
	}
	st.date = all[:clock]
	return len(st.date) == dates && st.setClock(all[clock:])
}

// setClock reads the figures of the time of day; there may be none.
func (st *stamp) setClock(f []figure) bool {
	if len(f) != 0 && len(f) != 2 && len(f) != 3 {
		return false
	}
	for i, to := range []*int{&st.clock.Hour, &st.clock.Minute, &st.clock.Second}[:len(f)] {
		*to = f[i].value
	}
	half := st.noon.am || st.noon.pm
	switch {
	case half && st.clock.Hour > 12:
		return false
	case st.noon.pm && st.clock.Hour < 12:
		st.clock.Hour += 12
	case st.noon.am && st.clock.Hour == 12:
		st.clock.Hour = 0
	}
	return st.clock.Hour < 24 && st.clock.Minute < 60 && st.clock.Second < 60
}

// usual returns the orders that a date of this style can have, the most usual
// one first.
func (st *stamp) usual() []order {
	switch {
	case st.noon.asian, st.point == '.' && st.loose:
		return []order{yearMonthDay, dayMonthYear, monthDayYear}
	case st.point == '/' && st.noon.american:
		return []order{monthDayYear, dayMonthYear, yearMonthDay}
	}
	return []order{dayMonthYear, monthDayYear, yearMonthDay}
}

// on returns the instant of the stamp if its date is in that order.
func (st *stamp) on(o order, zone *time.Location) (time.Time, bool) {
	var year, day figure
	month := st.month
	if month != 0 {
		day, year = st.date[0], st.date[1]
		if day.digits == 4 {
			day, year = year, day
		}
	} else {
		year, day = st.date[o.year], st.date[o.day]
		month = time.Month(st.date[o.month].value)
	}
	if year.digits == 2 {
		year.value += 2000
	}
	if year.value < 1970 || year.value >= 9999 || month < 1 || month > 12 || day.value < 1 || day.value > daysIn(year.value, month) {
		return time.Time{}, false
	}
	return text.Day{Year: year.value, Month: month, Day: day.value}.At(st.clock, zone).UTC(), true
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
