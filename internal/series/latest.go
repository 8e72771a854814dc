package series

import (
	"cmp"
	"slices"

	"headroom/internal/license"
)

// Latest returns the newest values of a pool before the instant to, however
// old they are: its newest sample that tells the use. Where a log goes on
// longer, the use is the log's, At the last second for which it vouches, and
// the other fields are those of the sample. What is imported does not count
// while a live reading holds.
//
// ok is false where the days tell no use; then s is the newest sample, for its
// State. gone says that a newer complete round does not have the pool any more.
// The days are ascending.
func Latest(days []Day, pool PoolID, to int64) (s Sample, ok, gone bool) {
	var goneAt, liveUntil int64
	for i := range days {
		p := days[i].pool(pool)
		samples := p.Samples
		for _, r := range days[i].Rounds {
			if r.At >= to {
				break
			}
			has := len(samples) > 0 && samples[0].At == r.At
			hidden := r.Imported && r.At < liveUntil
			if !r.Imported {
				liveUntil = r.At + r.Hold
			}
			switch {
			case hidden:
			case has:
				gone = false
				if samples[0].InUse.Known || !ok {
					s, ok = samples[0], samples[0].InUse.Known
				}
			case r.Complete:
				s, ok, gone, goneAt = Sample{}, false, true, r.At
			}
			if has {
				samples = samples[1:]
			}
		}
		at, inUse, logs, imported := lastLogged(p, to)
		if !logs || gone && at < goneAt || ok && (at < s.At || s.reserves() || imported && at < liveUntil) {
			continue
		}
		s.At, s.InUse, ok, gone = at, license.Of(inUse), true, false
	}
	return s, ok, gone
}

// pool returns the day of a pool; it is empty if the day has nothing of it.
func (d *Day) pool(id PoolID) PoolDay {
	i, ok := slices.BinarySearchFunc(d.Pools, id, func(p PoolDay, id PoolID) int { return cmp.Compare(p.Pool, id) })
	if !ok {
		return PoolDay{Pool: id}
	}
	return d.Pools[i]
}

// lastLogged returns the last second before to for which a log vouches, its
// value, and whether that was imported.
func lastLogged(p PoolDay, to int64) (at, inUse int64, ok, imported bool) {
	for _, s := range p.Spans {
		if s.From >= to {
			break
		}
		at, ok, imported = min(s.To, to)-1, true, s.Imported
	}
	for _, s := range p.Steps {
		if s.At > at {
			break
		}
		inUse = s.InUse
	}
	return at, inUse, ok, imported
}

func (s *Sample) reserves() bool { return s.Reserved.Known && s.Reserved.N > 0 }
