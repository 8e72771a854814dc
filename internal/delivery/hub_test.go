package delivery_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"headroom/internal/hub/api"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/erasure"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/wire"
)

// quiet is the log of parts whose log nobody reads.
var quiet = slog.New(slog.DiscardHandler)

// A hubSide is the hub's side of the way, on a real SQLite file: all that agents
// reach, deletions with their ledger, and no pages.
type hubSide struct {
	t         *testing.T
	now       func() time.Time
	dir       string // of its files
	lives     int    // how often it was started
	org       int64
	db        *store.DB
	agents    http.Handler
	registrar *registration.Registrar
	erasure   *erasure.Service
}

// hubID is fixed, so that a run can be repeated byte for byte.
const hubID = "hub-of-the-simulator"

func (h *hubSide) path() string { return filepath.Join(h.dir, "hub.db") }

// ledger lies outside of what a backup brings back.
func (h *hubSide) ledger() string { return filepath.Join(h.dir, "ledger") }

// start starts the hub on its files as they are.
func (h *hubSide) start() {
	h.t.Helper()
	var err error
	if h.db, err = store.Open(context.Background(), h.path(), store.Options{Conns: 2}); err != nil {
		h.t.Fatal(err)
	}
	h.registrar = &registration.Registrar{
		Store: h.db, Now: h.now, Rand: rand.Reader, CodeKey: []byte("key of codes"), Words: wire.Words, Limits: registration.DefaultLimits,
	}
	h.erasure = erasure.New(h.db, h.now, h.ledger())
	if _, err := h.erasure.Replay(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	_, witness := keyOf("the hub's audit log")
	h.agents = (&api.Server{
		Registrar: h.registrar, Taker: &ingest.Ingester{Store: h.db, Now: h.now},
		Notary: &audit.Notary{Store: h.db, Key: witness, Now: h.now}, HubID: hubID, NonceKey: []byte("key of nonces"),
		Now: h.now, PollEvery: time.Minute, Ready: h.db.Ping, Log: quiet,
	}).Handler()
}

func (h *hubSide) stop() {
	h.t.Helper()
	if err := h.db.Close(); err != nil {
		h.t.Fatal(err)
	}
}

// kill ends the hub as kill -9 does: what goes on is what is in its files, the
// write-ahead log included, before anybody has closed them.
func (h *hubSide) kill() {
	h.t.Helper()
	h.lives++
	for _, end := range []string{"", "-wal"} {
		copyFile(h.t, h.path()+end, h.path()+".dead"+end)
	}
	h.stop()
	for _, end := range []string{"", "-wal"} {
		move(h.t, h.path()+".dead"+end, h.path()+end)
	}
	h.start()
}

// backup keeps the database as it is now.
func (h *hubSide) backup() {
	h.t.Helper()
	h.stop()
	copyFile(h.t, h.path(), h.path()+".backup")
	h.start()
}

// restore goes on with the last backup.
func (h *hubSide) restore() {
	h.t.Helper()
	h.lives++
	h.stop()
	copyFile(h.t, h.path()+".backup", h.path())
	h.start()
}

// newHub is a hub with an organisation.
func newHub(t *testing.T, dir string, now func() time.Time) *hubSide {
	t.Helper()
	h := &hubSide{t: t, now: now, dir: dir}
	if _, err := os.Stat(h.path()); errors.Is(err, fs.ErrNotExist) {
		h.start()
		h.org = storetest.Found(t, h.db, "Europe/Berlin")
		return h
	}
	h.org = 1
	h.start()
	return h
}

func (h *hubSide) actor() audit.Actor {
	return audit.Actor{Org: h.org, Member: 1, Name: "admin@example.com", Address: "127.0.0.1"}
}

// admit is the administrator's yes to a code.
func (h *hubSide) admit(code string) {
	h.t.Helper()
	if err := h.registrar.Approve(context.Background(), h.actor(), code); err != nil {
		h.t.Fatal(err)
	}
}

// remove removes the registration of the only agent.
func (h *hubSide) remove() {
	h.t.Helper()
	if err := h.registrar.Remove(context.Background(), h.actor(), 1); err != nil {
		h.t.Fatal(err)
	}
	if err := h.erasure.Record(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

// erase deletes the usage data of a license server.
func (h *hubSide) erase(guid string) {
	h.t.Helper()
	if err := h.erasure.Delete(context.Background(), h.actor(), guid, h.now()); err != nil {
		h.t.Fatal(err)
	}
	if err := h.db.Purge(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

// complete is what the hub has, as a poll tells it.
func (h *hubSide) complete() map[string]uint64 {
	h.t.Helper()
	c, err := h.db.Complete(context.Background(), h.org, 1)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// copyFile copies a file that exists; one that does not is gone afterwards.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}
