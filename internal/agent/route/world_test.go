package route_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"headroom/internal/agent/route"
	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
	"headroom/internal/hub"
	"headroom/internal/hub/hubtest"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// A site is an agent's side: a spool and a client that goes by a route.
type site struct {
	t      testing.TB
	way    *route.Route
	hub    *hubtest.Hub
	client *upload.Client
	spool  *spool.Spool
	guid   string // of its license server
	taken  int    // readings
}

// tlsHub is a whole hub that speaks TLS itself.
func tlsHub(t testing.TB, p pair) (*hubtest.Hub, string) {
	t.Helper()
	h := hubtest.New(t, func(c *hub.Config) {
		c.TLSCert, c.TLSKey = p.Cert, p.Key
	})
	_, port, err := net.SplitHostPort(addrOf(t, h.URL()))
	check(t, err)
	return h, port
}

func newSite(t testing.TB, h *hubtest.Hub, base string, s route.Settings) *site {
	t.Helper()
	way := newRoute(t, s)
	_, key, err := ed25519.GenerateKey(nil)
	check(t, err)
	sp, _, err := spool.Open(t.TempDir(), spool.Options{Now: time.Now, Declare: upload.EncodeGap, Ballast: 64})
	check(t, err)
	t.Cleanup(func() { check(t, sp.Close()) })
	return &site{
		t: t, way: way, hub: h, spool: sp, guid: uuid.NewString(),
		client: &upload.Client{Hub: base, HTTP: way.Client(time.Minute), Key: key, Version: "test", Now: time.Now},
	}
}

func newRoute(t testing.TB, s route.Settings) *route.Route {
	t.Helper()
	way, err := route.New(s, time.Now)
	check(t, err)
	t.Cleanup(way.Close)
	return way
}

// join registers the agent, on both sides.
func (s *site) join() {
	s.t.Helper()
	r, err := s.client.Register(s.t.Context(), wire.RegistrationRequest{
		AgentGUID: uuid.NewString(), Host: "lic.example.com", Platform: "linux/amd64", Version: "test",
		PublicKey: base64.RawURLEncoding.EncodeToString(s.client.Key.Public().(ed25519.PublicKey)),
		Servers:   []wire.ServerInfo{{GUID: s.guid, Name: "lic", Hosts: []string{"lic.example.com"}, Port: 27000, Manager: "flexnet"}},
	})
	check(s.t, err)
	s.hub.Approve(r.Code)
	check(s.t, s.client.Confirm(s.t.Context(), r.ID, wire.Confirmation{OrganisationID: s.hub.Org.PublicID, Accept: true}))
}

// read takes a reading, as a batch of its own.
func (s *site) read() {
	s.t.Helper()
	at := time.Now().Add(-24 * time.Hour).Truncate(time.Second).Add(time.Duration(s.taken) * 5 * time.Minute)
	s.taken++
	record, err := upload.EncodeReading(s.guid, "test", at, &wire.Samples{
		At: []int64{at.Unix()}, Interval: 300, Complete: true, Source: "flexnet",
		Pools: []wire.SampledPool{{
			PoolKey: wire.PoolKey{Feature: "feature"}, State: license.StateCounted.String(),
			InUse: wire.Counts{license.Of(int64(s.taken % 7))}, Installed: wire.Counts{license.Of(100)},
		}},
	})
	check(s.t, err)
	check(s.t, s.spool.Append(s.guid, at, record))
	_, err = upload.Pack(s.spool, s.guid, "test", time.Now, func(r []wire.Record) ([]wire.Record, error) { return r, nil })
	check(s.t, err)
}

// upload sends what waits.
func (s *site) upload(ctx context.Context) error {
	_, err := upload.Drain(ctx, s.client, s.spool, slog.New(slog.DiscardHandler))
	return err
}

// uploads makes n uploads, each over a connection of its own, and returns how
// many failed.
func (s *site) uploads(n int) (failed int) {
	s.t.Helper()
	for range n {
		s.read()
		s.way.Close()
		if err := s.upload(s.t.Context()); err != nil {
			failed++
			s.t.Log(err)
		}
	}
	return failed
}

// arrived asks the hub whether it has everything.
func (s *site) arrived() {
	s.t.Helper()
	epoch := s.spool.Epoch()
	answer, err := s.client.Poll(s.t.Context(), wire.PollRequest{Epoch: epoch.Epoch, Next: epoch.Seq, Version: "test"})
	check(s.t, err)
	if got, want := answer.Complete[epoch.Epoch], uint64(s.taken+1); got != want || epoch.Seq != want {
		s.t.Errorf("the hub has all batches below %d, the spool is at %d, want %d for both", got, epoch.Seq, want)
	}
}

// manual are settings that go through a proxy and trust an authority.
func manual(ca *authority, proxy string) route.Settings {
	return route.Settings{Proxy: route.Proxy{Mode: "manual", Address: proxy}, TLS: route.TLS{CAFile: ca.File()}}
}

// withUser adds who signs in.
func withUser(t testing.TB, s route.Settings, user, password string) route.Settings {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	check(t, os.WriteFile(file, []byte(password+"\n"), 0o600))
	s.Proxy.User, s.Proxy.PasswordFile = user, file
	return s
}

// fails opens a connection and returns the step at which it failed, with the
// whole error.
func fails(t testing.TB, way *route.Route, addr string) *route.Error {
	t.Helper()
	conn, err := way.Open(t.Context(), addr, func(route.Hop) {})
	if err == nil {
		conn.Close()
		t.Fatalf("a connection to %s was opened", addr)
	}
	return asError(t, err)
}

func addrOf(t testing.TB, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	check(t, err)
	return u.Host
}
