package generic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// read reads the parts.
func (p *parser) read() {
	out := &p.doc.Output
	if said := p.top.text("error"); said != "" {
		out.Error, p.doc.Said = facts.Shorten(said, facts.MaxText), true
		return
	}
	status := facts.Status{Server: p.server()}
	at, complete := p.top.instant("at"), p.top.flag("complete", true)
	if p.top.err != nil {
		out.Error = p.top.err.Error()
		return
	}
	p.leftOver(&p.top, 1)
	readings, whole := p.readings()
	holders := entries(p, "holders", holder)
	p.doc.Denials, p.doc.Uses = entries(p, "denials", denial), entries(p, "events", use)
	switch {
	case len(readings) > 0:
		status.Snapshot = license.Snapshot{At: at, Complete: complete && whole, Readings: readings, Holders: holders}
		p.doc.Holders = p.parts["holders"].told
	case p.parts["pools"].told || len(p.doc.Denials)+len(p.doc.Uses) == 0:
		out.Error = cmp.Or(p.wrongWith("pools"), "pools: there is none; say by error why nothing is known")
		return
	}
	out.Servers = []facts.Status{status}
}

// wrongWith is what was wrong first with an entry of a list.
func (p *parser) wrongWith(list string) string {
	first := p.doc.Output.Unread.First
	i := slices.IndexFunc(first, func(u facts.Unread) bool { return strings.HasPrefix(u.Text, list+"[") })
	if i < 0 {
		return ""
	}
	return first[i].Text
}

// entries reads the entries of a list. One that is wrong is unread.
func entries[T any](p *parser, list string, read func(*object) T) []T {
	var out []T
	for _, e := range p.parts[list].elements {
		o, err := objectOf(e.path, e.value)
		if err != nil {
			p.unread(e.line, err)
			continue
		}
		v := read(o)
		if o.err != nil {
			p.unread(e.line, o.err)
			continue
		}
		out = append(out, v)
		p.leftOver(o, e.line)
	}
	return out
}

func (p *parser) unread(line int, err error) { p.doc.Output.Unread.Add(line, err.Error()) }

// leftOver notes the fields that this version does not have: a slip of the pen,
// or something of a later version.
func (p *parser) leftOver(o *object, line int) {
	for _, path := range append(o.unknown(), o.inner...) {
		p.unread(line, fmt.Errorf("%s: version %d has no such field", path, Version))
	}
}

func (p *parser) server() license.Server {
	s := license.Server{Manager: Manager}
	v := p.top.get("server")
	if v == nil {
		return s
	}
	o, err := objectOf("server", v)
	if err != nil {
		p.top.err = cmp.Or(p.top.err, err)
		return s
	}
	s.HostID, s.Version, s.Manager = o.text("host_id"), o.text("version"), cmp.Or(o.text("manager"), Manager)
	for i, h := range o.list("hosts") {
		host, ok := h.(string)
		if !ok || host == "" {
			o.fail(fmt.Sprintf("hosts[%d]", i), "must be a host name, not %s", show(h))
		}
		s.Hosts = append(s.Hosts, host)
	}
	port := o.whole("port").N
	if port > 65535 {
		o.fail("port", "%d is no port", port)
	}
	s.Port = int(port)
	p.top.err = cmp.Or(p.top.err, o.err)
	p.leftOver(o, 1)
	return s
}

// readings reads the pools. One whose numbers are wrong is unknown with that
// reason; whole says that none is missing.
func (p *parser) readings() (all []license.Reading, whole bool) {
	var rows facts.Readings
	whole = true
	for _, e := range p.parts["pools"].elements {
		o, err := objectOf(e.path, e.value)
		if err != nil {
			p.unread(e.line, err)
			whole = false
			continue
		}
		pool := o.pool()
		named := o.err == nil
		r := counts(o)
		r.Pool = pool
		if o.err != nil {
			p.unread(e.line, o.err)
			r = license.Reading{Pool: pool, Reason: o.err.Error()}
		} else {
			p.leftOver(o, e.line)
		}
		if !named {
			whole = false
			continue
		}
		rows.Add(r)
	}
	return rows.All(), whole
}

