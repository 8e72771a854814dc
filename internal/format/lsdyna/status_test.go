package lsdyna_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/lsdyna"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

func parse(t testing.TB, in []byte) facts.Output {
	t.Helper()
	out, err := lsdyna.ParseStatus(bytes.NewReader(in), facts.Options{})
	if err != nil {
		t.Fatalf("ParseStatus: %v", err)
	}
	formattest.CheckOutput(t, out)
	return out
}

func TestStatusGolden(t *testing.T) {
	for _, path := range formattest.Fixtures(t, "testdata/*.txt") {
		formattest.Golden(t, path, parse(t, formattest.Fixture(t, path)))
	}
}

// The facts that the index of the captures states.
func TestSampleSharedPool(t *testing.T) {
	out := parse(t, formattest.Sample(t, "lsdyna/lstc_qrun-r-shared-pool-in-use.txt"))
	if len(out.Servers) != 1 || out.Unread.Total != 0 {
		t.Fatalf("%d servers, unread %v, error %q", len(out.Servers), out.Unread.First, out.Error)
	}
	s := out.Servers[0]
	pool := license.Pool{Feature: lsdyna.Group}
	want := []license.Reading{{Pool: pool, State: license.StateCounted, Installed: license.Of(500), InUse: license.Of(440), Queued: license.Of(0)}}
	if diff := cmp.Diff(want, s.Snapshot.Readings); diff != "" || !s.Snapshot.Complete {
		t.Errorf("complete %t, -want +got\n%s", s.Snapshot.Complete, diff)
	}
	users, cpus := map[string]bool{}, int64(0)
	for _, h := range s.Snapshot.Holders {
		users[h.User] = true
		cpus += h.Licenses
		if h.Display != "MPPDYNA" || h.Handle == "" || !strings.HasPrefix(h.Host, "n-c") {
			t.Errorf("job %+v, want one of MPPDYNA with its process and host", h)
		}
	}
	if len(s.Snapshot.Holders) != 6 || len(users) != 4 || cpus != 440 {
		t.Errorf("%d jobs of %d users with %d CPUs, want 6 of 4 with 440", len(s.Snapshot.Holders), len(users), cpus)
	}
	wantTerms := []facts.Term{{Pool: pool, State: license.StateCounted, Count: license.Of(500), Expiry: time.Date(2022, 12, 30, 0, 0, 0, 0, time.UTC), Text: "12/30/2022"}}
	if diff := cmp.Diff(wantTerms, s.Terms); diff != "" {
		t.Errorf("terms: -want +got\n%s", diff)
	}
	if s.Server.Port != 31010 || strings.Join(s.Server.Hosts, " ") != "licserv0004.com" {
		t.Errorf("server %+v, want licserv0004.com and port 31010", s.Server)
	}
}

func TestSampleErrorIsNotZero(t *testing.T) {
	out := parse(t, formattest.Sample(t, "lsdyna/lstc_qrun-error.txt"))
	if want := "*** ERROR failed to open server localhost"; out.Error != want || len(out.Servers) != 0 || out.Unread.Total != 0 {
		t.Errorf("error %q, %d servers, unread %v; want %q, no server, none unread", out.Error, len(out.Servers), out.Unread.First, want)
	}
}

const program = "MPPDYNA 12/30/2022 - 60 500 | 0\n"

// Each program repeats the counts of the group, so their sum would be many
// times what there is.
func TestWithoutTheGroupsLineUseIsUnknown(t *testing.T) {
	s := parse(t, []byte(program+" ann 1@h 80\nLS-DYNA 12/30/2022 0 60 500 | 0\n")).Servers[0].Snapshot
	want := []license.Reading{{Pool: license.Pool{Feature: lsdyna.Group}, Reason: "the output has no line LICENSE GROUP"}}
	if diff := cmp.Diff(want, s.Readings); diff != "" || s.Complete || len(s.Holders) != 1 {
		t.Errorf("complete %t, %d holders, -want +got\n%s", s.Complete, len(s.Holders), diff)
	}
}

func TestOneOddLineCostsNothingElse(t *testing.T) {
	out := parse(t, []byte(program+" ann 1@h 80\n bob ?@h 80\n carl 2@h 4\nLICENSE GROUP 84 416 500 | 0\n"))
	s := out.Servers[0].Snapshot
	if len(s.Holders) != 2 || s.Readings[0].InUse != license.Of(84) || s.Complete {
		t.Errorf("%+v; want two jobs, 84 in use, and not complete", s)
	}
	if out.Unread.Total != 1 || out.Unread.First[0].Line != 3 {
		t.Errorf("unread %v, want line 3", out.Unread.First)
	}
}

func TestNothingReadIsAnError(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "the output is empty",
		"No programs queued\n":     "the output has no table of licenses, as lstc_qrun -r prints it",
		"LICENSE INFORMATION\n\n":  "the output has no table of licenses, as lstc_qrun -r prints it",
		"*** ERROR no such host\n": "*** ERROR no such host",
	} {
		if out := parse(t, []byte(in)); out.Error != want {
			t.Errorf("error of %q is %q, want %q", in, out.Error, want)
		}
	}
}

func TestACutOutputHoldsTogether(t *testing.T) {
	formattest.EachCut(formattest.Fixture(t, "testdata/busy.txt"), func(cut []byte) {
		for _, s := range parse(t, cut).Servers {
			if r := s.Snapshot.Readings[0]; r.InUse.Known && r.InUse != license.Of(376) || r.Installed.Known && r.Installed != license.Of(400) {
				t.Fatalf("after %d bytes %+v", len(cut), r)
			}
		}
	})
}

func TestUnknownCodePageIsRefused(t *testing.T) {
	if _, err := lsdyna.ParseStatus(strings.NewReader(""), facts.Options{CodePage: "klingon"}); err == nil {
		t.Error("no error for a code page that does not exist")
	}
}

func FuzzStatus(f *testing.F) {
	for _, path := range formattest.Fixtures(f, "testdata/*.txt") {
		f.Add(formattest.Fixture(f, path))
	}
	f.Add([]byte("A 1/1/26 - 1 2 | 3\n u 1@h 4\nLICENSE GROUP 4 0 2147483647 | 0\n*** x\n"))
	f.Add([]byte("LICENSE GROUP 1 2 3 | 4\nA 1 2 3 | 4\nUsing x 1@h\n"))
	f.Fuzz(func(t *testing.T, in []byte) { parse(t, in) })
}
