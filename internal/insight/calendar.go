package insight

import "time"

// Days divides [from, to) at the beginnings of the zone's calendar days. The
// first and the last span are cut to it. A day has the length that the calendar
// gives it, daylight saving and all; one that the zone leaves out does not
// appear.
func Days(from, to time.Time, zone *time.Location) []Span { return calendar(from, to, zone, 0, 0, 1) }

// Months divides [from, to) at the beginnings of calendar months, as Days does.
func Months(from, to time.Time, zone *time.Location) []Span {
	return calendar(from, to, zone, 0, 1, 0)
}

// Years divides [from, to) at the beginnings of calendar years, as Days does.
func Years(from, to time.Time, zone *time.Location) []Span { return calendar(from, to, zone, 1, 0, 0) }

// calendar divides [from, to) at every date that is a number of years, months
// and days after another.
func calendar(from, to time.Time, zone *time.Location, years, months, days int) []Span {
	// A date is kept as its midnight in UTC. The clock may have been put back
	// over midnight, so that the date of from began after from: one day earlier.
	y, m, d := from.In(zone).AddDate(0, 0, -1).Date()
	if days == 0 {
		d = 1
	}
	if days+months == 0 {
		m = time.January
	}
	date := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	var out []Span
	for begin := startOf(date, zone); begin < to.Unix(); {
		date = date.AddDate(years, months, days)
		end := startOf(date, zone)
		s := Span{max(begin, from.Unix()), min(end, to.Unix())}
		if s.From < s.To {
			out = append(out, s)
		}
		begin = end
	}
	return out
}

// startOf returns the first instant at which the zone's calendar shows the
// date, or a later one where it leaves the date or its midnight out. Days
// begin there: what the clock shows again after it was put back over midnight
// belongs to the later day.
func startOf(date time.Time, zone *time.Location) int64 {
	// No zone is as far as 26 hours from UTC.
	for t := date.Add(-26 * time.Hour).In(zone); ; {
		_, offset := t.Zone()
		begin := max(date.Unix()-int64(offset), t.Unix())
		_, end := t.ZoneBounds()
		if end.IsZero() || begin < end.Unix() {
			return begin
		}
		t = end
	}
}

// DayStart returns the beginning of the calendar day of t.
func DayStart(t time.Time, zone *time.Location) time.Time {
	return last(Days(t.Add(-48*time.Hour), t.Add(time.Second), zone))
}

// MonthStart returns the beginning of the calendar month of t.
func MonthStart(t time.Time, zone *time.Location) time.Time {
	return last(Months(t.AddDate(0, 0, -40), t.Add(time.Second), zone))
}

func last(spans []Span) time.Time { return time.Unix(spans[len(spans)-1].From, 0) }

// Windows returns the windows of a peak that end now: the last 168 hours, and
// this calendar month of the zone.
func Windows(now time.Time, zone *time.Location) (last7, month Span) {
	to := now.Unix()
	return Span{to - 7*24*3600, to}, Span{MonthStart(now, zone).Unix(), to}
}
