package series

import "slices"

// Since returns what a day says of the time from an instant on. A reading before
// it is left out, though it may hold beyond it; a log goes on with the value that
// it had. The highest use of a time that began before it is left out: nobody knows
// in which part that was.
func Since(d Day, at int64) Day {
	if at <= DayStart(d.Number) {
		return d
	}
	out := Day{Number: d.Number}
	for _, r := range d.Rounds {
		if r.At >= at {
			out.Rounds = append(out.Rounds, r)
		}
	}
	for i := range d.Pools {
		if p := d.Pools[i].since(at); !p.empty() {
			out.Pools = append(out.Pools, p)
		}
	}
	return out
}

func (p *PoolDay) since(at int64) PoolDay {
	out := PoolDay{Pool: p.Pool}
	for _, s := range p.Samples {
		if s.At >= at {
			out.Samples = append(out.Samples, s)
		}
	}
	for _, m := range p.Maxima {
		if m.From >= at {
			out.Maxima = append(out.Maxima, m)
		}
	}
	steps := p.Steps
	for _, s := range p.Spans {
		n := slices.IndexFunc(steps, func(step Step) bool { return step.At >= s.To })
		if n < 0 {
			n = len(steps)
		}
		own := steps[:n]
		if steps = steps[n:]; s.To <= at {
			continue
		}
		if s.From < at {
			s.From, own = at, stepsSince(own, at)
		}
		out.Spans, out.Steps = append(out.Spans, s), append(out.Steps, own...)
	}
	return out
}

// stepsSince returns the steps of a span that begins at an instant within it.
func stepsSince(steps []Step, at int64) []Step {
	n := slices.IndexFunc(steps, func(s Step) bool { return s.At >= at })
	if n < 0 {
		n = len(steps)
	}
	if n < len(steps) && steps[n].At == at {
		return steps[n:]
	}
	carried := steps[n-1].InUse // the first second of a span has a step
	return append([]Step{{At: at, InUse: carried, High: carried}}, steps[n:]...)
}

// First returns the first instant of which a day says something of a pool; ok is
// false where it says nothing.
func (d *Day) First(pool PoolID) (at int64, ok bool) {
	p := d.pool(pool)
	consider := func(t int64) {
		if !ok || t < at {
			at, ok = t, true
		}
	}
	if len(p.Samples) > 0 {
		consider(p.Samples[0].At)
	}
	if len(p.Spans) > 0 {
		consider(p.Spans[0].From)
	}
	if len(p.Maxima) > 0 {
		consider(p.Maxima[0].From)
	}
	return at, ok
}
