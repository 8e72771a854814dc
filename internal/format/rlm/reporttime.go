package rlm

import (
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
)

// start begins a run of the server, or a file of one that goes on.
func (l *ReportLog) start(w []word) (facts.Event, bool) {
	if len(w) < 3 {
		return facts.Event{}, false
	}
	e, ok := l.fullStamp(w[len(w)-2:])
	if !ok {
		return e, false
	}
	if !l.goesOn {
		e.Kind = facts.Start
	}
	l.goesOn, l.listing = false, true
	clear(l.open)
	clear(l.waiting)
	return e, true
}

// fullStamp reads a date with its year, as the server writes it down every
// half hour.
func (l *ReportLog) fullStamp(w []word) (facts.Event, bool) {
	if len(w) != 2 {
		return facts.Event{}, false
	}
	day, ok1 := text.ParseSlashDay(w[0].text)
	clock, ok2 := readClock(w[1])
	if !ok1 || !ok2 {
		return facts.Event{}, false
	}
	l.calendar.day, l.dated = day, true
	return facts.Event{Kind: facts.Mark, At: l.wallAt(day, clock)}, true
}

func (l *ReportLog) wallAt(day text.Day, clock text.Clock) time.Time {
	l.minute = clock.Hour*60 + clock.Minute
	return l.wall.at(day, clock)
}

// instant returns the time of a record; zero if its date is not known.
func (l *ReportLog) instant(s stamp) time.Time {
	switch {
	case s.dated && l.dated:
		return l.wallAt(l.calendar.nearest(s.month, s.day), s.clock)
	case s.dated && !l.options.At.IsZero():
		at, _ := text.Yearless{Month: s.month, Day: s.day, Clock: s.clock}.Resolve(l.options.At, l.wall.zone)
		if at.IsZero() {
			return at
		}
		l.calendar.day, l.dated = text.Day{Year: at.Year(), Month: s.month, Day: s.day}, true
		return l.wallAt(l.calendar.day, s.clock)
	case !s.dated && l.dated:
		l.turnDay(s.clock)
		return l.wallAt(l.calendar.day, s.clock)
	}
	return time.Time{}
}

// turnDay finds the day of a time that has none: it is at most half a day from
// the last one.
func (l *ReportLog) turnDay(c text.Clock) {
	const halfDay = 12 * 60
	days := 0
	switch ahead := c.Hour*60 + c.Minute - l.minute; {
	case ahead > halfDay:
		days = -1
	case ahead < -halfDay:
		days = 1
	}
	d := l.calendar.day.Midnight().AddDate(0, 0, days)
	l.calendar.day = text.Day{Year: d.Year(), Month: d.Month(), Day: d.Day()}
}

// request reads what somebody asked of the server.
func (l *ReportLog) request(kind facts.Kind, w []word) (facts.Event, bool) {
	who, stamp, ok := cutStamp(w)
	if !ok || len(who) < 2 {
		return facts.Event{}, false
	}
	return facts.Event{
		Kind: kind, At: l.instant(stamp), User: join(who[:len(who)-1]), Host: who[len(who)-1].text,
	}, true
}
