package report

import (
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// retry is within which time a refusal of the same request is a repeat of the
// one before it.
const retry = 5 * time.Minute

// eventTotals add up the events of a history that may be spread over several
// files, which are added in order of time.
//
// Where an event tells what is in use after it, that counts. Elsewhere licenses
// are counted out and in: a return belongs to the checkout of its handle, or of
// the same user, host and number where there is none, and one without a checkout
// changes nothing. A start or end of a daemon gives back all that is out on it.
// A line that goes back in time counts in the second that was reached before it.
type eventTotals struct {
	onStep  func(p *eventPool, at time.Time) // for every second in which a pool changed; may be nil
	silence time.Duration                    // how long a line vouches for what follows it; 0: for ever

	pools   map[Place]*eventPool
	list    []*eventPool    // in order of the log
	dirty   []*eventPool    // changed in this second
	now     time.Time       // the second that was reached; zero: no date yet
	started map[string]bool // daemons that the history begins with the start of; "" is all
	moved   map[string]bool // daemons of which something was out or came back
	lossy   bool            // something is missing or could not be read
	fresh   bool            // no event of the file at hand was seen
	files   int
	gaps    []gap
}

// An eventPool is what a history says of one pool.
type eventPool struct {
	daemon, feature, variant string

	out, outLicenses, in, held, denied, denials, unsupported, queued int64

	use       int64 // licenses that are out
	peak      int64
	peakAt    time.Time
	high      int64 // of this second
	dirty     bool
	started   bool // all that is out was seen going out
	counts    bool // some event does not tell what is in use
	installed license.Count
	holds     map[holding]int // checkouts that are out
	users     map[string]*eventUser
	hosts     map[string]bool
	refusals  map[asker]time.Time // the last one of each request
	first     time.Time
	last      time.Time
}

// A holding is what a return has in common with its checkout.
type holding struct {
	user, host, handle string
	licenses           int64
}

// An asker is somebody who was refused.
type asker struct{ user, host string }

// An eventUser is somebody who checks out or in.
type eventUser struct {
	name string
	out  int64
	last time.Time
}

func newEventTotals(silence time.Duration, onStep func(*eventPool, time.Time)) *eventTotals {
	return &eventTotals{onStep: onStep, silence: silence, pools: map[Place]*eventPool{}, started: map[string]bool{}, moved: map[string]bool{}, fresh: true}
}

// end ends a file, of which lines may not have been read.
func (t *eventTotals) end(unread bool) {
	t.lossy = t.lossy || unread
	t.fresh = true
	t.files++
}

// add takes an event into the totals.
func (t *eventTotals) add(e facts.Event) {
	t.advance(e)
	t.fresh = false
	daemon := daemonOf(e)
	switch e.Kind {
	case facts.Start:
		t.reset(daemon)
		if t.files == 0 && !t.moved[daemon] {
			t.started[daemon] = true
		}
	case facts.Shutdown:
		t.reset(daemon)
	case facts.Out, facts.In, facts.Held:
		p := t.pool(daemon, e.Pool)
		t.moved[daemon] = true
		t.move(p, e)
		p.seen(e.At)
	case facts.Refused:
		p := t.pool(daemon, e.Pool)
		p.refused(e)
		p.seen(e.At)
	case facts.Queued:
		p := t.pool(daemon, e.Pool)
		p.queued++
		p.seen(e.At)
	case facts.Served:
		t.pool(daemon, e.Pool)
	}
	if e.Total.Known {
		t.pool(daemon, e.Pool).installed = e.Total
	}
}

// advance goes on to the second of an event.
func (t *eventTotals) advance(e facts.Event) {
	switch {
	case e.At.IsZero() || !e.At.After(t.now):
		return
	case t.now.IsZero():
		t.now = e.At
		return
	}
	t.flush()
	if t.silence > 0 && e.At.Sub(t.now) > t.silence {
		t.gaps = append(t.gaps, gap{t.now.Add(t.silence).Unix(), e.At.Unix()})
		if t.fresh && e.Kind != facts.Start {
			t.lossy = true // a file is missing
			t.now = e.At
			t.reset("")
		}
	}
	t.now = e.At
}

// flush reports the second that is over.
func (t *eventTotals) flush() {
	for _, p := range t.dirty {
		if p.dirty = false; t.onStep != nil && !t.now.IsZero() {
			t.onStep(p, t.now)
		}
	}
	t.dirty = t.dirty[:0]
}

// pool returns a pool, made if it is new.
func (t *eventTotals) pool(daemon string, key license.Pool) *eventPool {
	at := Place{Daemon: license.FoldName(daemon), Feature: key.Feature, Variant: key.Variant}
	p := t.pools[at]
	if p == nil {
		p = &eventPool{
			daemon: daemon, feature: key.Feature, variant: key.Variant, started: t.started[""] || t.started[daemon],
			holds: map[holding]int{}, users: map[string]*eventUser{}, hosts: map[string]bool{}, refusals: map[asker]time.Time{},
		}
		t.pools[at] = p
		t.list = append(t.list, p)
	}
	return p
}

// reset gives back all that is out on a daemon, or on all.
func (t *eventTotals) reset(daemon string) {
	for _, p := range t.list {
		if !sameWord(daemon, p.daemon) {
			continue
		}
		clear(p.holds)
		if p.use != 0 {
			p.use = 0
			t.note(p)
		}
	}
}

// move takes licenses that went out or came back.
func (t *eventTotals) move(p *eventPool, e facts.Event) {
	h := holding{license.FoldName(e.User), license.FoldName(e.Host), "", e.Licenses}
	if e.Handle != "" {
		h = holding{handle: e.Handle}
	}
	before, first := p.use, p.out+p.in+p.held == 0
	switch e.Kind {
	case facts.Out:
		p.out++
		p.outLicenses += e.Licenses
		p.take(h, e.Licenses)
	case facts.Held:
		p.held++
		if p.holds[h] == 0 {
			p.take(h, e.Licenses)
		}
	default:
		p.in++
		p.giveBack(h, e.Licenses)
	}
	if e.InUse.Known {
		if p.use = e.InUse.N; first && !p.started {
			t.began(p, e)
		}
	} else if e.Kind != facts.Held {
		p.counts = true
	}
	p.user(e)
	if p.use != before || first {
		t.note(p)
	}
}

// began takes what was in use before the first event of a log that was cut.
func (t *eventTotals) began(p *eventPool, e facts.Event) {
	before := e.InUse.N + e.Licenses
	if e.Kind == facts.Out {
		before = e.InUse.N - e.Licenses
	}
	if before > p.peak {
		p.peak, p.peakAt = before, e.At
	}
}

func (p *eventPool) take(h holding, licenses int64) {
	p.holds[h]++
	p.use += licenses
}

func (p *eventPool) giveBack(h holding, licenses int64) {
	if p.holds[h] == 0 {
		return
	}
	p.use -= licenses
	if p.holds[h]--; p.holds[h] == 0 {
		delete(p.holds, h)
	}
}

// note takes a new use into peak and second.
func (t *eventTotals) note(p *eventPool) {
	if p.use > p.peak {
		p.peak, p.peakAt = p.use, t.now
	}
	if !p.dirty {
		p.dirty, p.high = true, p.use
		t.dirty = append(t.dirty, p)
	}
	p.high = max(p.high, p.use)
}

// user notes who an event is about.
func (p *eventPool) user(e facts.Event) {
	note(p.hosts, e.Host)
	if e.User == "" {
		return
	}
	u := p.users[license.FoldName(e.User)]
	if u == nil {
		u = &eventUser{name: e.User}
		p.users[license.FoldName(e.User)] = u
	}
	if u.last = later(u.last, e.At); e.Kind == facts.Out {
		u.out++
	}
}

// refused counts a refusal. One after which the client asks elsewhere is no
// denial.
func (p *eventPool) refused(e facts.Event) {
	if e.Again {
		p.unsupported++
		return
	}
	p.denied++
	who := asker{license.FoldName(e.User), license.FoldName(e.Host)}
	last, again := p.refusals[who]
	if !again || e.At.Sub(last) > retry {
		p.denials++
	}
	p.refusals[who] = e.At
}

func (p *eventPool) seen(at time.Time) {
	if at.IsZero() {
		return
	}
	if p.first.IsZero() {
		p.first = at
	}
	p.last = later(p.last, at)
}

// holdings returns how many checkouts are out.
func (p *eventPool) holdings() (n int) {
	for _, k := range p.holds {
		n += k
	}
	return n
}

// basis says how well the peak of a pool is known: exactly where the history
// begins with a start or its events tell what is in use, and nothing is missing.
func (t *eventTotals) basis(p *eventPool) license.Basis {
	if !t.lossy && (p.started || !p.counts) {
		return license.BasisExact
	}
	return license.BasisAtLeast
}
