package demo

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/agent/collect"
	"headroom/internal/hub/usage"
)

// TestMain lets the test program be the tools of the simulated license servers.
func TestMain(m *testing.M) {
	if !IsTool(os.Args[0]) {
		m.Run()
		return
	}
	if err := RunTool(os.Stdout, os.Args[0], os.Args[1:]); err != nil {
		panic(err)
	}
}

// upToPresent runs a demo up to its present. It ends with the test.
func upToPresent(t *testing.T, seed uint64, days int) *demo {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	d, err := open(ctx, Config{
		Addr: "127.0.0.1:0", Seed: seed, Now: time.Date(2026, 11, 24, 9, 40, 0, 0, time.UTC), Program: program, Out: io.Discard, days: days, patience: time.Minute,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.hub.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.tellAll(ctx); err != nil {
		t.Fatal(err)
	}
	return d
}

// overview returns what the first page of a demo is made of.
func overview(t *testing.T, seed uint64) usage.Overview {
	t.Helper()
	d := upToPresent(t, seed, 40)
	o, err := d.hub.Usage.Overview(t.Context(), d.actor.Org)
	if err != nil {
		t.Fatal(err)
	}
	o.At, o.Organisation = time.Time{}, usage.Organisation{} // the demo's clock runs on
	o.Trust.Silent = nil                                     // its servers have GUIDs made at random
	return o
}

func TestTwoRunsOfOneSeedShowTheSameNumbers(t *testing.T) {
	a, b := overview(t, 3), overview(t, 3)
	if diff := cmp.Diff(a, b, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	if a.Trust.Reporting != 18 || a.Trust.Total != 19 {
		t.Errorf("%d of %d reporting, want 18 of 19", a.Trust.Reporting, a.Trust.Total)
	}
	over := false
	for _, c := range a.Cards {
		over = over || c.Risk == usage.RiskOver
		if c.Product.System {
			t.Errorf("%s is a system feature and has a card", c.Product.Name)
		}
		if c.Now.Counted > 0 && c.Now.Uncounted == 0 && !c.Peaks.All.Known {
			t.Errorf("%s: no peak of all time", c.Product.Name)
		}
	}
	if !over {
		t.Error("no product is over what was purchased; the demo has one")
	}
}

// Every license server of the demo is read by the reader of its manager, which
// runs its tools.
func TestEveryReaderReadsItsServer(t *testing.T) {
	d := upToPresent(t, 5, 2)
	ready := make(chan string, 1)
	d.Ready = func(url string) { ready <- url }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.present(ctx) }()
	<-ready
	servers, err := d.hub.Usage.Servers(t.Context(), d.actor.Org)
	if err != nil {
		t.Fatal(err)
	}
	managers := map[string]bool{}
	for _, s := range servers {
		managers[s.Manager] = true
		if s.Failure != "" || s.Status == usage.Reporting && s.LastReading.Before(d.estate.Now) {
			t.Errorf("%s (%s): read last at %v, failed with %q", s.Name, s.Manager, s.LastReading, s.Failure)
		}
		for _, from := range s.Sources {
			if from.Failure != "" || from.Remark != "" {
				t.Errorf("%s: %s: %s%s", s.Name, from.Name, from.Failure, from.Remark)
			}
		}
	}
	for _, m := range append(collect.Managers, collect.Manager{Name: "citrix"}, collect.Manager{Name: "flexnet"}, collect.Manager{Name: "slurm"},
		collect.Manager{Name: "keygen-relay"}, collect.Manager{Name: "codemeter"}) {
		if !managers[m.Name] {
			t.Errorf("no license server of the demo has %s", m.Name)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
