package demo

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/hub/usage"
)

// overview runs a demo up to its present and returns what its first page is
// made of.
func overview(t *testing.T, seed uint64) usage.Overview {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	d, err := open(ctx, Config{
		Addr: "127.0.0.1:0", Seed: seed, Now: time.Date(2026, 11, 24, 9, 40, 0, 0, time.UTC), Program: "/not/started", Out: io.Discard, days: 40,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.hub.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := d.tellAll(ctx); err != nil {
		t.Fatal(err)
	}
	o, err := d.hub.Usage.Overview(ctx, d.actor.Org)
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
	if a.Trust.Reporting != 11 || a.Trust.Total != 12 {
		t.Errorf("%d of %d reporting, want 11 of 12", a.Trust.Reporting, a.Trust.Total)
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
