package store_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/license"
	"headroom/internal/series"
)

const markers = 1600 // of which some thousand last: of holders and sources the newest list is kept

// marked is a batch of a UTC day that has everything that a batch can have, with
// words of its server in it: markers n to n+perDay-1.
func marked(org, agent int64, server string, day, n int) *ingest.Batch {
	b := onDay(org, agent, server, day, 1)
	at := b.Reading
	word := func() string {
		n++
		return fmt.Sprintf("marker-%s-%06d-", server, n-1)
	}
	pool := word()
	b.Pools[0].Key.Feature = "feature" + fmt.Sprint(day%3) + pool[:len("marker-")+len(server)]
	b.Failed = ingest.Failure{At: at - 60, Reason: word()}
	for range 4 {
		b.Denials = append(b.Denials, ingest.Denial{At: at, User: word(), Host: word(), Reason: word(), Count: 1, Last: at})
	}
	b.Gaps = []ingest.Gap{{From: at - 900, To: at - 600, Reason: word()}}
	b.Holders = &ingest.Holders{At: at, List: []ingest.Holder{{User: word(), Host: word(), Display: word(), Licenses: 1, Kind: license.HolderActive}}}
	b.Assignments = []ingest.Assignments{{At: at, Complete: true, Assigned: []ingest.Assignee{{Kind: license.AssignedUser, Name: word()}}}}
	b.Sources = &ingest.Sources{At: at, List: []ingest.Source{{Name: word(), At: at, Remark: word()}}}
	return b
}

const perDay = 21 // markers of a marked batch

// erasedAt is after all that fillMarked tells.
var erasedAt = start.Add(90 * 24 * time.Hour)

// An erased world has two license servers with a history that is packed and open,
// and the data of one of them deleted.
type erasedWorld struct {
	org, agent int64
	by         audit.Actor
}

func fillMarked(t *testing.T, db *store.DB) erasedWorld {
	t.Helper()
	w := erasedWorld{org: storetest.Found(t, db, "UTC")}
	w.agent = storetest.Admit(t, db, w.org, "agent", start, "gone", "stays")
	w.by = audit.Actor{Org: w.org, Member: 1, Name: "ada@example.com"}
	for i, server := range []string{"gone", "stays"} {
		for d := range markers/perDay + 1 {
			b := marked(w.org, w.agent, server, d, 100_000*i+perDay*d)
			if got := outcome(t, db, b); got != ingest.Stored {
				t.Fatalf("day %d of %s: %v", d, server, got)
			}
		}
	}
	pack(t, db, today+70)
	return w
}

