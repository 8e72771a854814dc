package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/license"
	"headroom/internal/series"
)

var start = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// one is a batch with one reading, seq minutes after start.
func one(org, agent int64, server string, seq uint64) *ingest.Batch {
	at := start.Unix() + 60*int64(seq)
	var days series.Builder
	days.AddRound(series.Round{At: at, Hold: 1800, Complete: true}, []series.PoolSample{
		{Pool: 0, Sample: series.Sample{State: license.StateCounted, InUse: license.Of(int64(seq)), Installed: license.Of(20)}},
		{Pool: 1, Sample: series.Sample{State: license.StateCounted, InUse: license.Of(1)}},
	})
	return &ingest.Batch{
		Org: org, Agent: agent, ID: ingest.ID{Epoch: "e", Seq: seq}, Hash: []byte(fmt.Sprint(seq)), Received: start, Server: server, Records: 1,
		Pools: []ingest.Pool{
			{Key: license.Pool{Feature: fmt.Sprintf("pool %d", seq%3)}, First: at},
			{Key: license.Pool{Feature: "solid"}, Vendor: "SW_D", VendorAt: at, First: at},
		},
		Days: days.Days(), Reading: at,
	}
}

// Two hub processes that take batches of the same servers at the same time
// lose nothing of each other's, and count nothing twice.
func TestHubsSideBySideLoseNothing(t *testing.T) {
	dsn := storetest.Postgres(t)
	first, second := storetest.Open(t, dsn), storetest.Open(t, dsn)
	org := storetest.Found(t, first, "UTC")
	servers := []string{"a", "b", "c"}
	agent := storetest.Admit(t, first, org, "agent", start, servers...)
	const each = 20
	var wg sync.WaitGroup
	for _, db := range []*store.DB{first, second} {
		for worker := range 4 {
			wg.Go(func() {
				for i := range each {
					// Half of the batches are sent to both hubs.
					seq := uint64(worker*each+i+1) + 1000*uint64((i+worker)%2)
					b := one(org, agent, servers[seq%3], seq)
					if db == second && i%2 == 0 {
						b = one(org, agent, servers[(seq+500)%3], seq+500)
					}
					if o, err := db.PutBatch(t.Context(), b); err != nil || o != ingest.Stored && o != ingest.Known {
						t.Errorf("batch %d: %v, %v", b.Seq, o, err)
					}
				}
			})
		}
	}
	wg.Wait()
	var batches, readings, values int
	if err := storetest.Raw(t, dsn).QueryRow(`SELECT COUNT(*) FROM batch`).Scan(&batches); err != nil {
		t.Fatal(err)
	}
	for server := int64(1); server <= 3; server++ {
		for day, err := range storetest.Days(t.Context(), first, org, server, 0, 1<<30) {
			if err != nil {
				t.Fatal(err)
			}
			readings += len(day.Rounds)
			for _, p := range day.Pools {
				values += len(p.Samples)
			}
		}
	}
	if batches != 3*4*each/2 || readings != batches || values != 2*batches {
		t.Errorf("%d batches, %d readings, %d values; want %d, as many readings, twice as many values", batches, readings, values, 3*4*each/2)
	}
}
