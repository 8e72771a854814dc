// Package sim is a simulated estate of license servers: what their status
// tools print at any instant, and what a correct reader makes of it. Every
// figure is a pure function of the seed, the estate's present and the instant
// asked for, so history and live status agree and two runs show the same.
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

// A Server is one simulated FlexNet license server.
type Server struct {
	Name     string // fully qualified host name
	Site     string
	Zone     *time.Location // its clock; status times are printed in it
	Port     int
	Version  string // of lmgrd
	Daemon   string // its vendor daemon
	Features []Feature

	SilentSince time.Time // from here on nobody reads it; zero: never
	Restart     time.Time // when it was restarted once; zero: never
	FailFrom    time.Time // readings in [FailFrom, FailTo) fail
	FailTo      time.Time

	estate *Estate
}

// A Feature is one licensed feature of a Server.
type Feature struct {
	Name      string
	Version   string
	Expiry    string     // as lmstat prints it
	Purchases []Purchase // ascending; what was installed from when on
	Uncounted bool
	Reserved  int64   // set aside for a group and used by nobody else
	Demand    float64 // licenses wanted at a busy hour of an ordinary day at the estate's present
	Shape     Shape
	Each      int64 // licenses of one checkout; 0 means 1
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

// people reports whether a status lists who holds the licenses.
func (s Shape) people() bool { return s == Office || s == Cluster }

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

// Readings returns what a correct reader gets from the server at t: one for
// each feature, in the order of Status. It is nil while the server is down.
func (s *Server) Readings(t time.Time) []license.Reading {
	if s.Down(t) {
		return nil
	}
	out := make([]license.Reading, 0, len(s.Features))
	for i := range s.Features {
		out = append(out, s.reading(&s.Features[i], t))
	}
	return out
}

func (s *Server) reading(f *Feature, t time.Time) license.Reading {
	r := license.Reading{Pool: license.Pool{Feature: f.Name}, Daemon: s.Daemon}
	if f.Uncounted {
		r.State = license.StateUncounted
		return r
	}
	used := s.use(f, t)
	r.State = license.StateCounted
	r.Installed = license.Of(f.purchase(t).Installed)
	r.InUse = license.Of(used + f.Reserved)
	if used == 0 || f.Shape.people() { // else lmstat lists nobody, and tells nothing of these
		r.Reserved, r.Borrowed, r.Queued = license.Of(f.Reserved), license.Of(0), license.Of(0)
	}
	r.Overdraft = license.Of(f.purchase(t).Overdraft)
	return r
}

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
