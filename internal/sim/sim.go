// Package sim is a simulated estate of license servers of every manager: what
// their status tools print at any instant, and what a correct reader makes of
// it. Every figure is a pure function of the seed, the estate's present and the
// instant asked for, so history and live status agree and two runs show the
// same.
//
// It prints what real tools print and knows nothing of agents and hubs.
package sim

import (
	"time"

	"headroom/internal/license"
)

// grid is the resolution of the simulated demand: use changes only at
// multiples of it.
const grid = 300

// An Estate is a company's license servers.
type Estate struct {
	Seed    uint64
	Now     time.Time // the present, up to which history is told; growth is measured back from it
	Days    int       // how much of the past there is
	Servers []*Server
}

// Add adds a license server, which must not change any more.
func (e *Estate) Add(s *Server) {
	s.estate = e
	for i := range s.Features {
		f := &s.Features[i]
		f.seed = e.Seed ^ word(s.Name+"/"+f.Name+"/"+f.Variant)
	}
	e.Servers = append(e.Servers, s)
}

// A Server is one simulated license server.
type Server struct {
	Name     string // fully qualified host name
	Site     string
	Zone     *time.Location // its clock; status times are printed in it
	Manager  string         // which license manager it has, by the name of its reader: a key of tools
	Port     int
	Version  string // of the license manager
	Daemon   string // who serves the features: a vendor daemon, an ISV server, an editor, an application
	Features []Feature
	Logged   bool // its debug log is read beside its status; FlexNet, and without a restart of its own

	SilentSince time.Time // from here on nobody reads it; zero: never
	Restart     time.Time // when it was restarted once; zero: never
	FailFrom    time.Time // readings in [FailFrom, FailTo) fail
	FailTo      time.Time

	estate *Estate
}

// A Feature is one licensed feature of a Server.
type Feature struct {
	Name      string
	Variant   string // what its manager names the pool by beside the feature: license.Pool
	Version   string
	Expiry    time.Time  // a day; zero: permanent
	Purchases []Purchase // ascending; what was installed from when on
	Uncounted bool       // anybody may use it; FlexNet
	Reserved  int64      // set aside for a group and used by nobody else; FlexNet, RLM, generic
	Borrowed  int        // how many of the oldest checkouts are off line; FlexNet, LM-X, Sentinel, generic
	Queues    bool       // who finds no license waits; else the request is refused
	Demand    float64    // licenses wanted at a busy hour of an ordinary day at the estate's present
	Shape     Shape
	Each      int64 // licenses of one checkout; 0 means 1

	seed uint64 // of its chances
}

// A Purchase is the number of licenses from an instant on.
type Purchase struct {
	From      time.Time
	Installed int64 // overdraft included
	Overdraft int64
}

// A Shape is how demand runs through a week.
type Shape uint8

// The shapes.
const (
	Office   Shape = iota // people at desks
	Cluster               // batch jobs, day and night
	Assigned              // user/device: a number that hardly moves
	System                // start-up features
)

// Down reports whether the server answers nobody at t: it restarts, or cannot
// be reached.
func (s *Server) Down(t time.Time) bool {
	if !t.Before(s.FailFrom) && t.Before(s.FailTo) {
		return true
	}
	return !s.Restart.IsZero() && !t.Before(s.Restart.Add(-restartTakes)) && t.Before(s.Restart)
}

const (
	restartTakes   = 4 * time.Minute
	reconnectTakes = 10 * time.Minute
)

// started returns since when the server that is up at t has been running: it
// is started anew with every month.
func (s *Server) started(t time.Time) time.Time {
	local := t.In(s.Zone)
	at := time.Date(local.Year(), local.Month(), 1, 3, 12, 0, 0, s.Zone)
	if at.After(t) {
		at = time.Date(local.Year(), local.Month()-1, 1, 3, 12, 0, 0, s.Zone)
	}
	if s.Restart.After(at) && !s.Restart.After(t) {
		at = s.Restart
	}
	return at.UTC()
}

// Readings returns what a correct reader gets from the server at t: one for
// each feature, in their order. It is nil while the server is down.
func (s *Server) Readings(t time.Time) []license.Reading {
	if s.Down(t) {
		return nil
	}
	told := tells[s.Manager]
	out := make([]license.Reading, 0, len(s.Features))
	for i := range s.Features {
		out = append(out, s.reading(&s.Features[i], t, told))
	}
	return out
}

// A told says which numbers a license manager tells beside what is installed
// and in use.
type told struct{ daemon, reserved, borrowed, queued, overdraft bool }

func (s *Server) reading(f *Feature, t time.Time, told told) license.Reading {
	r := license.Reading{Pool: f.pool()}
	if told.daemon {
		r.Daemon = s.Daemon
	}
	if f.Uncounted {
		r.State = license.StateUncounted
		return r
	}
	p := f.purchase(t)
	open, waiting := s.demand(f, t)
	each := f.each()
	r.State = license.StateCounted
	r.Installed = license.Of(p.Installed)
	r.InUse = license.Of(open*each + f.Reserved)
	if told.reserved {
		r.Reserved = license.Of(f.Reserved)
	}
	if told.borrowed {
		r.Borrowed = license.Of(min(int64(f.Borrowed), open) * each)
	}
	if told.queued {
		r.Queued = license.Of(waiting * each)
	}
	if told.overdraft {
		r.Overdraft = license.Of(p.Overdraft)
	}
	return r
}

// pool is the pool as which the feature is counted.
func (f *Feature) pool() license.Pool { return license.Pool{Feature: f.Name, Variant: f.Variant} }

func (f *Feature) each() int64 { return max(f.Each, 1) }

// purchase returns what is installed at t; before the first purchase it is
// the first one.
func (f *Feature) purchase(t time.Time) Purchase {
	now := f.Purchases[0]
	for _, p := range f.Purchases[1:] {
		if t.Before(p.From) {
			break
		}
		now = p
	}
	return now
}
