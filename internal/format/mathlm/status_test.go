package mathlm_test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/mathlm"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

// taken is when the outputs without a date were taken.
var taken = time.Date(2026, 3, 4, 15, 30, 0, 0, time.UTC)

func parse(t testing.TB, in string, o facts.Options) facts.Output {
	t.Helper()
	out, err := mathlm.ParseStatus(strings.NewReader(in), o)
	if err != nil {
		t.Fatalf("ParseStatus: %v", err)
	}
	formattest.CheckOutput(t, out)
	return out
}

func TestStatusGolden(t *testing.T) {
	for _, path := range formattest.Fixtures(t, "testdata/status/*.txt") {
		formattest.Golden(t, path, parse(t, string(formattest.Fixture(t, path)), facts.Options{At: taken}))
	}
}

// The facts that the index of the captures states.
func TestSampleText(t *testing.T) {
	out := parse(t, string(formattest.Sample(t, "mathlm/monitorlm-11.2-text-WHITESPACE-COLLAPSED.txt")), facts.Options{})
	if len(out.Servers) != 1 || out.Unread.Total != 0 {
		t.Fatalf("%d servers, unread %v, error %q", len(out.Servers), out.Unread.First, out.Error)
	}
	s := out.Servers[0]
	row := func(program string, installed, inUse int64) license.Reading {
		return license.Reading{Pool: license.Pool{Feature: program, Variant: "A"}, State: license.StateCounted, Installed: license.Of(installed), InUse: license.Of(inUse)}
	}
	want := []license.Reading{row("Mathematica", 20, 2), row("MathKernel", 40, 4), row("Sub Mathematica", 80, 0), row("Sub MathKernel", 80, 0)}
	if diff := cmp.Diff(want, s.Snapshot.Readings); diff != "" || !s.Snapshot.Complete {
		t.Errorf("complete %t, -want +got\n%s", s.Snapshot.Complete, diff)
	}
	at := time.Date(2017, 8, 29, 14, 11, 59, 0, time.UTC)
	if !s.Snapshot.At.Equal(at) || s.Server.Version != "11.2" || strings.Join(s.Server.Hosts, " ") != "hostname.domain.com" {
		t.Errorf("at %v, server %+v", s.Snapshot.At, s.Server)
	}
	first := license.Holder{
		Pool: want[0].Pool, User: "username", Host: "client1.domain.com", Licenses: 1,
		Since: at.Add(-8*time.Hour - 49*time.Minute), Kind: license.HolderActive,
	}
	if diff := cmp.Diff(first, s.Snapshot.Holders[0]); diff != "" || len(s.Snapshot.Holders) != 4 {
		t.Errorf("%d holders, the first: -want +got\n%s", len(s.Snapshot.Holders), diff)
	}
}

func TestDateIsOfTheZoneThatMonitorlmWasTold(t *testing.T) {
	zone := time.FixedZone("", -5*3600)
	s := parse(t, "Date : Thursday, August 29 2017 14:11:59\nLicense Usage Summary:\nMathKernel A 0 1\n", facts.Options{Zone: zone}).Servers[0]
	if want := time.Date(2017, 8, 29, 19, 11, 59, 0, time.UTC); !s.Snapshot.At.Equal(want) {
		t.Errorf("at %v, want %v", s.Snapshot.At, want)
	}
}

const inUse = "License Usage Summary:\nMathKernel A 1 9\nLicenses in Use:\n"

func TestHostsCanBeMissingAndUsersCanHaveBlanks(t *testing.T) {
	for line, want := range map[string][2]string{
		"MathKernel 11.1 A ann pc1 08:49":                              {"ann", "pc1"},
		"MathKernel 11.1 A Jane Doe pc1 08:49":                         {"Jane Doe", "pc1"},
		"MathKernel 11.1 A ann 08:49":                                  {"ann", ""},
		"MathKernel  11.1  A  Jane Doe  08:49":                         {"Jane Doe", ""},
		"MathKernel  11.1  A  Jane Doe  pc1  08:49":                    {"Jane Doe", "pc1"},
		"MathKernel\t11.1\tA\tJane Doe\tpc1\t08:49":                    {"Jane Doe", "pc1"},
		"MathKernel  11.1  A  account-with-a-long-name pc1.site 08:49": {"account-with-a-long-name", "pc1.site"},
	} {
		s := parse(t, inUse+line+"\n", facts.Options{}).Servers[0].Snapshot
		if len(s.Holders) != 1 || s.Holders[0].User != want[0] || s.Holders[0].Host != want[1] {
			t.Errorf("%q is held by %+v, want user %q, host %q", line, s.Holders, want[0], want[1])
		}
	}
}

