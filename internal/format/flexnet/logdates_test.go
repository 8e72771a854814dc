package flexnet_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"headroom/internal/format/flexnet"
	"headroom/internal/formattest"
)

// A datedLog is one worked example of testdata/log/dates.txt.
type datedLog struct {
	name  string
	zone  string
	want  []string // an instant, "-" or "unknown" for each line
	lines []string
	warn  []string
}

func datedLogs(t *testing.T) []datedLog {
	t.Helper()
	var all []datedLog
	for line := range strings.Lines(string(formattest.Fixture(t, "testdata/log/dates.txt"))) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "# "); ok {
			all = append(all, datedLog{name: name})
		}
		if len(all) == 0 {
			continue
		}
		e := &all[len(all)-1]
		if zone, ok := strings.CutPrefix(line, "zone "); ok {
			e.zone = zone
		}
		want, text, ok := strings.Cut(line, " | ")
		switch {
		case !ok:
		case want == "warn":
			e.warn = append(e.warn, text)
		default:
			e.want, e.lines = append(e.want, want), append(e.lines, text)
		}
	}
	return all
}

func TestLogLinesGetTheirInstant(t *testing.T) {
	examples := datedLogs(t)
	if len(examples) < 20 {
		t.Fatalf("%d worked examples were read, want at least 20", len(examples))
	}
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			zone, err := time.LoadLocation(e.zone)
			if err != nil {
				t.Fatal(err)
			}
			events, file := readLog(t, strings.Join(e.lines, "\n")+"\n", flexnet.LogOptions{Zone: zone})
			got := slices.Repeat([]string{"-"}, len(e.lines))
			for _, ev := range events {
				got[ev.Line-1] = "unknown"
				if !ev.At.IsZero() {
					got[ev.Line-1] = ev.At.Format(time.RFC3339)
				}
			}
			for i := range got {
				if got[i] != e.want[i] {
					t.Errorf("line %d %q: instant %s, want %s", i+1, e.lines[i], got[i], e.want[i])
				}
			}
			warnings := slices.DeleteFunc(file.Warnings, func(s string) bool {
				return e.want[0] != "unknown" && strings.HasPrefix(s, "the log begins while")
			})
			if !slices.Equal(warnings, e.warn) {
				t.Errorf("warnings %q, want %q", warnings, e.warn)
			}
		})
	}
}

// readLog reads a whole log.
func readLog(t testing.TB, log string, o flexnet.LogOptions) ([]flexnet.LogEvent, flexnet.LogFile) {
	t.Helper()
	r := flexnet.NewLogReader(strings.NewReader(log), o)
	var events []flexnet.LogEvent
	for {
		e, err := r.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatalf("Next: %v", err)
			}
			return events, r.File()
		}
		events = append(events, e)
	}
}
