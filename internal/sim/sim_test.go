package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/flexnet"
	"headroom/internal/license"
	"headroom/internal/sim"
)

var now = time.Date(2026, 11, 24, 10, 17, 30, 0, time.UTC)

func estate(t *testing.T) *sim.Estate {
	t.Helper()
	e, err := sim.New(7, now)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// What the simulated tool prints, read by the product's own parser, is what
// the history tells of the same instant.
func TestStatusSaysWhatTheHistorySays(t *testing.T) {
	for _, s := range estate(t).Servers {
		for _, at := range []time.Time{now, now.Add(-12 * time.Hour), now.AddDate(0, -3, -2), now.AddDate(-1, 0, 0)} {
			st, err := flexnet.ParseStatus(strings.NewReader(s.Status(at)), flexnet.StatusOptions{Zone: s.Zone})
			if err != nil {
				t.Fatal(err)
			}
			if st.UnreadTotal > 0 {
				t.Fatalf("%s: unread: %+v", s.Name, st.Unread)
			}
			shots := flexnet.Snapshots(st)
			if len(shots) != 1 || !shots[0].Snapshot.Complete {
				t.Fatalf("%s: not one complete server: %+v", s.Name, shots)
			}
			want := s.Readings(at)
			for i := range want {
				want[i].Overdraft = license.Count{} // lmstat does not tell it
				if want[i].State != license.StateCounted {
					want[i].InUse, want[i].Reserved, want[i].Borrowed, want[i].Queued = shots[0].Snapshot.Readings[i].InUse,
						shots[0].Snapshot.Readings[i].Reserved, shots[0].Snapshot.Readings[i].Borrowed, shots[0].Snapshot.Readings[i].Queued
				}
			}
			if diff := cmp.Diff(want, shots[0].Snapshot.Readings); diff != "" {
				t.Errorf("%s at %v (-history +status):\n%s", s.Name, at, diff)
			}
		}
	}
}

func TestADownServerPrintsAnError(t *testing.T) {
	for _, s := range estate(t).Servers {
		if s.Restart.IsZero() {
			continue
		}
		st, err := flexnet.ParseStatus(strings.NewReader(s.Status(s.Restart.Add(-time.Minute))), flexnet.StatusOptions{Zone: s.Zone})
		if err != nil {
			t.Fatal(err)
		}
		shots := flexnet.Snapshots(st)
		if len(shots) != 1 || shots[0].Snapshot.Complete || len(shots[0].Snapshot.Readings) > 0 {
			t.Errorf("%s while it restarts: %+v", s.Name, shots)
		}
	}
}

func TestTwoEstatesOfOneSeedAreEqual(t *testing.T) {
	a, b := estate(t), estate(t)
	other, err := sim.New(8, now)
	if err != nil {
		t.Fatal(err)
	}
	differs := false
	for i := range a.Servers {
		at := now.AddDate(0, 0, -i)
		if got, want := b.Servers[i].Status(at), a.Servers[i].Status(at); got != want {
			t.Errorf("%s: two runs differ", a.Servers[i].Name)
		}
		differs = differs || other.Servers[i].Status(at) != a.Servers[i].Status(at)
	}
	if !differs {
		t.Error("another seed gives the same estate")
	}
}

func TestTheEstateHasItsStory(t *testing.T) {
	e := estate(t)
	sites, over, restarted, silent := map[string]bool{}, false, false, false
	for _, s := range e.Servers {
		sites[s.Site] = true
		restarted = restarted || !s.Restart.IsZero()
		silent = silent || !s.SilentSince.IsZero()
		for at := range s.Instants(now.AddDate(0, 0, -60), now) {
			for _, r := range s.Readings(at) {
				if !r.InUse.Known {
					continue
				}
				if r.InUse.N < 0 || r.InUse.N > r.Installed.N {
					t.Fatalf("%s %s: %v of %v", s.Name, r.Pool, r.InUse, r.Installed)
				}
				over = over || r.Overdraft.N > 0 && r.InUse.N > r.Installed.N-r.Overdraft.N
			}
		}
	}
	if len(e.Servers) != 12 || len(sites) != 4 || !over || !restarted || !silent {
		t.Errorf("%d servers, %d sites, overdraft used %v, restarted %v, silent %v", len(e.Servers), len(sites), over, restarted, silent)
	}
}

func TestTheLicenseFileTellsTheOverdraft(t *testing.T) {
	for _, s := range estate(t).Servers {
		f, err := flexnet.ParseLicenseFile(strings.NewReader(s.LicenseFile(now)), "")
		if err != nil {
			t.Fatal(err)
		}
		if f.UnreadTotal > 0 {
			t.Fatalf("unread: %+v", f.Unread)
		}
		for i, r := range s.Readings(now) {
			if got := f.Entries[i].Attrs["OVERDRAFT"]; (got != "") != (r.Overdraft.N > 0) {
				t.Errorf("%s %s: OVERDRAFT=%q, want %v", s.Name, r.Pool, got, r.Overdraft)
			}
		}
	}
}
