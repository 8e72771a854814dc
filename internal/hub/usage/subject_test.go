package usage_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/series"
)

// Several hub processes on one store are asked about one product, about another,
// about all of them, in any order, while servers and pools come and go.
func TestProductsMayBeAskedForInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := newEstate(t)
		e.server("server0")
		e.draw(rt, t)
		hubs := []*usage.Service{e.service(), e.service(), e.service()}
		for range rapid.IntRange(1, 5).Draw(rt, "steps") {
			e.change(rt, t)
			for range rapid.IntRange(1, 2).Draw(rt, "questions") {
				hub := hubs[rapid.IntRange(0, len(hubs)-1).Draw(rt, "hub")]
				feature := rapid.SampledFrom([]string{"cad", "sim", "other", "none", ""}).Draw(rt, "asked")
				if feature == "" {
					compareOverview(rt, t, e, hub)
				} else {
					compareWhole(rt, t, e, hub, feature)
				}
			}
		}
	})
}

// change draws what happens between two questions.
func (e *estate) change(t *rapid.T, tb testing.TB) {
	r := &e.servers[rapid.IntRange(0, len(e.servers)-1).Draw(t, "server")]
	switch rapid.SampledFrom([]string{"nothing", "readings", "new server", "removed", "silent", "forgotten"}).Draw(t, "change") {
	case "readings": // of pools that are new, of old ones earlier than before, ...
		e.draw(t, tb)
	case "new server":
		e.server(fmt.Sprint("server", len(e.servers)))
		e.draw(t, tb)
	case "removed":
		r.Removed = now.Add(-time.Hour)
	case "silent":
		r.LastReported = now.AddDate(0, 0, -10)
	case "forgotten":
		if last := len(e.servers); last > 1 {
			e.pools = slices.DeleteFunc(e.pools, func(p usage.Pool) bool { return p.Server == int64(last) })
			e.servers = e.servers[:last-1]
			delete(e.blocks, int64(last))
		}
	}
}

// compareWhole compares the whole history of a product with that of a service that
// is asked for the first time, and with the pieces.
func compareWhole(rt *rapid.T, tb testing.TB, e *estate, s *usage.Service, feature string) {
	q := usage.Question{Product: "acme." + feature}
	got, err := s.Details(tb.Context(), 1, q)
	lines := e.lines(tb, feature)
	if len(lines) == 0 {
		if fault.KindOf(err) != fault.NotFound {
			rt.Fatalf("details of %s: %v, want not found", feature, err)
		}
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	all := insight.Span{From: now.AddDate(-1, 0, 0).Unix(), To: now.Unix()}
	if diff := cmp.Diff(insight.PeakOf(lines, all), got.Peaks.All); diff != "" {
		rt.Fatalf("peak of %s (-want +got):\n%s", feature, diff)
	}
	want, err := e.service().Details(tb.Context(), 1, q)
	if err != nil {
		rt.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmp.Comparer(sameZone)); diff != "" {
		rt.Fatalf("details of %s (-want +got):\n%s", feature, diff)
	}
}

func compareOverview(rt *rapid.T, tb testing.TB, e *estate, s *usage.Service) {
	got, err := s.Overview(tb.Context(), 1)
	if err != nil {
		rt.Fatal(err)
	}
	want, err := e.service().Overview(tb.Context(), 1)
	if err != nil {
		rt.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmp.Comparer(sameZone)); diff != "" {
		rt.Fatalf("overview (-want +got):\n%s", diff)
	}
}

func sameZone(a, b *time.Location) bool { return a.String() == b.String() }

// A counting store counts the heads that are read.
type counting struct {
	*estate
	heads int
}

func (s *counting) Snapshot(_ context.Context, f func(usage.Store) error) error { return f(s) }

func (s *counting) Heads(ctx context.Context, org int64, from, to int32, since usage.Mark) iter.Seq2[usage.Head, error] {
	return func(yield func(usage.Head, error) bool) {
		for h, err := range s.estate.Heads(ctx, org, from, to, since) {
			if s.heads++; !yield(h, err) {
				return
			}
		}
	}
}

func TestHistoryIsReadOncePerProduct(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	for day := range 50 {
		e.reading(t, r, now.AddDate(0, 0, -day).Add(-time.Hour), map[string]series.Sample{"cad": counted(3, 10), "sim": counted(4, 10)})
	}
	s := &counting{estate: e}
	u := &usage.Service{Store: s, Now: func() time.Time { return now }}
	ask := func(feature string) (heads int, blocks int64) {
		t.Helper()
		s.heads = 0
		e.read.Store(0)
		if _, err := u.Week(t.Context(), 1, usage.Question{Product: "acme." + feature}); err != nil {
			t.Fatal(err)
		}
		return s.heads, e.read.Load()
	}
	if heads, _ := ask("cad"); heads != 50 {
		t.Errorf("%d heads read for the first product, want 50", heads)
	}
	if heads, blocks := ask("sim"); heads != 50 || blocks > 3 {
		t.Errorf("%d heads and %d blocks read for the second product, want 50 and a few: the blocks are there", heads, blocks)
	}
	for _, feature := range []string{"cad", "sim"} {
		if heads, blocks := ask(feature); heads+int(blocks) > 0 {
			t.Errorf("%d heads and %d blocks read for %s again, want none", heads, blocks, feature)
		}
	}
	e.reading(t, r, now.Add(-time.Minute), map[string]series.Sample{"cad": counted(3, 10), "new": counted(1, 10)})
	if heads, _ := ask("new"); heads > 5 {
		t.Errorf("%d heads read for a pool that is new today, want a few", heads)
	}
}

// The day on which a pool begins is not an ordinary one, although it is one for
// the pool beside it: of the block more is needed than the first product did.
func TestSecondProductHasAllOfItsBlocks(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	at := now.AddDate(0, 0, -20)
	e.reading(t, r, at, map[string]series.Sample{"cad": counted(3, 10)})
	for day := range 10 {
		e.reading(t, r, at.AddDate(0, 0, day+1), map[string]series.Sample{"cad": counted(3, 10), "sim": counted(int64(9-day), 10)})
	}
	e.reading(t, r, now.Add(-time.Hour), map[string]series.Sample{"cad": counted(3, 10), "sim": counted(1, 10)})
	s := e.service()
	for _, feature := range []string{"cad", "sim"} {
		q := usage.Question{Product: "acme." + feature}
		got, err := s.Week(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		want, err := e.service().Week(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Heat, got.Heat, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s by hour (-want +got):\n%s", feature, diff)
		}
	}
}
