package collect_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/agent/collect"
	"headroom/internal/format/text"
	"headroom/internal/license"
	"headroom/internal/series"
)

func file(path, content string) text.File {
	return text.File{Path: path, Size: int64(len(content)), Data: strings.NewReader(content)}
}

// past reads files of the past.
func past(t testing.TB, o collect.PastOptions, files ...text.File) []collect.Portion {
	t.Helper()
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	p, err := collect.OpenPast(files, o)
	if err != nil {
		t.Fatal(err)
	}
	var all []collect.Portion
	for portion, err := range p.Portions(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, portion)
	}
	return all
}

// A kept is what a hub would keep of portions.
type kept struct {
	days      map[int32]series.Day
	pools     map[license.Pool]series.PoolID
	denials   map[collect.Denial]collect.Denial // by what does not change when more is known
	installed map[string]license.Count          // by pool and time
}

func newKept() *kept {
	return &kept{map[int32]series.Day{}, map[license.Pool]series.PoolID{}, map[collect.Denial]collect.Denial{}, map[string]license.Count{}}
}

// pool numbers pools by their name, so that the order does not matter.
func (k *kept) pool(p license.Pool) series.PoolID {
	if k.pools[p] == 0 {
		k.pools[p] = series.PoolID(crc32.ChecksumIEEE([]byte(p.String())))
	}
	return k.pools[p]
}

func (k *kept) add(t testing.TB, portions []collect.Portion) {
	t.Helper()
	for _, p := range portions {
		var b series.Builder
		for _, e := range p.Events {
			steps := make([]series.Step, len(e.Steps))
			for i, s := range e.Steps {
				steps[i] = series.Step{At: s.At.Unix(), InUse: s.InUse, High: s.High}
			}
			span := series.Span{From: e.From.Unix(), To: e.To.Unix(), Exact: e.Exact, Imported: true}
			if err := b.AddSpan(k.pool(e.Pool), span, e.Start, steps); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range b.Days() {
			if was, ok := k.days[d.Number]; ok {
				d = series.Merge(was, d)
			}
			k.days[d.Number] = d
		}
		for _, r := range p.Runs {
			for _, s := range r.Snapshots {
				for _, reading := range s.Readings {
					k.installed[fmt.Sprint(reading.Pool, s.At)] = reading.Installed
				}
			}
		}
		for _, d := range p.Denials {
			key := collect.Denial{Pool: d.Pool, At: d.At, User: d.User, Host: d.Host, Reason: d.Reason}
			was := k.denials[key]
			if d.Count > was.Count || d.Count == was.Count && (d.Last.After(was.Last) || d.Last.Equal(was.Last) && d.Outcome > was.Outcome) {
				k.denials[key] = d
			}
		}
	}
}

// Half a log imported, then the whole, is the same as the whole at once; and so is
// a log that was cut at any byte.
func TestHalfALogThenTheWholeIsTheWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &story{t: rt, at: day, made: map[string]bool{}}
		var log []byte
		for n := range rapid.IntRange(1, 80).Draw(rt, "lines") {
			log = append(log, s.line(n+1)...)
			if rapid.IntRange(0, 15).Draw(rt, "a line that is odd") == 0 {
				log = append(log, " 9:00:00 (acmed) OUT: what is this\n"[max(0, rapid.IntRange(0, 5).Draw(rt, "cut")):]...)
			}
		}
		want := newKept()
		want.add(t, past(t, collect.PastOptions{As: "flexnet-log"}, file("whole", string(log))))
		got := newKept()
		for range rapid.IntRange(1, 3).Draw(rt, "times") {
			cut := rapid.IntRange(0, len(log)).Draw(rt, "cut at")
			got.add(t, past(t, collect.PastOptions{As: "flexnet-log"}, file("half", string(log[:cut]))))
		}
		got.add(t, past(t, collect.PastOptions{As: "flexnet-log"}, file("whole", string(log))))
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(kept{})); diff != "" {
			rt.Fatalf("-whole +half and whole\n%s\n%s", diff, log)
		}
	})
}

