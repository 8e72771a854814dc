package sim_test

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/format/dsls"
	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/format/generic"
	"headroom/internal/format/lmx"
	"headroom/internal/format/lsdyna"
	"headroom/internal/format/mathlm"
	"headroom/internal/format/olicense"
	"headroom/internal/format/relay"
	"headroom/internal/format/rlm"
	"headroom/internal/format/sentinel"
	"headroom/internal/format/slurm"
	"headroom/internal/license"
	"headroom/internal/sim"
)

// A reading is how a test reads a simulated server: the call of its status
// tool, its parser, and how a check-out is written that it can tell of.
type reading struct {
	program string
	args    []string
	parse   func(io.Reader, facts.Options) (facts.Output, error)
	zone    *time.Location // of times in the output; nil: the server's
	since   string         // layout in which it tells check-outs; empty: not told
	apart   bool           // who waits is not named
}

const (
	minutes = "2006-01-02 15:04"
	seconds = "2006-01-02 15:04:05"
)

// readings are the readings of all managers but Citrix.
var readings = map[string]reading{
	"flexnet":      {program: "lmutil", args: []string{"lmstat", "-a", "-c", "27000@localhost"}, parse: parseLmstat, since: minutes},
	"rlm":          {program: "rlmutil", args: []string{"rlmstat", "-a", "-c", "5053@localhost"}, parse: rlm.ParseStatus, since: minutes},
	"lmx":          {program: "lmxendutil", args: []string{"-licstatxml"}, parse: lmx.ParseStatus, since: minutes},
	"dsls":         {program: "DSLicSrv", args: []string{"-admin", "-run", "connect h 4084 -restricted; getLicenseUsage -csv"}, parse: dsls.ParseStatus, since: seconds},
	"sentinel":     {program: "lsmon", parse: sentinel.ParseStatus, since: seconds},
	"mathlm":       {program: "monitorlm", parse: mathlm.ParseStatus, zone: time.UTC, since: minutes},
	"lsdyna":       {program: "lstc_qrun", args: []string{"-r"}, parse: lsdyna.ParseStatus, apart: true},
	"olicense":     {program: "olixtool", parse: olicense.ParseStatus},
	"slurm":        {program: "scontrol", args: []string{"show", "lic", "--oneliner"}, parse: slurm.ParseStatus, zone: time.UTC, since: seconds},
	"keygen-relay": {program: "relay", args: []string{"ls", "--plain"}, parse: relay.ParseStatus, since: seconds},
	"generic":      {program: "license-usage", parse: parseGeneric, since: seconds},
}

// parseLmstat puts what lmstat says into the words of all managers.
func parseLmstat(r io.Reader, o facts.Options) (facts.Output, error) {
	st, err := flexnet.ParseStatus(r, flexnet.StatusOptions{Zone: o.Zone, Collected: o.At})
	out := facts.Output{Error: st.Error, Lines: st.Lines, Unread: facts.UnreadLines{Total: st.UnreadTotal}}
	for _, s := range flexnet.Snapshots(st) {
		one := facts.Status{Server: s.Server, Error: s.Error, Snapshot: s.Snapshot}
		if s.State == flexnet.ServerDown {
			one.Error = cmp.Or(s.Error, "down")
		}
		out.Servers = append(out.Servers, one)
	}
	return out, err
}

func parseGeneric(r io.Reader, o facts.Options) (facts.Output, error) {
	doc, err := generic.Parse(r, o)
	return doc.Output, err
}

// call returns what a program of a server prints.
func call(t rapid.TB, s *sim.Server, at time.Time, program string, args ...string) string {
	t.Helper()
	out, err := s.Call(at, program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// read reads a server with the product's own parser. Nothing that it prints
// may be unread.
func read(t rapid.TB, s *sim.Server, at time.Time) facts.Output {
	t.Helper()
	how := readings[s.Manager]
	zone := cmp.Or(how.zone, s.Zone)
	text := call(t, s, at, how.program, how.args...)
	out, err := how.parse(strings.NewReader(text), facts.Options{Zone: zone, At: at})
	if err != nil {
		t.Fatal(err)
	}
	if out.Unread.Total > 0 {
		t.Fatalf("%s prints what nobody reads: %+v\n%s", s.Manager, out.Unread.First, text)
	}
	if s.Manager == "slurm" && len(out.Servers) == 1 {
		addJobs(t, s, at, &out.Servers[0].Snapshot)
	}
	return out
}

// addJobs adds what squeue says, as the agent does.
func addJobs(t rapid.TB, s *sim.Server, at time.Time, to *license.Snapshot) {
	t.Helper()
	q, err := slurm.ParseQueue(strings.NewReader(call(t, s, at, "squeue", "--noheader", "--all", "--array", "--format", slurm.QueueFormat)), facts.Options{})
	if err != nil || q.Unread.Total > 0 {
		t.Fatalf("squeue: %v, unread %+v", err, q.Unread.First)
	}
	to.Holders = q.Holders
	for i := range to.Readings {
		r := &to.Readings[i]
		r.Queued = license.Of(0)
		for _, h := range q.Holders {
			if h.Pool == r.Pool && h.Kind == license.HolderQueued {
				r.Queued.N += h.Licenses
			}
		}
	}
}

// wanted is what a reader has to make of a server, but for those who hold
// licenses.
func wanted(s *sim.Server, at time.Time) []license.Reading {
	want := s.Readings(at)
	for i := range want {
		if s.Manager == "flexnet" {
			want[i].Overdraft = license.Count{} // the license file tells it
		}
	}
	return want
}

// people writes who holds licenses by the simulation's own account, as far as
// the manager can tell it.
func people(s *sim.Server, at time.Time) []string {
	how := readings[s.Manager]
	var all []string
	for i := range s.Features {
		f := &s.Features[i]
		if f.Reserved > 0 && (s.Manager == "flexnet" || s.Manager == "generic") {
			all = append(all, person(s, license.Holder{Pool: pool(f), User: "GROUP ENGINEERING", Licenses: f.Reserved, Kind: license.HolderReserved}, ""))
		}
		for _, c := range s.Checkouts(f, at) {
			h := license.Holder{Pool: pool(f), User: c.User, Host: c.Host, Licenses: c.Licenses, Since: c.Since, Kind: c.Kind}
			switch {
			case how.apart && c.Kind == license.HolderQueued:
				continue
			case s.Manager == "keygen-relay":
				h.User, h.Host = "", fmt.Sprintf("node %d", 1+1000*i+c.Number)
			case s.Manager == "mathlm":
				h.Since = at.Truncate(time.Second).Add(-at.Sub(c.Since).Truncate(time.Minute))
			case s.Manager == "slurm" && c.Kind == license.HolderQueued:
				h.Host = ""
			case s.Manager == "dsls" && c.Kind == license.HolderQueued:
				h.Since = time.Time{}
			}
			all = append(all, person(s, h, how.since))
		}
	}
	slices.Sort(all)
	return all
}

func person(s *sim.Server, h license.Holder, layout string) string {
	since := ""
	if !h.Since.IsZero() && layout != "" {
		since = h.Since.In(s.Zone).Format(layout)
	}
	if s.Manager == "flexnet" && h.Kind == license.HolderQueued {
		since = "" // lmstat does not tell it
	}
	return fmt.Sprintf("%s: %s on %s, %s %d since %s", h.Pool, h.User, h.Host, h.Kind, h.Licenses, since)
}

func pool(f *sim.Feature) license.Pool { return license.Pool{Feature: f.Name, Variant: f.Variant} }
