package collect_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/agent/collect"
	"headroom/internal/format/slurm"
	"headroom/internal/license"
)

const slurmLicenses = "LicenseName=mesher Total=30 Used=5 Free=25 Reserved=0 Remote=no\nLicenseName=solver@lic1 Total=2 Used=2 Free=0 Reserved=0 Remote=yes\n"

// slurmAnswers are those of a cluster on which all is well.
func slurmAnswers() (licenses, jobs, config answer) {
	return answer{Tool: "scontrol", Args: []string{"show", "lic", "--oneliner"}, Out: slurmLicenses, Env: []string{"LANG=C", "TZ=UTC"}},
		answer{
			Tool: "squeue", Args: []string{"--noheader", "--all", "--format", slurm.QueueFormat}, Env: []string{"TZ=UTC", slurm.QueueEnv},
			Out: "7\tmira\tmesher:5,solver@lic1:2\tRUNNING\tNone\tn1\t2026-03-03T09:00:00\t2026-03-03T08:00:00\n" +
				"8\ttomas\tsolver@lic1:1\tPENDING\tLicenses\tn/a\tN/A\t2026-03-03T09:05:00\n",
		},
		answer{Tool: "scontrol", Args: []string{"show", "config"}, Out: "SlurmctldHost[0]  = ctl1(10.0.0.7)\nSlurmctldPort = 6817\nSLURM_VERSION = 22.05.8\n"}
}

func slurmReader(t *testing.T, all ...answer) *collect.Slurm {
	t.Helper()
	return &collect.Slurm{Scontrol: exe(fake(t, all...), "scontrol"), Timeout: 20 * time.Second, Now: func() time.Time { return now }}
}

func TestSlurmTellsCountsJobsAndTheController(t *testing.T) {
	t.Parallel()
	licenses, jobs, config := slurmAnswers()
	res := read(t, slurmReader(t, licenses, jobs, config))
	at := now.Truncate(time.Second)
	mesher, solver := license.Pool{Feature: "mesher"}, license.Pool{Feature: "solver@lic1"}
	since := time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)
	want := collect.Result{
		At: at, Own: true, Server: license.Server{Manager: "slurm", Hosts: []string{"ctl1"}, Port: 6817, Version: "22.05.8"},
		Snapshot: license.Snapshot{
			At: at, Complete: true,
			Readings: []license.Reading{
				{Pool: mesher, State: license.StateCounted, Installed: license.Of(30), InUse: license.Of(5), Queued: license.Of(0)},
				{Pool: solver, State: license.StateCounted, Installed: license.Of(2), InUse: license.Of(2), Queued: license.Of(1)},
			},
			Holders: []license.Holder{
				{Pool: mesher, User: "mira", Host: "n1", Licenses: 5, Since: since, Kind: license.HolderActive, Handle: "7"},
				{Pool: solver, User: "mira", Host: "n1", Licenses: 2, Since: since, Kind: license.HolderActive, Handle: "7"},
				{Pool: solver, User: "tomas", Licenses: 1, Since: since.Add(5 * time.Minute), Kind: license.HolderQueued, Handle: "8"},
			},
		},
	}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func TestSlurmIsToldWhereItsConfigurationIs(t *testing.T) {
	t.Parallel()
	licenses, jobs, config := slurmAnswers()
	for _, a := range []*answer{&licenses, &jobs, &config} {
		a.Env = append(a.Env, "SLURM_CONF=/srv/alps/slurm.conf")
	}
	r := slurmReader(t, licenses, jobs, config)
	r.Conf = "/srv/alps/slurm.conf"
	if res := read(t, r); res.Failure != "" || res.Note != "" || len(res.Server.Hosts) != 1 {
		t.Errorf("failure %q, note %q, server %+v", res.Failure, res.Note, res.Server)
	}
}

func TestSlurmCountsWithoutItsJobs(t *testing.T) {
	t.Parallel()
	licenses, jobs, config := slurmAnswers()
	for name, c := range map[string]struct {
		change   func(*answer)
		unlisted bool
		note     string
		holders  int
	}{
		"squeue fails":              {func(a *answer) { a.Out, a.Exit = "slurm_load_jobs error: Access/permission denied\n", 1 }, true, "permission denied (exit status 1)", 0},
		"squeue hangs":              {func(a *answer) { a.Hang = true }, true, "did not end within", 0},
		"squeue is not there":       {func(a *answer) { a.Tool = "sinfo" }, true, "could not be run", 0},
		"one job is not understood": {func(a *answer) { a.Out += "9\tana\ta|b\tRUNNING\tNone\tn1\tN/A\tN/A\n" }, false, "line 3", 3},
	} {
		odd := jobs
		c.change(&odd)
		r := slurmReader(t, licenses, odd, config)
		if odd.Hang {
			r.Timeout = time.Second
		}
		res := read(t, r)
		if res.Failure != "" || len(res.Snapshot.Readings) != 2 || res.Snapshot.Readings[1].Queued.Known || len(res.Server.Hosts) != 1 {
			t.Errorf("%s: failure %q, server %v, readings %+v; want counts, and queued unknown", name, res.Failure, res.Server.Hosts, res.Snapshot.Readings)
		}
		if res.Unlisted != c.unlisted || !strings.Contains(res.Note, c.note) || len(res.Snapshot.Holders) != c.holders {
			t.Errorf("%s: unlisted %v, note %q, %d holders; want %v, %q, %d", name, res.Unlisted, res.Note, len(res.Snapshot.Holders), c.unlisted, c.note, c.holders)
		}
	}
}

func TestSlurmThatDoesNotAnswerIsUnknownAndNeverZero(t *testing.T) {
	t.Parallel()
	_, jobs, config := slurmAnswers()
	for want, a := range map[string]answer{
		"Unable to contact slurm controller": {Out: "slurm_load_license error: Unable to contact slurm controller (connect failure)\n", Exit: 1},
		"No licenses configured in Slurm.":   {Out: "No licenses configured in Slurm.\n"},
		"tells of no license":                {Out: ""},
		"did not end within":                 {Out: slurmLicenses, Hang: true},
		"more than":                          {Endless: true},
	} {
		a.Tool, a.Args = "scontrol", []string{"show", "lic", "--oneliner"}
		r := slurmReader(t, a, jobs, config)
		if a.Hang {
			r.Timeout = time.Second
		}
		res := read(t, r)
		if !strings.Contains(res.Failure, want) || res.HasSnapshot() || res.At.IsZero() {
			t.Errorf("failure %q, snapshot %v, want %q and none", res.Failure, res.HasSnapshot(), want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := slurmReader(t, jobs).Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("giving up: %v, want context.Canceled", err)
	}
	if res := read(t, &collect.Slurm{Scontrol: "scontrol", Now: time.Now}); !strings.Contains(res.Failure, "no absolute path") {
		t.Errorf("a tool on the search path: failure %q", res.Failure)
	}
}
