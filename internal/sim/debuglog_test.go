package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/format/flexnet"
	"headroom/internal/license"
	"headroom/internal/sim"
)

// What a debug log tells, read by the product's own parser, is what the
// simulation does: the use at every instant, and who holds licenses at its end.
func TestDebugLogTellsTheSameUse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := &sim.Estate{Seed: rapid.Uint64().Draw(t, "seed"), Now: now, Days: 400}
		s := drawServer(t, "flexnet")
		s.Restart = time.Time{}
		e.Add(s)
		to := now.Add(-time.Duration(rapid.Int64Range(0, 390*86400).Draw(t, "seconds ago")) * time.Second)
		from := s.LogStart(to)
		cut := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from)/time.Second)).Draw(t, "cut")) * time.Second)

		totals := flexnet.NewLogTotals(flexnet.LogOptions{Zone: s.Zone})
		steps := map[string][]flexnet.LogStep{}
		totals.OnStep = func(step flexnet.LogStep) { steps[step.Feature] = append(steps[step.Feature], step) }
		file, err := totals.Read(strings.NewReader(s.DebugLog(from, cut) + s.DebugLog(cut, to)))
		if err != nil {
			t.Fatal(err)
		}
		totals.Flush()
		if file.UnreadLines > 0 || !file.Started {
			t.Fatalf("started %v, unread %+v", file.Started, file.Unread)
		}
		var open, want []string
		for _, c := range totals.Open() {
			open = append(open, fmt.Sprintf("%s %s@%s %d", c.Feature, c.User, c.Host, c.Licenses))
		}
		last := to.Add(-time.Second)
		for i := range s.Features {
			f := &s.Features[i]
			for _, c := range s.Checkouts(f, last) {
				if c.Kind != license.HolderQueued {
					want = append(want, fmt.Sprintf("%s %s@%s %d", f.Name, c.User, c.Host, c.Licenses))
				}
			}
			for _, step := range steps[f.Name] {
				got := s.Readings(step.At)[i]
				if again, ok := secondTime(step.At, s.Zone); ok && got.InUse.N-got.Reserved.N != step.InUse {
					got = s.Readings(again)[i]
				}
				if got.InUse.N-got.Reserved.N != step.InUse {
					t.Fatalf("%s at %v: %d by the log, %v less %v by the status", f.Name, step.At, step.InUse, got.InUse, got.Reserved)
				}
			}
		}
		slices.Sort(open)
		slices.Sort(want)
		if diff := cmp.Diff(want, open); diff != "" {
			t.Errorf("open at %v (-simulated +log):\n%s", last, diff)
		}
	})
}

// secondTime returns when the clock shows what it shows at t for the second time,
// because it was put back; false where it does so once, or t is the second time. A
// line of a log tells the time of day and no zone: where nothing else was written in
// that hour nobody can say which of the two it was, and the reader takes the first.
func secondTime(t time.Time, zone *time.Location) (time.Time, bool) {
	t = t.In(zone)
	_, change := t.ZoneBounds()
	if change.IsZero() {
		return t, false
	}
	_, before := t.Zone()
	_, after := change.In(zone).Zone()
	again := t.Add(time.Duration(before-after) * time.Second)
	return again, before > after && !again.Before(change)
}

func TestDebugLogTellsTheRefusals(t *testing.T) {
	s, _ := estate(t).Server("cad-lic-01.lon.example.com")
	from := s.LogStart(now)
	totals := flexnet.NewLogTotals(flexnet.LogOptions{Zone: s.Zone})
	if _, err := totals.Read(strings.NewReader(s.DebugLog(from, now))); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{}
	served := 0
	for _, d := range s.Denials(from, now) {
		want[d.Pool.Feature] += d.Count
		if d.Served {
			served++
		}
	}
	for _, f := range totals.Features() {
		if f.Denied != want[f.Feature] {
			t.Errorf("%s: %d refusals in the log, want %d", f.Feature, f.Denied, want[f.Feature])
		}
	}
	if len(want) == 0 || served == 0 {
		t.Errorf("refusals %v, %d of them served; want some of each", want, served)
	}
}
