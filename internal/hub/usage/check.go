package usage

import (
	"slices"
	"time"

	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// checkDays is how many UTC days with a log are looked at for differences, of the
// closed ones and of the recent ones each, and checkBack how far back.
const (
	checkDays = 7
	checkBack = 31
)

// A Check says how the readings of a license server and its log agree. Where
// both tell the use of a pool, the log counts and the readings check it.
type Check struct {
	Compared int       // readings
	Differ   int       // of them
	From     time.Time // the first day that was compared; zero if there is none

	// The newest difference: what a reading says that people have in use, and
	// what the log says.
	At      int64
	Pool    license.Pool
	Reading int64
	Log     int64
}

// join adds what was compared in other days.
func (c Check) join(o Check) Check {
	if o.At > c.At {
		c.At, c.Pool, c.Reading, c.Log = o.At, o.Pool, o.Reading, o.Log
	}
	c.Compared, c.Differ = c.Compared+o.Compared, c.Differ+o.Differ
	if c.From.IsZero() || !o.From.IsZero() && o.From.Before(c.From) {
		c.From = o.From
	}
	return c
}

// checkOf compares the readings of one server's pools with their log, in the last
// days of a span that have one.
func checkOf(from insight.Reader, lines []*line, span insight.Span) (out Check, err error) {
	last := series.DayOf(span.To - 1)
	seen := 0
	for day := last; day >= max(series.DayOf(span.From), last-checkBack) && seen < checkDays; day-- {
		with := slices.DeleteFunc(slices.Clone(lines), func(l *line) bool { return l.track.Ordinary(day) })
		if len(with) == 0 {
			continue
		}
		seen++
		blocks, err := from.Blocks(day)
		if err != nil {
			return Check{}, err
		}
		for _, l := range with {
			d, err := blocks.Read(l.server.ID, l.pool.ID)
			if err != nil {
				return Check{}, err
			}
			c := series.Compare(&d, l.pool.ID)
			of := Check{Compared: c.Compared, Differ: c.Differ, At: c.At, Pool: l.pool.Key, Reading: c.Reading, Log: c.Log}
			if c.Compared > 0 {
				of.From = time.Unix(series.DayStart(day), 0).UTC()
			}
			out = out.join(of)
		}
	}
	return out, nil
}
