package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"headroom/internal/demo"
)

type demoCmd struct {
	Addr        string `default:"127.0.0.1:8080" help:"Listen address. Everybody who reaches it is let in."`
	Seed        uint64 `default:"1" help:"Seed of the estate: the same seed and --now show the same numbers."`
	Now         string `placeholder:"TIME" help:"The demo's present, e.g. 2026-11-24T10:00:00Z (default: the real one)."`
	MetricsAddr string `name:"metrics-addr" placeholder:"ADDR" help:"Address at which Prometheus may ask how the hub does (default: none)."`
	logFlags
}

// Help is what --help says below the summary.
func (*demoCmd) Help() string {
	return "A hub, simulated license servers of every manager at four sites with an agent each, and 13 months of history. " +
		"Nothing leaves this machine, and nothing is kept."
}

// Run runs the demo until ctx is done.
func (c *demoCmd) Run(ctx context.Context, std streams) error {
	var now time.Time
	if c.Now != "" {
		var err error
		if now, err = time.Parse(time.RFC3339, c.Now); err != nil {
			return fmt.Errorf("--now %s: write it like 2026-11-24T10:00:00Z", c.Now)
		}
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return demo.Run(ctx, demo.Config{
		Addr: c.Addr, Seed: c.Seed, Now: now, Program: program, Version: version, Out: std.out, MetricsAddr: c.MetricsAddr,
	}, c.logger(std.err))
}
