package demo

import (
	"time"

	"headroom/internal/license"
	"headroom/internal/sim"
	"headroom/internal/wire"
)

// unreachable is what the simulated tool's failed readings say.
const unreachable = "Cannot connect to license server system. (-15,570:111 \"Connection refused\")"

// history returns what an agent would have recorded of a server in one UTC
// day: its readings as runs, and the readings that failed.
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
			run = &wire.Samples{Interval: int64(sim.Interval / time.Second), Complete: true, Source: "flexnet", Own: true}
			for _, r := range readings {
				run.Pools = append(run.Pools, wire.SampledPool{
					PoolKey: wire.PoolKey{Feature: r.Pool.Feature}, Vendor: r.Daemon, State: r.State.String(),
				})
			}
		}
		run.At = append(run.At, at.Unix())
		for i, r := range readings {
			addReading(&run.Pools[i], r)
		}
	}
	if run == nil {
		return out
	}
	for i := range run.Pools {
		shorten(&run.Pools[i])
	}
	return append(out, run)
}

func addReading(p *wire.SampledPool, r license.Reading) {
	p.InUse = append(p.InUse, r.InUse)
	p.Installed = append(p.Installed, r.Installed)
	p.Reserved = append(p.Reserved, r.Reserved)
	p.Borrowed = append(p.Borrowed, r.Borrowed)
	p.Queued = append(p.Queued, r.Queued)
	p.Overdraft = append(p.Overdraft, r.Overdraft)
}

// shorten writes a value that holds for the whole run once, and one that is
// not told not at all.
func shorten(p *wire.SampledPool) {
	for _, values := range []*wire.Counts{&p.InUse, &p.Installed, &p.Reserved, &p.Borrowed, &p.Queued, &p.Overdraft} {
		first := (*values)[0]
		same := true
		for _, v := range *values {
			same = same && v == first
		}
		if same {
			*values = (*values)[:1]
		}
		if same && !first.Known && values != &p.InUse {
			*values = nil
		}
	}
}
