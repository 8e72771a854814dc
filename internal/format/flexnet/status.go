// Package flexnet reads what FlexNet Publisher prints: the output of
// lmstat -a and lmstat -i, the debug log of lmgrd and its vendor daemons, and
// license files. It turns bytes into facts and returns every line that it
// could not read with its number and text. It knows no clock, no process and
// no network; memory is bounded by the number of features and open checkouts,
// never by the length of the input.
package flexnet

import (
	"time"

	"headroom/internal/license"
)

// An Unread line is one that no rule understood. It never costs the rest.
type Unread struct {
	Line int // counted from 1
	Text string
}

// A Status is what one run of lmstat -a printed: one or more sections, each of
// one license server.
type Status struct {
	Version  string    // of lmutil, if printed
	At       time.Time // the status date; zero if there is none
	Sections []Section
	Error    string // why nothing could be read at all; empty if something was
	Lines    int
	Unread   []Unread
}

// A Section is what lmstat says about one license server.
type Section struct {
	Hosts    []HostPort // from the line "License server status:"
	Files    string     // the license file list, as printed
	Servers  []ServerUp // each server once, case folded; three of a triad
	Daemons  []DaemonUp
	Features []Feature
	Error    string // e.g. cannot connect; then Features says nothing about use
}

// A HostPort is where a license server listens.
type HostPort struct {
	Host string
	Port int // 0 if not printed
}

// A ServerUp is the state of one machine of a license server.
type ServerUp struct {
	Host    string
	Up      bool
	Master  bool
	Version string
	Error   string // the whole error text, if it is not up
}

// A DaemonUp is the state of one vendor daemon.
type DaemonUp struct {
	Name    string
	Up      bool
	Version string
	Error   string
}

// A Feature is one "Users of" block. Two blocks of one name stay apart when
// different daemons serve them; an exact repeat is dropped.
type Feature struct {
	Name      string
	Daemon    string // from its pool lines; empty for an idle feature
	State     license.State
	Installed license.Count // known only when counted
	InUse     license.Count // the header's total: reservations and borrowed included
	Error     string        // the feature's own error text
	Line      int           // where its block starts
	Pools     []LicensePool
	Checkouts []Checkout // all of the feature's lines, in order; Pool is an index into Pools or -1
}

// A LicensePool is one license line behind a feature: same feature, other
// version, expiry or kind.
type LicensePool struct {
	Version      string
	Vendor       string
	Expiry       string // as printed; ParseExpiry reads it
	VendorString string
	Kind         string // "floating license", "nodelocked license, locked to ..." as printed
}

// A Checkout is one line of a user, a queued request or a reservation.
type Checkout struct {
	Pool      int // index into Feature.Pools; -1 before any pool line
	Kind      license.HolderKind
	User      string // for a reservation: what it is for, e.g. "GROUP DED"
	Host      string
	Display   string
	Extra     string // vendor data between display and version
	Version   string
	Server    string
	Port      string
	Handle    string
	Start     time.Time // zero if the line has none
	StartText string    // as printed
	DateOdd   bool      // the weekday fits no year near the status date
	Guessed   bool      // names with blanks were divided by guess
	Licenses  int64
	Linger    time.Duration // whole borrow or linger period; 0 if none
	Remaining time.Duration // of it; 0 if not told
	PID       int64
	Line      int
}
