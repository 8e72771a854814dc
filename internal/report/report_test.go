package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/catalog"
	"headroom/internal/license"
	"headroom/internal/report"
)

// start opens a log of ours; body lines follow it.
const start = ` 8:00:00 (lmgrd) FlexNet Licensing (v11.19.0.0 build 276017 x64_lsb) started on lic01 (linux) (3/2/2026)
 8:00:01 (acme) FlexNet Licensing version v11.19.0.0 build 276017 x64_lsb
 8:00:01 (acme) Server started on lic01 for:	cutter
 8:00:01 (acme) mill
`

// longLog is three days of work with a TIMESTAMP every six hours.
func longLog() string {
	var b strings.Builder
	b.WriteString(start)
	for hour := 9; hour < 80; hour++ {
		day, h := hour/24, hour%24
		if h%6 == 0 {
			fmt.Fprintf(&b, "%2d:00:00 (acme) TIMESTAMP 3/%d/2026\n", h, 2+day)
		}
		for i := range 4 + h%5 {
			fmt.Fprintf(&b, "%2d:%02d:%02d (acme) OUT: \"cutter\" user%d@pc%d  \n", h, 10+i, h, i, i)
		}
		for i := range 3 + h%5 {
			fmt.Fprintf(&b, "%2d:%02d:%02d (acme) IN: \"cutter\" user%d@pc%d  \n", h, 30+i, day, i, i)
		}
		fmt.Fprintf(&b, "%2d:59:00 (acme) IN: \"cutter\" user%d@pc%d  \n", h, 3+h%5, 3+h%5)
		fmt.Fprintf(&b, "%2d:59:30 (acme) DENIED: \"mill\" user1@pc1  (Licensed number of users already reached. (-4,342))\n", h)
	}
	return b.String()
}

