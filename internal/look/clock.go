package look

import (
	"html/template"
	"math"
	"strings"
	"time"
)

// A Clock writes instants for people: in one zone, which stands with every
// time, and as ages seen from one instant.
type Clock struct {
	Now  time.Time
	Zone *time.Location // nil: UTC
}

// in returns t in the clock's zone.
func (c Clock) in(t time.Time) time.Time {
	if c.Zone == nil {
		return t.UTC()
	}
	return t.In(c.Zone)
}

// Text writes an instant with its zone: "24 Nov 2026, 14:05 CET".
func (c Clock) Text(t time.Time) string {
	t = c.in(t)
	return t.Format("2 Jan 2006, 15:04 ") + zoneName(t)
}

// DayText writes the day of an instant: "24 Nov 2026".
func (c Clock) DayText(t time.Time) string { return c.in(t).Format("2 Jan 2006") }

// ZoneText names the zone as it is now: "Europe/Berlin, CET".
func (c Clock) ZoneText() string {
	t := c.in(c.Now)
	name := zoneName(t)
	if loc := t.Location().String(); loc != name {
		return loc + ", " + name
	}
	return name
}

// Time writes an instant as a time element with its zone, and its seconds and
// UTC as title. The zero time is a dash: never.
func (c Clock) Time(t time.Time) template.HTML {
	if t.IsZero() {
		return None("never")
	}
	return element(t, c.exact(t), c.Text(t))
}

// Day writes the day of an instant as a time element with the whole instant
// as title.
func (c Clock) Day(t time.Time) template.HTML {
	if t.IsZero() {
		return None("never")
	}
	return element(t, c.exact(t), c.DayText(t))
}

// Age writes how long ago an instant was, with the instant as title.
func (c Clock) Age(t time.Time) template.HTML {
	if t.IsZero() {
		return None("never")
	}
	return element(t, c.exact(t), c.AgeText(t))
}

// AgeText writes how long ago an instant was: "3 minutes ago", or "in 10
// minutes" for one to come.
func (c Clock) AgeText(t time.Time) string {
	d := c.Now.Sub(t)
	if d < 0 {
		if d > -time.Minute {
			return "now"
		}
		return "in " + Length(-d)
	}
	if d < time.Minute {
		return "just now"
	}
	return Length(d) + " ago"
}

// exact writes an instant to the second, with UTC where that is another hour.
func (c Clock) exact(t time.Time) string {
	l := c.in(t)
	s := l.Format("Monday 2 January 2006, 15:04:05 ") + zoneName(l)
	if _, offset := l.Zone(); offset != 0 {
		s += " (" + t.UTC().Format("2 Jan 15:04:05") + " UTC)"
	}
	return s
}

// Length writes a duration in its largest fitting unit: "3 minutes", "2 days".
// It rounds down, so that three days is never said before they are over.
func Length(d time.Duration) string {
	hours := d.Hours()
	switch {
	case d < time.Minute:
		return Plural(int(d.Seconds()), "second", "seconds")
	case d < time.Hour:
		return Plural(int(d.Minutes()), "minute", "minutes")
	case hours < 48:
		return Plural(int(hours), "hour", "hours")
	case hours < 24*60:
		return Plural(int(hours/24), "day", "days")
	case hours < 24*730:
		return Plural(int(math.Floor(hours/24/30.44)), "month", "months")
	}
	return Plural(int(hours/24/365.25), "year", "years")
}

func element(t time.Time, title, text string) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `" title="` +
		template.HTMLEscapeString(title) + `">` + template.HTMLEscapeString(text) + `</time>`)
}

// zoneName names a zone for people: its abbreviation, or its offset where it
// has none ("UTC+03:30").
func zoneName(t time.Time) string {
	name, offset := t.Zone()
	if !strings.HasPrefix(name, "+") && !strings.HasPrefix(name, "-") {
		return name
	}
	if offset == 0 {
		return "UTC"
	}
	return "UTC" + t.Format("-07:00")
}
