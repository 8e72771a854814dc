package report

import (
	"slices"
	"time"

	"headroom/internal/format/denial"
	"headroom/internal/format/facts"
	"headroom/internal/format/generic"
	"headroom/internal/license"
)

// A document of our own JSON can tell the use of pools over a time, and who was
// refused, beside what a status tells.

// A usesHistory is what documents tell of one pool, in order of time.
type usesHistory struct{ uses []facts.Use }

// document takes over what a document tells beside its status.
func (c *collector) document(d generic.Document) {
	if len(d.Output.Servers) != 1 {
		return
	}
	t := &told{Status: d.Output.Servers[0], name: serverName(d.Output.Servers[0].Server)}
	for _, u := range d.Uses {
		r := c.row(t.place(u.Pool, u.Daemon))
		h, ok := r.history.(*usesHistory)
		if !ok {
			h = &usesHistory{}
			r.history = h
		}
		h.uses = append(h.uses, u)
		slices.SortStableFunc(h.uses, func(a, b facts.Use) int { return a.From.Compare(b.From) })
		r.high(u, c.options)
	}
	for _, n := range d.Denials {
		r := c.row(t.place(n.Pool, ""))
		r.Denied, r.Denials = added(r.Denied, license.Of(n.Count)), added(r.Denials, license.Of(1))
		c.denied(t.name, denial.Denial{
			Request: denial.Request{Pool: n.Pool, User: n.User, Host: n.Host}, First: n.At, Last: n.At, Count: n.Count, Reason: n.Reason,
		})
		at := c.options.instant(n.At)
		r.First, r.Last = earliest(r.First, at), latest(r.Last, at)
	}
}

// high takes the peak of a use.
func (r *row) high(u facts.Use, o Options) {
	value, at := u.Start, u.From
	for _, s := range u.Steps {
		if s.High > value {
			value, at = s.High, s.At
		}
	}
	basis := license.BasisAtLeast
	if u.Exact {
		basis = license.BasisExact
	}
	r.First, r.Last = earliest(r.First, o.instant(u.From)), latest(r.Last, o.instant(u.To.Add(-time.Second)))
	if !r.Peak.Value.Known || value >= r.Peak.Value.N {
		r.Peak = Peak{Value: license.Of(value), At: o.instant(at), Basis: basis}
	}
}

// steps calls each with the uses in their order.
func (h *usesHistory) steps(_ *row, each func(at, inUse, high int64)) (last int64, gaps []gap, err error) {
	for i, u := range h.uses {
		if i > 0 && last+1 < u.From.Unix() {
			gaps = append(gaps, gap{last + 1, u.From.Unix()})
		}
		if len(u.Steps) == 0 || u.Steps[0].At.After(u.From) {
			each(u.From.Unix(), u.Start, u.Start)
		}
		for _, s := range u.Steps {
			each(s.At.Unix(), s.InUse, s.High)
		}
		last = u.To.Unix() - 1
	}
	return last, gaps, nil
}
