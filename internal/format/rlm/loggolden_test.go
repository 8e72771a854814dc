package rlm_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/rlm"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

// A logReader is what the readers of both logs offer.
type logReader interface {
	Next() (facts.Event, error)
	Offset() int64
	Lines() int
	Unread() facts.UnreadLines
	Span() (first, last time.Time)
}

func isvLog(t testing.TB, log string, o facts.Options) *rlm.ISVLog {
	t.Helper()
	r, err := rlm.NewISVLog(strings.NewReader(log), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func reportLog(t testing.TB, log string, o facts.Options) *rlm.ReportLog {
	t.Helper()
	r, err := rlm.NewReportLog(strings.NewReader(log), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// eventsOf reads a log to its end.
func eventsOf(t testing.TB, r logReader) []facts.Event {
	t.Helper()
	var all []facts.Event
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		all = append(all, e)
	}
}

// show writes an event on one line, as far as it tells something.
func show(e facts.Event) string {
	var b strings.Builder
	at := "no time"
	if !e.At.IsZero() {
		at = e.At.Format(time.RFC3339)
	}
	fmt.Fprintf(&b, "%d: %s %s", e.Line, at, e.Kind)
	if e.Daemon != "" {
		fmt.Fprintf(&b, " of %s", e.Daemon)
	}
	if e.Pool != (license.Pool{}) {
		fmt.Fprintf(&b, ": %d of %s", e.Licenses, e.Pool)
	}
	if e.User != "" || e.Host != "" {
		fmt.Fprintf(&b, " by %s@%s", e.User, e.Host)
	}
	if e.InUse.Known {
		fmt.Fprintf(&b, ", in use %s", e.InUse)
	}
	if e.Reserved.Known {
		fmt.Fprintf(&b, ", reserved %s", e.Reserved)
	}
	if e.Total.Known {
		fmt.Fprintf(&b, ", total %s", e.Total)
	}
	if e.Handle != "" {
		fmt.Fprintf(&b, ", handle %s", e.Handle)
	}
	if e.Reason != "" || e.Code != 0 {
		fmt.Fprintf(&b, ", %s (%d)", e.Reason, e.Code)
	}
	if e.Again {
		b.WriteString(", asks elsewhere")
	}
	return b.String()
}

// A goldenLog is all that a log says.
type goldenLog struct {
	First, Last time.Time
	Lines       int
	Events      []string
	Unread      []facts.Unread
}

func golden(t testing.TB, r logReader) goldenLog {
	t.Helper()
	g := goldenLog{}
	for _, e := range eventsOf(t, r) {
		g.Events = append(g.Events, show(e))
	}
	g.First, g.Last = r.Span()
	g.Lines, g.Unread = r.Lines(), r.Unread().First
	return g
}

func TestISVLogGolden(t *testing.T) {
	at := time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)
	for _, path := range formattest.Fixtures(t, "testdata/isvlog/*.log") {
		formattest.Golden(t, path, golden(t, isvLog(t, fixture(t, path), facts.Options{At: at})))
	}
}

func TestReportLogGolden(t *testing.T) {
	for _, path := range formattest.Fixtures(t, "testdata/reportlog/*.log") {
		formattest.Golden(t, path, golden(t, reportLog(t, fixture(t, path), facts.Options{})))
	}
}