func TestPastOfALogIsToldDayByDay(t *testing.T) {
	text := logStart + logMorning + `14:00:00 (acmed) TIMESTAMP 3/3/2026
20:00:00 (acmed) TIMESTAMP 3/3/2026
23:59:59 (acmed) OUT: "DRAFT" max@ws030  
 0:00:00 (acmed) IN: "DRAFT" lee@ws020  (2 licenses) 
 0:10:00 (acmed) DENIED: "MILL" kim@ws014  (Licensed number of users already reached. (-4,342))
 0:11:00 (acmed) TIMESTAMP 3/4/2026
`
	var got []string
	for _, p := range past(t, collect.PastOptions{}, file("debug.log", text)) {
		line := p.Day.Format("2 Jan:")
		for _, e := range only(p.Events, "DRAFT") {
			line += fmt.Sprintf(" %s-%s %d>%d exact=%t", e.From.Format("15:04:05"), e.To.Format("15:04:05"), e.Start, inUse(e), e.Exact)
		}
		for _, d := range p.Denials {
			line += fmt.Sprintf(" %s x%d %s", d.User, d.Count, d.Outcome)
		}
		got = append(got, line)
	}
	want := []string{
		"3 Mar: 08:10:00-00:00:00 0>3 exact=true kim x2 unserved",
		"4 Mar: 00:00:00-00:11:00 3>1 exact=true",
		"4 Mar: kim x1 ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("portions (-want +got):\n%s", diff)
	}
}

func TestFilesOfOneLogAreOnePast(t *testing.T) {
	var log strings.Builder
	log.WriteString(logStart)
	for hour := 9; hour < 23; hour++ {
		fmt.Fprintf(&log, "%2d:00:00 (acmed) TIMESTAMP 3/3/2026\n", hour)
		for i := range 30 {
			word := "OUT"
			if i%3 == 2 {
				word = "IN"
			}
			fmt.Fprintf(&log, "%2d:%02d:00 (acmed) %s: \"DRAFT\" kim@ws%d  \n", hour, i+10, word, i/3)
		}
	}
	text := log.String()
	lines := strings.SplitAfter(text, "\n")
	want := newKept()
	want.add(t, past(t, collect.PastOptions{}, file("whole", text)))
	third := len(lines) / 3
	pieces := []string{strings.Join(lines[:third], ""), strings.Join(lines[third-40:2*third], ""), strings.Join(lines[2*third:], "")}
	got := newKept()
	got.add(t, past(t, collect.PastOptions{}, file("c", pieces[2]), file("a", pieces[0]), file("b", pieces[1]), file("b again", pieces[1])))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(kept{})); diff != "" {
		t.Errorf("-whole +pieces\n%s", diff)
	}
}

