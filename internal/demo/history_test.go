package demo

import (
	"testing"
	"time"

	"headroom/internal/sim"
	"headroom/internal/wire"
)

// The same reading stands in the history as a reader gets at that instant,
// and a failed reading is no sample.
func TestHistoryIsWhatReadersWouldHaveGot(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	estate, err := sim.New(1, now)
	if err != nil {
		t.Fatal(err)
	}
	failed, samples := 0, 0
	for _, s := range estate.Servers {
		for day := now.AddDate(0, 0, -45); day.Before(now); day = day.AddDate(0, 0, 1) {
			for _, r := range history(s, day, day.AddDate(0, 0, 1)) {
				switch r := r.(type) {
				case *wire.Failed:
					failed++
					if at := time.Unix(r.At, 0); !s.Down(at) {
						t.Errorf("%s: a failed reading at %v, when it was up", s.Name, at)
					}
				case *wire.Samples:
					for i, at := range r.At {
						for j, want := range s.Readings(time.Unix(at, 0)) {
							samples++
							if got := wire.At(r.Pools[j].InUse, i); got != want.InUse {
								t.Fatalf("%s %s at %d: in use %v, want %v", s.Name, want.Pool, at, got, want.InUse)
							}
							if got := wire.At(r.Pools[j].Overdraft, i); got != want.Overdraft {
								t.Fatalf("%s %s at %d: overdraft %v, want %v", s.Name, want.Pool, at, got, want.Overdraft)
							}
						}
					}
				}
			}
		}
	}
	if failed == 0 || samples == 0 {
		t.Errorf("%d failed readings, %d samples: want some of each", failed, samples)
	}
}
