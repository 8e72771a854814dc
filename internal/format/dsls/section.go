package dsls

import (
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A section is what a session says about one server or failover cluster.
type section struct {
	server  license.Server // without its hosts
	hosts   []string
	ready   bool
	failure string // the tool's own words

	listed bool // a list of usage was begun
	torn   bool // a line behind that could not be read
	editor string
	grants []*grant
	index  map[key]*grant
	users  []user
	table  []entry
}

// An entry is a row of the table of licenses.
type entry struct {
	editor string
	term   facts.Term
}

func newSection() *section {
	return &section{server: license.Server{Manager: "dsls"}, ready: true, index: map[key]*grant{}}
}

// addGrant keeps the totals of a license, if they are not known yet, and
// returns those that are kept.
func (p *statusParser) addGrant(g *grant) *grant {
	s := p.sec
	if known := s.index[g.key]; known != nil {
		return known
	}
	p.kept++
	s.index[g.key] = g
	s.grants = append(s.grants, g)
	p.dates.observe(g.maxRelease)
	p.dates.observe(g.expiration)
	return g
}

// addUser keeps a user of a license. One without a name cannot be kept.
func (p *statusParser) addUser(u user) bool {
	if u.name == "" {
		return false
	}
	p.kept++
	p.dates.observe(u.since)
	p.dates.observe(u.last)
	p.sec.users = append(p.sec.users, u)
	return true
}

// told reports whether the section has any facts about licenses.
func (s *section) told() bool { return s.listed || len(s.table) > 0 }

// status returns what the section says. dates has seen all dates of the
// output.
func (s *section) status(dates *calendar) facts.Status {
	st := facts.Status{Server: s.server}
	st.Server.Hosts = s.hosts
	if !s.told() {
		st.Error = s.failure
		if st.Error == "" {
			st.Error = noUsage
		}
		return st
	}
	editors := s.editorsOf()
	pool := func(feature, editor string) license.Pool {
		if len(editors[feature]) > 1 {
			return license.Pool{Feature: feature, Daemon: editor}
		}
		return license.Pool{Feature: feature}
	}
	// Without the head of the session, what is left may be an excerpt.
	st.Snapshot.Complete = s.listed && !s.torn && s.ready && s.failure == "" && len(s.hosts) > 0
	s.addUsers(&st, pool, dates)
	st.Snapshot.Readings = s.readings(pool)
	st.Terms = s.terms(pool, dates)
	return st
}

// editorsOf returns who has features of a name.
func (s *section) editorsOf() map[string]map[string]bool {
	editors := map[string]map[string]bool{}
	add := func(feature, editor string) {
		if editors[feature] == nil {
			editors[feature] = map[string]bool{}
		}
		editors[feature][editor] = true
	}
	for _, g := range s.grants {
		add(g.feature, g.editor)
	}
	for _, e := range s.table {
		add(e.term.Pool.Feature, e.editor)
	}
	return editors
}

// addUsers adds the users to a status, and those who wait to the demand for
// their license.
func (s *section) addUsers(st *facts.Status, pool func(feature, editor string) license.Pool, dates *calendar) {
	for _, u := range s.users {
		g := u.grant
		h := license.Holder{
			Pool: pool(g.feature, g.editor), User: u.name, Host: u.host, Licenses: u.licenses(),
			Since: dates.instant(u.since), Kind: license.HolderActive, Handle: u.session,
		}
		if u.waits {
			h.Kind = license.HolderQueued
			g.queued = license.Of(g.queued.N + h.Licenses)
		}
		st.Snapshot.Holders = append(st.Snapshot.Holders, h)
		if g.isNamed() && !u.waits {
			st.Assigned.List = append(st.Assigned.List, license.Assignment{
				Pool: h.Pool, Daemon: g.editor, Kind: license.AssignedUser, Name: u.name, First: h.Since, Last: dates.instant(u.last),
			})
		}
	}
	for _, g := range s.grants {
		if g.isNamed() {
			st.Assigned.LastIs, st.Assigned.Complete = license.LastUse, st.Snapshot.Complete
		}
	}
}

func (s *section) readings(pool func(feature, editor string) license.Pool) []license.Reading {
	var rows facts.Readings
	for _, g := range s.grants {
		r := license.Reading{
			Pool: pool(g.feature, g.editor), Daemon: g.editor, State: g.state,
			Installed: g.count, InUse: g.inUse, Queued: g.queued,
		}
		if r.State == license.StateUnknown {
			r.Reason = "the totals of a license could not be read"
		}
		rows.Add(r)
	}
	return rows.All()
}

// terms returns the licenses behind the pools: those of the table of licenses
// where there is one, since the list of usage knows neither their starts nor
// those that are not active.
func (s *section) terms(pool func(feature, editor string) license.Pool, dates *calendar) []facts.Term {
	var terms []facts.Term
	for _, e := range s.table {
		e.term.Pool = pool(e.term.Pool.Feature, e.editor)
		terms = append(terms, e.term)
	}
	if len(terms) > 0 {
		return terms
	}
	for _, g := range s.grants {
		terms = append(terms, facts.Term{
			Pool: pool(g.feature, g.editor), State: g.state, Count: g.count, Version: g.release, Vendor: g.editor,
			Expiry: dates.instant(g.expiration), Text: g.expiration,
		})
	}
	return terms
}
