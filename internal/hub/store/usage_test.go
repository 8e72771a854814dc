package store_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

var _ usage.Store = (*store.DB)(nil)

const noSuchOrg = 4711

// put puts a batch that must be stored.
func put(t *testing.T, db *store.DB, b *ingest.Batch) {
	t.Helper()
	if o, err := db.PutBatch(t.Context(), b); err != nil || o != ingest.Stored {
		t.Fatalf("batch %d: %v, %v, want it stored", b.Seq, o, err)
	}
}

func TestOrganisationIsRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "Europe/Berlin")
		o, err := db.Organisation(t.Context(), org)
		if err != nil {
			t.Fatal(err)
		}
		if o.ID != org || o.Name != "Example Corp" || o.Zone.String() != "Europe/Berlin" || o.Thresholds != usage.DefaultThresholds {
			t.Errorf("organisation %+v", o)
		}
	})
}

func TestOrganisationThatDoesNotExistIsNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "server")
		put(t, db, one(org, agent, "server", 1))
		ctx := t.Context()
		_, organisation := db.Organisation(ctx, noSuchOrg)
		_, servers := db.Servers(ctx, noSuchOrg)
		_, pools := db.Pools(ctx, noSuchOrg)
		_, versions := storetest.Versions(ctx, db, noSuchOrg, 1)
		var days error
		for _, err := range storetest.Days(ctx, db, noSuchOrg, 1, 0, 1<<30) {
			days = err
		}
		_, number := db.PackNumber(ctx, noSuchOrg)
		_, block := db.Block(ctx, noSuchOrg, 1, series.DayOf(start.Unix()))
		for name, err := range map[string]error{
			"Organisation": organisation, "Servers": servers, "Pools": pools, "DayVersions": versions, "Days": days,
			"PackNumber": number, "Heads": last(db.Heads(ctx, noSuchOrg, math.MinInt32, math.MaxInt32, usage.Mark{})),
			"Block":   block,
			"Holders": last(db.Holders(ctx, noSuchOrg, "solid")),
			"Blocks":  last(db.Blocks(ctx, noSuchOrg, series.DayOf(start.Unix()))),
		} {
			if fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s: error %v, want a fault.NotFound", name, err)
			}
		}
	})
}

func TestEmptyEstateIsNoError(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		servers, err := db.Servers(t.Context(), org)
		if err != nil || len(servers) != 0 {
			t.Errorf("Servers = %v, %v, want none", servers, err)
		}
		pools, err := db.Pools(t.Context(), org)
		if err != nil || len(pools) != 0 {
			t.Errorf("Pools = %v, %v, want none", pools, err)
		}
		versions, err := storetest.Versions(t.Context(), db, org, 1)
		if err != nil || len(versions) != 0 {
			t.Errorf("DayVersions = %v, %v, want none", versions, err)
		}
		for _, err := range storetest.Days(t.Context(), db, org, 1, 0, 1<<30) {
			t.Errorf("Days gave something: %v", err)
		}
	})
}

func TestServersAreListedWhileAnythingIsKnownOfThem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start.Add(-time.Hour), "a", "b")
		put(t, db, one(org, agent, "b", 1))
		got, err := db.Servers(t.Context(), org)
		if err != nil {
			t.Fatal(err)
		}
		registered := start.Add(-time.Hour)
		want := []usage.Record{
			{Server: usage.Server{
				ID: 1, GUID: "a", Name: "name-of-a", Manager: "flexnet", Agent: "host-of-agent",
				Registered: registered, LastContact: registered,
			}},
			{Version: 1, Server: usage.Server{
				ID: 2, GUID: "b", Name: "name-of-b", Manager: "flexnet", Agent: "host-of-agent",
				Registered: registered, LastContact: start, LastReported: start, LastReading: start.Add(time.Minute),
			}},
		}
		if d := cmp.Diff(got, want, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("servers (-got +want):\n%s", d)
		}
		if err := db.RemoveAgent(t.Context(), agent, audit.Entry{Org: org, At: start.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		got, err = db.Servers(t.Context(), org)
		if err != nil || len(got) != 2 || !got[0].Removed.Equal(start.Add(time.Hour)) {
			t.Errorf("after removal Servers = %+v, %v, want both, removed", got, err)
		}
	})
}

func TestUploadsAndGapsOfAServerAreListedNewestFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a", "b")
		put(t, db, one(org, agent, "a", 1))
		put(t, db, one(org, agent, "b", 2))
		late := one(org, agent, "a", 3)
		late.Gaps = []ingest.Gap{{From: 100, To: 200, Reason: "disk"}, {From: 300, To: 400, Reason: "disk"}}
		put(t, db, late)
		uploads, err := db.Uploads(t.Context(), org, 1, 9)
		if err != nil || len(uploads) != 2 || uploads[0].Seq != 3 || uploads[1].Seq != 1 || uploads[0].Received.IsZero() {
			t.Errorf("uploads %+v, %v; want those numbered 3 and 1", uploads, err)
		}
		if one, err := db.Uploads(t.Context(), org, 1, 1); err != nil || len(one) != 1 {
			t.Errorf("%d uploads, %v; want 1", len(one), err)
		}
		gaps, err := db.Gaps(t.Context(), org, 1, 9)
		if err != nil || len(gaps) != 2 || gaps[0].From.Unix() != 300 || gaps[1].To.Unix() != 200 {
			t.Errorf("gaps %+v, %v; want that from 300 first", gaps, err)
		}
		if other, err := db.Gaps(t.Context(), org, 2, 9); err != nil || len(other) != 0 {
			t.Errorf("gaps of another server %+v, %v; want none", other, err)
		}
	})
}

func TestPoolsBeginWithTheirFirstRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a", "b")
		denied := &ingest.Batch{
			Org: org, Agent: agent, ID: ingest.ID{Epoch: "e", Seq: 99}, Hash: []byte("99"), Received: start, Server: "a",
			Pools:   []ingest.Pool{{Key: license.Pool{Feature: "only denied"}}},
			Denials: []ingest.Denial{{At: start.Unix(), User: "bob", Reason: "no licenses", Count: 1}},
		}
		put(t, db, denied)
		put(t, db, one(org, agent, "a", 60))
		put(t, db, one(org, agent, "a", 30)) // late: the same pools, earlier
		put(t, db, one(org, agent, "b", 1))
		got, err := db.Pools(t.Context(), org)
		if err != nil {
			t.Fatal(err)
		}
		at := func(minute int64) int64 { return start.Unix() + 60*minute }
		want := []usage.Pool{
			{ID: 2, Server: 1, Key: license.Pool{Feature: "pool 0"}, First: at(30)},
			{ID: 3, Server: 1, Key: license.Pool{Feature: "solid"}, Vendor: "SW_D", First: at(30)},
			{ID: 1, Server: 2, Key: license.Pool{Feature: "pool 1"}, First: at(1)},
			{ID: 2, Server: 2, Key: license.Pool{Feature: "solid"}, Vendor: "SW_D", First: at(1)},
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("pools (-got +want):\n%s", d)
		}
	})
}

func TestVersionOfADayChangesWithItsContent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a")
		today := series.DayOf(start.Unix())
		versions := func() map[int32]int64 {
			t.Helper()
			all, err := storetest.Versions(t.Context(), db, org, 1)
			if err != nil {
				t.Fatal(err)
			}
			m := map[int32]int64{}
			for _, v := range all {
				m[v.Day] = v.Version
			}
			return m
		}
		put(t, db, one(org, agent, "a", 1))
		first := versions()
		put(t, db, one(org, agent, "a", 1441)) // the next day
		second := versions()
		if len(second) != 2 || second[today] != first[today] {
			t.Errorf("versions %v after a batch of tomorrow, want %d for today as before", second, first[today])
		}
		put(t, db, one(org, agent, "a", 2))
		third := versions()
		if third[today] <= second[today] || third[today+1] != second[today+1] {
			t.Errorf("versions %v after another reading of today, were %v", third, second)
		}
		again := one(org, agent, "a", 2)
		again.Seq, again.Hash = 3, []byte("3")
		put(t, db, again)
		if d := cmp.Diff(versions(), third); d != "" {
			t.Errorf("a batch that says nothing new changed versions (-got +want):\n%s", d)
		}
		servers, err := db.Servers(t.Context(), org)
		if err != nil || servers[0].Version < third[today] {
			t.Errorf("server's version %v, %v, want at least %d", servers, err, third[today])
		}
	})
}

func TestDaysAreThoseOfTheSpan(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a", "b")
		today := series.DayOf(start.Unix())
		for _, day := range []uint64{3, 0, 1} {
			put(t, db, one(org, agent, "a", 1+1440*day))
		}
		put(t, db, one(org, agent, "b", 2))
		numbers := func(from, to int32, atMost int) (got []int32) {
			t.Helper()
			for day, err := range storetest.Days(t.Context(), db, org, 1, from, to) {
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, day.Number-today); len(got) == atMost {
					break
				}
			}
			return got
		}
		for _, c := range []struct {
			from, to int32
			atMost   int
			want     []int32
		}{
			{0, 1 << 30, 9, []int32{0, 1, 3}},
			{today, today + 3, 9, []int32{0, 1}},
			{today + 2, today + 3, 9, nil},
			{today + 1, today + 4, 9, []int32{1, 3}},
			{0, 1 << 30, 1, []int32{0}},
		} {
			if d := cmp.Diff(numbers(c.from, c.to, c.atMost), c.want); d != "" {
				t.Errorf("Days from %d to %d, at most %d (-got +want):\n%s", c.from-today, c.to-today, c.atMost, d)
			}
		}
	})
}

func TestDamagedBlockIsAnErrorAndNotAHole(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a")
		put(t, db, one(org, agent, "a", 1))
		if _, err := storetest.Raw(t, dsn).Exec(`UPDATE block SET data = $1`, []byte("no block")); err != nil {
			t.Fatal(err)
		}
		var got error
		for _, err := range storetest.Days(t.Context(), db, org, 1, 0, 1<<30) {
			got = err
		}
		if got == nil {
			t.Error("Days read a damaged block")
		}
		if _, err := db.PutBatch(t.Context(), one(org, agent, "a", 2)); err == nil {
			t.Error("a batch was merged into a damaged block")
		}
	})
}
