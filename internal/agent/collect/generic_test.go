package collect_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/agent/collect"
	"headroom/internal/license"
)

// document is one of these further fields, with one pool.
func document(fields string) string {
	return `{"headroom_usage": 1, "server": {"hosts": ["lic01"], "version": "7"}, "pools": [{"feature": "CAD", "installed": 20, "in_use": 7}]` + fields + "}\n"
}

func genericReader(t *testing.T, a answer) *collect.Generic {
	t.Helper()
	a.Tool = "usage"
	return &collect.Generic{
		Command: append([]string{exe(fake(t, a), "usage")}, a.Args...), Timeout: 20 * time.Second, Now: func() time.Time { return now },
	}
}

func TestCommandThatPrintsOurJSONIsRead(t *testing.T) {
	t.Parallel()
	const past = `, "denials": [{"feature": "CAD", "at": "2026-03-03T08:59:58Z", "user": "ana", "reason": "none left"}],
		"events": [{"feature": "CAD", "from": "2026-03-03T09:00:00Z", "to": "2026-03-03T09:10:00Z", "start": 6, "exact": true,
		"steps": [{"at": "2026-03-03T09:05:00Z", "in_use": 7}]}]`
	r := genericReader(t, answer{
		Args: []string{"--server", "a b", "$(id)"}, Env: []string{"LANG=C", "LC_ALL=C"}, Err: "a warning {\n",
		Out: document(`, "holders": [{"feature": "CAD", "user": "mira", "licenses": 7}]` + past),
	})
	res := read(t, r)
	at, cad := now.Truncate(time.Second), license.Pool{Feature: "CAD"}
	want := collect.Result{
		At: at, Own: true, Server: license.Server{Manager: "generic", Hosts: []string{"lic01"}, Version: "7"},
		Snapshot: license.Snapshot{
			At: at, Complete: true,
			Readings: []license.Reading{{Pool: cad, State: license.StateCounted, Installed: license.Of(20), InUse: license.Of(7)}},
			Holders:  []license.Holder{{Pool: cad, User: "mira", Licenses: 7, Kind: license.HolderActive}},
		},
		Denials: []collect.Denial{{Pool: cad, At: time.Date(2026, 3, 3, 8, 59, 58, 0, time.UTC), User: "ana", Reason: "none left", Count: 1}},
		Events: []collect.Events{{
			Pool: cad, From: time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 3, 9, 10, 0, 0, time.UTC), Exact: true, Start: 6,
			Steps: []collect.Step{{At: time.Date(2026, 3, 3, 9, 5, 0, 0, time.UTC), InUse: 7, High: 7}},
		}},
	}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if res = read(t, r); len(res.Denials)+len(res.Events) != 0 || !res.HasSnapshot() {
		t.Errorf("the same past a second time: %+v", res)
	}
}

func TestFileWithOurJSONIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "usage.json")
	r := &collect.Generic{Path: path, Now: func() time.Time { return now }}
	if res := read(t, r); !strings.Contains(res.Failure, "usage.json") {
		t.Errorf("a missing file: failure %q", res.Failure)
	}
	at := time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)
	for i, want := range []bool{true, false} { // the second time it says nothing new
		capture(t, path, document(fmt.Sprintf(`, "at": %q`, at.Format(time.RFC3339))))
		res := read(t, r)
		if res.Failure != "" || res.HasSnapshot() != want || want && (res.Own || !res.Snapshot.At.Equal(at)) {
			t.Errorf("reading %d: failure %q, snapshot %v at %v, own %v", i+1, res.Failure, res.HasSnapshot(), res.Snapshot.At, res.Own)
		}
	}
	capture(t, path, document(`, "at": "2026-03-03T09:05:00Z"`))
	if res := read(t, r); !res.HasSnapshot() || !res.Unlisted {
		t.Errorf("a newer document without holders: snapshot %v, unlisted %v, want true, true", res.HasSnapshot(), res.Unlisted)
	}
	if err := os.WriteFile(path, []byte(document("")), 0o600); err != nil { // just now
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Now().Add(time.Hour), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if res := read(t, r); !res.Own || !res.Snapshot.At.Equal(now.Truncate(time.Second)) {
		t.Errorf("a document without its time: own %v at %v", res.Own, res.Snapshot.At)
	}
}

func TestPartOfADocumentIsAReadingWithANote(t *testing.T) {
	t.Parallel()
	r := genericReader(t, answer{Out: document(`, "holders": [{"user": "mira"}]`)})
	res := read(t, r)
	if want := "holders[0].feature: is missing"; res.Failure != "" || !strings.Contains(res.Note, want) || len(res.Snapshot.Readings) != 1 {
		t.Errorf("failure %q, note %q, want none and %q", res.Failure, res.Note, want)
	}
}

func TestDocumentMayTellOfThePastAlone(t *testing.T) {
	t.Parallel()
	r := genericReader(t, answer{Out: `{"headroom_usage": 1, "denials": [{"feature": "CAD", "at": "2026-03-03T08:59:58Z"}]}`})
	if res := read(t, r); res.Failure != "" || res.HasSnapshot() || len(res.Denials) != 1 {
		t.Errorf("result %+v, want one denial", res)
	}
}

func TestCommandThatFailsIsUnknownAndNeverZero(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]answer{
		"it is down (exit status 1)":       {Out: `{"headroom_usage": 1, "error": "it is down"}`, Exit: 1},
		"no such server (exit status 2)":   {Err: "usage: usage\n  no such server\n", Out: document(""), Exit: 2},
		"does not say why (exit status 1)": {Exit: 1},
		"it is up again":                   {Out: `{"headroom_usage": 1, "error": "it is up again"}`},
		"ends before its end":              {Out: document("")[:30]},
		"the document is empty":            {Err: "nothing to say\n"},
		"did not end within":               {Out: document(""), Hang: true},
		"more than":                        {Endless: true},
	} {
		r := genericReader(t, a)
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
	if _, err := genericReader(t, answer{}).Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("giving up: %v, want context.Canceled", err)
	}
}

// A program that talks without end on its error output is no reason to stop it.
func TestErrorOutputIsBounded(t *testing.T) {
	t.Parallel()
	r := genericReader(t, answer{Err: strings.Repeat("warning\n", 100_000) + "the last word\n", Out: document("")})
	if res := read(t, r); res.Failure != "" || !res.HasSnapshot() {
		t.Errorf("failure %q, want a reading", res.Failure)
	}
}
