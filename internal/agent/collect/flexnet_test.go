package collect_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/agent/collect"
	"headroom/internal/license"
)

var now = time.Date(2026, 3, 3, 9, 15, 42, 123, time.UTC)

func flexNet(t *testing.T, mode string) *collect.FlexNet {
	t.Helper()
	return &collect.FlexNet{
		Tool: tool, License: mode, Zone: time.UTC, Timeout: 20 * time.Second,
		Now: func() time.Time { return now },
	}
}

func read(t *testing.T, r interface {
	Read(context.Context) (collect.Result, error)
},
) collect.Result {
	t.Helper()
	res, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestFlexNetReadsCountsAndHolders(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"good", "exit1", "crlf"} {
		res := read(t, flexNet(t, mode))
		if res.Failure != "" {
			t.Fatalf("%s: failed: %s", mode, res.Failure)
		}
		if want := now.Truncate(time.Second); !res.Snapshot.At.Equal(want) || !res.Own {
			t.Errorf("%s: read at %v, own clock %v, want %v, true", mode, res.Snapshot.At, res.Own, want)
		}
		want := []license.Reading{
			{
				Pool: license.Pool{Feature: "DRAFT"}, Daemon: "acmed", State: license.StateCounted,
				Installed: license.Of(12), InUse: license.Of(3), Reserved: license.Of(0), Borrowed: license.Of(0), Queued: license.Of(0),
			},
			{
				Pool: license.Pool{Feature: "MILL"}, Daemon: "acmed", State: license.StateCounted,
				Installed: license.Of(4), InUse: license.Of(0), Reserved: license.Of(0), Borrowed: license.Of(0), Queued: license.Of(0),
			},
		}
		if diff := cmp.Diff(want, res.Snapshot.Readings); diff != "" {
			t.Errorf("%s: readings (-want +got):\n%s", mode, diff)
		}
		if len(res.Snapshot.Holders) != 2 || !res.Snapshot.Complete {
			t.Errorf("%s: %d holders, complete %v, want 2, true", mode, len(res.Snapshot.Holders), res.Snapshot.Complete)
		}
		wantServer := license.Server{Manager: "flexnet", Version: "11.16.2", Hosts: []string{"lic01.example.com"}, Port: 27000}
		if diff := cmp.Diff(wantServer, res.Server); diff != "" {
			t.Errorf("%s: server (-want +got):\n%s", mode, diff)
		}
	}
}

func TestWhatIsNoStatusIsUnknownAndNeverZero(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{
		"refused":    "Connection refused",
		"vendordown": "vendor daemon is down",
		"silent":     "",
		"other":      "",
		"two":        "lic02.example.com",
		"flood":      "more than",
		"half":       "did not end within",
	} {
		r := flexNet(t, mode)
		if mode == "half" {
			r.Timeout = time.Second
		}
		res := read(t, r)
		if res.Failure == "" || !strings.Contains(res.Failure, want) {
			t.Errorf("%s: failure %q, want one with %q", mode, res.Failure, want)
		}
		if res.HasSnapshot() || len(res.Snapshot.Readings) != 0 {
			t.Errorf("%s: a failed reading has the snapshot %+v", mode, res.Snapshot)
		}
		if strings.Contains(res.Failure, "\n") || res.At.IsZero() {
			t.Errorf("%s: failure %q at %v, want one line and an instant", mode, res.Failure, res.At)
		}
	}
}

func TestHostTellsWhichOfSeveralServersIsMeant(t *testing.T) {
	t.Parallel()
	r := flexNet(t, "two")
	for host, want := range map[string]string{"LIC02": "lic02.example.com", "lic01.example.com": "lic01.example.com"} {
		r.Host = host
		res := read(t, r)
		if res.Failure != "" || len(res.Server.Hosts) != 1 || res.Server.Hosts[0] != want {
			t.Errorf("host %s: read %v, failure %q, want %s", host, res.Server.Hosts, res.Failure, want)
		}
	}
	r.Host = "lic03"
	if res := read(t, r); !strings.Contains(res.Failure, "lic03") {
		t.Errorf("a host that is not there: failure %q, want one that names it", res.Failure)
	}
}

func TestGivingUpIsNoReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if res, err := flexNet(t, "good").Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %+v, %v, want context.Canceled", res, err)
	}
}

// capture writes a file that nobody has touched for an hour.
func capture(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func TestFileIsReadAnewAtEachInterval(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lmstat.txt")
	r := &collect.File{Path: path, Zone: time.UTC, Now: func() time.Time { return now }}

	if res := read(t, r); !strings.Contains(res.Failure, "lmstat.txt") {
		t.Errorf("a missing file: failure %q, want one that names it", res.Failure)
	}
	for _, used := range []string{"3", "5"} {
		capture(t, path, strings.Replace(status, "Total of 3 licenses", "Total of "+used+" licenses", 1))
		res := read(t, r)
		if res.Failure != "" || !res.Own || !res.Snapshot.At.Equal(now.Truncate(time.Second)) {
			t.Fatalf("failure %q, own clock %v, at %v", res.Failure, res.Own, res.Snapshot.At)
		}
		if got := res.Snapshot.Readings[0].InUse.String(); got != used {
			t.Errorf("in use %s, want %s", got, used)
		}
	}
}

func TestReplayTakesTheTimeOfTheStatusOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lmstat.txt")
	zone := time.FixedZone("", 2*60*60)
	r := &collect.File{Path: path, Zone: zone, Replay: true, Now: func() time.Time { return now }}
	capture(t, path, status)

	res := read(t, r)
	if want := time.Date(2026, 3, 3, 7, 15, 0, 0, time.UTC); !res.Snapshot.At.Equal(want) || res.Own {
		t.Errorf("replayed at %v, own clock %v, want %v, false", res.Snapshot.At, res.Own, want)
	}
	if res = read(t, r); res.Failure != "" || res.HasSnapshot() {
		t.Errorf("an unchanged file says something new: %+v", res)
	}
	capture(t, path, strings.Replace(status, "09:15", "09:30", 1))
	if res = read(t, r); !res.HasSnapshot() {
		t.Errorf("a changed file says nothing new: %+v", res)
	}
	capture(t, path, strings.Replace(status, "Flexible License Manager status on Tue 3/3/2026 09:15\n", "", 1))
	if res = read(t, r); !strings.Contains(res.Failure, "no status date") {
		t.Errorf("a text without a date: failure %q", res.Failure)
	}
}

func TestFileThatIsBeingWrittenIsNotReadHalf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lmstat.txt")
	half, rest := status[:len(status)/2], status[len(status)/2:]
	if err := os.WriteFile(path, []byte(half), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := time.AfterFunc(500*time.Millisecond, func() {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := f.WriteString(rest); err != nil {
			t.Error(err)
		}
	})
	defer whole.Stop()
	res := read(t, &collect.File{Path: path, Zone: time.UTC, Now: time.Now})
	if res.Failure != "" || len(res.Snapshot.Readings) != 2 {
		t.Errorf("%d features, failure %q, want both features", len(res.Snapshot.Readings), res.Failure)
	}
}
