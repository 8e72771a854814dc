package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/license"
	"headroom/internal/report"
)

const lmxStatus = `LM-X End-user Utility v3.32
<?xml version="1.0"?>
<LM-X STAT_VERSION="3.32">
<LICENSE_PATH TYPE="NETWORK" HOST="6200@lic7.example.com" SERVER_VERSION="5.1" UPTIME="1 day(s)" STATUS="SUCCESS">
<FEATURE NAME="BEND" VERSION="2.0" VENDOR="ACME" START="2026-01-01" END="2026-12-31" USED_LICENSES="7" TOTAL_LICENSES="10" DENIED_LICENSES="4" SHARE="NONE">
<USER NAME="mira" HOST="ws12" IP="192.0.2.7" USED_LICENSES="5" LOGIN_TIME="2026-03-02 08:00" CHECKOUT_TIME="2026-03-02 08:01"/>
<USER NAME="Mira" HOST="ws13" IP="192.0.2.8" USED_LICENSES="2" LOGIN_TIME="2026-03-02 08:00" CHECKOUT_TIME="2026-03-02 09:30"/>
</FEATURE>
</LICENSE_PATH>
</LM-X>
`

// What a status of another manager tells stands in the report: counts, those
// who hold, terms, refusals, users.
func TestAStatusOfAnyManagerIsReported(t *testing.T) {
	r := make1(t, source("lmx.txt", []byte(lmxStatus)))
	f := row(t, r, "BEND", "")
	got := fmt.Sprintf("%s %s %s: %v of %v, refused %v, %v users on %v hosts with %v in %v", f.Manager, f.Server, f.Daemon, f.InUse, f.Installed,
		f.Refused, f.Users, f.Hosts, f.CheckedOut, f.Checkouts)
	if want := "lmx lic7.example.com ACME: 7 of 10, refused 4, 1 users on 2 hosts with 7 in 2"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(r.Holders) != 2 || r.Holders[1].Since.String() != "2026-03-02 09:30:00 +00:00" || r.Holders[1].Kind != license.HolderActive {
		t.Errorf("holders %+v", r.Holders)
	}
	if len(r.Terms) != 1 || !r.Terms[0].Expiry.Equal(time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)) || r.Terms[0].Count != license.Of(10) {
		t.Errorf("terms %+v", r.Terms)
	}
	if len(r.Users) != 1 || r.Users[0].Name != "mira" || r.Users[0].Checkouts.Known {
		t.Errorf("users %+v, want mira, whose checkouts nobody counted", r.Users)
	}
	if s := r.Servers; len(s) != 1 || !s[0].Complete || s[0].Version != "5.1" || s[0].Port != 6200 {
		t.Errorf("servers %+v", s)
	}
}

func TestAnErrorIsSaidAndCountsNothing(t *testing.T) {
	for name, text := range map[string]string{
		"rlm": "rlmutil v12.2\n\nError connecting to \"rlm\" server\n", "lmx": "LM-X End-user Utility v3.32\nThere are no license server(s) available.\n",
		"lsdyna": "Using user specified server 31010@lic1\n*** ERROR failed to open server lic1\n",
	} {
		r := make1(t, source(name, []byte(text)))
		if len(r.Features) != 0 || len(r.Files[0].Warnings) == 0 {
			t.Errorf("%s: features %+v, warnings %q; want none and the reason", name, r.Features, r.Files[0].Warnings)
		}
	}
}

// Of several statuses the newest counts, whatever the order of the files; one
// without a date is as new as its file.
func TestTheNewestStatusCounts(t *testing.T) {
	older, newer := source("a", []byte(lmxStatus)), source("b", []byte(strings.ReplaceAll(lmxStatus, `USED_LICENSES="7"`, `USED_LICENSES="3"`)))
	older.At, newer.At = written, written.Add(time.Hour)
	for _, order := range [][]report.Source{{older, newer}, {newer, older}} {
		f := row(t, make1(t, order...), "BEND", "")
		if f.InUse != license.Of(3) || f.Peak.Value != license.Of(7) {
			t.Errorf("in use %v, peak %v; want 3 and 7", f.InUse, f.Peak.Value)
		}
	}
}

