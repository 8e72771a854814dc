package usage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

// heldEstate has four license servers with licenses of cad: two that tell who
// holds them, one that does not, and one that is silent.
func heldEstate(t *testing.T) *estate {
	e := newEstate(t)
	for _, name := range []string{"athens", "berlin", "cairo", "dublin"} {
		e.reading(t, e.server(name), now.Add(-time.Hour), map[string]series.Sample{"cad": counted(3, 10), "view": counted(1, 10)})
	}
	pool := func(server int64, feature string) series.PoolID { return e.pool(server, feature, now.Unix()) }
	e.servers[0].HoldersAt, e.servers[1].HoldersAt, e.servers[3].HoldersAt = now.Add(-time.Minute), now.Add(-time.Hour), now.Add(-time.Hour)
	e.servers[3].LastReported = now.AddDate(0, 0, -10)
	e.holders = []usage.Holder{
		{Server: 1, Pool: pool(1, "cad"), User: "zoe", Host: "w1", Licenses: 1, Since: now.Add(-time.Hour), Kind: license.HolderActive},
		{Server: 1, Pool: pool(1, "cad"), User: "GROUP A", Licenses: 2, Kind: license.HolderReserved},
		{Server: 1, Pool: pool(1, "cad"), User: "Anna", Host: "w2", Licenses: 3, Kind: license.HolderActive},
		{Server: 1, Pool: pool(1, "view"), User: "eve", Host: "w9", Licenses: 1, Kind: license.HolderActive},
		{Server: 2, Pool: pool(2, "cad"), User: "anna", Host: "laptop", Licenses: 1, Since: now.AddDate(0, 0, -3), Kind: license.HolderBorrowed},
		{Server: 2, Pool: pool(2, "cad"), User: "bob", Host: "w3", Licenses: 1, Since: now.AddDate(0, 0, -1), Kind: license.HolderActive},
		{Server: 2, Pool: pool(2, "cad"), User: "cy", Host: "w4", Licenses: 4, Kind: license.HolderQueued},
		{Server: 4, Pool: pool(4, "cad"), User: "dan", Host: "w5", Licenses: 1, Kind: license.HolderActive},
	}
	return e
}

func TestCheckoutsAreTheNewestListsOfReportingServers(t *testing.T) {
	e := heldEstate(t)
	got, err := e.service().Checkouts(t.Context(), 1, usage.Question{Product: "acme.cad"})
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, r := range got.Rows {
		rows = append(rows, string(r.Kind)+" "+r.User+" of "+r.On.Name+" "+r.Name.String())
	}
	want := []string{
		"active bob of berlin cad", "active zoe of athens cad", "active Anna of athens cad", "borrowed anna of berlin cad",
		"reserved GROUP A of athens cad", "queued cy of berlin cad",
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	got.Rows = nil
	rest := usage.Checkouts{
		Held: map[license.HolderKind]int64{
			license.HolderActive: 5, license.HolderBorrowed: 1, license.HolderReserved: 2, license.HolderQueued: 4,
		},
		Users: 3, Oldest: now.Add(-time.Hour), Told: 2, Untold: []string{"cairo"},
	}
	if diff := cmp.Diff(rest, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestCheckoutsAreOfTheChosenServers(t *testing.T) {
	e := heldEstate(t)
	got, err := e.service().Checkouts(t.Context(), 1, usage.Question{Product: "acme.cad", Servers: []string{"guid-berlin", "guid-dublin"}})
	if err != nil || len(got.Rows) != 3 || got.Told != 1 || got.Untold != nil {
		t.Errorf("%+v, %v, want the three of berlin", got, err)
	}
	if _, err := e.service().Checkouts(t.Context(), 1, usage.Question{Product: "acme.none"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a product that does not exist: %v, want a fault.NotFound", err)
	}
}

// What a page says of a product is what the single answers say.
func TestDossierIsItsParts(t *testing.T) {
	e := heldEstate(t)
	s := e.service()
	q := usage.Question{Product: "acme.cad", From: now.AddDate(0, 0, -5), To: now, Servers: []string{"guid-athens", "guid-berlin"}}
	got, err := s.Dossier(t.Context(), 1, q)
	if err != nil {
		t.Fatal(err)
	}
	var want usage.Dossier
	for _, ask := range []func() error{
		func() (err error) { want.Details, err = s.Details(t.Context(), 1, q); return err },
		func() (err error) { want.Activity, err = s.Activity(t.Context(), 1, q); return err },
		func() (err error) { want.Denials, err = s.Denials(t.Context(), 1, q); return err },
		func() (err error) { want.Checkouts, err = s.Checkouts(t.Context(), 1, q); return err },
	} {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	if want.Checkouts.Users == 0 || !want.Peak.Known {
		t.Fatalf("the parts are empty: %+v", want)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("(-parts +dossier):\n%s", diff)
	}
	q.Product = "nothing"
	if _, err := s.Dossier(t.Context(), 1, q); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a product that does not exist: %v", err)
	}
}
