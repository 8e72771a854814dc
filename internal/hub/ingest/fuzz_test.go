package ingest_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/fault"
	"headroom/internal/hub/ingest"
	"headroom/internal/license"
	"headroom/internal/series"
	"headroom/internal/wire"
)

// kept is a store that keeps the last batch in memory.
type kept struct{ last *ingest.Batch }

func (k *kept) PutBatch(_ context.Context, b *ingest.Batch) (ingest.Outcome, error) {
	k.last = b
	return ingest.Stored, nil
}

func (k *kept) NoteFork(context.Context, int64, int64, time.Time) error { return nil }

func (k *kept) BatchHash(context.Context, int64, int64, string, uint64) ([]byte, error) {
	return nil, nil
}

func (k *kept) Complete(context.Context, int64, int64) (map[string]uint64, error) { return nil, nil }

// Whatever an agent sends, it is refused by a fault, or its days can be kept
// and read, name pools that the batch has, and lie where they may.
func FuzzTake(f *testing.F) {
	for _, r := range []wire.Record{
		reading(noon, 3, 4),
		&wire.Events{PoolKey: wire.PoolKey{Feature: "solid"}, From: noon - 90000, To: noon, At: []int64{noon - 3}, InUse: []int64{2}, High: []int64{3}},
		&wire.Maxima{PoolKey: wire.PoolKey{Feature: "solid"}, Imported: true, From: []int64{noon - 90000, noon - 900}, To: []int64{noon - 900, noon}, InUse: []int64{7, 3}},
		&wire.Holders{At: noon, Own: true, OffsetMS: -400_000, Holders: []wire.Holder{{PoolKey: wire.PoolKey{Feature: "solid"}, User: "bob", How: license.HolderActive}}},
		&wire.Denial{PoolKey: wire.PoolKey{Feature: "solid"}, At: noon, Count: 1},
		&wire.Failed{At: noon, Reason: "timeout", OffsetMS: 900_000},
		&wire.Assignments{At: noon, Own: true, OffsetMS: 900_000, Complete: true, Lease: 86400, LastIs: license.LastRequest, Assigned: []wire.Assigned{
			{PoolKey: wire.PoolKey{Feature: "solid"}, Who: license.AssignedUser, Names: []string{"bob"}, Last: []int64{noon}},
		}},
		&wire.Sources{At: noon, Sources: []wire.Source{{Name: "udadmin", At: noon, Age: 60}}},
		&wire.Gap{From: 1, To: 2, Batch: &wire.BatchID{Epoch: epoch, Seq: 1}},
		&wire.ServerRecord{At: noon, ServerInfo: wire.ServerInfo{GUID: guid}},
	} {
		line, err := wire.MarshalRecord(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var k kept
		g := &ingest.Ingester{Store: &k, Now: func() time.Time { return now }}
		_, err := g.Take(t.Context(), ingest.Agent{Org: 1, ID: 1}, epoch, 1, encodeUnchecked(t, [][]byte{line}))
		if err != nil {
			if fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.TooLarge {
				t.Fatalf("error %v, want a fault that the agent can act upon", err)
			}
			return
		}
		for _, day := range k.last.Days {
			again, err := series.Decode(series.Encode(day))
			if err != nil {
				t.Fatalf("day %d cannot be read: %v", day.Number, err)
			}
			if d := cmp.Diff(again, day, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("day %d changed on the way (-got +want):\n%s", day.Number, d)
			}
			if series.DayStart(day.Number) > noon+86400 {
				t.Errorf("day %d is more than 24 hours in the future", day.Number)
			}
			for _, p := range day.Pools {
				if p.Pool < 0 || int(p.Pool) >= len(k.last.Pools) {
					t.Fatalf("day %d names pool %d of %d", day.Number, p.Pool, len(k.last.Pools))
				}
			}
		}
		for _, l := range k.last.Assignments {
			for _, a := range append(l.Assigned, l.Ended...) {
				if a.Pool < 0 || a.Pool >= len(k.last.Pools) || license.FoldName(a.Name) == "" {
					t.Fatalf("assignee %+v of %d pools", a, len(k.last.Pools))
				}
			}
		}
		for _, p := range k.last.Pools {
			if p.Key.Feature == "" {
				t.Error("a pool without a feature was believed")
			}
		}
	})
}
