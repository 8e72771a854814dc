package store_test

import (
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/retention"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
	"headroom/internal/series"
)

// A keptWorld has a history of some days of two license servers, packed and open.
type keptWorld struct {
	org, agent int64
	db         *store.DB
	usage      *usage.Service
}

const keptDays = 80

// keptAt is when the last day of a keptWorld is over.
var keptAt = start.AddDate(0, 0, keptDays)

// newKept has the days from one on, as they came.
func newKept(t *testing.T, db *store.DB, from int) keptWorld {
	t.Helper()
	w := keptWorld{org: storetest.Found(t, db, "Europe/Berlin"), db: db}
	w.usage = &usage.Service{Store: db, Now: func() time.Time { return keptAt }}
	w.agent = storetest.Admit(t, db, w.org, "agent", start, "a", "b")
	for d := from; d < keptDays; d++ {
		for i, server := range []string{"a", "b"} {
			if i == 1 && d%9 == 0 {
				continue // pools of b rest for days, and one of them for ever
			}
			if got := outcome(t, db, w.batch(server, d)); got != ingest.Stored {
				t.Fatalf("day %d of %s: %v", d, server, got)
			}
		}
	}
	pack(t, db, series.DayOf(keptAt.Unix())-3)
	return w
}

func (w keptWorld) batch(server string, d int) *ingest.Batch {
	b := marked(w.org, w.agent, server, d, perDay*d)
	b.Received = start.AddDate(0, 0, d).Add(time.Hour)
	if server == "b" && d < 40 {
		b.Pools[0].Key.Feature = "was there once"
	}
	return b
}

func (w keptWorld) keep(t *testing.T, days int) {
	t.Helper()
	o, err := w.db.OrganisationByID(t.Context(), w.org)
	if err != nil {
		t.Fatal(err)
	}
	to := o.Settings()
	to.KeepDays = days
	if err := w.db.Change(t.Context(), nil, to, audit.Of(audit.Actor{Org: w.org}, audit.Changed, keptAt, "x")); err != nil {
		t.Fatal(err)
	}
}

// figures are all answers about a world, and all that is kept of it.
func (w keptWorld) figures(t *testing.T) (all []any) {
	t.Helper()
	o, err := w.usage.Overview(t.Context(), w.org)
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, o)
	for _, c := range o.Cards {
		q := usage.Question{Product: c.Product.Key, Step: usage.ByDay}
		d, err := w.usage.Details(t.Context(), w.org, q)
		if err != nil {
			t.Fatal(err)
		}
		denials, err := w.usage.Denials(t.Context(), w.org, q)
		if err != nil {
			t.Fatal(err)
		}
		people, err := w.usage.Activity(t.Context(), w.org, q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d, denials, people)
	}
	for _, server := range []string{"a", "b"} {
		days, pools := told(t, w.db, w.org, server)
		slices.Sort(pools)
		var numbers []int32
		for _, d := range days {
			numbers = append(numbers, d.Number)
		}
		all = append(all, numbers, pools)
	}
	return all
}

// After usage data were removed everything is as if the older days had never come; of
// several processes one does it, once a day (S-03), and says so once. What comes late is
// not taken, until the organisation keeps for ever again.
func TestOldUsageDataAreRemovedAsIfTheyHadNeverBeen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newKept(t, db, 0)
		before := w.figures(t)
		const keep = 30
		cutoff := retention.Cutoff(keptAt, keep)
		w.keep(t, keep)
		at := keptAt
		once := func() {
			t.Helper()
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					s := retention.Service{Store: db, Now: func() time.Time { return at }}
					if err := s.Once(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		once()
		first := int(cutoff - series.DayOf(start.Unix()))
		other := storetest.New(t)
		never := newKept(t, other, first)
		got, want := w.figures(t), never.figures(t)
		// Pools have other numbers.
		same := cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.IgnoreTypes(series.PoolID(0))}
		if len(got) != len(want) || cmp.Equal(before, got, same) {
			t.Fatalf("%d answers, want %d; or nothing is removed", len(got), len(want))
		}
		for i := range got {
			if diff := cmp.Diff(want[i], got[i], same); diff != "" {
				t.Errorf("answer %d, want as if older days had never come:\n%s", i, diff)
			}
		}
		log, err := db.Entries(t.Context(), w.org, audit.Query{Act: audit.Trimmed})
		if err != nil || len(log) != 1 {
			t.Fatalf("%v: entries %+v, want one", err, log)
		}
		t.Logf("S-03: 8 at once, one entry: %s, %s", log[0].Subject, log[0].Detail)
		late := w.batch("a", 3)
		late.Seq, late.Received = 1_000_000, keptAt
		if got := outcome(t, db, late); got != ingest.Discarded {
			t.Errorf("a day of %d days ago: %v, want it thrown away", keptDays-3, got)
		}
		at = at.AddDate(0, 0, 1)
		once()
		once()
		o, err := db.OrganisationByID(t.Context(), w.org)
		if err != nil || !o.Trimmed.Equal(retention.Instant(cutoff+1)) {
			t.Errorf("%v: a day later removed before %v, want %v", err, o.Trimmed, retention.Instant(cutoff+1))
		}
		if log, err = db.Entries(t.Context(), w.org, audit.Query{Act: audit.Trimmed}); err != nil || len(log) != 2 {
			t.Errorf("%v: entries %+v, want one for each day", err, log)
		}
		w.keep(t, 0)
		late.Seq++
		if got := outcome(t, db, late); got != ingest.Stored {
			t.Errorf("kept for ever again: %v, want it stored", got)
		}
	})
}

// Usage data that an organisation has shall not go because another one wants its own to.
func TestOneOrganisationsTimeIsNotAnothers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newKept(t, db, 60)
		before := w.figures(t)
		other := account.Organisation{PublicID: "OTHER", Name: "Other", Zone: "UTC"}
		if err := db.AddOrganisation(t.Context(), other, []byte("x"), account.Invitation{Email: "eve@example.com", Role: account.Admin}, audit.Entry{Act: audit.Invited}); err != nil {
			t.Fatal(err)
		}
		them := keptWorld{org: 2, db: db}
		them.keep(t, 1)
		s := retention.Service{Store: db, Now: func() time.Time { return keptAt }}
		if err := s.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, w.figures(t), cmpopts.EquateNaNs(), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Error(diff)
		}
		if log, err := db.Entries(t.Context(), them.org, audit.Query{Act: audit.Trimmed}); err != nil || len(log) != 0 {
			t.Errorf("%v: nothing was removed and it is told: %+v", err, log)
		}
	})
}
