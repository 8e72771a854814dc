package ingest

import (
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/license"
	"headroom/internal/series"
	"headroom/internal/wire"
)

const (
	earliest  = 631152000 // 1990-01-01: no license manager is older
	future    = 24 * time.Hour
	maxCount  = 1_000_000_000_000
	maxOffset = 100 * 366 * 24 * 3600 * 1000 // milliseconds
	maxID     = 64                           // bytes of an epoch or a GUID
)

// checkIdentity says no to an identity that no agent makes.
func checkIdentity(epoch string, seq uint64) error {
	ok := epoch != "" && len(epoch) <= maxID && strings.IndexFunc(epoch, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-'
	}) < 0
	if !ok {
		return fault.Errorf(fault.Invalid, "epoch %.70q: want 1 to %d letters, digits and dashes", epoch, maxID)
	}
	if seq < 1 || seq >= 1<<62 {
		return fault.Errorf(fault.Invalid, "sequence %d: sequences begin with 1", seq)
	}
	return nil
}

// checkHeader says no to a batch that says of itself what is not so.
func checkHeader(h wire.BatchHeader, epoch string, seq uint64) error {
	switch {
	case h.Epoch != epoch || h.Seq != seq:
		return fault.Errorf(fault.Invalid, "line 1: the batch says that it is %.70q/%d, and was sent to the path of %s/%d", h.Epoch, h.Seq, epoch, seq)
	case h.Server == "" || len(h.Server) > maxID:
		return fault.Errorf(fault.Invalid, "line 1: server %.70q: want a GUID", h.Server)
	case strings.ContainsRune(h.Server, 0):
		return fault.Errorf(fault.Invalid, "line 1: the server's GUID contains a NUL")
	}
	return checkReplaced(h.Replaces)
}

// maxReplaced is how many batches one may stand for: more than halving a batch
// down to one reading ever makes.
const maxReplaced = 100

func checkReplaced(ids []wire.BatchID) error {
	if len(ids) > maxReplaced {
		return fault.Errorf(fault.Invalid, "line 1: it says that it replaces %d batches: at most %d are believed", len(ids), maxReplaced)
	}
	for _, id := range ids {
		if err := checkIdentity(id.Epoch, id.Seq); err != nil {
			return err
		}
	}
	return nil
}

// A checker says no to what a record claims, and names the record.
type checker struct {
	limit int64  // the last instant that is believed
	line  int    // of the record
	what  string // the record, for the refusal
}

// no makes the refusal.
func (c *checker) no(format string, args ...any) error {
	return fault.Errorf(fault.Invalid, "line %d, %s: "+format, append([]any{c.line, c.what}, args...)...)
}

// tooLarge makes the refusal of a batch whose parts may be taken.
func (c *checker) tooLarge(format string, limit int) error {
	return fault.Errorf(fault.TooLarge, "line %d, %s: "+format+"; divide it", c.line, c.what, limit)
}

// about names the record that is checked from here on.
func (c *checker) about(line int, kind string, pool wire.PoolKey) {
	c.line, c.what = line, kind
	if pool.Feature != "" {
		c.what += " of " + license.Pool(pool).String()
	}
	if len(c.what) > 100 {
		c.what = strings.ToValidUTF8(c.what[:100], "") + "..."
	}
}

// instant says no to a time that cannot be.
func (c *checker) instant(name string, at int64) error {
	switch {
	case at < earliest:
		return c.no("%s %d is before 1990; want Unix seconds", name, at)
	case at > c.limit:
		return c.no("%s %s is more than 24 hours in the future; set the clock of the license server and of the agent's host",
			name, time.Unix(at, 0).UTC().Format(time.RFC3339))
	}
	return nil
}

// ascending says no to instants that are not in order.
func (c *checker) ascending(at []int64) error {
	for i, t := range at {
		if err := c.instant("the instant", t); err != nil {
			return err
		}
		if i > 0 && t <= at[i-1] {
			return c.no("instant %d (%d) is not after the one before it; put readings in the order of time, each once", i+1, t)
		}
	}
	return nil
}

// texts says no to names and reasons that are too long or would not show.
func (c *checker) texts(texts ...string) error {
	for _, s := range texts {
		if len(s) > wire.MaxName {
			return c.no("a text of %d bytes begins with %.40q; cut it to %d", len(s), s, wire.MaxName)
		}
		if strings.ContainsRune(s, 0) {
			return c.no("the text %.40q contains a NUL; take it out", s)
		}
	}
	return nil
}

// named says no to a pool that cannot be named.
func (c *checker) named(k wire.PoolKey) error {
	if k.Feature == "" {
		return c.no("a pool without a feature; look at the reader's output")
	}
	return c.texts(k.Feature, k.Daemon, k.Variant)
}

// count says no to a number of licenses that cannot be.
func (c *checker) count(name string, n int64) error {
	switch {
	case n < 0:
		return c.no("%d licenses %s; an unknown number is null, look at the reader's output", n, name)
	case n > maxCount:
		return c.no("%d licenses %s is not believable; look at the reader's output", n, name)
	}
	return nil
}

