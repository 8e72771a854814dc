package collect

import (
	"slices"
	"time"

	"headroom/internal/license"
)

// A totalAt is what is installed of a pool from an instant on.
type totalAt struct {
	at    time.Time
	pool  *poolUse
	total license.Count
}

// installed notes what is installed where that has changed, and once a day: what
// was told long ago is not looked for.
func (u *logUse) installed(p *poolUse, total license.Count) {
	if on := utcDay(u.now); total != p.total || !on.Equal(p.totalOn) {
		p.total, p.totalOn = total, on
		u.totals = append(u.totals, totalAt{u.now, p, total})
	}
}

// tellTotals returns what is installed before an instant, as far as it was not
// told, ascending.
func (u *logUse) tellTotals(to time.Time) (out []license.Snapshot) {
	n := 0
	for ; n < len(u.totals) && u.totals[n].at.Before(to); n++ {
		t := u.totals[n]
		if t.at.Before(u.told) || u.exactOnly {
			continue
		}
		r := license.Reading{Pool: u.name(t.pool, t.at), Daemon: t.pool.key.Daemon, State: license.StateCounted, Installed: t.total}
		if n := len(out); n == 0 || !out[n-1].At.Equal(t.at) {
			out = append(out, license.Snapshot{At: t.at})
		}
		last := &out[len(out)-1]
		if i := slices.IndexFunc(last.Readings, func(o license.Reading) bool { return o.Pool == r.Pool }); i >= 0 {
			last.Readings[i] = r
			continue
		}
		last.Readings = append(last.Readings, r)
	}
	u.totals = u.totals[n:]
	return out
}

// lastOf returns what snapshots say last of each pool, as one.
func lastOf(all []license.Snapshot) (out license.Snapshot) {
	for _, s := range all {
		out.At = s.At
		for _, r := range s.Readings {
			out.Readings = slices.DeleteFunc(out.Readings, func(o license.Reading) bool { return o.Pool == r.Pool })
			out.Readings = append(out.Readings, r)
		}
	}
	return out
}

// A listing is the pools of a daemon that are told anew since it came up or its
// licenses were read again.
type listing struct {
	daemon string
	pools  map[*poolUse]bool
}

// endListing ends the listing of a daemon's pools: one that is there no more has
// nothing installed and nothing in use. Which pool that belongs to now is not told.
func (u *logUse) endListing() {
	l := u.listing
	u.listing = nil
	if l == nil || len(l.pools) == 0 {
		return
	}
	moved := false
	for _, p := range u.list {
		if p.key.Daemon != l.daemon || l.pools[p] {
			continue
		}
		if p.total.Known {
			u.installed(p, license.Of(0))
		}
		p.giveBack()
		if p.use != 0 {
			moved, p.use = true, 0
			u.note(p)
		}
	}
	if moved {
		u.lose(false)
	}
}
