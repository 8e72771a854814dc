package main

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
)

// How much the kill tests do: D-01 and D-02 of the reliability tests want 200
// kills, which are for HEADROOM_LONG.
const (
	kills         = 30
	killsPostgres = 10
	killsLong     = 200
	topUp         = 40 // batches that are added before each kill
	startsWithin  = 2 * time.Second
)

// D-01 on SQLite, D-02 on PostgreSQL: kill -9 of agent and hub, alternately, at random
// instants of an upload loses and doubles nothing. The programs are the real ones, and
// the known readings are compared one by one with what the hub has kept.
func TestKillsDuringUploadsLoseAndDoubleNothing(t *testing.T) {
	program := build(t)
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		rounds := kills
		if store.IsURL(dsn) {
			rounds = killsPostgres
		}
		if os.Getenv("HEADROOM_LONG") != "" {
			rounds = killsLong
		}
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d, %d kills", seed, rounds)
		w := newWorld(t, program, dsn)
		slowest := w.kills(rand.New(rand.NewPCG(seed, 0)), rounds)
		w.sendAll()
		if slowest > startsWithin {
			t.Errorf("the slowest start of the hub took %v, want at most %v", slowest, startsWithin)
		}
		w.compare()
		t.Logf("%d batches, %d values, slowest start of the hub %v", w.batches, len(w.want), slowest)
	})
}

// kills kills agent and hub, alternately, and returns how long the slowest start of
// the hub took.
func (w *world) kills(random *rand.Rand, rounds int) (slowest time.Duration) {
	w.t.Helper()
	for i := range rounds {
		w.fill(topUp)
		h := w.startHub()
		slowest = max(slowest, h.took)
		sender := w.start("agent", "upload", "--config", w.config)
		select { // 0 to 400 ms after the start of the upload
		case <-sender.ended:
		case <-time.After(time.Duration(random.Int64N(int64(400 * time.Millisecond)))):
		}
		if i%2 == 0 {
			h.kill()
			<-sender.ended // it finds nobody there, and ends
		} else {
			sender.kill()
			h.kill()
		}
	}
	return slowest
}
