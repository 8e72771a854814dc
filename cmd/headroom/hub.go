package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"headroom/internal/hub"
)

// hubCmd groups what is done on the hub's side.
type hubCmd struct {
	Run    hubRunCmd    `cmd:"" help:"Run a hub until it is told to end."`
	Audit  hubAuditCmd  `cmd:"" help:"The record of who did what to an organisation."`
	Forget hubForgetCmd `cmd:"" name:"forget-secrets-key" help:"Let a hub start whose secrets key is lost for good."`
	Reset  hubResetCmd  `cmd:"" name:"reset-factor" help:"Take the second factor of a member away, who has lost it."`
	Add    hubAddCmd    `cmd:"" name:"add-organisation" help:"Make another organisation, and an invitation for its first administrator."`
}

type hubRunCmd struct {
	Addr         string         `default:"127.0.0.1:8080" help:"Address to listen on. Beyond loopback it needs a certificate, or a front that speaks https."`
	Store        string         `default:"headroom.db" help:"SQLite file, or postgres:// URL."`
	Ledger       string         `type:"path" placeholder:"FILE" help:"Ledger of deletions and removals, kept apart from the store's backups: it is done again when an older state of the store is restored (default: the SQLite file's name and .deletions; none for PostgreSQL)."`
	SecretsKey   string         `type:"path" placeholder:"FILE" help:"Key that seals the secrets in the store: seeds of second factors, passwords of mail servers. It is made if it is not there; keep a copy, apart from the store's backups (default: the SQLite file's name and .secrets; PostgreSQL needs it, the same file at every process)."`
	PublicURL    string         `name:"public-url" placeholder:"URL" help:"How browsers and agents reach the hub, e.g. https://hub.example.com (default: from --addr)."`
	TLSCert      string         `name:"tls-cert" type:"path" placeholder:"FILE" help:"Certificate chain in PEM."`
	TLSKey       string         `name:"tls-key" type:"path" placeholder:"FILE" help:"Its private key in PEM."`
	AllowInner   []netip.Prefix `placeholder:"NET" help:"Inner addresses that the hub calls where an administrator names them in the settings, e.g. 10.1.2.3/32 of a sign-in provider (default: none)."`
	TrustedProxy []netip.Prefix `placeholder:"NET" help:"Fronts whose X-Forwarded-For is believed, e.g. 10.0.0.0/8 (default: this machine, where --public-url is https and there is no certificate)."`
	Poll         time.Duration  `default:"5m" help:"How often agents ask whether there is anything to do."`
	Memory       int64          `default:"176" placeholder:"MIB" help:"Memory for history and answers, in MiB. An organisation's own history takes 40 bytes per pool and day, and stays in memory while it is asked about."`
	MetricsAddr  string         `name:"metrics-addr" placeholder:"ADDR" help:"Address at which Prometheus may ask how the hub does, e.g. 127.0.0.1:9400 (default: none). It needs no token and tells of no organisation and no person."`
	logFlags
}

// Help is what --help says below the summary.
func (*hubRunCmd) Help() string {
	return "The first start prints a link at which the organisation and its administrator are made. " +
		"The store holds everything but the ledger of deletions and the key that seals its secrets; to move a hub, move all three."
}

// Run runs the hub until ctx is done.
func (c *hubRunCmd) Run(ctx context.Context, std streams) error {
	logger := c.logger(std.err)
	if err := hub.TuneMemory(hub.MemoryLimit(c.Memory << 20)); err != nil {
		logger.Info("The first question about an organisation will take longer", "err", err)
	}
	return hub.Run(ctx, hub.Config{
		Addr: c.Addr, Store: c.Store, Ledger: c.Ledger, SecretsKey: c.SecretsKey, Inner: c.AllowInner, PublicURL: c.PublicURL, TLSCert: c.TLSCert, TLSKey: c.TLSKey,
		Proxies: c.TrustedProxy, PollEvery: c.Poll, Memory: c.Memory << 20, Version: version, Print: std.out, MetricsAddr: c.MetricsAddr,
	}, logger)
}

type hubAddCmd struct {
	Name      string `arg:"" help:"What it is called. License servers show it before they join."`
	Admin     string `required:"" placeholder:"EMAIL" help:"Whom the invitation is for."`
	Zone      string `default:"UTC" help:"Time zone whose calendar decides its days and months, e.g. Europe/Berlin."`
	Store     string `default:"headroom.db" help:"SQLite file, or postgres:// URL."`
	PublicURL string `name:"public-url" default:"http://127.0.0.1:8080" placeholder:"URL" help:"How browsers reach the hub."`
}

// Help is what --help says below the summary.
func (*hubAddCmd) Help() string {
	return "Organisations of one hub share nothing: no license server, no member, no figure. " +
		"The link is printed once and works once, for a week. A hub may run meanwhile."
}

// Run makes the organisation.
func (c *hubAddCmd) Run(ctx context.Context, std streams) error {
	path, err := hub.AddOrganisation(ctx, c.Store, c.Name, c.Zone, c.Admin)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s is made. Its administrator joins here, once, within a week:\n\n  %s\n", c.Name, strings.TrimSuffix(c.PublicURL, "/")+path)
	return err
}

type hubResetCmd struct {
	Email string `arg:"" help:"The address with which the member signs in."`
	Store string `default:"headroom.db" help:"SQLite file, or postgres:// URL."`
}

// Help is what --help says below the summary.
func (*hubResetCmd) Help() string {
	return "For an only administrator; everybody else is helped by an administrator (Settings, Members). The password alone signs in then, " +
		"until another second factor is set up. It leaves an entry in the audit log. A hub may run meanwhile."
}

// Run takes it away.
func (c *hubResetCmd) Run(ctx context.Context, std streams) error {
	if err := hub.ResetFactor(ctx, c.Store, c.Email); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "%s has no second factor any more.\n", c.Email)
	return err
}

type hubForgetCmd struct {
	Store string `default:"headroom.db" help:"SQLite file, or postgres:// URL."`
}

// Help is what --help says below the summary.
func (*hubForgetCmd) Help() string {
	return "The next start takes or makes another key. What was sealed with the one that is lost cannot be read any more: " +
		"passwords and secrets in the settings have to be typed again, and members with a second factor sign in with a recovery code. " +
		"Should the file turn up, append its line to the new one, and all opens again."
}

// Run forgets which key it was.
func (c *hubForgetCmd) Run(ctx context.Context, std streams) error {
	id, err := hub.ForgetSecretsKey(ctx, c.Store)
	if err != nil {
		return err
	}
	if id == "" {
		_, err = fmt.Fprintln(std.out, "The store knows of no secrets key: there was nothing to forget.")
		return err
	}
	_, err = fmt.Fprintf(std.out, "Key %s is forgotten. Start the hub now.\n", id)
	return err
}
