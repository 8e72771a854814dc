package collect_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/agent/collect"
	"headroom/internal/license"
)

// A statusText is a license server's status that says what the test wants.
type statusText struct{ res collect.Result }

func (s *statusText) Read(context.Context) (collect.Result, error) { return s.res, nil }

// A joint is a status and a log of one license server.
type joint struct {
	t      *testing.T
	now    time.Time
	path   string
	status statusText
	r      *collect.Joined
}

func newJoint(t *testing.T, log string) *joint {
	t.Helper()
	j := &joint{t: t, path: filepath.Join(t.TempDir(), "debug.log")}
	j.write(log)
	format, err := collect.FlexNetLog(time.UTC, "")
	if err != nil {
		t.Fatal(err)
	}
	events, err := collect.NewEventLog(j.path, format, "", func() time.Time { return j.now })
	if err != nil {
		t.Fatal(err)
	}
	j.r = &collect.Joined{Status: &j.status, Log: events}
	t.Cleanup(func() {
		if err := j.r.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func (j *joint) write(text string) {
	j.t.Helper()
	f, err := os.OpenFile(j.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		j.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		j.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		j.t.Fatal(err)
	}
}

// look reads both while the status says how much of DRAFT is in use, and how
// much of that is reserved.
func (j *joint) look(clock string, inUse, reserved int64) collect.Result {
	j.t.Helper()
	j.now = at(clock)
	j.status.res = collect.Result{At: j.now, Own: true, Snapshot: license.Snapshot{At: j.now, Complete: true, Readings: []license.Reading{{
		Pool: license.Pool{Feature: "DRAFT"}, Daemon: "acmed", State: license.StateCounted,
		Installed: license.Of(20), InUse: license.Of(inUse), Reserved: license.Of(reserved),
	}}}}
	return read(j.t, j.r)
}

// clocked shows spans and steps by the time of day.
func clocked(res collect.Result) string {
	var b strings.Builder
	for _, e := range res.Events {
		fmt.Fprintf(&b, "%s %s-%s exact=%t %d", e.Pool, e.From.Format("15:04:05"), e.To.Format("15:04:05"), e.Exact, e.Start)
		for _, s := range e.Steps {
			fmt.Fprintf(&b, " %s:%d/%d", s.At.Format("15:04:05"), s.InUse, s.High)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// cutLog goes on where a log was cut: one of DRAFT is seen going out.
const cutLog = ` 8:00:02 (acmed) TIMESTAMP 3/3/2026
 8:10:00 (acmed) OUT: "DRAFT" kim@ws014  
`

func sees(t *testing.T, what, got, want string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestStatusAnchorsALogThatWasCut(t *testing.T) {
	j := newJoint(t, cutLog)
	first := j.look("08:20:00", 8, 3) // 5 by people: the log lacks 4
	sees(t, "a log that was cut tells nothing that the status does not tell better", clocked(first), "")
	if !first.HasSnapshot() {
		t.Error("the status is gone")
	}
	j.write(` 8:22:00 (acmed) OUT: "DRAFT" lee@ws020  (2 licenses) 
 8:23:00 (acmed) IN: "DRAFT" max@ws030  (3 licenses) 
 8:24:00 (acmed) IN: "DRAFT" ida@ws031  (3 licenses) 
`)
	sees(t, "after the status", clocked(j.look("08:25:00", 7, 3)),
		"DRAFT 08:20:00-08:24:55 exact=true 5 08:22:00:7/7 08:23:00:4/4\n") // of ida's 3 only one can be out
}

func TestStatusIsNoAnchorWhileSomethingChanges(t *testing.T) {
	j := newJoint(t, cutLog)
	j.look("08:20:00", 5, 0)
	j.write(` 8:20:10 (acmed) OUT: "DRAFT" lee@ws020  
`)
	sees(t, "the checkout may be in the status or not", clocked(j.look("08:25:00", 6, 0)), "")
	sees(t, "the next status is an anchor", clocked(j.look("08:30:00", 6, 0)), "DRAFT 08:25:00-08:29:55 exact=true 6\n")
}

func TestAnchorThatProvesWrongIsTakenUp(t *testing.T) {
	j := newJoint(t, cutLog)
	j.look("08:20:00", 5, 0)
	j.look("08:25:00", 4, 0)
	sees(t, "the status said something else", clocked(j.look("08:30:00", 4, 0)), "DRAFT 08:25:00-08:29:55 exact=true 4\n")
}

func TestLogFromAStartOnNeedsNoAnchor(t *testing.T) {
	j := newJoint(t, logStart+logMorning)
	j.look("08:40:05", 2, 0)
	sees(t, "the status differs, and the log counts", clocked(collect.Result{Events: only(j.look("08:50:05", 9, 0).Events, "DRAFT")}),
		"DRAFT 08:40:00-08:50:00 exact=true 2\n")
}

func TestOneOfStatusAndLogDoesNotHoldUpTheOther(t *testing.T) {
	j := newJoint(t, logStart+logMorning)
	j.now = at("08:40:05")
	j.status.res = collect.Result{At: j.now, Failure: "no answer"}
	if res := read(t, j.r); res.Failure != "no answer" || len(res.Events) == 0 || res.Resume == "" {
		t.Errorf("without a status: failure %q, %d spans, resume %q", res.Failure, len(res.Events), res.Resume)
	}
	if err := os.Remove(j.path); err != nil {
		t.Fatal(err)
	}
	if res := j.look("08:50:05", 3, 0); res.Failure != "" || !res.HasSnapshot() || !strings.Contains(res.Note, "debug.log") {
		t.Errorf("without a log: failure %q, note %q", res.Failure, res.Note)
	}
}

func TestLogNamesPoolsAsTheStatusDoes(t *testing.T) {
	j := newJoint(t, logStart+logMorning)
	j.now = at("08:40:05")
	pool := license.Pool{Feature: "DRAFT", Daemon: "acmed"}
	j.status.res = collect.Result{At: j.now, Snapshot: license.Snapshot{At: j.now, Readings: []license.Reading{{Pool: pool}}}}
	named := 0
	for _, e := range read(t, j.r).Events {
		if e.Pool == pool {
			named++
		}
	}
	if named != 1 {
		t.Errorf("%d spans of %s, want 1: two daemons serve it, says the status", named, pool)
	}
}

// A status of an old RLM has no numbers of pools, and the report log beside it has:
// they would be two pools of the same licenses.
func TestLogNamesAFeatureAsAWholeWhereTheStatusDoes(t *testing.T) {
	for _, c := range []struct{ name, variant, want string }{
		{"without numbers", "", "solver"},
		{"with numbers", "1", "solver (1),solver (2)"},
	} {
		path := filepath.Join(t.TempDir(), "report.log")
		if err := os.WriteFile(path, []byte(rlmReport), 0o600); err != nil {
			t.Fatal(err)
		}
		format, err := collect.RLMReportLog(time.UTC, "")
		if err != nil {
			t.Fatal(err)
		}
		now := at("09:00:30")
		events, err := collect.NewEventLog(path, format, "", func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		status := &statusText{collect.Result{At: now, Own: true, Snapshot: license.Snapshot{At: now, Complete: true, Readings: []license.Reading{{
			Pool: license.Pool{Feature: "solver", Variant: c.variant}, Daemon: "acme", State: license.StateCounted, Installed: license.Of(14), InUse: license.Of(3),
		}}}}}
		j := &collect.Joined{Status: status, Log: events}
		named := map[string]bool{}
		for _, e := range read(t, j).Events {
			if e.Pool.Feature == "solver" {
				named[e.Pool.String()] = true
			}
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		got := strings.Join(slices.Sorted(maps.Keys(named)), ",")
		if got != c.want {
			t.Errorf("a status %s: the log told of %s, want %s", c.name, got, c.want)
		}
	}
}
