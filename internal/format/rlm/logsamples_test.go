package rlm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A sum of the events of a log by kind.
type kinds map[facts.Kind]int

func kindsOf(events []facts.Event) kinds {
	n := kinds{}
	for _, e := range events {
		n[e.Kind]++
	}
	return n
}

func wantKinds(t *testing.T, events []facts.Event, want kinds) {
	t.Helper()
	if diff := cmp.Diff(want, kindsOf(events)); diff != "" {
		t.Errorf("events by kind: -want +got\n%s", diff)
	}
}

func TestSampleReportLogOfTwoRuns(t *testing.T) {
	r := reportLog(t, sample(t, "reportlog-std-v10-two-runs.log"), facts.Options{})
	events := eventsOf(t, r)
	wantKinds(t, events, kinds{
		facts.Start: 2, facts.Served: 8, facts.Mark: 22, facts.Out: 5, facts.In: 3, facts.Refused: 1,
		facts.Held: 1, facts.Shutdown: 1, facts.Reread: 1,
	})
	if n := r.Unread().Total; n != 0 {
		t.Errorf("%d lines unread, want none", n)
	}
	first, last := r.Span()
	if !first.Equal(time.Date(2013, 5, 11, 15, 16, 0, 0, time.UTC)) || !last.Equal(time.Date(2013, 5, 12, 1, 32, 28, 0, time.UTC)) {
		t.Errorf("from %v to %v, want 11 May 2013 15:16:00 to 12 May 01:32:28", first, last)
	}
	for _, e := range events {
		switch {
		case e.Kind == facts.Refused && (e.Code != -22 || e.Reason != "all licenses in use" || e.Again || e.User != "cecil"):
			t.Errorf("refusal %+v, want -22 of cecil for good", e)
		case e.Kind == facts.Held && (e.Pool != license.Pool{Feature: "analytics", Variant: "2"} || e.Handle != "41"):
			t.Errorf("held at the end of the first run: %+v, want analytics of pool 2 by handle 41", e)
		case (e.Kind == facts.Out || e.Kind == facts.In) && (!e.InUse.Known || !e.Total.Known || e.Reserved != license.Of(0)):
			t.Errorf("%+v, want in use, total and no reservations", e)
		}
	}
}

func TestSampleReportLogWithRecordCutShort(t *testing.T) {
	r := reportLog(t, sample(t, "reportlog-std-v8-truncated-record.log"), facts.Options{})
	events := eventsOf(t, r)
	wantKinds(t, events, kinds{facts.Start: 1, facts.Served: 8, facts.Mark: 1, facts.Out: 1, facts.In: 2, facts.Reread: 1})
	want := []facts.Unread{{Line: 15, Text: `OUT datavis 2.04 1 cecil win7_xeon ""`}}
	if diff := cmp.Diff(want, r.Unread().First); diff != "" {
		t.Errorf("unread, because it ends before its count: -want +got\n%s", diff)
	}
	last := events[len(events)-1]
	if last.Handle != "41" || last.Pool.Variant != "1" || last.InUse != license.Of(0) {
		t.Errorf("return of the checkout that was cut: %+v, want none of pool 1 left in use", last)
	}
}

func TestSampleDebugLog(t *testing.T) {
	at := time.Date(2013, 5, 12, 1, 40, 0, 0, time.UTC)
	r := isvLog(t, sample(t, "isvlog-out-in-denied-reread.log"), facts.Options{At: at})
	events := eventsOf(t, r)
	wantKinds(t, events, kinds{facts.Start: 2, facts.Out: 5, facts.In: 3, facts.Refused: 1, facts.Shutdown: 1, facts.Reread: 1})
	if n := r.Unread().Total; n != 0 {
		t.Errorf("%d lines unread, want none", n)
	}
	for _, e := range events {
		if e.Kind == facts.Refused && (e.Reason != "All licenses in use" || e.Pool.Feature != "simulator" || !e.At.Equal(time.Date(2013, 5, 11, 15, 20, 0, 0, time.UTC))) {
			t.Errorf("refusal %+v, want the reason of the line after", e)
		}
		if e.Daemon != "demo" {
			t.Errorf("%+v, want daemon demo", e)
		}
	}
}

func TestSampleDebugLogOverNewYear(t *testing.T) {
	r := isvLog(t, sample(t, "isvlog-checkin-reasons-yearend.log"), facts.Options{At: time.Date(2014, 1, 2, 12, 0, 0, 0, time.UTC)})
	events := eventsOf(t, r)
	wantKinds(t, events, kinds{facts.Start: 1, facts.Out: 3, facts.In: 4})
	var reasons []string
	for _, e := range events {
		if e.Kind == facts.In {
			reasons = append(reasons, e.Reason)
		}
	}
	if want := []string{"client exit", "lmremove", "timed out", "failed server back up"}; !slices.Equal(reasons, want) {
		t.Errorf("reasons %q, want %q", reasons, want)
	}
	first, last := r.Span()
	if !first.Equal(time.Date(2013, 3, 3, 12, 44, 0, 0, time.UTC)) || !last.Equal(time.Date(2014, 1, 2, 10, 48, 0, 0, time.UTC)) {
		t.Errorf("from %v to %v, want 3 March 2013 to 2 January 2014", first, last)
	}
	if n := r.Unread().Total; n != 0 {
		t.Errorf("%d lines unread, want none", n)
	}
}

func TestSampleDebugLogOfProductWithBlanks(t *testing.T) {
	log := sample(t, "isvlog-denied-product-with-space.log")
	r := isvLog(t, log, facts.Options{At: time.Date(2013, 3, 19, 0, 0, 0, 0, time.UTC)})
	events := eventsOf(t, r)
	wantKinds(t, events, kinds{facts.Start: 1, facts.Refused: 1})
	if e := events[1]; e.Pool.Feature != "no good 1" || e.User != "edgar" || e.Host != "vaio" || e.Licenses != 1 {
		t.Errorf("%+v, want one license of \"no good 1\" refused to edgar@vaio", e)
	}
	if r.Offset() != wholeLines(log) || r.Unread().Total != 0 {
		t.Errorf("read up to %d of %d, %d lines unread", r.Offset(), len(log), r.Unread().Total)
	}
}

func TestSampleLogOfRLMItselfHasNoEvents(t *testing.T) {
	r := isvLog(t, sample(t, "rlmlog-server-start-v8.log"), facts.Options{At: time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)})
	if events := eventsOf(t, r); len(events) != 0 || r.Unread().Total != 0 {
		t.Errorf("%d events, %d lines unread; want none", len(events), r.Unread().Total)
	}
}
