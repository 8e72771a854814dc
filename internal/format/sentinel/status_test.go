package sentinel_test

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

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"

	"headroom/internal/format/facts"
	"headroom/internal/format/sentinel"
	"headroom/internal/license"
)

const (
	contacting = " [Contacting Sentinel RMS Development Kit server on host \"lic01\"]\n"
	heading    = contacting + ` |- Feature Information
   |- Feature name                   : "f"  	
   |- Feature version                : "1.0"
`
	counts = `   |- Maximum concurrent user(s)     : 10
   |- Unreserved tokens in use       : 2
   |- Reserved tokens in use         : 1
`
	client = `   |- Client Information
     |- User name                      : ann
     |- Host name                      : pc1
`
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

func TestLimitsOfAFeature(t *testing.T) {
	for value, want := range map[string]string{
		"10":          "f (1.0) counted 3/10",
		"0":           "f (1.0) counted 3/0",
		"2097149":     "f (1.0) counted 3/2097149",
		"2097150":     "f (1.0) unlimited 3/unknown", // before version 9.5
		"2147483647":  "f (1.0) unlimited 3/unknown",
		"4294967294":  "f (1.0) unlimited 3/unknown",
		"Unlimited":   "f (1.0) unlimited 3/unknown",
		" UNLIMITED.": "f (1.0) unlimited 3/unknown",
		"Infinite":    "f (1.0) unlimited 3/unknown",
	} {
		wantRows(t, heading+strings.Replace(counts, ": 10", ": "+value, 1), 0, want)
	}
}

func TestUnreadableCountsOfAFeatureAreUnknown(t *testing.T) {
	for line, want := range map[string]string{
		": 10": "f (1.0) unknown unknown/unknown",
		": 2":  "f (1.0) counted unknown/10",
		": 1":  "f (1.0) counted unknown/10",
	} {
		for _, value := range []string{"many", "-1", "99999999999999999999", "", "1 of 2"} {
			broken := strings.Replace(counts, line+"\n", ": "+value+"\n", 1)
			out := wantRows(t, heading+broken, 1, want)
			s := out.Servers[0].Snapshot
			if s.Complete != (line == ": 1") || s.Readings[0].Reason == "" {
				t.Errorf("%q for %q: complete %t, reason %q", value, line, s.Complete, s.Readings[0].Reason)
			}
		}
	}
}

func TestWhatIsInUseNeedsBothCounts(t *testing.T) {
	without := func(label string) string {
		var kept []string
		for _, line := range strings.SplitAfter(counts, "\n") {
			if !strings.Contains(line, label) {
				kept = append(kept, line)
			}
		}
		return heading + strings.Join(kept, "")
	}
	wantRows(t, without("Reserved"), 0, "f (1.0) counted unknown/10")
	wantRows(t, without("Unreserved"), 0, "f (1.0) counted unknown/10")
	wantRows(t, without("Maximum"), 0, "f (1.0) unknown unknown/unknown")
	// Nobody sets aside part of no limit, and no line is printed for it.
	wantRows(t, strings.Replace(without("Reserved"), ": 10", ": Unlimited", 1), 0, "f (1.0) unlimited 2/unknown")
}

func TestVersionsOfAFeatureShareNothing(t *testing.T) {
	second := strings.ReplaceAll(strings.TrimPrefix(heading, contacting), "1.0", "2.0")
	wantRows(t, heading+counts+second+counts, 0, "f (1.0) counted 3/10", "f (2.0) counted 3/10")
	empty := strings.ReplaceAll(heading, `"1.0"`, `""`)
	wantRows(t, empty+counts, 0, "f counted 3/10")
}

// The limit of a feature is what the server hands out; its licenses can be
// inactive, replaced or used up.
func TestLicensesAreNotAddedUp(t *testing.T) {
	block := func(status, count string) string {
		return "   |- License Information\n     |- License status                 : " + status +
			"\n     |- Maximum concurrent user(s)     : " + count + "\n     |- Expiration date                : License has no expiration.\n"
	}
	out := wantRows(t, heading+counts+block("Active", "6")+block("Inactive", "5")+block("Exhausted", "7")+block("Active", "4")+client, 0,
		"f (1.0) counted 3/10")
	var got []string
	for _, term := range out.Servers[0].Terms {
		got = append(got, fmt.Sprintf("%s %v %t", term.State, term.Count, term.Permanent))
	}
	if want := []string{"counted 6 true", "error unknown true", "error unknown true", "counted 4 true"}; !slices.Equal(got, want) {
		t.Errorf("terms %q, want %q", got, want)
	}
}

func TestClientsDoNotChangeWhatIsInUse(t *testing.T) {
	out := wantRows(t, heading+counts+strings.Repeat(client+"     |- Token shared by                : 3 other user(s)\n", 7), 0, "f (1.0) counted 3/10")
	if got := len(out.Servers[0].Snapshot.Holders); got != 7 {
		t.Errorf("%d holders, want 7", got)
	}
}

func TestStatesOfClients(t *testing.T) {
	monday := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	for in, want := range map[string]license.Holder{
		client: {Kind: license.HolderActive, Licenses: 1},
		client + "|- Status : Running since Mon Mar 02 09:00:00 2026 \n":                                              {Kind: license.HolderActive, Licenses: 1, Since: monday},
		client + "|- Status : Running since Mon Mar  2 09:00:00 2026\n|- Number of tokens used : 4\n":                 {Kind: license.HolderActive, Licenses: 4, Since: monday},
		client + "|- Status : This license is being held.\n":                                                          {Kind: license.HolderLinger, Licenses: 1},
		client + "|- Status : Running since Mon Mar 02 09:00:00 2026\n|- Is commuter token : YES\n":                   {Kind: license.HolderBorrowed, Licenses: 1, Since: monday},
		client + "|- Is Commuter Key : no\n":                                                                          {Kind: license.HolderActive, Licenses: 1},
		client + "|- X display name : :0.0\n":                                                                         {Kind: license.HolderActive, Licenses: 1, Display: ":0.0"},
		strings.Replace(client, "Client", "Queued Client", 1) + "|- No of tokens requested : 3\n":                     {Kind: license.HolderQueued, Licenses: 3},
		strings.Replace(client, "Client", "Queued Client", 1) + "|- Status : Queued since Mon Mar 02 09:00:00 2026\n": {Kind: license.HolderQueued, Licenses: 1, Since: monday},
		client + "|- Status : Queued since Mon Mar 02 09:00:00 2026\n":                                                {Kind: license.HolderQueued, Licenses: 1, Since: monday},
	} {
		want.Pool, want.User, want.Host = license.Pool{Feature: "f", Variant: "1.0"}, "ann", "pc1"
		got := only(t, parse(t, heading+counts+in, facts.Options{})).Snapshot.Holders
		if diff := cmp.Diff([]license.Holder{want}, got); diff != "" {
			t.Errorf("%q: -want +got\n%s", in, diff)
		}
	}
}

func TestClientsWithoutANameAreNoHolders(t *testing.T) {
	for in, unread := range map[string]int{
		"|- Client Information\n|- User name :\n|- Host name : pc1\n":                1,
		"|- Client Information\n|- Host name : pc1\n|- Status : Running since now\n": 0, // nobody is told
		client + "|- Status : Running since now\n":                                   1,
		client + "|- Status : asleep\n":                                              1,
		client + "|- Number of tokens used : some\n":                                 1,
	} {
		out := wantRows(t, heading+counts+in, unread, "f (1.0) counted 3/10")
		want := strings.Count(in, "ann")
		if got := len(out.Servers[0].Snapshot.Holders); got != want {
			t.Errorf("%q: %d holders, want %d", in, got, want)
		}
	}
}

func TestQueuesOfAFeature(t *testing.T) {
	for in, want := range map[string]license.Count{
		"":                                    {},
		"|- Unreserved tokens in queue : 3\n": license.Of(3),
		"|- Unreserved tokens in queue : 3\n|- Reserved tokens in queue : 2\n": license.Of(5),
		"|- Tokens required for queue : 4\n":                                   license.Of(4),
		"|- Tokens in queue : 0\n|- Tokens required for queue : 4\n":           license.Of(0),
	} {
		s := only(t, parse(t, heading+counts+in, facts.Options{}))
		if got := s.Snapshot.Readings[0].Queued; got != want {
			t.Errorf("%q: queued %v, want %v", in, got, want)
		}
	}
}

func TestAnUnreadableQueueIsUnknown(t *testing.T) {
	out := wantRows(t, heading+counts+"|- Unreserved tokens in queue : some\n|- Reserved tokens in queue : 2\n", 1, "f (1.0) counted 3/10")
	if got := out.Servers[0].Snapshot.Readings[0].Queued; got.Known {
		t.Errorf("queued %v, want unknown", got)
	}
}

func TestTokensOffLine(t *testing.T) {
	for in, want := range map[string]license.Count{
		"":                                    {},
		"|- Commuter license allowed : NO\n":  license.Of(0),
		"|- Commuter license allowed : YES\n": {},
		"|- Commuter license allowed : YES\n|- Commuter tokens in use : 2\n": license.Of(2),
		"|- Commuter tokens in use : 2\n|- Commuter license allowed : NO\n":  license.Of(2),
		"Commuter Keys In Use : 2\n":                                         {}, // no marker: not a field of this output
	} {
		out := parse(t, heading+counts+in, facts.Options{})
		if got := out.Servers[0].Snapshot.Readings[0].Borrowed; got != want {
			t.Errorf("%q: borrowed %v, want %v", in, got, want)
		}
	}
}

// Labels differ between versions; those about something else are not taken for
// them.
func TestLabelsAreMatchedByTheirWords(t *testing.T) {
	const plain = "[Contacting SentinelLM server on host \"lic01\"]\nFeature name : \"f\"\nFeature version : \"1.0\"\n"
	for _, in := range []string{
		"Maximum concurrent user(s) : 10\nUnreserved tokens in use : 2\nReserved tokens in use : 1\n",
		"Max concurrent users : 10\nUnreserved keys in use : 2 Available unreserved : 8\nReserved keys in use : 1 Available reserved : 0\n",
		"MAX CONCURRENT USER : 10\nUnreserved Token In Use: 2\nReserved Token In Use: 1\n",
		"Maximum concurrent user(s) : 10\nMaximum concurrent team(s) : 4\nUnreserved tokens in use : 2\nUnreserved team tokens in use : 7\n" +
			"Reserved tokens in use : 1\nReserved team tokens in use : 5\nTeam tokens in queue : 9\nSoft limit on users : 3\n",
	} {
		wantRows(t, plain+in, 0, "f (1.0) counted 3/10")
	}
}

func TestOldOutputsNeedNoHeadings(t *testing.T) {
	one := func(name string) string {
		return "License type : \"Normal License.\"\nFeature name : \"" + name + "\"  Feature version : \"1.0\"\n" +
			"Max concurrent user(s) : 10\nUnreserved keys in use : 2\nReserved keys in use : 1\n"
	}
	users := "Users:\nUser name : ann\nHost name : pc1\n\nUser name : bob\nHost name : pc2\n"
	out := wantRows(t, one("f")+users+one("g")+one("h")+users, 0, "f (1.0) counted 3/10", "g (1.0) counted 3/10", "h (1.0) counted 3/10")
	var got []string
	for _, h := range out.Servers[0].Snapshot.Holders {
		got = append(got, fmt.Sprintf("%v %s@%s", h.Pool, h.User, h.Host))
	}
	if want := []string{"f (1.0) ann@pc1", "f (1.0) bob@pc2", "h (1.0) ann@pc1", "h (1.0) bob@pc2"}; !slices.Equal(got, want) {
		t.Errorf("holders %q, want %q", got, want)
	}
	// Where the name comes first, it begins the feature.
	wantRows(t, strings.ReplaceAll("Feature name : f\nLicense type : n\nMax concurrent user : 1\nUnreserved keys in use : 0\nReserved keys in use : 0\n"+
		"Feature name : g\nLicense type : n\nMax concurrent user : 2\nUnreserved keys in use : 0\nReserved keys in use : 0\n", "\n", "\r\n"), 0,
		"f counted 0/1", "g counted 0/2")
}

func TestTextsOfAVendorAreNoFields(t *testing.T) {
	out := wantRows(t, heading+counts+"   |- Public vendor information      : Feature name : \"g\" Maximum concurrent user(s) : 99\n"+
		"   |- Vendor information             : |- Feature Information\n", 0, "f (1.0) counted 3/10")
	if !out.Servers[0].Snapshot.Complete {
		t.Error("not complete")
	}
}

func TestDatesOfLicenses(t *testing.T) {
	for value, want := range map[string]time.Time{
		"Thu Dec 31 23:59:59 2026":       time.Date(2026, time.December, 31, 22, 59, 59, 0, time.UTC),
		"Wed Jul  1 23:59:59 2026":       time.Date(2026, time.July, 1, 21, 59, 59, 0, time.UTC),
		"License has no expiration.":     {},
		"Fri Dec 31 23:59:59 9999":       {},
		"never":                          {},
		"":                               {},
		"Thu Dec 32 23:59:59 2026":       {},
		"Thu Dec 31 23:59:59 2026 extra": {},
	} {
		in := heading + counts + "|- Expiration date : " + value + "\n"
		out := parse(t, in, facts.Options{Zone: berlin(t)})
		got := out.Servers[0].Terms[0]
		if !got.Expiry.Equal(want) || got.Text != value || got.Permanent != strings.Contains(value, "no expiration") {
			t.Errorf("%q: %+v", value, got)
		}
		if wantUnread := want.IsZero() && !got.Permanent; (out.Unread.Total == 1) != wantUnread {
			t.Errorf("%q: unread %v", value, out.Unread.First)
		}
	}
}

func TestOutputsWithoutAStatusAreErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":     "the output is empty",
		"\n\n": "the output names no license server",
		"  Sentinel RMS Development Kit 9.1.0.0104 Application Monitor\n  Copyright (C) 2016 SafeNet, Inc.\n": "the output names no license server",
		"Error: Unable to contact the license server on host \"lic01\".\n":                                    "Error: Unable to contact the license server on host \"lic01\".",
		"bash: lsmon: command not found\n":                                                                    "bash: lsmon: command not found",
		`"C:\RMS\lsmon.exe" lic01` + "\r\n'lsmon' is not recognized as an internal or external command,\r\n":  "'lsmon' is not recognized as an internal or external command,",
		"Cannot talk to the license server\nPress Enter to continue . . .\n":                                  "Cannot talk to the license server",
	} {
		out := parse(t, in, facts.Options{})
		if len(out.Servers) != 0 || out.Error != want {
			t.Errorf("%q: %d servers, error %q; want %q", in, len(out.Servers), out.Error, want)
		}
	}
}

