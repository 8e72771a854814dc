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
	"headroom/internal/formattest"
	"headroom/internal/license"
)

func usageLog(t testing.TB, r io.Reader, o facts.Options) *sentinel.UsageLog {
	t.Helper()
	l, err := sentinel.NewUsageLog(r, o)
	if err != nil {
		t.Fatalf("NewUsageLog: %v", err)
	}
	return l
}

// events returns the events of a log and the lines that were not read.
func events(t testing.TB, in string, o facts.Options) ([]facts.Event, facts.UnreadLines) {
	t.Helper()
	l := usageLog(t, strings.NewReader(in), o)
	var all []facts.Event
	for {
		e, err := l.Next()
		if errors.Is(err, io.EOF) {
			return all, l.Unread()
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		all = append(all, e)
	}
}

// logLine is an entry of a pool of which 3 are in use.
func logLine(what string) string {
	return "2 0 MTI1 Mon Mar  2 09:05:00 2026  1772438700 MESHER 12.0 " + what + " 3 61 ann ws-1 9.7.0 2 - MA== 754986 OTM1\n"
}

// eventLine says all that an event does, shortly.
func eventLine(e facts.Event) string {
	line := fmt.Sprintf("%d %s %s", e.Line, e.At.Format(time.RFC3339), e.Kind)
	if e.Pool.Feature != "" {
		line += fmt.Sprintf(" %v", e.Pool)
	}
	line += fmt.Sprintf(" user %q host %q licenses %d in use %v", e.User, e.Host, e.Licenses, e.InUse)
	if e.Reason != "" {
		line += ": " + e.Reason
	}
	return line
}

func TestUsageLogGolden(t *testing.T) {
	for path, in := range fixtures(t, "testdata/log/*.log") {
		var got struct {
			Events []string
			Unread facts.UnreadLines
		}
		var all []facts.Event
		all, got.Unread = events(t, string(in), facts.Options{Zone: berlin(t)})
		for _, e := range all {
			got.Events = append(got.Events, eventLine(e))
		}
		formattest.Golden(t, path, got)
	}
}

func TestSampleUsageLog(t *testing.T) {
	got, unread := events(t, sample(t, "sentinel/usage-log-v7.00-four-lines.log"), facts.Options{Zone: berlin(t)})
	if unread.Total != 0 {
		t.Errorf("unread %v, want none", unread.First)
	}
	// The seconds since 1970 tell the time; the words before them were written
	// seven hours behind UTC.
	at := func(second int) time.Time { return time.Date(1999, time.August, 14, 0, 33, second, 0, time.UTC) }
	pool := license.Pool{Feature: "99", Variant: "v"}
	want := []facts.Event{
		{Kind: facts.Start, At: at(31), Host: "jsmith", Line: 1},
		{Kind: facts.Out, At: at(33), Pool: pool, User: "jsmith", Host: "jsmith", Licenses: 1, InUse: license.Of(1), Line: 2},
		{Kind: facts.In, At: at(33), Pool: pool, User: "jsmith", Host: "jsmith", Licenses: 1, InUse: license.Of(0), Line: 3},
		{Kind: facts.Shutdown, At: at(34), Host: "jsmith", Line: 4},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTypesOfEntries(t *testing.T) {
	for what, want := range map[string][]facts.Kind{
		"0":  {facts.Out},
		"1":  {facts.Refused},
		"2":  {facts.In},
		"3":  {facts.Queued},
		"4":  {facts.Refused},
		"5":  {facts.Out},
		"6":  {facts.Dequeued, facts.Out},
		"7":  {facts.Dequeued},
		"8":  {facts.Out},
		"9":  {facts.In},
		"10": {facts.In},
		"11": {facts.Mark},
		"12": {facts.Mark},
		"13": {facts.Mark},
		"14": {facts.Out},
		"15": {facts.Mark},
		"16": {facts.In},
		"17": {facts.Mark},
		"99": {facts.Mark},
	} {
		all, unread := events(t, logLine(what), facts.Options{})
		if unread.Total != 0 {
			t.Errorf("type %s: unread %v", what, unread.First)
		}
		var got []facts.Kind
		for _, e := range all {
			got = append(got, e.Kind)
			if e.Kind == facts.Mark {
				if diff := cmp.Diff(facts.Event{Kind: facts.Mark, At: time.Unix(1772438700, 0).UTC(), Line: 1}, e); diff != "" {
					t.Errorf("type %s: -want +got\n%s", what, diff)
				}
				continue
			}
			if e.Pool != (license.Pool{Feature: "MESHER", Variant: "12.0"}) || e.User != "ann" || e.Host != "ws-1" || e.Licenses != 2 || e.InUse != license.Of(3) {
				t.Errorf("type %s: %+v", what, e)
			}
			if (e.Kind == facts.Refused) != (e.Reason != "" && e.Kind != facts.In) {
				t.Errorf("type %s: reason %q of a %s", what, e.Reason, e.Kind)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("type %s: %v, want %v", what, got, want)
		}
	}
}

func TestNamesOfEntries(t *testing.T) {
	const stamp = "2 0 MTI1 Mon Mar  2 09:05:00 2026 1772438700 "
	for line, want := range map[string]facts.Event{
		"99 v 0 1 0 ann pc 7.00 1 - MA==":             {Pool: license.Pool{Feature: "99", Variant: "v"}, User: "ann", Host: "pc"},
		"99 12 0 1 0 ann pc 7.00 1":                   {Pool: license.Pool{Feature: "99", Variant: "12"}, User: "ann", Host: "pc"},
		"CAM  0 1 0 ann pc 7.00 1 - - - - - -":        {Pool: license.Pool{Feature: "CAM"}, User: "ann", Host: "pc"},
		"Big CAM 3.1 0 1 0 ann pc 8.2.1 1 -":          {Pool: license.Pool{Feature: "Big CAM", Variant: "3.1"}, User: "ann", Host: "pc"},
		"CAM 3.1 0 1 0 Ann Miller pc 8.2.1 1 -":       {Pool: license.Pool{Feature: "CAM", Variant: "3.1"}, User: "Ann Miller", Host: "pc"},
		"CAM 3.1 0 1 0 CORP\\ann pc.corp 8.2.1 1 a b": {Pool: license.Pool{Feature: "CAM", Variant: "3.1"}, User: "CORP\\ann", Host: "pc.corp"},
		"CAM 3.1 0 1 0 - - 8.2.1 1 -":                 {Pool: license.Pool{Feature: "CAM", Variant: "3.1"}},
		"CAM 3.1 0 1 0 7 8 8.2.1 1 9.1 2":             {Pool: license.Pool{Feature: "CAM", Variant: "3.1"}, User: "7", Host: "8"},
	} {
		want.Kind, want.At, want.Licenses, want.InUse, want.Line = facts.Out, time.Unix(1772438700, 0).UTC(), 1, license.Of(1), 1
		got, unread := events(t, stamp+line+"\n", facts.Options{})
		if diff := cmp.Diff([]facts.Event{want}, got); diff != "" || unread.Total != 0 {
			t.Errorf("%q: unread %v, -want +got\n%s", line, unread.First, diff)
		}
	}
}

func TestCommentsOfTheLicenseManager(t *testing.T) {
	for line, want := range map[string]facts.Kind{
		"# Startup SentinelLM v7.00 Mon Mar  2 09:05:00 2026  1772438700 lic1 140 42":                      facts.Start,
		"#Shutdown Sentinel RMS Development Kit v9.7.0.0042 Mon Mar 02 09:05:00 2026 1772438700 lic1 42 M": facts.Shutdown,
		"# SHUTDOWN SentinelLM v7.00 Mon Mar  2 09:05:00 2026 1772438700 lic1":                             facts.Shutdown,
	} {
		got, unread := events(t, line+"\r\n", facts.Options{})
		if diff := cmp.Diff([]facts.Event{{Kind: want, At: time.Unix(1772438700, 0).UTC(), Host: "lic1", Line: 1}}, got); diff != "" || unread.Total != 0 {
			t.Errorf("%q: unread %v, -want +got\n%s", line, unread.First, diff)
		}
	}
}

func TestLinesOfALogThatAreNotUnderstoodAreUnread(t *testing.T) {
	lines := []string{
		"3 0 MTI1 QWJjZGVm Z2hpamts bW5vcHFy", // encrypted
		"3 0 MTI1 Mon Mar  2 09:05:00 2026  1772438700 bW5v cHFy c3R1 dnd4 eXox MjM0 NTY3 ODkw",
		"# Startup SentinelLM v7.00",
		"# Reread Mon Mar  2 09:05:00 2026 1772438700 lic1",
		"#",
		"hello",
		strings.Replace(logLine("0"), "MESHER 12.0 0", "0", 1), // no feature
		strings.Replace(logLine("0"), " 3 61 ", " -3 61 ", 1),
		strings.Replace(logLine("0"), " 3 61 ", " 3333333333333 61 ", 1),
		strings.Replace(logLine("0"), " 9.7.0 ", " 9 ", 1),
		strings.Replace(logLine("0"), "Mon Mar  2", "Mon Mrz  2", 1),
		strings.Replace(logLine("0"), "1772438700", "soon", 1),
		strings.Replace(logLine("0"), "2 0 MTI1", "2 x MTI1", 1),
		"2 0 MTI1 Mon Mar  2 09:05:00 2026",
		"2 0 MTI1 Mon Mar  2 09:05:00 2026 1772438700",
		"2 0 MTI1 Mon Mar  2 09:05:00 2026 1772438700 CAM 3.1 0 1 0 ann pc 8.2.1",
		strings.Repeat("x", 200_000),
	}
	for _, line := range lines {
		all, unread := events(t, logLine("0")+strings.TrimSuffix(line, "\n")+"\n"+logLine("2"), facts.Options{})
		if len(all) != 2 || unread.Total != 1 || unread.First[0].Line != 2 {
			t.Errorf("%.80q: %d events, unread %d; want the two around it, and line 2", line, len(all), unread.Total)
		}
	}
}

// The date counts where the seconds behind it cannot be, in the log's zone.
func TestSecondsOfNoUseLeaveTheDate(t *testing.T) {
	for seconds, want := range map[string]time.Time{
		"1772438700":   time.Date(2026, time.March, 2, 8, 5, 0, 0, time.UTC),
		"0":            time.Date(2026, time.March, 2, 8, 5, 0, 0, time.UTC),
		"999999999999": time.Date(2026, time.March, 2, 8, 5, 0, 0, time.UTC),
	} {
		got, _ := events(t, strings.Replace(logLine("0"), "1772438700", seconds, 1), facts.Options{Zone: berlin(t)})
		if len(got) != 1 || !got[0].At.Equal(want) || got[0].At.Location() != time.UTC {
			t.Errorf("seconds %s: %v, want %v", seconds, got, want)
		}
	}
}

func TestEncodingsOfALog(t *testing.T) {
	in := strings.ReplaceAll(logLine("0"), "ann", "Jörg")
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(in)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{
		"UTF-8":        in,
		"windows-1252": strings.ReplaceAll(in, "ö", "\xF6"),
		"UTF-16":       wide,
		"CR":           strings.ReplaceAll(in, "\n", "\r"),
		"with a mark":  "\xEF\xBB\xBF" + in,
	} {
		got, unread := events(t, in, facts.Options{})
		if len(got) != 1 || unread.Total != 0 || got[0].User != "Jörg" {
			t.Errorf("%s: %v, unread %v", name, got, unread.First)
		}
	}
	if _, err := sentinel.NewUsageLog(strings.NewReader(in), facts.Options{CodePage: "latin-99"}); err == nil {
		t.Error("no error for a code page that does not exist")
	}
}

// A log that is read up to any event, and on from there, tells the same as one
// that is read at once.
func TestReadingALogGoesOnAtTheOffset(t *testing.T) {
	in := "# Startup SentinelLM v7.00 Mon Mar  2 09:05:00 2026  1772438700 lic1 140 42\n" +
		logLine("3") + "nonsense\r\n" + logLine("6") + "\n" + logLine("2") + logLine("0")
	whole, _ := events(t, in, facts.Options{})
	for stop := range len(whole) + 1 {
		l := usageLog(t, strings.NewReader(in), facts.Options{})
		var got []facts.Event
		for range stop {
			e, err := l.Next()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
		}
		at := l.Offset()
		if at > 0 && in[at-1] != '\n' {
			t.Errorf("offset %d behind event %d is not behind a line", at, stop)
		}
		// Lines that made several events are read again, if not all were taken.
		lines := strings.Count(in[:at], "\n")
		got = slices.DeleteFunc(got, func(e facts.Event) bool { return e.Line > lines })
		rest, _ := events(t, in[at:], facts.Options{})
		for _, e := range rest {
			e.Line += lines
			got = append(got, e)
		}
		if diff := cmp.Diff(whole, got); diff != "" {
			t.Errorf("stopped behind event %d at byte %d: -want +got\n%s", stop, at, diff)
		}
	}
}

// Wherever a growing log ends for now, no event is lost or told twice by going
// on at the offset, if those of a line without an end are left for then.
func TestAGrowingLogIsReadOnce(t *testing.T) {
	in := logLine("3") + logLine("6") + logLine("2")
	whole, _ := events(t, in, facts.Options{})
	for end := range len(in) + 1 {
		l := usageLog(t, strings.NewReader(in[:end]), facts.Options{})
		var got []facts.Event
		for {
			e, err := l.Next()
			if err != nil {
				break
			}
			if e.Line <= strings.Count(in[:end], "\n") {
				got = append(got, e)
			}
		}
		at := l.Offset()
		if want := strings.LastIndexByte(in[:end], '\n') + 1; at != int64(want) {
			t.Fatalf("cut at %d: offset %d, want %d", end, at, want)
		}
		rest, _ := events(t, in[at:], facts.Options{})
		for _, e := range rest {
			e.Line += strings.Count(in[:at], "\n")
			got = append(got, e)
		}
		if diff := cmp.Diff(whole, got); diff != "" {
			t.Fatalf("cut at %d: -want +got\n%s", end, diff)
		}
	}
}

func TestAnErrorOfTheLogsReaderIsReturned(t *testing.T) {
	broken := errors.New("broken")
	l := usageLog(t, io.MultiReader(strings.NewReader(logLine("0")+logLine("2")[:40]), iotest.ErrReader(broken)), facts.Options{})
	if e, err := l.Next(); err != nil || e.Kind != facts.Out {
		t.Errorf("%v, %v; want the event before the error", e, err)
	}
	for range 2 {
		if _, err := l.Next(); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
	}
	if got := l.Offset(); got != int64(len(logLine("0"))) {
		t.Errorf("offset %d, want that behind the first line", got)
	}
}

// A long log is read in little memory.
func TestALongLogIsNotKept(t *testing.T) {
	const lines = 50_000
	r, w := io.Pipe()
	go func() {
		for i := range lines {
			line := fmt.Sprintf("unread %d\n", i)
			if i%2 == 0 {
				line = logLine("0")
			}
			if _, err := io.WriteString(w, line); err != nil {
				return
			}
		}
		w.Close()
	}()
	l := usageLog(t, r, facts.Options{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	count := 0
	for {
		if _, err := l.Next(); err != nil {
			break
		}
		count++
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if count != lines/2 || l.Lines() != lines || l.Unread().Total != lines/2 {
		t.Errorf("%d events of %d lines, %d unread", count, l.Lines(), l.Unread().Total)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 2<<20 {
		t.Errorf("%d bytes kept, want less than 2 MiB", grown)
	}
}
