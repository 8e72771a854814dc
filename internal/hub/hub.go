// Package hub puts the hub together and runs it: one store, the rules over it,
// the agents' side and the console in front of them, on one listener.
package hub

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/hub/account"
	"headroom/internal/hub/api"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/console"
	"headroom/internal/hub/erasure"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/metrics"
	"headroom/internal/hub/oidc"
	"headroom/internal/hub/outward"
	"headroom/internal/hub/override"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/rest"
	"headroom/internal/hub/retention"
	"headroom/internal/hub/seal"
	"headroom/internal/hub/store"
	"headroom/internal/hub/usage"
	"headroom/internal/series"
	"headroom/internal/wire"
)

// A Config says how a hub runs. The zero values of all but Addr and Store are
// good.
type Config struct {
	Addr   string // to listen on
	Store  string // a SQLite file, or a postgres:// URL
	Ledger string // file of deletions outside of the store; empty: beside a SQLite file, none for PostgreSQL
	// SecretsKey is the file with the key that seals secrets in the store (package
	// seal). Empty: beside a SQLite file; PostgreSQL needs it. It is made if it is not
	// there.
	SecretsKey string
	Inner      []netip.Prefix // inner addresses that the hub calls where settings name them: sign-in providers
	PublicURL  string         // how browsers and agents reach the hub; empty: from Addr
	TLSCert    string         // file with the certificate chain; needs TLSKey
	TLSKey     string
	// Proxies are the fronts whose X-Forwarded-For is believed. Empty: none, or
	// those on this machine where PublicURL is https and the hub has no
	// certificate.
	Proxies   []netip.Prefix
	PollEvery time.Duration // between two polls of an agent; 0: 5 minutes
	Memory    int64         // bytes for history and answers (usage.Service); 0: the service's default
	// MetricsAddr is where Prometheus may ask how the hub does, without a token: it tells
	// of no organisation and no person. Empty: nowhere.
	MetricsAddr string
	Demo        bool   // every page says that its numbers are made up
	Version     string // of the program, as pages show it

	Now   func() time.Time  // nil: time.Now
	Print io.Writer         // where the addresses and the set-up link are told; nil: nowhere
	Ready func(addr string) // called with the hub's base URL once it serves
}

// Limits of time.
const (
	headerTime   = 10 * time.Second
	readTime     = 2 * time.Minute // a full body over a slow line
	writeTime    = 3 * time.Minute // from the header on: reading, work and answer
	idleTime     = 2 * time.Minute
	shutdownTime = 15 * time.Second
	jobEvery     = 10 * time.Minute
	pollEvery    = 5 * time.Minute
)

// openDays are the UTC days before today that stay open: most of what comes
// late comes within them.
const openDays = 2

// A Hub is one process of a hub. Its parts may be used until Run returns.
type Hub struct {
	Accounts  *account.Service
	Sessions  *account.Sessions
	Registrar *registration.Registrar
	Ingester  *ingest.Ingester
	Usage     *usage.Service
	Erasure   *erasure.Service

	config  Config
	log     *slog.Logger
	url     string
	tls     *tls.Config // nil: plain HTTP
	db      *store.DB
	secrets *seal.Keys
	id      string
	api     http.Handler
	pages   http.Handler
	rest    http.Handler
	listen  net.Listener
	scrapes net.Listener // for Prometheus; nil: nobody asks
	metrics *metrics.Hub
	guest   atomic.Pointer[account.Member]
}

// Run runs a hub until ctx is done. On its first start it prints the set-up
// link.
func Run(ctx context.Context, c Config, log *slog.Logger) error {
	h, err := New(ctx, c, log)
	if err != nil {
		return err
	}
	return h.Run(ctx)
}

// New opens the store, listens, and builds every part; requests wait until Run
// answers them. Whoever wants to make the organisation himself does so between
// the two: Run then prints no set-up link. Run has to follow, or Close.
func New(ctx context.Context, c Config, log *slog.Logger) (*Hub, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Print == nil {
		c.Print = io.Discard
	}
	if c.PollEvery == 0 {
		c.PollEvery = pollEvery
	}
	h := &Hub{config: c, log: log, metrics: metrics.New(c.Version)}
	if err := h.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("hub: %w", err), h.Close())
	}
	return h, nil
}

func (h *Hub) open(ctx context.Context) (err error) {
	if h.config.SecretsKey, err = secretsFile(h.config.Store, h.config.SecretsKey); err != nil {
		return err
	}
	if err := h.openListener(ctx); err != nil {
		return err
	}
	if err := h.openMetrics(ctx); err != nil {
		return err
	}
	if h.db, err = store.Open(ctx, h.config.Store, store.Options{}); err != nil {
		return err
	}
	return h.build(ctx)
}

