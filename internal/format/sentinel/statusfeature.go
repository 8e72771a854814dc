package sentinel

import (
	"cmp"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A section is what lsmon prints of one license server.
type section struct {
	host     string
	notes    []string
	torn     bool   // some of it is missing
	failure  string // behind features, why the rest is missing
	features []feature
}

func (s *section) last() *feature { return &s.features[len(s.features)-1] }

// A feature is a feature in a version.
type feature struct {
	name, version        string
	typed                bool // its license type was told
	state                license.State
	installed            license.Count
	unreserved, reserved license.Count // tokens in use
	borrowed             license.Count
	queues               []license.Count // that anybody can have, and reserved
	needed               license.Count   // the same as one count
	own                  term            // its license, where it does not list several
	licenses             []term
	clients              []client
}

// A term is one license of a feature.
type term struct {
	state    license.State
	count    license.Count
	inactive bool
	start    time.Time
	expiry   time.Time
	never    bool
	text     string
}

// set takes a field of the feature itself.
func (f *feature) set(v field, zone *time.Location) bool {
	n := number(v.value)
	switch v.label {
	case labelFeature:
		f.name = v.value
		return v.value != ""
	case labelVersion:
		f.version = v.value
		return true
	case labelLicenseType:
		f.typed = true
		return true
	case labelMaximum:
		f.state, f.installed = limit(v.value)
		return f.own.set(v, zone)
	case labelUnreserved:
		f.unreserved = n
	case labelReserved:
		f.reserved = n
	case labelCommuter:
		f.borrowed = n
	case labelCommuting:
		if strings.EqualFold(v.value, "no") && !f.borrowed.Known {
			f.borrowed = license.Of(0)
		}
		return true
	case labelQueue:
		f.queues = append(f.queues, n)
	case labelQueueNeed:
		f.needed = n
	default:
		return f.own.set(v, zone)
	}
	return n.Known
}

// set takes a field of a license. Fields that are not kept are understood.
func (t *term) set(v field, zone *time.Location) bool {
	switch v.label {
	case labelMaximum:
		t.state, t.count = limit(v.value)
		return t.state != license.StateUnknown
	case labelLicenseStatus:
		t.inactive = !strings.EqualFold(v.value, "active")
	case labelStart:
		t.start = readTime(v.value, zone)
	case labelExpiration:
		t.text, t.expiry = v.value, readTime(v.value, zone)
		t.never = strings.Contains(strings.ToLower(v.value), "no expiration")
		return t.never || !t.expiry.IsZero()
	}
	return true
}

// A client is somebody in the status. Its Holder has no pool yet.
type client struct{ license.Holder }

func (f *feature) addClient(user string, b block) bool {
	f.clients = append(f.clients, client{license.Holder{User: user, Licenses: 1, Kind: b.kindOf()}})
	return user != ""
}

// set takes a field of a client.
func (c *client) set(v field, zone *time.Location) bool {
	switch v.label {
	case labelHost:
		c.Host = v.value
	case labelDisplay:
		c.Display = v.value
	case labelStatus:
		return c.setStatus(v.value, zone)
	case labelOffLine:
		if strings.EqualFold(v.value, "yes") {
			c.Kind = license.HolderBorrowed
		}
	case labelTokens, labelRequested:
		n := number(v.value)
		if n.Known {
			c.Licenses = n.N
		}
		return n.Known
	}
	return true
}

// setStatus reads "Running since DATE", "Queued since DATE" and that a license
// is being held.
func (c *client) setStatus(t string, zone *time.Location) bool {
	if strings.Contains(t, "being held") {
		c.Kind = license.HolderLinger
		return true
	}
	what, since, ok := strings.Cut(t, " since ")
	if !ok {
		return false
	}
	if strings.EqualFold(what, "queued") {
		c.Kind = license.HolderQueued
	}
	c.Since = readTime(since, zone)
	return !c.Since.IsZero()
}

// status tells what is known of a server in the words of all managers.
func (s *section) status() facts.Status {
	st := facts.Status{Server: license.Server{Manager: managerRMS}}
	if s.host != "" {
		st.Server.Hosts = []string{s.host}
	}
	var rows facts.Readings
	for _, f := range s.features {
		if f.name == "" {
			s.torn = true
			continue
		}
		pool := license.Pool{Feature: f.name, Variant: f.version}
		rows.Add(f.reading(pool))
		st.Terms = append(st.Terms, f.terms(pool)...)
		for _, c := range f.clients {
			if c.Pool = pool; c.User != "" {
				st.Snapshot.Holders = append(st.Snapshot.Holders, c.Holder)
			}
		}
		s.torn = s.torn || f.state == license.StateUnknown || !f.unreserved.Known
	}
	if st.Snapshot.Readings = rows.All(); len(st.Snapshot.Readings) == 0 {
		st.Error = cmp.Or(strings.Join(s.notes, " "), "the output lists no feature of this license server")
		return st
	}
	st.Partial, st.Snapshot.Complete = s.failure, !s.torn
	return st
}

// reading turns a feature into a row.
func (f *feature) reading(pool license.Pool) license.Reading {
	r := license.Reading{Pool: pool, State: f.state, Installed: f.installed}
	if f.state == license.StateUnknown {
		r.Reason = "the output does not tell how many licenses there are"
		return r
	}
	r.Borrowed = f.borrowed
	r.Queued = f.queued()
	r.InUse = f.unreserved.Plus(f.reserved)
	if f.state == license.StateUnlimited && !f.reserved.Known {
		r.InUse = f.unreserved // nobody sets aside part of no limit, and no line says so
	}
	if r.InUse.Known {
		r.Reserved = license.Of(0)
	} else {
		r.Reason = "the output does not tell how many licenses are in use"
	}
	return r
}

// queued adds up the queues of a feature.
func (f *feature) queued() license.Count {
	if len(f.queues) == 0 {
		return f.needed
	}
	sum := license.Of(0)
	for _, n := range f.queues {
		sum = sum.Plus(n)
	}
	return sum
}

// terms returns the licenses behind a feature.
func (f *feature) terms(pool license.Pool) []facts.Term {
	if len(f.licenses) == 0 {
		return []facts.Term{f.own.term(pool)}
	}
	all := make([]facts.Term, 0, len(f.licenses))
	for _, t := range f.licenses {
		all = append(all, t.term(pool))
	}
	return all
}

func (t term) term(pool license.Pool) facts.Term {
	n := facts.Term{
		Pool: pool, State: t.state, Count: t.count, Version: pool.Variant,
		Start: t.start, Expiry: t.expiry, Permanent: t.never, Text: t.text,
	}
	if t.inactive {
		n.State, n.Count = license.StateError, license.Count{}
	}
	return n
}
