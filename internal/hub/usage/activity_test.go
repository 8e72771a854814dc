package usage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

// ago is a time before now, in days; 0 is never.
func ago(days int) time.Time {
	if days == 0 {
		return time.Time{}
	}
	return now.AddDate(0, 0, -days)
}

// assignee is a user of a pool: first seen, last seen in use, and free again so
// many days ago.
func assignee(variant, name string, seen, last, ended int) usage.Assignee {
	return usage.Assignee{
		Pool: license.Pool{Feature: "XDT_PLT_UD", Variant: variant}, Vendor: "CITRIX", Kind: license.AssignedUser,
		Who: license.FoldName(name), Name: name, Seen: ago(seen), Last: ago(last), Ended: ago(ended),
	}
}

// citrixEstate has two license servers with user/device licenses.
func citrixEstate(t *testing.T) *estate {
	e := newEstate(t)
	for _, name := range []string{"athens", "berlin"} {
		r := e.server(name)
		e.reading(t, r, now.Add(-time.Hour), map[string]series.Sample{"XDT_PLT_UD": counted(3, 10), "XDT_ENT_UD": counted(1, 10)})
	}
	for i := range e.pools {
		e.pools[i].Vendor = "CITRIX"
	}
	other := assignee("a", "other", 1, 1, 0)
	other.Pool.Feature = "XDT_ENT_UD"
	kiosk := assignee("a", "KIOSK", 8, 8, 0)
	kiosk.Kind = license.AssignedDevice
	e.rosters = map[int64]usage.Roster{
		1: {At: ago(1), Lease: 90 * 24 * time.Hour, LastIs: license.LastRequest}, 2: {At: ago(2), Lease: 24 * time.Hour},
	}
	e.people = map[int64][]usage.Assignee{
		1: {assignee("a", `CORP\Anna`, 30, 2, 0), assignee("b", `CORP\anna`, 40, 1, 5), assignee("a", `CORP\bob`, 30, 9, 3), other, kiosk},
		2: {assignee("a", "anna", 7, 0, 0), assignee("a", "cy", 7, 0, 0)},
	}
	return e
}

