// Package insight turns step functions into the answers that people ask for:
// how high did use go, when, how well is that known, and how did it develop.
// It computes; it never reads a database or a clock.
//
// Sums over pools and servers are taken at common instants: the peak of the
// sum, never the sum of peaks (design section 4, rules 5 to 9).
package insight

import (
	"headroom/internal/license"
	"headroom/internal/series"
)

// A Span is [From, To) in Unix seconds.
type Span struct{ From, To int64 }

// A Line is one pool of one license server over a span. Its pieces are
// ascending and cover the span without holes.
type Line struct {
	Server int64 // the hub's number of the license server
	Pool   series.PoolID
	Pieces []series.Piece
}

// A Coverage says how much of a span is known, in seconds summed over the
// lines. Absent and pending time counts in neither.
type Coverage struct{ Known, Unknown int64 }

// Share returns the known share, from 0 to 1; ok is false where there is
// nothing to know.
func (c Coverage) Share() (share float64, ok bool) {
	if c.Known+c.Unknown == 0 {
		return 0, false
	}
	return float64(c.Known) / float64(c.Known+c.Unknown), true
}

// Plus adds two coverages.
func (c Coverage) Plus(d Coverage) Coverage {
	return Coverage{c.Known + d.Known, c.Unknown + d.Unknown}
}

// A Peak is the highest sum of some lines at one instant of a span. Only
// instants count at which at least one line is known (an ended one is); lines
// that are not known at such an instant are left out of its sum, and Partial
// says so. Uncounted pools count in nothing.
//
// Where some of the use is told as the maximum of a time only, the peak lies
// between Low and Value; else Low is Value. Low is what is certain: such a
// maximum was reached, by itself, if all of its time lies in the span and
// nothing divides it: no UTC midnight, no other record that begins or ends to
// count in it. Of one that is divided only the bound from above is kept.
type Peak struct {
	Known     bool // false: not one second of the span is known
	Value     int64
	Low       int64
	At        int64         // the earliest second with Value
	Installed license.Count // sum at At over the counted pools whose use is in Value; unknown where one of them does not tell
	Unlimited bool          // an unlimited pool is among them: no % available
	Reserved  int64         // part of Value that was reserved and not taken, as far as told
	Basis     license.Basis // the weakest of those that contribute at At
	Partial   bool          // at At a line was unknown or pending: the true sum may be higher
	Coverage  Coverage      // of the whole span
}

// A Bucket is one step of a trend: a local day, month or year.
type Bucket struct {
	Span
	Peak      Peak
	Mean      float64       // Integral / Seconds; NaN if Seconds is 0
	Integral  int64         // license-seconds in use
	Seconds   int64         // seconds in which something is known
	Levels    Levels        // of these seconds
	P95       license.Count // what the use did not exceed in 95 % of them; unknown if there are none
	Least     license.Count // the lowest use of them; unknown if there are none
	Installed license.Count // sum of what was told last, at the last second at which no known pool fails to tell it
	Overdraft license.Count // part of Installed; unknown where one of its pools does not tell it
}
