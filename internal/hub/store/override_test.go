package store_test

import (
	"maps"
	"testing"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/override"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
)

// What one organisation says of the catalog is nothing to another, changes its stamp,
// and is written down once.
func TestAnOrganisationsCatalogIsItsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ours, theirs := storetest.Found(t, db, "UTC"), int64(2)
		err := db.AddOrganisation(t.Context(), account.Organisation{PublicID: "OTHER", Name: "Other", Zone: "UTC"}, []byte("x"),
			account.Invitation{Email: "eve@example.com", Role: account.Admin}, audit.Entry{Act: audit.Invited})
		if err != nil {
			t.Fatal(err)
		}
		s := &override.Service{Store: db, Now: time.Now}
		us, them := audit.Actor{Org: ours, Name: "us"}, audit.Actor{Org: theirs, Name: "them"}
		before, err := db.Stamp(t.Context(), ours)
		if err != nil {
			t.Fatal(err)
		}
		named, into := catalog.Override{Key: "acme.cad", Name: "Drawing", Hidden: true}, catalog.Override{Key: "acme.draw", Into: "acme.cad"}
		for _, o := range []catalog.Override{named, into, into} {
			if err := s.Set(t.Context(), us, o); err != nil {
				t.Fatal(err)
			}
		}
		for want, o := range map[fault.Kind]catalog.Override{
			fault.Conflict: {Key: "acme.cad", Into: "acme.x"}, fault.Invalid: {Key: "acme.cad"},
		} {
			if err := s.Set(t.Context(), us, o); fault.KindOf(err) != want {
				t.Errorf("%+v: %v, want kind %d", o, err, want)
			}
		}
		if err := s.Set(t.Context(), us, catalog.Override{Key: "acme.y", Into: "acme.draw"}); fault.KindOf(err) != fault.Conflict {
			t.Errorf("into what counts as another: %v, want a fault.Conflict", err)
		}
		got, err := db.Overrides(t.Context(), ours)
		if want := (catalog.Overrides{named.Key: named, into.Key: into}); err != nil || !maps.Equal(got, want) {
			t.Errorf("%v %+v, want %+v", err, got, want)
		}
		if got, err := db.Overrides(t.Context(), theirs); err != nil || len(got) != 0 {
			t.Errorf("of another organisation: %v %+v", err, got)
		}
		if err := s.Drop(t.Context(), them, named.Key); fault.KindOf(err) != fault.NotFound {
			t.Errorf("dropped by another organisation: %v, want a fault.NotFound", err)
		}
		after, err := db.Stamp(t.Context(), ours)
		if err != nil || before == after {
			t.Errorf("%v: the stamp is %+v still", err, after)
		}
		if err := s.Drop(t.Context(), us, into.Key); err != nil {
			t.Fatal(err)
		}
		log, err := db.Entries(t.Context(), ours, audit.Query{})
		if err != nil || len(log) != 4 || log[0].Act != audit.CatalogReset || log[2].Detail != "name Drawing, hidden" {
			t.Errorf("%v: entries %+v, want 3 and the founding", err, log)
		}
	})
}
