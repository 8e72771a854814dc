package rlm

import "headroom/internal/license"

// A readings list adds rows of equal keys: many versions of rlmstat print no
// pool numbers.
type readings struct {
	all []license.Reading
	at  map[license.Pool]int
}

func newReadings() *readings { return &readings{at: map[license.Pool]int{}} }

func (r *readings) add(n license.Reading) {
	i, again := r.at[n.Pool]
	if !again {
		r.at[n.Pool] = len(r.all)
		r.all = append(r.all, n)
		return
	}
	r.all[i] = plus(r.all[i], n)
}

// plus adds two rows of one pool. A part without a count adds nothing to one
// that has it; a sum with a part that is unknown is unknown.
func plus(a, b license.Reading) license.Reading {
	switch {
	case a.State == license.StateUncounted && isCounted(b.State):
		return b
	case b.State == license.StateUncounted && isCounted(a.State):
		return a
	case a.State == license.StateUnknown:
		return a
	case b.State == license.StateUnknown:
		return b
	case b.State == license.StateUnlimited:
		a.State = b.State
	}
	a.Installed = a.Installed.Plus(b.Installed)
	a.InUse = a.InUse.Plus(b.InUse)
	a.Reserved = a.Reserved.Plus(b.Reserved)
	return a
}

func isCounted(s license.State) bool {
	return s == license.StateCounted || s == license.StateUnlimited
}
