package rlm_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"headroom/internal/format/facts"
	"headroom/internal/format/rlm"
	"headroom/internal/formattest"
)

// at is a time with which the years of fuzzed logs are found.
var at = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func FuzzISVLog(f *testing.F) {
	for _, path := range formattest.Fixtures(f, "testdata/isvlog/*.log") {
		f.Add(fixture(f, path))
	}
	f.Add("12/31 1:02 (a) OUT: p v1 by u@h (2 licenses)\r01/01 1:02 (a) DENIED: (3) p q v1 to u v@h\r\n01/01 1:02 (a)   why\n")
	f.Add("02/29 1:02 (a) IN: (x) p v1 by u@h y\n(a\n02/29 1:02 (rlm) z\n==== Reread request by a@b ====\n")
	f.Fuzz(func(t *testing.T, log string) {
		r, err := rlm.NewISVLog(strings.NewReader(log), facts.Options{At: at})
		if err != nil {
			t.Fatal(err)
		}
		checkFuzzedLog(t, r, log)
	})
}

func FuzzReportLog(f *testing.F) {
	for _, path := range formattest.Fixtures(f, "testdata/reportlog/*.log") {
		f.Add(fixture(f, path))
	}
	f.Add("START h 12/31/2025 1:02\nPRODUCT p 1 1 2 1 3 \"\"\nOUT p 1 1 u h \"\" 1 1 0 a a 1 12/31 1:02:03\nIN 2 p 1 u h \"\" 1 0 0 a 01/01 0:00\n")
	f.Add("01/01/2026 0:00\nOUT p 1 u h \"\" 1 a a 1:02\nOUT p 1 u h \"\" 1 b a 1:02\nIN 1 1 a 23:02\nIN 1 1 b 0:01\nQUE p 1 u h \"\" 1 c 0:01\nDEQUE 6 1 c 0:02\n")
	f.Fuzz(func(t *testing.T, log string) {
		r, err := rlm.NewReportLog(strings.NewReader(log), facts.Options{At: at})
		if err != nil {
			t.Fatal(err)
		}
		checkFuzzedLog(t, r, log)
	})
}

// wholeLines returns where the last line with an end ends.
func wholeLines(log string) int64 { return int64(strings.LastIndexAny(log, "\r\n") + 1) }

// checkFuzzedLog reads a log to its end. What comes out must hold together.
func checkFuzzedLog(t *testing.T, r logReader, log string) {
	t.Helper()
	line, offset := 0, int64(0)
	for _, e := range eventsOf(t, r) {
		if e.Line <= line || e.Kind.String() == "" || e.Licenses < 0 || e.InUse.N < 0 || e.Reserved.N < 0 || e.Total.N < 0 {
			t.Fatalf("event %+v behind line %d", e, line)
		}
		aboutPool := e.Kind <= facts.Served
		if (e.Pool.Feature != "") != aboutPool {
			t.Fatalf("event %+v", e)
		}
		for _, s := range []string{e.Daemon, e.Pool.Feature, e.Pool.Variant, e.User, e.Host, e.Handle, e.Reason} {
			if !utf8.ValidString(s) {
				t.Fatalf("%q of %+v is no UTF-8", s, e)
			}
		}
		line = e.Line
	}
	offset = r.Offset()
	utf16 := strings.HasPrefix(log, "\xFF\xFE") || strings.HasPrefix(log, "\xFE\xFF")
	if want := wholeLines(log); offset != want && !utf16 {
		t.Fatalf("read up to %d of %d, want %d", offset, len(log), want)
	}
	if u := r.Unread(); u.Total > r.Lines() || u.Total < len(u.First) {
		t.Fatalf("%d unread of %d lines, %d kept", u.Total, r.Lines(), len(u.First))
	}
	if first, last := r.Span(); last.Before(first) {
		t.Fatalf("from %v to %v", first, last)
	}
}
