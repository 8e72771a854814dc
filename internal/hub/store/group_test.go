package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/ingest"
	"headroom/internal/license"
	"headroom/internal/series"
)

// These tests look inside: only there can a commit be held until others wait.

func openGroup(t *testing.T, o Options) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	_, err = db.write.Exec(`
		INSERT INTO license_server (org_id, server_id, guid, agent_id, name, hosts, port, host_id, manager, version, registered_at)
		VALUES (1, 1, 'guid', 1, '', '[]', 0, '', '', '', 1)`)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// small is a batch with one value.
func small(seq uint64) *ingest.Batch {
	var days series.Builder
	days.AddRound(series.Round{At: 1_772_000_000 + int64(seq)}, []series.PoolSample{{Sample: series.Sample{InUse: license.Of(1)}}})
	return &ingest.Batch{
		Org: 1, Agent: 1, Server: "guid", ID: ingest.ID{Epoch: "e", Seq: seq}, Hash: []byte(fmt.Sprint(seq)), Received: time.Unix(1_772_000_000, 0),
		Pools: []ingest.Pool{{Key: license.Pool{Feature: "solid"}, First: 1_772_000_000}}, Days: days.Days(), Reading: 1_772_000_000,
	}
}

// crowded is a batch whose day has more values than a block can have.
func crowded(seq uint64) *ingest.Batch {
	b := small(seq)
	number := series.DayOf(1_772_000_000)
	from := series.DayStart(number)
	steps := make([]series.Step, series.DaySeconds)
	for i := range steps {
		steps[i] = series.Step{At: from + int64(i), InUse: int64(i % 2), High: 1}
	}
	day := series.Day{Number: number}
	b.Pools = nil
	for len(day.Pools)*len(steps) <= series.MaxSamples {
		n := len(day.Pools)
		b.Pools = append(b.Pools, ingest.Pool{Key: license.Pool{Feature: fmt.Sprint(n)}, First: from})
		day.Pools = append(day.Pools, series.PoolDay{
			Pool: series.PoolID(n), Spans: []series.Span{{From: from, To: from + series.DaySeconds}}, Steps: steps,
		})
	}
	b.Days = []series.Day{day}
	return b
}

// hold keeps batches from being committed until release, and returns when n wait.
func hold(t *testing.T, db *DB, n int, put func()) (release func()) {
	t.Helper()
	db.group.leader <- struct{}{}
	put()
	deadline := time.Now().Add(30 * time.Second)
	for len(db.group.waiting) < n {
		if time.Now().After(deadline) {
			t.Fatalf("%d batches wait, want %d", len(db.group.waiting), n)
		}
		runtime.Gosched()
	}
	return func() { <-db.group.leader }
}

func TestBatchesThatWaitShareOneCommit(t *testing.T) {
	db := openGroup(t, Options{})
	const writers = 50
	var wg sync.WaitGroup
	release := hold(t, db, writers, func() {
		for i := range uint64(writers) {
			wg.Go(func() {
				if o, err := db.PutBatch(t.Context(), small(i+1)); err != nil || o != ingest.Stored {
					t.Errorf("batch %d: %v, %v, want it stored", i+1, o, err)
				}
			})
		}
	})
	release()
	wg.Wait()
	versions, revision := 0, 0
	if err := db.pool.QueryRow(`SELECT COUNT(*) FROM batch`).Scan(&versions); err != nil || versions != writers {
		t.Errorf("%d batches, %v, want %d", versions, err, writers)
	}
	if err := db.pool.QueryRow(`SELECT revision FROM license_server`).Scan(&revision); err != nil || revision != 1 {
		t.Errorf("%d commits, %v, want 1", revision, err)
	}
	if complete, err := db.Complete(t.Context(), 1, 1); err != nil || complete["e"] != writers+1 {
		t.Errorf("Complete = %v, %v, want %d", complete, err, writers+1)
	}
}

func TestBatchThatCannotBeKeptFailsAlone(t *testing.T) {
	tooMany := crowded(2)
	panics := small(3)
	panics.Pools = nil // its days name pool 0
	for name, bad := range map[string]*ingest.Batch{"refused by the store": tooMany, "panic": panics} {
		t.Run(name, func(t *testing.T) {
			db := openGroup(t, Options{})
			var wg sync.WaitGroup
			release := hold(t, db, 4, func() {
				for _, seq := range []uint64{1, 4, 5} {
					wg.Go(func() {
						if o, err := db.PutBatch(t.Context(), small(seq)); err != nil || o != ingest.Stored {
							t.Errorf("neighbour %d: %v, %v, want it stored", seq, o, err)
						}
					})
				}
				wg.Go(func() {
					if _, err := db.PutBatch(t.Context(), bad); err == nil {
						t.Error("the bad batch was kept")
					} else if name == "panic" && !strings.Contains(err.Error(), "panic") {
						t.Errorf("error %v, want the panic in it", err)
					}
				})
			})
			release()
			wg.Wait()
			if hash, err := db.BatchHash(t.Context(), 1, 1, "e", bad.Seq); err != nil || hash != nil {
				t.Errorf("the bad batch left its hash %q, %v", hash, err)
			}
			if complete, err := db.Complete(t.Context(), 1, 1); err != nil || complete["e"] != 2 {
				t.Errorf("Complete = %v, %v, want 2", complete, err)
			}
		})
	}
}

func TestQueueIsBoundedByWhatItHolds(t *testing.T) {
	db := openGroup(t, Options{})
	large := func(seq uint64) *ingest.Batch {
		b := small(seq)
		b.Values = waitingValues
		return b
	}
	if o, err := db.PutBatch(t.Context(), large(1)); err != nil || o != ingest.Stored {
		t.Errorf("a large batch alone: %v, %v, want it stored", o, err)
	}
	var wg sync.WaitGroup
	release := hold(t, db, 1, func() {
		wg.Go(func() {
			if _, err := db.PutBatch(t.Context(), large(2)); err != nil {
				t.Error(err)
			}
		})
	})
	b := small(3)
	b.Values = 1
	if _, err := db.PutBatch(t.Context(), b); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a batch beside a large one: error %v, want a fault.Unavailable", err)
	}
	release()
	wg.Wait()
	if o, err := db.PutBatch(t.Context(), b); err != nil || o != ingest.Stored {
		t.Errorf("later: %v, %v, want it stored", o, err)
	}
}

func TestFullQueueAsksToComeAgain(t *testing.T) {
	db := openGroup(t, Options{Waiting: 2})
	var wg sync.WaitGroup
	release := hold(t, db, 2, func() {
		for i := range uint64(2) {
			wg.Go(func() {
				if _, err := db.PutBatch(t.Context(), small(i+1)); err != nil {
					t.Error(err)
				}
			})
		}
	})
	_, err := db.PutBatch(t.Context(), small(3))
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.Unavailable || f.After <= 0 {
		t.Errorf("error %v, want a fault.Unavailable that says when", err)
	}
	release()
	wg.Wait()
	if o, err := db.PutBatch(t.Context(), small(3)); err != nil || o != ingest.Stored {
		t.Errorf("later: %v, %v, want it stored", o, err)
	}
}
