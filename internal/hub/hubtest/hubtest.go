// Package hubtest is a whole hub inside a test: a store, the rules, the agents'
// side and the console on a port of loopback, an organisation with its
// administrator, and agents that speak the wire without being agents.
package hubtest

import (
	"context"
	"log/slog"
	"path"
	"path/filepath"
	"testing"

	"headroom/internal/hub"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/store"
)

// The administrator of a hub in a test.
const (
	Email    = "a.admin@example.com"
	Password = "four unrelated violins"
)

// A Hub is a hub that runs for the duration of a test.
type Hub struct {
	*hub.Hub
	Admin account.Member
	Org   account.Organisation

	t testing.TB
}

// New runs a hub on a SQLite file in a folder of the test, with an organisation
// "Example Corp" in Europe/Berlin and its administrator. Each change alters
// its configuration first. The hub ends with the test.
func New(t testing.TB, changes ...func(*hub.Config)) *Hub {
	t.Helper()
	return NewLogging(t, slog.DiscardHandler, changes...)
}

// NewLogging is New with a hub that writes its log to a handler.
func NewLogging(t testing.TB, log slog.Handler, changes ...func(*hub.Config)) *Hub {
	t.Helper()
	h := &Hub{t: t, Hub: open(t, log, changes)}
	link, err := h.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.Admin, err = h.Accounts.Setup(t.Context(), path.Base(link), account.Founding{
		Organisation: "Example Corp", Zone: "Europe/Berlin", Email: Email, Name: "Anna Admin", Password: Password,
	})
	if err != nil {
		t.Fatal(err)
	}
	if h.Org, err = h.Accounts.Organisation(t.Context(), h.Admin.Org); err != nil {
		t.Fatal(err)
	}
	run(t, h.Hub)
	return h
}

// Another makes another organisation on the hub, in UTC, with an administrator of its
// own, and returns the hub as that one knows it.
func (h *Hub) Another(name, email string) *Hub {
	h.t.Helper()
	token, err := h.Accounts.AddOrganisation(h.t.Context(), name, "UTC", email)
	if err != nil {
		h.t.Fatal(err)
	}
	other := &Hub{Hub: h.Hub, t: h.t}
	if other.Admin, err = h.Accounts.Accept(h.t.Context(), token, "Eve Admin", Password, "127.0.0.1"); err != nil {
		h.t.Fatal(err)
	}
	if other.Org, err = h.Accounts.Organisation(h.t.Context(), other.Admin.Org); err != nil {
		h.t.Fatal(err)
	}
	return other
}

// Reopen runs a hub on the store of one that New ran before and that has ended.
func Reopen(t testing.TB, changes ...func(*hub.Config)) *Hub {
	t.Helper()
	h := &Hub{t: t, Hub: Start(t, changes...)}
	var err error
	if h.Admin, err = h.Accounts.Login(t.Context(), Email, Password, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	if h.Org, err = h.Accounts.Organisation(t.Context(), h.Admin.Org); err != nil {
		t.Fatal(err)
	}
	return h
}

// Start runs a hub as it is before anybody has set it up, or as its store says.
func Start(t testing.TB, changes ...func(*hub.Config)) *hub.Hub {
	t.Helper()
	h := open(t, slog.DiscardHandler, changes)
	run(t, h)
	return h
}

func open(t testing.TB, log slog.Handler, changes []func(*hub.Config)) *hub.Hub {
	t.Helper()
	c := hub.Config{Addr: "127.0.0.1:0", Store: filepath.Join(t.TempDir(), "hub.db")}
	for _, change := range changes {
		change(&c)
	}
	if c.SecretsKey == "" && store.IsURL(c.Store) {
		c.SecretsKey = filepath.Join(t.TempDir(), "secrets")
	}
	h, err := hub.New(context.WithoutCancel(t.Context()), c, slog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func run(t testing.TB, h *hub.Hub) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the hub ended with: %v", err)
		}
	})
}

// Actor is the administrator, as registration knows him.
func (h *Hub) Actor() audit.Actor { return h.Admin.Actor("127.0.0.1") }

// Approve is the administrator's yes to a code, without a browser.
func (h *Hub) Approve(code string) {
	h.t.Helper()
	if _, err := h.Registrar.Review(h.t.Context(), h.Actor(), code); err != nil {
		h.t.Fatal(err)
	}
	if err := h.Registrar.Approve(h.t.Context(), h.Actor(), code); err != nil {
		h.t.Fatal(err)
	}
}
