package flexnet

import (
	"slices"
	"strconv"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A ServerState says whether a license server as a whole hands out licenses.
type ServerState string

// The states of a license server. Two of three servers of a triad are enough
// to work: the third one down makes it degraded.
const (
	ServerUpState  ServerState = "up"
	ServerDegraded ServerState = "degraded"
	ServerDown     ServerState = "down"
	ServerUnknown  ServerState = "unknown" // the status does not tell
)

// A ServerSnapshot is what a status says about one license server, in the
// words that all license managers share.
type ServerSnapshot struct {
	Server   license.Server // without GUID and Name
	State    ServerState
	Servers  []ServerUp
	Daemons  []DaemonUp
	Error    string // of the section; empty if it read well
	Snapshot license.Snapshot
	Terms    []facts.Term // of features that have pool lines; who prints none tells no expiry
}

// Snapshots turns a status into one snapshot per license server, in the order
// of its sections; sections of one server are put together. A snapshot is
// complete if the server works, all its vendor daemons are up, and the list of
// features was reached and read without an error. What was asked for is not
// seen in the text: who ran lmstat for one feature only (-f, -A) must not take
// the others for gone.
func Snapshots(s Status) []ServerSnapshot {
	var all []ServerSnapshot
	for _, sec := range joinSections(s.Sections) {
		all = append(all, snapshotOf(sec))
	}
	return all
}

// joinSections puts the sections of one server together: two license files
// can name the same server.
func joinSections(sections []Section) []Section {
	var joined []Section
	at := map[string]int{}
	again := map[int]bool{}
	for _, sec := range sections {
		key := serverKey(sec)
		i, ok := at[key]
		if !ok || key == "" {
			at[key] = len(joined)
			joined = append(joined, sec)
			continue
		}
		joinSection(&joined[i], sec)
		again[i] = true
	}
	for i := range again {
		joined[i].Features = dropRepeats(joined[i].Features)
	}
	return joined
}

// serverKey identifies a license server by its hosts and ports, or is empty.
func serverKey(sec Section) string {
	var keys []string
	for _, h := range sec.Hosts {
		keys = append(keys, license.FoldName(h.Host)+"/"+strconv.Itoa(h.Port))
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

// joinSection adds what sec says to s, which is of the same server. Slices of
// s are copied, not written to: they belong to the caller's Status.
func joinSection(s *Section, sec Section) {
	s.Features = slices.Concat(s.Features, sec.Features)
	s.Daemons = slices.Clone(s.Daemons)
	for _, d := range sec.Daemons {
		s.Daemons = mergeDaemon(s.Daemons, d)
	}
	if len(s.Servers) == 0 {
		s.Servers = sec.Servers
	}
	s.Listed = s.Listed && sec.Listed
	if sec.Error != "" {
		s.Error = joinErrors(s.Error, sec.Error)
	}
}

func snapshotOf(sec Section) ServerSnapshot {
	n := ServerSnapshot{
		Server:  serverOf(sec),
		State:   stateOf(sec),
		Servers: sec.Servers,
		Daemons: sec.Daemons,
		Error:   sec.Error,
	}
	n.Snapshot.At = sec.At
	n.Snapshot.Complete = isComplete(sec, n.State)
	var rows facts.Readings
	daemons := daemonsPerName(sec.Features)
	for _, f := range sec.Features {
		pool := license.Pool{Feature: f.Name}
		if daemons[f.Name] > 1 {
			pool.Daemon = f.Daemon
		}
		rows.Add(readingOf(f, pool))
		n.Snapshot.Holders = appendHolders(n.Snapshot.Holders, f, pool)
		n.Terms = appendTerms(n.Terms, f, pool)
	}
	n.Snapshot.Readings = rows.All()
	return n
}

// serverOf collects the facts about a license server.
func serverOf(sec Section) license.Server {
	s := license.Server{Manager: "flexnet"}
	for _, h := range sec.Hosts {
		s.Hosts = append(s.Hosts, h.Host)
		if s.Port == 0 {
			s.Port = h.Port
		}
	}
	for _, up := range sec.Servers {
		if len(sec.Hosts) == 0 {
			s.Hosts = append(s.Hosts, up.Host)
		}
		if up.Version != "" && (s.Version == "" || up.Master) {
			s.Version = up.Version
		}
	}
	return s
}

// stateOf counts the servers that are up: more than half of them must be.
func stateOf(sec Section) ServerState {
	up := 0
	for _, s := range sec.Servers {
		if s.Up {
			up++
		}
	}
	all := max(len(sec.Servers), len(sec.Hosts))
	switch {
	case len(sec.Servers) == 0:
		return ServerUnknown
	case up == all:
		return ServerUpState
	case 2*up > all:
		return ServerDegraded
	}
	return ServerDown
}

func isComplete(sec Section, state ServerState) bool {
	works := state == ServerUpState || state == ServerDegraded
	if !works || !sec.Listed || sec.Error != "" || len(sec.Daemons) == 0 {
		return false
	}
	for _, d := range sec.Daemons {
		if !d.Up {
			return false
		}
	}
	return true
}

// readingOf turns a feature into a reading. What the status does not tell is
// unknown: without lines of users, only a feature that nobody uses says how
// many licenses are reserved.
func readingOf(f Feature, pool license.Pool) license.Reading {
	r := license.Reading{
		Pool: pool, Daemon: f.Daemon, State: f.State,
		Installed: f.Installed, InUse: f.InUse, Reason: f.Error,
	}
	if f.State == license.StateError || f.State == license.StateUnknown {
		return r
	}
	if len(f.Checkouts) == 0 && f.InUse != license.Of(0) {
		return r
	}
	var used, reserved, borrowed, queued int64
	for _, c := range f.Checkouts {
		switch c.Kind {
		case license.HolderQueued:
			queued += c.Licenses
			continue
		case license.HolderReserved:
			reserved += c.Licenses
		case license.HolderBorrowed, license.HolderLinger:
			borrowed += c.Licenses
		}
		used += c.Licenses
	}
	r.Reserved, r.Borrowed, r.Queued = license.Of(reserved), license.Of(borrowed), license.Of(queued)
	if f.State == license.StateUncounted {
		r.InUse = license.Of(used) // its header has no numbers
	}
	return r
}

func appendHolders(all []license.Holder, f Feature, pool license.Pool) []license.Holder {
	for _, c := range f.Checkouts {
		all = append(all, license.Holder{
			Pool: pool, User: c.User, Host: c.Host, Display: c.Display, Licenses: c.Licenses,
			Since: c.Start, Kind: c.Kind, Handle: c.Handle,
		})
	}
	return all
}

// appendTerms makes a term of every pool line. It tells no count of its own:
// only where it stands alone, the feature's is its.
func appendTerms(all []facts.Term, f Feature, pool license.Pool) []facts.Term {
	for _, p := range f.Pools {
		t := facts.Term{Pool: pool, Version: p.Version, Vendor: p.Vendor, Text: p.Expiry}
		if len(f.Pools) == 1 {
			t.State, t.Count = f.State, f.Installed
		}
		if e, err := ParseExpiry(p.Expiry); err == nil && e.Permanent {
			t.Permanent = true
		} else if err == nil {
			t.Expiry = e.Day
		}
		all = append(all, t)
	}
	return all
}
