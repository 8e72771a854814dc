package rlm

import (
	"time"

	"headroom/internal/format/text"
)

const (
	// overlapMargin is more than any summer time lasts in its last night, and
	// less than the time between two changes of a zone.
	overlapMargin = 12 * time.Hour
	// outOfOrder is how far a line can lie behind the one before it: some tell
	// seconds, others only minutes.
	outOfOrder = 2 * time.Minute
)

// A wall is the clock of a license server as its log shows it.
type wall struct {
	zone     *time.Location
	now      time.Time // of the last line that tells its time
	earliest time.Time
	latest   time.Time
}

// at returns the instant of a time of day, in UTC. Of an hour that happens
// twice it is the first, unless the log has been there already. It is zero for
// a day that is in no calendar.
func (w *wall) at(d text.Day, c text.Clock) time.Time {
	if d.Midnight().Day() != d.Day {
		return time.Time{}
	}
	early, late := twice(d.At(c, w.zone))
	if early.Before(w.now.Add(-outOfOrder)) {
		early = late
	}
	w.now = early.UTC()
	if w.earliest.IsZero() || w.now.Before(w.earliest) {
		w.earliest = w.now
	}
	if w.now.After(w.latest) {
		w.latest = w.now
	}
	return w.now
}

// twice returns the two instants at which the clock shows what it shows at t.
// They differ only where it is set back.
func twice(t time.Time) (early, late time.Time) {
	_, now := t.Zone()
	_, before := t.Add(-overlapMargin).Zone()
	_, after := t.Add(overlapMargin).Zone()
	early = t.Add(time.Duration(now-before) * time.Second)
	late = t.Add(time.Duration(now-after) * time.Second)
	_, first := early.Zone()
	_, second := late.Zone()
	if before <= after || first != before || second != after {
		return t, t
	}
	return early, late
}

// turnOfYear is by how many days a date goes back where a year has passed.
// Clocks are set back by less, and a license server that stands still has
// nothing to write for months.
const turnOfYear = 7

// A calendar adds the year to dates that are told without it, one after the
// other.
type calendar struct{ day text.Day }

// next returns the day of a date that follows on the one before it.
func (c *calendar) next(month time.Month, day int) text.Day {
	if c.day.Month != 0 && ordinal(c.day.Month, c.day.Day)-ordinal(month, day) > turnOfYear {
		c.day.Year++
	}
	c.day.Month, c.day.Day = month, day
	return c.day
}

// nearest returns the day of a date in the year that brings it closest to the
// day that was last known: at the turn of a year events stand on both sides of
// the line that tells the new one.
func (c *calendar) nearest(month time.Month, day int) text.Day {
	const halfYear = 6 * 31
	year := c.day.Year
	switch ahead := ordinal(month, day) - ordinal(c.day.Month, c.day.Day); {
	case ahead > halfYear:
		year--
	case ahead < -halfYear:
		year++
	}
	c.day = text.Day{Year: year, Month: month, Day: day}
	return c.day
}

// ordinal numbers the days of a year as if every month had 31.
func ordinal(month time.Month, day int) int { return int(month)*31 + day }
