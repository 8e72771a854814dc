package agent

import (
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/license"
	"headroom/internal/wire"
)

// history makes runs of what a server recorded of itself: one for each set of
// pools that it names together.
func history(snapshots []license.Snapshot, every time.Duration, source string) []wire.Record {
	runs := map[string]*wire.Samples{}
	for _, s := range snapshots {
		key := poolNames(s.Readings)
		run := runs[key]
		if run == nil {
			run = &wire.Samples{Interval: int64(every / time.Second), Imported: true, Source: source}
			for _, r := range s.Readings {
				run.Pools = append(run.Pools, wire.SampledPool{PoolKey: poolKey(r.Pool), Vendor: r.Daemon, State: r.State.String()})
			}
			runs[key] = run
		}
		run.At = append(run.At, s.At.Unix())
		for i, r := range s.Readings {
			run.Pools[i].InUse = append(run.Pools[i].InUse, r.InUse)
		}
	}
	var out []wire.Record
	for _, key := range slices.Sorted(maps.Keys(runs)) {
		out = append(out, runs[key])
	}
	return out
}

// poolNames tells sets of pools apart.
func poolNames(readings []license.Reading) string {
	var b strings.Builder
	for _, r := range readings {
		b.WriteString(r.Pool.String())
		b.WriteByte(0)
	}
	return b.String()
}
