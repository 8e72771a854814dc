package ingest_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
	"headroom/internal/wire"
)

const (
	epoch = "0001-00c0ffee00c0ffee"
	guid  = "0190a2b4-0000-7000-8000-00000000f10c"
)

// now is when the hub of these tests takes batches: noon of a day.
var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// noon is now in Unix seconds.
var noon = now.Unix()

// A world is a hub's ingest with an agent that reads one license server.
type world struct {
	*ingest.Ingester
	db    *store.DB
	agent ingest.Agent
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	org := storetest.Found(t, db, "UTC")
	return &world{
		Ingester: &ingest.Ingester{Store: db, Now: func() time.Time { return now }},
		db:       db,
		agent:    ingest.Agent{Org: org, ID: storetest.Admit(t, db, org, "agent", now.Add(-time.Hour), guid)},
	}
}

// batch makes the body of a batch.
func batch(t testing.TB, seq uint64, records ...wire.Record) []byte {
	t.Helper()
	return batchOf(t, guid, seq, records...)
}

func batchOf(t testing.TB, server string, seq uint64, records ...wire.Record) []byte {
	t.Helper()
	body, err := wire.EncodeBatch(wire.BatchHeader{Epoch: epoch, Seq: seq, Server: server, MadeAt: noon, Version: "1"}, records...)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// take takes a batch that must be believed and returns the receipt's status.
func (w *world) take(t testing.TB, seq uint64, records ...wire.Record) string {
	t.Helper()
	r, err := w.Take(t.Context(), w.agent, epoch, seq, batch(t, seq, records...))
	if err != nil {
		t.Fatalf("batch %d: %v", seq, err)
	}
	return r.Status
}

// reading is a complete reading of one pool at instants 5 minutes apart.
func reading(at int64, inUse ...int64) *wire.Samples {
	s := &wire.Samples{Interval: 300, Complete: true, Source: "test"}
	p := wire.SampledPool{PoolKey: wire.PoolKey{Feature: "solid"}, Vendor: "SW_D", State: "counted", Installed: wire.Counts{license.Of(20)}}
	for i, n := range inUse {
		s.At = append(s.At, at+300*int64(i))
		p.InUse = append(p.InUse, license.Of(n))
	}
	s.Pools = []wire.SampledPool{p}
	return s
}

// server returns the only license server of the world.
func (w *world) server(t testing.TB) usage.Record {
	t.Helper()
	all, err := w.db.Servers(t.Context(), w.agent.Org)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 {
		t.Fatalf("%d license servers, want 1", len(all))
	}
	return all[0]
}

// days returns all days of a license server.
func (w *world) days(t testing.TB, server int64) []series.Day {
	t.Helper()
	var all []series.Day
	for day, err := range storetest.Days(t.Context(), w.db, w.agent.Org, server, 0, 1<<30) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, day)
	}
	return all
}

// history shows all that is kept of a license server's use, with pools by
// name: their numbers depend on the order in which they came.
func (w *world) history(t testing.TB, server int64) string {
	t.Helper()
	pools, err := w.db.Pools(t.Context(), w.agent.Org)
	if err != nil {
		t.Fatal(err)
	}
	names := map[series.PoolID]string{}
	var b bytes.Buffer
	slices.SortFunc(pools, func(p, q usage.Pool) int { return bytes.Compare([]byte(p.Key.String()), []byte(q.Key.String())) })
	for _, p := range pools {
		if p.Server == server {
			names[p.ID] = p.Key.String()
			fmt.Fprintf(&b, "pool %s of %q first at %d\n", p.Key, p.Vendor, p.First)
		}
	}
	rosters, err := w.db.Rosters(t.Context(), w.agent.Org)
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := rosters[server]; ok {
		fmt.Fprintf(&b, "assignments %+v\n", r)
	}
	people, err := w.db.Assignees(t.Context(), w.agent.Org, server)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(people, func(p, q usage.Assignee) int { return strings.Compare(p.Pool.String()+p.Who, q.Pool.String()+q.Who) })
	for _, p := range people {
		p.Vendor = "" // is the pool's
		fmt.Fprintf(&b, "  %+v\n", p)
	}
	sources, err := w.db.Sources(t.Context(), w.agent.Org)
	if err != nil {
		t.Fatal(err)
	}
	if len(sources[server]) > 0 {
		fmt.Fprintf(&b, "sources %+v\n", sources[server])
	}
	for _, day := range w.days(t, server) {
		fmt.Fprintf(&b, "day %d: %v\n", day.Number, day.Rounds)
		var lines []string
		for _, p := range day.Pools {
			lines = append(lines, fmt.Sprintf("  %s: %v %v %v %v\n", names[p.Pool], p.Samples, p.Spans, p.Steps, p.Maxima))
		}
		slices.Sort(lines)
		for _, line := range lines {
			b.WriteString(line)
		}
	}
	return b.String()
}
