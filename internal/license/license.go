// Package license holds the nouns that agent and hub share: what a license
// server is, how its pools are named and what one reading of a pool says.
// It states facts; rules and arithmetic live with those who own them.
//
// Times are UTC instants with a resolution of one second. The words are the
// field's own; design section 3 defines them.
package license

import (
	"strings"
	"time"
)

// A Server is one license server: the machine and its license service.
type Server struct {
	GUID    string   // ours, made by the agent that reads it first; survives upgrades and renames
	Name    string   // what people call it: the configured name, else the host
	Hosts   []string // every host that serves (three for a triad), fully qualified where known
	Port    int      // of the license service; 0 if unknown
	HostID  string   // the machine's license host id; empty if unknown
	Manager string   // "flexnet", "rlm" ...
	Version string   // of the license manager, as it says; empty if unknown
}

// A Pool is the unit of counting on one license server: what its source names
// at every reading.
type Pool struct {
	Feature string // the licensed name that a client checks out; case counts
	Daemon  string // only where two vendor daemons of the server serve the same name
	Variant string // further key of the source (Subscription Advantage date, RLM pool number); empty for FlexNet
}

// String shows a pool as feature, feature@daemon or feature (variant).
func (p Pool) String() string {
	s := p.Feature
	if p.Daemon != "" {
		s += "@" + p.Daemon
	}
	if p.Variant != "" {
		s += " (" + p.Variant + ")"
	}
	return s
}

// A State says what kind of count a pool has.
type State uint8

// The states of a pool. The numbers are stored; they are never reused.
const (
	StateUnknown   State = 0 // not read, or not told
	StateCounted   State = 1 // installed is a number
	StateUncounted State = 2 // anybody may use it, nobody counts
	StateUnlimited State = 3 // counted, but without a limit
	StateError     State = 4 // the license exists and is not served
)

// UnlimitedFrom is the smallest installed count that means "no limit".
const UnlimitedFrom = 2147483646

// StateOf returns what the number that a license manager gives as installed
// says about a pool: its state and the installed count.
func StateOf(installed int64) (State, Count) {
	if installed >= UnlimitedFrom {
		return StateUnlimited, Count{}
	}
	return StateCounted, Of(installed)
}

// String returns the state's name as reports and the wire write it.
func (s State) String() string {
	switch s {
	case StateCounted:
		return "counted"
	case StateUncounted:
		return "uncounted"
	case StateUnlimited:
		return "unlimited"
	case StateError:
		return "error"
	}
	return "unknown"
}

// ParseState is the inverse of String; a word that it does not know is
// StateUnknown.
func ParseState(s string) State {
	for st := StateCounted; st <= StateError; st++ {
		if st.String() == s {
			return st
		}
	}
	return StateUnknown
}

// A Reading is what one pool looked like at one instant.
type Reading struct {
	Pool      Pool
	Daemon    string // the vendor daemon that serves it; empty if not told
	State     State
	Installed Count  // licenses that the server would hand out, overdraft included; known only when counted
	InUse     Count  // taken, borrowed and unused reservations included
	Reserved  Count  // reserved and not checked out; part of InUse
	Borrowed  Count  // borrowed or lingering; part of InUse
	Queued    Count  // waiting; no part of InUse
	Overdraft Count  // part of Installed beyond what was purchased
	Reason    string // why it is unknown or an error, in the source's words
}

// A Snapshot is what a license server said at one instant.
type Snapshot struct {
	At       time.Time
	Complete bool // every pool that the server has is in Readings
	Readings []Reading
	Holders  []Holder
}

// A Holder is somebody who holds, borrows or waits for licenses.
type Holder struct {
	Pool     Pool
	User     string // as the source writes it; FoldName gives the identity
	Host     string
	Display  string
	Licenses int64
	Since    time.Time // zero if the source does not tell
	Kind     HolderKind
	Handle   string // the server's own name of the checkout, if it has one
}

// A HolderKind says in which way licenses are held.
type HolderKind string

// The ways in which somebody can stand in a status.
const (
	HolderActive   HolderKind = "active"   // checked out
	HolderBorrowed HolderKind = "borrowed" // taken off line, still in use
	HolderLinger   HolderKind = "linger"   // kept by the server after check-in for a minimum time
	HolderQueued   HolderKind = "queued"   // waits; not in use
	HolderReserved HolderKind = "reserved" // set aside for User, which then is a group, host or user
)

// FoldName returns the identity of a user or host name: case and outer blanks
// do not tell people apart. Display keeps the original.
func FoldName(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// A Basis says how well a peak is known.
type Basis string

// The bases of a peak, best first.
const (
	BasisExact   Basis = "exact"    // from complete events
	BasisSampled Basis = "sampled"  // seen at sample times
	BasisAtLeast Basis = "at least" // from a log that was cut at its start
	BasisBetween Basis = "between"  // from interval maxima: low and high are known
	BasisNone    Basis = ""         // nothing is known
)
