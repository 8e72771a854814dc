package olicense_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/olicense"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

func parse(t testing.TB, in []byte, o facts.Options) facts.Output {
	t.Helper()
	out, err := olicense.ParseStatus(bytes.NewReader(in), o)
	if err != nil {
		t.Fatalf("ParseStatus: %v", err)
	}
	formattest.CheckOutput(t, out)
	return out
}

func berlin(t testing.TB) facts.Options {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return facts.Options{Zone: zone}
}

func TestStatusGolden(t *testing.T) {
	for _, path := range formattest.Fixtures(t, "testdata/*.txt") {
		formattest.Golden(t, path, parse(t, formattest.Fixture(t, path), berlin(t)))
	}
}

// The facts that the index of the captures states.
func TestSampleModuleInTwoLicenses(t *testing.T) {
	out := parse(t, formattest.Sample(t, "olicense/olixtool-4.8-in-use-utf8.txt"), facts.Options{})
	if len(out.Servers) != 1 || out.Unread.Total != 0 {
		t.Fatalf("%d servers, unread %v, error %q", len(out.Servers), out.Unread.First, out.Error)
	}
	s := out.Servers[0]
	pool := license.Pool{Feature: "ftire_adams"}
	want := []license.Reading{{Pool: pool, Daemon: "cosin", State: license.StateCounted, Installed: license.Of(4), InUse: license.Of(3)}}
	if diff := cmp.Diff(want, s.Snapshot.Readings); diff != "" || !s.Snapshot.Complete {
		t.Errorf("complete %t, -want +got\n%s", s.Snapshot.Complete, diff)
	}
	users := map[string]int64{}
	for _, h := range s.Snapshot.Holders {
		users[h.User] += h.Licenses
	}
	if diff := cmp.Diff(map[string]int64{"sbhyma": 2, "user22": 1}, users); diff != "" {
		t.Errorf("licenses per user: -want +got\n%s", diff)
	}
	if len(s.Terms) != 2 || s.Terms[0].Count != license.Of(3) || s.Terms[1].Count != license.Of(1) ||
		!s.Terms[0].Expiry.Equal(time.Date(2022, 12, 31, 23, 59, 59, 0, time.UTC)) || !s.Terms[1].Expiry.Equal(time.Date(2023, 2, 28, 23, 59, 0, 0, time.UTC)) {
		t.Errorf("terms %+v, want 3 until the end of 2022 and 1 until the end of February 2023", s.Terms)
	}
	if s.Server.Port != 31212 || strings.Join(s.Server.Hosts, " ") != "138.106.32.97" {
		t.Errorf("server %+v, want 138.106.32.97 and port 31212", s.Server)
	}
}

func TestSampleErrorIsNotZero(t *testing.T) {
	out := parse(t, formattest.Sample(t, "olicense/olixtool-4.8-error.txt"), facts.Options{})
	if want := "OlComm 454 Request cannot connect to target"; out.Error != want || len(out.Servers) != 0 || out.Unread.Total != 0 {
		t.Errorf("error %q, %d servers, unread %v; want %q, no server, none unread", out.Error, len(out.Servers), out.Unread.First, want)
	}
}

const block = "==============\nApplication:\ta\nModules:\n"

func TestOneOddLineCostsNothingElse(t *testing.T) {
	out := parse(t, []byte(block+"m; FreeFloating; 3; 2026-01-01 00:00:00;\n 1 FloatsLockedBy:\n  ??\n  u@h #1\nk; FreeFloating; 2; x;\n"), facts.Options{})
	s := out.Servers[0].Snapshot
	if len(s.Readings) != 2 || s.Readings[0].InUse != license.Of(1) || len(s.Holders) != 1 || s.Complete {
		t.Errorf("%+v; want two modules, a holder, and not complete", s)
	}
	if out.Unread.Total != 1 || out.Unread.First[0].Text != "??" || out.Unread.First[0].Line != 6 {
		t.Errorf("unread %v, want line 6", out.Unread.First)
	}
}

func TestWhatCannotBeReadIsUnknown(t *testing.T) {
	out := parse(t, []byte(block+"m; FreeFloating; 3; ;\n many FloatsLockedBy:\nk; NodeLocked; all; ;\n"), facts.Options{})
	r := out.Servers[0].Snapshot.Readings
	if r[0].State != license.StateCounted || r[0].InUse.Known {
		t.Errorf("%+v; want an unknown number in use", r[0])
	}
	if r[1].State != license.StateUnknown || r[1].InUse.Known || r[1].Reason != "FloatCount is all" {
		t.Errorf("%+v; want unknown, with the reason", r[1])
	}
	if out.Unread.Total != 1 || out.Unread.First[0].Line != 5 {
		t.Errorf("unread %v, want line 5", out.Unread.First)
	}
}

func TestColumnsAreFoundByTheirHeader(t *testing.T) {
	out := parse(t, []byte(block+"Name; Expiration; LicenseType; FloatCount; Note\nm; 2026-01-01 00:00:00; FreeFloating; 3; x\n"), facts.Options{})
	s := out.Servers[0]
	if s.Snapshot.Readings[0].Installed != license.Of(3) || s.Terms[0].Expiry.Year() != 2026 {
		t.Errorf("%+v", s)
	}
}

func TestNothingReadIsAnError(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "the output is empty",
		"hello\n":                       "the output lists no modules of a license",
		"olixtool 4.8.0 - Status\n":     "the output lists no modules of a license",
		"List of requested licenses:\n": "the output lists no modules of a license",
	} {
		if out := parse(t, []byte(in), facts.Options{}); out.Error != want {
			t.Errorf("error of %q is %q, want %q", in, out.Error, want)
		}
	}
}

func TestACutOutputHoldsTogether(t *testing.T) {
	formattest.EachCut(formattest.Fixture(t, "testdata/two-applications.txt"), func(cut []byte) { parse(t, cut, facts.Options{}) })
}

func TestUnknownCodePageIsRefused(t *testing.T) {
	if _, err := olicense.ParseStatus(strings.NewReader(""), facts.Options{CodePage: "klingon"}); err == nil {
		t.Error("no error for a code page that does not exist")
	}
}

func FuzzStatus(f *testing.F) {
	for _, path := range formattest.Fixtures(f, "testdata/*.txt") {
		f.Add(formattest.Fixture(f, path))
	}
	f.Add([]byte("=====\nm;f;3;2026-01-01 00:00:00;\n1 FloatsLockedBy:\nu@h #1\n"))
	f.Add([]byte("Server: <::1:2:0>\n=====\nm;f;;9999-12-31 23:59:59\n? FloatsLockedBy\nOlComm 1 x\n"))
	o := berlin(f)
	f.Fuzz(func(t *testing.T, in []byte) { parse(t, in, o) })
}
