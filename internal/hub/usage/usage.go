// Package usage answers questions about an organisation's estate: which
// license servers report, what is installed and in use per product, how high
// use went. It takes day blocks from a store and figures from insight, and
// says with every figure what it rests on.
package usage

import (
	"time"

	"headroom/internal/catalog"
	"headroom/internal/insight"
	"headroom/internal/license"
)

// A Status is what the time since a server's last report says of it.
type Status string

// The statuses of a license server (design F5).
const (
	Awaiting     Status = "awaiting first upload"
	Reporting    Status = "reporting"
	NotReporting Status = "not reporting"
	Silent       Status = "silent"  // older: leaves the list, still counted in "n of m"
	Removed      Status = "removed" // its registration was removed; its history stays
)

// Thresholds decide a server's status. They are settings of an organisation.
type Thresholds struct {
	Reporting time.Duration // reported within this time (inclusive): Reporting; default 72 h
	Listed    time.Duration // within this time (inclusive): NotReporting, else Silent; default 720 h
	Awaited   time.Duration // never reported and registered longer than this: a warning; default 24 h
}

// DefaultThresholds are those of an organisation that has set none.
var DefaultThresholds = Thresholds{Reporting: 72 * time.Hour, Listed: 720 * time.Hour, Awaited: 24 * time.Hour}

// A Server is a license server as the estate sees it.
type Server struct {
	ID           int64
	GUID         string
	Name         string
	Hosts        []string
	Manager      string
	Version      string
	Agent        string    // name of the machine whose agent reads it
	Registered   time.Time // when both sides had said yes
	Status       Status
	LastReported time.Time     // receipt by the hub of a batch with a successful reading; zero if never
	LastContact  time.Time     // of its agent; zero if never
	Clock        time.Duration // of its agent, minus the hub's, at LastContact
	Forked       time.Time     // when two used its agent's identity last: a copy, or itself rolled back; zero if never
	UploadAsked  time.Time     // when an update was asked for last; zero if never
	LastReading  time.Time     // instant of its newest reading, by the source; zero if none
	HoldersAt    time.Time     // instant of its newest list of who holds licenses; zero if it tells none
	FailedAt     time.Time     // newest failed reading, if newer than LastReading; else zero
	Failure      string        // why
	Site         string        // where it stands; empty if nobody has said
	Tags         []string
	Acknowledged time.Time // when an administrator took note that it is silent; zero if never
	Erased       time.Time // its usage data up to then were deleted; zero if never
	ErasedBy     string
	Overdue      bool     // awaiting its first upload for longer than Thresholds.Awaited
	Sources      []Source // where it is read by several; filled in by Service.Servers only

	// Names are the changes of how names of its users and devices leave its site,
	// oldest first; empty: clear, as ever.
	Names []NamesChange
}

// A NamesChange is a change of how names of users and devices leave a site.
type NamesChange struct {
	Since time.Time // by the agent's clock
	Mode  string    // clear, pseudonyms or none
	Key   string    // id of the key that makes the pseudonyms; people under two keys cannot be compared
}

// An Organisation is whose estate it is.
type Organisation struct {
	ID         int64
	Name       string
	Zone       *time.Location // days, months and windows are its calendar's
	Thresholds Thresholds
}

// A Trust line says what the page's numbers rest on.
type Trust struct {
	Reporting int              // servers that report
	Total     int              // servers that should, silent ones included, removed ones not
	Oldest    time.Time        // oldest LastReading among the reporting servers; zero if none
	Coverage  insight.Coverage // this calendar month, all products
	Silent    []Server         // not reporting, silent or awaiting: what is left out of current figures
}

// A Risk orders products by how tight they are.
type Risk string

// The risks, worst first. Over: more in use than purchased. Tight: 90 % or
// more of what is installed is in use, now or at the peak of the last 7 days.
const (
	RiskOver    Risk = "over"
	RiskTight   Risk = "tight"
	RiskUnknown Risk = "unknown"
	RiskFine    Risk = "fine"
)

