package ingest_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// Two agents send the same batches in different orders and with repetitions:
// the history of their license servers is the same.
func TestOrderAndRepetitionDoNotMatter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			batches := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(drawRecord), 1, 5), 1, 4).Draw(rt, "batches")
			numbers := make([]int, len(batches))
			for i := range numbers {
				numbers[i] = i
			}
			var histories []string
			for _, order := range [][]int{
				numbers,
				append(rapid.Permutation(numbers).Draw(rt, "order"), rapid.SliceOfN(rapid.SampledFrom(numbers), 0, 2).Draw(rt, "again")...),
			} {
				n++
				server := fmt.Sprintf("server-%d", n)
				agent := ingest.Agent{Org: w.agent.Org, ID: storetest.Admit(t, db, w.agent.Org, fmt.Sprintf("agent-%d", n), now, server)}
				for _, i := range order {
					seq := uint64(i + 1)
					if _, err := w.Take(t.Context(), agent, epoch, seq, batchOf(t, server, seq, batches[i]...)); err != nil {
						rt.Fatal(err)
					}
				}
				complete, err := w.Complete(t.Context(), agent)
				if err != nil || complete[epoch] != uint64(len(batches)+1) {
					rt.Fatalf("Complete = %v, %v, want %d", complete, err, len(batches)+1)
				}
				histories = append(histories, w.history(t, w.serverID(t, server)))
			}
			if d := cmp.Diff(histories[0], histories[1]); d != "" {
				rt.Fatalf("history differs with the order (-in order +shuffled):\n%s", d)
			}
		})
	})
}

// drawRecord draws a record about few pools around a midnight, so that much
// falls together.
func drawRecord(t *rapid.T) wire.Record {
	midnight := noon - noon%86400
	key := wire.PoolKey{Feature: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "feature")}
	at := midnight + 60*rapid.Int64Range(-4, 4).Draw(t, "minute")
	vendor := rapid.SampledFrom([]string{"", "V", "W"}).Draw(t, "vendor")
	count := rapid.Int64Range(0, 9)
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 5:
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"anna", "Anna", "bob", "cy"}), 0, 3, license.FoldName)
		list := func(what string) []wire.Assigned {
			n := names.Draw(t, what)
			return []wire.Assigned{{PoolKey: key, Vendor: vendor, Who: license.AssignedUser, Names: n, Last: slices.Repeat([]int64{at - 60}, len(n))}}
		}
		r := &wire.Assignments{At: at, Complete: rapid.Bool().Draw(t, "complete"), Truncated: at%120 == 0, Lease: at % 7, LastIs: license.LastRequest, Assigned: list("assigned")}
		if !r.Complete {
			r.Ended = list("ended")
		}
		return r
	case 6:
		return &wire.Sources{At: at, Sources: []wire.Source{{Name: "udadmin", At: at, Failure: fmt.Sprint(at)}}}
	case 0:
		return &wire.Maxima{
			PoolKey: key, Vendor: vendor, Imported: rapid.Bool().Draw(t, "imported"), From: []int64{at, at + 180}, To: []int64{at + 120, at + 240},
			InUse: []int64{count.Draw(t, "first"), count.Draw(t, "second")},
		}
	case 1, 2:
		return &wire.Events{
			PoolKey: key, Vendor: vendor, From: at, To: at + 240, Exact: rapid.Bool().Draw(t, "exact"), Start: count.Draw(t, "start"),
			At: []int64{at + 60, at + 120}, InUse: []int64{count.Draw(t, "first"), count.Draw(t, "second")},
		}
	}
	r := &wire.Samples{
		At: []int64{at, at + 60}, Interval: 60, Complete: rapid.Bool().Draw(t, "complete"), Imported: rapid.Bool().Draw(t, "imported"), Source: "test",
		Pools: []wire.SampledPool{{PoolKey: key, Vendor: vendor, State: "counted", InUse: wire.Counts{license.Of(count.Draw(t, "in use")), {}}}},
	}
	return r
}

// encodeUnchecked compresses a batch above the limits that WriteBatch keeps.
func encodeUnchecked(t *testing.T, lines [][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf(`{"kind":"batch","v":1,"epoch":%q,"seq":1,"server":%q}`, epoch, guid)
	for _, line := range append([][]byte{[]byte(head)}, lines...) {
		if _, err := z.Write(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