func activity(t *testing.T, e *estate, servers ...string) usage.Activity {
	t.Helper()
	a, err := e.service().Activity(t.Context(), 1, usage.Question{Product: "citrix.XDT_PLT_UD", Servers: servers})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestActivityIsWhoHasLicensesOfAProduct(t *testing.T) {
	a := activity(t, citrixEstate(t))
	var got []string
	for _, r := range a.Rows {
		got = append(got, fmt.Sprintf("%s %s %s seen %s last %s ended %s lease %v", r.Name, r.Kind, r.Server.Name,
			r.Seen.Format(time.DateOnly), r.Last.Format(time.DateOnly), r.Ended.Format(time.DateOnly), r.Lease))
	}
	want := []string{
		"anna user berlin seen 2026-06-08 last 0001-01-01 ended 0001-01-01 lease 24h0m0s",
		// Two pools of one product: earliest, latest, and still theirs in one.
		`CORP\Anna user athens seen 2026-05-06 last 2026-06-14 ended 0001-01-01 lease 2160h0m0s`,
		"cy user berlin seen 2026-06-08 last 0001-01-01 ended 0001-01-01 lease 24h0m0s",
		"KIOSK device athens seen 2026-06-07 last 2026-06-07 ended 0001-01-01 lease 2160h0m0s",
		`CORP\bob user athens seen 2026-05-16 last 2026-06-06 ended 2026-06-12 lease 2160h0m0s`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	if a.Users != 3 || a.Devices != 1 || len(a.Lists) != 2 || !a.Lists[1].At.Equal(ago(2)) {
		t.Errorf("%d users, %d devices, lists %+v", a.Users, a.Devices, a.Lists)
	}
	if a := activity(t, citrixEstate(t), "guid-berlin"); len(a.Rows) != 2 || len(a.Lists) != 1 {
		t.Errorf("of one server: %d rows of %d lists, want 2 of 1", len(a.Rows), len(a.Lists))
	}
	if _, err := citrixEstate(t).service().Activity(t.Context(), 1, usage.Question{Product: "citrix.NONE"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a product that does not exist: %v", err)
	}
}

// One name on two license servers may be two people where domains are cut off,
// and a name with a domain may be one that stands without.
func TestPeopleAreARangeWhereNamesHaveNoDomains(t *testing.T) {
	e := citrixEstate(t)
	if got := activity(t, e).People; got != (usage.Between{Low: 3, High: 3}) {
		t.Errorf("people %+v, want 3", got)
	}
	r := e.rosters[2]
	r.Truncated = true
	e.rosters[2] = r
	if got := activity(t, e).People; got != (usage.Between{Low: 2, High: 3}) {
		t.Errorf("people %+v, want 2 to 3", got)
	}
	if got := activity(t, e, "guid-berlin").People; got != (usage.Between{Low: 2, High: 2}) {
		t.Errorf("people of one license server %+v, want 2: it counts them so itself", got)
	}
}

func TestSharedLicensesAreInstalledOnce(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	at := now.Add(-time.Hour)
	e.reading(t, r, at, map[string]series.Sample{
		"XDT_PLT_CCS": counted(60, 110),
		"XDS_PLT_CCS": {State: license.StateCounted, InUse: license.Of(4)},
	})
	for i := range e.pools {
		p := &e.pools[i]
		p.Vendor = "CITRIX"
		if p.Key.Feature == "XDS_PLT_CCS" {
			p.SharedWith, p.SharedAt = "XDT_PLT_CCS", at.Unix()
		}
	}
	legacy, current := catalog.Of("CITRIX", "XDS_PLT_CCS").Name, catalog.Of("CITRIX", "XDT_PLT_CCS").Name
	o := overview(t, e.service())
	c := card(t, o, legacy)
	if c.Now.InUse != license.Of(4) || c.Now.Installed.Known || c.Now.SharedWith != current || c.Twin != "" || c.Risk != usage.RiskFine {
		t.Errorf("legacy product: %+v, twin %q, risk %s; want 4 in use, shared with %s", c.Now, c.Twin, c.Risk, current)
	}
	if c := card(t, o, current); c.Now.Installed != license.Of(110) || c.Twin != "" {
		t.Errorf("current product: %+v, twin %q", c.Now, c.Twin)
	}
	// Read again without a word of it, the licenses are its own, and it may be a twin.
	e.reading(t, r, at.Add(15*time.Minute), map[string]series.Sample{"XDT_PLT_CCS": counted(60, 110), "XDS_PLT_CCS": counted(4, 110)})
	if c := card(t, overview(t, e.service()), legacy); c.Now.Installed != license.Of(110) || c.Now.SharedWith != "" || c.Twin == "" {
		t.Errorf("legacy product: %+v, twin %q; want 110 installed, and a warning", c.Now, c.Twin)
	}
}

func TestServersTellHowTheirSourcesStand(t *testing.T) {
	e := newEstate(t)
	e.server("athens")
	e.sources = map[int64][]usage.Source{1: {{Name: "udadmin", Asked: now}}}
	all, err := e.service().Servers(t.Context(), 1)
	if err != nil || len(all) != 1 || len(all[0].Sources) != 1 || all[0].Sources[0].Name != "udadmin" {
		t.Errorf("servers %+v, %v", all, err)
	}
}

// Two hidden names may be one person where two keys hide them.
func TestPeopleAreNotCountedAcrossKeys(t *testing.T) {
	e := citrixEstate(t)
	e.people = map[int64][]usage.Assignee{
		1: {assignee("a", "~3f2a91c0-aaaa", 9, 1, 0), assignee("a", "~3f2a91c0-bbbb", 9, 1, 0), assignee("a", "cy", 9, 1, 0)},
		2: {assignee("a", "~3f2a91c0-aaaa", 9, 1, 0), assignee("a", "~77770000-cccc", 9, 1, 0)},
	}
	if got, want := activity(t, e).People, (usage.Between{Low: 2, High: 4}); got != want {
		t.Errorf("%d to %d people, want %d to %d", got.Low, got.High, want.Low, want.High)
	}
}
