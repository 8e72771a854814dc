package spool_test

import (
	"bytes"
	"slices"
	"testing"

	"headroom/internal/agent/spool"
)

// BenchmarkAppend is one round of one server: a record of 20 KB on disk.
func BenchmarkAppend(b *testing.B) {
	s := mustOpen(b, b.TempDir(), spool.Options{})
	record := bytes.Repeat([]byte("x"), 20<<10)
	b.SetBytes(int64(len(record)))
	for b.Loop() {
		if err := s.Append("a", start, record); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSealADay makes the 288 records of a day into a batch and sends it.
func BenchmarkSealADay(b *testing.B) {
	s := mustOpen(b, b.TempDir(), spool.Options{})
	record := bytes.Repeat([]byte("x"), 2<<10)
	for b.Loop() {
		b.StopTimer()
		for range 288 {
			if err := s.Append("a", start, record); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		id, _, err := s.Seal("a", spool.Limit{}, func(_ spool.ID, r [][]byte) ([]byte, error) { return slices.Concat(r...), nil })
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Sent(id); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a spool with 10,000 waiting records, 35 days of one
// server that nobody approved.
func BenchmarkOpen(b *testing.B) {
	w := newWorld(b, spool.Options{})
	if err := w.open(); err != nil {
		b.Fatal(err)
	}
	for range 10_000 {
		if err := w.append("a", "x"); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := w.open(); err != nil {
			b.Fatal(err)
		}
	}
}
