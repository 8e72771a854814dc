package report

import (
	"time"

	"headroom/internal/format/denial"
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// An eventPool is what a history says of one pool.
type eventPool struct {
	daemon, feature, variant string

	out, outLicenses, in, held, denied, unsupported, queued int64

	denials, unserved, served int64 // in all; of them true and false ones

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
	if !again || e.At.Sub(last) > denial.Window {
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
