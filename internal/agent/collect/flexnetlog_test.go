package collect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/agent/collect"
	"headroom/internal/license"
)

// logStart opens a debug log at 08:00 on 3 March 2026.
const logStart = ` 8:00:00 (lmgrd) FlexNet Licensing (v11.16.2.0 build 242994 x64_lsb) started on lic01 (linux) (3/3/2026)
 8:00:00 (lmgrd) TIMESTAMP 3/3/2026
 8:00:01 (acmed) FlexNet Licensing version v11.16.2.0 build 242994 x64_lsb
 8:00:01 (acmed) Server started on lic01 for:	DRAFT		MILL		
 8:00:02 (acmed) TIMESTAMP 3/3/2026
`

const logMorning = ` 8:10:00 (acmed) OUT: "DRAFT" kim@ws014  
 8:20:00 (acmed) OUT: "DRAFT" lee@ws020  (2 licenses) 
 8:25:00 (acmed) IN: "DRAFT" kim@ws014  
 8:26:00 (acmed) OUT: "DRAFT" max@ws030  
 8:26:00 (acmed) IN: "DRAFT" max@ws030  
 8:30:00 (acmed) DENIED: "MILL" kim@ws014  (Licensed number of users already reached. (-4,342))
 8:31:00 (acmed) DENIED: "MILL" KIM@ws014  (Licensed number of users already reached. (-4,342))
`

func at(clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-03-03 "+clock, time.UTC)
	if err != nil {
		panic(err)
	}
	return t
}

// A logWorld is a log that grows and a reader that looks at it.
type logWorld struct {
	t    *testing.T
	path string
	now  time.Time
	r    *collect.EventLog
}

func newLog(t *testing.T, text string) *logWorld {
	t.Helper()
	w := &logWorld{t: t, path: filepath.Join(t.TempDir(), "debug.log")}
	w.write(text)
	w.reopen("")
	return w
}

func (w *logWorld) reopen(resume string) {
	w.t.Helper()
	format, err := collect.FlexNetLog(time.UTC, "")
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := collect.NewEventLog(w.path, format, resume, func() time.Time { return w.now })
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = r.Close() })
	w.r = r
}

func (w *logWorld) write(text string) {
	w.t.Helper()
	f, err := os.OpenFile(w.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// look reads the log at a time of day.
func (w *logWorld) look(clock string) collect.Result {
	w.t.Helper()
	w.now = at(clock)
	return read(w.t, w.r)
}

func draft(from, to string, start int64, steps ...collect.Step) collect.Events {
	return collect.Events{
		Pool: license.Pool{Feature: "DRAFT"}, Daemon: "acmed",
		From: at(from), To: at(to), Exact: true, Start: start, Steps: steps,
	}
}

func only(events []collect.Events, feature string) []collect.Events {
	var some []collect.Events
	for _, e := range events {
		if e.Pool.Feature == feature {
			some = append(some, e)
		}
	}
	return some
}

func TestLogTellsWhatHappenedSinceTheLastLook(t *testing.T) {
	w := newLog(t, logStart+logMorning)
	first := w.look("08:40:05")
	want := []collect.Events{draft("08:10:00", "08:40:00", 0,
		collect.Step{At: at("08:10:00"), InUse: 1, High: 1},
		collect.Step{At: at("08:20:00"), InUse: 3, High: 3},
		collect.Step{At: at("08:25:00"), InUse: 2, High: 2},
		collect.Step{At: at("08:26:00"), InUse: 2, High: 3})}
	if diff := cmp.Diff(want, only(first.Events, "DRAFT")); diff != "" {
		t.Errorf("first look (-want +got):\n%s", diff)
	}
	wantDenials := []collect.Denial{{
		Pool: license.Pool{Feature: "MILL"}, At: at("08:30:00"), Last: at("08:31:00"), User: "kim", Host: "ws014",
		Reason: "Licensed number of users already reached. (-4,342)", Count: 2, Outcome: "unserved",
	}}
	if diff := cmp.Diff(wantDenials, first.Denials); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}

	w.write(` 8:50:00 (acmed) IN: "DRAFT" lee@ws020  (2 licenses) ` + "\n")
	second := w.look("08:55:05")
	want = []collect.Events{draft("08:40:00", "08:55:00", 2, collect.Step{At: at("08:50:00"), InUse: 0, High: 0})}
	if diff := cmp.Diff(want, only(second.Events, "DRAFT")); diff != "" {
		t.Errorf("second look (-want +got):\n%s", diff)
	}
	if len(second.Denials) != 0 {
		t.Errorf("the second look tells %d refusals again", len(second.Denials))
	}
}

func TestLogGoesOnWhereASafeResultEnded(t *testing.T) {
	w := newLog(t, logStart+logMorning)
	resume := w.look("08:22:05").Resume
	w.reopen(resume)
	got := only(w.look("08:40:05").Events, "DRAFT")
	want := []collect.Events{draft("08:31:00", "08:40:00", 2)}
	// The log's last line is of 08:31: up to there the first look told all.
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after a restart at %s (-want +got):\n%s", resume, diff)
	}
	if _, err := collect.NewEventLog(w.path, collect.LogFormat{}, "yesterday", nil); err == nil {
		t.Error("a position that is none was accepted")
	}
}

