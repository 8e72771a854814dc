package rlm

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// manager is the name of this license manager.
const manager = "rlm"

// An openServer is a license server while its lines come in.
type openServer struct {
	server  license.Server
	whole   bool      // rlm itself was asked, not one vendor's server only
	at      time.Time // the newest time that it tells
	current string    // the vendor of the part at hand
	vendors map[string]*vendorState
	pools   []*statusPool
	uses    []statusUse
	torn    bool // a line about pools could not be read
	// failures are of vendors' servers.
	failures []*failure
}

// A vendorState is how far a vendor's server was read.
type vendorState struct{ pools, usage bool }

func newServer(host string, port int) *openServer {
	return &openServer{
		server:  license.Server{Hosts: []string{host}, Port: port, Manager: manager},
		vendors: map[string]*vendorState{},
	}
}

// vendor returns the state of a vendor's server, and begins one.
func (s *openServer) vendor(name string) *vendorState {
	if s.vendors[name] == nil {
		s.vendors[name] = &vendorState{}
	}
	return s.vendors[name]
}

// vendorRow reads a line of the table of vendors' servers:
//
//	Name           Port Running Restarts
//	acme          51001   Yes      0
func (s *openServer) vendorRow(t string) bool {
	m := vendorLine.FindStringSubmatch(t)
	if m == nil {
		return slices.Equal(strings.Fields(t), []string{"Name", "Port", "Running", "Restarts"})
	}
	s.vendor(m[1])
	if m[2] != "Yes" {
		s.failures = append(s.failures, &failure{text: "ISV server " + m[1] + " is not running"})
	}
	return true
}

// close returns what was read.
func (s *openServer) close() facts.Status {
	st := facts.Status{Server: s.server, Partial: textOf(s.failures)}
	if len(s.pools) == 0 {
		st.Error, st.Partial = cmp.Or(st.Partial, "the status lists no licenses"), ""
		return st
	}
	vendors := s.vendorsOf()
	st.Snapshot.At = s.at
	st.Snapshot.Holders = s.holders(vendors)
	rows := newReadings()
	for _, p := range s.pools {
		pool := poolOf(p.product, p.number, p.vendor, vendors)
		rows.add(p.reading(pool))
		st.Terms = append(st.Terms, p.term(pool))
	}
	st.Snapshot.Readings = rows.all
	st.Snapshot.Complete = s.complete()
	return st
}

// holders returns the checkouts. What they have of reservations is noted with
// their pools.
func (s *openServer) holders(vendors map[string]int) []license.Holder {
	var all []license.Holder
	find := newFinder(s.pools)
	for _, u := range s.uses {
		number := ""
		if p := find.pool(u); p != nil {
			number = p.number
			p.taken += u.reserved
		} else {
			s.torn = true
		}
		all = append(all, license.Holder{
			Pool: poolOf(u.product, number, u.vendor, vendors),
			User: u.user, Host: u.host, Licenses: u.licenses, Since: u.since, Kind: u.kind, Handle: u.handle,
		})
	}
	return all
}

// complete reports whether every pool that the server has was read.
func (s *openServer) complete() bool {
	if !s.whole || s.torn || len(s.failures) > 0 {
		return false
	}
	for _, v := range s.vendors {
		if !v.pools {
			return false
		}
	}
	return !slices.ContainsFunc(s.pools, func(p *statusPool) bool {
		return p.inUse.N > 0 && !s.vendors[p.vendor].usage // the output ends too early
	})
}

// vendorsOf counts the vendors that serve each product.
func (s *openServer) vendorsOf() map[string]int {
	count := map[string]int{}
	seen := map[license.Pool]bool{}
	for _, p := range s.pools {
		key := license.Pool{Feature: p.product, Daemon: p.vendor}
		if !seen[key] {
			seen[key] = true
			count[p.product]++
		}
	}
	return count
}

func poolOf(product, number, vendor string, vendors map[string]int) license.Pool {
	pool := license.Pool{Feature: product, Variant: number}
	if vendors[product] > 1 {
		pool.Daemon = vendor
	}
	return pool
}
