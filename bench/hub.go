package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"headroom/internal/hub"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/wire"
)

// A runningHub is a real hub on loopback with an organisation, in which it is
// whatever time the estate has reached.
type runningHub struct {
	*hub.Hub
	actor audit.Actor
	org   account.Organisation

	now   atomic.Int64
	stop  context.CancelFunc
	ended chan error
}

// tuneMemory does what a hub's program does, with room for what is beside the hub.
func tuneMemory(beside int64) {
	if err := hub.TuneMemory(hub.MemoryLimit(0) + beside); err != nil {
		fmt.Fprintln(os.Stderr, "Goes on, and is slower:", err)
	}
}

// startHub runs a hub on a SQLite file that does not exist yet, and founds its
// organisation.
func startHub(ctx context.Context, file string, now int64) (*runningHub, error) {
	tuneMemory(clientMemory)
	h := &runningHub{ended: make(chan error, 1)}
	h.now.Store(now)
	var err error
	h.Hub, err = hub.New(ctx, hub.Config{Addr: "127.0.0.1:0", Store: file, Now: h.clock}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := h.found(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() { h.ended <- h.Run(ctx) }()
	return h, nil
}

func (h *runningHub) clock() time.Time { return clock(h.now.Load()) }

// found makes the organisation and its administrator.
func (h *runningHub) found(ctx context.Context) error {
	token, _, err := h.Accounts.NewSetupToken(ctx)
	if err != nil {
		return err
	}
	m, err := h.Accounts.Setup(ctx, token, account.Founding{
		Organisation: "Bench Corp", Zone: "UTC", Email: "bench@example.com", Name: "Bench Administrator",
		Password: "not a secret at all",
	})
	if err != nil {
		return err
	}
	h.actor = m.Actor("127.0.0.1")
	h.org, err = h.Accounts.Organisation(ctx, m.Org)
	return err
}

// end stops the hub and waits for its end.
func (h *runningHub) end() error {
	h.stop()
	return <-h.ended
}

// An agent uploads the days of one license server, as an agent does that is
// never off line.
type agent struct {
	hub    *runningHub
	http   *http.Client
	key    ed25519.PrivateKey
	server wire.ServerInfo
	seq    uint64
}

// clientMemory is what clients and the generator may take beside the hub.
const clientMemory = 128 << 20

// epoch is the spool epoch of every agent here.
const epoch = "0001-00c0ffee00c0ffee"

// join registers an agent for a license server, as people would: with a code
// that is looked at and approved, and confirmed on the other side.
func (h *runningHub) join(ctx context.Context, e *estate, server int, client *http.Client) (*agent, error) {
	var seed [ed25519.SeedSize]byte
	for i := range 4 {
		binary.LittleEndian.PutUint64(seed[8*i:], e.hash(forKey, uint64(server), uint64(i)))
	}
	a := &agent{hub: h, http: client, key: ed25519.NewKeyFromSeed(seed[:]), server: wire.ServerInfo{
		GUID: e.guid(server), Name: host(server), Hosts: []string{host(server)}, Port: 27000, Manager: "flexnet", Version: "11.19.5",
	}}
	var r wire.Registration
	err := a.tell(ctx, http.MethodPost, wire.RegistrationsPath, wire.RegistrationRequest{
		AgentGUID: e.guid(server), PublicKey: base64.RawURLEncoding.EncodeToString(a.key.Public().(ed25519.PublicKey)),
		Host: host(server), Platform: "linux/amd64", Version: "bench", Servers: []wire.ServerInfo{a.server},
	}, &r)
	if err != nil {
		return nil, err
	}
	if _, err := h.Registrar.Review(ctx, h.actor, r.Code); err != nil {
		return nil, err
	}
	if err := h.Registrar.Approve(ctx, h.actor, r.Code); err != nil {
		return nil, err
	}
	return a, a.tell(ctx, http.MethodPost, wire.RegistrationsPath+"/"+r.ID+"/confirm",
		wire.Confirmation{OrganisationID: h.org.PublicID, Accept: true}, nil)
}

// tell sends a message and reads the answer.
func (a *agent) tell(ctx context.Context, method, path string, message, answer any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return a.send(ctx, method, path, body, answer)
}

// send signs and sends a request, and reads the answer.
func (a *agent) send(ctx context.Context, method, path string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.hub.URL()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := wire.Sign(req, body, a.key, a.hub.ID(), a.hub.clock(), ""); err != nil {
		return err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: the hub answered %d %s", method, path, resp.StatusCode, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}