func TestUnfinishedLineIsLeftForTheNextLook(t *testing.T) {
	w := newLog(t, logStart+` 8:10:00 (acmed) OUT: "DRAFT" kim@ws014  (2`)
	if got := only(w.look("08:10:04").Events, "DRAFT"); len(got) != 0 {
		t.Errorf("half a line was read: %+v", got)
	}
	w.write("0 licenses) \n")
	got := only(w.look("08:20:05").Events, "DRAFT")
	if len(got) != 1 || len(got[0].Steps) != 1 || got[0].Steps[0].InUse != 20 {
		t.Errorf("the finished line says %+v, want one step to 20", got)
	}
}

func TestSilentLogVouchesForSevenHours(t *testing.T) {
	w := newLog(t, logStart+logMorning)
	got := only(w.look("20:00:00").Events, "DRAFT")
	if len(got) != 1 || !got[0].To.Equal(at("15:31:00")) {
		t.Errorf("vouched for %+v, want up to 15:31", got)
	}
	res := w.look("20:05:00")
	if res.Failure == "" || len(res.Events) != 0 {
		t.Errorf("a log silent since 8:31 says %+v at 20:05, want that use is unknown", res)
	}
}

func TestSilenceInsideALogIsNotVouchedFor(t *testing.T) {
	w := newLog(t, logStart+logMorning+`18:00:00 (acmed) TIMESTAMP 3/3/2026
18:10:00 (acmed) IN: "DRAFT" lee@ws020  (2 licenses) 
`)
	got := only(w.look("18:20:05").Events, "DRAFT")
	if len(got) != 2 || !got[0].To.Equal(at("15:31:00")) || !got[1].From.Equal(at("18:00:00")) || got[1].Start != 2 {
		t.Errorf("spans %+v, want one to 15:31 and one from 18:00 that starts with 2", got)
	}
}

func TestLogThatWasCutIsAtLeast(t *testing.T) {
	w := newLog(t, ` 8:00:02 (acmed) TIMESTAMP 3/3/2026
`+logMorning)
	got := only(w.look("08:40:05").Events, "DRAFT")
	if len(got) != 1 || got[0].Exact {
		t.Errorf("a log without its start says %+v, want one span that is not exact", got)
	}
}

func TestLongLogComesInPortions(t *testing.T) {
	var text strings.Builder
	text.WriteString(logStart)
	for i := range 30_000 {
		word := "OUT"
		if i%2 == 1 {
			word = "IN"
		}
		clock := at("08:00:10").Add(time.Duration(i) * time.Second)
		fmt.Fprintf(&text, "%2d:%02d:%02d (acmed) %s: \"DRAFT\" kim@ws014  \n", clock.Hour(), clock.Minute(), clock.Second(), word)
	}
	w := newLog(t, text.String())
	steps, looks := 0, 0
	var to time.Time
	for more := true; more; looks++ {
		res := w.look("18:00:00")
		if res.Failure != "" {
			t.Fatal(res.Failure)
		}
		for _, e := range only(res.Events, "DRAFT") {
			if !to.IsZero() && !e.From.Equal(to) {
				t.Errorf("portion %d begins at %v, the one before ended at %v", looks+1, e.From, to)
			}
			to, steps = e.To, steps+len(e.Steps)
		}
		more = res.More
	}
	if steps != 30_000 || looks != 2 {
		t.Errorf("%d steps in %d portions, want 30000 in 2", steps, looks)
	}
}

func TestLogThatCannotBeReadIsUnknown(t *testing.T) {
	w := newLog(t, "nothing of a date\n")
	if res := w.look("08:00:00"); !strings.Contains(res.Failure, "date") {
		t.Errorf("a log without a date: failure %q", res.Failure)
	}
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	if res := w.look("08:00:00"); !strings.Contains(res.Failure, "debug.log") {
		t.Errorf("a log that is gone: failure %q, want one that names it", res.Failure)
	}
}

func TestLogCutAtAnyByteTellsTheSame(t *testing.T) {
	text := logStart + logMorning
	whole := newLog(t, text)
	var want told
	want.add(t, whole.look("08:40:05"))
	want.add(t, whole.look("09:00:00"))
	for cut := range text {
		w := newLog(t, text[:cut])
		var got told
		w.now = at("08:00:05")
		if res := read(t, w.r); res.Failure == "" { // else no line tells its date yet
			got.add(t, res)
			w.reopen(res.Resume)
		}
		w.write(text[cut:])
		got.add(t, w.look("08:40:05"))
		got.add(t, w.look("09:00:00"))
		if diff := cmp.Diff(want.sorted().use, got.sorted().use); diff != "" {
			t.Fatalf("cut behind %q (-whole +cut):\n%s", text[max(0, cut-20):cut], diff)
		}
		if diff := cmp.Diff(want.denials, got.denials); diff != "" {
			t.Fatalf("cut behind %q: denials (-whole +cut):\n%s", text[max(0, cut-20):cut], diff)
		}
	}
}
