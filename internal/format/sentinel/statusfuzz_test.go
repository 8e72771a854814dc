package sentinel_test

import (
	"bytes"
	"testing"

	"headroom/internal/format/facts"
	"headroom/internal/format/sentinel"
	"headroom/internal/formattest"
)

func FuzzStatus(f *testing.F) {
	for _, in := range fixtures(f, "testdata/status/*.txt") {
		f.Add(in)
	}
	// Short inputs are what mutation works best on.
	for _, in := range []string{
		heading + counts + client,
		"[Contacting x server on host \"h\"]\nFeature name : f Feature version : 1\nMax concurrent user : 1\nUnreserved keys in use : 0 Available unreserved : 1\n",
		"|- Feature Information\n|- Queued Client Information\n|- License Information\n|- User name : u\n|- Status : Queued since Mon Jan 1 00:00:00 2001\n",
		"Error: Unable to contact",
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := sentinel.ParseStatus(bytes.NewReader(in), facts.Options{})
		checkFuzzedOutput(t, out, err)
	})
}

func checkFuzzedOutput(t *testing.T, out facts.Output, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("error of a reader that has none: %v", err)
	}
	formattest.CheckOutput(t, out)
	for _, s := range out.Servers {
		if (s.Error == "") == (len(s.Snapshot.Readings) == 0) || s.Partial != "" && s.Snapshot.Complete {
			t.Fatalf("error %q, %q, complete %t, %d readings", s.Error, s.Partial, s.Snapshot.Complete, len(s.Snapshot.Readings))
		}
	}
}
