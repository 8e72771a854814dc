package ingest_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// A batch is a day of a license server: 6 pools at 96 instants. Each is
// acknowledged after a full sync; the writers are as many agents. Batches are
// made beforehand.
func BenchmarkTakeDay(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { benchTake(b, writers) })
	}
}

func benchTake(b *testing.B, writers int) {
	db := storetest.New(b)
	org := storetest.Found(b, db, "UTC")
	g := &ingest.Ingester{Store: db, Now: func() time.Time { return now }}
	agents := make([]ingest.Agent, writers)
	for i := range agents {
		agents[i] = ingest.Agent{Org: org, ID: storetest.Admit(b, db, org, fmt.Sprintf("agent-%d", i), now, fmt.Sprintf("server-%d", i))}
	}
	bodies := make([][]byte, b.N)
	for n := range bodies {
		bodies[n] = batchOf(b, fmt.Sprintf("server-%d", n%writers), uint64(n/writers+1), dayOf(n))
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for {
				n := int(next.Add(1) - 1)
				if n >= b.N {
					return
				}
				if _, err := g.Take(b.Context(), agents[n%writers], epoch, uint64(n/writers+1), bodies[n]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N*6*96)/b.Elapsed().Seconds(), "points/s")
}

// dayOf is another day for every n.
func dayOf(n int) *wire.Samples {
	s := &wire.Samples{Interval: 900, Complete: true, Source: "flexnet"}
	for i := range int64(96) {
		s.At = append(s.At, noon-86400*int64(n%3000)-900*(95-i))
	}
	for p := range 6 {
		pool := wire.SampledPool{
			PoolKey: wire.PoolKey{Feature: fmt.Sprintf("feature_%d", p)}, Vendor: "vendor", State: "counted",
			Installed: wire.Counts{license.Of(100)}, Reserved: wire.Counts{license.Of(0)},
		}
		for i := range s.At {
			pool.InUse = append(pool.InUse, license.Of(int64((i*(p+1)+n)%97)))
		}
		s.Pools = append(s.Pools, pool)
	}
	return s
}
