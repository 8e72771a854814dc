// Package relay reads what Keygen Relay says about its licenses: the table of
// `relay ls --plain`, and the rows of its database once somebody has fetched
// them. It has no place for license keys and license files.
//
// A node is a machine, known by its fingerprint; Relay knows no people.
package relay

import (
	"strings"
	"time"

	"headroom/internal/license"
)

// Manager is the name of the license manager in a license.Server.
const Manager = "keygen-relay"

// A License is one license, for one node at a time unless it has more seats.
type License struct {
	ID       string // Relay's own
	Pool     string // Relay's pool that it is in; empty if in none
	Seats    int64
	Nodes    []Node    // that hold it
	Claimed  time.Time // last; zero if never, or not told
	Released time.Time // last; zero if never, or not told
}

// A Node is a machine that holds a license.
type Node struct {
	Name  string
	Since time.Time // zero if not told
}

// outside is the feature of licenses that are in none of Relay's pools.
const outside = "licenses"

// PoolOf is the pool that Relay's pool of that name is.
func PoolOf(name string) license.Pool {
	if name = strings.TrimSpace(name); name == "" {
		name = outside
	}
	return license.Pool{Feature: name}
}

// Snapshot counts licenses. Pools are Relay's pools, the empty ones too, in the
// order of first mention. In use are the seats that nodes hold.
func Snapshot(licenses []License, pools []string) license.Snapshot {
	s := license.Snapshot{Complete: true}
	places := map[license.Pool]int{}
	place := func(name string) *license.Reading {
		p := PoolOf(name)
		i, seen := places[p]
		if !seen {
			i = len(s.Readings)
			places[p] = i
			s.Readings = append(s.Readings, license.Reading{
				Pool: p, State: license.StateCounted, Installed: license.Of(0), InUse: license.Of(0),
			})
		}
		return &s.Readings[i]
	}
	for _, name := range pools {
		place(name)
	}
	for _, l := range licenses {
		r := place(l.Pool)
		r.Installed.N += l.Seats
		r.InUse.N += int64(len(l.Nodes))
		for _, n := range l.Nodes {
			s.Holders = append(s.Holders, license.Holder{
				Pool: r.Pool, Host: n.Name, Licenses: 1, Since: n.Since, Kind: license.HolderActive, Handle: l.ID,
			})
		}
	}
	return s
}
