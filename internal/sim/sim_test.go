package sim_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/format/generic"
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

// agrees has the product's own parser read what a simulated tool prints: it is
// what the history tells of the same instant, and who holds the licenses.
func agrees(t rapid.TB, s *sim.Server, at time.Time) {
	t.Helper()
	out := read(t, s, at)
	if len(out.Servers) != 1 || out.Error != "" {
		t.Fatalf("%s of %s: not one server: %+v", s.Manager, s.Name, out)
	}
	got := out.Servers[0]
	if !got.Snapshot.Complete || got.Error != "" || got.Partial != "" {
		t.Errorf("%s: not complete: %+v", s.Manager, got)
	}
	if diff := cmp.Diff(wanted(s, at), got.Snapshot.Readings); diff != "" {
		t.Errorf("%s at %v (-simulated +read):\n%s", s.Manager, at, diff)
	}
	var held []string
	for _, h := range got.Snapshot.Holders {
		held = append(held, person(s, h, readings[s.Manager].since))
	}
	slices.Sort(held)
	if diff := cmp.Diff(people(s, at), held); diff != "" {
		t.Errorf("%s at %v: people (-simulated +read):\n%s", s.Manager, at, diff)
	}
}

func TestToolsPrintWhatTheHistorySays(t *testing.T) {
	for _, s := range estate(t).Servers {
		if s.Manager == "citrix" {
			continue
		}
		for _, at := range []time.Time{now, now.Add(-12 * time.Hour), now.AddDate(0, -3, -2), now.AddDate(-1, 0, 0)} {
			agrees(t, s, at)
		}
	}
}

// drawFeature draws a feature that a manager can serve.
func drawFeature(t *rapid.T, manager, name string) sim.Feature {
	installed := rapid.Int64Range(1, 60).Draw(t, "installed")
	f := sim.Feature{
		Name: name, Version: "12.0", Demand: rapid.Float64Range(0, 90).Draw(t, "demand"),
		Shape: rapid.SampledFrom([]sim.Shape{sim.Office, sim.Cluster}).Draw(t, "shape"),
		Each:  rapid.SampledFrom([]int64{0, 1, 4}).Draw(t, "each"),
		Purchases: []sim.Purchase{
			{Installed: installed},
			{From: now.AddDate(0, -2, 0), Installed: installed + rapid.Int64Range(0, 9).Draw(t, "more")},
		},
		Queues: slices.Contains([]string{"flexnet", "dsls", "sentinel", "lsdyna", "slurm", "generic"}, manager) && rapid.Bool().Draw(t, "queues"),
	}
	if rapid.Bool().Draw(t, "expires") || manager == "dsls" || manager == "lsdyna" {
		f.Expiry = time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	}
	if slices.Contains([]string{"flexnet", "rlm", "generic"}, manager) {
		f.Reserved = rapid.Int64Range(0, installed).Draw(t, "reserved")
	}
	if slices.Contains([]string{"flexnet", "lmx", "sentinel", "generic"}, manager) {
		f.Borrowed = rapid.IntRange(0, 3).Draw(t, "borrowed")
	}
	switch manager {
	case "rlm", "sentinel":
		f.Variant = rapid.StringMatching(`[1-9]`).Draw(t, "variant")
	case "mathlm":
		f.Variant, f.Each = "A", 1 // a license is for one process
	case "keygen-relay":
		f.Each = 1 // and here for one machine
	}
	return f
}

