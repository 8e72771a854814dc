package series

// A stretch is a part of a span in which every second is alike: what log
// vouches for it, the value that each second ends with, and its highest.
type stretch struct {
	from, to    int64
	exact, live bool
	inUse, high int64
	whole       bool // of a maximum that was not divided
}

// stretches takes the spans of a pool apart. A second that was higher than
// what it ended with becomes a stretch of its own.
func stretches(p PoolDay) []stretch {
	if len(p.Spans) == 0 {
		return nil
	}
	out := make([]stretch, 0, len(p.Steps)+len(p.Spans))
	steps := p.Steps
	for _, s := range p.Spans {
		for len(steps) > 0 && steps[0].At < s.To {
			step := steps[0]
			steps = steps[1:]
			end := s.To
			if len(steps) > 0 {
				end = min(end, steps[0].At)
			}
			part := stretch{from: step.At, to: end, exact: s.Exact, live: !s.Imported, inUse: step.InUse, high: step.InUse}
			if step.High > step.InUse {
				first := part
				first.to, first.high = step.At+1, step.High
				out = append(out, first)
				part.from++
			}
			if part.from < part.to {
				out = append(out, part)
			}
		}
	}
	return out
}

// join returns what two logs say together of seconds that both vouch for.
func join(a, b stretch) stretch {
	switch {
	case a.exact != b.exact:
		if b.exact {
			return b
		}
		return a
	case a.live != b.live:
		if b.live {
			return b
		}
		return a
	}
	a.inUse = max(a.inUse, b.inUse)
	a.high = max(a.high, b.high)
	return a
}

// mergeSpans unites the spans of two days of one pool, second by second.
func mergeSpans(a, b PoolDay) ([]Span, []Step) {
	return assemble(overlay(stretches(a), stretches(b), join))
}

// mergeMaxima unites the maxima of two days of one pool.
func mergeMaxima(a, b []Maximum) []Maximum {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0:
		return b
	}
	of := func(list []Maximum) []stretch {
		out := make([]stretch, len(list))
		for i, m := range list {
			out[i] = stretch{from: m.From, to: m.To, live: !m.Imported, inUse: m.InUse, high: m.InUse, whole: m.Whole}
		}
		return out
	}
	parts := overlay(of(a), of(b), joinMaxima)
	out := make([]Maximum, len(parts))
	for i, p := range parts {
		out[i] = Maximum{From: p.from, To: p.to, InUse: p.inUse, Whole: p.whole, Imported: !p.live}
	}
	return out
}

// joinMaxima returns what two maxima of the same seconds say together.
func joinMaxima(a, b stretch) stretch {
	whole := a.whole && b.whole
	c := join(a, b)
	c.whole = whole
	return c
}

// overlay walks two lists of stretches over all their boundaries. It uses the
// lists up, and joins what both have.
func overlay(a, b []stretch, join func(a, b stretch) stretch) []stretch {
	if len(b) == 0 {
		return a
	}
	out := make([]stretch, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		var part stretch
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].to <= b[0].from:
			part, a = a[0], a[1:]
		case len(a) == 0 || b[0].to <= a[0].from:
			part, b = b[0], b[1:]
		case a[0].from < b[0].from:
			part, a = cut(a, b[0].from)
		case b[0].from < a[0].from:
			part, b = cut(b, a[0].from)
		default:
			end := min(a[0].to, b[0].to)
			var other stretch
			part, a = cut(a, end)
			other, b = cut(b, end)
			part = join(part, other)
		}
		out = append(out, part)
	}
	return out
}

// cut takes what lies before the instant at off the first stretch of a list.
// It returns that part and what is left of the list.
func cut(list []stretch, at int64) (stretch, []stretch) {
	part := list[0]
	if part.to <= at {
		return part, list[1:]
	}
	list[0].from, list[0].whole = at, false
	part.to, part.whole = at, false
	return part, list
}

// assemble makes spans and steps of stretches: spans that touch and are of the
// same standing become one, and only what changes is a step.
func assemble(parts []stretch) ([]Span, []Step) {
	var spans []Span
	var steps []Step
	for _, p := range parts {
		if n := len(spans); n > 0 && spans[n-1].To == p.from && spans[n-1].Exact == p.exact && spans[n-1].Imported == !p.live {
			spans[n-1].To = p.to
			if steps[len(steps)-1].InUse == p.inUse && p.high == p.inUse {
				continue
			}
		} else {
			spans = append(spans, Span{From: p.from, To: p.to, Exact: p.exact, Imported: !p.live})
		}
		steps = append(steps, Step{At: p.from, InUse: p.inUse, High: p.high})
	}
	return spans, steps
}
