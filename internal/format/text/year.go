package text

import "time"

// yearSlack is how far a yearless time may lie after the time of the text:
// clocks differ, and zones.
const yearSlack = 24 * time.Hour

// yearsBack is how many years a weekday is looked for in the past. Within six
// years nearly every date falls on every weekday.
const yearsBack = 6

// leapGap is the longest time in years without a 29 February.
const leapGap = 8

// A Yearless is a date as many tools print it: without its year.
type Yearless struct {
	Month      time.Month
	Day        int
	Clock      Clock
	Weekday    time.Weekday
	HasWeekday bool
}

// Resolve finds the year of y in a text that was printed at ref, whose times
// are those of zone. It is the latest year in which y does not lie more than
// a day after ref, and, if y has a weekday, the latest one that has it too, up
// to six years back. odd reports that no year fits the weekday, or that the
// date is in no calendar; the time is then the best guess, or zero.
func (y Yearless) Resolve(ref time.Time, zone *time.Location) (t time.Time, odd bool) {
	limit := ref.Add(yearSlack)
	year := ref.In(zone).Year()
	// A start right after midnight of New Year, seen by a clock that is behind.
	if d, ok := y.in(year + 1); ok && y.HasWeekday && d.Weekday() == y.Weekday && !d.At(y.Clock, zone).After(limit) {
		return d.At(y.Clock, zone), false
	}
	first, ok := y.latest(year, limit, zone)
	if !ok {
		return time.Time{}, true
	}
	if !y.HasWeekday {
		return first.At(y.Clock, zone), false
	}
	for back := range yearsBack + 1 {
		if d, ok := y.in(first.Year - back); ok && d.Weekday() == y.Weekday {
			return d.At(y.Clock, zone), false
		}
	}
	return first.At(y.Clock, zone), true
}

// latest returns y in the latest year up to year in which it exists and is
// not after limit.
func (y Yearless) latest(year int, limit time.Time, zone *time.Location) (Day, bool) {
	for back := range leapGap + 2 {
		if d, ok := y.in(year - back); ok && !d.At(y.Clock, zone).After(limit) {
			return d, true
		}
	}
	return Day{}, false
}

func (y Yearless) in(year int) (Day, bool) {
	d := Day{year, y.Month, y.Day}
	return d, d.exists()
}
