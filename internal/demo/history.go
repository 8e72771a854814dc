package demo

import (
	"time"

	"headroom/internal/license"
	"headroom/internal/sim"
	"headroom/internal/wire"
)

// unreachable is what the simulated lmutil's failed readings say.
const unreachable = "Cannot connect to license server system. (-15,570:111 \"Connection refused\")"

// history returns what an agent would have recorded of a server in a time: its
// readings as runs, and the readings that failed.
func history(s *sim.Server, from, to time.Time) []wire.Record {
	var out []wire.Record
	var run *wire.Samples
	for at := range s.Instants(from, to) {
		readings := s.Readings(at)
		if readings == nil {
			out = append(out, &wire.Failed{At: at.Unix(), Reason: unreachable})
			continue
		}
		if run == nil {
			run = newRun(s, readings)
		}
		for i, r := range readings {
			addReading(&run.Pools[i], len(run.At), r)
		}
		run.At = append(run.At, at.Unix())
	}
	if run != nil {
		for i := range run.Pools {
			leaveOut(&run.Pools[i])
		}
		out = append(out, run)
	}
	return out
}

// newRun is a run of readings like these, without their values.
func newRun(s *sim.Server, like []license.Reading) *wire.Samples {
	run := &wire.Samples{Interval: int64(sim.Interval / time.Second), Complete: true, Source: s.Manager, Own: true}
	for _, r := range like {
		run.Pools = append(run.Pools, wire.SampledPool{PoolKey: wire.PoolKey(r.Pool), Vendor: r.Daemon, State: r.State.String()})
	}
	return run
}

// counts are the arrays of a pool.
func counts(p *wire.SampledPool) [6]*wire.Counts {
	return [...]*wire.Counts{&p.InUse, &p.Installed, &p.Reserved, &p.Borrowed, &p.Queued, &p.Overdraft}
}

// addReading adds the values of instant number n.
func addReading(p *wire.SampledPool, n int, r license.Reading) {
	for i, v := range [...]license.Count{r.InUse, r.Installed, r.Reserved, r.Borrowed, r.Queued, r.Overdraft} {
		addCount(counts(p)[i], n, v)
	}
}

// addCount adds the value of instant number n. As long as all are equal, one
// stands for them.
func addCount(values *wire.Counts, n int, v license.Count) {
	switch {
	case n == 0:
		*values = wire.Counts{v}
	case len(*values) > 1:
		*values = append(*values, v)
	case (*values)[0] != v:
		first := (*values)[0]
		*values = make(wire.Counts, n, 4096)
		for i := range *values {
			(*values)[i] = first
		}
		*values = append(*values, v)
	}
}

// leaveOut leaves out values that are not told.
func leaveOut(p *wire.SampledPool) {
	for _, values := range counts(p) {
		if values != &p.InUse && len(*values) == 1 && !(*values)[0].Known {
			*values = nil
		}
	}
}
