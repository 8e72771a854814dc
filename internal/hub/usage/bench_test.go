package usage_test

import (
	"fmt"
	"testing"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

// demoEstate has the size of the demo: 12 servers with 8 pools each, read every
// 15 minutes for 395 days; 3.6 million samples.
func demoEstate(b *testing.B) *estate {
	const servers, pools, days = 12, 8, 395
	e := newEstate(b)
	for i := range int64(servers) {
		r := e.server(fmt.Sprint("server", i))
		begin := now.AddDate(0, 0, -days).Truncate(24 * time.Hour).Unix()
		for day := range int64(days) {
			var build series.Builder
			for k := range int64(96) {
				at := begin + day*series.DaySeconds + 900*k + 37*i
				var samples []series.PoolSample
				for p := range int64(pools) {
					id := e.pool(r.ID, fmt.Sprint("feature", p), at)
					busy := max(0, 30-(k-40)*(k-40)/20) * (p + 2) / 2
					samples = append(samples, series.PoolSample{Pool: id, Sample: series.Sample{
						State: license.StateCounted, InUse: license.Of(busy + (k*k+day*7+i*13)%5),
						Installed: license.Of(200), Overdraft: license.Of(20),
					}})
				}
				build.AddRound(series.Round{At: at, Hold: 1800, Complete: true}, samples)
				r.LastReading = time.Unix(at, 0).UTC()
			}
			e.add(b, r.ID, build.Days())
		}
	}
	return e
}

func BenchmarkOverviewCold(b *testing.B) {
	e := demoEstate(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.service().Overview(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOverviewWarm(b *testing.B) {
	s := demoEstate(b).service()
	if _, err := s.Overview(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Overview(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDetails(b *testing.B) {
	e := demoEstate(b)
	q := usage.Question{Product: "acme.feature3"}
	warm := e.service()
	if _, err := warm.Details(b.Context(), 1, q); err != nil {
		b.Fatal(err)
	}
	for name, service := range map[string]func() *usage.Service{"cold": e.service, "warm": func() *usage.Service { return warm }} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := service().Details(b.Context(), 1, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
