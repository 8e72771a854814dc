package collect

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"headroom/internal/format/denial"
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A logUse makes the use of pools of the events of a log. It is told them in the
// order of the log and hands out what they say of one span after the other.
// Events of one second are one step; a line that goes back in time counts in
// the second that was reached before it.
//
// Where events tell what is in use after them, that counts. Elsewhere licenses
// are counted out and in; one that comes back without having been seen going
// out changes nothing, unless a status has told of it (anchor).
type logUse struct {
	silence time.Duration // how long the log vouches for itself after a line; 0: for ever

	told      time.Time // before it everything was told
	now       time.Time // the second that the log has come to; zero: no date yet
	from      time.Time // of the spans that are open
	pools     map[license.Pool]*poolUse
	list      []*poolUse      // in the order of the log
	dirty     []*poolUse      // changed in this second
	steps     int             // that wait to be told
	split     map[string]bool // features that a status names with their daemons
	whole     map[string]bool // features that a status names without a variant
	hopes     []*poolUse      // with an anchor
	exactOnly bool            // a status stands beside: what the log does not tell exactly, it tells better
	started   map[string]bool // daemons of which the log tells all, "" is every one
	vague     bool            // the log tells less than all
	watch     denial.Watch
	wants     []denial.Denial // that wait to be told
	totals    []totalAt       // that wait to be told
	listing   *listing
}

// A poolUse is the use of one pool. Its key has the daemon.
type poolUse struct {
	key     license.Pool
	use     int64
	out     map[holding]int    // checkouts that are out
	handles map[string]holding // of those that have one of their own
	unseen  int64              // licenses that are out and were not seen going out
	total   license.Count      // installed, as told last
	totalOn time.Time          // the UTC day in which
	dirty   bool
	high    int64     // of this second
	settled int64     // at the end of the last second
	changed time.Time // the last second in which it did
	exact   bool
	apart   time.Time // since when another daemon is seen to serve the feature too; zero: never
	anchor  anchor
	done    []Events // spans that are over
	span    Events
}

// A holding is what an In has in common with its Out.
type holding struct {
	user, host, handle string
	licenses           int64
}

func newLogUse(silence time.Duration, told time.Time) *logUse {
	u := &logUse{silence: silence, told: told, pools: map[license.Pool]*poolUse{}, started: map[string]bool{}}
	u.watch.Tell = func(d denial.Denial) {
		if d.Settled().After(u.told) {
			u.wants = append(u.wants, d)
		}
	}
	return u
}

// add takes an event. One without a date is left out.
func (u *logUse) add(e facts.Event) {
	if e.At.IsZero() {
		return
	}
	if e.Kind != facts.Served {
		u.endListing()
	}
	u.advance(e.At)
	key := u.keyOf(&e)
	asked := denial.Request{Pool: key, User: e.User, Host: e.Host}
	switch e.Kind {
	case facts.Start:
		u.start(key.Daemon)
		u.listing = &listing{key.Daemon, map[*poolUse]bool{}}
	case facts.Shutdown:
		u.reset(key.Daemon)
	case facts.Out, facts.Held, facts.In:
		u.move(u.pool(key), e)
	case facts.Refused:
		if !e.Again {
			u.pool(key) // it is there, though nobody may have it
			u.watch.Refused(u.now, asked, e.Reason)
		}
	case facts.Reread:
		u.listing = &listing{key.Daemon, map[*poolUse]bool{}}
	case facts.Served:
		if p := u.pool(key); u.listing != nil {
			u.listing.pools[p] = true
		}
	}
	if e.Kind == facts.Out && u.watch.Waiting() {
		u.watch.Served(u.now, asked.Folded())
	}
	if p := u.pools[key]; p != nil && e.Total.Known {
		u.installed(p, e.Total)
	}
}

// keyOf returns the pool of an event. Where the status names a feature as a whole,
// so does the log that stands beside it, though it tells its pools apart: they are
// one pool, and what each of them has is not what the feature has.
func (u *logUse) keyOf(e *facts.Event) license.Pool {
	key := e.Pool
	key.Daemon = cmp.Or(key.Daemon, e.Daemon)
	if key.Variant != "" && u.whole[key.Feature] {
		key.Variant, e.Total = "", license.Count{}
	}
	return key
}

