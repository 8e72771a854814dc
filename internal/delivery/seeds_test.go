package delivery_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"
)

// How many runs there are: D-08 of the reliability tests wants 10,000, which are
// for HEADROOM_LONG.
const (
	seeds     = 60
	seedsLong = 10_000
)

// memory is a folder in memory, where the system has one: SQLite waits for the
// disk at each commit, and what a power cut does to its file is another test's.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "headroom-delivery")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// founded is the database of a hub with an organisation and nothing else, in a
// folder for the hubs of the runs.
func founded(t *testing.T) string {
	t.Helper()
	dir := memory(t)
	h := newHub(t, dir, func() time.Time { return time.Unix(0, 0) })
	h.stop()
	return h.path()
}

// D-08: whatever happens on the way, what was sampled arrives once, or its loss
// is declared. The runs differ by their seed alone.
func TestSamplesArriveOnceOrAreDeclaredWhateverHappens(t *testing.T) {
	n := uint64(seeds)
	if os.Getenv("HEADROOM_LONG") != "" {
		n = seedsLong
	}
	var sum world
	founded := founded(t)
	began := time.Now()
	samples := 0
	for seed := range n {
		t.Run(fmt.Sprint("seed ", seed+1), func(t *testing.T) {
			w := live(t, founded, seed+1)
			samples += len(w.samples) - 1
			sum.count.batches += w.count.batches
			sum.count.refused += w.count.refused
			sum.count.forks += w.count.forks
			sum.count.resent += w.count.resent
			sum.count.cuts += w.count.cuts
			sum.count.kills += w.hub.lives
			sum.count.restores += w.count.restores
			sum.count.copies += w.count.copies
			sum.count.erased += w.count.erased
			sum.count.removals += w.count.removals
			sum.count.gaps += w.count.gaps
			sum.count.unstored += w.count.unstored
		})
	}
	t.Logf("D-08: %d seeds of %d days in %s: %d samples; %+v", n, days, time.Since(began).Round(time.Second), samples, sum.count)
}

// A seed that fails can be looked at: it does the same again, byte for byte.
func TestRunOfASeedCanBeRepeated(t *testing.T) {
	founded := founded(t)
	for seed := uint64(1); seed <= 5; seed++ {
		var first []byte
		for i := range 2 {
			t.Run(fmt.Sprintf("seed %d, %d", seed, i), func(t *testing.T) {
				w := live(t, founded, seed)
				if first != nil && !bytes.Equal(first, w.trace.Bytes()) {
					t.Errorf("seed %d went another way the second time:\n%s\n\nand before:\n%s", seed, w.trace.Bytes(), first)
				}
				first = w.trace.Bytes()
			})
		}
	}
}
