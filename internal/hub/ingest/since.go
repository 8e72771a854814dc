package ingest

import (
	"slices"

	"headroom/internal/series"
)

// Since returns what the batch says of the time from an instant on, in Unix
// seconds; what is before it was deleted for good. What the license server is
// stays, and so do the batches that will never come. None says that nothing is
// left of a batch that told something.
func (b *Batch) Since(at int64) (kept *Batch, none bool) {
	out := *b
	out.Pools, out.Days, out.Holders, out.Denials, out.Gaps, out.Assignments, out.Sources = nil, nil, nil, nil, nil, nil, nil
	for _, d := range b.Days {
		if d = series.Since(d, at); len(d.Rounds)+len(d.Pools) > 0 {
			out.Days = append(out.Days, d)
		}
	}
	if out.Reading < at {
		out.Reading = 0
	}
	if out.Failed.At < at {
		out.Failed = Failure{}
	}
	if b.Holders != nil && b.Holders.At >= at {
		h := *b.Holders
		h.List = slices.Clone(h.List)
		out.Holders = &h
	}
	if b.Sources != nil && b.Sources.At >= at {
		out.Sources = b.Sources
	}
	for _, d := range b.Denials {
		if d.At >= at {
			out.Denials = append(out.Denials, d)
		}
	}
	for _, g := range b.Gaps {
		if g.To >= at {
			g.From = max(g.From, at)
			out.Gaps = append(out.Gaps, g)
		}
	}
	for _, a := range b.Assignments {
		if a.At >= at {
			a.Assigned, a.Ended = slices.Clone(a.Assigned), slices.Clone(a.Ended)
			out.Assignments = append(out.Assignments, a)
		}
	}
	out.keepPools(b.Pools, at)
	return &out, b.tells() && !out.tells()
}

// tells says whether the batch says anything of a time.
func (b *Batch) tells() bool {
	return len(b.Days)+len(b.Denials)+len(b.Gaps)+len(b.Assignments) > 0 ||
		b.Holders != nil || b.Sources != nil || b.Failed != Failure{}
}

// keepPools keeps those pools that are still named, with what is told of them
// from an instant on.
func (b *Batch) keepPools(all []Pool, at int64) {
	place := make(map[int]int)
	of := func(old int) int {
		n, ok := place[old]
		if !ok {
			n = len(b.Pools)
			place[old] = n
			b.Pools = append(b.Pools, all[old].since(at))
		}
		return n
	}
	for i := range b.Days {
		d := &b.Days[i]
		d.Pools = slices.Clone(d.Pools)
		for j := range d.Pools {
			first, _ := d.First(d.Pools[j].Pool)
			n := of(int(d.Pools[j].Pool))
			if p := &b.Pools[n]; p.First == 0 || first < p.First {
				p.First = first
			}
		}
		for j := range d.Pools {
			d.Pools[j].Pool = series.PoolID(place[int(d.Pools[j].Pool)])
		}
		slices.SortFunc(d.Pools, func(x, y series.PoolDay) int { return int(x.Pool - y.Pool) })
	}
	if b.Holders != nil {
		for i := range b.Holders.List {
			b.Holders.List[i].Pool = of(b.Holders.List[i].Pool)
		}
	}
	for i := range b.Denials {
		b.Denials[i].Pool = of(b.Denials[i].Pool)
	}
	for _, a := range b.Assignments {
		for _, list := range [][]Assignee{a.Assigned, a.Ended} {
			for i := range list {
				list[i].Pool = of(list[i].Pool)
			}
		}
	}
}

// since returns a pool without what was told of it before an instant. When its
// first record was is not known by that alone.
func (p Pool) since(at int64) Pool {
	p.First = 0
	if p.VendorAt < at {
		p.Vendor, p.VendorAt = "", 0
	}
	if p.SharedAt < at {
		p.SharedWith, p.SharedAt = "", 0
	}
	return p
}
