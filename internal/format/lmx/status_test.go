package lmx_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/text/encoding/unicode"

	"headroom/internal/format/facts"
	"headroom/internal/format/lmx"
	"headroom/internal/license"
)

const (
	heading = "LM-X License Server on 6200@lic01:\nServer version: v5.1 Uptime: 1 day(s)\n"
	xmlHead = `<LM-X><LICENSE_PATH TYPE="NETWORK" HOST="6200@lic01" SERVER_VERSION="5.5" STATUS="SUCCESS">` + "\n"
	xmlFoot = "</LICENSE_PATH></LM-X>\n"
)

// rows says shortly what a status says of its features: in use / installed.
func rows(out facts.Output) []string {
	var all []string
	for _, s := range out.Servers {
		for _, r := range s.Snapshot.Readings {
			all = append(all, fmt.Sprintf("%v %s %v/%v", r.Pool, r.State, r.InUse, r.Installed))
		}
	}
	return all
}

func wantRows(t *testing.T, in string, unread int, want ...string) facts.Output {
	t.Helper()
	out := parse(t, in, facts.Options{})
	if got := rows(out); !slices.Equal(got, want) {
		t.Errorf("%q:\n got %q\nwant %q", in, got, want)
	}
	if out.Unread.Total != unread {
		t.Errorf("%q: unread %v, want %d", in, out.Unread.First, unread)
	}
	return out
}

func TestCountsAreReadAsPrinted(t *testing.T) {
	for line, want := range map[string]string{
		"0 of 3 license(s) used":                 "f counted 0/3",
		"3 of 3 license(s) used:":                "f counted 3/3",
		"1 of 1 license used":                    "f counted 1/1",
		"40000 of 1000003 license(s) used:":      "f counted 40000/1000003",
		"7 of 2147483647 license(s) used:":       "f unlimited 7/unknown",
		"7 of UNLIMITED license(s) used:":        "f unlimited 7/unknown",
		"7 of UNCOUNTED license(s) used:":        "f uncounted 7/unknown",
		"0 of 2147483645 license(s) used":        "f counted 0/2147483645",
		"  \t12 of 10 license(s) used:   \r":     "f counted 12/10",
		"000 of 0000000010 license(s) used:\r\n": "f counted 0/10",
	} {
		wantRows(t, heading+"Feature: f Version: 1.0 Vendor: V\n"+line+"\n", 0, want)
	}
}

func TestUnreadableCountsAreUnknown(t *testing.T) {
	for _, line := range []string{
		"many of 3 license(s) used", "1 of many license(s) used", "-1 of 3 license(s) used",
		"1 of 99999999999999999999 license(s) used", "1 of  license(s) used",
	} {
		out := parse(t, heading+"Feature: f Version: 1.0 Vendor: V\n"+line+"\n", facts.Options{})
		r := out.Servers[0].Snapshot.Readings[0]
		if r.InUse.Known || out.Unread.Total != 1 {
			t.Errorf("%q: in use %v, unread %v; want unknown and the line", line, r.InUse, out.Unread.First)
		}
		if r.State == license.StateUnknown && (r.Reason == "" || out.Servers[0].Snapshot.Complete) {
			t.Errorf("%q: %+v, complete %t; want a reason and not complete", line, r, out.Servers[0].Snapshot.Complete)
		}
	}
}

func TestNamesMayHaveBlanks(t *testing.T) {
	out := wantRows(t, heading+`Feature: Big Mesher Version: 2 Version: 1.0 Vendor: V Co
3 of 9 license(s) used:
1 license(s) used by Jane Doe@pc 1 [fe80::1]
1 license(s) used by jane@corp.example@pc2
1 license(s) used by root
`, 0, "Big Mesher Version: 2 counted 3/9")
	s := out.Servers[0]
	if s.Terms[0].Version != "1.0" || s.Terms[0].Vendor != "V Co" {
		t.Errorf("term %+v, want version 1.0 of V Co", s.Terms[0])
	}
	var got []string
	for _, h := range s.Snapshot.Holders {
		got = append(got, h.User+"|"+h.Host)
	}
	if want := []string{"Jane Doe|pc 1", "jane@corp.example|pc2", "root|"}; !slices.Equal(got, want) {
		t.Errorf("holders %q, want %q", got, want)
	}
}