// drawServer draws a license server of a manager.
func drawServer(t *rapid.T, manager string) *sim.Server {
	zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"}).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	s := &sim.Server{
		Name: "lic-01.ham.example.com", Site: "Hamburg", Zone: zone, Manager: manager, Port: 5053, Version: "11.19", Daemon: "acme",
		Restart: now.Add(-time.Duration(rapid.IntRange(0, 100_000).Draw(t, "restart")) * time.Second),
	}
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z][A-Za-z0-9_]{0,11}`), 1, 3, rapid.ID).Draw(t, "features")
	if manager == "lsdyna" {
		names = []string{"LICENSE GROUP"}
	}
	if manager == "mathlm" {
		names = []string{"Mathematica", "MathKernel", "Sub Mathematica"}
	}
	for _, name := range names {
		s.Features = append(s.Features, drawFeature(t, manager, name))
	}
	return s
}

// What any simulated license server prints is read back, to the last line.
func TestAnyServerIsReadBack(t *testing.T) {
	for _, manager := range slices.Sorted(maps.Keys(readings)) {
		t.Run(manager, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				e := &sim.Estate{Seed: rapid.Uint64().Draw(t, "seed"), Now: now, Days: 400}
				s := drawServer(t, manager)
				e.Add(s)
				at := now.Add(-time.Duration(rapid.Int64Range(0, 390*86400).Draw(t, "seconds ago")) * time.Second)
				if s.Down(at) {
					t.Skip("it is down")
				}
				agrees(t, s, at)
			})
		})
	}
}

// A server that is down prints an error, and no zeros.
func TestADownServerPrintsAnError(t *testing.T) {
	for _, manager := range slices.Sorted(maps.Keys(readings)) {
		s := &sim.Server{
			Name: "lic-01.ham.example.com", Site: "Hamburg", Zone: time.UTC, Manager: manager, Port: 5053, Version: "11.19", Daemon: "acme", Restart: now,
			Features: []sim.Feature{{Name: "cad", Version: "1.0", Purchases: []sim.Purchase{{Installed: 5}}, Demand: 3}},
		}
		(&sim.Estate{Seed: 1, Now: now, Days: 400}).Add(s)
		at := now.Add(-time.Minute)
		how := readings[manager]
		out, err := how.parse(strings.NewReader(call(t, s, at, how.program, how.args...)), facts.Options{})
		if err != nil {
			t.Fatal(err)
		}
		failure := out.Error
		for _, one := range out.Servers {
			failure += one.Error
			if one.Snapshot.Complete || len(one.Snapshot.Readings) > 0 {
				t.Errorf("%s while it restarts: %+v", manager, one)
			}
		}
		if failure == "" || s.Readings(at) != nil {
			t.Errorf("%s while it restarts: no reason, or readings: %+v, %+v", manager, out, s.Readings(at))
		}
	}
}

func TestAProgramTakesItsOwnArgumentsOnly(t *testing.T) {
	s, _ := estate(t).Server("HPC-CTL-01.bos.example.com")
	for _, c := range [][]string{{"scontrol", "shutdown"}, {"lmutil", "lmstat", "-a"}, {"scontrol"}} {
		if out, err := s.Call(now, c[0], c[1:]...); err == nil {
			t.Errorf("%q prints %q, want an error", c, out)
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
		want := a.Servers[i].Readings(at)
		if diff := cmp.Diff(want, b.Servers[i].Readings(at)); diff != "" {
			t.Errorf("%s: two runs differ:\n%s", a.Servers[i].Name, diff)
		}
		differs = differs || !cmp.Equal(want, other.Servers[i].Readings(at))
	}
	if !differs {
		t.Error("another seed gives the same estate")
	}
}

func TestTheEstateHasItsStory(t *testing.T) {
	e := estate(t)
	sites, managers := map[string]bool{}, map[string]bool{}
	over, restarted, silent, waits, refused := false, false, false, false, 0
	for _, s := range e.Servers {
		sites[s.Site], managers[s.Manager] = true, true
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
				waits = waits || r.Queued.N > 0
			}
		}
		refused += len(s.Denials(now.AddDate(0, 0, -60), now))
	}
	if len(sites) != 4 || len(managers) != len(readings)+1 || !over || !restarted || !silent || !waits || refused == 0 {
		t.Errorf("%d sites, managers %v, overdraft used %v, restarted %v, silent %v, waiting %v, %d refused",
			len(sites), managers, over, restarted, silent, waits, refused)
	}
	if first, second := e.Servers[0], e.Servers[len(e.Servers)-1]; first.Manager != "citrix" || second.Manager == "citrix" {
		t.Errorf("the estate begins with %s, want Citrix", first.Manager)
	}
}

func TestTheLicenseFileTellsTheOverdraft(t *testing.T) {
	for _, s := range estate(t).Servers {
		if s.Manager != "flexnet" && s.Manager != "citrix" {
			continue
		}
		f, err := flexnet.ParseLicenseFile(strings.NewReader(s.LicenseFile(now)), "")
		if err != nil {
			t.Fatal(err)
		}
		if f.UnreadTotal > 0 {
			t.Fatalf("unread: %+v", f.Unread)
		}
		for i, r := range s.Readings(now) {
			e := f.Entries[i]
			if got := e.Attrs["OVERDRAFT"]; s.Manager == "flexnet" && (got != "") != (r.Overdraft.N > 0) {
				t.Errorf("%s %s: OVERDRAFT=%q, want %v", s.Name, r.Pool, got, r.Overdraft)
			}
			if r.State == license.StateCounted && e.Count.N != r.Installed.N-r.Overdraft.N {
				t.Errorf("%s %s: a count of %v, want %v less %v", s.Name, r.Pool, e.Count, r.Installed, r.Overdraft)
			}
		}
	}
}

// The refusals that a script tells are those of the simulation, and everybody
// who was refused is somebody else than those who had a license.
func TestRefusalsAreToldByTheScript(t *testing.T) {
	s, _ := estate(t).Server("traffic-lic-01.pnq.example.com")
	at := now.AddDate(0, 0, -1)
	for range 60 {
		at = at.Add(-6 * time.Hour)
		doc, err := generic.Parse(strings.NewReader(call(t, s, at, "license-usage")), facts.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []sim.Denial
		for _, d := range doc.Denials {
			got = append(got, sim.Denial{Pool: d.Pool, At: d.At, User: d.User, Host: d.Host, Reason: d.Reason, Count: d.Count})
		}
		want := s.Denials(at.Add(-2*time.Hour), at)
		for i := range want {
			want[i].Served, want[i].Last = false, time.Time{} // the script does not know
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("refusals at %v (-simulated +read):\n%s", at, diff)
		}
	}
}

// However a time is divided, it has the same refusals.
func TestRefusalsDoNotDependOnHowOneAsks(t *testing.T) {
	s, _ := estate(t).Server("cad-lic-01.lon.example.com")
	rapid.Check(t, func(t *rapid.T) {
		from := now.AddDate(0, 0, -rapid.IntRange(1, 300).Draw(t, "days ago")).Add(-time.Duration(rapid.IntRange(0, 86400).Draw(t, "seconds")) * time.Second)
		between := from.Add(time.Duration(rapid.IntRange(0, 86400).Draw(t, "length")) * time.Second)
		to := from.AddDate(0, 0, 1)
		whole := s.Denials(from, to)
		parts := append(s.Denials(from, between), s.Denials(between, to)...)
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Errorf("refusals (-whole +in parts):\n%s", diff)
		}
	})
}
