package usage_test

import (
	"testing"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

// say changes what the organisation says of the catalog.
func (e *estate) say(all ...catalog.Override) {
	e.said = catalog.Overrides{}
	for _, o := range all {
		e.said[o.Key] = o
	}
	e.catalog++
}

// What an organisation says of the catalog counts for every figure at once, also for
// those of the past, and is taken back as quickly.
func TestFiguresFollowTheCatalogAtOnce(t *testing.T) {
	e := newEstate(t)
	athens := e.server("athens")
	for day := range 40 {
		e.reading(t, athens, now.Add(-time.Hour).AddDate(0, 0, -day), map[string]series.Sample{"cad": {InUse: license.Of(3)}, "draw": {InUse: license.Of(4)}, "sim": {InUse: license.Of(1)}})
	}
	s := e.service()
	wants := func(when string, want map[string]int64, hidden int) {
		t.Helper()
		o, err := s.Overview(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, c := range o.Cards {
			got[c.Product.Key] = c.Peaks.All.Value
			d, err := s.Details(t.Context(), 1, usage.Question{Product: c.Product.Key, Step: usage.ByMonth})
			if err != nil || d.Peak.Value != c.Peaks.All.Value || d.Trend[0].Peak.Value != c.Peaks.All.Value || d.Now.InUse.N != c.Peaks.All.Value {
				t.Errorf("%s: the page of %s: %v, peak %d, first month %d, now %v; want %d everywhere", when, c.Product.Key, err, d.Peak.Value, d.Trend[0].Peak.Value, d.Now.InUse, c.Peaks.All.Value)
			}
		}
		for key, n := range want {
			if got[key] != n {
				t.Errorf("%s: peaks %v, want %v", when, got, want)
			}
		}
		if len(got) != len(want) || len(o.Hidden) != hidden {
			t.Errorf("%s: %v and %d hidden, want %v and %d", when, got, len(o.Hidden), want, hidden)
		}
	}
	wants("by the catalog", map[string]int64{"acme.cad": 3, "acme.draw": 4, "acme.sim": 1}, 0)
	e.say(catalog.Override{Key: "acme.draw", Into: "acme.cad"})
	wants("counted as another", map[string]int64{"acme.cad": 7, "acme.sim": 1}, 0)
	if _, err := s.Details(t.Context(), 1, usage.Question{Product: "acme.draw"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("the page of what counts as another: %v, want a fault.NotFound", err)
	}
	e.say(catalog.Override{Key: "acme.draw", Into: "acme.cad"}, catalog.Override{Key: "acme.cad", Name: "Drawing", Model: catalog.NamedUser}, catalog.Override{Key: "acme.sim", Hidden: true})
	wants("hidden", map[string]int64{"acme.cad": 7}, 1)
	d, err := s.Details(t.Context(), 1, usage.Question{Product: "acme.sim"})
	if err != nil || !d.Product.Hidden || d.Peak.Value != 1 {
		t.Errorf("the page of a hidden product: %v %+v", err, d.Product)
	}
	if d, err = s.Details(t.Context(), 1, usage.Question{Product: "acme.cad"}); err != nil || d.Product.Name != "Drawing" || d.Product.Model != catalog.NamedUser {
		t.Errorf("the page of a renamed product: %v %+v", err, d.Product)
	}
	rows, err := s.Catalog(t.Context(), 1)
	if err != nil || len(rows) != 3 || rows[1].Known.Key != "acme.draw" || rows[1].Counts.Name != "Drawing" || rows[2].Said.Key != "acme.sim" || rows[0].Servers != 1 {
		t.Errorf("catalog: %v %+v", err, rows)
	}
	e.say(catalog.Override{Key: "acme.cad", Into: "acme.gone"}, catalog.Override{Key: "lost.one", Hidden: true})
	wants("counted as what is nowhere", map[string]int64{"acme.gone": 3, "acme.draw": 4, "acme.sim": 1}, 0)
	if rows, err = s.Catalog(t.Context(), 1); err != nil || len(rows) != 4 || rows[2].Known.Key != "lost.one" || rows[2].Servers != 0 {
		t.Errorf("catalog: %v %+v", err, rows)
	}
	e.say()
	wants("taken back", map[string]int64{"acme.cad": 3, "acme.draw": 4, "acme.sim": 1}, 0)
}
