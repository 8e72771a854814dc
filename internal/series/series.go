// Package series holds the use of pools over time: day blocks, which are what
// the hub keeps, and the step function of a pool that is read from them.
// It is pure arithmetic: no clock, no database, no network.
//
// All instants are whole Unix seconds in UTC; a day is a UTC day. Spans are
// half-open [From, To).
package series

import "headroom/internal/license"

// DaySeconds is the length of a UTC day.
const DaySeconds = 86400

// MaxHold is the longest time in seconds for which a reading holds. A day and
// the one before it therefore say all that is known of the day.
const MaxHold = DaySeconds

// DayOf returns the number of the UTC day in which the instant at lies.
func DayOf(at int64) int32 {
	day := at / DaySeconds
	if at%DaySeconds < 0 {
		day--
	}
	return int32(day)
}

// DayStart returns the first second of the UTC day number.
func DayStart(number int32) int64 { return int64(number) * DaySeconds }

// A PoolID is the hub's small number for a pool of a server.
type PoolID int64

// A Day is all that is known of one license server in one UTC day. What
// reaches over midnight is divided: each day can be read by itself, except for
// a sample's hold, which may reach into the next day.
//
// Days come from a Builder, Merge or Decode, which keep the order that the
// comments state. A Day is not changed once it is made; slices may be shared.
type Day struct {
	Number int32     // days since 1970-01-01
	Rounds []Round   // readings of the whole server, ascending by At, one per At
	Pools  []PoolDay // ascending by Pool, none empty
}

// A Round is one successful reading of a server.
type Round struct {
	At       int64
	Hold     int64 // seconds for which its values hold at most, 1 to MaxHold
	Complete bool  // a pool that had a record before and is missing here has ended
	Imported bool
}

// A PoolDay is what is known of one pool in one day.
type PoolDay struct {
	Pool    PoolID
	Samples []Sample  // ascending by At; each At is that of a Round
	Spans   []Span    // what logs vouch for, ascending, not overlapping
	Steps   []Step    // within Spans, ascending by At; the first second of a span always has one
	Maxima  []Maximum // ascending, not overlapping
}

// empty says whether nothing is known of the pool.
func (p *PoolDay) empty() bool { return len(p.Samples)+len(p.Spans)+len(p.Maxima) == 0 }

// A Sample is a pool's values at one Round.
type Sample struct {
	At        int64
	State     license.State
	InUse     license.Count
	Installed license.Count
	Reserved  license.Count
	Borrowed  license.Count
	Queued    license.Count
	Overdraft license.Count
}

// A Span is a time for which a log vouches for a pool.
type Span struct {
	From, To int64
	Exact    bool // else the use may have been higher
	Imported bool
}

// A Step is a change within a Span. A second with several events is one step:
// it has the highest value that any of its events leaves (High), and what it
// ends with (InUse) holds from the next second to the next step or the end of
// the span. A step that carries a value on has High equal to InUse.
type Step struct {
	At    int64
	InUse int64 // from the next second on
	High  int64 // highest value within the second At, at least InUse
}

// A Maximum is what a source says that tells the highest use of a time and not
// when it was reached. A source's own interval is Whole; one that was divided,
// at midnight or where another overlaps it, is not: the value was reached in
// one of the parts, and every part is bounded by it.
type Maximum struct {
	From, To int64
	InUse    int64
	Whole    bool
	Imported bool
}

// Terms are what a reading says of a pool beside its use.
type Terms struct {
	State     license.State
	Installed license.Count
	Reserved  license.Count
	Overdraft license.Count
}

// A Kind says what a Piece of a pool's time is.
type Kind uint8

// The kinds of time of a pool (design section 4, rule 6).
const (
	Unknown Kind = iota // nobody knows
	Absent              // before the pool's first record, or after its server was removed: 0, outside coverage
	Known
	Ended   // missing from complete readings: 0
	Pending // after the server's last upload, while it is not silent: outside coverage
)

// A Piece is a stretch of a pool's time in which nothing changes, except that
// its first second may have been higher. Where Basis is BasisBetween the use
// was InUse at most; it was InUse in one of the seconds if Reached. State, Installed and Overdraft are
// those that were told last, also where the use is unknown or pending. They are
// empty where the pool is absent or ended; Installed and Overdraft are unknown
// also after the newest record of a server that does not report any more.
type Piece struct {
	From, To  int64
	Kind      Kind
	InUse     int64 // Known only; else 0
	High      int64 // highest within the second From, at least InUse
	State     license.State
	Installed license.Count
	Reserved  license.Count // Known only
	Overdraft license.Count
	Basis     license.Basis // of InUse; BasisNone unless Known
	Reached   bool          // BasisBetween only
}