// A Now is what is in use at present: the last good reading of each reporting
// server, however old.
type Now struct {
	Installed license.Count // unknown where a limited pool in InUse does not tell it
	Unlimited bool          // a pool without limit is among them: Installed says nothing
	InUse     license.Count // of the pools that tell it; unknown where none does
	Reserved  license.Count // part of InUse, as far as told; so are the next three
	Borrowed  license.Count // part of InUse
	Queued    license.Count // no part of InUse
	Overdraft license.Count // part of Installed
	Over      license.Count // overdraft used: sum over servers of max(0, in use - purchased); 0 only where all is told
	Uncounted int           // pools that anybody may use and nobody counts: in no sum
	Untold    int           // pools that never told their use: missing in the sums
	Oldest    time.Time     // oldest reading that contributes; zero if none
	Counted   int           // servers that contribute
	LeftOut   []string      // names of servers that have the product and do not report
	// SharedWith is the product with which licenses of some pools were bought
	// as one, which license files prove: they are installed there. Empty if none.
	SharedWith string
	// Echoes are pools of entitlements that several license servers report: their
	// use counts, and their licenses count once, with another server's.
	Echoes int
}

// Available returns the share of installed that is free, in percent. ok is
// false where it cannot be said. More in use than installed is negative.
func (n Now) Available() (percent float64, ok bool) {
	if n.Unlimited || !n.Installed.Known || !n.InUse.Known || n.Installed.N == 0 {
		return 0, false
	}
	return 100 * float64(n.Installed.N-n.InUse.N) / float64(n.Installed.N), true
}

// Peaks are the three windows of design F8.
type Peaks struct {
	Last7 insight.Peak // 168 hours up to now
	Month insight.Peak // this calendar month
	All   insight.Peak // all time since registration
	Since time.Time    // where All begins: the first record of the chosen servers; zero if none
}

// A Card is one product on the Usage page.
type Card struct {
	Product  catalog.Product
	Now      Now
	Peaks    Peaks
	Risk     Risk
	Tightest string           // the server with the largest overdraft used, else the least free; empty if none
	Spark    []insight.Bucket // 90 local days up to today
	Servers  int              // that have the product
	Denied   DenialCount      // in the last 7 days
	Twin     string           // key of a product that may be the same purchase a second time; nothing is halved
}

// An Overview is the Usage page.
type Overview struct {
	Organisation Organisation
	At           time.Time // when it was asked
	Trust        Trust
	Cards        []Card            // worst risk first, then by name
	Failing      []Server          // whose newest reading failed, by name
	Forked       []Server          // one for each agent whose identity two have used lately
	Clocks       []Server          // one for each agent whose clock is wrong
	Hidden       []catalog.Product // that have no card because their organisation wants none
}

// A Step is the length of a trend's buckets.
type Step string

// The steps of a trend.
const (
	ByDay   Step = "day"
	ByMonth Step = "month"
	ByYear  Step = "year"
)

// A Question chooses what Details are about.
type Question struct {
	Product string    // catalog.Product.Key
	Servers []string  // GUIDs; empty: all
	From    time.Time // zero, or earlier than that: the local day of the first record
	To      time.Time // zero, or later than that: now
	Step    Step      // empty: ByDay
}

// A ServerUse is one license server's part in a product.
type ServerUse struct {
	Server Server
	Pools  []string      // the pools that are added
	Now    Now           // of this server alone; its last reading even where it does not report
	Peak   insight.Peak  // its own, over the chosen span
	Share  license.Count // its part of the sum at the instant of the common peak
	Check  Check
	// With is the license server with whose licenses those of an entitlement count
	// that this one reports too. Empty: they count here. Now and Peak are what
	// this server tells, all the same.
	With string
}

// Details is the page of one product.
type Details struct {
	Organisation Organisation
	At           time.Time
	Question     Question // as answered: From, To and Step filled in
	Product      catalog.Product
	Now          Now
	Peaks        Peaks        // of the chosen servers
	Peak         insight.Peak // over the chosen span
	Trend        []insight.Bucket
	Levels       insight.Levels // of the chosen span: a duration curve
	Servers      []ServerUse    // chosen ones, by name
	All          []Server       // every server that has the product, for the filter
	Imported     ImportedDays   // of the chosen servers
	Changes      []Change       // of the chosen servers, in order of time
}
