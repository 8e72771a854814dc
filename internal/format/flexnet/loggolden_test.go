package flexnet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/internal/format/flexnet"
	"headroom/internal/formattest"
)

// A goldenLog is all that a log says.
type goldenLog struct {
	File     flexnet.LogFile
	Events   []string
	Steps    []string
	Features []flexnet.LogFeature
	Open     []flexnet.LogCheckout
	Daemons  []flexnet.LogDaemon
}

func TestLogsOfOurOwn(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o := flexnet.LogOptions{Zone: zone}
	for _, path := range formattest.Fixtures(t, "testdata/log/*.log") {
		t.Run(path, func(t *testing.T) {
			log := strings.ReplaceAll(string(formattest.Fixture(t, path)), "\r\n", "\n")
			var got goldenLog
			var events []flexnet.LogEvent
			events, got.File = readLog(t, log, o)
			for i, line := range eventLines(events) {
				got.Events = append(got.Events, events[i].At.Format(time.RFC3339)+" "+events[i].Daemon+" "+line)
			}
			totals := flexnet.NewLogTotals(o)
			totals.OnStep = func(s flexnet.LogStep) {
				got.Steps = append(got.Steps, fmt.Sprintf("%s %s %s %d, high %d", s.At.Format(time.RFC3339), s.Daemon, s.Feature, s.InUse, s.High))
			}
			if _, err := totals.Read(strings.NewReader(log)); err != nil {
				t.Fatal(err)
			}
			totals.Flush()
			got.Features, got.Open, got.Daemons = totals.Features(), totals.Open(), totals.Daemons()
			formattest.Golden(t, path, got)
		})
	}
}
