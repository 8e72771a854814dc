// Package flexnet reads what FlexNet Publisher prints: the output of
// lmstat -a and lmstat -i, the debug log of lmgrd and its vendor daemons, and
// license files. It turns bytes into facts and returns every line that it
// could not read with its number and text. It knows no clock, no process and
// no network; memory is bounded by the number of features and open checkouts,
// never by the length of the input.
package flexnet

import (
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// StatusOptions say what the text of a status cannot tell by itself.
type StatusOptions struct {
	Zone      *time.Location // of the printed times: the zone of the machine that ran lmstat; nil is UTC
	Collected time.Time      // when the text was taken; used where it has no status date
	CodePage  string         // of lines that are not UTF-8, a name of the WHATWG list; empty is windows-1252
	Users     []string       // names known from elsewhere (a debug log), which help to divide
	Hosts     []string       // lines whose names have blanks
}

// A Status is what one run of lmstat -a printed: one or more sections, each of
// one license server. Versions in it are without the "v" that FlexNet prints
// before them; feature, user and host names are as printed.
type Status struct {
	Version     string    // of lmutil, if printed
	At          time.Time // the status date in UTC; zero if there is none
	Sections    []Section
	Error       string // why nothing could be read at all; empty if something was
	Lines       int
	Unread      []facts.Unread // the first 1000
	UnreadTotal int            // all of them
}

// A Section is what lmstat says about one license server.
type Section struct {
	At       time.Time  // the status date, else the time of collection; in UTC, zero if neither is known
	Hosts    []HostPort // from the line "License server status:"
	Files    string     // the license file list, as printed
	Servers  []ServerUp // each server once, case folded; three of a triad
	Daemons  []DaemonUp // each vendor daemon once
	Features []Feature
	Listed   bool   // the list of features was reached, and every feature line in it was read
	Error    string // e.g. cannot connect; then Features may lack what the server has
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
	Daemon    string // from its pool lines, else the only daemon that can serve it; empty if neither tells
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
	Port      string // as printed; some captures have a word here
	Handle    string
	Start     time.Time // in UTC; zero if the line has none or no date says its year
	StartText string    // as printed
	DateOdd   bool      // the weekday fits no year near the status date
	Guessed   bool      // names with blanks were divided by guess
	Licenses  int64
	Linger    time.Duration // whole borrow or linger period; 0 if none
	Remaining time.Duration // of it; 0 if not told
	PID       int64
	Tail      string // what stood after the known parts, as printed
	Line      int
}
