package flexnet_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"headroom/internal/format/flexnet"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

func FuzzStatus(f *testing.F) {
	for _, path := range formattest.Fixtures(f, "testdata/status/*.txt") {
		f.Add(formattest.Fixture(f, path))
	}
	f.Add([]byte(termsTable))
	// Short inputs are what mutation works best on.
	for _, s := range []string{
		"Users of A: (Total of 1 license issued; Total of 1 license in use)\n\"A\" v1, vendor: d, expiry: 1-jan-0\nfloating license\nu h d e (v1) (s/1 2), start Fri 2/29 8:00, 2 licenses (linger: 1 / 2), PID: 3\n",
		"Users of A: (Uncounted, node-locked)\nu h d 1 (v1) (s/1 2) queued for 1 license\n\t1 RESERVATION for USER u (s/1)\n",
		"License server status: 1@a,b\na: license server UP (MASTER) v1\nVendor daemon status (on a):\nd: UP v1\nFeature usage info:\nUsers of A: (Error: x)\n",
		"Error getting status: x (-15,570:111 \"y\")\n-----\na: x (-1,2)\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := flexnet.ParseStatus(bytes.NewReader(in), flexnet.StatusOptions{})
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		if (s.Error == "") == (len(s.Sections) == 0) {
			t.Fatalf("error %q with %d sections", s.Error, len(s.Sections))
		}
		if s.UnreadTotal < len(s.Unread) || s.UnreadTotal > s.Lines {
			t.Fatalf("%d unread of %d lines, %d kept", s.UnreadTotal, s.Lines, len(s.Unread))
		}
		for _, sec := range s.Sections {
			for _, ft := range sec.Features {
				checkFuzzedFeature(t, ft)
			}
		}
		for _, n := range flexnet.Snapshots(s) {
			checkFuzzedSnapshot(t, n.Snapshot)
		}
	})
}

func checkFuzzedFeature(t *testing.T, f flexnet.Feature) {
	t.Helper()
	if f.Name == "" || (f.State == license.StateCounted) != f.Installed.Known {
		t.Fatalf("feature %+v", f)
	}
	for _, c := range f.Checkouts {
		if c.User == "" || c.Licenses < 0 || c.Linger < 0 || c.Remaining < 0 || c.Pool < -1 || c.Pool >= len(f.Pools) {
			t.Fatalf("line %d of %s: %+v", c.Line, f.Name, c)
		}
	}
}

func checkFuzzedSnapshot(t *testing.T, s license.Snapshot) {
	t.Helper()
	seen := map[license.Pool]bool{}
	for _, r := range s.Readings {
		if seen[r.Pool] {
			t.Fatalf("two readings of %v", r.Pool)
		}
		seen[r.Pool] = true
		failed := r.State == license.StateError || r.State == license.StateUnknown
		if failed && (r.InUse.Known || r.Installed.Known) || r.InUse.N < 0 || r.Installed.N < 0 {
			t.Fatalf("reading %+v", r)
		}
	}
	for _, h := range s.Holders {
		if !seen[h.Pool] {
			t.Fatalf("holder of %v, which has no reading", h.Pool)
		}
	}
}

func FuzzTerms(f *testing.F) {
	f.Add([]byte(termsTable))
	f.Add([]byte("Feature Version #licenses Expires Vendor\nA 1 2 permanent(no expiration date) v\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		terms, err := flexnet.ParseTerms(bytes.NewReader(in), "")
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		if terms.Error != "" && len(terms.Rows) > 0 {
			t.Fatalf("error %q with %d rows", terms.Error, len(terms.Rows))
		}
		for _, r := range terms.Rows {
			if r.Feature == "" || (r.State == license.StateCounted) != r.Count.Known {
				t.Fatalf("row %+v", r)
			}
		}
	})
}

func FuzzLicenseFile(f *testing.F) {
	for _, path := range formattest.Fixtures(f, "testdata/license/*.lic") {
		f.Add(formattest.Fixture(f, path))
	}
	f.Add([]byte("INCREMENT A v 1 permanent 3 NOTICE=\"a”SN=1 SIGN= \\\nDEADBEEF"))
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := flexnet.ParseLicenseFile(bytes.NewReader(in), "")
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		for _, e := range file.Entries {
			for key := range e.Attrs {
				if strings.HasPrefix(key, "SIGN") || key == "CK" {
					t.Fatalf("secret %s kept: %+v", key, e)
				}
			}
			if (e.State == license.StateCounted) != e.Count.Known || e.Line < 1 || e.Line > file.Lines {
				t.Fatalf("entry %+v", e)
			}
		}
		for _, e := range file.Entitlements() {
			if len(e.Entries) == 0 || e.Count.Known && e.Count.N <= 0 {
				t.Fatalf("entitlement %+v", e)
			}
		}
	})
}

// FuzzLicenseKeys puts a signature behind any text: it must not come out.
func FuzzLicenseKeys(f *testing.F) {
	f.Add("INCREMENT A v 1 permanent 3 NOTICE=\"a\"")
	f.Add("INCREMENT A v 1 permanent 3 NOTICE=\"open")
	f.Add("INCREMENT A v 1 permanent 3 NOTICE=open\"")
	f.Add("no license line at all")
	f.Fuzz(func(t *testing.T, head string) {
		if strings.Contains(head, "F00D") || strings.ContainsAny(head, "\r\n") {
			return
		}
		file, err := flexnet.ParseLicenseFile(strings.NewReader(head+" SIGN=\"F00D F00D\" \\\nF00D\n"), "")
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("F00D")) {
			t.Fatalf("signature behind %q in the result: %s", head, b)
		}
	})
}

func BenchmarkParseStatus(b *testing.B) {
	var in strings.Builder
	in.WriteString(beforeFeature)
	for range 50 {
		in.WriteString(strings.TrimPrefix(beforeUser, beforeFeature))
		for range 20 {
			in.WriteString("    user1 server034 server0340 (v31.000000) (host1/28000 5226), start Fri 10/20 16:40\n")
		}
	}
	b.SetBytes(int64(in.Len()))
	b.ReportAllocs()
	for b.Loop() {
		s, err := flexnet.ParseStatus(strings.NewReader(in.String()), flexnet.StatusOptions{})
		if err != nil || s.UnreadTotal != 0 {
			b.Fatal(err, s.Unread)
		}
	}
}
