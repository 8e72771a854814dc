package report

import (
	"cmp"
	"slices"
	"time"

	"headroom/internal/license"
)

// current takes over what a status says. Two readings of one row in one status
// are added; where one of them tells nothing, nothing is known of the sum.
func (r *row) current(n license.Reading, t tallied, at time.Time, again bool, o Options) {
	r.First, r.Last = earliest(r.First, o.instant(at)), latest(r.Last, o.instant(at))
	r.told = true
	broken := n.State == license.StateError || n.State == license.StateUnknown
	if again && (r.State == license.StateError || r.State == license.StateUnknown) {
		return
	}
	if again && broken && r.InUse.Known {
		r.samples = r.samples[:len(r.samples)-1] // it was a part
	}
	if !again || broken {
		r.forget()
	}
	r.State, r.Error = n.State, n.Reason
	if broken {
		return
	}
	if n.State == license.StateCounted {
		r.Installed = added(r.Installed, n.Installed)
	}
	r.InUse = added(r.InUse, n.InUse)
	r.Reserved, r.Borrowed = added(r.Reserved, n.Reserved), added(r.Borrowed, n.Borrowed)
	r.Queued, r.Overdraft = added(r.Queued, n.Queued), added(r.Overdraft, n.Overdraft)
	if t.lines > 0 || n.InUse == license.Of(0) {
		r.Checkouts, r.CheckedOut = added(r.Checkouts, license.Of(t.lines)), added(r.CheckedOut, license.Of(t.licenses))
		r.Users, r.Hosts = added(r.Users, license.Of(int64(len(t.users)))), added(r.Hosts, license.Of(int64(len(t.hosts))))
	}
	r.sample(at, again)
}

// forget makes unknown what an older status said.
func (r *row) forget() {
	for _, c := range []*license.Count{
		&r.Installed, &r.InUse, &r.Reserved, &r.Borrowed, &r.Queued, &r.Overdraft, &r.Checkouts, &r.CheckedOut, &r.Users, &r.Hosts,
	} {
		*c = license.Count{}
	}
}

// sample keeps what is in use now.
func (r *row) sample(at time.Time, again bool) {
	if !r.InUse.Known {
		return
	}
	if n := len(r.samples); again && n > 0 && r.samples[n-1].at.Equal(at) {
		r.samples[n-1].inUse = r.InUse.N
		return
	}
	r.samples = append(r.samples, sampleAt{at, r.InUse.N})
}

// added is the sum of what is known of two.
func added(a, b license.Count) license.Count {
	switch {
	case !a.Known:
		return b
	case !b.Known:
		return a
	}
	return a.Plus(b)
}

// tallied are those who hold licenses of a pool.
type tallied struct {
	lines, licenses int64
	users, hosts    map[string]bool
}

func tally(holders []license.Holder) map[license.Pool]tallied {
	all := map[license.Pool]tallied{}
	for _, h := range holders {
		if h.Kind == license.HolderReserved || h.Kind == license.HolderQueued {
			continue
		}
		t, ok := all[h.Pool]
		if !ok {
			t = tallied{users: map[string]bool{}, hosts: map[string]bool{}}
		}
		t.lines++
		t.licenses += h.Licenses
		note(t.users, h.User)
		note(t.hosts, h.Host)
		all[h.Pool] = t
	}
	return all
}

// note adds a name to those that are told, whatever its case.
func note(names map[string]bool, name string) {
	if name != "" {
		names[license.FoldName(name)] = true
	}
}

// sampled sets the row's peak to the highest status, or to what a table of the
// past tells.
func (r *row) sampled(o Options) {
	if len(r.samples) > 0 {
		high := slices.MaxFunc(r.samples, func(a, b sampleAt) int { return cmp.Compare(a.inUse, b.inUse) })
		r.Peak = Peak{Value: license.Of(high.inUse), At: o.instant(high.at), Basis: license.BasisSampled}
	}
	if r.most.Value.Known && (!r.Peak.Value.Known || r.most.Value.N > r.Peak.Value.N) {
		r.Peak = r.most
	}
}

func earliest(a, b Instant) Instant {
	if a.IsZero() || !b.IsZero() && b.Before(a.Time) {
		return b
	}
	return a
}

func latest(a, b Instant) Instant {
	if a.IsZero() || b.After(a.Time) {
		return b
	}
	return a
}