func outcome(t *testing.T, db *store.DB, b *ingest.Batch) ingest.Outcome {
	t.Helper()
	got, err := db.PutBatch(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (w erasedWorld) erase(t *testing.T, db *store.DB, guid string, at time.Time) error {
	t.Helper()
	return db.Erase(t.Context(), guid, audit.Of(w.by, audit.Erased, at, ""))
}

// told is all that a store tells of a server, by the names of its pools.
func told(t *testing.T, db *store.DB, org int64, guid string) (days []series.Day, pools []string) {
	t.Helper()
	servers, err := db.Servers(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range servers {
		if r.GUID != guid {
			continue
		}
		for day, err := range storetest.Days(t.Context(), db, org, r.ID, math.MinInt32, math.MaxInt32) {
			if err != nil {
				t.Fatal(err)
			}
			days = append(days, day)
		}
		all, err := db.Pools(t.Context(), org)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			if p.Server == r.ID {
				pools = append(pools, p.Key.Feature)
			}
		}
		people, err := db.Assignees(t.Context(), org, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range people {
			pools = append(pools, a.Name)
		}
	}
	return days, pools
}

// What is deleted cannot be seen from the moment on, before it is taken away and
// after; what another license server has stays as it was. It is collected anew.
func TestErasedDataAreGoneAndNothingElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := fillMarked(t, db)
		days, pools := told(t, db, w.org, "stays")
		if err := w.erase(t, db, "nobody", erasedAt); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a server that there is not: %v, want a fault.NotFound", err)
		}
		if err := w.erase(t, db, "gone", erasedAt); err != nil {
			t.Fatal(err)
		}
		check := func(when string) {
			t.Helper()
			if d, p := told(t, db, w.org, "gone"); len(d)+len(p) > 0 {
				t.Errorf("%s: %d days and %v of what was deleted", when, len(d), p)
			}
			if d, p := told(t, db, w.org, "stays"); !slices.EqualFunc(d, days, func(a, b series.Day) bool { return bytes.Equal(series.Encode(a), series.Encode(b)) }) || !slices.Equal(p, pools) {
				t.Errorf("%s: of the other license server %d days and %d names, want %d and %d", when, len(d), len(p), len(days), len(pools))
			}
			for d, err := range db.Denials(t.Context(), w.org, 0, math.MaxInt32) {
				if err != nil {
					t.Fatal(err)
				}
				if when == "after the purge" && !strings.Contains(d.User, "stays") {
					t.Errorf("%s: a denial of %s", when, d.User)
				}
			}
		}
		check("at once")
		if since, err := db.Erasing(t.Context()); err != nil || !since.Equal(erasedAt) {
			t.Errorf("erasing since %v, %v, want %v", since, err, erasedAt)
		}
		for range 2 { // again after it was done, as another process may
			if err := db.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		check("after the purge")
		if since, err := db.Erasing(t.Context()); err != nil || !since.IsZero() {
			t.Errorf("after the purge: erasing since %v, %v", since, err)
		}
		for _, table := range []string{"block", "denial", "assignment", "imported", "gap", "holder", "source", "roster", "pool"} {
			if left := orphans(t, db, table); left > 0 {
				t.Errorf("%s: %d rows of a license server that there is not", table, left)
			}
		}

		next := marked(w.org, w.agent, "gone", 91, 500_000)
		if got := outcome(t, db, next); got != ingest.Stored {
			t.Fatalf("what came after the deletion: %v", got)
		}
		if d, _ := told(t, db, w.org, "gone"); len(d) != 1 || d[0].Number != today+91 {
			t.Errorf("collected anew: %d days", len(d))
		}
	})
}

// R-07, in small: a purge that ends anywhere goes on where it was.
func TestAPurgeThatIsCutOffGoesOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := fillMarked(t, db)
		days, pools := told(t, db, w.org, "stays")
		if err := w.erase(t, db, "gone", erasedAt); err != nil {
			t.Fatal(err)
		}
		cut := 0
		for wait := 100 * time.Microsecond; ; wait += wait / 4 {
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			err := db.Purge(ctx)
			cancel()
			if err == nil {
				break
			}
			if cut++; ctx.Err() == nil {
				t.Fatal(err)
			}
			since, err := db.Erasing(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if since.IsZero() { // cut off behind its last commit
				break
			}
		}
		if d, p := told(t, db, w.org, "stays"); len(d) != len(days) || !slices.Equal(p, pools) {
			t.Errorf("of the other license server %d days and %d names, want %d and %d", len(d), len(p), len(days), len(pools))
		}
		for _, table := range []string{"block", "denial", "assignment", "imported"} {
			if left := orphans(t, db, table); left > 0 {
				t.Errorf("%s: %d rows are left", table, left)
			}
		}
		t.Logf("cut off %d times", cut)
	})
}