// build makes the parts of a hub whose store and listener are open.
func (h *Hub) build(ctx context.Context) error {
	now := h.config.Now
	secrets, err := openSecrets(ctx, h.db, h.config.SecretsKey)
	if err != nil {
		return err
	}
	h.secrets = secrets
	id, err := h.db.Meta(ctx, "hub_id", rand.Text())
	if err != nil {
		return err
	}
	codeKey, err := secret(ctx, h.db, "registration_code_key")
	if err != nil {
		return err
	}
	nonceKey, err := secret(ctx, h.db, "nonce_key")
	if err != nil {
		return err
	}
	witness, err := witnessKey(ctx, h.db)
	if err != nil {
		return err
	}
	h.id = id
	h.Accounts = account.New(h.db, now, secrets)
	h.Sessions = h.Accounts.NewSessions(h.db.Sessions(now), h.secure())
	h.Ingester = &ingest.Ingester{Store: h.db, Now: now}
	h.Registrar = &registration.Registrar{
		Store: h.db, Now: now, Rand: rand.Reader, CodeKey: codeKey, Words: wire.Words, Limits: registration.DefaultLimits,
	}
	notary := &audit.Notary{Store: h.db, Key: witness, Now: now}
	agents := &api.Server{
		Registrar: h.Registrar, Taker: countingTaker{h.Ingester, h.metrics}, Notary: notary, HubID: id, NonceKey: nonceKey, Now: now,
		Visit: h.url + registerPath, PollEvery: h.config.PollEvery, Ready: h.db.Ping, Log: h.log,
	}
	h.api = agents.Handler()
	if err := h.openLedger(ctx); err != nil {
		return err
	}
	h.Usage = &usage.Service{Store: h.db, Now: now, Memory: h.config.Memory}
	h.metrics.Watch(h.state)
	words := &override.Service{Store: h.db, Now: now}
	pages, err := console.New(console.Config{
		Usage: h.Usage, Erasure: h.Erasure, Catalog: words, Registrations: h.Registrar, Accounts: h.Accounts, Providers: h.providers(), Audit: h.db, Sessions: h.Sessions,
		Now: now, Log: h.log, HubURL: h.url, Version: h.config.Version, Demo: h.config.Demo,
		Guest: h.guestMember, Styles: [][]byte{rest.Styles},
	})
	if err != nil {
		return err
	}
	h.pages = pages.Handler()
	programs := &rest.Server{
		Usage: h.Usage, Accounts: h.Accounts, Registrations: h.Registrar, Erasure: h.Erasure, Catalog: words,
		Audit: h.db, Witness: notary,
		Now: now, Log: h.log, URL: h.url, Version: h.config.Version, Assets: pages.Assets(),
	}
	h.rest, err = programs.Handler()
	return err
}

// providers are asked about people who have an account elsewhere.
func (h *Hub) providers() *oidc.Client {
	return &oidc.Client{HTTP: outward.Client(h.config.Inner, nil), Now: h.config.Now, Redirect: h.url + console.CallbackPath}
}

// openLedger opens the ledger of deletions and does again what the store has
// forgotten: nobody is served before.
func (h *Hub) openLedger(ctx context.Context) error {
	path := h.config.Ledger
	if path == "" && !store.IsURL(h.config.Store) {
		path = h.config.Store + ledgerSuffix
	}
	if path == "" {
		h.log.Warn("no ledger of deletions is kept: a restored backup of the database brings back what was deleted", "mend", "give --ledger a file")
	}
	h.Erasure = erasure.New(h.db, h.config.Now, path)
	again, err := h.Erasure.Replay(ctx)
	if err != nil {
		return err
	}
	if again > 0 {
		h.log.Warn("an older state of the store was restored: what was deleted and removed since then was done again", "acts", again, "ledger", path)
	}
	return nil
}

// ledgerSuffix is what the ledger is called beside a SQLite file.
const ledgerSuffix = ".deletions"

// secret returns a key that the hub's processes share. It is made at the first
// start.
func secret(ctx context.Context, db *store.DB, name string) ([]byte, error) {
	fresh := make([]byte, 32)
	rand.Read(fresh) // never fails
	kept, err := db.Meta(ctx, name, base64.StdEncoding.EncodeToString(fresh))
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(kept)
}