// counts reads what a pool says beside its name.
func counts(o *object) license.Reading {
	r := license.Reading{
		Daemon: o.text("vendor"), Reason: o.text("reason"), Installed: o.whole("installed"), InUse: o.whole("in_use"),
		Reserved: o.whole("reserved"), Borrowed: o.whole("borrowed"), Queued: o.whole("queued"), Overdraft: o.whole("overdraft"),
	}
	word := o.word("state", license.StateCounted.String())
	r.State = license.ParseState(word)
	switch {
	case r.State.String() != word:
		o.fail("state", "must be counted, uncounted, unlimited, error or unknown, not %s", show(word))
	case r.State != license.StateCounted && r.Installed.Known:
		o.fail("installed", "a pool that is %s has no such number", word)
	case r.Installed.N >= license.UnlimitedFrom:
		r.State, r.Installed = license.StateUnlimited, license.Count{}
	}
	within(o, "reserved", r.Reserved, "in_use", r.InUse)
	within(o, "borrowed", r.Borrowed, "in_use", r.InUse)
	within(o, "overdraft", r.Overdraft, "installed", r.Installed)
	return r
}

// within says no to a part that is more than the whole.
func within(o *object, part string, n license.Count, whole string, of license.Count) {
	if n.Known && of.Known && n.N > of.N {
		o.fail(part, "%d is more than %s, which is %d", n.N, whole, of.N)
	}
}

func holder(o *object) license.Holder {
	h := license.Holder{
		Pool: o.pool(), User: o.text("user"), Host: o.text("host"), Display: o.text("display"), Licenses: orOne(o, "licenses"),
		Since: o.instant("since"), Handle: o.text("handle"), Kind: license.HolderKind(o.word("how", string(license.HolderActive))),
	}
	switch h.Kind {
	case license.HolderActive, license.HolderBorrowed, license.HolderLinger, license.HolderQueued, license.HolderReserved:
	default:
		o.fail("how", "must be active, borrowed, linger, queued or reserved, not %s", show(string(h.Kind)))
	}
	return h
}

// orOne is a whole number, 1 where it is not told.
func orOne(o *object, name string) int64 {
	n := o.whole(name)
	if !n.Known {
		return 1
	}
	return n.N
}

func denial(o *object) Denial {
	d := Denial{
		Pool: o.pool(), At: o.must("at"), User: o.text("user"), Host: o.text("host"), Reason: o.text("reason"), Count: orOne(o, "count"),
	}
	if d.Count == 0 {
		o.fail("count", "must be at least 1")
	}
	return d
}

func use(o *object) facts.Use {
	u := facts.Use{
		Pool: o.pool(), Daemon: o.text("vendor"), From: o.must("from"), To: o.must("to"), Exact: o.flag("exact", false), Start: needed(o, "start"),
	}
	if o.err == nil && !u.To.After(u.From) {
		o.fail("to", "is not after from")
	}
	for i, v := range o.list("steps") {
		s, err := objectOf(fmt.Sprintf("%s.steps[%d]", o.path, i), v)
		if err != nil {
			o.err = cmp.Or(o.err, err)
			break
		}
		u.Steps = stepped(u.Steps, step(s, u.From, u.To))
		if s.err == nil && disordered(u.Steps) {
			s.fail("at", "is before the step before it")
		}
		o.inner = append(o.inner, s.unknown()...)
		if o.err = cmp.Or(o.err, s.err); o.err != nil {
			break
		}
	}
	return u
}

// needed is a whole number that must be told.
func needed(o *object, name string) int64 {
	n := o.whole(name)
	if !n.Known {
		o.fail(name, "is missing")
	}
	return n.N
}

func step(o *object, from, to time.Time) facts.Step {
	s := facts.Step{At: o.must("at"), InUse: needed(o, "in_use")}
	s.High = s.InUse
	if high := o.whole("high"); high.Known {
		s.High = high.N
		within(o, "in_use", license.Of(s.InUse), "high", high)
	}
	if o.err == nil && (s.At.Before(from) || !s.At.Before(to)) {
		o.fail("at", "is outside of the time from %s to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	return s
}

// stepped adds a step; several within one second are one step of the highest.
func stepped(steps []facts.Step, s facts.Step) []facts.Step {
	if n := len(steps); n > 0 && steps[n-1].At.Equal(s.At) {
		s.High = max(s.High, steps[n-1].High)
		steps = steps[:n-1]
	}
	return append(steps, s)
}

func disordered(steps []facts.Step) bool {
	n := len(steps)
	return n > 1 && steps[n-1].At.Before(steps[n-2].At)
}
