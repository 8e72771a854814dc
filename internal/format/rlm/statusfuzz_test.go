package rlm_test

import (
	"strings"
	"testing"

	"headroom/internal/format/facts"
	"headroom/internal/format/rlm"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

func FuzzStatus(f *testing.F) {
	for _, path := range formattest.Fixtures(f, "testdata/status/*.txt") {
		f.Add(fixture(f, path))
	}
	// Short inputs are what mutation works best on.
	f.Add(statusText)
	f.Add("a license pool status on b (port 1)\np v1, pool: 2\nUNCOUNTED, inuse: 1\np v1\nToken-based license\np v1\ncount: unlimited, inuse: 2\n")
	f.Add("Error connecting to \"rlm\" server\nConnection attempted to host: \"b\" on port 99999\nx\nError y\n")
	f.Fuzz(func(t *testing.T, in string) {
		out, err := rlm.ParseStatus(strings.NewReader(in), facts.Options{})
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		if (out.Error == "") == (len(out.Servers) == 0) {
			t.Fatalf("error %q with %d servers", out.Error, len(out.Servers))
		}
		if out.Unread.Total < len(out.Unread.First) || out.Unread.Total > out.Lines {
			t.Fatalf("%d unread of %d lines, %d kept", out.Unread.Total, out.Lines, len(out.Unread.First))
		}
		for _, s := range out.Servers {
			checkFuzzedServer(t, s)
		}
	})
}

func checkFuzzedServer(t *testing.T, s facts.Status) {
	t.Helper()
	if (s.Error == "") == (len(s.Snapshot.Readings) == 0) || s.Snapshot.Complete && s.Partial != "" {
		t.Fatalf("status %+v", s)
	}
	seen := map[license.Pool]bool{}
	for _, r := range s.Snapshot.Readings {
		if seen[r.Pool] || r.Pool.Feature == "" {
			t.Fatalf("two readings of %v", r.Pool)
		}
		seen[r.Pool] = true
		unknown := r.State == license.StateUnknown
		if unknown && (r.InUse.Known || r.Installed.Known || r.Reason == "") || r.InUse.N < 0 || r.Installed.N < 0 ||
			r.Reserved.N < 0 || r.Reserved.N > r.InUse.N || (r.State == license.StateCounted) != r.Installed.Known {
			t.Fatalf("reading %+v", r)
		}
	}
	for _, h := range s.Snapshot.Holders {
		if h.User == "" || h.Licenses < 0 || s.Snapshot.Complete && !seen[h.Pool] {
			t.Fatalf("holder %+v", h)
		}
	}
	for _, term := range s.Terms {
		if !seen[term.Pool] || (term.State == license.StateCounted) != term.Count.Known {
			t.Fatalf("term %+v", term)
		}
	}
}