func TestATriadIsOneServerWhoeverIsItsMaster(t *testing.T) {
	triad := func(master, minute string) []byte {
		up := ""
		for _, h := range []string{"lic1", "lic2", "lic3"} {
			up += h + ": license server UP " + map[bool]string{true: "(MASTER) "}[h == master] + "v11.19.0\n"
		}
		text := strings.Replace(statusText("lic1", minute, "4"), "27000@lic1", "27000@lic1,27000@lic2,27000@lic3", 1)
		return []byte(strings.Replace(text, "lic1: license server UP (MASTER) v11.19.0\n", up, 1))
	}
	r := make1(t, source("1", triad("lic1", "05")), source("2", triad("lic2", "10")), source("log", []byte(strings.ReplaceAll(start, "lic01", "lic3"))))
	if len(r.Servers) != 1 || len(r.Features) != 3 {
		t.Errorf("%d servers and %d features, want 1 and 3", len(r.Servers), len(r.Features))
	}
}

func TestOurJSONTellsUseAndRefusals(t *testing.T) {
	r := make1(t, source("usage.json", []byte(`{"headroom_usage": 1, "at": "2026-03-03T09:15:00Z",
 "server": {"hosts": ["lic5"], "manager": "acme-lm"},
 "pools": [{"feature": "CAD", "installed": 20, "in_use": 9}],
 "holders": [{"feature": "CAD", "user": "mira", "licenses": 9}],
 "denials": [{"feature": "CAD", "at": "2026-03-03T08:59:58Z", "user": "ana", "host": "ws3", "reason": "none left", "count": 3}],
 "events": [{"feature": "CAD", "from": "2026-03-03T09:10:00Z", "to": "2026-03-03T09:15:00Z", "exact": true, "start": 8,
  "steps": [{"at": "2026-03-03T09:12:31Z", "in_use": 10}, {"at": "2026-03-03T09:14:02Z", "in_use": 9, "high": 11}]}]}`)))
	f := row(t, r, "CAD", "")
	got := fmt.Sprintf("%s: %v of %v, peak %v at %v %s, denied %v in %v", f.Manager, f.InUse, f.Installed, f.Peak.Value, f.Peak.At, f.Peak.Basis, f.Denied, f.Denials)
	if want := "acme-lm: 9 of 20, peak 11 at 2026-03-03 09:14:02 +00:00 exact, denied 3 in 1"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A log or status of an idle pool and one of another server of the same product
// add up at common instants.
func TestAnIdlePoolOfALogIsKnownToBeIdle(t *testing.T) {
	log := reportHead + "START lic9 05/11/2026 08:00:00\n" +
		"PRODUCT gear 1.0 7 5 0 0 \"\" \"\" \"\" \"\" \"\" \"\" 0 0 0 0\nPRODUCT gear 1.0 8 6 0 0 \"\" \"\" \"\" \"\" \"\" \"\" 0 0 0 0\n" +
		reportOut("ann", "1a", "2", "05/11 08:10:00")
	r := make1(t, writtenSource("mech.rl", log))
	idle := row(t, r, "gear", "8")
	if idle.Peak.Value != license.Of(0) || idle.Installed != license.Of(6) || r.Products[0].Peak.Basis != license.BasisExact {
		t.Errorf("idle pool: peak %v of %v; product: %s; want 0 of 6, exact", idle.Peak.Value, idle.Installed, r.Products[0].Peak.Basis)
	}
}

func TestTheTableShowsWhoHoldsWhatAndWhatEnds(t *testing.T) {
	var b bytes.Buffer
	if err := make1(t, source("lmx.txt", []byte(lmxStatus))).WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		if f := strings.Fields(line); len(f) > 0 && (f[0] == "mira" || f[0] == "2026-12-31") {
			got = append(got, strings.Join(f, " "))
		}
	}
	want := []string{
		"mira ws12 active 5 BEND 2026-03-02 08:01:00 +00:00 lic7.example.com",
		"2026-12-31 BEND 2.0 10 lic7.example.com",
		"mira BEND - 2026-03-02 09:30:00 +00:00 lic7.example.com",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s\n%s", diff, b.String())
	}
}