// counts says no to an array of a run that does not fit its n instants.
func (c *checker) counts(name string, values wire.Counts, n int) error {
	if len(values) > 1 && len(values) != n {
		return c.no("%d values of %s for %d instants; want one for each, a single one, or none", len(values), name, n)
	}
	for _, v := range values {
		if err := c.count(name, v.N); err != nil {
			return err
		}
	}
	return nil
}

// offset says no to a clock that is off by more than a life.
func (c *checker) offset(ms int64) error {
	if ms < -maxOffset || ms > maxOffset {
		return c.no("a clock offset of %d ms", ms)
	}
	return nil
}

// sampled says no to one pool's part of a run.
func (c *checker) sampled(p *wire.SampledPool, n int) error {
	if err := c.named(p.PoolKey); err != nil {
		return err
	}
	if err := c.texts(p.Vendor, p.Reason, p.SharedWith); err != nil {
		return err
	}
	if license.ParseState(p.State).String() != p.State {
		return c.no("state %.40q is not known to this hub; update the hub", p.State)
	}
	for _, a := range []struct {
		name   string
		values wire.Counts
	}{
		{"in use", p.InUse},
		{"installed", p.Installed},
		{"reserved", p.Reserved},
		{"borrowed", p.Borrowed},
		{"queued", p.Queued},
		{"overdraft", p.Overdraft},
	} {
		if err := c.counts(a.name, a.values, n); err != nil {
			return err
		}
	}
	return nil
}

// span says no to a span of a log.
func (c *checker) span(e *wire.Events) error {
	if err := c.named(e.PoolKey); err != nil {
		return err
	}
	if err := c.texts(e.Vendor); err != nil {
		return err
	}
	if err := c.instant("the start", e.From); err != nil {
		return err
	}
	if err := c.instant("the end", e.To); err != nil {
		return err
	}
	if err := c.ascending(e.At); err != nil {
		return err
	}
	n := len(e.At)
	switch {
	case e.To <= e.From:
		return c.no("the span ends at %d, before a second after its start %d", e.To, e.From)
	case n > 0 && (e.At[0] < e.From || e.At[n-1] >= e.To):
		return c.no("an event outside of its span [%d, %d)", e.From, e.To)
	case len(e.InUse) != n || len(e.High) != 0 && len(e.High) != n:
		return c.no("%d instants, %d values and %d highest values; want as many of each, or no highest ones", n, len(e.InUse), len(e.High))
	}
	if err := c.count("in use", e.Start); err != nil {
		return err
	}
	for i, v := range e.InUse {
		if err := c.count("in use", v); err != nil {
			return err
		}
		if len(e.High) == 0 {
			continue
		}
		if err := c.count("in use", e.High[i]); err != nil {
			return err
		}
		if e.High[i] < v {
			return c.no("the second %d ends with %d in use and never had more than %d", e.At[i], v, e.High[i])
		}
	}
	return nil
}

// highest says no to the highest use of times.
func (c *checker) highest(m *wire.Maxima) error {
	if err := c.named(m.PoolKey); err != nil {
		return err
	}
	if err := c.texts(m.Vendor); err != nil {
		return err
	}
	n := len(m.From)
	switch {
	case len(m.To) != n || len(m.InUse) != n:
		return c.no("%d starts, %d ends and %d values; want as many of each", n, len(m.To), len(m.InUse))
	case n == 0:
		return c.no("no time; look at the reader's output")
	}
	for i, from := range m.From {
		to := m.To[i]
		if err := c.instant("the start", from); err != nil {
			return err
		}
		if err := c.instant("the end", to); err != nil {
			return err
		}
		switch {
		case to <= from:
			return c.no("time %d ends at %d, before a second after its start %d; look at the reader's output", i+1, to, from)
		case i > 0 && from < m.To[i-1]:
			return c.no("time %d starts at %d, before the one before it ends at %d; put times in order, each once", i+1, from, m.To[i-1])
		case series.DayOf(to-1)-series.DayOf(from) >= wire.MaxDays:
			return c.no("the highest use of more than %d days; tell that of shorter times, or leave it out", wire.MaxDays)
		}
		if err := c.count("in use", m.InUse[i]); err != nil {
			return err
		}
	}
	return nil
}

// assigned says no to a list of users or devices.
func (c *checker) assigned(l *wire.Assigned) error {
	if err := c.named(l.PoolKey); err != nil {
		return err
	}
	if l.Who != license.AssignedUser && l.Who != license.AssignedDevice {
		return c.no("licenses that are assigned to a %.40q are not known to this hub; update the hub", l.Who)
	}
	n := len(l.Names)
	if len(l.First) != 0 && len(l.First) != n || len(l.Last) != 0 && len(l.Last) != n {
		return c.no("%d names, %d first and %d last times; want as many of each, or none", n, len(l.First), len(l.Last))
	}
	if err := c.texts(append([]string{l.Vendor}, l.Names...)...); err != nil {
		return err
	}
	for i, name := range l.Names {
		if license.FoldName(name) == "" {
			return c.no("name %d is empty; look at the reader's output", i+1)
		}
	}
	for _, times := range [][]int64{l.First, l.Last} {
		for _, t := range times {
			if t == 0 {
				continue
			}
			if err := c.instant("the time", t); err != nil {
				return err
			}
		}
	}
	return nil
}