func TestHolderOfAProgramThatTheSummaryLacks(t *testing.T) {
	out := parse(t, inUse+"Sub MathKernel 11.1 B ann pc1 00:01\n", facts.Options{At: taken})
	want := license.Reading{Pool: license.Pool{Feature: "Sub MathKernel", Variant: "B"}, Reason: "the summary does not list it"}
	if diff := cmp.Diff(want, out.Servers[0].Snapshot.Readings[1]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := out.Servers[0].Snapshot; !got.At.IsZero() || !got.Holders[0].Since.Equal(taken.Add(-time.Minute)) {
		t.Errorf("at %v, since %v; want no date, and a minute before the output was taken", got.At, got.Holders[0].Since)
	}
}

func TestOneOddLineCostsNothingElse(t *testing.T) {
	out := parse(t, inUse+"MathKernel 11.1 A ann pc1 8 hours\nMathKernel 11.1 A bob pc2 00:01\n", facts.Options{})
	s := out.Servers[0].Snapshot
	if len(s.Holders) != 1 || s.Complete || out.Unread.Total != 1 || out.Unread.First[0].Line != 4 {
		t.Errorf("%+v, unread %v; want a holder, not complete, line 4 unread", s, out.Unread.First)
	}
}

func TestACutOutputIsNotComplete(t *testing.T) {
	for _, in := range []string{"License Usage Summary:\nMathKernel A 1 9\n", "headroom|mathlm|1\npool|MathKernel|1|9\n"} {
		if s := parse(t, in, facts.Options{}).Servers[0].Snapshot; s.Complete {
			t.Errorf("%q is complete", in)
		}
	}
}

func TestNothingReadIsAnError(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "the output is empty",
		"Online help is available at\n":  "the output has no license usage",
		"MathLM Version 11.2\n":          "the output has no license usage",
		"Cannot reach lic06 on 16286.\n": "the output has no license usage: Cannot reach lic06 on 16286.",
	} {
		if out := parse(t, in, facts.Options{}); out.Error != want {
			t.Errorf("error of %q is %q, want %q", in, out.Error, want)
		}
	}
}

// expand does with our template what monitorlm does: constants are replaced,
// and the repeated line is printed for each process.
func expand(consts map[string]string, processes []map[string]string) string {
	head, body, _ := strings.Cut(mathlm.Template, "%TEXT\n")
	line := ""
	for l := range strings.Lines(head) {
		if name, value, ok := strings.Cut(l, " = "); ok && strings.HasPrefix(name, "%REP_") {
			for _, p := range processes {
				row := strings.NewReplacer(`\n`, "\n", `"`, "").Replace(strings.TrimSpace(value))
				for tag, v := range p {
					row = strings.ReplaceAll(row, tag, v)
				}
				line += row
			}
			body = strings.ReplaceAll(body, name, line)
		}
	}
	for tag := range maps.Keys(consts) {
		body = strings.ReplaceAll(body, tag+"\n", consts[tag]+"\n")
		body = strings.ReplaceAll(body, tag+"|", consts[tag]+"|")
	}
	return body
}

