package flexnet_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// snapshot returns the snapshot of a status of one server.
func snapshot(t *testing.T, in string) flexnet.ServerSnapshot {
	t.Helper()
	all := flexnet.Snapshots(parseStatus(t, []byte(in), flexnet.StatusOptions{}))
	if len(all) != 1 {
		t.Fatalf("%d snapshots, want 1", len(all))
	}
	return all[0]
}

func reading(t *testing.T, s flexnet.ServerSnapshot, pool license.Pool) license.Reading {
	t.Helper()
	for _, r := range s.Snapshot.Readings {
		if r.Pool == pool {
			return r
		}
	}
	t.Fatalf("no reading of %v in %+v", pool, s.Snapshot.Readings)
	return license.Reading{}
}

const (
	serverUp   = "Flexible License Manager status on Fri 10/20/2017 17:02\nLicense server status: 27000@host1\nhost1: license server UP (MASTER) v11.18.0\n"
	daemonUp   = "Vendor daemon status (on host1):\n  one: UP v11.18.0\n"
	listOf     = "Feature usage info:\n"
	tenLicense = "Users of A:  (Total of 10 licenses issued;  Total of 2 licenses in use)\n"
)

func TestCompleteMeansThatNothingIsMissing(t *testing.T) {
	tests := []struct {
		name, in string
		state    flexnet.ServerState
		complete bool
	}{
		{"all well", serverUp + daemonUp + listOf + tenLicense, flexnet.ServerUpState, true},
		{"nothing served", serverUp + daemonUp + listOf, flexnet.ServerUpState, true},
		{"list not reached", serverUp + daemonUp, flexnet.ServerUpState, false},
		{"no daemon line", serverUp + listOf + tenLicense, flexnet.ServerUpState, false},
		{"one daemon down", serverUp + daemonUp + "  two: The desired vendor daemon is down. (-97,121)\n" + listOf + tenLicense, flexnet.ServerUpState, false},
		{"daemon down behind the list", serverUp + daemonUp + listOf + tenLicense + "  two: The desired vendor daemon is down. (-97,121)\n", flexnet.ServerUpState, false},
		{"server down", strings.Replace(serverUp, "UP (MASTER)", "DOWN", 1) + daemonUp + listOf + tenLicense, flexnet.ServerDown, false},
		{"connection lost within the list", serverUp + daemonUp + listOf + tenLicense + "No socket connection to license server manager (-7,10015)\n", flexnet.ServerUpState, false},
		{"cut within a feature line", serverUp + daemonUp + listOf + tenLicense + "Users of B:  (Total of 4 lic", flexnet.ServerUpState, false},
		{"cut within the first word", serverUp + daemonUp + listOf + tenLicense + "Use", flexnet.ServerUpState, false},
		{"cut within a user line", serverUp + daemonUp + listOf + tenLicense + "    jo pc1 pc1 (v1) (host", flexnet.ServerUpState, true},
		{"only features", tenLicense, flexnet.ServerUnknown, false},
	}
	for _, tt := range tests {
		if got := snapshot(t, tt.in); got.State != tt.state || got.Snapshot.Complete != tt.complete {
			t.Errorf("%s: %s, complete %t; want %s, %t", tt.name, got.State, got.Snapshot.Complete, tt.state, tt.complete)
		}
	}
}

func TestTwoOfThreeServersAreEnough(t *testing.T) {
	const triad = "License server status: 1@a,1@b,1@c\n"
	for up, want := range map[int]flexnet.ServerState{0: flexnet.ServerDown, 1: flexnet.ServerDown, 2: flexnet.ServerDegraded, 3: flexnet.ServerUpState} {
		in := triad
		for i, host := range []string{"a", "b", "c"} {
			if i < up {
				in += host + ": license server UP v11.18.0\n"
			} else {
				in += host + ": Cannot connect to license server system. (-15,570:111 \"Connection refused\")\n"
			}
		}
		if got := snapshot(t, in); got.State != want {
			t.Errorf("%d of 3 up: %s, want %s", up, got.State, want)
		}
	}
	if got := snapshot(t, triad+"a: license server UP v11.18.0\n"); got.State != flexnet.ServerDown {
		t.Errorf("one line of a triad of three: %s, want down", got.State)
	}
}

