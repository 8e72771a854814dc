package sentinel_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

// sample returns a captured file.
func sample(t testing.TB, name string) string {
	t.Helper()
	return string(formattest.Sample(t, name))
}

// only returns the one status of an output of which every line was read.
func only(t testing.TB, out facts.Output) facts.Status {
	t.Helper()
	if len(out.Servers) != 1 || out.Error != "" || out.Unread.Total != 0 {
		t.Fatalf("%d servers, error %q, unread %v; want one server and all lines read", len(out.Servers), out.Error, out.Unread.First)
	}
	return out.Servers[0]
}

func TestSampleFeatureWithoutClients(t *testing.T) {
	zone := time.FixedZone("three hours ahead", 3*60*60)
	got := only(t, parse(t, sample(t, "sentinel/lsmon-9.1-first-feature-no-clients.txt"), facts.Options{Zone: zone}))
	pool := license.Pool{Feature: "ARMS_ID", Variant: "1.0"}
	want := facts.Status{
		Server: license.Server{Hosts: []string{"licsrv01.example.com"}, Manager: "sentinel"},
		Snapshot: license.Snapshot{
			Complete: true,
			Readings: []license.Reading{{
				Pool: pool, State: license.StateCounted, Installed: license.Of(99999), InUse: license.Of(0),
				Reserved: license.Of(0), Borrowed: license.Of(0),
			}},
		},
		Terms: []facts.Term{{
			Pool: pool, State: license.StateCounted, Count: license.Of(99999), Version: "1.0",
			Start:  time.Date(2019, time.November, 28, 21, 0, 0, 0, time.UTC),
			Expiry: time.Date(2022, time.November, 19, 20, 59, 59, 0, time.UTC),
			Text:   "Sat Nov 19 23:59:59 2022",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// The capture is shortened: the lines that tell how many licenses there are and
// how many are in use are not in it. Nothing may be made up for them.
func TestSampleOfThreeClientsWithCountsLeftOut(t *testing.T) {
	got := only(t, parse(t, sample(t, "sentinel/lsmon-9.1-two-features-three-clients-ELIDED.txt"), facts.Options{}))
	if got.Snapshot.Complete {
		t.Error("complete; want not, since counts are missing")
	}
	wantRows := []license.Pool{{Feature: "ARMS_ID", Variant: "1.0"}, {Feature: "AVEVA201", Variant: "1.0"}}
	if len(got.Snapshot.Readings) != len(wantRows) {
		t.Fatalf("readings %+v, want two", got.Snapshot.Readings)
	}
	for i, r := range got.Snapshot.Readings {
		if r.Pool != wantRows[i] || r.State != license.StateUnknown || r.InUse.Known || r.Installed.Known || r.Reason == "" {
			t.Errorf("reading %+v, want %v unknown with a reason", r, wantRows[i])
		}
	}
	holder := func(user, host string, at time.Time) license.Holder {
		return license.Holder{Pool: wantRows[1], User: user, Host: host, Display: "local", Licenses: 1, Since: at, Kind: license.HolderActive}
	}
	at := func(hour, minute, second int) time.Time {
		return time.Date(2020, time.November, 3, hour, minute, second, 0, time.UTC)
	}
	want := []license.Holder{
		holder("user01", "WKST-1-8222", at(11, 34, 40)),
		holder("user02", "CAD-1-8303", at(11, 19, 9)),
		holder("User03", "cad-34", at(10, 6, 18)),
	}
	if diff := cmp.Diff(want, got.Snapshot.Holders); diff != "" {
		t.Errorf("holders: -want +got\n%s", diff)
	}
}