func TestTemplateIsReadAgain(t *testing.T) {
	consts := map[string]string{"%CONST_SERVER_VERSION": "14.1"}
	for i, tag := range []string{"FE", "KE", "SUB_FE", "SUB_KE"} {
		consts["%CONST_TOTAL_"+tag+"_OUT"] = fmt.Sprint(i + 1)
		consts["%CONST_TOTAL_"+tag+"_AUTHORIZED"] = fmt.Sprint(10 * (i + 1))
	}
	processes := []map[string]string{
		{"%VAR_MPROCESS": "Mathematica", "%PROC_FQDN": "pc1.site", "%PROC_DURATION": "01:30", "%PROC_USER": "Jane Doe"},
		{"%VAR_MPROCESS": "SubMathKernel", "%PROC_FQDN": "", "%PROC_DURATION": "26:00", "%PROC_USER": "ann|e"},
	}
	out := parse(t, expand(consts, processes), facts.Options{At: taken})
	if out.Unread.Total != 0 || len(out.Servers) != 1 || !out.Servers[0].Snapshot.Complete || out.Servers[0].Server.Version != "14.1" {
		t.Fatalf("%+v", out)
	}
	s := out.Servers[0].Snapshot
	for i, name := range []string{"Mathematica", "MathKernel", "Sub Mathematica", "Sub MathKernel"} {
		r := s.Readings[i]
		if n := int64(i + 1); r.Pool != (license.Pool{Feature: name}) || r.InUse != license.Of(n) || r.Installed != license.Of(10*n) {
			t.Errorf("reading %+v, want %d of %d %s", r, n, 10*n, name)
		}
	}
	want := []license.Holder{
		{Pool: license.Pool{Feature: "Mathematica"}, User: "Jane Doe", Host: "pc1.site", Licenses: 1, Since: taken.Add(-90 * time.Minute), Kind: license.HolderActive},
		{Pool: license.Pool{Feature: "Sub MathKernel"}, User: "ann|e", Licenses: 1, Since: taken.Add(-26 * time.Hour), Kind: license.HolderActive},
	}
	if diff := cmp.Diff(want, s.Holders); diff != "" {
		t.Errorf("holders: -want +got\n%s", diff)
	}
}

func TestTagsThatMonitorlmDoesNotKnowAreUnknown(t *testing.T) {
	out := parse(t, expand(nil, []map[string]string{{}}), facts.Options{})
	s := out.Servers[0]
	if s.Server.Version != "" || len(s.Snapshot.Readings) != 4 || len(s.Snapshot.Holders) != 0 || s.Snapshot.Complete {
		t.Errorf("%+v; want four unknown pools, no holder, not complete", s)
	}
	for _, r := range s.Snapshot.Readings {
		if r.State != license.StateUnknown || r.InUse.Known || r.Reason == "" {
			t.Errorf("%+v; want unknown, with a reason", r)
		}
	}
}

func TestACutOutputHoldsTogether(t *testing.T) {
	for _, path := range formattest.Fixtures(t, "testdata/status/*.txt") {
		formattest.EachCut(formattest.Fixture(t, path), func(cut []byte) { parse(t, string(cut), facts.Options{At: taken}) })
	}
}

func TestUnknownCodePageIsRefused(t *testing.T) {
	if _, err := mathlm.ParseStatus(strings.NewReader(""), facts.Options{CodePage: "klingon"}); err == nil {
		t.Error("no error for a code page that does not exist")
	}
	if _, err := mathlm.NewLog(strings.NewReader(""), facts.Options{CodePage: "klingon"}); err == nil {
		t.Error("no error for a code page that does not exist")
	}
}

func FuzzStatus(f *testing.F) {
	for _, path := range formattest.Fixtures(f, "testdata/status/*.txt") {
		f.Add(formattest.Fixture(f, path))
	}
	f.Add([]byte("Date : x, May 1 1970 0:00:00\nLicense Usage Summary:\nA B 1 2\nLicenses in Use:\nA 1 B u h 999999:59\n"))
	f.Add([]byte("headroom|mathlm|1\npool|SubMath|1|2147483647\nholder|SubMath||1:00|u\n%\n"))
	o := facts.Options{Zone: time.FixedZone("", 5*3600), At: taken}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := mathlm.ParseStatus(bytes.NewReader(in), o)
		if err != nil {
			t.Fatal(err)
		}
		formattest.CheckOutput(t, out)
	})
}
