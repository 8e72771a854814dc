package usage

import (
	"time"

	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// checkDays is how many UTC days with a log are looked at for differences, and
// checkBack how far back.
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

// check compares the readings of one server's pools with their log, in the last
// days of a span that have one.
func (e *estate) check(lines []line, span insight.Span) (out Check, err error) {
	for _, l := range lines {
		first, last := series.DayOf(max(span.From, l.pool.First)), series.DayOf(span.To-1)
		seen := 0
		for day := last; day >= max(first, last-checkBack) && seen < checkDays; day-- {
			if l.track.Ordinary(day) {
				continue
			}
			seen++
			blocks, err := e.reader.Blocks(day)
			if err != nil {
				return Check{}, err
			}
			d, err := blocks.Read(l.server.ID, l.pool.ID)
			if err != nil {
				return Check{}, err
			}
			c := series.Compare(&d, l.pool.ID)
			out.Compared, out.Differ = out.Compared+c.Compared, out.Differ+c.Differ
			if c.At > out.At {
				out.At, out.Pool, out.Reading, out.Log = c.At, l.pool.Key, c.Reading, c.Log
			}
			if start := time.Unix(series.DayStart(day), 0).UTC(); c.Compared > 0 && (out.From.IsZero() || start.Before(out.From)) {
				out.From = start
			}
		}
	}
	return out, nil
}
