package series_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/series"
)

// mergeAll merges lists of days by their number.
func mergeAll(lists ...[]series.Day) map[int32]series.Day {
	out := make(map[int32]series.Day)
	for _, days := range lists {
		for _, d := range days {
			if other, ok := out[d.Number]; ok {
				d = series.Merge(other, d)
			}
			out[d.Number] = d
		}
	}
	return out
}

func TestMergeForgetsOrderAndRepetition(t *testing.T) {
	check(t, func(t *rapid.T) {
		a := build(t, rapid.SliceOfN(records(), 0, 5).Draw(t, "a"))
		b := build(t, rapid.SliceOfN(records(), 0, 5).Draw(t, "b"))
		c := build(t, rapid.SliceOfN(records(), 0, 5).Draw(t, "c"))
		want := mergeAll(a, b, c)
		for name, got := range map[string]map[int32]series.Day{
			"c b a":      mergeAll(c, b, a),
			"b c a":      mergeAll(b, c, a),
			"a b c a":    mergeAll(a, b, c, a),
			"b b a c b":  mergeAll(b, b, a, c, b),
			"a and (bc)": mergeAll(a, values(mergeAll(b, c))),
		} {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("merged as %s differs from a b c (-want +got):\n%s", name, diff)
			}
		}
	})
}

func values(m map[int32]series.Day) []series.Day {
	var out []series.Day
	for _, d := range m {
		out = append(out, d)
	}
	return out
}

func TestDaysOfBatchesMergeToDaysOfAllRecords(t *testing.T) {
	check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(records(), 0, 10).Draw(t, "records")
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		got := mergeAll(build(t, all[cut:]), build(t, all[:cut]))
		want := mergeAll(build(t, all))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("two batches differ from one (-want +got):\n%s", diff)
		}
	})
}

// A second is what the spans of one pool say of one second.
type second struct {
	vouched, exact, live bool
	inUse, high          int64
}

// seconds plays the spans of a pool second by second.
func seconds(days map[int32]series.Day, pool series.PoolID) map[int64]second {
	out := make(map[int64]second)
	for _, d := range days {
		for _, p := range d.Pools {
			if p.Pool != pool {
				continue
			}
			for _, s := range p.Spans {
				inUse := int64(-1)
				for at := s.From; at < s.To; at++ {
					high := inUse
					for _, step := range p.Steps {
						if step.At == at {
							inUse, high = step.InUse, step.High
						}
					}
					out[at] = second{true, s.Exact, !s.Imported, inUse, high}
				}
			}
		}
	}
	return out
}

func better(a, b second) second {
	rank := func(s second) int {
		r := 0
		if s.vouched {
			r = 1
		}
		if s.live {
			r += 2
		}
		if s.exact {
			r += 4
		}
		return r
	}
	switch ra, rb := rank(a), rank(b); {
	case ra > rb:
		return a
	case rb > ra:
		return b
	}
	a.inUse, a.high = max(a.inUse, b.inUse), max(a.high, b.high)
	return a
}

func TestOverlappingSpansAreUnitedSecondBySecond(t *testing.T) {
	check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(logRecord), 1, 6).Draw(t, "records")
		want := make(map[int64]second)
		for _, r := range all {
			for at, s := range seconds(mergeAll(build(t, []record{r})), 1) {
				want[at] = better(want[at], s)
			}
		}
		got := seconds(mergeAll(build(t, all)), 1)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(second{})); diff != "" {
			t.Fatalf("seconds (-want +got):\n%s", diff)
		}
	})
}

// round is a complete reading that holds for a minute.
func round(at int64, values ...series.PoolSample) record {
	return record{round: series.Round{At: at, Hold: 60, Complete: true}, samples: values}
}

func inUse(pool series.PoolID, n int64) series.PoolSample {
	return series.PoolSample{Pool: pool, Sample: series.Sample{State: license.StateCounted, InUse: license.Of(n)}}
}

func TestOfTwoReadingsAtOneInstant(t *testing.T) {
	at := series.DayStart(day0) + 100
	imported := func(r record) record {
		r.round.Imported = true
		return r
	}
	unknown := series.PoolSample{Pool: 1, Sample: series.Sample{State: license.StateError}}
	for _, c := range []struct {
		name string
		a, b record
		want license.Count
	}{
		{"the higher use counts", round(at, inUse(1, 3)), round(at, inUse(1, 5)), license.Of(5)},
		{"known use counts over unknown", round(at, inUse(1, 0)), round(at, unknown), license.Of(0)},
		{"live counts over imported", round(at, inUse(1, 3)), imported(round(at, inUse(1, 5))), license.Of(3)},
		{"live and unknown counts over imported", round(at, unknown), imported(round(at, inUse(1, 5))), license.Count{}},
	} {
		day := build(t, []record{c.a, c.b})[0]
		if got := day.Pools[0].Samples; len(got) != 1 || got[0].InUse != c.want {
			t.Errorf("%s: samples %v, want one with %v in use", c.name, got, c.want)
		}
	}
}

func TestMergeRefusesDaysThatDiffer(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Merge of day 1 and day 2 returned, want a panic")
		}
	}()
	series.Merge(series.Day{Number: 1}, series.Day{Number: 2})
}
