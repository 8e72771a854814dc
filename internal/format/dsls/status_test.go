package dsls_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/dsls"
	"headroom/internal/format/facts"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

func parse(t testing.TB, in string, o facts.Options) facts.Output {
	t.Helper()
	out, err := dsls.ParseStatus(strings.NewReader(in), o)
	if err != nil {
		t.Fatalf("ParseStatus: %v", err)
	}
	formattest.CheckOutput(t, out)
	return out
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestStatusGolden(t *testing.T) {
	for _, path := range formattest.Fixtures(t, "testdata/*.txt") {
		o := facts.Options{Zone: zone(t, "Europe/Paris")}
		switch {
		case strings.Contains(path, "text-us"):
			o.Zone = zone(t, "America/New_York")
		case strings.Contains(path, "korean"):
			o.Zone, o.CodePage = zone(t, "Asia/Seoul"), "euc-kr"
		}
		formattest.Golden(t, path, parse(t, string(formattest.Fixture(t, path)), o))
	}
}

// sample returns the only server of a capture of which every line is read.
func sample(t *testing.T, name string, o facts.Options) facts.Status {
	t.Helper()
	out := parse(t, string(formattest.Sample(t, name)), o)
	if len(out.Servers) != 1 || out.Unread.Total != 0 {
		t.Fatalf("%s: %d servers, unread %v, error %q", name, len(out.Servers), out.Unread.First, out.Error)
	}
	return out.Servers[0]
}

func counts(s facts.Status) map[string][2]license.Count {
	all := map[string][2]license.Count{}
	for _, r := range s.Snapshot.Readings {
		all[r.Pool.String()] = [2]license.Count{r.Installed, r.InUse}
	}
	return all
}

func pair(installed, inUse int64) [2]license.Count {
	return [2]license.Count{license.Of(installed), license.Of(inUse)}
}

// The facts that the index of the captures states.
func TestSampleTokens(t *testing.T) {
	s := sample(t, "dsls/getLicenseUsage-csv-6.425.4-tokens.txt", facts.Options{Zone: zone(t, "Europe/Paris")})
	want := map[string][2]license.Count{
		"PAC": pair(1, 0), "PAJ": pair(6, 0), "PCA": pair(4, 0), "PCO": pair(2, 0), "PD5": pair(1, 0),
		"PV6": pair(7, 0), "PVG": pair(2, 0), "PW7": pair(2000, 2), "PW8": pair(2000, 0), "SRU": pair(2374, 1559),
	}
	if diff := cmp.Diff(want, counts(s)); diff != "" || !s.Snapshot.Complete {
		t.Errorf("complete %t, -want +got\n%s", s.Snapshot.Complete, diff)
	}
	var tokens []int64
	for _, h := range s.Snapshot.Holders {
		if h.Pool.Feature == "SRU" {
			tokens = append(tokens, h.Licenses)
		}
	}
	if diff := cmp.Diff([]int64{493, 533, 533}, tokens); diff != "" {
		t.Errorf("tokens of SRU: -want +got\n%s", diff)
	}
	if h := s.Snapshot.Holders[0]; h.User != "user_1" || h.Host != "nid001627" || h.Handle != "02DBE16" || !h.Since.Equal(time.Date(2024, 9, 17, 15, 59, 34, 0, time.UTC)) {
		t.Errorf("first holder %+v", h)
	}
	if s.Server.Version != "6.425.4" || s.Server.HostID != "ZSD-123" || strings.Join(s.Server.Hosts, " ") != "localhost" {
		t.Errorf("server %+v", s.Server)
	}
	for _, term := range s.Terms {
		if got := term.Expiry; !got.Equal(time.Date(2024, 12, 31, 23, 59, 0, 0, time.UTC)) {
			t.Errorf("%s expires at %v, want the last minute of 2024 in UTC", term.Pool, got)
		}
	}
}

func TestSampleNamedUserWithGermanDates(t *testing.T) {
	s := sample(t, "dsls/text-all-6.425.0-german-dates-named-user-PLACEHOLDERS-FILLED.txt", facts.Options{Zone: zone(t, "Europe/Berlin")})
	if diff := cmp.Diff(map[string][2]license.Count{"DRTEST": pair(1, 1)}, counts(s)); diff != "" || !s.Snapshot.Complete {
		t.Errorf("complete %t, -want +got\n%s", s.Snapshot.Complete, diff)
	}
	want := license.Assignments{Complete: true, LastIs: license.LastUse, List: []license.Assignment{{
		Pool: license.Pool{Feature: "DRTEST"}, Daemon: "DSLSVendor1", Kind: license.AssignedUser, Name: "user01",
		First: time.Date(2024, 7, 22, 9, 26, 1, 0, time.UTC), Last: time.Date(2024, 7, 22, 9, 35, 5, 0, time.UTC),
	}}}
	if diff := cmp.Diff(want, s.Assigned); diff != "" {
		t.Errorf("assigned: -want +got\n%s", diff)
	}
	if s.Server.Port != 4085 || s.Server.HostID != "DYP-41CA10215A9B2D81" {
		t.Errorf("server %+v", s.Server)
	}
	wantTerms := []facts.Term{{
		Pool: license.Pool{Feature: "DRTEST"}, State: license.StateCounted, Count: license.Of(1), Version: "2", Vendor: "DSLSVendor1",
		Start: time.Date(2023, 2, 9, 0, 1, 0, 0, time.UTC), Expiry: time.Date(2024, 12, 30, 23, 59, 0, 0, time.UTC), Text: "2024-12-30.23:59.UTC",
	}}
	if diff := cmp.Diff(wantTerms, s.Terms); diff != "" {
		t.Errorf("terms: -want +got\n%s", diff)
	}
}

func TestSampleChineseDates(t *testing.T) {
	s := sample(t, "dsls/text-chinese-locale-dates-LINES.txt", facts.Options{Zone: zone(t, "Asia/Shanghai")})
	want := map[string][2]license.Count{
		"PAC": pair(1, 0), "PAF": pair(1, 0), "PAI": pair(1, 0), "PAJ": pair(6, 0), "PAN": pair(1, 0), "PCA": pair(1, 0),
	}
	if diff := cmp.Diff(want, counts(s)); diff != "" || s.Snapshot.Complete {
		t.Errorf("complete %t, want an excerpt; -want +got\n%s", s.Snapshot.Complete, diff)
	}
	if got := s.Terms[0].Expiry; !got.Equal(time.Date(2025, 9, 25, 23, 59, 0, 0, time.UTC)) {
		t.Errorf("PAC expires at %v, want the day before in UTC", got)
	}
}

func TestSampleAmericanDates(t *testing.T) {
	s := sample(t, "dsls/text-us-locale-dates-LINES.txt", facts.Options{Zone: zone(t, "America/New_York")})
	if diff := cmp.Diff(map[string][2]license.Count{"ORZ": pair(3, 0)}, counts(s)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := s.Terms[0].Expiry; !got.Equal(time.Date(2019, 9, 14, 23, 59, 0, 0, time.UTC)) {
		t.Errorf("ORZ expires at %v", got)
	}
	if h := s.Snapshot.Holders[0]; h.User != "user01" || h.Host != "WKST0001" || !h.Since.Equal(time.Date(2016, 3, 21, 13, 15, 43, 0, time.UTC)) {
		t.Errorf("holder %+v", h)
	}
}

func TestSampleErrorIsNotZero(t *testing.T) {
	out := parse(t, string(formattest.Sample(t, "dsls/error-cannot-connect.txt")), facts.Options{})
	if want := "Cannot connect to server localhost on port 1234"; out.Error != want || len(out.Servers) != 0 || out.Unread.Total != 0 {
		t.Errorf("error %q, %d servers, unread %v; want %q, no server, none unread", out.Error, len(out.Servers), out.Unread.First, want)
	}
}

const (
	csvHead = "\tServer name: a   Server id: A\nEditor,EditorId,Feature,Model,Commercial Type,Max Release Number,Max Release Date,Pricing Structure,Max Casual Duration,Expiration Date,Customer ID,Count,Inuse,Tokens,Casual Usage (mn),Host,User,Internal ID,Active Process,Client Code Version,Session ID,Granted Since,Last Used At,Granted At,Queue Position,\n"
	csvRow  = "E,1,F,Token,STD,8,2025-01-01 00:59:00,YLC,0,2025-01-01 00:59:00,7,"
)

// row is a row of csvRow's license with a user.
func row(counts, tokens, user string) string {
	return csvRow + counts + "," + tokens + ",,h (1.0)/," + user + ",i,p,1,s,2024-09-17 17:59:34,2024-09-18 15:25:50,2024-09-17 17:59:34,,\n"
}

func TestTotalsOfALicenseCountOnce(t *testing.T) {
	other := strings.Replace(csvRow, "00:59:00,7", "00:59:00,8", 1) // another customer
	s := parse(t, csvHead+row("10,5", "2", "ann")+row("10,5", "3", "bob")+other+"4,0,\n", facts.Options{}).Servers[0]
	if diff := cmp.Diff(map[string][2]license.Count{"F": pair(14, 5)}, counts(s)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(s.Terms) != 2 || len(s.Snapshot.Holders) != 2 {
		t.Errorf("%d terms, %d holders; want two of each", len(s.Terms), len(s.Snapshot.Holders))
	}
}

func TestWhoWaitsIsNotInUse(t *testing.T) {
	waiting := strings.TrimSuffix(row("10,5", "4", "bob"), ",\n") + "2,\n"
	s := parse(t, csvHead+row("10,5", "5", "ann")+waiting, facts.Options{}).Servers[0].Snapshot
	r := s.Readings[0]
	if r.InUse != license.Of(5) || r.Queued != license.Of(4) || s.Holders[1].Kind != license.HolderQueued || s.Holders[1].Licenses != 4 {
		t.Errorf("reading %+v, second holder %+v; want 5 in use and 4 waited for", r, s.Holders[1])
	}
}

func TestEditorIsPartOfThePoolOnlyWhereTwoHaveTheFeature(t *testing.T) {
	s := parse(t, csvHead+csvRow+"10,0,\n"+strings.Replace(csvRow, "E,", "G,", 1)+"3,1,\n"+strings.Replace(csvRow, ",F,", ",H,", 1)+"2,0,\n", facts.Options{}).Servers[0]
	want := map[string][2]license.Count{"F@E": pair(10, 0), "F@G": pair(3, 1), "H": pair(2, 0)}
	if diff := cmp.Diff(want, counts(s)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A part that cannot be read must not make the sum too small.
func TestSumWithAnUnreadLicenseIsUnknown(t *testing.T) {
	out := parse(t, csvHead+row("10,5", "5", "ann")+strings.Replace(csvRow, "00:59:00,7", "00:59:00,8", 1)+"?,0,\n", facts.Options{})
	r := out.Servers[0].Snapshot.Readings[0]
	if r.State != license.StateUnknown || r.Installed.Known || r.Reason == "" || out.Servers[0].Snapshot.Complete || out.Unread.Total != 1 {
		t.Errorf("%+v, unread %v; want unknown with a reason, not complete, one line unread", r, out.Unread.First)
	}
}

func TestOneOddLineCostsNothingElse(t *testing.T) {
	out := parse(t, csvHead+row("10,5", "5", "ann")+"what is this\n"+strings.Replace(csvRow, ",F,", ",H,", 1)+"2,0,\n", facts.Options{})
	s := out.Servers[0].Snapshot
	if len(s.Readings) != 2 || len(s.Holders) != 1 || s.Complete || out.Unread.Total != 1 || out.Unread.First[0].Line != 4 {
		t.Errorf("%+v, unread %v; want two pools, a holder, not complete, line 4 unread", s, out.Unread.First)
	}
}

func TestListPrintedTwiceCountsOnce(t *testing.T) {
	text := "E (5E756A80)\nF maxReleaseNumber: 1 maxReleaseDate: 2025-01-01 00:59:00 expirationDate: 2025-01-01 00:59:00 type: Token count: 10 inuse: 5 customerId: 7 pricing structure YLC\n" +
		"internal Id: i granted since: 2024-09-17 17:59:34 last used at: 2024-09-18 15:25:50 by user: ann on host: h (1.0)/\nh (1.0)/ ann p 1 s granted since: 2024-09-17 17:59:34 [tokens: 5]\n"
	csv := csvHead + row("10,5", "5", "ann")
	list := csv[strings.Index(csv, "Editor,"):]
	for name, in := range map[string]string{"CSV": csv + list, "text": text + text, "CSV, then text": csv + text, "text, then CSV": text + list} {
		out := parse(t, in, facts.Options{})
		s := out.Servers[0]
		if diff := cmp.Diff(map[string][2]license.Count{"F": pair(10, 5)}, counts(s)); diff != "" || len(s.Snapshot.Holders) != 1 || s.Snapshot.Holders[0].Licenses != 5 || out.Unread.Total != 0 {
			t.Errorf("%s: holders %+v, unread %v, -want +got\n%s", name, s.Snapshot.Holders, out.Unread.First, diff)
		}
	}
}

func TestEachServerOfASessionStandsAlone(t *testing.T) {
	head := "License Administration Tool Version 6.1 Built on x.\nadmin >\tSoftware version: 6.1\n"
	out := parse(t, "License Administration Tool Version 6.1 Built on x.\nCannot connect to server b on port 4084\n"+head+csvHead+row("10,5", "5", "ann")+head+"\tServer name: c\n", facts.Options{})
	var got []string
	for _, s := range out.Servers {
		got = append(got, strings.Join(s.Server.Hosts, " ")+": "+s.Error)
	}
	want := []string{"b: Cannot connect to server b on port 4084", "a: ", "c: the output has no list of license usage"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAServerThatIsNotReadyIsNotComplete(t *testing.T) {
	for in, want := range map[string]bool{"Ready: yes\n": true, "Ready: no\n": false, "": true} {
		if got := parse(t, in+csvHead+csvRow+"1,0,\n", facts.Options{}).Servers[0].Snapshot.Complete; got != want {
			t.Errorf("%q: complete %t, want %t", in, got, want)
		}
	}
}

func TestNothingReadIsAnError(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "the output is empty",
		"admin >admin >\n":                  "the output has no list of license usage",
		"\tStandalone mode\n":               "the output has no list of license usage",
		"Access is denied.\n":               "the output has no list of license usage: Access is denied.",
		"admin >Error: unknown command x\n": "Error: unknown command x",
	} {
		if out := parse(t, in, facts.Options{}); out.Error != want {
			t.Errorf("error of %q is %q, want %q", in, out.Error, want)
		}
	}
}

func TestACutRowHasNoCutNumber(t *testing.T) {
	formattest.EachCut(formattest.Fixture(t, "testdata/csv-failover.txt"), func(cut []byte) {
		for _, s := range parse(t, string(cut), facts.Options{}).Servers {
			for pool, c := range counts(s) {
				if pool == "QXT" && c != pair(500, 125) || pool == "PLM" && c != pair(3, 1) {
					t.Fatalf("%s is %v after %d bytes", pool, c, len(cut))
				}
			}
		}
	})
}

func TestUnknownCodePageIsRefused(t *testing.T) {
	if _, err := dsls.ParseStatus(strings.NewReader(""), facts.Options{CodePage: "klingon"}); err == nil {
		t.Error("no error for a code page that does not exist")
	}
}

func FuzzStatus(f *testing.F) {
	for _, path := range formattest.Fixtures(f, "testdata/*.txt") {
		f.Add(formattest.Fixture(f, path))
	}
	f.Add([]byte("Editor,Feature,Count,Inuse,User,Queue Position,\nE,F,unlimited,1,u,2\n"))
	f.Add([]byte("F maxReleaseNumber maxReleaseDate:1.2.03 type:Named User count:2147483647 inuse:0\ninternal Id:u granted since:1/2/03 11:00:00 PM\ngranted since:x [tokens:3]\n"))
	f.Add([]byte("Status Feature Quantity EndDate\nactive F 3 2024-12-30.23:59.UTC\nE (01234567)\nError\nServer name: x Server id: y\n"))
	o := facts.Options{Zone: zone(f, "Asia/Kathmandu")}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := dsls.ParseStatus(bytes.NewReader(in), o)
		if err != nil {
			t.Fatal(err)
		}
		formattest.CheckOutput(t, out)
	})
}
