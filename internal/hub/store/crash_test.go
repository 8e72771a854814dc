package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
)

// childEnv makes this test program a hub that is going to be killed: it puts
// batches into the database of that name and says which it was told are kept.
const childEnv = "HEADROOM_STORE_CHILD"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childEnv); dsn != "" {
		var first uint64
		if _, err := fmt.Sscan(os.Getenv(childEnv+"_FIRST"), &first); err != nil {
			panic(err)
		}
		putForEver(dsn, first)
	}
	m.Run()
}

// putForEver puts batches from the sequence first on, many at a time, and
// prints the sequence of each that is kept.
func putForEver(dsn string, first uint64) {
	ctx := context.Background()
	db, err := store.Open(ctx, dsn, store.Options{})
	if err != nil {
		panic(err)
	}
	var next atomic.Uint64
	next.Store(first)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				seq := next.Add(1) - 1
				if _, err := db.PutBatch(ctx, one(1, 1, "server", seq)); err != nil {
					panic(err)
				}
				fmt.Println("kept", seq)
			}
		})
	}
	wg.Wait()
}

func TestKilledHubKeepsEveryBatchThatItAcknowledged(t *testing.T) {
	rounds := 4
	if os.Getenv("HEADROOM_LONG") != "" {
		rounds = 50
	}
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "server")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		next := uint64(1)
		for round := range rounds {
			kept := killAfter(t, dsn, next, 20+13*round)
			next = checkKept(t, dsn, org, agent, kept)
		}
	})
}

// killAfter runs a hub, kills it after it has acknowledged n batches and
// returns what it acknowledged.
func killAfter(t *testing.T, dsn string, first uint64, n int) (kept []uint64) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^$")
	c.Env = append(os.Environ(), childEnv+"="+dsn, fmt.Sprintf("%s_FIRST=%d", childEnv, first))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() { // until the pipe of the dead is empty
		var seq uint64
		if _, err := fmt.Sscanf(lines.Text(), "kept %d", &seq); err != nil || !strings.HasPrefix(lines.Text(), "kept ") {
			t.Fatalf("the hub said %q", lines.Text())
		}
		if kept = append(kept, seq); len(kept) == n {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Wait(); err == nil || len(kept) < n {
		t.Fatalf("the hub ended by itself after %d batches: %v", len(kept), err)
	}
	return kept
}

// checkKept opens the database again and looks for every batch that was
// acknowledged, and for what it says. It returns the next sequence.
func checkKept(t *testing.T, dsn string, org, agent int64, kept []uint64) (next uint64) {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	there := map[int64]bool{}
	for day, err := range storetest.Days(t.Context(), db, org, 1, 0, 1<<30) {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range day.Rounds {
			there[r.At] = true
		}
	}
	for _, seq := range kept {
		hash, err := db.BatchHash(t.Context(), org, agent, "e", seq)
		if err != nil || string(hash) != fmt.Sprint(seq) {
			t.Errorf("acknowledged batch %d has hash %q, %v", seq, hash, err)
		}
		if !there[start.Unix()+60*int64(seq)] {
			t.Errorf("the reading of acknowledged batch %d is gone", seq)
		}
		next = max(next, seq+1)
	}
	// Batches that were committed and not acknowledged are sent again.
	for seq := uint64(1); seq < next+10; seq++ {
		b := one(org, agent, "server", seq)
		if o, err := db.PutBatch(t.Context(), b); err != nil || o != ingest.Stored && o != ingest.Known {
			t.Errorf("batch %d again: %v, %v", seq, o, err)
		}
	}
	complete, err := db.Complete(t.Context(), org, agent)
	if err != nil || complete["e"] < next+10 {
		t.Errorf("Complete = %v, %v, want at least %d", complete, err, next+10)
	}
	readings := 0
	for day, err := range storetest.Days(t.Context(), db, org, 1, 0, 1<<30) {
		if err != nil {
			t.Fatal(err)
		}
		readings += len(day.Rounds)
	}
	if uint64(readings)+1 != complete["e"] {
		t.Errorf("%d readings and %d batches, want as many", readings, complete["e"]-1)
	}
	return complete["e"]
}
