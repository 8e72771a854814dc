package flexnet_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"headroom/internal/format/flexnet"
)

// FuzzLog reads anything as a log. What comes out must hold together.
func FuzzLog(f *testing.F) {
	f.Add(startOfLog + ` 9:00:00 (vend) OUT: "f" ann@pc1  [x] (2 licenses) ` + "\n 9:00:00 (vend_1) IN: f ann@pc1\n(INACTIVE)\n")
	f.Add("23:59:59 (v) DENIED: \"f\" J D@pc1  (text. (-4,342:10054 \"\"))\r\n 0:00:00 (v) UNSUPPORTED: \"f\" (AB 12 ) ann@pc1 (No. (-5,346))")
	f.Add(" 9:00:00 (v) Server started on lic01 for:\tP (consisting of:\t\tA \n 9:00:00 (v) B C) D\t\n 9:00:00 (v) EXITING DUE TO SIGNAL 15\n")
	f.Add("\xEF\xBB\xBF 1:00:00 (v) OUT: \"f\" u@h ^^^ 1.0 u 10.0.0.7 4711 0x1a 1 10 p 11 19 5/6/2024 1:00:00 1 ^^^\nShut down FlexNet v license\n")
	f.Add("\xFF\xFE1\x00:\x002\x00\n\x00")
	f.Add(" 1:00:00 (lmgrd) TIMESTAMP 10/27/2024\n 2:30:00 (v) QUEUED: \"f\" u@h\n 2:00:00 (v) DEQUEUED: \"f\" u@h\n 3:00:00 (v) Disabling 1 licenses from feature f\n")
	f.Add("0000000000000000\n01:00:00 (00000)F000000000000000000000000000 started on 000000000000000(1/1/2000)\n000000000000\n1:00:00 (0)OUT:0 0@00000 (000000000)\n0:00 (00)IN:0 @0")
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	o := flexnet.LogOptions{Zone: zone}
	f.Fuzz(func(t *testing.T, log string) {
		events, file := checkFuzzedLog(t, log, o)
		totals := flexnet.NewLogTotals(o)
		var last time.Time
		totals.OnStep = func(s flexnet.LogStep) {
			if s.At.Before(last) || s.High < s.InUse {
				t.Errorf("step %+v behind one at %v", s, last)
			}
			last = s.At
		}
		again, err := totals.Read(strings.NewReader(log))
		if err != nil {
			t.Fatalf("Read: %v", err)
		}
		totals.Flush()
		if diff := diffOf(file, again); diff != "" {
			t.Errorf("the reader's file and the totals' differ:\n%s", diff)
		}
		checkFuzzedTotals(t, totals, events)
		head, err := flexnet.LogHead(strings.NewReader(log), o)
		if err != nil || head.FirstLine != file.FirstLine || head.Started != file.Started || head.First.IsZero() != file.First.IsZero() {
			t.Errorf("head %+v, %v; file %+v", head, err, file)
		}
		if !head.First.Equal(file.First) && !(clockWasSet(file) && head.First.After(file.First)) {
			t.Errorf("head begins %v, the whole file %v", head.First, file.First)
		}
	})
}

// clockWasSet says that the reader found times that go back, or dates that do not
// follow: only then something behind the first line may be earlier than it.
func clockWasSet(file flexnet.LogFile) bool {
	return slices.ContainsFunc(file.Warnings, func(w string) bool {
		return strings.Contains(w, "without midnight") || strings.Contains(w, "not follow from the lines before")
	})
}

// checkFuzzedLog reads the events one by one.
func checkFuzzedLog(t *testing.T, log string, o flexnet.LogOptions) ([]flexnet.LogEvent, flexnet.LogFile) {
	t.Helper()
	r := flexnet.NewLogReader(strings.NewReader(log), o)
	var events []flexnet.LogEvent
	for line := 0; ; {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if e.Line <= line || e.Kind.String() == "unknown" || e.Licenses < 0 {
			t.Errorf("event %+v behind line %d", e, line)
		}
		for _, s := range []string{e.Daemon, e.Feature, e.User, e.Host, e.Extra, e.Key, e.Reason, e.Handle} {
			if !utf8.ValidString(s) {
				t.Errorf("%q of %+v is no UTF-8", s, e)
			}
		}
		line = e.Line
		events = append(events, e)
	}
	file := r.File()
	if file.Events != len(events) || file.UnreadLines < len(file.Unread) || file.Lines < file.UnreadLines+file.Events {
		t.Errorf("%d events; file %+v", len(events), file)
	}
	if file.Last.Before(file.First) {
		t.Errorf("last instant %v before the first %v", file.Last, file.First)
	}
	return events, file
}

// checkFuzzedTotals compares the totals with the events.
func checkFuzzedTotals(t *testing.T, totals *flexnet.LogTotals, events []flexnet.LogEvent) {
	t.Helper()
	var out, in, denied int64
	for _, e := range events {
		switch e.Kind {
		case flexnet.LogOut:
			out++
		case flexnet.LogIn:
			in++
		case flexnet.LogDenied:
			denied++
		}
	}
	held := 0
	for _, f := range totals.Features() {
		out, in, denied = out-f.Out, in-f.In, denied-f.Denied
		held += f.OpenCheckouts
		if f.Peak.Value < f.Open || f.Open < 0 || f.DeniedFolded > f.Denied || f.Last.Before(f.First) && !f.Last.IsZero() {
			t.Errorf("feature %+v does not hold together", f)
		}
	}
	if out != 0 || in != 0 || denied != 0 || held != len(totals.Open()) {
		t.Errorf("lost: %d out, %d in, %d denied; %d checkouts held, %d open", out, in, denied, held, len(totals.Open()))
	}
}
