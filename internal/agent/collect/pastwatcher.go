package collect

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/format/phplw"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// watcherRows is how many readings of a database are held at a time: a dump has
// them feature by feature, and they are told day by day.
const watcherRows = 1 << 20

// readWatcher reads a dump of phpLicenseWatcher's database. It goes through the
// dump several times if it is large.
func readWatcher(ctx context.Context, f text.File, o PastOptions, give func(Portion) error) error {
	d, err := phplw.Open(stoppable{ctx, wholeOf(f)}, o.Zone)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	server, err := watched(d, o.Watched)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	days := slices.Sorted(maps.Keys(d.Days))
	for len(days) > 0 {
		n, rows := 1, d.Days[days[0]]
		for n < len(days) && rows+d.Days[days[n]] <= watcherRows {
			rows += d.Days[days[n]]
			n++
		}
		var some []phplw.Reading
		err := d.Readings(stoppable{ctx, wholeOf(f)}, server, days[0], days[n-1]+1, func(r phplw.Reading) { some = append(some, r) })
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		if err := giveReadings(some, f.Size, give); err != nil {
			return err
		}
		days = days[n:]
	}
	return nil
}

// watched finds the license server that is meant.
func watched(d *phplw.Dump, name string) (int, error) {
	i := slices.IndexFunc(d.Servers, func(s phplw.Server) bool {
		return strings.EqualFold(s.Name, name) || name != "" && strings.EqualFold(s.Label, name)
	})
	if name == "" && len(d.Servers) == 1 {
		i = 0
	}
	if i >= 0 {
		return i, nil
	}
	var all []string
	for _, s := range d.Servers {
		all = append(all, fmt.Sprintf("%s (%s)", s.Name, s.Label))
	}
	return 0, fmt.Errorf("the database has watched %s; say with --watched which one is meant", cmp.Or(strings.Join(all, ", "), "no license server"))
}

// giveReadings hands out readings day by day, and in a day pool by pool.
func giveReadings(all []phplw.Reading, size int64, give func(Portion) error) error {
	slices.SortStableFunc(all, func(a, b phplw.Reading) int {
		return cmp.Or(utcDay(a.At).Compare(utcDay(b.At)), strings.Compare(a.Feature, b.Feature), a.At.Compare(b.At))
	})
	for len(all) > 0 {
		p := Portion{Day: utcDay(all[0].At), Read: size}
		n := 0
		var instants []time.Time
		for n < len(all) && utcDay(all[n].At).Equal(p.Day) {
			if all[n].Feature == all[0].Feature {
				instants = append(instants, all[n].At)
			}
			n++
		}
		gap := usualGap(instants)
		for i, r := range all[:n] {
			s := license.Snapshot{At: r.At, Readings: []license.Reading{{
				Pool: license.Pool{Feature: r.Feature}, State: license.StateCounted, InUse: license.Of(r.InUse),
			}}}
			if r.IsInstalled {
				s.Readings[0].Installed = license.Of(r.Installed)
			}
			if i > 0 && all[i-1].Feature == r.Feature {
				p.Runs = addSnapshot(p.Runs, s, gap)
				continue
			}
			p.Runs = append(p.Runs, Run{Interval: gap, Snapshots: []license.Snapshot{s}})
		}
		if err := give(p); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}
