package series

import "slices"

// Imported says whether anything of a day was imported, and whether that counts
// anywhere: at a time at which nothing live is known of the license server. What
// holds from the day before is not looked at; the time before the first live
// reading is taken for live if that follows soon.
func Imported(d *Day) (any, counts bool) {
	if !d.hasImported() {
		return false, false
	}
	var live []Span
	for _, r := range d.Rounds {
		if !r.Imported {
			from := r.At
			if len(live) == 0 && r.At-r.Hold < DayStart(d.Number) {
				from = DayStart(d.Number)
			}
			live = append(live, Span{From: from, To: r.At + r.Hold})
		}
	}
	for i := range d.Pools {
		for _, s := range d.Pools[i].Spans {
			if !s.Imported {
				live = append(live, s)
			}
		}
	}
	live = union(live)
	note := func(from, to int64) {
		i, found := slices.BinarySearchFunc(live, from, func(s Span, at int64) int { return int(s.From - at) })
		if !found {
			i--
		}
		counts = counts || i < 0 || live[i].To < to
	}
	for _, r := range d.Rounds {
		if r.Imported {
			note(r.At, r.At+1)
		}
	}
	for i := range d.Pools {
		for _, s := range d.Pools[i].Spans {
			if s.Imported {
				note(s.From, s.To)
			}
		}
		for _, m := range d.Pools[i].Maxima {
			if m.Imported {
				note(m.From, m.To)
			}
		}
	}
	return true, counts
}

// hasImported says whether anything of a day was imported.
func (d *Day) hasImported() bool {
	if slices.ContainsFunc(d.Rounds, func(r Round) bool { return r.Imported }) {
		return true
	}
	return slices.ContainsFunc(d.Pools, func(p PoolDay) bool {
		return slices.ContainsFunc(p.Spans, func(s Span) bool { return s.Imported }) ||
			slices.ContainsFunc(p.Maxima, func(m Maximum) bool { return m.Imported })
	})
}

// union joins spans that overlap or touch.
func union(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return int(a.From - b.From) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}
