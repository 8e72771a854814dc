package usage_test

import (
	"testing"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

// entitledEstate has three Citrix License Servers that report one entitlement of
// the License Activation Service, of 100 licenses, and have 60, 30 and 20 of them
// in use; the third did not report lately. athens has a pool of its own too.
func entitledEstate(t *testing.T) *estate {
	e := newEstate(t)
	for name, use := range map[string]int64{"athens": 60, "berlin": 30, "cairo": 20} {
		r := e.server(name)
		r.Manager = "citrix"
		for day := range 3 {
			values := map[string]series.Sample{"cad": counted(use, 100)}
			if name == "athens" {
				values["other"] = counted(1, 10)
			}
			e.reading(t, r, now.Add(-time.Duration(24*(3-day))*time.Hour+time.Hour), values)
		}
	}
	for i := range e.pools {
		if p := &e.pools[i]; p.Key.Feature == "cad" {
			p.Key.Variant = "LAS 2027.0101"
		}
	}
	for i := range e.servers {
		if e.servers[i].Name == "cairo" {
			e.servers[i].LastReported = now.AddDate(0, 0, -10)
		}
	}
	return e
}

func TestEntitlementOfSeveralServersCountsOnce(t *testing.T) {
	e := entitledEstate(t)
	s := e.service()
	q := usage.Question{Product: "acme.cad", From: now.AddDate(0, 0, -4), To: now}
	all, err := s.Details(t.Context(), 1, q)
	if err != nil {
		t.Fatal(err)
	}
	if n := all.Now; n.Installed != license.Of(100) || n.InUse != license.Of(90) || n.Echoes != 1 || n.Over.N != 0 {
		t.Errorf("now %+v, want 90 of 100 in use, and one pool that only reports them", n)
	}
	if p := all.Peak; p.Value != 110 || p.Installed != license.Of(100) {
		t.Errorf("peak %+v, want 110 of 100 installed", p)
	}
	for _, b := range all.Trend {
		if b.Installed.Known && b.Installed.N != 100 {
			t.Errorf("installed %v in a bucket from %v", b.Installed, time.Unix(b.From, 0))
		}
	}
	told := map[string]string{}
	for _, u := range all.Servers {
		told[u.Server.Name] = u.With
		if u.Now.Installed != license.Of(100) || u.Peak.Installed != license.Of(100) {
			t.Errorf("%s alone: %+v, peak %+v; want the 100 that it reports", u.Server.Name, u.Now, u.Peak)
		}
	}
	if told["athens"] == "" == (told["berlin"] == "") || told["cairo"] == "" {
		t.Errorf("counted with %v: want one of the two that report to count, and the silent one not", told)
	}
	overview, err := s.Overview(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range overview.Cards {
		if c.Product.Key == "acme.cad" && (c.Now.Installed != license.Of(100) || c.Peaks.All.Installed != license.Of(100)) {
			t.Errorf("card %+v", c)
		}
	}
}

// Whoever asks about some of the servers is told of the licenses that these
// report.
func TestEntitlementCountsAmongTheChosenServers(t *testing.T) {
	e := entitledEstate(t)
	s := e.service()
	for _, servers := range [][]string{{"guid-athens"}, {"guid-berlin"}, {"guid-athens", "guid-berlin"}} {
		q := usage.Question{Product: "acme.cad", From: now.AddDate(0, 0, -4), To: now, Servers: servers}
		d, err := s.Details(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		if d.Now.Installed != license.Of(100) || d.Peak.Installed != license.Of(100) || d.Now.Echoes != len(servers)-1 {
			t.Errorf("of %v: now %+v, peak %+v", servers, d.Now, d.Peak)
		}
	}
}

// Once a report says more, it counts; and pools without an entitlement are
// licenses of their server.
func TestEntitlementFollowsTheLargestReport(t *testing.T) {
	e := entitledEstate(t)
	s := e.service()
	if _, err := s.Overview(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	berlin := &e.servers[0]
	for i := range e.servers {
		if e.servers[i].Name == "berlin" {
			berlin = &e.servers[i]
		}
	}
	e.reading(t, berlin, now.Add(-time.Minute), map[string]series.Sample{"cad": counted(30, 150)})
	for i := range e.pools {
		if p := &e.pools[i]; p.Key.Feature == "cad" {
			p.Key.Variant = "LAS 2027.0101"
		}
	}
	d, err := s.Details(t.Context(), 1, usage.Question{Product: "acme.cad", From: now.Add(-time.Hour), To: now})
	if err != nil {
		t.Fatal(err)
	}
	if d.Now.Installed != license.Of(150) || d.Now.InUse != license.Of(90) {
		t.Errorf("now %+v, want 90 of 150", d.Now)
	}
	for i := range e.pools {
		e.pools[i].Key.Variant = ""
	}
	d, err = e.service().Details(t.Context(), 1, usage.Question{Product: "acme.cad", From: now.Add(-time.Hour), To: now})
	if err != nil {
		t.Fatal(err)
	}
	if d.Now.Installed != license.Of(250) || d.Now.Echoes != 0 {
		t.Errorf("without an entitlement %+v, want 250 installed", d.Now)
	}
}

// At a migration to the License Activation Service a license server has other
// products from one day to the next: that is told as a change.
func TestMigrationIsAChange(t *testing.T) {
	e := newEstate(t)
	athens, berlin := e.server("athens"), e.server("berlin")
	for day := range 6 {
		at := now.Add(-time.Duration(24*(6-day))*time.Hour + time.Hour)
		before, since := map[string]series.Sample{"MPS_ENT_CCU": counted(5, 10)}, map[string]series.Sample{"XDT_PLT_CCU": counted(5, 10)}
		if day < 3 {
			e.reading(t, athens, at, before)
		} else {
			e.reading(t, athens, at, since)
		}
		e.reading(t, berlin, at, before)
	}
	for i := range e.pools {
		p := &e.pools[i]
		p.Vendor = "CITRIX"
		if p.Key.Feature == "XDT_PLT_CCU" {
			p.Key.Variant = "LAS"
		}
	}
	s := e.service()
	o, err := s.Overview(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Cards) != 2 {
		t.Fatalf("%d products, want two", len(o.Cards))
	}
	for _, c := range o.Cards {
		d, err := s.Details(t.Context(), 1, usage.Question{Product: c.Product.Key})
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Changes) != 1 {
			t.Fatalf("%s: changes %+v, want one", c.Product.Name, d.Changes)
		}
		got := d.Changes[0]
		if at := now.Add(-72*time.Hour + time.Hour); !got.At.Equal(at) || got.Server != "athens" || len(got.Before) != 1 || len(got.After) != 1 || got.Before[0] == got.After[0] {
			t.Errorf("%s: change %+v, want one of athens at %v", c.Product.Name, got, at)
		}
		if d, err = s.Details(t.Context(), 1, usage.Question{Product: c.Product.Key, Servers: []string{"guid-berlin"}}); err != nil || len(d.Changes) != 0 {
			t.Errorf("%s on berlin: %+v, %v; want no change", c.Product.Name, d.Changes, err)
		}
	}
}
