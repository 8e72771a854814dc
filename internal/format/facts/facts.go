// Package facts holds the shapes in which the parsers of license managers
// return what a text told: the status of license servers, the events of a log,
// and the lines that no rule understood. Its one rule is how rows of a pool add up.
//
// Times are UTC instants with a resolution of one second.
package facts

import (
	"time"

	"headroom/internal/license"
)

// Options say what a text does not tell about itself.
type Options struct {
	// Zone is where the clock stands that the text's times are read from; nil
	// means UTC.
	Zone *time.Location
	// At is when the text was taken, for dates without a year and texts without
	// a date; zero if that is not known.
	At time.Time
	// CodePage decodes lines that are no valid UTF-8 (text.NewLines).
	CodePage string
}

// An Output is what one run of a status tool printed.
type Output struct {
	Servers []Status
	Error   string // why the tool told nothing, in its own words; empty if it did
	Lines   int
	Unread  UnreadLines
}

// A Status is what an output says about one license server.
type Status struct {
	Server license.Server // without GUID and Name
	Error  string         // of this server; its snapshot is then empty
	// Partial says why a part of the server is missing in Snapshot, in the
	// source's words; empty if none is or the source does not say.
	Partial string
	// Snapshot.At is zero where the text tells no date of its own.
	Snapshot license.Snapshot
	Terms    []Term
	Denied   []Denied
	Assigned license.Assignments // of named users; zero where nothing is assigned
}

// A Term is one license behind a pool: the same pool can have several.
type Term struct {
	Pool      license.Pool
	State     license.State
	Count     license.Count // known only when counted
	Version   string        // empty if not told
	Vendor    string        // empty if not told
	Start     time.Time     // zero if not told
	Expiry    time.Time     // zero if not told or permanent
	Permanent bool
	Text      string // of the expiry, as printed
}

// Denied is how often a pool was refused since the license server has counted.
type Denied struct {
	Pool  license.Pool
	Count int64
}

// A Kind says what an event of a log reports.
type Kind uint8

// The kinds of event. The first group is about pools, the second about the
// license server.
const (
	Out      Kind = iota + 1 // licenses were taken
	In                       // licenses came back
	Refused                  // a request was refused
	Queued                   // a request waits
	Dequeued                 // a waiting request was served or given up
	Held                     // licenses that were out already when the log or its part began
	Served                   // the pool is there, with Total licenses

	Start    // the server came up: nothing is out before it
	Shutdown // the server ended: everything is given back
	Reread   // the licenses were read again; what is out stays out
	Mark     // nothing but that the server was alive at that time
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	names := [...]string{"", "out", "in", "refused", "queued", "dequeued", "held", "served", "start", "shutdown", "reread", "mark"}
	if int(k) < len(names) {
		return names[k]
	}
	return ""
}

// An Event is one line of a log that says something happened.
type Event struct {
	Kind     Kind
	At       time.Time // zero where no line of the log tells the date
	Daemon   string    // the vendor daemon that it is about; empty if not told
	Pool     license.Pool
	User     string
	Host     string
	Licenses int64         // that the event is about; 1 where the line tells none
	InUse    license.Count // of the pool after the event, as the log counts it
	Reserved license.Count // reserved and not taken, after the event
	Total    license.Count // installed, as the log tells it
	Handle   string        // what pairs an In with its Out
	Reason   string        // of a refusal or a return, in words
	Code     int           // of a refusal; 0 if there is none
	Again    bool          // a refusal after which the client asks elsewhere: it does not count
	Line     int           // counted from 1
}

// A Use is the use of one pool over a time of which all is told.
type Use struct {
	Pool     license.Pool
	Daemon   string    // the vendor daemon that serves it; empty if not told
	From, To time.Time // [From, To)
	Exact    bool      // else the true use may be higher
	Start    int64     // in use at From
	Steps    []Step    // ascending, within [From, To), at most one in a second
}

// A Step is one second in which the use of a pool changed.
type Step struct {
	At    time.Time
	InUse int64 // from the next second on
	High  int64 // the highest value within the second
}
