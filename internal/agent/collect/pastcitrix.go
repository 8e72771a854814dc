package collect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"headroom/internal/format/citrix"
	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// readHistoricalUse reads a table of a Citrix License Server's past use, day by
// day. Rows of a day alone say the highest use of it; the last such day of the
// table may not be over, and is not told.
func readHistoricalUse(ctx context.Context, f text.File, o PastOptions, give func(Portion) error) error {
	h, err := citrix.ParseHistory(stoppable{ctx, wholeOf(f)}, o.Feature, facts.Options{Zone: o.Zone, CodePage: o.CodePage})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", f.Path, err)
	case h.Error != "":
		return fmt.Errorf("%s: %s", f.Path, h.Error)
	}
	past, err := closedDays(h.Past)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	for len(past) > 0 {
		portion := Portion{Day: utcDay(past[0].From), Read: f.Size}
		n := 0
		for n < len(past) && utcDay(past[n].From).Equal(portion.Day) {
			n++
		}
		portion.Maxima = maximaOf(past[:n])
		portion.Runs = historyRuns(past[:n])
		if err := give(portion); err != nil {
			return err
		}
		past = past[n:]
	}
	return nil
}

// closedDays sorts what a table tells by time and leaves out its last day, and
// what is told twice. What is told twice and differently is refused: whether the
// two are to be added is not known.
func closedDays(past []citrix.Past) ([]citrix.Past, error) {
	last := time.Time{}
	for _, p := range past {
		if !p.To.IsZero() {
			last = later(last, p.From)
		}
	}
	type poolDay struct {
		pool license.Pool
		from time.Time
	}
	told := map[poolDay]citrix.Past{}
	var out []citrix.Past
	for _, p := range past {
		if !p.To.IsZero() {
			key := poolDay{p.Pool, p.From}
			o, twice := told[key]
			switch {
			case p.From.Equal(last):
				continue
			case twice && (o.InUse != p.InUse || o.Installed != p.Installed || o.Overdraft != p.Overdraft):
				return nil, fmt.Errorf("lines %d and %d say different things of %s on the same day; a column that tells them apart is missing", o.Line, p.Line, p.Pool)
			case twice:
				continue
			}
			told[key] = p
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b citrix.Past) int { return a.From.Compare(b.From) })
	return out, nil
}

// maximaOf returns the highest use of times.
func maximaOf(past []citrix.Past) (out []Maximum) {
	for _, p := range past {
		if !p.To.IsZero() && p.InUse.Known {
			out = append(out, Maximum{Pool: p.Pool, Daemon: citrix.Daemon, From: p.From, To: p.To, InUse: p.InUse.N})
		}
	}
	return out
}

// historyRuns returns what was in use at instants, and what was installed on days
// of which the highest use is told.
func historyRuns(past []citrix.Past) (runs []Run) {
	samples := citrix.Snapshots(past)
	instants := make([]time.Time, len(samples))
	for i, s := range samples {
		instants[i] = s.At
	}
	gap := usualGap(instants)
	for _, s := range samples {
		runs = addSnapshot(runs, s, gap)
	}
	var days []Run
	for _, p := range past {
		if p.To.IsZero() || !p.Installed.Known {
			continue
		}
		r := license.Reading{Pool: p.Pool, Daemon: citrix.Daemon, State: license.StateCounted, Installed: p.Installed, Overdraft: p.Overdraft}
		s := license.Snapshot{At: p.From, Readings: []license.Reading{r}}
		if n := len(days); n > 0 && days[n-1].Snapshots[0].At.Equal(p.From) {
			s.Readings = append(days[n-1].Snapshots[0].Readings, r)
			days = days[:n-1]
		}
		days = append(days, Run{Interval: quietDay, Snapshots: []license.Snapshot{s}})
	}
	return append(runs, days...)
}
