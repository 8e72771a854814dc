package series_test

import (
	"testing"

	"headroom/internal/series"
)

func TestImportedHistoryCountsWhereNothingLiveIsKnown(t *testing.T) {
	const day = 20000
	start := series.DayStart(day)
	round := func(at int64, imported bool) func(*series.Builder) {
		return func(b *series.Builder) {
			b.AddRound(series.Round{At: start + at, Hold: 1800, Imported: imported}, []series.PoolSample{{Pool: 1}})
		}
	}
	span := func(from, to int64, imported bool) func(*series.Builder) {
		return func(b *series.Builder) {
			if err := b.AddSpan(1, series.Span{From: start + from, To: start + to, Imported: imported}, 0, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	maximum := func(from, to int64) func(*series.Builder) {
		return func(b *series.Builder) {
			if err := b.AddMaximum(1, series.Maximum{From: start + from, To: start + to, Whole: true, Imported: true}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		add         []func(*series.Builder)
		any, counts bool
	}{
		"live only":                       {[]func(*series.Builder){round(0, false), span(0, 10, false)}, false, false},
		"imported only":                   {[]func(*series.Builder){round(0, true)}, true, true},
		"while live readings hold":        {[]func(*series.Builder){round(900, false), round(2700, false), round(100, true), round(4000, true)}, true, false},
		"after the last live reading":     {[]func(*series.Builder){round(900, false), round(2700, true)}, true, true},
		"a log while live readings hold":  {[]func(*series.Builder){round(900, false), round(2700, false), span(0, 4500, true)}, true, false},
		"a log that goes on longer":       {[]func(*series.Builder){round(900, false), round(2700, false), span(0, 4501, true)}, true, true},
		"a log in a gap":                  {[]func(*series.Builder){round(900, false), round(9000, false), span(2000, 3000, true)}, true, true},
		"before the first live reading":   {[]func(*series.Builder){round(40000, false), span(0, 10, true)}, true, true},
		"a maximum beside a live log":     {[]func(*series.Builder){span(0, 10000, false), maximum(0, 9000)}, true, false},
		"a maximum without anything live": {[]func(*series.Builder){maximum(0, 9000)}, true, true},
	} {
		var b series.Builder
		for _, add := range c.add {
			add(&b)
		}
		any, counts := series.Imported(&b.Days()[0])
		if any != c.any || counts != c.counts {
			t.Errorf("%s: imported %t and counts %t, want %t and %t", name, any, counts, c.any, c.counts)
		}
	}
}
