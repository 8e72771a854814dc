package series_test

import (
	"testing"

	"headroom/internal/license"
	"headroom/internal/series"
)

func TestReadingsAreComparedWithTheLog(t *testing.T) {
	const at = 10_000
	for name, c := range map[string]struct {
		exact           bool
		inUse, reserved int64
		want            series.Comparison
	}{
		"the same":                  {true, 5, 0, series.Comparison{Compared: 1}},
		"reserved beside":           {true, 8, 3, series.Comparison{Compared: 1}},
		"as it was a moment before": {true, 3, 0, series.Comparison{Compared: 1}},
		"as it is in a moment":      {true, 9, 0, series.Comparison{Compared: 1}},
		"the status says more":      {true, 10, 0, series.Comparison{Compared: 1, Differ: 1, At: at, Reading: 10, Log: 9}},
		"the status says less":      {true, 1, 0, series.Comparison{Compared: 1, Differ: 1, At: at, Reading: 1, Log: 3}},
		"a log that was cut":        {false, 12, 0, series.Comparison{Compared: 1}},
		"less than one that was":    {false, 1, 0, series.Comparison{Compared: 1, Differ: 1, At: at, Reading: 1, Log: 3}},
	} {
		var b series.Builder
		b.AddRound(series.Round{At: at, Hold: 1800}, []series.PoolSample{{Pool: 1, Sample: series.Sample{
			State: license.StateCounted, InUse: license.Of(c.inUse), Reserved: license.Of(c.reserved),
		}}})
		b.AddRound(series.Round{At: at + 5000, Hold: 1800}, []series.PoolSample{{Pool: 1, Sample: series.Sample{InUse: license.Of(99)}}}) // the log has ended
		steps := []series.Step{{At: at - 30, InUse: 5, High: 5}, {At: at + 50, InUse: 4, High: 9}, {At: at + 61, InUse: 50, High: 50}}
		if err := b.AddSpan(1, series.Span{From: at - 100, To: at + 1000, Exact: c.exact}, 3, steps); err != nil {
			t.Fatal(err)
		}
		if got := series.Compare(&b.Days()[0], 1); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
