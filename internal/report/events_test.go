package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/report"
)

// written is when our logs without a year were written.
var written = time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)

func writtenSource(path, text string) report.Source {
	s := source(path, []byte(text))
	s.At = written
	return s
}

// row returns the only row of a feature.
func row(t testing.TB, r report.Report, feature, variant string) report.Feature {
	t.Helper()
	var found []report.Feature
	for _, f := range r.Features {
		if f.Place.Feature == feature && f.Variant == variant {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d rows of %s (%s), want one: %+v", len(found), feature, variant, r.Features)
	}
	return found[0]
}

// says is what the tests compare of a row.
func says(f report.Feature) string {
	return fmt.Sprintf("%s %s: out %v in %v denied %v in %v, peak %v at %v %s, open %v in %v, users %v",
		f.Daemon, f.Place.Feature, f.Out, f.In, f.Denied, f.Denials, f.Peak.Value, f.Peak.At, f.Peak.Basis, f.Open, f.OpenCheckouts, f.Users)
}

const isvStart = "05/11 08:00 (mech) RLM License Server Version 12.2\n05/11 08:00 (mech) Server started on lic9 for:\n"

func TestALogIsCountedOutAndIn(t *testing.T) {
	r := make1(t, writtenSource("mech.log", isvStart+
		"05/11 08:10 (mech) OUT: gear v1.0 by Ann@pc1 (2 licenses)\n"+
		"05/11 08:11 (mech) OUT: gear v1.0 by ben@pc2\n"+
		"05/11 08:12 (mech) DENIED: (1) gear v1.0 to cid@pc3\nAll licenses in use\n"+
		"05/11 08:14 (mech) DENIED: (1) gear v1.0 to CID@pc3\nAll licenses in use\n"+
		"05/11 08:20 (mech) IN: (client exit) gear v1.0 by ANN@PC1 (2 licenses)\n"+
		"05/11 08:30 (mech) IN: gear v1.0 by dan@pc4\n"))
	got := says(row(t, r, "gear", ""))
	want := "mech gear: out 2 in 2 denied 2 in 1, peak 3 at 2026-05-11 08:11:00 +00:00 exact, open 1 in 1, users 3"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var users []string
	for _, u := range r.Users {
		users = append(users, fmt.Sprint(u.Name, " ", u.Checkouts, " ", u.Last))
	}
	if diff := cmp.Diff([]string{"Ann 1 2026-05-11 08:20:00 +00:00", "ben 1 2026-05-11 08:11:00 +00:00", "dan 0 2026-05-11 08:30:00 +00:00"}, users); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

func TestALogCutAtItsStartKnowsAtLeast(t *testing.T) {
	r := make1(t, writtenSource("mech.log", "05/11 08:10 (mech) OUT: gear v1.0 by ann@pc1\n"))
	if p := row(t, r, "gear", "").Peak; p.Basis != license.BasisAtLeast || p.Value != license.Of(1) {
		t.Errorf("peak %v %s, want 1, at least", p.Value, p.Basis)
	}
}

const reportHead = "RLM Report Log Format 0, version 1.0\nISV: mech, RLM version 12.2\n\n"

// reportOut is an OUT of the std format after which so many are in use.
func reportOut(who, handle, inUse, at string) string {
	return fmt.Sprintf("OUT gear 1.0 7 %s pc1 \"\" 2 %s 0 %s %s 99 \"\" \"\" \"\" %s\n", who, inUse, handle, handle, at)
}

// What the events tell is in use counts, also in a log that begins late.
func TestALogThatTellsWhatIsInUseIsBelieved(t *testing.T) {
	r := make1(t, writtenSource("mech.rl", reportHead+
		"START lic9 05/11/2026 08:00:00\n"+
		reportOut("ann", "1a", "9", "05/11 08:10:00")+
		"IN 1 gear 1.0 ben pc2 \"\" 3 6 0 2b 05/11 08:15:30\n"))
	got := says(row(t, r, "gear", "7"))
	want := "mech gear: out 1 in 1 denied 0 in 0, peak 9 at 2026-05-11 08:10:00 +00:00 exact, open 6 in 1, users 2"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A log knows no variants where a status has them, or the other way round: what
// they tell of a product together is told once.
func TestAProductOfVariantsAndWholesIsCountedOnce(t *testing.T) {
	status := `rlmutil v12.2

	rlm status on lic9 (port 5053), up 1d 00:00:00
	Startup time: Mon May 11 08:00:00 2026

	mech ISV server status on lic9 (port 6000), up 1d 00:00:00
	Startup time: Mon May 11 08:00:00 2026

	mech license pool status on lic9 (port 6000)

	gear v1.0, pool: 1
		count: 5, # reservations: 0, inuse: 1, exp: permanent
		obsolete: 0, min_remove: 120, total checkouts: 3
	gear v2.0, pool: 2
		count: 6, # reservations: 0, inuse: 2, exp: permanent
		obsolete: 0, min_remove: 120, total checkouts: 3
`
	log := isvStart + "05/11 08:10 (mech) OUT: gear v1.0 by ann@pc1\n05/11 08:11 (mech) OUT: gear v2.0 by ann@pc1 (8 licenses)\n"
	r := make1(t, writtenSource("status", status), writtenSource("log", log))
	if len(r.Products) != 1 {
		t.Fatalf("products %+v, want one", r.Products)
	}
	p := r.Products[0]
	got := fmt.Sprint(p.Installed, " ", p.InUse, " out ", p.Out, " peak ", p.Peak.Value, " ", p.Peak.Basis, " on ", p.Servers)
	if want := "11 3 out 2 peak 9 exact on [lic9]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTwoLogsOfTheSameTimeAreOfTwoServers(t *testing.T) {
	log := func(user string) report.Source {
		return writtenSource(user, isvStart+
			"05/11 08:10 (mech) OUT: gear v1.0 by "+user+"@pc1 (3 licenses)\n05/11 09:10 (mech) IN: gear v1.0 by "+user+"@pc1 (3 licenses)\n")
	}
	r := make1(t, log("ann"), log("ben"))
	if len(r.Features) != 2 || r.Products[0].Peak.Value != license.Of(6) {
		t.Errorf("%d rows, peak of the product %v; want 2 and 6", len(r.Features), r.Products[0].Peak.Value)
	}
}

// isvLog draws a log with an event a minute, and what it adds up to.
func isvLog(t *rapid.T) (lines []string, peak, open int64) {
	lines = strings.SplitAfter(strings.TrimSuffix(isvStart, "\n"), "\n")
	lines[len(lines)-1] += "\n"
	at := time.Date(2026, 5, 11, 8, 1, 0, 0, time.UTC)
	out := map[string]int64{}
	for i := range rapid.IntRange(20, 60).Draw(t, "events") {
		who := fmt.Sprintf("user%d@pc%d", i%5, i%3)
		n := rapid.Int64Range(1, 4).Draw(t, "licenses")
		key := fmt.Sprint(who, n)
		at = at.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "minutes")) * time.Minute)
		what := "OUT:"
		if rapid.Bool().Draw(t, "back") {
			what = "IN:"
			if out[key] > 0 {
				out[key]--
				open -= n
			}
		} else {
			out[key]++
			open += n
		}
		peak = max(peak, open)
		lines = append(lines, fmt.Sprintf("%s (mech) %s gear v1.0 by %s (%d licenses)\n", at.Format("01/02 15:04"), what, who, n))
	}
	return lines, peak, open
}

