package series_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/series"
)

// What is cut off is gone, and of what is left nothing has changed: second by
// second a log says the same, and every reading stands as it was.
func TestSinceKeepsWhatCameAfter(t *testing.T) {
	check(t, func(t *rapid.T) {
		for _, d := range build(t, rapid.SliceOfN(records(), 0, 12).Draw(t, "records")) {
			start := series.DayStart(d.Number)
			at := start + rapid.Int64Range(-10, series.DaySeconds+10).Draw(t, "at")
			cut := series.Since(d, at)
			if again, err := series.Decode(series.Encode(cut)); err != nil {
				t.Fatalf("cut at %d: %v", at, err)
			} else if diff := cmp.Diff(cut, again); diff != "" {
				t.Fatalf("cut at %d does not survive a block (-want +got):\n%s", at, diff)
			}
			for i := range d.Pools {
				sameSince(t, d, cut, d.Pools[i].Pool, at)
			}
			for i := range cut.Pools {
				if first, ok := cut.First(cut.Pools[i].Pool); !ok || first < at {
					t.Fatalf("cut at %d: pool %d begins at %d, %v", at, cut.Pools[i].Pool, first, ok)
				}
			}
		}
	})
}

// sameSince compares one pool of a day with what was cut of it.
func sameSince(t *rapid.T, d, cut series.Day, pool series.PoolID, at int64) {
	t.Helper()
	was, is := poolOf(d, pool), poolOf(cut, pool)
	want, got := 0, len(is.Samples)
	for _, s := range was.Samples {
		if s.At >= at {
			want++
		}
	}
	if got != want {
		t.Fatalf("cut at %d: pool %d has %d samples, want %d", at, pool, got, want)
	}
	for s := at; s < at+400; s++ {
		before, beforeOK := loggedAt(was, s)
		after, afterOK := loggedAt(is, s)
		if before != after || beforeOK != afterOK {
			t.Fatalf("cut at %d: the log of pool %d says %d (%v) at %d, want %d (%v)", at, pool, after, afterOK, s, before, beforeOK)
		}
	}
	if _, ok := loggedAt(is, at-1); ok {
		t.Fatalf("cut at %d: the log of pool %d still tells the second before", at, pool)
	}
}

func poolOf(d series.Day, pool series.PoolID) series.PoolDay {
	for _, p := range d.Pools {
		if p.Pool == pool {
			return p
		}
	}
	return series.PoolDay{}
}

// loggedAt returns what a log says of a second, worked out step by step.
func loggedAt(p series.PoolDay, at int64) (inUse int64, ok bool) {
	for _, s := range p.Spans {
		ok = ok || s.From <= at && at < s.To
	}
	last := int64(math.MinInt64)
	for _, s := range p.Steps {
		if s.At <= at && s.At > last {
			last, inUse = s.At, s.InUse
		}
	}
	if !ok {
		inUse = 0
	}
	return inUse, ok
}
