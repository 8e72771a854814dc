package wire_test

import (
	"bytes"
	"fmt"
	"testing"

	"headroom/internal/license"
	"headroom/internal/wire"
)

// A day of a license server: 6 pools at 96 instants.
func BenchmarkReadDay(b *testing.B) {
	s := &wire.Samples{Interval: 900, Complete: true, Source: "flexnet"}
	for i := range int64(96) {
		s.At = append(s.At, 1_772_000_000+900*i)
	}
	for p := range 6 {
		pool := wire.SampledPool{
			PoolKey: wire.PoolKey{Feature: fmt.Sprintf("feature_%d", p)}, State: "counted",
			Installed: wire.Counts{license.Of(100)}, Reserved: wire.Counts{license.Of(0)},
		}
		for i := range s.At {
			pool.InUse = append(pool.InUse, license.Of(int64(i*p%97)))
		}
		s.Pools = append(s.Pools, pool)
	}
	body, err := wire.EncodeBatch(header(), s)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := wire.ReadBatch(bytes.NewReader(body)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*6*96)/b.Elapsed().Seconds(), "points/s")
	b.ReportMetric(float64(len(body)), "bytes")
}

func BenchmarkWriteDay(b *testing.B) {
	records := day()
	for b.Loop() {
		if _, err := wire.EncodeBatch(header(), records...); err != nil {
			b.Fatal(err)
		}
	}
}
