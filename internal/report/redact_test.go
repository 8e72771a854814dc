package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/report"
)

// effort is more than any test's text needs.
const effort = 1 << 30

// A failer is a testing.T or a rapid.T.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// facts returns what a text says.
func facts(t failer, s report.Source, o report.Options) (all []report.Fact) {
	t.Helper()
	_, err := report.Read(s, o, func(f report.Fact) error {
		all = append(all, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// checkRedacted fails unless the new text says what the old one did, apart from
// names, and has none of the old names of people and machines.
func checkRedacted(t failer, old, now report.Source, o report.Options) {
	t.Helper()
	before, after := facts(t, old, o), facts(t, now, o)
	if len(before) != len(after) {
		t.Fatalf("%d facts after, want %d", len(after), len(before))
	}
	names := map[string]bool{}
	for _, f := range before {
		for _, name := range []string{f.User, f.Host} {
			names[license.FoldName(name)] = strings.ContainsFunc(name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
		}
	}
	for _, word := range []string{"", "localhost", "localhost.localdomain", "this_host", "automatic", "midnight"} {
		delete(names, word)
	}
	for i, f := range after {
		for _, name := range []string{f.User, f.Host} {
			if names[license.FoldName(name)] {
				t.Errorf("line %d: %q is a name of the text: %+v", f.Line, name, f)
			}
		}
		g := before[i]
		f.User, f.Host, f.Display, f.Said = g.User, g.Host, g.Display, g.Said
		if f != g {
			t.Errorf("line %d says %+v, want %+v", g.Line, f, g)
		}
	}
}

// checkRest fails unless a text differs from another one in letters and digits
// only.
func checkRest(t failer, old, now []byte) {
	t.Helper()
	a, b := []rune(string(old)), []rune(string(now))
	if len(a) != len(b) {
		t.Fatalf("%d letters, want %d", len(b), len(a))
	}
	alike := func(r, s rune) bool {
		return r == s || unicode.IsLetter(r) && unicode.IsLetter(s) || unicode.IsDigit(r) && unicode.IsDigit(s)
	}
	for i := range a {
		if !alike(a[i], b[i]) {
			t.Fatalf("letter %d is %q, want one like %q", i, b[i], a[i])
		}
	}
}

func bytesOf(t failer, s report.Source) []byte {
	t.Helper()
	raw := make([]byte, s.Size)
	if _, err := s.Data.ReadAt(raw, 0); err != nil {
		t.Fatal(err)
	}
	return raw
}

func redacted(t testing.TB, r *report.Redactor, s report.Source, o report.Options) report.Source {
	t.Helper()
	text, err := r.Redact(s, o)
	if err != nil {
		t.Fatal(err)
	}
	now := source(s.Path, text)
	now.At = s.At
	return now
}

func TestEveryCaptureIsRedacted(t *testing.T) {
	dir := samples(t)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".md") || strings.HasSuffix(path, ".tsv") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s := source(filepath.Base(path), text)
		if make1(t, s).Files[0].Format == "unknown" {
			return nil
		}
		now := redacted(t, report.NewRedactor(effort), s, report.Options{})
		checkRedacted(t, s, now, report.Options{})
		checkRest(t, bytesOf(t, s), bytesOf(t, now))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A cast is what is drawn for a status: a server, and who holds licenses.
type cast struct {
	server string
	users  []string
	hosts  []string
	counts []int
}

// ordinary names are no words of any format.
var (
	ordinary = rapid.StringMatching(`[a-z]{2}q[a-z]{2,6}[0-9]{0,3}`)
	machine  = rapid.StringMatching(`[a-z]q[a-z]{2,5}(-[0-9]{1,3})?(\.q[a-z]{3,6}\.example)?`)
	// tricky ones are words of formats, numbers, single letters.
	tricky = rapid.OneOf(
		rapid.SampledFrom([]string{
			"license", "licenses", "start", "users", "Users", "of", "in", "use", "UP", "issued", "Total", "vendor", "for", "at", "handle",
			"count", "inuse", "used", "by", "Feature", "Version", "Vendor", "date", "BEND", "acme", "bend", "v1", "Mon", "MASTER", "server",
		}),
		rapid.StringMatching(`[0-9]{1,3}`), rapid.StringMatching(`[a-z]`), rapid.StringMatching(`[A-Z]{2,4}\\[a-z]{3,5}`),
		rapid.StringMatching(`[a-z]{3}\.[a-z]{4}`), rapid.StringMatching(`[a-z]{3,5}\$`), rapid.StringMatching(`[\pL]{1,4}`),
	)
)

func drawCast(t *rapid.T, users, hosts *rapid.Generator[string]) cast {
	n := rapid.IntRange(1, 6).Draw(t, "holders")
	return cast{
		server: machine.Draw(t, "server"),
		users:  rapid.SliceOfN(users, n, n).Draw(t, "users"),
		hosts:  rapid.SliceOfN(hosts, n, n).Draw(t, "hosts"),
		counts: rapid.SliceOfN(rapid.IntRange(1, 30), n, n).Draw(t, "licenses"),
	}
}

func (c cast) sum() (n int) {
	for _, k := range c.counts {
		n += k
	}
	return n
}

// texts are a status of several managers each, with the same cast.
var texts = map[string]func(cast) string{
	"flexnet": func(c cast) string {
		var b strings.Builder
		fmt.Fprintf(&b, "lmutil - Copyright (c) 1989-2023 Flexera. All Rights Reserved.\nFlexible License Manager status on Mon 3/2/2026 09:05\n\n"+
			"License server status: 27000@%s\n    License file(s) on %[1]s: /opt/%[1]s/acme.lic:\n\n%[1]s: license server UP (MASTER) v11.19.0\n\n"+
			"Vendor daemon status (on %[1]s):\n\n      acme: UP v11.19.0\n\nFeature usage info:\n\n"+
			"Users of BEND:  (Total of 999 licenses issued;  Total of %d licenses in use)\n\n  \"BEND\" v2.0, vendor: acme, expiry: 31-dec-2026\n  floating license\n\n",
			c.server, c.sum())
		for i, user := range c.users {
			fmt.Fprintf(&b, "    %s %s %[2]s (v1.0) (%s/27000 %d), start Mon 3/2 8:0%d, %d licenses\n", user, c.hosts[i], c.server, 101+i, i, c.counts[i])
		}
		return b.String()
	},
	"lmx": func(c cast) string {
		var b strings.Builder
		fmt.Fprintf(&b, "LM-X End-user Utility v3.32\n\nLM-X License Server on 6200@%s:\n\nServer version: v5.1 Uptime: 3 day(s) 12 hour(s) 0 min(s) 51 sec(s)\n"+
			"----------------------------------------\nFeature: BEND Version: 2.0 Vendor: ACME\nStart date: 2026-01-01 Expire date: 2026-12-31\n"+
			"Key type: EXCLUSIVE License sharing: NONE\n\n%d of 999 license(s) used:\n\n", c.server, c.sum())
		for i, user := range c.users {
			fmt.Fprintf(&b, "%d license(s) used by %s@%s [192.0.2.%d]\nLogin time: 2026-03-02 08:00   Checkout time: 2026-03-02 08:0%d\n\n", c.counts[i], user, c.hosts[i], i, i)
		}
		return b.String()
	},
	"rlm": func(c cast) string {
		var b strings.Builder
		fmt.Fprintf(&b, "rlmutil v12.2\n\n    rlm status on %s (port 5053), up 1d 00:00:00\n    Startup time: Mon Mar  2 08:00:00 2026\n\n"+
			"    acme ISV server status on %[1]s (port 6000), up 1d 00:00:00\n    Startup time: Mon Mar  2 08:00:00 2026\n\n"+
			"    acme license pool status on %[1]s (port 6000)\n\n    BEND v2.0\n        count: 999, # reservations: 0, inuse: %d, exp: 31-dec-2026\n"+
			"        obsolete: 0, min_remove: 120, total checkouts: 3\n\n    acme license usage status on %[1]s (port 6000)\n\n", c.server, c.sum())
		for i, user := range c.users {
			fmt.Fprintf(&b, "    BEND v2.0: %s@%s %d/0 at 03/02 08:0%d  (handle: %d)\n", user, c.hosts[i], c.counts[i], i, 41+i)
		}
		return b.String()
	},
}

// A status with names of people and machines has none of them once it is
// redacted, and gives the same numbers.
func TestNoNameIsLeftAndNoNumberChanges(t *testing.T) {
	for manager, text := range texts {
		t.Run(manager, rapid.MakeCheck(func(t *rapid.T) {
			s := source(manager, []byte(text(drawCast(t, ordinary, machine))))
			text, err := report.NewRedactor(effort).Redact(s, report.Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkRedacted(t, s, source(manager, text), report.Options{})
			checkRest(t, bytesOf(t, s), text)
		}))
	}
}

// Where names are words of the format, they are told apart or nothing is
// redacted at all.
func TestNamesThatAreWordsOfTheFormatAreNeverLeft(t *testing.T) {
	for manager, text := range texts {
		done, refused := 0, 0
		t.Run(manager, rapid.MakeCheck(func(t *rapid.T) {
			s := source(manager, []byte(text(drawCast(t, rapid.OneOf(tricky, ordinary), rapid.OneOf(machine, tricky)))))
			text, err := report.NewRedactor(effort).Redact(s, report.Options{})
			switch {
			case errors.Is(err, report.ErrNames):
				refused++
			case err != nil:
				t.Fatal(err)
			default:
				done++
				checkRedacted(t, s, source(manager, text), report.Options{})
			}
		}))
		if t.Logf("%s: %d redacted, %d refused", manager, done, refused); done < refused {
			t.Errorf("%s: %d texts were redacted and %d refused; want more of the former", manager, done, refused)
		}
	}
}

func TestOneNameHasOneReplacement(t *testing.T) {
	r := report.NewRedactor(effort)
	status := redacted(t, r, source("status", []byte(texts["lmx"](cast{"lic7.example.com", []string{"Mira", "MIRA", "tomas"}, []string{"ws1", "ws1", "ws2"}, []int{1, 2, 3}}))), report.Options{})
	var got []string
	for _, f := range facts(t, status, report.Options{}) {
		if f.User != "" {
			got = append(got, f.User)
		}
	}
	if len(got) != 3 || got[0] == got[1] || !strings.EqualFold(got[0], got[1]) || strings.EqualFold(got[0], got[2]) {
		t.Errorf("users are %q now, want one name in two spellings and another one", got)
	}
	log := redacted(t, r, writtenSource("log", isvStart+"05/11 08:10 (mech) OUT: gear v1.0 by mira@ws1.example.com\n"), report.Options{})
	for _, f := range facts(t, log, report.Options{}) {
		if f.Kind == "out" && !strings.EqualFold(f.User, got[0]) {
			t.Errorf("mira is %q in the log and %q in the status", f.User, got[0])
		}
	}
}

// What stands around the names stays: line ends, marks, code pages.
func TestEverythingElseStaysByteForByte(t *testing.T) {
	text := strings.ReplaceAll(texts["lmx"](cast{"lic7", []string{"Jürgen"}, []string{"ws1"}, []int{1}}), "\n", "\r\n") + "  \t comment \u00e9 of nobody"
	encodings := map[string]func(string) []byte{
		"UTF-8":        func(s string) []byte { return []byte(s) },
		"UTF-8 marked": func(s string) []byte { return append([]byte{0xEF, 0xBB, 0xBF}, s...) },
		"windows-1252": func(s string) []byte { return must(charmap.Windows1252.NewEncoder().Bytes([]byte(s)))(t) },
		"UTF-16": func(s string) []byte {
			return must(utf16.UTF16(utf16.LittleEndian, utf16.UseBOM).NewEncoder().Bytes([]byte(s)))(t)
		},
	}
	for name, encode := range encodings {
		old := source(name, encode(text))
		now := redacted(t, report.NewRedactor(effort), old, report.Options{})
		checkRedacted(t, old, now, report.Options{})
		raw := bytesOf(t, now)
		for _, gone := range []string{"Jürgen", "lic7", "ws1", "192.0.2.0"} {
			if bytes.Contains(raw, encode(gone)[len(encode("")):]) {
				t.Errorf("%s: %q is still there", name, gone)
			}
		}
		if end := encode("  \t comment \u00e9 of nobody")[len(encode("")):]; !bytes.HasSuffix(raw, end) {
			t.Errorf("%s: the end is not %q", name, end)
		}
	}
}

func must(b []byte, err error) func(testing.TB) []byte {
	return func(t testing.TB) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func TestAUserThatIsCalledLikeAWordOfTheFormatIsReplacedWhereItIsAName(t *testing.T) {
	s := source("s", []byte(texts["flexnet"](cast{"lic7", []string{"start", "licenses"}, []string{"ws1", "27000"}, []int{1, 2}})))
	now := redacted(t, report.NewRedactor(effort), s, report.Options{})
	checkRedacted(t, s, now, report.Options{})
}

func TestRedactionIsTheSameEveryTime(t *testing.T) {
	s := source("s", []byte(texts["rlm"](cast{"lic7", []string{"mira"}, []string{"ws1"}, []int{1}})))
	a := bytesOf(t, redacted(t, report.NewRedactor(effort), s, report.Options{}))
	b := bytesOf(t, redacted(t, report.NewRedactor(effort), s, report.Options{}))
	if !bytes.Equal(a, b) {
		t.Error("the same text was redacted in two ways")
	}
}

func TestWhatIsNoCaptureIsNotRedacted(t *testing.T) {
	if _, err := report.NewRedactor(effort).Redact(source("letter", []byte("Dear Mira,\n")), report.Options{}); err == nil {
		t.Error("a letter was redacted; nobody knows where its names stand")
	}
}

// However a text goes on, redacting it ends, and soon.
func FuzzRedact(f *testing.F) {
	for _, text := range texts {
		f.Add(text(cast{"lic7.example.com", []string{"Mira", "of", "1"}, []string{"ws1", "in", "2"}, []int{1, 2, 3}}))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := source("fuzz", []byte(text))
		began := time.Now()
		out, err := report.NewRedactor(effort).Redact(s, report.Options{})
		if err == nil {
			checkRedacted(t, s, source("fuzz", out), report.Options{})
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%v for %d bytes", took, len(text))
		}
	})
}