func TestServersWithoutFeaturesHaveErrors(t *testing.T) {
	for in, want := range map[string]string{
		contacting: "the output lists no feature of this license server",
		contacting + "Error[5]: Cannot talk to the license server on host \"lic01\".\nMake sure that it is running.\n": "Error[5]: Cannot talk to the license server on host \"lic01\". Make sure that it is running.",
		contacting + " No licensed features found in the license server\n":                                             "No licensed features found in the license server",
	} {
		out := parse(t, in+"\n"+strings.Replace(heading, "lic01", "lic02", 1)+counts, facts.Options{})
		if len(out.Servers) != 2 || out.Error != "" {
			t.Errorf("%q: %d servers, error %q", in, len(out.Servers), out.Error)
			continue
		}
		if got := out.Servers[0]; got.Error != want || got.Snapshot.Complete || got.Server.Hosts[0] != "lic01" {
			t.Errorf("%q: %+v, want error %q", in, got, want)
		}
		if got := out.Servers[1]; got.Error != "" || !got.Snapshot.Complete || got.Server.Hosts[0] != "lic02" {
			t.Errorf("%q: second server %+v", in, got)
		}
	}
}

// A server that stops answering halfway is not complete.
func TestFailuresBehindFeatures(t *testing.T) {
	out := wantRows(t, heading+counts+"Error: the license server is not responding\n", 0, "f (1.0) counted 3/10")
	if got := out.Servers[0]; got.Snapshot.Complete || got.Partial != "Error: the license server is not responding" {
		t.Errorf("complete %t, partial %q; want the failure", got.Snapshot.Complete, got.Partial)
	}
}

