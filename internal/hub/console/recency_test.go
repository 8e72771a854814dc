package console

import (
	"testing"
	"time"

	"headroom/internal/hub/usage"
)

func TestRecencyCountsStandingAssignmentsByTheirLastUse(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	rows := []usage.Assigned{{}} // of which nothing is told
	for _, last := range []time.Duration{0, 7*day + time.Hour, 8 * day, 30 * day, 31 * day, 90 * day, 91 * day, 900 * day} {
		var a usage.Assigned
		a.Last = now.Add(-last)
		rows = append(rows, a)
	}
	var ended usage.Assigned
	ended.Last, ended.Ended = now, now
	want := map[string]int64{"0 to 7 days": 2, "8 to 30 days": 2, "31 to 90 days": 2, "over 90 days": 2, "not told": 1}
	got := newRecency(now, append(rows, ended))
	for _, row := range got {
		if row.Count != want[row.Label] || row.Rule != (row.Label == "over 90 days") {
			t.Errorf("%s: %d, want %d; the rule stands above it: %v", row.Label, row.Count, want[row.Label], row.Rule)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	if got := newRecency(now, []usage.Assigned{ended}); got != nil {
		t.Errorf("where none stands: %v, want nothing", got)
	}
}