func TestLogsOfTwoLicenseServersAreNotOnePast(t *testing.T) {
	p, err := collect.OpenPast([]text.File{file("a", logStart), file("b", strings.ReplaceAll(logStart, "lic01", "lic02"))}, collect.PastOptions{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range p.Portions(t.Context()) {
		if err == nil || !strings.Contains(err.Error(), "lic01 (a), lic02 (b)") {
			t.Fatalf("error %v, want one that names both", err)
		}
	}
}

func TestMissingFileOfALogEndsWhatIsKnown(t *testing.T) {
	a := logStart + ` 8:10:00 (acmed) OUT: "DRAFT" kim@ws014  
 8:20:00 (acmed) TIMESTAMP 3/3/2026
`
	b := ` 9:00:00 (acmed) TIMESTAMP 3/5/2026
 9:10:00 (acmed) OUT: "DRAFT" lee@ws014  
 9:20:00 (acmed) TIMESTAMP 3/5/2026
`
	var got strings.Builder
	for _, p := range past(t, collect.PastOptions{}, file("b", b), file("a", a)) {
		for _, e := range only(p.Events, "DRAFT") {
			fmt.Fprintf(&got, "%s-%s exact=%t %d>%d\n", e.From.Format("2 15:04"), e.To.Format("2 15:04"), e.Exact, e.Start, inUse(e))
		}
	}
	if want := "3 08:10-3 15:20 exact=true 0>1\n5 09:00-5 09:20 exact=false 0>1\n"; got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// saved is a status as somebody has saved it.
func saved(date, inUse string) string {
	return strings.NewReplacer("Tue 3/3/2026 09:15", date, "Total of 3 licenses in use", "Total of "+inUse+" licenses in use").Replace(status)
}

func TestSavedStatusesBecomeReadings(t *testing.T) {
	first, second, third := saved("Mon 3/2/2026 12:55", "3"), saved("Mon 3/2/2026 13:55", "5"), saved("Tue 3/3/2026 0:55", "4")
	for _, text := range []string{first, second, third} {
		if !strings.Contains(text, "Flexible License Manager status on ") {
			t.Fatalf("the fake status has no date:\n%s", text)
		}
	}
	files := map[string][]text.File{
		"a file each":     {file("3", third), file("1", first), file("2", second), file("copy", second)},
		"one file of all": {file("all", first+second+third)},
		"and an error":    {file("1", first+"lmstat: error\n"+second), file("x", "lmutil - Copyright (c) 1989-2016\nFlexible License Manager status on Mon 3/2/2026 13:30\nError getting status: Cannot connect to license server system. (-15,570:111 \"Connection refused\")\n"), file("3", third)},
	}
	for name, some := range files {
		var got []string
		for _, p := range past(t, collect.PastOptions{}, some...) {
			for _, r := range p.Runs {
				for _, s := range r.Snapshots {
					if s.Complete {
						t.Errorf("%s: a saved status says that it is complete", name)
					}
					got = append(got, fmt.Sprintf("%s %s %v/%v every %v", s.At.Format("2 15:04"), s.Readings[0].Pool, s.Readings[0].InUse, s.Readings[0].Installed, r.Interval >= 30*time.Minute))
				}
			}
		}
		want := []string{"2 12:55 DRAFT 3/12 every true", "2 13:55 DRAFT 5/12 every true", "3 00:55 DRAFT 4/12 every true"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDatabaseOfAWatcherBecomesReadings(t *testing.T) {
	dump := "-- MySQL dump 10.13\nCREATE TABLE `usage` (`server_id` int, `time` datetime, `product` varchar(80), `users` int);\n" +
		"CREATE TABLE `available` (`server_id` int, `date` date, `product` varchar(80), `licenses` int);\n" +
		"INSERT INTO `servers` (`id`,`name`,`label`) VALUES (1,'27000@cad','CAD'),(2,'1055@cae','CAE');\nINSERT INTO `available` VALUES (1,'2021-03-04','MILL',10);\n" +
		"INSERT INTO `usage` VALUES (1,'2021-03-04 23:45:00','MILL',3),(1,'2021-03-05 00:00:00','MILL',4),(1,'2021-03-04 23:30:00','MILL',2),(1,'2021-03-04 23:30:01','DRAFT',1),(2,'2021-03-04 23:45:00','X',9);\n"
	var got []string
	for _, p := range past(t, collect.PastOptions{Watched: "cad"}, file("dump.sql", dump)) {
		for _, r := range p.Runs {
			for _, s := range r.Snapshots {
				got = append(got, fmt.Sprintf("%s %s %v/%v", s.At.Format("2 15:04:05"), s.Readings[0].Pool, s.Readings[0].InUse, s.Readings[0].Installed))
			}
		}
	}
	want := []string{"4 23:30:01 DRAFT 1/unknown", "4 23:30:00 MILL 2/10", "4 23:45:00 MILL 3/10", "5 00:00:00 MILL 4/unknown"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
	p, err := collect.OpenPast([]text.File{file("dump.sql", dump)}, collect.PastOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range p.Portions(t.Context()) {
		if err == nil || !strings.Contains(err.Error(), "1055@cae (CAE)") {
			t.Errorf("error %v, want one that names the license servers", err)
		}
	}
}

func TestFilesOfNoPastAreNamed(t *testing.T) {
	p, err := collect.OpenPast([]text.File{file("a.txt", "hello\n"), file("b.lic", "SERVER lic01 ANY\nVENDOR acmed\n")}, collect.PastOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Files {
		if f.Skipped == "" {
			t.Errorf("%s was taken as %s", f.Path, f.Format)
		}
	}
	if _, err := collect.OpenPast([]text.File{file("a.txt", "")}, collect.PastOptions{As: "tarot"}); err == nil {
		t.Error("a format that is none was taken")
	}
}

func TestImportEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := collect.OpenPast([]text.File{file("a", logStart+logMorning)}, collect.PastOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range p.Portions(ctx) {
		if err == nil {
			t.Fatal("something was read after the end")
		}
	}
}

// The real logs, each cut in the middle of a line and then whole.
func TestRealLogsCutAndThenWhole(t *testing.T) {
	samples := os.Getenv("HEADROOM_SAMPLES")
	if samples == "" {
		samples = "../../../../shared/samples"
	}
	names, err := filepath.Glob(filepath.Join(samples, "flexnet", "debuglog-*.log"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 && os.Getenv("CI") != "" {
		t.Error("no samples")
	}
	for _, name := range names {
		log, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want := newKept()
		want.add(t, past(t, collect.PastOptions{}, text.File{Path: name, Size: int64(len(log)), Data: bytes.NewReader(log)}))
		for _, cut := range []int{len(log) / 3, len(log) / 2, len(log) - 17} {
			got := newKept()
			for _, part := range [][]byte{log[:cut], log} {
				got.add(t, past(t, collect.PastOptions{}, text.File{Path: name, Size: int64(len(part)), Data: bytes.NewReader(part)}))
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(kept{})); diff != "" {
				t.Errorf("%s cut at %d: -whole +both\n%.3000s", name, cut, diff)
			}
		}
	}
}

const historicalUse = "Date,Feature,Customer Success Services Date,Licenses Installed,Licenses in Use,Licenses in Overdraft\n" +
	"2026-03-01,XDT_PLT_CCS,2026.1201,100,41,0\n2026-03-01,XDT_ENT_CCS,2026.1201,20,7,0\n2026-03-02,XDT_PLT_CCS,2026.1201,110,52,0\n"

func TestHistoricalUseBecomesMaxima(t *testing.T) {
	zone := time.FixedZone("", 3600)
	show := func(portions []collect.Portion) (out []string) {
		for _, p := range portions {
			for _, m := range p.Maxima {
				out = append(out, fmt.Sprintf("%s %s-%s %d", m.Pool, m.From.Format("2 15:04"), m.To.Format("2 15:04"), m.InUse))
			}
			for _, r := range p.Runs {
				for _, s := range r.Snapshots {
					for _, reading := range s.Readings {
						out = append(out, fmt.Sprintf("%s %s %v/%v", reading.Pool, s.At.Format("2 15:04"), reading.InUse, reading.Installed))
					}
				}
			}
		}
		return out
	}
	more := historicalUse + "2026-03-03,XDT_PLT_CCS,2026.1201,110,3,0\n"
	got := show(past(t, collect.PastOptions{Zone: zone}, file("use.csv", more)))
	want := []string{
		"XDT_PLT_CCS (2026.1201) 28 23:00-1 23:00 41", "XDT_ENT_CCS (2026.1201) 28 23:00-1 23:00 7",
		"XDT_PLT_CCS (2026.1201) 28 23:00 unknown/100", "XDT_ENT_CCS (2026.1201) 28 23:00 unknown/20",
		"XDT_PLT_CCS (2026.1201) 1 23:00-2 23:00 52", "XDT_PLT_CCS (2026.1201) 1 23:00 unknown/110",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	// What is not over is not told; a table that has grown tells the same, and more.
	if diff := cmp.Diff(want[:4], show(past(t, collect.PastOptions{Zone: zone}, file("use.csv", historicalUse)))); diff != "" {
		t.Errorf("the beginning alone: -want +got\n%s", diff)
	}
	polled := "Date,Time,Total,InUse\n3/1/2026,9:20 AM,10,4\n3/1/2026,9:25 AM,10,5\n3/15/2026,9:25 AM,10,5\n"
	got = show(past(t, collect.PastOptions{Zone: time.UTC, Feature: "XDT_PLT_CCS", As: "citrix-history"}, file("poll.csv", polled)))
	if want := []string{"XDT_PLT_CCS 1 09:20 4/10", "XDT_PLT_CCS 1 09:25 5/10", "XDT_PLT_CCS 15 09:25 5/10"}; !cmp.Equal(want, got) {
		t.Errorf("of a script: %q, want %q", got, want)
	}
}

func TestHistoricalUseThatContradictsItselfIsRefused(t *testing.T) {
	for table, want := range map[string]string{
		historicalUse + "2026-03-01,XDT_ENT_CCS,2026.1201,20,9,0\n": "lines 3 and 5",
		"Date,Time,InUse\n3/1/2026,9:20 AM,4\n":                     "names no product",
	} {
		p, err := collect.OpenPast([]text.File{file("use.csv", table)}, collect.PastOptions{As: "citrix-history"})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range p.Portions(t.Context()) {
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "use.csv") {
				t.Errorf("error %v, want one about %q", err, want)
			}
		}
	}
}
