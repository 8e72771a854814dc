package sim

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// Interval is the time between two readings in an estate's past.
const Interval = 15 * time.Minute

// Instants returns when the server was read in [from, to): every Interval at
// an offset of its own and with a few seconds of jitter, as real agents do,
// and until nobody read it any more. An instant at which it was down is
// included: a reading failed then.
func (s *Server) Instants(from, to time.Time) iter.Seq[time.Time] {
	if !s.SilentSince.IsZero() && s.SilentSince.Before(to) {
		to = s.SilentSince
	}
	step := int64(Interval / time.Second)
	id := word(s.Name)
	offset := int64(id % uint64(step-10))
	return func(yield func(time.Time) bool) {
		for k := from.Unix() / step; ; k++ {
			jitter := int64((id ^ uint64(k)*0x9e3779b97f4a7c15) >> 61)
			at := time.Unix(k*step+offset+jitter, 0).UTC()
			if !at.Before(to) {
				return
			}
			if !at.Before(from) && !yield(at) {
				return
			}
		}
	}
}

// LicenseFile returns the license file of a FlexNet or Citrix server as it
// stands at t. It is where a FlexNet server says how much of a count is
// overdraft, and where Citrix says for how long a license stays assigned.
func (s *Server) LicenseFile(t time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SERVER %s HOSTNAME=%s %d\nVENDOR %s\nUSE_SERVER\n", s.Name, s.Name, s.Port, s.Daemon)
	for i := range s.Features {
		f := &s.Features[i]
		count, more := "uncounted", ""
		if !f.Uncounted {
			p := f.purchase(t)
			count = fmt.Sprint(p.Installed - p.Overdraft)
			switch {
			case s.Manager == "citrix":
				more = s.citrixTerms(i)
			case p.Overdraft > 0:
				more = fmt.Sprintf(" \\\n\tOVERDRAFT=%d", p.Overdraft)
			}
		}
		fmt.Fprintf(&b, "INCREMENT %s %s %s %s %s%s\n", f.Name, s.Daemon, f.Version, strings.ToLower(f.expires("2-Jan-2006", "permanent")), count, more)
	}
	return b.String()
}