// advance goes on to the second of an event.
func (u *logUse) advance(at time.Time) {
	if u.now.IsZero() {
		u.now = at
		u.open(later(at, u.told))
		return
	}
	if !at.After(u.now) {
		return
	}
	u.flush()
	u.settle(at)
	if silent := u.now.Add(u.silence); u.silence > 0 && silent.Before(at) {
		u.close(silent)
		clear(u.started)
		for _, p := range u.list {
			p.exact, p.anchor = false, anchor{}
		}
		u.open(later(at, u.told))
	}
	u.now = at
}

// open begins the spans of all pools.
func (u *logUse) open(at time.Time) {
	u.from = at
	for _, p := range u.list {
		p.begin(at)
	}
}

// begin begins a span.
func (p *poolUse) begin(at time.Time) {
	p.span = Events{Daemon: p.key.Daemon, From: at, Exact: p.exact, Start: p.settled}
}

// close ends the spans of all pools; that of a span which would be empty is
// dropped.
func (u *logUse) close(at time.Time) {
	for _, p := range u.list {
		p.end(at)
	}
}

func (p *poolUse) end(at time.Time) {
	if at.After(p.span.From) {
		p.span.To = at
		p.done = append(p.done, p.span)
	}
}

// flush makes steps of what changed in the second that is over.
func (u *logUse) flush() {
	for _, p := range u.dirty {
		p.dirty, p.settled, p.changed = false, p.use, u.now
		if !u.now.After(p.anchor.at.Add(calm)) {
			p.anchor.at = time.Time{}
		}
		if u.now.Before(p.span.From) {
			p.span.Start = p.use
			continue
		}
		p.span.Steps = append(p.span.Steps, Step{At: u.now, InUse: p.use, High: p.high})
		u.steps++
	}
	u.dirty = u.dirty[:0]
}

// pool returns a pool, made if it is new.
func (u *logUse) pool(key license.Pool) *poolUse {
	p := u.pools[key]
	if p != nil {
		return p
	}
	p = &poolUse{key: key, out: map[holding]int{}, handles: map[string]holding{}, exact: u.startSeen(key.Daemon)}
	p.begin(later(u.from, u.now))
	for _, o := range u.list {
		if o.key.Feature == key.Feature && o.key.Variant == key.Variant {
			u.setApart(o)
			p.apart = u.now
		}
	}
	u.pools[key] = p
	u.list = append(u.list, p)
	return p
}

// setApart gives a pool its daemon in its name, from now on.
func (u *logUse) setApart(p *poolUse) {
	if !p.apart.IsZero() {
		return
	}
	p.apart = u.now
	if u.now.After(p.span.From) {
		p.end(u.now)
		p.begin(u.now)
	}
}

// startSeen says whether the log tells all of a daemon.
func (u *logUse) startSeen(daemon string) bool {
	return !u.vague && (u.started[""] || u.started[daemon])
}

// move takes licenses that went out or came back.
func (u *logUse) move(p *poolUse, e facts.Event) {
	before := p.use
	h := holding{license.FoldName(e.User), license.FoldName(e.Host), e.Handle, e.Licenses}
	own := e.Handle != "" && !strings.HasSuffix(e.Handle, "\x00")
	was, again := p.handles[e.Handle]
	if again = own && again; again {
		h = was // of licenses that are shared another number may come back
	}
	switch {
	case e.Kind == facts.Held && p.out[h] > 0: // seen going out
	case e.Kind != facts.In:
		if again { // a return that is missing in the log
			p.returned(was, was.licenses)
			h.licenses = e.Licenses
		}
		p.out[h]++
		p.use += e.Licenses
		if own {
			p.handles[e.Handle] = h
		}
	case p.out[h] > 0:
		p.returned(h, e.Licenses)
	case p.unseen >= e.Licenses:
		p.unseen -= e.Licenses
		p.use -= e.Licenses
	}
	if e.InUse.Known {
		p.use = e.InUse.N
		u.anchored(p, u.now)
	}
	if p.use != before || e.InUse.Known {
		u.note(p)
	}
}

// returned takes licenses of a holding back.
func (p *poolUse) returned(h holding, licenses int64) {
	p.use -= licenses
	delete(p.handles, h.handle)
	if p.out[h]--; p.out[h] == 0 {
		delete(p.out, h)
	}
}

