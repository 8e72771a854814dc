// Package demo is a hub, simulated license servers of every manager and an agent
// beside each of them, in one process and on the real code path: the agents
// register with codes, their history enters as batches through the hub's
// ingest, and from then on they run tools that print what the real ones do.
//
// Nothing of it is kept: the demo lives in a folder of its own that is removed
// when it ends.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/hub"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
	"headroom/internal/sim"
)

// A Config says how a demo runs.
type Config struct {
	Addr        string           // to listen on; loopback, since everybody is let in
	Seed        uint64           // of the estate: the same seed and present show the same numbers
	Now         time.Time        // the demo's present; zero: the real one
	Program     string           // absolute path of the program that is a license server's tool where it is called like one (IsTool)
	Version     string           // of the program
	MetricsAddr string           // where Prometheus may ask how the hub does; empty: nowhere
	Out         io.Writer        // for people: progress and the address
	Ready       func(url string) // called once the console can be looked at; may be nil

	days     int           // of history; 0: as many as the estate has
	patience time.Duration // for how long first readings are waited for; 0: a moment
}

// A demo is one run.
type demo struct {
	Config
	clock  clock
	estate *sim.Estate
	dir    string
	hub    *hub.Hub
	actor  audit.Actor
	admin  account.Member
	org    account.Organisation
	log    *slog.Logger
	sites  []*site
}

// Run runs a demo until ctx is done.
func Run(ctx context.Context, c Config, log *slog.Logger) (err error) {
	d, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.hub.Run(ctx) })
	g.Go(func() error {
		if err := d.tellAll(ctx); err != nil {
			return err
		}
		return d.present(ctx)
	})
	return g.Wait()
}

// open makes the hub of a demo, with its organisation. Its hub has to be run.
func open(ctx context.Context, c Config, log *slog.Logger) (*demo, error) {
	now := c.Now
	if now.IsZero() {
		now = time.Now()
	}
	d := &demo{Config: c, log: log}
	var err error
	if d.estate, err = sim.New(c.Seed, now); err != nil {
		return nil, err
	}
	if c.days > 0 {
		d.estate.Days = c.days
	}
	if d.dir, err = os.MkdirTemp("", "headroom-demo-"); err != nil {
		return nil, err
	}
	d.clock.Set(d.estate.Begin())
	d.hub, err = hub.New(ctx, hub.Config{
		Addr: c.Addr, Store: filepath.Join(d.dir, "hub.db"), Now: d.clock.Now, Demo: true, Version: c.Version, PollEvery: interval, MetricsAddr: c.MetricsAddr,
	}, log)
	if err == nil {
		err = d.found(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// close ends what open began and removes the demo's folder.
func (d *demo) close() error {
	var errs []error
	for _, s := range d.sites {
		errs = append(errs, s.agent.Close())
	}
	if d.hub != nil {
		errs = append(errs, d.hub.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(d.dir))...)
}

// tellAll registers the agents and brings their past to the hub.
func (d *demo) tellAll(ctx context.Context) error {
	if err := d.join(ctx); err != nil {
		return fmt.Errorf("register the agents: %w", err)
	}
	if err := d.past(ctx); err != nil {
		return fmt.Errorf("tell the past: %w", err)
	}
	return nil
}

// found makes the organisation and its administrator.
func (d *demo) found(ctx context.Context) error {
	token, _, err := d.hub.Accounts.NewSetupToken(ctx)
	if err != nil {
		return err
	}
	m, err := d.hub.Accounts.Setup(ctx, token, account.Founding{
		Organisation: "Northwind Engineering (demo)", Zone: "Europe/Berlin", Email: "demo@example.com", Name: "Demo Administrator",
		Password: "not a secret at all",
	})
	if err != nil {
		return err
	}
	if d.org, err = d.hub.Accounts.Organisation(ctx, m.Org); err != nil {
		return err
	}
	d.actor = m.Actor("127.0.0.1")
	d.admin = m
	return nil
}

// join registers an agent for each license server, as people would: with a
// code that is looked at and approved, and confirmed on the other side.
func (d *demo) join(ctx context.Context) error {
	for _, server := range d.estate.Servers {
		s, err := d.site(server)
		if err != nil {
			return err
		}
		d.sites = append(d.sites, s)
		if err := s.agent.Share(ctx, true); err != nil {
			return err
		}
		st, err := s.agent.Register(ctx, d.org.PublicID)
		if err != nil {
			return err
		}
		if _, err := d.hub.Registrar.Review(ctx, d.actor, st.Code); err != nil {
			return err
		}
		if err := d.hub.Registrar.Approve(ctx, d.actor, st.Code); err != nil {
			return err
		}
		if _, err := s.agent.Standing(ctx); err != nil {
			return err
		}
		if err := d.place(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// place says where a license server stands, and what it is for by its name.
func (d *demo) place(ctx context.Context, s *site) error {
	st, err := s.agent.Status(ctx)
	if err != nil {
		return err
	}
	purpose, _, _ := strings.Cut(s.Name, "-")
	if purpose == "ctx" {
		purpose = "desktops"
	}
	return d.hub.Registrar.SetPlace(ctx, d.actor, st.Servers[0].GUID, registration.Place{Site: s.Site, Tags: []string{purpose}})
}

// present lets the agents read their servers from now on, all but those of
// silent ones, and everybody in once they have told what they read first.
func (d *demo) present(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range d.sites {
		if s.SilentSince.IsZero() {
			g.Go(func() error { return d.serve(ctx, s) })
		}
	}
	g.Go(func() error { return d.welcome(ctx) })
	return g.Wait()
}

// serve lets a license server answer and its agent run.
func (d *demo) serve(ctx context.Context, s *site) error {
	tool := toolFile{Seed: d.Seed, Now: d.estate.Now, Server: s.Name, Ahead: d.clock.ahead()}
	if err := tool.write(s.dir); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	if s.Logged {
		log, err := openLog(s, d.estate.Now)
		if err != nil {
			return err
		}
		g.Go(func() error { return log.run(ctx, d.clock.Now) })
	}
	g.Go(func() error { return s.agent.Run(ctx) })
	return g.Wait()
}

// welcome lets everybody in, once the hub has the first readings.
func (d *demo) welcome(ctx context.Context) error {
	if err := d.firstReadings(ctx); err != nil {
		return err
	}
	d.hub.Welcome(d.admin)
	fmt.Fprintf(d.Out, "\nThe demo is at  %s\n\nEverybody on this machine is let in, and the data are made up. Ctrl-C ends it and removes them.\n", d.hub.URL())
	if at := d.hub.MetricsURL(); at != "" {
		fmt.Fprintf(d.Out, "Prometheus may ask at %s\n", at)
	}
	if d.Ready != nil {
		d.Ready(d.hub.URL())
	}
	return nil
}

// moment is how long a first reading is waited for: people want to see the first
// page.
const moment = 10 * time.Second

// firstReadings brings the agents' first readings to the hub. One that takes
// too long comes with the next upload.
func (d *demo) firstReadings(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, s := range d.sites {
		if s.SilentSince.IsZero() {
			g.Go(func() error { return s.firstReading(ctx, cmp.Or(d.patience, moment)) })
		}
	}
	return g.Wait()
}
