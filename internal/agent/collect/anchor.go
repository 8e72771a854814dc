package collect

import (
	"cmp"
	"slices"
	"time"

	"headroom/internal/license"
)

// An anchor is what a status told of a pool, once the log has shown that nothing
// changed around it.
type anchor struct {
	at   time.Time // zero: there is none
	use  int64     // by people
	held bool      // exact because of it
}

// calm is how long nothing must have changed before and after a status for it to
// be compared with the log: what changes meanwhile is in one and not in the other.
const calm = 15 * time.Second

// beside notes that a status is read beside the log, and how it names pools.
func (u *logUse) beside(s license.Snapshot) {
	u.exactOnly = true
	if len(s.Readings) > 0 {
		u.whole = map[string]bool{}
	}
	for _, r := range s.Readings {
		if apart := r.Pool.Variant != ""; apart || !u.whole[r.Pool.Feature] {
			u.whole[r.Pool.Feature] = !apart
		}
	}
	for _, r := range s.Readings {
		if r.Pool.Daemon != "" {
			if u.split == nil {
				u.split = map[string]bool{}
			}
			u.split[r.Pool.Feature] = true
		}
	}
}

// compare takes what a status says, after what the log says up to now was told. A
// pool of which the log does not tell all will be exact from there on, if
// nothing changes soon. One that is exact for such a reason only is no more if
// the status says something else.
func (u *logUse) compare(s license.Snapshot) {
	for _, r := range s.Readings {
		p := u.named(r)
		if p == nil || u.vague || !r.InUse.Known || p.dirty || !p.changed.Before(s.At.Add(-calm)) {
			continue
		}
		use := r.InUse.N
		if r.Reserved.Known {
			use -= r.Reserved.N // a log tells what people took
		}
		if p.exact && (!p.anchor.held || use == p.settled) {
			continue
		}
		p.exact, p.span.Exact, p.anchor = false, false, anchor{at: s.At, use: use}
		if !slices.Contains(u.hopes, p) {
			u.hopes = append(u.hopes, p)
		}
	}
}

// named returns the pool of a reading; nil if the log has not told of it.
func (u *logUse) named(r license.Reading) (found *poolUse) {
	daemon := cmp.Or(r.Pool.Daemon, r.Daemon)
	for _, p := range u.list {
		if p.key.Feature != r.Pool.Feature || p.key.Variant != r.Pool.Variant || daemon != "" && p.key.Daemon != "" && p.key.Daemon != daemon {
			continue
		}
		if found != nil {
			return nil // it says nothing of one of them alone
		}
		found = p
	}
	return found
}

// settle makes pools exact from their anchor on, if nothing has changed around it
// up to an instant.
func (u *logUse) settle(to time.Time) {
	u.hopes = slices.DeleteFunc(u.hopes, func(p *poolUse) bool {
		if !p.exact && !p.anchor.at.IsZero() && to.After(p.anchor.at.Add(calm)) {
			p.settle()
		}
		return p.exact || p.anchor.at.IsZero()
	})
}

func (p *poolUse) settle() {
	at := later(p.anchor.at, p.span.From)
	n := 0
	before := p.span.Start
	for n < len(p.span.Steps) && p.span.Steps[n].At.Before(at) {
		before = p.span.Steps[n].InUse
		n++
	}
	missing := p.anchor.use - before
	steps := slices.Clone(p.span.Steps[n:])
	p.span.Steps = p.span.Steps[:n]
	p.end(at)
	for i := range steps {
		steps[i].InUse += missing
		steps[i].High += missing
	}
	p.exact, p.anchor = true, anchor{held: true}
	p.begin(at)
	p.span.Start, p.span.Steps = before+missing, steps
	p.use, p.settled, p.high = p.use+missing, p.settled+missing, p.high+missing
	p.unseen = max(0, p.unseen+missing)
}
