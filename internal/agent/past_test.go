package agent_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent"
	"headroom/internal/agent/collect"
	"headroom/internal/license"
)

// yesterday is a part of the past: a log's, and a reading.
func yesterday(t *testing.T, server string, use int64, again bool) agent.Past {
	t.Helper()
	at := time.Now().UTC().Truncate(time.Hour).Add(-24 * time.Hour)
	mesh := license.Reading{Pool: license.Pool{Feature: "MESH"}, State: license.StateCounted, InUse: license.Of(use)}
	parts, err := agent.NewPast(server, "1", collect.Portion{
		Day:     at.Truncate(24 * time.Hour),
		Events:  []collect.Events{{Pool: license.Pool{Feature: "DRAFT"}, From: at, To: at.Add(time.Hour), Start: use}},
		Denials: []collect.Denial{{Pool: license.Pool{Feature: "DRAFT"}, At: at, Last: at, User: "mira", Count: 1, Outcome: "served"}},
		Runs:    []collect.Run{{Interval: time.Hour, Snapshots: []license.Snapshot{{At: at, Readings: []license.Reading{mesh}}}}},
		Maxima:  []collect.Maximum{{Pool: license.Pool{Feature: "SIM"}, From: at.Add(-time.Hour), To: at, InUse: 7}},
	}, again)
	if err != nil || len(parts) != 1 {
		t.Fatalf("%d parts, %v, want 1", len(parts), err)
	}
	return parts[0]
}

func take(t *testing.T, a agent.Control, p agent.Past) bool {
	t.Helper()
	taken, err := a.TakePast(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

func TestPastIsTakenOnceAndDeliveredLikeReadings(t *testing.T) {
	h := newHub(t)
	c := config(t, h.URL, fileServer(t, "cad"), fileServer(t, "cae"))
	a := open(t, c)
	if !take(t, a, yesterday(t, "CAD", 3, false)) || take(t, a, yesterday(t, "cad", 3, false)) {
		t.Error("the first time it must be taken, the second time not")
	}
	if !take(t, a, yesterday(t, "cae", 3, false)) || !take(t, a, yesterday(t, "cad", 4, false)) {
		t.Error("the past of another license server, and another past, must be taken")
	}
	shut(t, a)
	a = open(t, c)
	if take(t, a, yesterday(t, "cad", 3, false)) {
		t.Error("it was taken again after a restart")
	}
	if !take(t, a, yesterday(t, "cad", 3, true)) {
		t.Error("it was not taken again when that was asked for")
	}
	if st := status(t, a).Spool; st.Waiting != 4 {
		t.Errorf("%d records wait, want 4", st.Waiting)
	}
	join(t, h, a)
	send(t, a)
	said := strings.Join(h.said(), "\n")
	if n := strings.Count(said, "samples x1 import own=false MESH"); n < 2 || !strings.Contains(said, "*wire.Denial") || !strings.Contains(said, "*wire.Maxima") || !strings.Contains(said, "events DRAFT exact=false 3 []") {
		t.Errorf("the hub was told\n%s", said)
	}
}

func TestRunningAgentTakesThePast(t *testing.T) {
	c := config(t, "http://127.0.0.1:1", fileServer(t, "cad"))
	a := open(t, c)
	run(t, a)
	eventually(t, "the agent takes orders", func() bool {
		_, err := os.Stat(filepath.Join(c.State, "control.json"))
		return err == nil
	})
	control, done, err := agent.Connect(t.Context(), c, options(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := done(); err != nil {
			t.Error(err)
		}
	}()
	if _, ok := control.(*agent.Remote); !ok {
		t.Fatalf("the control is %T, want that of the running agent", control)
	}
	if !take(t, control, yesterday(t, "cad", 3, false)) || take(t, control, yesterday(t, "cad", 3, false)) {
		t.Error("the first time it must be taken, the second time not")
	}
	if _, err := control.TakePast(t.Context(), yesterday(t, "elsewhere", 3, false)); err == nil || !strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("error %v, want one that names the license server", err)
	}
	if _, err := control.TakePast(t.Context(), agent.Past{Server: "cad", Batch: []byte("nothing")}); err == nil {
		t.Error("a part that cannot be read was taken")
	}
}

func TestLongDayOfThePastIsDivided(t *testing.T) {
	at := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	p := collect.Portion{Day: at}
	for i := range 5 {
		e := collect.Events{Pool: license.Pool{Feature: string(rune('A' + i))}, From: at, To: at.Add(24 * time.Hour)}
		for s := range 60_000 {
			e.Steps = append(e.Steps, collect.Step{At: at.Add(time.Duration(s) * time.Second), InUse: int64(s % 7), High: 7})
		}
		p.Events = append(p.Events, e)
	}
	parts, err := agent.NewPast("cad", "1", p, false)
	if err != nil || len(parts) != 5 {
		t.Errorf("%d parts, %v, want 5", len(parts), err)
	}
	if again, err := agent.NewPast("cad", "1", p, false); err != nil || !slices.EqualFunc(parts, again, func(a, b agent.Past) bool { return string(a.Batch) == string(b.Batch) }) {
		t.Error("the same day gives other parts the second time")
	}
	if parts, err := agent.NewPast("cad", "1", collect.Portion{Day: at}, false); err != nil || len(parts) != 0 {
		t.Errorf("%d parts of a day of nothing, %v", len(parts), err)
	}
}