func TestRowsOfOneFeatureAreAddedAndVendorsKeptApart(t *testing.T) {
	wantRows(t, heading+`Feature: f Version: 1.0 Vendor: V
1 of 5 license(s) used
Feature: f Version: 2.0 Vendor: V
2 of 6 license(s) used
Feature: g Version: 1.0 Vendor: V
1 of 2 license(s) used
Feature: g Version: 1.0 Vendor: W
0 of 3 license(s) used
`, 0, "f counted 3/11", "g@V counted 1/2", "g@W counted 0/3")
}

func TestSharedCheckoutsDoNotChangeWhatIsInUse(t *testing.T) {
	out := wantRows(t, heading+`Feature: f Version: 1.0 Vendor: V
1 of 5 license(s) used:
1 license(s) used by ann@pc1 [10.0.0.1]
Shared on hostname: pc1
1 license(s) used by ann@pc1 [10.0.0.1]
Shared on hostname: pc1
`, 0, "f counted 1/5")
	if got := len(out.Servers[0].Snapshot.Holders); got != 2 {
		t.Errorf("%d holders, want both", got)
	}
}

func TestBorrowedIsUnknownWhereNobodyIsListed(t *testing.T) {
	for in, want := range map[string]license.Count{
		"0 of 5 license(s) used": license.Of(0),
		"2 of 5 license(s) used": {},
		"2 of 5 license(s) used:\n2 license(s) borrowed by ann@pc1\nBorrow expire time: NONE":         license.Of(2),
		"2 of 5 license(s) used:\n2 license(s) used by ann@pc1\nBorrow expire time: 2026-03-09 18:00": license.Of(2),
		"2 of 5 license(s) used:\n2 license(s) used by ann@pc1\nLogin time: 2026-03-09 18:00":         license.Of(0),
	} {
		out := parse(t, heading+"Feature: f Version: 1.0 Vendor: V\n"+in+"\n", facts.Options{})
		if got := out.Servers[0].Snapshot.Readings[0].Borrowed; got != want {
			t.Errorf("%q: borrowed %v, want %v", in, got, want)
		}
	}
}

func TestWhatStandsOnlyInAnotherToolIsKept(t *testing.T) {
	out := wantRows(t, `Vendor Tool v3
`+heading+`Feature: f Version: 1.0 Vendor: V
the moon is full
1 of 5 license(s) used
Login time: 2026-01-01 10:00
1 license(s) used by @pc1
Feature: broken
3 of 4 license(s) used
`, 5, "f counted 3/4")
	var lines []int
	for _, u := range out.Unread.First {
		lines = append(lines, u.Line)
	}
	if want := []int{1, 5, 7, 8, 9}; !slices.Equal(lines, want) {
		t.Errorf("unread lines %v, want %v", lines, want)
	}
	if out.Servers[0].Snapshot.Complete {
		t.Error("complete, though a feature could not be read")
	}
}

func TestOutputsWithoutFeaturesAreErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "the output is empty",
		"\n\n":                            "the output names no license server",
		"lmxendutil: command not found\n": "lmxendutil: command not found",
		"<?xml version=\"1.0\"?>\n":       "the output names no license server",
		"Banner Utility\nno route to host\n<LM-X></LM-X>": "no route to host",
		"<LM-X><ERROR>no such\n  host</ERROR></LM-X>":     "no such host",
	} {
		out := parse(t, in, facts.Options{})
		if out.Error != want || len(out.Servers) != 0 {
			t.Errorf("%q: error %q, %d servers; want %q and none", in, out.Error, len(out.Servers), want)
		}
	}
	for in, want := range map[string]string{
		heading: "the output lists no feature of this license server",
		"LM-X License Server on 1@a:\nout of order\n":                              "out of order",
		"LM-X License Server on 1@a:\nThere are no license server(s) available.\n": "There are no license server(s) available.",
		xmlHead + xmlFoot: "the output lists no feature of this license server",
		`<LICENSE_PATH HOST="1@a" STATUS="NETWORK_FAILURE"><FEATURE NAME="f" USED_LICENSES="0" TOTAL_LICENSES="1"/></LICENSE_PATH>`: "NETWORK_FAILURE",
	} {
		out := parse(t, in, facts.Options{})
		if len(out.Servers) != 1 || out.Servers[0].Error != want || len(out.Servers[0].Snapshot.Readings) != 0 {
			t.Errorf("%q: %+v, want one server with error %q and no reading", in, out, want)
		}
	}
}

