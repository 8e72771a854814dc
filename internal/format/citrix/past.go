package citrix

import (
	"cmp"
	"slices"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A Past is what a source tells about a pool's use at an instant, or as the
// highest of a time.
type Past struct {
	Pool      license.Pool
	From      time.Time
	To        time.Time // zero: InUse is of the instant From; else the highest in [From, To)
	InUse     license.Count
	Installed license.Count // known only where the source told it for that time
	Overdraft license.Count
	Line      int // 0 where the source has no lines
}

// Snapshots puts samples of equal instants together, ascending. They are not
// complete: a pool without a sample may have existed. Maxima are left out.
func Snapshots(past []Past) []license.Snapshot {
	sorted := slices.Clone(past)
	sorted = slices.DeleteFunc(sorted, func(p Past) bool { return !p.To.IsZero() })
	slices.SortStableFunc(sorted, func(a, b Past) int { return a.From.Compare(b.From) })
	var all []license.Snapshot
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n].From.Equal(sorted[0].From) {
			n++
		}
		all = append(all, snapshot(sorted[:n]))
		sorted = sorted[n:]
	}
	return all
}

// snapshot is of samples of one instant. Those of one pool are added: a pool
// here can be several of the source's.
func snapshot(same []Past) license.Snapshot {
	var all facts.Readings
	for _, p := range same {
		all.Add(license.Reading{Pool: p.Pool, Daemon: Daemon, State: license.StateCounted, InUse: p.InUse, Installed: p.Installed, Overdraft: p.Overdraft})
	}
	s := license.Snapshot{At: same[0].From, Readings: all.All()}
	slices.SortFunc(s.Readings, func(a, b license.Reading) int {
		return cmp.Or(cmp.Compare(a.Pool.Feature, b.Pool.Feature), cmp.Compare(a.Pool.Variant, b.Pool.Variant))
	})
	return s
}
