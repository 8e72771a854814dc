package relay

import (
	"slices"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// Removed is the reason of a license that came back because it was taken out of
// Relay, if it was out at all.
const Removed = "license removed"

// kinds are the events of Relay's audit log that tell when licenses were out.
var kinds = map[string]facts.Event{
	"license.leased":        {Kind: facts.Out},
	"license.released":      {Kind: facts.In},
	"license.lease_expired": {Kind: facts.In, Reason: "lease expired"},
	"license.removed":       {Kind: facts.In, Reason: Removed},
}

// LeaseEvent makes an event of a line of the audit log; ok is false for a line
// that tells of no lease.
func LeaseEvent(name string, at time.Time, pool license.Pool, id string) (e facts.Event, ok bool) {
	e, ok = kinds[name]
	e.At, e.Pool, e.Handle, e.Licenses = at, pool, id, 1
	return e, ok
}

// Uses tells the use of every pool over [from, to), or from later on, from the
// lease events since from and the licenses as they are now. A zero from is the
// first event. The events must be in the order of the log, and may go beyond
// to; licenses must have one seat.
//
// Events and licenses must agree, license by license: what goes out was in, what
// comes back was out, what is out now went out last. Where two events of a
// license contradict each other, the log was not written for a while, and the
// uses begin after that. Where events and licenses do, ok is false: the log does
// not tell all.
func Uses(licenses []License, events []facts.Event, from, to time.Time) (uses []facts.Use, ok bool) {
	if from.IsZero() {
		if len(events) == 0 {
			return nil, true
		}
		from = events[0].At
	}
	b := books{out: map[string]bool{}, count: map[license.Pool]int64{}, pools: map[license.Pool]*facts.Use{}, to: to}
	b.begin(licenses, events)
	b.restart(from)
	for _, e := range events {
		b.enter(e)
	}
	if !b.agree(licenses, events) {
		return nil, false
	}
	return b.uses(), true
}

// books follow the licenses through the events.
type books struct {
	out      map[string]bool // licenses that are out
	count    map[license.Pool]int64
	pools    map[license.Pool]*facts.Use
	order    []license.Pool
	from, to time.Time
}

// begin finds out which licenses were out before the first event.
func (b *books) begin(licenses []License, events []facts.Event) {
	for _, e := range events {
		b.know(e.Pool)
		if _, seen := b.out[e.Handle]; !seen {
			b.set(e, e.Kind == facts.In && e.Reason != Removed)
		}
	}
	for _, l := range licenses {
		p := PoolOf(l.Pool)
		b.know(p)
		if _, seen := b.out[l.ID]; !seen && len(l.Nodes) > 0 {
			b.out[l.ID] = true
			b.count[p]++
		}
	}
}

func (b *books) know(p license.Pool) {
	if b.pools[p] == nil {
		b.pools[p] = &facts.Use{Pool: p}
		b.order = append(b.order, p)
	}
}

// set changes whether a license is out.
func (b *books) set(e facts.Event, out bool) {
	if out && !b.out[e.Handle] {
		b.count[e.Pool]++
	}
	if !out && b.out[e.Handle] {
		b.count[e.Pool]--
	}
	b.out[e.Handle] = out
}

// restart lets the uses begin with what is out now.
func (b *books) restart(from time.Time) {
	b.from = from
	for p, u := range b.pools {
		*u = facts.Use{Pool: p, From: from, To: b.to, Exact: true, Start: b.count[p]}
	}
}

func (b *books) enter(e facts.Event) {
	out := e.Kind == facts.Out
	contradicts := b.out[e.Handle] == out && e.Reason != Removed
	before := b.count[e.Pool]
	b.set(e, out)
	switch {
	case !e.At.Before(b.to):
	case contradicts:
		b.restart(later(b.from, e.At.Add(time.Second)))
	case b.count[e.Pool] != before:
		b.step(b.pools[e.Pool], later(b.from, e.At), b.count[e.Pool])
	}
}

// step notes a change; several in one second are one step.
func (b *books) step(u *facts.Use, at time.Time, n int64) {
	high := n
	if i := len(u.Steps) - 1; i >= 0 && !at.After(u.Steps[i].At) {
		at, high = u.Steps[i].At, max(high, u.Steps[i].High)
		u.Steps = u.Steps[:i]
	}
	u.Steps = append(u.Steps, facts.Step{At: at, InUse: n, High: high})
}

// agree tells whether the events have led to the licenses as they are, and
// whether what the licenses tell of themselves stands in the log.
func (b *books) agree(licenses []License, events []facts.Event) bool {
	last := map[string]facts.Event{}
	for _, e := range events {
		last[e.Handle] = e
	}
	for _, l := range licenses {
		held := len(l.Nodes) > 0
		if b.out[l.ID] != held ||
			held && b.within(l.Claimed) && last[l.ID].Kind != facts.Out ||
			!held && b.within(l.Released) && last[l.ID].Kind != facts.In {
			return false
		}
		delete(b.out, l.ID)
	}
	for _, out := range b.out {
		if out {
			return false // and is no license any more
		}
	}
	return true
}

// within tells whether an instant is in the time that the uses are about.
func (b *books) within(t time.Time) bool { return t.After(b.from) && t.Before(b.to) }

func (b *books) uses() []facts.Use {
	if !b.to.After(b.from) {
		return nil
	}
	var out []facts.Use
	for _, p := range b.order {
		out = append(out, *b.pools[p])
	}
	return slices.Clip(out)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