func TestTimesAreOfTheServersZone(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	out := parse(t, heading+`Feature: f Version: 1.0 Vendor: V
Start date: 2026-01-01 Expire date: 2026-12-31
1 of 5 license(s) used:
1 license(s) used by ann@pc1
Login time: 2026-07-01 07:59:30   Checkout time: N/A
`, facts.Options{Zone: zone})
	s := out.Servers[0]
	if want := time.Date(2026, 7, 1, 11, 59, 30, 0, time.UTC); s.Snapshot.Holders[0].Since != want {
		t.Errorf("since %v, want the login at %v", s.Snapshot.Holders[0].Since, want)
	}
	if want := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC); s.Terms[0].Expiry != want || s.Terms[0].Text != "2026-12-31" {
		t.Errorf("expires %v (%s), want %v", s.Terms[0].Expiry, s.Terms[0].Text, want)
	}
	if out.Unread.Total != 1 {
		t.Errorf("unread %v, want the line with N/A", out.Unread.First)
	}
}

func TestLineEndsAndEncodingsMeanNothing(t *testing.T) {
	for path, b := range fixtures(t) {
		in := strings.ReplaceAll(string(b), "\r\n", "\n")
		want := parse(t, in, facts.Options{})
		wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(in)
		if err != nil {
			t.Fatal(err)
		}
		for name, in := range map[string]string{
			"CRLF": strings.ReplaceAll(in, "\n", "\r\n"), "mark": "\xEF\xBB\xBF" + in, "UTF-16": wide,
		} {
			if got := parse(t, in, facts.Options{}); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s as %s:\n got %v\nwant %v", path, name, got, want)
			}
		}
	}
	out := parse(t, strings.ReplaceAll(xmlHead+`<FEATURE NAME="Gr`+"\xFC"+`n" USED_LICENSES="0" TOTAL_LICENSES="1"/>`+xmlFoot, "", ""), facts.Options{})
	if got := rows(out); !slices.Equal(got, []string{"Grün counted 0/1"}) {
		t.Errorf("a byte of windows-1252 gives %q, want Grün", got)
	}
}

