package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"headroom/internal/agent"
	"headroom/internal/agent/console"
)

type agentConsoleCmd struct{ agentFlags }

// Help is what --help says below the summary.
func (*agentConsoleCmd) Help() string {
	return "The link works once, for two minutes, in a browser on this machine. Who may read the agent's state folder may ask for one: " +
		"the account that it runs under, and administrators. Everything that the console does, the other commands do too."
}

// Run prints a link that opens the console.
func (c *agentConsoleCmd) Run(std streams) error {
	config, _, err := c.load(std)
	if err != nil {
		return err
	}
	link, err := console.Link(config.State, time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, link)
	return err
}

// runWithConsole runs an agent until ctx is done or it fails, and its console
// beside it.
func runWithConsole(ctx context.Context, a *agent.Agent, c agent.Config, o agent.Options, file string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	if file, err = filepath.Abs(file); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		console.Run(ctx, console.Options{
			Agent: a, Config: c, File: file, Host: host, Version: o.Version, Now: time.Now, Log: o.Log,
			Doctor: func(ctx context.Context, note func(agent.Diagnosis)) { agent.Doctor(ctx, c, o, note) },
		})
	})
	err = a.Run(ctx)
	stop()
	beside.Wait()
	return err
}
