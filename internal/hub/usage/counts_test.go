package usage_test

import (
	"testing"
	"time"

	"headroom/internal/hub/usage"
)

// F5: a silent license server counts in "n of m reporting" until somebody has taken
// note of it, and again from its next report on.
func TestASilentServerCountsUntilSomebodyTakesNote(t *testing.T) {
	last := now.AddDate(0, -2, 0)
	for _, c := range []struct {
		name   string
		status usage.Status
		noted  time.Time
		counts bool
	}{
		{"silent", usage.Silent, time.Time{}, true},
		{"silent, taken note of", usage.Silent, now, false},
		{"silent, taken note of before it reported once more", usage.Silent, last.Add(-time.Hour), true},
		{"reporting, once taken note of", usage.Reporting, now, true},
		{"not reporting", usage.NotReporting, time.Time{}, true},
		{"removed", usage.Removed, time.Time{}, false},
	} {
		s := usage.Server{Status: c.status, LastReported: last, Acknowledged: c.noted}
		if s.Counts() != c.counts {
			t.Errorf("%s: counts %v, want %v", c.name, s.Counts(), c.counts)
		}
	}
}
