package usage

import (
	"time"

	"headroom/internal/license"
)

// nowOf adds the newest good values of the lines. Whether their servers report
// is for the caller to look at.
func nowOf(lines []*line) Now {
	var n Now
	var tally tally
	elsewhere := usedElsewhere(lines)
	for _, of := range perServer(lines) {
		if tally.add(&n, of, elsewhere[of[0].server]) {
			n.Counted++
		}
	}
	if tally.untold {
		n.Installed = license.Count{}
	}
	if n.Over.N == 0 && (tally.untold || tally.purchaseUntold) {
		n.Over = license.Count{}
	}
	return n
}

// usedElsewhere adds up what is in use of entitlements on servers that only
// report them, by the server with whose licenses they count.
func usedElsewhere(lines []*line) map[*server]int64 {
	var out map[*server]int64
	for _, l := range lines {
		if l.with == nil {
			continue
		}
		if out == nil {
			out = make(map[*server]int64)
		}
		out[l.with] += l.latest().InUse.N
	}
	return out
}

// currentOf is nowOf the reporting servers, and names those that do not.
func currentOf(lines []*line) Now {
	var reporting []*line
	var out []string
	for _, of := range perServer(lines) {
		switch s := of[0].server; {
		case s.Status == Reporting:
			reporting = append(reporting, of...)
		case s.Status != Removed && hasAny(of):
			out = append(out, s.Name)
		}
	}
	n := nowOf(reporting)
	n.LeftOut = out
	return n
}

// hasAny says whether a server still has one of the pools.
func hasAny(lines []*line) bool {
	for _, l := range lines {
		if l.has() {
			return true
		}
	}
	return false
}

// A tally remembers what the sums of a Now lack.
type tally struct {
	untold         bool // a limited pool does not tell installed
	purchaseUntold bool // one does not tell overdraft
}

// add adds the pools of one server, of whose licenses so many are in use
// elsewhere; it says whether any contributes.
func (t *tally) add(n *Now, lines []*line, elsewhere int64) (contributes bool) {
	inUse, purchased := elsewhere, int64(0)
	limited := false
	for _, l := range lines {
		v := l.latest()
		switch {
		case v.gone:
			continue
		case v.State == license.StateUncounted:
			n.Uncounted++
			contributes = true
			continue
		case !v.ok:
			n.Untold++
			continue
		}
		contributes = true
		n.InUse = told(n.InUse, v.InUse)
		n.Reserved = told(n.Reserved, v.Reserved)
		n.Borrowed = told(n.Borrowed, v.Borrowed)
		n.Queued = told(n.Queued, v.Queued)
		if at := time.Unix(v.At, 0).UTC(); n.Oldest.IsZero() || at.Before(n.Oldest) {
			n.Oldest = at
		}
		switch {
		case l.with != nil:
			n.Echoes++
		case v.State == license.StateUnlimited:
			n.Unlimited = true
		case !v.Installed.Known && l.sharedWith() != "":
			n.SharedWith = l.sharedWith()
		case !v.Installed.Known:
			t.untold = true
		default:
			limited = true
			n.Installed = told(n.Installed, v.Installed)
			n.Overdraft = told(n.Overdraft, v.Overdraft)
			t.purchaseUntold = t.purchaseUntold || !v.Overdraft.Known
			inUse += v.InUse.N
			purchased += v.Installed.N - v.Overdraft.N
		}
	}
	if limited {
		n.Over = told(n.Over, license.Of(max(0, inUse-purchased)))
	}
	return contributes
}

// told adds a count to a sum of those that are told.
func told(sum, c license.Count) license.Count {
	if !c.Known {
		return sum
	}
	return license.Of(sum.N + c.N)
}
