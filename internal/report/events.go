package report

import (
	"time"

	"headroom/internal/format/denial"
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// eventTotals add up the events of a history that may be spread over several
// files, which are added in order of time.
//
// Where an event tells what is in use after it, that counts. Elsewhere licenses
// are counted out and in: a return belongs to the checkout of its handle, or of
// the same user, host and number where there is none, and one without a checkout
// changes nothing. A start or end of a daemon gives back all that is out on it.
// A line that goes back in time counts in the second that was reached before it.
type eventTotals struct {
	onStep   func(p *eventPool, at time.Time) // for every second in which a pool changed; may be nil
	onDenial func(denial.Denial)              // for every denial with a date; may be nil
	silence  time.Duration                    // how long a line vouches for what follows it; 0: for ever
	watch    denial.Watch

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

func newEventTotals(silence time.Duration, onStep func(*eventPool, time.Time)) *eventTotals {
	t := &eventTotals{onStep: onStep, silence: silence, pools: map[Place]*eventPool{}, started: map[string]bool{}, moved: map[string]bool{}, fresh: true}
	t.watch.Tell = t.denied
	return t
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
		if e.Kind == facts.Out && t.watch.Waiting() && !e.At.IsZero() {
			t.watch.Served(t.now, request(daemon, e).Folded())
		}
		p.seen(e.At)
	case facts.Refused:
		p := t.pool(daemon, e.Pool)
		p.refused(e)
		p.seen(e.At)
		if !e.Again && !e.At.IsZero() {
			t.watch.Refused(t.now, request(daemon, e), e.Reason)
		}
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
		t.watch.End()
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

// finish ends the history.
func (t *eventTotals) finish() {
	t.flush()
	t.watch.Advance(t.now)
	t.watch.End()
}

// request is what somebody asks for.
func request(daemon string, e facts.Event) denial.Request {
	pool := e.Pool
	pool.Daemon = daemon
	return denial.Request{Pool: pool, User: e.User, Host: e.Host}
}

// denied takes a denial of which it is known how it ended, or that it is not.
func (t *eventTotals) denied(d denial.Denial) {
	p := t.pool(d.Pool.Daemon, d.Pool)
	switch d.Outcome {
	case denial.Unserved:
		p.unserved++
	case denial.Served:
		p.served++
	}
	if t.onDenial != nil {
		t.onDenial(d)
	}
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

// basis says how well the peak of a pool is known: exactly where the history
// begins with a start or its events tell what is in use, and nothing is missing.
func (t *eventTotals) basis(p *eventPool) license.Basis {
	if !t.lossy && (p.started || !p.counts) {
		return license.BasisExact
	}
	return license.BasisAtLeast
}
