package rlm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

// sample returns a captured file. Captures are not part of the project:
// without them the test is skipped, in CI it fails.
func sample(t testing.TB, name string) string {
	t.Helper()
	return string(formattest.Sample(t, "rlm/"+name))
}

// onlyServer returns what a captured status says of its one server.
func onlyServer(t *testing.T, name string) facts.Status {
	t.Helper()
	out := parseStatus(t, sample(t, name), facts.Options{})
	if out.Error != "" || len(out.Servers) != 1 || out.Servers[0].Error != "" || out.Servers[0].Partial != "" {
		t.Fatalf("%s: %+v, want one server without an error", name, out)
	}
	if out.Unread.Total != 0 {
		t.Errorf("%s: %d lines unread, the first %v; want none", name, out.Unread.Total, out.Unread.First[0])
	}
	return out.Servers[0]
}

// A row is a pool as people write it down: counted, count, in use.
type row struct {
	pool             license.Pool
	state            license.State
	installed, inUse license.Count
}

func counted(feature, variant string, installed, inUse int64) row {
	return row{license.Pool{Feature: feature, Variant: variant}, license.StateCounted, license.Of(installed), license.Of(inUse)}
}

func wantRows(t *testing.T, s facts.Status, want ...row) {
	t.Helper()
	var got []row
	for _, r := range s.Snapshot.Readings {
		got = append(got, row{r.Pool, r.State, r.Installed, r.InUse})
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("pools: -want +got\n%s", diff)
	}
}

func TestSampleWithThreeCheckouts(t *testing.T) {
	s := onlyServer(t, "rlmstat-a-v12.2-csci-3checkouts.txt")
	wantRows(t, s,
		counted("converge", "", 1, 0), counted("converge_gui", "", 45, 0), counted("converge_gui_polygonica", "", 1, 0),
		counted("converge_super", "", 1000, 93), counted("converge_tecplot", "", 45, 0))
	want := []license.Holder{
		{User: "asdj13", Licenses: 29, Handle: "15a", Since: time.Date(2021, 11, 1, 9, 1, 0, 0, time.UTC)},
		{User: "cddcp2", Licenses: 27, Handle: "128", Since: time.Date(2021, 11, 3, 10, 38, 0, 0, time.UTC)},
		{User: "asdj13", Licenses: 37, Handle: "15a", Since: time.Date(2021, 11, 1, 9, 1, 0, 0, time.UTC)},
	}
	for i := range want {
		want[i].Pool.Feature, want[i].Host, want[i].Kind = "converge_super", "myserver.example.com", license.HolderActive
	}
	if diff := cmp.Diff(want, s.Snapshot.Holders); diff != "" {
		t.Errorf("holders: -want +got\n%s", diff)
	}
	if at := time.Date(2021, 11, 3, 12, 48, 38, 0, time.UTC); s.Snapshot.At != at || !s.Snapshot.Complete {
		t.Errorf("snapshot of %v, complete %t; want the end of the recent statistics, %v, complete", s.Snapshot.At, s.Snapshot.Complete, at)
	}
	if want := (license.Server{Hosts: []string{"licserv.com"}, Port: 35015, Manager: "rlm", Version: "12.2"}); !cmp.Equal(s.Server, want) {
		t.Errorf("server %+v, want %+v", s.Server, want)
	}
}

func TestSampleOfFailoverPairNamesTheServerThatAnswers(t *testing.T) {
	s := onlyServer(t, "rlmstat-a-v12.2-failover-pair-nothing-in-use.txt")
	wantRows(t, s,
		counted("converge", "", 1, 0), counted("converge_gui", "", 45, 0), counted("converge_gui_polygonica", "", 1, 0),
		counted("converge_super", "", 1000, 0), counted("converge_tecplot", "", 45, 0))
	if !slices.Equal(s.Server.Hosts, []string{"licserv0011.com"}) || len(s.Snapshot.Holders) != 0 || !s.Snapshot.Complete {
		t.Errorf("hosts %q, %d holders, complete %t; want licserv0011.com, none, complete", s.Server.Hosts, len(s.Snapshot.Holders), s.Snapshot.Complete)
	}
}

func TestSampleErrorIsNotZero(t *testing.T) {
	out := parseStatus(t, sample(t, "rlmstat-error-cannot-connect.txt"), facts.Options{})
	const want = `Error connecting to "rlm" server Connection attempted to host: "" on port 5053`
	if out.Error != want || len(out.Servers) != 0 || out.Unread.Total != 0 {
		t.Errorf("%+v, want the error %s and no server", out, want)
	}
}

func TestSampleOfOneVendorHasPoolNumbers(t *testing.T) {
	s := onlyServer(t, "rlmstat-a-i-v15.1-simio-pool.txt")
	wantRows(t, s, counted("simio-academic", "1", 100, 0))
	if exp := s.Terms[0].Expiry; !exp.Equal(time.Date(2025, 1, 9, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("expires %v, want 9 January 2025", exp)
	}
	if s.Server.Port != 5053 || s.Snapshot.Complete {
		t.Errorf("port %d, complete %t; want 5053 of the license path, and not complete: other vendors were not asked", s.Server.Port, s.Snapshot.Complete)
	}
}

func TestSampleOfTokenBasedProductHasNoCount(t *testing.T) {
	s := onlyServer(t, "rlmstat-a-v12.4-teclmd-token-based-product.txt")
	wantRows(t, s,
		counted("360ex", "", 1, 0), counted("rs", "", 1, 0), counted("chorus", "", 1, 0), counted("batch", "", 1, 0), counted("fv", "", 1, 0),
		row{license.Pool{Feature: "360"}, license.StateUncounted, license.Count{}, license.Count{}})
	if got := s.Snapshot.Readings[5].Reason; got != "Token-based license" {
		t.Errorf("reason %q, want the words of rlmstat", got)
	}
}
