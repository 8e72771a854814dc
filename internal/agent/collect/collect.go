// Package collect reads license servers: it runs a vendor's tool or opens a
// vendor's file, safely, and hands the bytes to the parsers of format. It
// decides nothing about the numbers.
//
// A reader has one method, Read. What goes wrong with the license server, its
// tool or its file is a Result with a Failure, so that the use at that instant
// is unknown and never zero; an error means that the caller gave up.
//
// Tools are started directly, by an absolute path and with fixed arguments:
// never through a shell, never with anything that came over the network. This
// is the only package of the agent that starts processes.
package collect

import (
	"fmt"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A Result is what one attempt to read a license server brought. One that has
// neither a Failure nor anything else says that there is nothing new.
type Result struct {
	At       time.Time        // of the attempt, by the reader's clock
	Failure  string           // why use is unknown, in the source's words; empty if it is known
	Server   license.Server   // what the source says about the server; GUID and Name are the caller's
	Snapshot license.Snapshot // its At is zero if there is none
	Own      bool             // instants are by the reader's clock, not the source's
	Unlisted bool             // who holds licenses is not told: Snapshot.Holders is not to be believed
	Events   []Events
	Denials  []Denial
	More     bool // there is more to be read at once: a log is taken in portions

	// Shared leads from pools of Snapshot to the feature whose licenses theirs
	// are: license files prove that both are one purchase, and installed is told
	// with that one.
	Shared      map[license.Pool]string
	Assignments *license.Assignments // nil where the source tells none
	// History is what the server recorded of itself, ascending: samples that
	// were taken HistoryEvery apart.
	History      []license.Snapshot
	HistoryEvery time.Duration
	Sources      []SourceState // where the server is read by several sources
	// Resume is what the reader wants to be given when it is made anew, once
	// the rest of the result is safe. Empty where it needs nothing.
	Resume string
	// Note is what the operator should know of a reading that counts all the
	// same: what of the source was not read.
	Note string
}

// A SourceState is how one of several sources stands.
type SourceState struct {
	Name    string        // short and stable, such as "udadmin"
	At      time.Time     // when it was asked
	Age     time.Duration // how old its data were then, as far as it tells
	Failure string        // why it told nothing; empty if it did
	Absent  bool          // it is not there, and told nothing
	Remark  string        // what else is to be known about what it told
}

// HasSnapshot tells whether the result has a Snapshot.
func (r Result) HasSnapshot() bool { return !r.Snapshot.At.IsZero() }

// Events is the use of one pool over a span for which a log vouches.
type Events struct {
	Pool     license.Pool
	Daemon   string
	From, To time.Time // [From, To)
	Exact    bool      // the log goes back to a server's start; else the true use may be higher
	Start    int64     // in use at From
	Steps    []Step    // ascending, within [From, To)
}

// A Step is one second in which the use of a pool changed.
type Step struct {
	At    time.Time
	InUse int64 // from the next second on
	High  int64 // the highest value within the second
}

// A Denial is a request that was refused.
type Denial struct {
	Pool    license.Pool
	At      time.Time
	Last    time.Time // the last refusal folded into it; zero if it is not told
	User    string
	Host    string
	Reason  string
	Count   int64  // refusals folded into it, at least 1
	Outcome string // a denial.Outcome; empty if it is not told
}

// eventsOf turns what a parser says of uses into what a result does.
func eventsOf(uses []facts.Use) []Events {
	var out []Events
	for _, u := range uses {
		e := Events{Pool: u.Pool, Daemon: u.Daemon, From: u.From, To: u.To, Exact: u.Exact, Start: u.Start}
		for _, s := range u.Steps {
			e.Steps = append(e.Steps, Step(s))
		}
		out = append(out, e)
	}
	return out
}

// oneServer turns an output into the result of the license server that it
// tells of. at is when it was taken, by the reader's clock.
func oneServer(out facts.Output, at time.Time) Result {
	switch {
	case out.Error != "":
		return failed(at, out.Error)
	case len(out.Servers) == 0:
		return failed(at, "the output tells of no license server")
	case len(out.Servers) > 1:
		var servers []license.Server
		for _, s := range out.Servers {
			servers = append(servers, s.Server)
		}
		return failed(at, severalServers("output", servers))
	}
	s := out.Servers[0]
	res := Result{At: at, Server: s.Server, Note: unread(out.Unread)}
	switch {
	case s.Error != "":
		res.Failure = oneLine(s.Error)
	case len(s.Snapshot.Readings) == 0:
		res.Failure = "the output lists no licenses"
	default:
		res.Snapshot = s.Snapshot
		if s.Snapshot.At.IsZero() {
			res.Snapshot.At, res.Own = at, true
		}
		if a := s.Assigned; a.Complete || len(a.List) > 0 {
			a.At = res.Snapshot.At
			res.Assignments = &a
		}
	}
	return res
}

// severalServers says that a text tells of several license servers.
func severalServers(text string, servers []license.Server) string {
	var names []string
	for _, s := range servers {
		names = append(names, strings.Join(s.Hosts, ","))
	}
	return fmt.Sprintf("the %s tells of %d license servers (%s); say by the setting host which one is meant", text, len(servers), strings.Join(names, "; "))
}

// unread says that lines were not understood, and shows the first.
func unread(u facts.UnreadLines) string {
	if u.Total == 0 {
		return ""
	}
	return oneLine(fmt.Sprintf("%d lines were not understood, the first is line %d: %s", u.Total, u.First[0].Line, u.First[0].Text))
}

// failed is a result that says why there is no other.
func failed(at time.Time, reason string) Result {
	return Result{At: at, Failure: oneLine(reason)}
}

// oneLine makes a text fit for a list: blanks and line ends become single
// blanks.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
