package rlm_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/format/facts"
	"headroom/internal/format/rlm"
)

// The years of a log of any length are found from its end, as long as nobody
// is silent for most of a year.
func TestYearsOfDebugLogAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "start"), 0).UTC().Truncate(time.Minute)
		var log strings.Builder
		var want []time.Time
		for _, minutes := range rapid.SliceOfN(rapid.IntRange(0, 300*24*60), 1, 20).Draw(t, "minutes between") {
			at = at.Add(time.Duration(minutes) * time.Minute)
			want = append(want, at)
			fmt.Fprintf(&log, "%s (acme) OUT: viewer v1.0 by ann@pc1\n", at.Format("01/02 15:04"))
		}
		later := time.Duration(rapid.IntRange(0, 60*24).Draw(t, "minutes later")) * time.Minute
		r, err := rlm.NewISVLog(strings.NewReader(log.String()), facts.Options{At: at.Add(later)})
		if err != nil {
			t.Fatal(err)
		}
		var got []time.Time
		for {
			e, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.At)
		}
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("times %v, want %v", got, want)
		}
	})
}

func TestDebugLogWithoutAnyYearHasNoTimes(t *testing.T) {
	r := isvLog(t, "03/03 12:44 (acme) OUT: viewer v1.0 by ann@pc1\n", facts.Options{})
	if e := eventsOf(t, r)[0]; !e.At.IsZero() {
		t.Errorf("time %v, want none", e.At)
	}
	r = isvLog(t, "02/30 12:44 (acme) OUT: viewer v1.0 by ann@pc1\n", facts.Options{At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
	if e := eventsOf(t, r)[0]; !e.At.IsZero() {
		t.Errorf("time of a day that does not exist is %v, want none", e.At)
	}
}

func TestHourThatHappensTwiceIsReadInOrder(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zone data: %v", err)
	}
	var log strings.Builder
	for _, clock := range []string{"01:59", "02:10", "02:50", "02:05", "02:55", "03:00"} {
		log.WriteString("10/26 " + clock + " (acme) OUT: viewer v1.0 by ann@pc1\n")
	}
	r := isvLog(t, log.String(), facts.Options{Zone: zone, At: time.Date(2025, 10, 26, 12, 0, 0, 0, time.UTC)})
	var got []string
	for _, e := range eventsOf(t, r) {
		got = append(got, e.At.Format("15:04"))
	}
	if want := []string{"23:59", "00:10", "00:50", "01:05", "01:55", "02:00"}; !slices.Equal(got, want) {
		t.Errorf("in UTC %q, want %q", got, want)
	}
}

func TestReasonOfARefusalIsOfItsVendor(t *testing.T) {
	const denied = "03/03 12:44 (acme) DENIED: (1) viewer v1.0 to ann@pc1\n"
	for next, want := range map[string]string{
		"": "",
		"03/03 12:44 (acme)         All licenses in use": "All licenses in use",
		"03/03 12:44 (birch)         2 licenses":         "",
		"03/03 12:44 (acme) Shutdown request by a@b":     "",
		"   Bad version": "Bad version",
		denied:           "",
	} {
		r := isvLog(t, denied+next, facts.Options{})
		events := eventsOf(t, r)
		if got := events[0].Reason; got != want {
			t.Errorf("reason before %q = %q, want %q", next, got, want)
		}
		if r.Unread().Total != 0 {
			t.Errorf("unread %v", r.Unread().First)
		}
	}
}

func TestDebugLogIsReadFromWhereItStands(t *testing.T) {
	const before = "12/31 12:44 (acme) OUT: viewer v1.0 by ann@pc1\n"
	in := strings.NewReader(before + "01/01 12:44 (acme) IN: viewer v1.0 by ann@pc1\n")
	if _, err := in.Seek(int64(len(before)), io.SeekStart); err != nil {
		t.Fatal(err)
	}
	r, err := rlm.NewISVLog(in, facts.Options{At: time.Date(2026, 1, 1, 13, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	events := eventsOf(t, r)
	if len(events) != 1 || events[0].Kind != facts.In || events[0].At.Year() != 2026 {
		t.Errorf("%+v, want the return only", events)
	}
}

// A seeker that is not one, and breaks.
type brokenSeeker struct{ io.Reader }

var errBroken = errors.New("disk is gone")

func (brokenSeeker) Seek(int64, int) (int64, error) { return 0, errBroken }

func TestErrorsOfTheReaderEndALog(t *testing.T) {
	r, err := rlm.NewISVLog(brokenSeeker{strings.NewReader("")}, facts.Options{At: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, errBroken) {
		t.Errorf("Next = %v, want %v", err, errBroken)
	}
	report, err := rlm.NewReportLog(io.MultiReader(strings.NewReader("12/31/2025 22:30\n"), iotest.ErrReader(errBroken)), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := report.Next(); err != nil || e.Kind != facts.Mark {
		t.Errorf("Next = %+v, %v; want what was read", e, err)
	}
	if _, err := report.Next(); !errors.Is(err, errBroken) {
		t.Errorf("Next = %v, want %v", err, errBroken)
	}
	if _, err := rlm.NewISVLog(strings.NewReader(""), facts.Options{CodePage: "klingon"}); err == nil {
		t.Error("a code page that does not exist is no error")
	}
	if _, err := rlm.NewReportLog(strings.NewReader(""), facts.Options{CodePage: "klingon"}); err == nil {
		t.Error("a code page that does not exist is no error")
	}
}