func TestServerFacts(t *testing.T) {
	got := snapshot(t, serverUp+daemonUp).Server
	want := license.Server{Hosts: []string{"host1"}, Port: 27000, Manager: "flexnet", Version: "11.18.0"}
	if diff := diffOf(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCountsOfErrorsAreUnknown(t *testing.T) {
	s := snapshot(t, serverUp+daemonUp+listOf+
		"Users of A:  (Error: 3 licenses, unsupported by licensed server)\nUsers of B: Cannot get users of B: No such feature exists. (-5,222)\nUsers of C:  (Odd)\n")
	for name, state := range map[string]license.State{"A": license.StateError, "B": license.StateError, "C": license.StateUnknown} {
		got := reading(t, s, license.Pool{Feature: name})
		want := license.Reading{Pool: license.Pool{Feature: name}, Daemon: "one", State: state, Reason: got.Reason}
		if diff := diffOf(want, got); diff != "" || got.Reason == "" {
			t.Errorf("%s: reason %q, -want +got\n%s", name, got.Reason, diff)
		}
	}
}

func TestUncountedInUseIsWhatItsLinesTell(t *testing.T) {
	s := snapshot(t, serverUp+daemonUp+listOf+"Users of A:  (Uncounted, node-locked)\nUsers of B:  (Uncounted, node-locked)\n"+
		"    u h d (v1) (host1/27000 1), start Fri 10/20 8:00, 2 licenses\n    v h d (v1) (host1/27000 2), start Fri 10/20 8:00\n")
	if a := reading(t, s, license.Pool{Feature: "A"}); a.State != license.StateUncounted || a.InUse.Known || a.Installed.Known || a.Queued.Known {
		t.Errorf("without lines: %+v, want uncounted, nothing known", a)
	}
	if b := reading(t, s, license.Pool{Feature: "B"}); b.InUse != license.Of(3) || b.Installed.Known || b.Reserved != license.Of(0) {
		t.Errorf("with lines: %+v, want 3 in use", b)
	}
}

func TestSharesAreUnknownWithoutUserLines(t *testing.T) {
	s := snapshot(t, serverUp+daemonUp+listOf+tenLicense+"Users of IDLE:  (Total of 4 licenses issued;  Total of 0 licenses in use)\n")
	if r := reading(t, s, license.Pool{Feature: "A"}); r.Reserved.Known || r.Borrowed.Known || r.Queued.Known || r.InUse != license.Of(2) {
		t.Errorf("2 in use without lines: %+v, want only the totals", r)
	}
	if r := reading(t, s, license.Pool{Feature: "IDLE"}); r.Reserved != license.Of(0) || r.Borrowed != license.Of(0) || r.Queued != license.Of(0) {
		t.Errorf("nothing in use: %+v, want zeros", r)
	}
}

func TestBlocksOfOneDaemonAreAddedAndRepeatsAreNot(t *testing.T) {
	const more = "Users of A:  (Total of 5 licenses issued;  Total of 1 license in use)\n"
	if r := reading(t, snapshot(t, serverUp+daemonUp+listOf+tenLicense+more), license.Pool{Feature: "A"}); r.Installed != license.Of(15) || r.InUse != license.Of(3) {
		t.Errorf("two blocks: %v of %v, want 3 of 15", r.InUse, r.Installed)
	}
	if r := reading(t, snapshot(t, serverUp+daemonUp+listOf+tenLicense+tenLicense), license.Pool{Feature: "A"}); r.Installed != license.Of(10) || r.InUse != license.Of(2) {
		t.Errorf("the same block twice: %v of %v, want 2 of 10", r.InUse, r.Installed)
	}
}

func TestRowsOfOnePoolAreAddedByTheirStates(t *testing.T) {
	const (
		counted   = "Users of A:  (Total of 10 licenses issued;  Total of 0 licenses in use)\n"
		unlimited = "Users of A:  (Total of 2147483647 licenses issued;  Total of 4 licenses in use)\n"
		uncounted = "Users of A:  (Uncounted, node-locked)\n"
		failed    = "Users of A:  (Error: 3 licenses, unsupported by licensed server)\n"
	)
	unknown := license.Count{}
	tests := []struct {
		name, blocks     string
		state            license.State
		installed, inUse license.Count
	}{
		{"counted and unlimited", counted + unlimited, license.StateUnlimited, unknown, license.Of(4)},
		{"counted and uncounted", counted + uncounted, license.StateCounted, license.Of(10), license.Of(0)},
		{"uncounted and counted", uncounted + counted, license.StateCounted, license.Of(10), license.Of(0)},
		{"uncounted and unlimited", uncounted + unlimited, license.StateUnlimited, unknown, license.Of(4)},
		{"counted and failed", counted + failed, license.StateError, unknown, unknown},
		{"failed and counted", failed + counted, license.StateError, unknown, unknown},
		{"failed and uncounted", failed + uncounted, license.StateError, unknown, unknown},
	}
	for _, tt := range tests {
		r := reading(t, snapshot(t, serverUp+daemonUp+listOf+tt.blocks), license.Pool{Feature: "A"})
		if r.State != tt.state || r.Installed != tt.installed || r.InUse != tt.inUse || (r.Reason == "") == strings.Contains(tt.name, "failed") {
			t.Errorf("%s: %v, %v of %v, reason %q; want %v, %v of %v", tt.name, r.State, r.InUse, r.Installed, r.Reason, tt.state, tt.inUse, tt.installed)
		}
	}
}

func TestRepeatKeepsLinesOfBothBlocks(t *testing.T) {
	const first, second = "u h d (v1) (host1/27000 1), start Fri 10/20 8:00\n", "v h d (v1) (host1/27000 2), start Fri 10/20 8:00\n"
	const pool1, pool2 = "\"A\" v1, vendor: one\nfloating license\n", "\"A\" v2, vendor: one\nfloating license\n"
	sec := only(t, serverUp+daemonUp+listOf+tenLicense+pool1+first+tenLicense+pool1+first+pool2+second)
	if len(sec.Features) != 1 || len(sec.Features[0].Checkouts) != 2 || len(sec.Features[0].Pools) != 2 || sec.Features[0].Checkouts[1].Pool != 1 {
		t.Errorf("%+v, want one feature with two pools and a line in each", sec.Features)
	}
	sec = only(t, serverUp+daemonUp+listOf+tenLicense+first+first)
	if len(sec.Features[0].Checkouts) != 2 {
		t.Errorf("two equal lines of one block: %d kept, want 2", len(sec.Features[0].Checkouts))
	}
}

func TestPoolsNameTheirDaemonOnlyWhereTwoServeThem(t *testing.T) {
	const two = "Vendor daemon status (on host1):\n  one: UP v11.18.0\n  two: UP v11.18.0\n" + listOf
	const a1 = tenLicense + "\"A\" v1, vendor: one\nfloating license\nu h d (v1) (host1/27000 1), start Fri 10/20 8:00, 2 licenses\n"
	const a2 = tenLicense + "\"A\" v1, vendor: TWO\nfloating license\nu h d (v1) (host1/27000 1), start Fri 10/20 8:00, 2 licenses\n"
	const idle = "Users of A:  (Total of 7 licenses issued;  Total of 0 licenses in use)\n"
	one, other := license.Pool{Feature: "A", Daemon: "one"}, license.Pool{Feature: "A", Daemon: "two"}
	tests := []struct {
		name, blocks string
		want         []license.Pool
	}{
		{"equal numbers, two vendors", a1 + a2, []license.Pool{one, other}},
		{"second idle", a1 + idle, []license.Pool{one, other}},
		{"first idle", idle + a2, []license.Pool{one, other}},
		{"one block", a1, []license.Pool{{Feature: "A"}}},
		{"repeat without a pool line", a1 + tenLicense, []license.Pool{{Feature: "A"}}},
	}
	for _, tt := range tests {
		s := snapshot(t, serverUp+two+tt.blocks)
		var got []license.Pool
		for _, r := range s.Snapshot.Readings {
			got = append(got, r.Pool)
		}
		if diff := diffOf(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
}

func TestSectionsOfOneServerAreOne(t *testing.T) {
	const lines = "-----------------------------\n"
	_, again, _ := strings.Cut(serverUp, "\n")
	again = strings.Replace(again, "27000@host1", "27000@HOST1", 1)
	b := "Users of B:  (Total of 3 licenses issued;  Total of 0 licenses in use)\n"
	s := snapshot(t, serverUp+daemonUp+listOf+tenLicense+lines+again+strings.Replace(daemonUp, "one", "two", 1)+listOf+b+lines+again+daemonUp+listOf+tenLicense)
	if len(s.Snapshot.Readings) != 2 || !s.Snapshot.Complete || len(s.Daemons) != 2 {
		t.Errorf("%d readings, complete %t, daemons %v; want A and B, complete, two daemons", len(s.Snapshot.Readings), s.Snapshot.Complete, s.Daemons)
	}
	if r := reading(t, s, license.Pool{Feature: "A"}); r.Installed != license.Of(10) {
		t.Errorf("A, printed twice: installed %v, want 10", r.Installed)
	}
	other := snapshotsOf(t, serverUp+daemonUp+listOf+tenLicense+lines+strings.ReplaceAll(again, "27000@", "27001@")+daemonUp+listOf+tenLicense)
	if len(other) != 2 {
		t.Errorf("two ports of one host: %d servers, want 2", len(other))
	}
}

func snapshotsOf(t *testing.T, in string) []flexnet.ServerSnapshot {
	t.Helper()
	return flexnet.Snapshots(parseStatus(t, []byte(in), flexnet.StatusOptions{}))
}

func TestHoldersSayWhoSinceWhenAndHow(t *testing.T) {
	s := snapshot(t, beforeUser+"    jo pc1 :0 (v1) (host1/27000 101), start Fri 10/20 8:00, 3 licenses\n\t2 RESERVATIONs for GROUP g (host1/27000)\n")
	want := []license.Holder{
		{
			Pool: license.Pool{Feature: "f"}, User: "jo", Host: "pc1", Display: ":0", Licenses: 3,
			Since: time.Date(2017, 10, 20, 8, 0, 0, 0, time.UTC), Kind: license.HolderActive, Handle: "101",
		},
		{Pool: license.Pool{Feature: "f"}, User: "GROUP g", Licenses: 2, Kind: license.HolderReserved},
	}
	if diff := diffOf(want, s.Snapshot.Holders); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestSnapshotsLeaveTheStatusAlone(t *testing.T) {
	in := serverUp + daemonUp + listOf + tenLicense + "-----\n" + serverUp + daemonUp + listOf + tenLicense
	s := parseStatus(t, []byte(in), flexnet.StatusOptions{})
	want := parseStatus(t, []byte(in), flexnet.StatusOptions{})
	flexnet.Snapshots(s)
	if diff := diffOf(want, s); diff != "" {
		t.Errorf("Snapshots changed the status: -want +got\n%s", diff)
	}
}