// Half a log and its rest, in any order, are the log: the same figures, and
// those that counting by hand gives.
func TestFilesOfOneEventLogAreOneHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, peak, open := isvLog(t)
		o := report.Options{Zone: time.UTC}
		whole, err := report.Make([]report.Source{writtenSource("whole", strings.Join(lines, ""))}, o)
		if err != nil {
			t.Fatal(err)
		}
		if f := whole.Features[0]; f.Peak.Value != license.Of(peak) || f.Open != license.Of(open) || f.Peak.Basis != license.BasisExact {
			t.Fatalf("peak %v %s, open %v; want %d, exact, %d", f.Peak.Value, f.Peak.Basis, f.Open, peak, open)
		}
		a := rapid.IntRange(3, len(lines)/2).Draw(t, "first cut")
		b := rapid.IntRange(len(lines)/2+1, len(lines)-1).Draw(t, "second cut")
		pieces := []report.Source{
			writtenSource("1", strings.Join(lines[:a], "")),
			writtenSource("2", strings.Join(lines[a:b], "")),
			writtenSource("3", strings.Join(lines[b:], "")),
		}
		pieces = append(pieces, pieces[rapid.IntRange(0, 2).Draw(t, "copy")])
		got, err := report.Make(rapid.Permutation(pieces).Draw(t, "order"), o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(asJSON(t, whole.Features), asJSON(t, got.Features)); diff != "" {
			t.Fatalf("not the history of the whole log (-want +got):\n%s", diff)
		}
	})
}

// Who was served soon after a refusal did not go without: the rule is that of
// every log.
func TestDenialsOfEveryLogAreTrueOrFalse(t *testing.T) {
	refused := "05/11 08:%s (mech) DENIED: (1) gear v1.0 to %s@pc\nAll licenses in use\n"
	r := make1(t, writtenSource("mech.log", isvStart+
		fmt.Sprintf(refused, "10", "ann")+fmt.Sprintf(refused, "10", "ben")+
		"05/11 08:12 (mech) OUT: gear v1.0 by Ann@PC\n"+
		"05/11 08:30 (mech) OUT: gear v1.0 by cid@pc\n"+fmt.Sprintf(refused, "31", "dan")))
	f := row(t, r, "gear", "")
	if f.Denied != license.Of(3) || f.Denials != license.Of(3) || f.DenialsTrue != license.Of(1) || f.DenialsFalse != license.Of(1) {
		t.Errorf("denied %v, denials %v, true %v, false %v; want 3, 3, 1, 1", f.Denied, f.Denials, f.DenialsTrue, f.DenialsFalse)
	}
	var got []string
	for _, d := range r.Denials {
		got = append(got, fmt.Sprint(d.Day, " ", d.Daemon, " ", d.User, " ", d.True, d.False, d.Unknown, " ", d.Reason))
	}
	want := []string{
		"2026-05-11 mech ann 0 1 0 All licenses in use", "2026-05-11 mech ben 1 0 0 All licenses in use", "2026-05-11 mech dan 0 0 1 All licenses in use",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("denials (-want +got):\n%s", diff)
	}
}