// note takes a new use into the second.
func (u *logUse) note(p *poolUse) {
	if !p.dirty {
		p.dirty, p.high = true, p.use
		u.dirty = append(u.dirty, p)
	}
	p.high = max(p.high, p.use)
}

// start gives back all that is out on a daemon, or on all: from here on the log
// tells all of them.
func (u *logUse) start(daemon string) {
	u.reset(daemon)
	u.started[daemon] = true
	for _, p := range u.list {
		if daemon == "" || p.key.Daemon == daemon {
			u.anchored(p, u.now)
		}
	}
}

func (u *logUse) reset(daemon string) {
	for _, p := range u.list {
		if daemon != "" && p.key.Daemon != daemon {
			continue
		}
		p.giveBack()
		p.anchor = anchor{}
		if p.use != 0 {
			p.use = 0
			u.note(p)
		}
	}
}

// giveBack forgets what is out.
func (p *poolUse) giveBack() {
	clear(p.out)
	clear(p.handles)
	p.unseen = 0
}

// anchored notes that the use of a pool is known exactly from an instant on.
func (u *logUse) anchored(p *poolUse, at time.Time) {
	if p.exact || u.vague {
		return
	}
	p.exact = true
	if !at.After(p.span.From) {
		p.span.Exact = true
		return
	}
	p.end(at)
	p.begin(at)
}

// losses notes what a stream could not read since it had lost so many events. It
// returns how many it has lost by now.
func (u *logUse) losses(s EventStream, before int) int {
	lost, always := lossOf(s)
	if lost > before || always && !u.vague {
		u.lose(always)
	}
	return lost
}

// lose notes that events could not be read: from the last second on, until a
// start tells all again, or always.
func (u *logUse) lose(always bool) {
	u.vague = u.vague || always
	clear(u.started)
	for _, p := range u.list {
		if !p.exact {
			continue
		}
		p.exact, p.anchor = false, anchor{}
		if !u.now.After(p.span.From) {
			p.span.Exact = false
			continue
		}
		p.end(u.now)
		p.begin(u.now)
	}
}

// lost notes that the log has a hole: what was out before it may have come back
// in it. It goes on at the next event.
func (u *logUse) lost() {
	u.flush()
	if !u.now.IsZero() {
		u.close(u.now)
	}
	u.watch.End()
	clear(u.started)
	for _, p := range u.list {
		p.giveBack()
		p.use, p.settled, p.exact, p.anchor = 0, 0, false, anchor{}
		p.begin(u.now)
	}
	u.now = time.Time{}
}

// tell returns what the log says up to an instant, which must not be before the
// last second that has an event: use, denials, and what is installed where that
// has changed. What is said is not said again.
func (u *logUse) tell(to time.Time) (events []Events, denials []Denial, totals []license.Snapshot) {
	if to.After(u.now) {
		u.flush()
	}
	u.settle(to)
	u.watch.Advance(to)
	for _, p := range slices.SortedFunc(slices.Values(u.list), byPool) {
		p.end(to)
		for _, e := range p.done {
			if e.Pool = u.name(p, e.From); e.Exact || !u.exactOnly {
				events = append(events, e)
			}
		}
		p.done = nil
		p.begin(later(p.span.From, to))
	}
	for _, d := range u.wants {
		denials = append(denials, Denial{
			Pool: u.name(u.pool(d.Pool), d.First), At: d.First, Last: d.Last, User: d.User, Host: d.Host, Reason: oneLine(d.Reason), Count: d.Count, Outcome: string(d.Outcome),
		})
	}
	totals = u.tellTotals(to)
	u.wants, u.steps, u.from, u.told = nil, 0, later(u.from, to), to
	return events, denials, totals
}

func byPool(a, b *poolUse) int {
	return cmp.Or(
		cmp.Compare(a.key.Feature, b.key.Feature), cmp.Compare(a.key.Variant, b.key.Variant), cmp.Compare(a.key.Daemon, b.key.Daemon))
}

// name returns the key of a pool as statuses have it: with its daemon only where
// two serve the feature, as far as the log has told at an instant. What it tells
// later changes no name.
func (u *logUse) name(p *poolUse, at time.Time) license.Pool {
	key := p.key
	if !u.split[key.Feature] && (p.apart.IsZero() || at.Before(p.apart)) {
		key.Daemon = ""
	}
	return key
}
