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

// LicenseFile returns the server's license file as it stands at t. It is
// where a FlexNet server says how much of a count is overdraft.
func (s *Server) LicenseFile(t time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SERVER %s HOSTNAME=%s %d\nVENDOR %s\nUSE_SERVER\n", s.Name, s.Name, s.Port, s.Daemon)
	for i := range s.Features {
		f := &s.Features[i]
		count, overdraft := "uncounted", ""
		if !f.Uncounted {
			p := f.purchase(t)
			count = fmt.Sprint(p.Installed - p.Overdraft)
			if p.Overdraft > 0 {
				overdraft = fmt.Sprintf(" \\\n\tOVERDRAFT=%d", p.Overdraft)
			}
		}
		fmt.Fprintf(&b, "INCREMENT %s %s %s %s %s%s\n", f.Name, s.Daemon, f.Version, f.Expiry, count, overdraft)
	}
	return b.String()
}
