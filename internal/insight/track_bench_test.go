package insight_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// A benchEstate has license servers with six pools each, read every 15 minutes
// at instants of their own, over days: day and night, working days and
// weekends, several time zones.
type benchEstate struct {
	days   map[int32]*insight.Blocks
	tracks []*insight.Track
}

func (e *benchEstate) Blocks(day int32) (*insight.Blocks, error) { return e.days[day], nil }

func newBenchEstate(b testing.TB, servers, days int) *benchEstate {
	e := &benchEstate{days: map[int32]*insight.Blocks{}}
	to := series.DayStart(firstDay + int32(days))
	for id := range servers {
		e.tracks = append(e.tracks, &insight.Track{Server: int64(id + 1), Pool: 2, First: series.DayStart(firstDay), UpTo: to, After: series.Pending})
	}
	for day := range int32(days) {
		number := firstDay + day
		blocks := new(insight.Builder)
		for id, track := range e.tracks {
			head, body, err := series.Split(series.Encode(benchDay(number, id)))
			if err != nil {
				b.Fatal(err)
			}
			blocks.Add(int64(id+1), head, body)
			var v series.View
			if err := v.Open(head, nil); err != nil {
				b.Fatal(err)
			}
			s := insight.Source{View: &v, Read: func(pool series.PoolID) (series.Day, error) {
				var v series.View
				if err := v.Open(head, body); err != nil {
					return series.Day{}, err
				}
				return v.PoolOf(pool)
			}}
			for pools := v.Summaries(); pools.Next(); {
				if pools.Place.Pool == track.Pool {
					summary := pools.Summary
					s.Has, s.Summary = true, &summary
				}
			}
			if err := track.Grow(number, &s); err != nil {
				b.Fatal(err)
			}
		}
		e.days[number] = blocks.Take()
	}
	for _, track := range e.tracks {
		if err := track.Finish(); err != nil {
			b.Fatal(err)
		}
	}
	return e
}

func benchDay(number int32, id int) series.Day {
	r := rand.New(rand.NewPCG(uint64(number), uint64(id)))
	var b series.Builder
	weekday := (number + 3) % 7
	size := 40 + 10*float64(id%7)
	if weekday > 4 {
		size /= 8
	}
	var level [6]float64
	for k := range int64(96) {
		at := series.DayStart(number) + 900*k + int64(id*37%870) + r.Int64N(30)
		hour := math.Mod(float64(k)/4+float64(id%5*3), 24)
		busy := math.Exp(-(hour - 13) * (hour - 13) / 18)
		samples := make([]series.PoolSample, 6)
		for p := range samples {
			target := size * busy * float64(p+1) / 4
			level[p] += (target-level[p])*0.5 + r.NormFloat64()
			samples[p] = series.PoolSample{Pool: series.PoolID(p + 1), Sample: series.Sample{
				State: license.StateCounted, InUse: license.Of(int64(max(0, level[p]))), Installed: license.Of(120), Overdraft: license.Of(12),
			}}
		}
		b.AddRound(series.Round{At: at, Hold: 1800, Complete: true}, samples)
	}
	return b.Days()[0]
}

// A day of 250 license servers that a search looks into: once the memory is
// there, nothing is allocated.
func BenchmarkDay(b *testing.B) {
	e := newBenchEstate(b, 250, 2)
	var s insight.Scratch
	b.ReportAllocs()
	for b.Loop() {
		if _, err := insight.HighestOfDay(e, &s, e.tracks, firstDay+1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(250*96), "ns/sample")
}

func TestNothingIsAllocatedPerDay(t *testing.T) {
	e := newBenchEstate(t, 20, 3)
	var s insight.Scratch
	day := int32(0)
	if n := testing.AllocsPerRun(20, func() {
		if _, err := insight.HighestOfDay(e, &s, e.tracks, firstDay+1+day%2); err != nil {
			t.Fatal(err)
		}
		day++
	}); n > 0 {
		t.Errorf("%v allocations for a day, want none", n)
	}
}

// A click reads the block of the server that came or went, and no others, of hours
// that were looked into before.
func TestClickReadsNoOtherServers(t *testing.T) {
	e := newBenchEstate(t, 20, 3)
	noon := series.DayStart(firstDay+1) + 12*3600
	var s insight.Scratch
	f := insight.NewFilter(insight.Span{From: noon, To: noon + 3600})
	if err := f.Add(e, &s, e.tracks...); err != nil {
		t.Fatal(err)
	}
	first, err := f.Highest(e, insight.Peak{}, &s)
	if err != nil {
		t.Fatal(err)
	}
	clicked := e.tracks[7]
	only := &benchEstate{days: map[int32]*insight.Blocks{}}
	for number := range e.days {
		head, body, err := series.Split(series.Encode(benchDay(number, 7)))
		if err != nil {
			t.Fatal(err)
		}
		only.days[number] = new(insight.Blocks)
		only.days[number].Add(clicked.Server, head, body)
	}
	for _, click := range []string{"away", "back"} {
		if err := f.Toggle(only, &s, clicked); err != nil {
			t.Fatal(err)
		}
		p, err := f.Highest(only, insight.Peak{}, &s)
		if err != nil {
			t.Fatalf("%s: %v", click, err)
		}
		if click == "back" && p != first {
			t.Errorf("after two clicks %+v, before %+v", p, first)
		}
	}
}

func BenchmarkTracks(b *testing.B) {
	const days = 400
	e := newBenchEstate(b, 250, days)
	to := series.DayStart(firstDay + days)
	for _, c := range []struct {
		name string
		days int64
	}{{"7", 7}, {"31", 31}, {"400", 400}} {
		span := insight.Span{From: to - c.days*86400, To: to}
		b.Run("peak/"+c.name, func(b *testing.B) {
			var s insight.Scratch
			b.ReportAllocs()
			for b.Loop() {
				f := insight.NewFilter(span)
				if err := f.Add(e, &s, e.tracks...); err != nil {
					b.Fatal(err)
				}
				if _, err := f.Peak(e, &s); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("toggle/"+c.name, func(b *testing.B) {
			var s insight.Scratch
			f := insight.NewFilter(span)
			if err := f.Add(e, &s, e.tracks...); err != nil {
				b.Fatal(err)
			}
			if _, err := f.Peak(e, &s); err != nil {
				b.Fatal(err)
			}
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Toggle(e, &s, e.tracks[n%len(e.tracks)]); err != nil {
					b.Fatal(err)
				}
				if n++; n%50 == 0 {
					n += 7
				}
				if _, err := f.Peak(e, &s); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("trend/"+c.name, func(b *testing.B) {
			spans := insight.Days(time.Unix(span.From, 0), time.Unix(span.To, 0), time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := insight.TrackTrend(e, e.tracks, spans); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A trend with room for all drawings, for some, and for none: too little room must
// cost no more than none.
func BenchmarkTrendByRoom(b *testing.B) {
	const servers, days = 250, 60
	e := newBenchEstate(b, servers, days)
	from, to := time.Unix(series.DayStart(firstDay), 0), time.Unix(series.DayStart(firstDay+days), 0)
	spans := insight.Days(from, to, time.UTC)
	for _, c := range []struct {
		name  string
		bytes int64
	}{{"none", 0}, {"some", days * servers * 40}, {"all", 1 << 30}} {
		b.Run(c.name, func(b *testing.B) {
			room := insight.NewRoom(c.bytes)
			for _, blocks := range e.days {
				blocks.DrawIn(room)
			}
			for b.Loop() {
				if _, err := insight.TrackTrend(e, e.tracks, spans); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
