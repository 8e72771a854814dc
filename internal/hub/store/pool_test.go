package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/license"
)

// Twenty license servers are told the same in twenty orders. Most batches tell
// of all pools at one instant, some of a few, and now and then a vendor is
// another one.
func TestVendorToldLastCountsInAnyOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		random := rand.New(rand.NewPCG(5, 8))
		const pools, told, servers = 6, 12, 20
		var batches [told][]ingest.Pool
		want := map[license.Pool]ingest.Pool{}
		for n := range batches {
			for p := range pools {
				if n%4 == 3 && random.IntN(2) == 0 {
					continue
				}
				pool := ingest.Pool{Key: license.Pool{Feature: fmt.Sprint(p)}, First: start.Unix(), Vendor: "first", VendorAt: start.Unix() + int64(n)}
				switch random.IntN(12) {
				case 0:
					pool.Vendor = "second"
				case 1:
					pool.Vendor, pool.VendorAt = "third", pool.VendorAt-1 // at the instant of another one
				case 2:
					pool.Vendor, pool.VendorAt = "", 0 // not told
				}
				batches[n] = append(batches[n], pool)
				last := want[pool.Key]
				if pool.VendorAt > last.VendorAt || pool.VendorAt == last.VendorAt && pool.Vendor > last.Vendor {
					want[pool.Key] = pool
				}
			}
		}
		var names [servers]string
		for i := range names {
			names[i] = fmt.Sprintf("server %02d", i)
		}
		agent := storetest.Admit(t, db, org, "agent", start, names[:]...)
		orders := map[int64][]int{}
		for i, name := range names {
			orders[int64(i+1)] = random.Perm(told)
			for _, n := range orders[int64(i+1)] {
				put(t, db, &ingest.Batch{
					Org: org, Agent: agent, ID: ingest.ID{Epoch: name, Seq: uint64(n + 1)}, Hash: fmt.Append(nil, n),
					Received: start, Server: name, Pools: batches[n],
				})
			}
		}
		got, err := db.Pools(t.Context(), org)
		if err != nil || len(got) != pools*servers {
			t.Fatalf("%d pools, %v; want %d", len(got), err, pools*servers)
		}
		for _, p := range got {
			if p.Vendor != want[p.Key].Vendor {
				t.Errorf("pool %s, told in the order %v: vendor %q, want %q", p.Key, orders[p.Server], p.Vendor, want[p.Key].Vendor)
			}
		}
	})
}