func orphans(t *testing.T, db *store.DB, table string) (n int) {
	t.Helper()
	if err := db.Count(t.Context(), `SELECT COUNT(*) FROM `+table+` x WHERE NOT EXISTS
		(SELECT 1 FROM license_server s WHERE s.org_id = x.org_id AND s.server_id = x.server_id)`, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// after the purge none of the words of what was deleted is in the files of
// the database.
func TestErasedWordsAreInNoFile(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := storetest.Open(t, dsn)
	w := fillMarked(t, db)
	if n := found(t, dsn, "marker-gone-"); n < 1000 {
		t.Fatalf("%d words are found while they are there: this test does not see them", n)
	}
	before := found(t, dsn, "marker-stays-")
	if err := w.erase(t, db, "gone", erasedAt); err != nil {
		t.Fatal(err)
	}
	if err := db.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, stays := found(t, dsn, "marker-gone-"), found(t, dsn, "marker-stays-")
	t.Logf("R-01: %d words of the deleted license server in the files, %d of the other (%d before)", left, stays, before)
	if left != 0 || stays < 1000 {
		t.Errorf("%d words of what was deleted are left, %d of the other license server", left, stays)
	}
}

// found counts the different words with a beginning in the files of a database.
func found(t *testing.T, dsn, begin string) int {
	t.Helper()
	files, err := filepath.Glob(dsn + "*")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; {
			n := bytes.Index(content[i:], []byte(begin))
			if n < 0 {
				break
			}
			i += n + len(begin)
			words[string(content[i:min(i+6, len(content))])] = true
		}
	}
	return len(slices.Collect(maps.Keys(words)))
}

// what an agent still had of the time before the deletion is taken and
// thrown away; of a batch that reaches over it, what is behind it is kept.
func TestBacklogFromBeforeTheDeletionIsThrownAway(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := fillMarked(t, db)
		at := erasedAt
		if err := w.erase(t, db, "gone", at); err != nil {
			t.Fatal(err)
		}
		backlog := 0
		for d := range 10 {
			b := marked(w.org, w.agent, "gone", 75+d, 600_000+perDay*d)
			b.Seq += 5 // a reading that the hub does not have
			if got := outcome(t, db, b); got != ingest.Discarded {
				t.Errorf("day %d before the deletion: %v, want it discarded", d, got)
			}
			if got := outcome(t, db, b); got != ingest.Known {
				t.Errorf("day %d again: %v, want it known", d, got)
			}
			backlog++
		}
		if d, p := told(t, db, w.org, "gone"); len(d)+len(p) > 0 {
			t.Fatalf("%d days and %v came back", len(d), p)
		}

		over := one(w.org, w.agent, "gone", 1440*90)
		over.Epoch, over.Reading = "gone", at.Unix()+900
		over.Pools = append(over.Pools, ingest.Pool{Key: license.Pool{Feature: "old"}, First: at.Unix() - 900})
		over.Pools[0].First = at.Unix() - 900
		over.Days = nil
		var build series.Builder
		for _, t := range []int64{at.Unix() - 900, at.Unix(), at.Unix() + 900} {
			values := []series.PoolSample{{Pool: 0, Sample: series.Sample{At: t, InUse: license.Of(t % 100), Installed: license.Of(100)}}}
			if t < at.Unix() {
				values = append(values, series.PoolSample{Pool: 1, Sample: series.Sample{At: t, InUse: license.Of(1), Installed: license.Of(1)}})
			}
			build.AddRound(series.Round{At: t, Hold: 1800, Complete: true}, values)
		}
		over.Days = build.Days()
		over.Denials = []ingest.Denial{{Pool: 1, At: at.Unix() - 1, User: "old"}, {Pool: 0, At: at.Unix(), User: "new"}}
		if got := outcome(t, db, over); got != ingest.Stored {
			t.Fatalf("a batch that reaches over the deletion: %v", got)
		}
		d, p := told(t, db, w.org, "gone")
		if len(d) != 1 || len(d[0].Rounds) != 2 || d[0].Rounds[0].At != at.Unix() || !slices.Equal(p, []string{over.Pools[0].Key.Feature}) {
			t.Errorf("of a batch that reaches over the deletion: %+v, pools %v", d, p)
		}
		t.Logf("R-05: %d batches of the backlog discarded, 0 days of it visible", backlog)
	})
}
