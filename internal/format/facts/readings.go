package facts

import "headroom/internal/license"

// Readings are the rows of one reading of a license server. Rows of one pool
// are added: a sum with a part that is unknown is unknown, one with a part
// without a limit has none, and an uncounted part has no numbers to add to
// counted ones. The zero Readings is empty.
type Readings struct {
	all []license.Reading
	at  map[license.Pool]int
}

// Add adds a row.
func (r *Readings) Add(n license.Reading) {
	i, ok := r.at[n.Pool]
	if ok {
		r.all[i] = plus(r.all[i], n)
		return
	}
	if r.at == nil {
		r.at = map[license.Pool]int{}
	}
	r.at[n.Pool] = len(r.all)
	r.all = append(r.all, n)
}

// All returns one row for each pool, in the order in which the pools came.
func (r *Readings) All() []license.Reading { return r.all }

func plus(a, b license.Reading) license.Reading {
	r := sum(a, b)
	switch {
	case a.State == license.StateUncounted && isCounted(b.State):
		r = b
	case b.State == license.StateUncounted && isCounted(a.State):
		r = a
	}
	if r.Daemon = a.Daemon; a.Daemon != b.Daemon {
		r.Daemon = ""
	}
	return r
}

func isCounted(s license.State) bool {
	return s == license.StateCounted || s == license.StateUnlimited
}

func isFailed(s license.State) bool {
	return s == license.StateError || s == license.StateUnknown
}

func sum(a, b license.Reading) license.Reading {
	r := a
	switch {
	case isFailed(a.State):
	case isFailed(b.State):
		r.State, r.Reason = b.State, b.Reason
	case b.State == license.StateUnlimited:
		r.State = license.StateUnlimited
	}
	r.Installed = a.Installed.Plus(b.Installed)
	r.InUse = a.InUse.Plus(b.InUse)
	r.Reserved = a.Reserved.Plus(b.Reserved)
	r.Borrowed = a.Borrowed.Plus(b.Borrowed)
	r.Queued = a.Queued.Plus(b.Queued)
	r.Overdraft = a.Overdraft.Plus(b.Overdraft)
	return r
}
