package series_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/series"
)

func TestSpanIsDividedAtMidnights(t *testing.T) {
	midnight := series.DayStart(day0)
	var b series.Builder
	err := b.AddSpan(7, series.Span{From: midnight - 50, To: midnight + series.DaySeconds + 10, Exact: true}, 2, []series.Step{
		{At: midnight - 20, InUse: 4, High: 6},
		{At: midnight + series.DaySeconds, InUse: 3, High: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []series.Day{
		{Number: day0 - 1, Pools: []series.PoolDay{{
			Pool:  7,
			Spans: []series.Span{{From: midnight - 50, To: midnight, Exact: true}},
			Steps: []series.Step{{At: midnight - 50, InUse: 2, High: 2}, {At: midnight - 20, InUse: 4, High: 6}},
		}}},
		{Number: day0, Pools: []series.PoolDay{{
			Pool:  7,
			Spans: []series.Span{{From: midnight, To: midnight + series.DaySeconds, Exact: true}},
			Steps: []series.Step{{At: midnight, InUse: 4, High: 4}},
		}}},
		{Number: day0 + 1, Pools: []series.PoolDay{{
			Pool:  7,
			Spans: []series.Span{{From: midnight + series.DaySeconds, To: midnight + series.DaySeconds + 10, Exact: true}},
			Steps: []series.Step{{At: midnight + series.DaySeconds, InUse: 3, High: 5}},
		}}},
	}
	if diff := cmp.Diff(want, b.Days()); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
	if days := b.Days(); len(days) != 0 {
		t.Errorf("a second Days returned %d days, want none: the builder is empty", len(days))
	}
}

func TestAddSpanRefusesWhatIsNoSpan(t *testing.T) {
	for _, c := range []struct {
		name  string
		span  series.Span
		steps []series.Step
	}{
		{"empty", series.Span{From: 100, To: 100}, nil},
		{"backwards", series.Span{From: 100, To: 50}, nil},
		{"longer than MaxSpan", series.Span{From: 0, To: series.MaxSpan + 1}, nil},
		{"over all of time", series.Span{From: -1 << 63, To: 1<<63 - 1}, nil},
		{"step before it", series.Span{From: 100, To: 200}, []series.Step{{At: 99}}},
		{"step at its end", series.Span{From: 100, To: 200}, []series.Step{{At: 200}}},
		{"steps out of order", series.Span{From: 100, To: 200}, []series.Step{{At: 150}, {At: 140}}},
		{"two steps in a second", series.Span{From: 100, To: 200}, []series.Step{{At: 150}, {At: 150}}},
	} {
		var b series.Builder
		if err := b.AddSpan(1, c.span, 0, c.steps); err == nil {
			t.Errorf("AddSpan of a span that is %s: no error, want one", c.name)
		}
	}
}

func TestCompleteReadingWithoutAPoolIsNotComplete(t *testing.T) {
	day := build(t, []record{round(series.DayStart(day0))})[0]
	if day.Rounds[0].Complete {
		t.Errorf("round %+v: complete, want not: an empty status ends no pool", day.Rounds[0])
	}
}

func TestRunIsItsReadings(t *testing.T) {
	check(t, func(t *rapid.T) {
		readings := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) record {
			return record{
				round: rounds().Draw(t, "round"),
				samples: []series.PoolSample{
					{Pool: 1, Sample: samples().Draw(t, "sample").Sample},
					{Pool: 2, Sample: samples().Draw(t, "sample").Sample},
				},
			}
		}), 0, 12).Draw(t, "readings")
		before := rapid.SliceOfN(records(), 0, 3).Draw(t, "before")
		after := rapid.SliceOfN(records(), 0, 3).Draw(t, "after")

		var b series.Builder
		for _, r := range before {
			r.addTo(t, &b)
		}
		run := []series.PoolRun{{Pool: 1}, {Pool: 2}}
		var at []series.Round
		for _, r := range readings {
			at = append(at, r.round)
			for i := range run {
				run[i].Samples = append(run[i].Samples, r.samples[i].Sample)
			}
		}
		b.AddRun(at, run)
		for _, r := range after {
			r.addTo(t, &b)
		}
		want := build(t, slices.Concat(before, readings, after))
		if diff := cmp.Diff(want, b.Days()); diff != "" {
			t.Errorf("days of %+v (-want +got):\n%s", readings, diff)
		}
	})
}

func TestHoldIsBounded(t *testing.T) {
	for _, c := range []struct{ hold, want int64 }{{-5, 1}, {0, 1}, {60, 60}, {series.MaxHold + 1, series.MaxHold}} {
		var b series.Builder
		b.AddRound(series.Round{At: 10, Hold: c.hold}, nil)
		if got := b.Days()[0].Rounds[0].Hold; got != c.want {
			t.Errorf("hold of %d became %d, want %d", c.hold, got, c.want)
		}
	}
}

func TestDayOfCountsDownBeforeTheEpoch(t *testing.T) {
	for at, want := range map[int64]int32{-86401: -2, -86400: -1, -1: -1, 0: 0, 86399: 0, 86400: 1} {
		if got := series.DayOf(at); got != want {
			t.Errorf("DayOf(%d) = %d, want %d", at, got, want)
		}
	}
}

func TestLatestIsTheNewestGoodValue(t *testing.T) {
	at := series.DayStart(day0)
	failed := series.PoolSample{Pool: 1, Sample: series.Sample{State: license.StateError}}
	reserving := inUse(1, 9)
	reserving.Reserved = license.Of(2)
	log := record{pool: 1, span: series.Span{From: at, To: at + 500, Exact: true}, steps: []series.Step{{At: at + 400, InUse: 7, High: 8}}}
	imported := round(at+20, inUse(1, 50))
	imported.round.Imported = true
	for _, c := range []struct {
		name    string
		records []record
		inUse   license.Count
		at      int64
		gone    bool
	}{
		{"nothing", nil, license.Count{}, 0, false},
		{"one sample", []record{round(at, inUse(1, 4))}, license.Of(4), at, false},
		{"newer sample of the day before", []record{round(at-10, inUse(1, 4)), round(at, inUse(2, 1))}, license.Count{}, 0, true},
		{"only a sample without use", []record{round(at, failed)}, license.Count{}, at, false},
		{"a sample without use is passed over", []record{round(at, inUse(1, 4)), round(at+10, failed)}, license.Of(4), at, false},
		{"gone and back", []record{round(at, inUse(1, 4)), round(at+10, inUse(2, 1)), round(at+20, inUse(1, 3))}, license.Of(3), at + 20, false},
		{"log goes on longer", []record{round(at+100, inUse(1, 4)), log}, license.Of(7), at + 499, false},
		{"log of a pool with reservations", []record{round(at+100, reserving), log}, license.Of(9), at + 100, false},
		{"imported while live holds", []record{round(at, inUse(1, 4)), imported}, license.Of(4), at, false},
		{"later than asked", []record{round(at, inUse(1, 4)), round(at+600, inUse(1, 5))}, license.Of(4), at, false},
	} {
		s, ok, gone := series.Latest(build(t, c.records), 1, at+600)
		if s.InUse != c.inUse || s.At != c.at || ok != c.inUse.Known || gone != c.gone {
			t.Errorf("%s: %v in use at %d, ok %v, gone %v; want %v at %d, gone %v", c.name, s.InUse, s.At, ok, gone, c.inUse, c.at, c.gone)
		}
	}
}