func TestHighAvailabilityIsOneServer(t *testing.T) {
	path := func(host, status, features string) string {
		return fmt.Sprintf("<LICENSE_PATH HOST=\"6200@%s\" STATUS=%q>%s</LICENSE_PATH>\n", host, status, features)
	}
	const (
		ten   = `<FEATURE NAME="f" VERSION="1" VENDOR="V" USED_LICENSES="3" TOTAL_LICENSES="10"/>`
		idle  = `<FEATURE NAME="f" VERSION="1" VENDOR="V" USED_LICENSES="0" TOTAL_LICENSES="10"/>`
		other = `<FEATURE NAME="f" VERSION="1" VENDOR="V" USED_LICENSES="3" TOTAL_LICENSES="11"/>`
	)
	for name, tt := range map[string]struct {
		in   string
		want []string
	}{
		"all three up":          {path("a", "SUCCESS", ten) + path("b", "SUCCESS", ten) + path("c", "SUCCESS", ten), []string{"a b c: 3/10"}},
		"the master down":       {path("a", "FAIL", "") + path("b", "SUCCESS", ten) + path("c", "SUCCESS", idle), []string{"a b c: 3/10"}},
		"two up, one unknown":   {path("a", "SUCCESS", ten) + path("b", "SUCCESS", ten), []string{"a b: 3/10"}},
		"one of three answers":  {path("a", "SUCCESS", ten) + path("b", "FAIL", "") + path("c", "FAIL", ""), []string{"a: 3/10", "b: FAIL", "c: FAIL"}},
		"other licenses":        {path("a", "SUCCESS", ten) + path("b", "SUCCESS", other), []string{"a: 3/10", "b: 3/11"}},
		"more than three":       {strings.Repeat(path("a", "SUCCESS", ten), 4), []string{"a: 3/10", "a: 3/10", "a: 3/10", "a: 3/10"}},
		"nobody answers":        {path("a", "FAIL", "") + path("b", "FAIL", ""), []string{"a: FAIL", "b: FAIL"}},
		"one address for three": {path("a:6200@b:6201@c", "SUCCESS", ten), []string{"a b c: 3/10"}},
	} {
		var got []string
		for _, s := range parse(t, "<LM-X>"+tt.in+"</LM-X>", facts.Options{}).Servers {
			says := s.Error
			for _, r := range s.Snapshot.Readings {
				says += fmt.Sprintf("%v/%v", r.InUse, r.Installed)
			}
			got = append(got, strings.Join(s.Server.Hosts, " ")+": "+says)
			if s.Server.Port != 6200 {
				t.Errorf("%s: port %d, want 6200", name, s.Server.Port)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestXMLIsReadTolerantly(t *testing.T) {
	const good = `<FEATURE NAME="g" USED_LICENSES="1" TOTAL_LICENSES="2"/>` + "\n"
	for name, tt := range map[string]struct {
		in     string
		unread int
		want   []string
	}{
		"attributes missing":      {`<FEATURE NAME="f" TOTAL_LICENSES="4"/>` + "\n" + good, 1, []string{"f counted unknown/4", "g counted 1/2"}},
		"counts missing":          {`<FEATURE NAME="f"/>` + "\n" + good, 1, []string{"f unknown unknown/unknown", "g counted 1/2"}},
		"no name":                 {`<FEATURE USED_LICENSES="1" TOTAL_LICENSES="2"/>` + "\n" + good, 1, []string{"g counted 1/2"}},
		"more of everything":      {`<FEATURE NEW="x" NAME=" f " USED_LICENSES=" 1" TOTAL_LICENSES="2 "><NEW><USER NAME="a" USED_LICENSES="1"/></NEW></FEATURE>` + "\n" + good, 0, []string{"f counted 1/2", "g counted 1/2"}},
		"lower case, no quotes":   {`<feature name=f used_licenses=1 total_licenses=2 />` + "\n" + good, 0, []string{"f counted 1/2", "g counted 1/2"}},
		"tags never closed":       {`<FEATURE NAME="f" USED_LICENSES="1" TOTAL_LICENSES="2">` + "\n<USER NAME='a' USED_LICENSES='1'>\n" + good, 0, []string{"f counted 1/2", "g counted 1/2"}},
		"a bare ampersand":        {`<FEATURE NAME="f&b" USED_LICENSES="1" TOTAL_LICENSES="2"/>` + "\n" + good, 0, []string{"f&b counted 1/2", "g counted 1/2"}},
		"a user's name with <":    {`<FEATURE NAME="f" USED_LICENSES="1" TOTAL_LICENSES="2">` + "\n<USER NAME=\"a<b\" USED_LICENSES=\"1\"/>\n</FEATURE>\n" + good, 1, []string{"f counted 1/2", "g counted 1/2"}},
		"a feature's name with <": {`<FEATURE NAME="f<" USED_LICENSES="1" TOTAL_LICENSES="2"/>` + "\n" + good, 1, []string{"g counted 1/2"}},
		"a user of nothing":       {`<USER NAME="a" USED_LICENSES="1"/>` + "\n" + good, 1, []string{"g counted 1/2"}},
		"declared entities":       {`<!DOCTYPE x [<!ENTITY a "&b;&b;"><!ENTITY b "text">]>` + "\n" + `<FEATURE NAME="f&a;" USED_LICENSES="1" TOTAL_LICENSES="2"/>` + "\n" + good, 0, []string{"f&a; counted 1/2", "g counted 1/2"}},
		"a comment without end":   {"<!-- for ever\n" + good, 1, []string{"g counted 1/2"}},
	} {
		t.Run(name, func(t *testing.T) {
			wantRows(t, xmlHead+tt.in+xmlFoot, tt.unread, tt.want...)
		})
	}
}

// Each of these makes a reader without limits slow, or hungry.
func TestHostileXMLCostsLittle(t *testing.T) {
	const good = `<FEATURE NAME="g" USED_LICENSES="1" TOTAL_LICENSES="2"/>` + "\n"
	const size = 1 << 20
	for name, in := range map[string]string{
		"deep":           strings.Repeat("<a>", size/3),
		"attributes":     "<a " + strings.Repeat("b ", size/2),
		"long attribute": `<a b="` + strings.Repeat("x", size),
		"long text":      strings.Repeat("x", size),
		"comments":       strings.Repeat("<!--\n", size/5),
		"entities":       `<!DOCTYPE a [` + strings.Repeat(`<!ENTITY b "&c;">`, size/17),
		"processing":     strings.Repeat("<?a\n", size/4),
		"sections":       strings.Repeat("<![CDATA[\n", size/10),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			wantFirst(t, xmlHead+good+in+"\n"+xmlFoot)
			runtime.ReadMemStats(&after)
			if grew := int64(after.HeapSys) - int64(before.HeapSys); grew > 64<<20 {
				t.Errorf("%d MiB for an output of 1 MiB", grew>>20)
			}
		})
	}
}

// wantFirst wants the feature that stands before all else.
func wantFirst(t *testing.T, in string) facts.Output {
	t.Helper()
	out := parse(t, in, facts.Options{})
	if got := rows(out); !slices.Equal(got, []string{"g counted 1/2"}) {
		t.Errorf("features %q, want that before the rest", got)
	}
	return out
}

func TestOutputsAreReadUpToALimit(t *testing.T) {
	out := wantFirst(t, heading+"Feature: g Version: 1 Vendor: V\n1 of 2 license(s) used\n"+strings.Repeat("\n", 17<<20)+"Feature: h Version: 1 Vendor: V\n")
	if out.Servers[0].Snapshot.Complete {
		t.Error("complete, though it was not read to its end")
	}
}

// An output that ends early must not make features look gone.
func TestCutOutputsAreNotComplete(t *testing.T) {
	for path, b := range fixtures(t) {
		if strings.HasSuffix(path, ".txt") {
			continue // a text has no end mark
		}
		for i := range bytesBefore(string(b), "</LICENSE_PATH>") {
			for _, s := range parse(t, string(b[:i]), facts.Options{}).Servers {
				if s.Snapshot.Complete {
					t.Fatalf("%s cut at %d is complete", path, i)
				}
			}
		}
	}
	const last = "Feature: f Version: 1.0 Vendor: V\nStart date: NONE Expire date: NONE\nKey type: X License sharing: \n\n1 of 2 license(s) used"
	for i := len("Feature: f Version: 1.0 Vendor: V"); i < len(last); i++ {
		out := parse(t, heading+"Feature: e Version: 1.0 Vendor: V\n0 of 1 license(s) used\n"+last[:i], facts.Options{})
		if s := out.Servers[0]; s.Snapshot.Complete || s.Snapshot.Readings[0].InUse != license.Of(0) {
			t.Fatalf("%q: complete %t, %+v; want not complete and the feature before", last[:i], s.Snapshot.Complete, s.Snapshot.Readings)
		}
	}
}

func bytesBefore(s, end string) int { return strings.Index(s, end) + len(end) - 1 }

func TestErrorOfTheReaderComesWithWhatWasRead(t *testing.T) {
	broken := errors.New("pipe is gone")
	in := io.MultiReader(strings.NewReader(heading+"Feature: f Version: 1.0 Vendor: V\n0 of 1 license(s) used\n"), iotest.ErrReader(broken))
	out, err := lmx.ParseStatus(in, facts.Options{})
	if !errors.Is(err, broken) || len(out.Servers) != 1 || out.Servers[0].Snapshot.Complete {
		t.Errorf("%+v, %v; want the feature, not complete, and %v", out, err, broken)
	}
	if _, err := lmx.ParseStatus(strings.NewReader(""), facts.Options{CodePage: "klingon"}); err == nil {
		t.Error("no error for a code page that does not exist")
	}
}