func TestLinesThatAreNotUnderstoodAreUnread(t *testing.T) {
	for _, line := range []string{
		"something else", "   |- something else", "   |-", "   Maximum concurrent user(s) : 99", "|- Feature name : \"\"",
		"|- : 5", "|- " + strings.Repeat("x", 200_000),
	} {
		out := parse(t, heading+counts+line+"\n", facts.Options{})
		if out.Unread.Total != 1 || out.Unread.First[0].Line != 8 {
			t.Errorf("%.80q: unread %d, want line 8", line, out.Unread.Total)
		}
	}
	for _, line := range []string{"|- Client Information", "|- License Information", "|- User name : ann", "Users:"} {
		if out := parse(t, contacting+line+"\n", facts.Options{}); out.Unread.Total != 1 {
			t.Errorf("%q without a feature: unread %v", line, out.Unread.First)
		}
	}
}

func TestEncodingsOfAStatus(t *testing.T) {
	in := heading + counts + strings.Replace(client, "ann", "Jörg", 1)
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(in)
	if err != nil {
		t.Fatal(err)
	}
	want := parse(t, in, facts.Options{})
	for name, in := range map[string]string{
		"windows-1252": strings.ReplaceAll(in, "ö", "\xF6"),
		"UTF-16":       wide,
		"CRLF":         strings.ReplaceAll(in, "\n", "\r\n"),
		"CR":           strings.ReplaceAll(in, "\n", "\r"),
		"with a mark":  "\xEF\xBB\xBF" + in,
	} {
		if diff := cmp.Diff(want, parse(t, in, facts.Options{})); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	if _, err := sentinel.ParseStatus(strings.NewReader(in), facts.Options{CodePage: "latin-99"}); err == nil {
		t.Error("no error for a code page that does not exist")
	}
}

func TestAnErrorOfTheReaderIsReturnedWithWhatWasRead(t *testing.T) {
	broken := errors.New("broken")
	out, err := sentinel.ParseStatus(io.MultiReader(strings.NewReader(heading+counts), iotest.ErrReader(broken)), facts.Options{})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if got := rows(out); !slices.Equal(got, []string{"f (1.0) counted 3/10"}) || out.Servers[0].Snapshot.Complete {
		t.Errorf("rows %q, complete; want one that is not", got)
	}
}

// Wherever an output ends too soon, no count is made up.
func TestCutOutputsTellNothingWrong(t *testing.T) {
	for path, whole := range fixtures(t, "testdata/status/*.txt") {
		full := map[string]bool{}
		for _, row := range rows(parse(t, string(whole), facts.Options{})) {
			full[row] = true
		}
		lines := strings.SplitAfter(string(whole), "\n")
		for n := range lines {
			out := parse(t, strings.Join(lines[:n], ""), facts.Options{})
			for _, s := range out.Servers {
				for _, r := range s.Snapshot.Readings {
					row := fmt.Sprintf("%v %s %v/%v", r.Pool, r.State, r.InUse, r.Installed)
					known := r.InUse.Known && r.Installed.Known
					if known && !full[row] {
						t.Errorf("%s cut behind line %d: %s", path, n, row)
					}
				}
			}
		}
	}
}

// What a hostile server makes us keep is bounded.
func TestAnEndlessOutputIsCut(t *testing.T) {
	r := io.LimitReader(&endless{text: client}, 24<<20)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	out, err := sentinel.ParseStatus(io.MultiReader(strings.NewReader(heading+counts), r), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if out.Servers[0].Snapshot.Complete || out.Unread.Total == 0 {
		t.Error("complete, or everything read")
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("%d MiB kept", grown>>20)
	}
}

// An endless reader repeats a text.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		c := copy(b[n:], e.text[e.at:])
		n, e.at = n+c, (e.at+c)%len(e.text)
	}
	return n, nil
}
