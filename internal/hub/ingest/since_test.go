package ingest_test

import (
	"slices"
	"strings"
	"testing"

	"headroom/internal/hub/ingest"
	"headroom/internal/license"
	"headroom/internal/series"
)

// around is a batch that says one thing of each kind before an instant, under names
// with "past" in them, and one after it.
func around(at int64) *ingest.Batch {
	var days series.Builder
	for pool, t := range []int64{at - 60, at + 60} {
		days.AddRound(series.Round{At: t, Hold: 1800}, []series.PoolSample{
			{Pool: series.PoolID(pool), Sample: series.Sample{State: license.StateCounted, InUse: license.Of(3), Installed: license.Of(9)}},
		})
	}
	b := &ingest.Batch{
		ID: ingest.ID{Epoch: "e", Seq: 1}, Gone: []ingest.ID{{Epoch: "e", Seq: 9}}, Server: "lic", Records: 12, Days: days.Days(),
		Reading: at + 60, Failed: ingest.Failure{At: at - 1, Reason: "old"}, Offset: ingest.Offset{At: at - 1, MS: 5},
		Info: &ingest.Info{At: at - 60, Server: license.Server{GUID: "lic", Name: "lic"}}, Names: []ingest.Names{{Since: at - 60, Mode: "clear"}},
	}
	for i, name := range []string{"past", "new", "past holder", "new holder", "past denial", "new denial", "past assignee", "new assignee"} {
		b.Pools = append(b.Pools, ingest.Pool{Key: license.Pool{Feature: name}, Vendor: "V", VendorAt: at - 60, First: at - 60, SharedWith: "x", SharedAt: at - 60})
		switch i {
		case 4, 5:
			b.Denials = append(b.Denials, ingest.Denial{Pool: i, At: at - 1 + int64(i-4), User: name})
		case 6, 7:
			b.Assignments = append(b.Assignments, ingest.Assignments{At: at - 1 + int64(i-6), Assigned: []ingest.Assignee{{Pool: i, Name: name}}, Ended: []ingest.Assignee{{Pool: i, Name: name}}})
		}
	}
	b.Pools[1].VendorAt, b.Pools[1].SharedAt = at, at
	b.Gaps = []ingest.Gap{{From: at - 100, To: at - 1, Reason: "old"}, {From: at - 100, To: at + 100, Reason: "new"}}
	b.Holders = &ingest.Holders{At: at, List: []ingest.Holder{{Pool: 3, User: "new holder"}}}
	b.Sources = &ingest.Sources{At: at - 1, List: []ingest.Source{{Name: "old"}}}
	return b
}

// names are the names of a batch's pools, by what names them.
func names(b *ingest.Batch) (out []string) {
	pool := func(i int) { out = append(out, b.Pools[i].Key.Feature) }
	for _, d := range b.Days {
		for _, p := range d.Pools {
			pool(int(p.Pool))
		}
	}
	if b.Holders != nil {
		for _, h := range b.Holders.List {
			pool(h.Pool)
		}
	}
	for _, d := range b.Denials {
		pool(d.Pool)
	}
	for _, l := range b.Assignments {
		for _, a := range slices.Concat(l.Assigned, l.Ended) {
			pool(a.Pool)
		}
	}
	return out
}

// Of a batch that reaches over an instant what is before it is left out, of every kind,
// and what is left names the pools that it named before.
func TestABatchIsCutAtAnInstant(t *testing.T) {
	const at = int64(1_790_000_000)
	whole := around(at)
	cut, none := whole.Since(at)
	if none {
		t.Fatal("nothing is left")
	}
	if got, want := names(cut), []string{"new", "new holder", "new denial", "new assignee", "new assignee"}; !slices.Equal(got, want) {
		t.Errorf("pools %q, want %q", got, want)
	}
	for _, p := range cut.Pools {
		if strings.Contains(p.Key.Feature, "past") || p.First != 0 && p.First < at || p.VendorAt != 0 && p.VendorAt < at || p.SharedAt != 0 && p.SharedAt < at {
			t.Errorf("pool %+v is of before", p)
		}
	}
	if p := cut.Pools[0]; p.First != at+60 || p.Vendor != "V" || p.SharedWith != "x" {
		t.Errorf("pool %+v, want it since %d with what was told then", p, at+60)
	}
	if len(cut.Days) != 1 || len(cut.Days[0].Rounds) != 1 || cut.Reading != at+60 || cut.Failed != (ingest.Failure{}) || cut.Sources != nil {
		t.Errorf("days %+v, reading %d, failed %+v, sources %+v", cut.Days, cut.Reading, cut.Failed, cut.Sources)
	}
	if len(cut.Gaps) != 1 || cut.Gaps[0] != (ingest.Gap{From: at, To: at + 100, Reason: "new"}) {
		t.Errorf("gaps %+v", cut.Gaps)
	}
	if cut.Info == nil || len(cut.Gone) != 1 || len(cut.Names) != 1 || cut.Records != 12 {
		t.Errorf("what the server is, and what will never come, is lost: %+v", cut)
	}
	if got := names(whole); len(got) != 9 || got[0] != "past" || whole.Holders.List[0].Pool != 3 {
		t.Errorf("the batch itself has changed: %q", got)
	}

	if later, _ := whole.Since(at + 1); later.Holders != nil {
		t.Errorf("a list of holders of before: %+v", later.Holders)
	}
	if _, none := whole.Since(at + 1000); !none {
		t.Error("all of it is before, and something is left")
	}
	if _, none := (&ingest.Batch{Info: whole.Info}).Since(at + 1000); none {
		t.Error("a batch that tells of no time is taken for one that was before")
	}
}
