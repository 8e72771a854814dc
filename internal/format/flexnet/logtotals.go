package flexnet

import (
	"io"
	"time"

	"headroom/internal/license"
)

// A LogFeature is the sum of a history for one feature of one vendor daemon.
// Lines are counted in Out, In, Denied, Unsupported, Queued, OpenCheckouts;
// licenses in OutLicenses, InLicenses, Open and Peak.
type LogFeature struct {
	Daemon, Feature string

	Out, OutLicenses int64
	In, InLicenses   int64
	// InUnmatched is the part of In whose checkout the log does not show: it
	// began before the log, or ended with a shutdown. It changes no count.
	InUnmatched int64
	Denied      int64 // lines
	// DeniedFolded counts a refusal once when the same user on the same host
	// asks again within 5 minutes of the last refusal. Shortages is the part
	// of it that was refused because no license was free (code -4).
	DeniedFolded, Shortages int64
	Unsupported             int64
	Queued                  int64

	// Users and Hosts count who checked out or in, case folded.
	Users, Hosts int

	Open          int64 // licenses checked out at the end
	OpenCheckouts int   // checkouts that hold them
	Peak          LogPeak
	// Installed is what the verbose form told last; unknown otherwise.
	Installed license.Count

	First, Last time.Time // of the feature's events; zero where undated

	Members  []string // what the feature consists of, if it is a package
	MemberOf []string // the packages that it belongs to
}

// A LogPeak is the highest number of licenses of one feature that were checked
// out at one time, and the first second in which they were.
type LogPeak struct {
	Value int64
	At    time.Time // zero where undated, or where Value is 0
	Basis license.Basis
}

// A LogStep says what one second did to one feature.
type LogStep struct {
	Daemon, Feature string
	At              time.Time // a whole second
	InUse           int64     // licenses checked out at its end, and until the next step
	High            int64     // the highest value that any event of the second left
}

// A LogCheckout is a checkout that is open at the end of a history.
type LogCheckout struct {
	Daemon, Feature string
	User, Host      string
	Extra           string
	Licenses        int64
	Since           time.Time // zero where undated
}

// LogTotals add up a history that may be spread over several files: Read them
// in order of time. What is checked out at the end of one file is checked out
// at the start of the next.
type LogTotals struct {
	// OnStep, if set, is given every change of every feature, in order of
	// time. A second is reported when a later one begins or at Flush.
	OnStep func(LogStep)

	options LogOptions
}

// NewLogTotals returns totals of an empty history.
func NewLogTotals(o LogOptions) *LogTotals { return &LogTotals{options: o} }

// Read adds one file. The error is that of r; what was read before it counts.
func (t *LogTotals) Read(r io.Reader) (LogFile, error) { return LogFile{}, nil }

// Flush reports the last second of the history to OnStep.
func (t *LogTotals) Flush() {}

// Features returns the sums by daemon and feature, sorted.
func (t *LogTotals) Features() []LogFeature { return nil }

// Open returns the checkouts that are open, by daemon, feature and start.
func (t *LogTotals) Open() []LogCheckout { return nil }

// Daemons returns the vendor daemons of the history, sorted by name.
func (t *LogTotals) Daemons() []LogDaemon { return nil }

// Users returns how many people checked out or in any feature, case folded.
func (t *LogTotals) Users() int { return 0 }

// Hosts returns how many hosts they did it from, case folded.
func (t *LogTotals) Hosts() int { return 0 }
