package formattest

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// CheckOutput fails the test where a result does not hold together, whatever
// the text was that it was read from.
func CheckOutput(t testing.TB, out facts.Output) {
	t.Helper()
	if (out.Error == "") == (len(out.Servers) == 0) {
		t.Fatalf("error %q with %d servers", out.Error, len(out.Servers))
	}
	if out.Unread.Total < len(out.Unread.First) || out.Unread.Total > out.Lines {
		t.Fatalf("%d unread of %d lines, %d kept", out.Unread.Total, out.Lines, len(out.Unread.First))
	}
	b, err := json.Marshal(out)
	if err != nil || !utf8.Valid(b) {
		t.Fatalf("result cannot be written: %v", err)
	}
	for _, s := range out.Servers {
		checkStatus(t, s)
	}
}

func checkStatus(t testing.TB, s facts.Status) {
	t.Helper()
	if s.Server.Manager == "" {
		t.Fatalf("server without a manager: %+v", s.Server)
	}
	if s.Error != "" && (len(s.Snapshot.Readings) > 0 || s.Snapshot.Complete) {
		t.Fatalf("error %q with a snapshot", s.Error)
	}
	checkTime(t, s.Snapshot.At)
	pools := map[license.Pool]bool{}
	for _, r := range s.Snapshot.Readings {
		if pools[r.Pool] {
			t.Fatalf("two readings of %v", r.Pool)
		}
		pools[r.Pool] = true
		checkReading(t, r)
	}
	for _, h := range s.Snapshot.Holders {
		if !pools[h.Pool] || h.User == "" || h.Kind == "" || h.Licenses < 0 {
			t.Fatalf("holder %+v, pool known %t", h, pools[h.Pool])
		}
		checkTime(t, h.Since)
	}
	for _, a := range s.Assigned.List {
		if !pools[a.Pool] || a.Name == "" || a.Kind == "" || s.Assigned.LastIs == "" {
			t.Fatalf("assignment %+v, pool known %t, last is %q", a, pools[a.Pool], s.Assigned.LastIs)
		}
		checkTime(t, a.First)
		checkTime(t, a.Last)
	}
	for _, term := range s.Terms {
		if term.Pool.Feature == "" || (term.State == license.StateCounted) != term.Count.Known || term.Count.N < 0 {
			t.Fatalf("term %+v", term)
		}
		checkTime(t, term.Start)
		checkTime(t, term.Expiry)
	}
}

func checkReading(t testing.TB, r license.Reading) {
	t.Helper()
	failed := r.State == license.StateError || r.State == license.StateUnknown
	if r.Pool.Feature == "" || (r.State == license.StateCounted) != r.Installed.Known || failed && r.InUse.Known {
		t.Fatalf("reading %+v", r)
	}
	for _, c := range []license.Count{r.Installed, r.InUse, r.Reserved, r.Borrowed, r.Queued, r.Overdraft} {
		if c.N < 0 || !c.Known && c.N != 0 {
			t.Fatalf("reading %+v", r)
		}
	}
}

// checkTime wants an instant in UTC, in whole seconds, that can be written.
func checkTime(t testing.TB, at time.Time) {
	t.Helper()
	if at.Location() != time.UTC || at.Nanosecond() != 0 || at.Year() < 0 || at.Year() > 9999 {
		t.Fatalf("time %v", at)
	}
}