func TestAPeakIsTheHighestSecondOfTheLog(t *testing.T) {
	text := start + ` 9:00:00 (acme) OUT: "cutter" ann@pc1  (2 licenses) 
 9:00:05 (acme) OUT: "cutter" Ben@pc2  
 9:00:05 (acme) IN: "cutter" ann@pc1  (2 licenses) 
 9:30:00 (acme) OUT: "cutter" BEN@PC2  
`
	r := make1(t, source("a.log", []byte(text)))
	if len(r.Features) != 1 {
		t.Fatalf("features: %+v", r.Features)
	}
	f := r.Features[0]
	got := fmt.Sprint(f.Server, " ", f.Daemon, " ", f.Feature, " ", f.Peak.Value, " ", f.Peak.At, " ", f.Peak.Basis, " open ", f.Open, "/", f.OpenCheckouts, " users ", f.Users)
	want := "lic01 acme cutter 3 2026-03-02 09:00:05 +00:00 exact open 2/2 users 2"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFilesOfOneLogAreOneHistory(t *testing.T) {
	text := longLog()
	want := make1(t, source("whole", []byte(text))).Features
	lines := strings.SplitAfter(text, "\n")
	rapid.Check(t, func(t *rapid.T) {
		// Pieces of at least 100 lines hold a TIMESTAMP, so that they can be dated.
		n := len(lines)
		a := rapid.IntRange(100, n/2-50).Draw(t, "first cut")
		b := rapid.IntRange(n/2+50, n-100).Draw(t, "second cut")
		back := rapid.IntRange(0, 60).Draw(t, "lines that stand twice")
		pieces := []report.Source{
			source("1", []byte(strings.Join(lines[:a], ""))),
			source("2", []byte(strings.Join(lines[max(a-back, 0):b], ""))),
			source("3", []byte(strings.Join(lines[b:], ""))),
		}
		if back > 0 && back < 25 { // shorter than what is believed to be the same
			return
		}
		pieces = append(pieces, pieces[rapid.IntRange(0, 2).Draw(t, "copy")])
		if rapid.Bool().Draw(t, "and the whole") {
			pieces = append(pieces, source("whole", []byte(text)))
		}
		r, err := report.Make(rapid.Permutation(pieces).Draw(t, "order"), report.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(asJSON(t, want), asJSON(t, r.Features)); diff != "" {
			t.Fatalf("not the history of the whole log (-want +got):\n%s", diff)
		}
	})
}

func asJSON(t interface{ Fatal(...any) }, v any) string {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// statusText is an lmstat output of ours.
func statusText(host, minute, inUse string) string {
	return `lmutil - Copyright (c) 1989-2023 Flexera. All Rights Reserved.
Flexible License Manager status on Mon 3/2/2026 09:` + minute + `

License server status: 27000@` + host + `
    License file(s) on ` + host + `: /opt/acme.lic:

` + host + `: license server UP (MASTER) v11.19.0

Vendor daemon status (on ` + host + `):

      acme: UP v11.19.0

Feature usage info:

Users of cutter:  (Total of 10 licenses issued;  Total of ` + inUse + ` licenses in use)

Users of gauge:  (Uncounted, node-locked)

Users of drill:  (Error: 2 licenses, unsupported by licensed server)

`
}

func TestUnknownIsNullAndNeverZero(t *testing.T) {
	r := make1(t, source("s.txt", []byte(statusText("lic01", "05", "4"))))
	var out struct {
		Features []map[string]any
	}
	if err := json.Unmarshal([]byte(asJSON(t, r)), &out); err != nil {
		t.Fatal(err)
	}
	for _, f := range out.Features {
		switch f["feature"] {
		case "cutter":
			if f["installed"] != 10.0 || f["in_use"] != 4.0 || f["out"] != nil || f["open"] != nil {
				t.Errorf("cutter: %v", f)
			}
		case "gauge":
			if f["state"] != "uncounted" || f["installed"] != nil || f["in_use"] != nil {
				t.Errorf("gauge: %v", f)
			}
		case "drill":
			if f["state"] != "error" || f["installed"] != nil || f["in_use"] != nil || f["peak"].(map[string]any)["value"] != nil {
				t.Errorf("drill: %v", f)
			}
		}
	}
	if len(out.Features) != 3 {
		t.Errorf("%d features, want 3", len(out.Features))
	}
	for _, p := range r.Products {
		if want := map[string]catalog.Model{"gauge": catalog.Uncounted}[p.Name]; want != "" && p.Model != want {
			t.Errorf("%s: model %s, want %s", p.Name, p.Model, want)
		}
	}
}

func TestStatusesOfOneServerGiveTheHighestAsPeak(t *testing.T) {
	r := make1(t,
		source("3", []byte(statusText("LIC01", "15", "3"))), source("1", []byte(statusText("lic01", "05", "4"))),
		source("2", []byte(statusText("lic01.example.com", "10", "7"))))
	for _, f := range r.Features {
		if f.Feature != "cutter" {
			continue
		}
		got := fmt.Sprint(f.InUse, " ", f.Peak.Value, " ", f.Peak.At, " ", f.First, " ", f.Last)
		want := "3 7 2026-03-02 09:10:00 +00:00 2026-03-02 09:05:00 +00:00 2026-03-02 09:15:00 +00:00"
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if len(r.Features) != 3 {
		t.Errorf("%d features, want 3: one license server in three spellings", len(r.Features))
	}
}

func TestAProductsPeakIsTakenAtCommonInstants(t *testing.T) {
	logOf := func(host, hour string) report.Source {
		text := strings.ReplaceAll(start, "lic01", host) +
			hour + `:00:00 (acme) OUT: "cutter" ann@pc1  (5 licenses) ` + "\n" +
			hour + `:30:00 (acme) IN: "cutter" ann@pc1  (5 licenses) ` + "\n14:00:00 (acme) TIMESTAMP 3/2/2026\n"
		return source(host, []byte(text))
	}
	r := make1(t, logOf("lic01", " 9"), logOf("lic02", "10"))
	if len(r.Products) != 1 || r.Products[0].Peak.Value != license.Of(5) {
		t.Errorf("products %+v, want one with a peak of 5: the servers were never busy together", r.Products)
	}
	if got := r.Products[0].CheckedOut; got != license.Of(10) {
		t.Errorf("checked out %v, want 10", got)
	}
}

func TestAnUnknownPartMakesASumUnknown(t *testing.T) {
	broken := strings.ReplaceAll(statusText("lic02", "05", "4"), "(Total of 10 licenses issued;  Total of 4 licenses in use)", "(Error: 10 licenses, unsupported by licensed server)")
	r := make1(t, source("1", []byte(statusText("lic01", "05", "4"))), source("2", []byte(broken)))
	for _, p := range r.Products {
		if p.Name == "cutter" && (p.InUse.Known || p.Installed.Known || p.Peak.Basis != license.BasisAtLeast) {
			t.Errorf("cutter: in use %v of %v, peak %v %s; want unknown, unknown, at least", p.InUse, p.Installed, p.Peak.Value, p.Peak.Basis)
		}
	}
}

func TestABlockInErrorMakesItsFeatureUnknown(t *testing.T) {
	counted := "Users of drill:  (Total of 3 licenses issued;  Total of 1 license in use)\n\n"
	whole := statusText("lic01", "05", "4")
	for _, text := range []string{whole + counted, strings.Replace(whole, "Users of drill:", counted+"Users of drill:", 1)} {
		for _, f := range make1(t, source("s", []byte(text))).Features {
			if f.Feature == "drill" && (f.StateName != "error" || f.InUse.Known || f.Peak.Value.Known) {
				t.Errorf("drill: %s, in use %v, peak %v; want error and unknown", f.StateName, f.InUse, f.Peak.Value)
			}
		}
	}
}

func TestTwoBlocksOfOneFeatureAreAdded(t *testing.T) {
	text := statusText("lic01", "05", "4") + "Users of cutter:  (Total of 7 licenses issued;  Total of 2 licenses in use)\n\n"
	for _, f := range make1(t, source("s", []byte(text))).Features {
		if f.Feature == "cutter" && (f.Installed != license.Of(17) || f.InUse != license.Of(6) || f.Peak.Value != license.Of(6)) {
			t.Errorf("cutter: %v of %v, peak %v; want 6 of 17, 6", f.InUse, f.Installed, f.Peak.Value)
		}
	}
}

func TestASilentLogVouchesForNothing(t *testing.T) {
	logOf := func(host, rest string) report.Source {
		return source(host, []byte(strings.ReplaceAll(start, "lic01", host)+rest))
	}
	r := make1(t,
		logOf("lic01", " 9:00:00 (acme) OUT: \"cutter\" ann@pc1  (5 licenses) \n"+
			"10:00:00 (acme) TIMESTAMP 3/5/2026\n10:01:00 (acme) IN: \"cutter\" ann@pc1  (5 licenses) \n"),
		logOf("lic02", "14:00:00 (acme) TIMESTAMP 3/2/2026\n20:00:00 (acme) TIMESTAMP 3/2/2026\n 2:00:00 (acme) TIMESTAMP 3/3/2026\n"+
			" 3:00:00 (acme) OUT: \"cutter\" ben@pc2  (4 licenses) \n 4:00:00 (acme) IN: \"cutter\" ben@pc2  (4 licenses) \n"))
	if p := r.Products[0].Peak; p.Value != license.Of(5) {
		t.Errorf("peak %v at %v (%s), want 5: when the other server was busy, the first log had been silent for 18 hours", p.Value, p.At, p.Basis)
	}
}

func TestALogAndAStatusOfOneServerAreOneRow(t *testing.T) {
	text := start + ` 9:00:00 (acme) OUT: "cutter" ann@pc1  (6 licenses) 
 9:04:00 (acme) IN: "cutter" ann@pc1  (6 licenses) 
 9:10:00 (acme) OUT: "cutter" ann@pc1  
`
	r := make1(t, source("log", []byte(text)), source("status", []byte(statusText("lic01", "05", "4"))))
	for _, f := range r.Features {
		if f.Feature == "cutter" && (f.Installed != license.Of(10) || f.InUse != license.Of(4) || f.Peak.Value != license.Of(6) || f.Open != license.Of(1)) {
			t.Errorf("cutter: %+v", f.Figures)
		}
	}
	if len(r.Features) != 3 {
		t.Errorf("%d features, want 3", len(r.Features))
	}
}

func TestHostileNamesAreDefused(t *testing.T) {
	text := start + " 9:00:00 (acme) OUT: \"=cmd()\x1b[2J\" ann@pc1  \n"
	r := make1(t, source("log", []byte(text)))
	var csv, table bytes.Buffer
	if err := r.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(csv.String(), ",'=cmd()") {
		t.Errorf("a formula stands in the CSV:\n%s", csv.String())
	}
	if strings.Contains(table.String(), "\x1b") {
		t.Errorf("an escape sequence stands in the table:\n%q", table.String())
	}
}

func TestAFileOfNoKnownFormatIsSaidSo(t *testing.T) {
	r := make1(t, source("letter.txt", []byte("Dear all,\nplease find attached\n")))
	if f := r.Files[0]; f.Format != "unknown" || len(f.Warnings) != 1 {
		t.Errorf("file: %+v", f)
	}
}

func lines(t *testing.T, s report.Source) (report.File, []report.Line) {
	t.Helper()
	var all []report.Line
	file, err := report.Lines(s, report.Options{}, func(l report.Line) error {
		all = append(all, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return file, all
}

// Every line is told of once, in its order, whatever the format.
func TestEveryLineIsReadOrNot(t *testing.T) {
	for name, text := range map[string]string{
		"status": statusText("lic01", "05", "4") + "nobody knows this line\n",
		"log":    longLog() + "nobody knows this line\n",
		"lmx":    strings.Replace(lmxStatus, "<?xml", "nobody knows this line\n<?xml", 1),
		"letter": "nobody knows this line\n",
	} {
		file, all := lines(t, source(name, []byte(text)))
		number, unread, facts := 0, 0, 0
		for _, l := range all {
			if l.Number != 0 {
				number++
			}
			if l.Number != number && l.Number != 0 {
				t.Fatalf("%s: line %d comes as number %d", name, l.Number, number)
			}
			if l.State == report.LineUnread {
				unread++
			}
			facts += len(l.Facts)
			if l.Number > 0 && l.Text != strings.Split(text, "\n")[l.Number-1] {
				t.Errorf("%s: line %d is %q", name, l.Number, l.Text)
			}
		}
		if want := strings.Count(text, "\n"); number != want {
			t.Errorf("%s: %d lines, want %d", name, number, want)
		}
		if file.Format != "unknown" && unread != file.Unread || name == "letter" && unread != 1 {
			t.Errorf("%s: %d lines are unread, want %d", name, unread, file.Unread)
		}
		if name != "letter" && facts == 0 {
			t.Errorf("%s: no facts", name)
		}
	}
}

func TestWhereNotAllUnreadLinesAreKeptTheRestIsUnsure(t *testing.T) {
	_, all := lines(t, source("status", []byte(statusText("lic01", "05", "4")+strings.Repeat("nobody knows this line\n", 1200))))
	last := all[len(all)-1]
	if last.State != report.LineUnsure {
		t.Errorf("line %d is %s, want unsure", last.Number, last.State)
	}
}
