package text_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/format/text"
)

// TestYearCases runs the worked cases of testdata/year.txt.
func TestYearCases(t *testing.T) {
	cases, err := os.ReadFile("testdata/year.txt")
	if err != nil {
		t.Fatal(err)
	}
	zone := time.UTC
	n := 0
	for line := range strings.Lines(string(cases)) {
		w := strings.Fields(line)
		switch {
		case len(w) == 0 || w[0] == "#":
		case w[0] == "zone":
			if zone, err = time.LoadLocation(w[1]); err != nil {
				t.Skipf("no time zone data: %v", err)
			}
		default:
			n++
			yearCase(t, zone, line)
		}
	}
	if n < 20 {
		t.Errorf("%d cases, want at least 20", n)
	}
}

func yearCase(t *testing.T, zone *time.Location, line string) {
	t.Helper()
	const layout = "2006-01-02 15:04"
	left, want, _ := strings.Cut(strings.TrimSpace(line), "=>")
	w := strings.Fields(left)
	ref, err := time.ParseInLocation(layout, w[0]+" "+w[1], zone)
	if err != nil || len(w) != 5 {
		t.Fatalf("case %q is not understood", line)
	}
	var y text.Yearless
	y.Weekday, y.HasWeekday = text.Weekday(w[2])
	y.Month, y.Day, _ = text.ParseMonthDay(w[3])
	y.Clock, _ = text.ParseClock(w[4])
	at, odd := y.Resolve(ref, zone)
	got := at.In(zone).Format(layout)
	if odd {
		got += " odd"
	}
	if at.IsZero() {
		got = "none"
	}
	if got != strings.TrimSpace(want) {
		t.Errorf("%s: got %q", strings.TrimSpace(line), got)
	}
}

// Whatever was printed less than a year ago by a clock that agrees is found
// again.
func TestStartsOfThePastYearAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ref := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "ref"), 0).UTC().Truncate(time.Minute)
		start := ref.Add(-time.Duration(rapid.Int64Range(-24*60, 363*24*60).Draw(t, "minutes ago")) * time.Minute)
		y := text.Yearless{
			Month: start.Month(), Day: start.Day(), Weekday: start.Weekday(), HasWeekday: true,
			Clock: text.Clock{Hour: start.Hour(), Minute: start.Minute()},
		}
		if got, odd := y.Resolve(ref, time.UTC); !got.Equal(start) || odd {
			t.Fatalf("start %v seen at %v is read as %v, odd %t", start, ref, got, odd)
		}
	})
}

// A start is never read as more than a day after the status.
func TestStartsAreNotInTheFuture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ref := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "ref"), 0).UTC()
		y := text.Yearless{
			Month: time.Month(rapid.IntRange(1, 12).Draw(t, "month")), Day: rapid.IntRange(1, 31).Draw(t, "day"),
			Weekday: time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday")), HasWeekday: rapid.Bool().Draw(t, "has weekday"),
			Clock: text.Clock{Hour: rapid.IntRange(0, 23).Draw(t, "hour")},
		}
		if got, _ := y.Resolve(ref, time.UTC); got.After(ref.Add(24 * time.Hour)) {
			t.Fatalf("%+v seen at %v is read as %v", y, ref, got)
		}
	})
}
