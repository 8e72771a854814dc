package denial_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/format/denial"
	"headroom/internal/license"
)

// play plays a log: "10:00:00 - kim" is a refusal, "+" an issue, "." nothing.
// It returns the denials, a line each, and those that are open at the end with
// their outcome unknown.
func play(t *testing.T, log string) string {
	t.Helper()
	var out strings.Builder
	w := denial.Watch{Tell: func(d denial.Denial) {
		fmt.Fprintf(&out, "%s-%s %s x%d %q\n", d.First.Format("15:04:05"), d.Last.Format("15:04:05"), d.User, d.Count, d.Outcome)
	}}
	for line := range strings.Lines(log) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		at, err := time.Parse("2006-01-02 15:04:05", "2026-03-03 "+f[0])
		if err != nil {
			t.Fatal(err)
		}
		r := denial.Request{Pool: license.Pool{Feature: "MILL"}}
		if len(f) > 2 {
			r.User, r.Host = f[2], "ws1"
		}
		switch f[1] {
		case "-":
			w.Refused(at, r, "none left")
		case "+":
			w.Served(at, r.Folded())
		default:
			w.Advance(at)
		}
	}
	w.End()
	return out.String()
}

func TestDenialsAreToldByTheirRule(t *testing.T) {
	for name, c := range map[string]struct{ log, want string }{
		"went without":               {"10:00:00 - kim\n10:05:01 .", "10:00:00-10:00:00 kim x1 \"unserved\"\n"},
		"served in time":             {"10:00:00 - kim\n10:05:00 + kim\n10:10:00 .", "10:00:00-10:00:00 kim x1 \"served\"\n"},
		"served too late":            {"10:00:00 - kim\n10:05:01 + kim", "10:00:00-10:00:00 kim x1 \"unserved\"\n"},
		"asked again and again":      {"10:00:00 - kim\n10:04:00 - KIM\n10:09:00 - kim\n10:13:00 + kim", "10:00:00-10:09:00 kim x3 \"served\"\n"},
		"served, then refused again": {"10:00:00 - kim\n10:01:00 + kim\n10:02:00 - kim\n11:00:00 .", "10:00:00-10:02:00 kim x2 \"unserved\"\n"},
		"another one was served":     {"10:00:00 - kim\n10:01:00 + lee\n11:00:00 .", "10:00:00-10:00:00 kim x1 \"unserved\"\n"},
		"two needs":                  {"10:00:00 - kim\n10:05:01 - kim\n11:00:00 .", "10:00:00-10:00:00 kim x1 \"unserved\"\n10:05:01-10:05:01 kim x1 \"unserved\"\n"},
		"the log ends":               {"10:00:00 - kim\n10:03:00 .", "10:00:00-10:00:00 kim x1 \"\"\n"},
		"the log ends, but served":   {"10:00:00 - kim\n10:03:00 + kim", "10:00:00-10:00:00 kim x1 \"served\"\n"},
		"back in time":               {"10:00:00 - kim\n09:59:00 + kim\n11:00:00 .", "10:00:00-10:00:00 kim x1 \"served\"\n"},
		"served before":              {"10:00:00 + kim\n10:00:00 - kim\n11:00:00 .", "10:00:00-10:00:00 kim x1 \"unserved\"\n"},
	} {
		if diff := cmp.Diff(c.want, play(t, c.log)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// However often the watch is told how late it is, the denials are the same; and
// each refusal is in one of them.
func TestDenialsDoNotDependOnWhenOneLooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var often, seldom []denial.Denial
		a := denial.Watch{Tell: func(d denial.Denial) { often = append(often, d) }}
		b := denial.Watch{Tell: func(d denial.Denial) { seldom = append(seldom, d) }}
		at, refusals := time.Unix(1_000_000, 0).UTC(), int64(0)
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			for range rapid.IntRange(0, 3).Draw(t, "looks") {
				at = at.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "seconds")) * time.Second)
				a.Advance(at)
			}
			r := denial.Request{User: rapid.SampledFrom([]string{"kim", "Kim", "lee"}).Draw(t, "user")}
			if rapid.Bool().Draw(t, "refused") {
				a.Refused(at, r, "none left")
				b.Refused(at, r, "none left")
				refusals++
			} else {
				a.Served(at, r.Folded())
				b.Served(at, r.Folded())
			}
		}
		a.Advance(at)
		b.Advance(at)
		a.End()
		b.End()
		if diff := cmp.Diff(often, seldom); diff != "" {
			t.Fatalf("looked at often (-) and seldom (+):\n%s", diff)
		}
		for _, d := range often {
			refusals -= d.Count
		}
		if refusals != 0 {
			t.Errorf("%d refusals are in no denial", refusals)
		}
	})
}
