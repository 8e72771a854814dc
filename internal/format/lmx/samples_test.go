package lmx_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

// sample returns a captured file.
func sample(t testing.TB, name string) string {
	t.Helper()
	return string(formattest.Sample(t, name))
}

// readings returns the rows of a status by feature.
func readings(s facts.Status) map[string]license.Reading {
	all := map[string]license.Reading{}
	for _, r := range s.Snapshot.Readings {
		all[r.Pool.Feature] = r
	}
	return all
}

func TestSampleAltair(t *testing.T) {
	zone := time.FixedZone("one hour ahead", 60*60)
	out := parse(t, sample(t, "lmx/licstat-v3.32-altair-units-custom-share.txt"), facts.Options{Zone: zone})
	if len(out.Servers) != 1 || out.Error != "" || out.Unread.Total != 0 {
		t.Fatalf("%d servers, error %q, unread %v; want one server and all lines read", len(out.Servers), out.Error, out.Unread.First)
	}
	s := out.Servers[0]
	if got := s.Server; got.Hosts[0] != "licserv0013.com" || got.Port != 6200 || got.Version != "5.1" || got.Manager != "lmx" {
		t.Errorf("server %+v, want 6200@licserv0013.com of version 5.1", got)
	}
	if got := len(s.Snapshot.Readings); got != 7 || !s.Snapshot.Complete {
		t.Errorf("%d features, complete %t; want 7, complete", got, s.Snapshot.Complete)
	}
	unlimited := func(used int64) license.Reading {
		return license.Reading{Daemon: "ALTAIR", State: license.StateUnlimited, InUse: license.Of(used), Borrowed: license.Of(0)}
	}
	counted := func(total, used int64) license.Reading {
		r := unlimited(used)
		r.State, r.Installed = license.StateCounted, license.Of(total)
		return r
	}
	for feature, want := range map[string]license.Reading{
		"GlobalZoneEU":  counted(1000003, 40000),
		"HyperWorks":    counted(1000000, 25000),
		"CatiaV5Reader": counted(3, 0),
		"HWFlux2D":      unlimited(30000),
		"HWAIFPBS":      unlimited(0),
		"HWAWPF":        unlimited(0),
		"HWActivate":    unlimited(0),
	} {
		want.Pool.Feature = feature
		if got := readings(s)[feature]; got != want {
			t.Errorf("%s = %+v, want %+v", feature, got, want)
		}
	}
	checkAltairPeople(t, s)
}

func checkAltairPeople(t *testing.T, s facts.Status) {
	t.Helper()
	users := map[string]int64{}
	for _, h := range s.Snapshot.Holders {
		users[license.FoldName(h.User)] += h.Licenses
	}
	if len(users) != 2 || users["vraafg"] != 40000+30000 || users["sssaah"] != 25000 {
		t.Errorf("licenses per user %v, want 70000 of vraafg over all features and 25000 of sssaah", users)
	}
	want := license.Holder{
		Pool: license.Pool{Feature: "GlobalZoneEU"}, User: "VRAAFG", Host: "RD0082879", Licenses: 15000,
		Since: time.Date(2022, 2, 18, 8, 29, 0, 0, time.UTC), Kind: license.HolderActive,
	}
	if got := s.Snapshot.Holders[0]; got != want {
		t.Errorf("first holder %+v, want %+v", got, want)
	}
	for _, term := range s.Terms {
		start, expiry := time.Date(2022, 2, 17, 0, 0, 0, 0, time.UTC), time.Date(2023, 1, 31, 0, 0, 0, 0, time.UTC)
		if !term.Start.Equal(start) || !term.Expiry.Equal(expiry) || term.Version != "21.0" || term.Vendor != "ALTAIR" {
			t.Errorf("term %+v, want version 21.0 of ALTAIR from %v to %v", term, start, expiry)
		}
	}
}

func TestSampleErrorIsNotZero(t *testing.T) {
	out := parse(t, sample(t, "lmx/licstat-error-no-server.txt"), facts.Options{})
	if want := "There are no license server(s) available."; out.Error != want || len(out.Servers) != 0 {
		t.Errorf("error %q with %d servers, want %q and none", out.Error, len(out.Servers), want)
	}
	if out.Unread.Total != 0 || out.Lines != strings.Count(sample(t, "lmx/licstat-error-no-server.txt"), "\n") {
		t.Errorf("unread %v of %d lines, want none", out.Unread.First, out.Lines)
	}
}