// Welcome lets everybody into the console as a member, without signing in. It
// is for the demo, whose data are made up; a demo's console is closed before.
func (h *Hub) Welcome(m account.Member) { h.guest.Store(&m) }

func (h *Hub) guestMember() account.Member {
	if m := h.guest.Load(); m != nil {
		return *m
	}
	return account.Member{}
}

// MetricsURL is where Prometheus finds the metrics of the hub; empty: nowhere.
func (h *Hub) MetricsURL() string {
	if h.scrapes == nil {
		return ""
	}
	return "http://" + h.scrapes.Addr().String() + MetricsPath
}

// ID returns the hub's id, which is part of every signature.
func (h *Hub) ID() string { return h.id }

// URL returns the address at which the hub is reached, without a slash at its
// end.
func (h *Hub) URL() string { return h.url }

// SetupLink returns a new address at which the first administrator is made,
// and makes the one before it worthless. It is empty once there is an
// organisation.
func (h *Hub) SetupLink(ctx context.Context) (string, error) {
	token, needed, err := h.Accounts.NewSetupToken(ctx)
	if err != nil || !needed {
		return "", err
	}
	return h.url + setupPath + token, nil
}

// Run serves until ctx is done, lets what is under way finish for a short time,
// and closes the hub.
func (h *Hub) Run(ctx context.Context) error {
	if err := h.announce(ctx); err != nil {
		if ctx.Err() != nil {
			err = nil // asked to end before it began
		}
		return errors.Join(err, h.Close())
	}
	srv := &http.Server{
		Handler:           h.Handler(),
		TLSConfig:         h.tls,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelWarn), // panics of handlers, too
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serve(srv, h.listen) })
	h.runJobs(gctx, g)
	if h.scrapes != nil {
		scrapes := h.metricsServer()
		g.Go(func() error { return serve(scrapes, h.scrapes) })
		g.Go(func() error {
			<-gctx.Done()
			return scrapes.Close()
		})
	}
	g.Go(func() error {
		<-gctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		if err := srv.Shutdown(end); err != nil {
			return errors.Join(fmt.Errorf("hub: requests were cut off at the end: %w", err), srv.Close())
		}
		return nil
	})
	if h.config.Ready != nil {
		h.config.Ready(h.url)
	}
	return errors.Join(g.Wait(), h.Close())
}

func serve(srv *http.Server, l net.Listener) error {
	var err error
	if srv.TLSConfig != nil {
		err = srv.ServeTLS(l, "", "")
	} else {
		err = srv.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return fmt.Errorf("hub: %w", err)
}

// announce tells where the hub is and, at its first start, how it is set up.
func (h *Hub) announce(ctx context.Context) error {
	link, err := h.SetupLink(ctx)
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	fmt.Fprintf(h.config.Print, "Headroom is at %s\n", h.url)
	if link != "" {
		fmt.Fprintf(h.config.Print, "\nFirst start: make your organisation and its administrator here.\n"+
			"The link works once; the next start prints another.\n\n  %s\n\n", link)
	}
	if at := h.MetricsURL(); at != "" {
		fmt.Fprintf(h.config.Print, "Prometheus may ask at %s\n", at)
	}
	h.log.Info("hub serves", "url", h.url, "listen", h.listen.Addr().String(), "hub", h.id)
	return nil
}

// runJobs runs the hub's own work until ctx is done.
func (h *Hub) runJobs(ctx context.Context, g *errgroup.Group) {
	kept := &retention.Service{Store: h.db, Now: h.config.Now}
	for name, run := range map[string]func(context.Context) error{
		// What is over is deleted now and then.
		"sweep": func(ctx context.Context) error { return h.db.Sweep(ctx, h.config.Now()) },
		// Days that little will still be added to are closed.
		"pack": func(ctx context.Context) error {
			_, err := h.db.Pack(ctx, series.DayOf(h.config.Now().Unix())-openDays)
			return err
		},
		"retention": kept.Once,
	} {
		g.Go(func() error {
			h.job(ctx, name, jobEvery, run)
			return nil
		})
	}
	g.Go(func() error {
		h.Erasure.Run(ctx, func(begun time.Time, err error) { h.did(ctx, "erasure", begun, err) })
		return nil
	})
}

// Close closes what New opened. Closing twice is no error.
func (h *Hub) Close() error {
	var errs []error
	for _, l := range []net.Listener{h.listen, h.scrapes} {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if h.db != nil {
		errs = append(errs, h.db.Close())
	}
	return errors.Join(errs...)
}
