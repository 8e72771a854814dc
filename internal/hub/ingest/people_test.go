package ingest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/fault"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/wire"
)

var premium = wire.PoolKey{Feature: "XDT_PLT_UD", Variant: "2026.1201 Retail"}

// people is a list of users of one pool, all with the same stamp.
func people(last int64, names ...string) []wire.Assigned {
	l := wire.Assigned{PoolKey: premium, Vendor: "CITRIX", Who: license.AssignedUser, Names: names}
	for range names {
		l.Last = append(l.Last, last)
	}
	return []wire.Assigned{l}
}

// held shows who has and had a license: name, first seen, last request, and
// since when it is free, in minutes from noon.
func (w *world) held(t *testing.T) []string {
	t.Helper()
	list, err := w.db.Assignees(t.Context(), w.agent.Org, w.server(t).ID)
	if err != nil {
		t.Fatal(err)
	}
	minutes := func(at time.Time) string {
		if at.IsZero() {
			return "-"
		}
		return fmt.Sprint(at.Sub(now).Minutes())
	}
	var out []string
	for _, a := range list {
		out = append(out, fmt.Sprintf("%s %s %s %s", a.Name, minutes(a.Seen), minutes(a.Last), minutes(a.Ended)))
	}
	return out
}

func TestAssignmentsBeginRenewAndEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		minute := func(n int64) int64 { return noon + 60*n }
		for i, c := range []struct {
			record *wire.Assignments
			want   []string
		}{
			{&wire.Assignments{At: minute(-60), Complete: true, Assigned: people(minute(-100), "anna", "bob", "cy")}, []string{"anna -60 -100 -", "bob -60 -100 -", "cy -60 -100 -"}},
			{&wire.Assignments{At: minute(-45), Assigned: people(minute(-50), "Anna", "dora")}, []string{"Anna -60 -50 -", "bob -60 -100 -", "cy -60 -100 -", "dora -45 -50 -"}},
			{&wire.Assignments{At: minute(-30), Ended: people(0, "bob")}, []string{"Anna -60 -50 -", "bob -60 -100 -30", "cy -60 -100 -", "dora -45 -50 -"}},
			{&wire.Assignments{At: minute(-15), Assigned: people(minute(-16), "bob")}, []string{"Anna -60 -50 -", "bob -60 -16 -", "cy -60 -100 -", "dora -45 -50 -"}},
			{&wire.Assignments{At: minute(0), Complete: true, Assigned: people(minute(-16), "bob", "dora")}, []string{"Anna -60 -50 0", "bob -60 -16 -", "cy -60 -100 0", "dora -45 -16 -"}},
			// A list that comes late changes nothing that a newer one has said.
			{&wire.Assignments{At: minute(-75), Complete: true, Assigned: people(minute(-80), "cy", "eve")}, []string{"Anna -60 -50 0", "bob -60 -16 -", "cy -75 -80 0", "dora -45 -16 -", "eve -75 -80 0"}},
		} {
			w.take(t, uint64(i+1), c.record)
			if d := cmp.Diff(c.want, w.held(t)); d != "" {
				t.Errorf("record %d (-want +got):\n%s", i+1, d)
			}
		}
	})
}

func TestNewestListSpeaksForAll(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	w.take(t, 1, &wire.Assignments{At: noon, Truncated: true, Lease: 90 * 86400, LastIs: license.LastUse, Own: true, OffsetMS: 3_600_000})
	w.take(t, 2, &wire.Assignments{At: noon - 60, Lease: 86400})
	rosters, err := w.db.Rosters(t.Context(), w.agent.Org)
	want := map[int64]usage.Roster{
		w.server(t).ID: {At: now.Add(time.Hour), Truncated: true, Lease: 90 * 24 * time.Hour, LastIs: license.LastUse},
	}
	if d := cmp.Diff(want, rosters); d != "" || err != nil {
		t.Errorf("%v; roster (-want +got):\n%s", err, d)
	}
}

func TestSourcesOfAServerAreTheNewestList(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.take(t, 1, &wire.Sources{At: noon, Sources: []wire.Source{
			{Name: "udadmin", At: noon, Age: 720, Remark: "one line"}, {Name: "sdk-las", At: noon, Absent: true}, {Name: "wmi-pools", At: noon, Failure: "refused"},
		}})
		w.take(t, 2, &wire.Sources{At: noon - 900, Sources: []wire.Source{{Name: "old", At: noon - 900}}})
		got, err := w.db.Sources(t.Context(), w.agent.Org)
		want := map[int64][]usage.Source{w.server(t).ID: {
			{Name: "udadmin", Asked: now, Age: 12 * time.Minute, Remark: "one line"},
			{Name: "sdk-las", Asked: now, Absent: true},
			{Name: "wmi-pools", Asked: now, Failure: "refused"},
		}}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%v; sources (-want +got):\n%s", err, d)
		}
	})
}

func TestSharedLicensesAreKeptWithTheirPool(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		shared := reading(noon, 3)
		shared.Pools[0].SharedWith = "XDT_PLT_CCS"
		w.take(t, 1, shared)
		w.take(t, 2, reading(noon-300, 3))
		pools, err := db.Pools(t.Context(), w.agent.Org)
		if err != nil || len(pools) != 1 || pools[0].SharedWith != "XDT_PLT_CCS" || pools[0].SharedAt != noon {
			t.Errorf("pools %+v, %v, want one that is shared since noon", pools, err)
		}
	})
}

func TestAssignmentsThatCannotBeAreRefused(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	for want, r := range map[string]wire.Record{
		"not known to this hub":     &wire.Assignments{At: noon, Assigned: []wire.Assigned{{PoolKey: premium, Who: "team", Names: []string{"a"}}}},
		"name 2 is empty":           &wire.Assignments{At: noon, Assigned: []wire.Assigned{{PoolKey: premium, Who: license.AssignedUser, Names: []string{"a", " "}}}},
		"1 names, 0 first and 2":    &wire.Assignments{At: noon, Assigned: []wire.Assigned{{PoolKey: premium, Who: license.AssignedUser, Names: []string{"a"}, Last: []int64{1, 2}}}},
		"before 1990":               &wire.Assignments{At: noon, Assigned: people(17, "a")},
		"a lease of -1":             &wire.Assignments{At: noon, Lease: -1},
		"a last \"seen\"":           &wire.Assignments{At: noon, LastIs: "seen"},
		"in the future":             &wire.Assignments{At: noon + 2*86400},
		"a pool without a feature":  &wire.Assignments{At: noon, Ended: []wire.Assigned{{Who: license.AssignedUser, Names: []string{"a"}}}},
		"101 sources":               &wire.Sources{At: noon, Sources: make([]wire.Source, 101)},
		"data that were -1 seconds": &wire.Sources{At: noon, Sources: []wire.Source{{At: noon, Age: -1}}},
	} {
		_, err := w.Take(t.Context(), w.agent, epoch, 1, batch(t, 1, r))
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want a fault.Invalid with %q", r, err, want)
		}
	}
}
