// Package upload speaks to the hub for the agent: it registers, asks how
// things stand, and drains the spool. Every request is signed with the
// agent's key; what the hub's answer means is decided in one place (judge).
//
// Delivery is at least once: a batch leaves the spool's queue only after the
// hub has said that it is on its disk.
package upload

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"headroom/internal/wire"
)

// maxAnswer bounds what is read of any answer of a hub.
const maxAnswer = 1 << 20

// A Client speaks to one hub with one key. It may be used by several
// goroutines.
type Client struct {
	Base string // address of the hub, such as https://hub.example.com
	Key  ed25519.PrivateKey
	HTTP *http.Client
	Now  func() time.Time

	mu     sync.Mutex
	hub    string // the hub's id; empty until it was asked or pinned
	offset time.Duration
	known  bool // offset was measured
}

// Pin sets the id of the hub to speak to. A hub with another id is refused
// from then on: the address may have fallen into other hands.
func (c *Client) Pin(hub string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hub = hub
}

// Offset returns how far the hub's clock is ahead of the agent's, as measured
// last; ok is false before the first answer.
func (c *Client) Offset() (ahead time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset, c.known
}

// Hub asks the hub for its id and clock.
func (c *Client) Hub(ctx context.Context) (wire.Hub, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address(wire.HubPath), http.NoBody)
	if err != nil {
		return wire.Hub{}, err
	}
	var hub wire.Hub
	if _, err := c.send(req, &hub); err != nil {
		return wire.Hub{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hub != "" && c.hub != hub.ID {
		return wire.Hub{}, fmt.Errorf("the hub at %s is %s, and this agent is registered with %s: check the address, or unregister first", c.Base, hub.ID, c.hub)
	}
	c.hub = hub.ID
	return hub, nil
}

// Register asks for a code.
func (c *Client) Register(ctx context.Context, r wire.RegistrationRequest) (wire.Registration, error) {
	var out wire.Registration
	err := c.call(ctx, http.MethodPost, wire.RegistrationsPath, r, &out)
	return out, err
}

// Standing asks how a registration stands.
func (c *Client) Standing(ctx context.Context, id string) (wire.RegistrationState, error) {
	var out wire.RegistrationState
	err := c.call(ctx, http.MethodGet, wire.RegistrationsPath+"/"+id, nil, &out)
	return out, err
}

// Confirm is the license server's yes or no.
func (c *Client) Confirm(ctx context.Context, id string, yes wire.Confirmation) (wire.RegistrationState, error) {
	var out wire.RegistrationState
	err := c.call(ctx, http.MethodPost, wire.RegistrationsPath+"/"+id+"/confirm", yes, &out)
	return out, err
}

// Leave removes this agent's registration from the hub.
func (c *Client) Leave(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, wire.SelfPath, nil, nil)
}

// Poll is a sign of life.
func (c *Client) Poll(ctx context.Context, r wire.PollRequest) (wire.PollAnswer, error) {
	var out wire.PollAnswer
	err := c.call(ctx, http.MethodPost, wire.PollPath, r, &out)
	return out, err
}

// Batch sends one batch.
func (c *Client) Batch(ctx context.Context, epoch string, seq uint64, body []byte) (wire.Receipt, error) {
	var out wire.Receipt
	err := c.signed(ctx, http.MethodPut, wire.BatchesPath+"/"+epoch+"/"+strconv.FormatUint(seq, 10), body, batchType, &out)
	return out, err
}

// The content types of bodies.
const (
	jsonType  = "application/json"
	batchType = "application/x-ndjson"
)

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return c.signed(ctx, method, path, body, jsonType, out)
}

// signed sends a request, and once more with a nonce of the hub where the
// hub finds this machine's clock too wrong.
func (c *Client) signed(ctx context.Context, method, path string, body []byte, contentType string, out any) error {
	hub, err := c.hubID(ctx)
	if err != nil {
		return err
	}
	nonce := ""
	for range 2 {
		req, err := http.NewRequestWithContext(ctx, method, c.address(path), bytes.NewReader(body))
		if err != nil {
			return err
		}
		if len(body) > 0 {
			req.Header.Set("Content-Type", contentType)
		}
		if contentType == batchType {
			req.Header.Set("Content-Encoding", "zstd")
		}
		if err := wire.Sign(req, body, c.Key, hub, c.Now(), nonce); err != nil {
			return err
		}
		if nonce, err = c.send(req, out); err == nil || nonce == "" || !stale(err) {
			return err
		}
	}
	return fmt.Errorf("%s does not accept this machine's clock, with its own nonce neither: compare the clocks", c.Base)
}

func (c *Client) hubID(ctx context.Context) (string, error) {
	c.mu.Lock()
	id := c.hub
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	hub, err := c.Hub(ctx)
	return hub.ID, err
}

// send makes one request, notes the hub's clock, and decodes a good answer
// into out.
func (c *Client) send(req *http.Request, out any) (nonce string, err error) {
	before := c.Now()
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return "", &RetryError{Err: err}
	}
	defer func() { _ = resp.Body.Close() }() // whatever it says: the answer was read
	c.measure(resp.Header.Get(wire.TimeHeader), before)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", &RetryError{Err: fmt.Errorf("read the answer: %w", err)}
	}
	if err := judge(resp, body); err != nil {
		return resp.Header.Get(wire.NonceHeader), err
	}
	if out == nil {
		return "", nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return "", &RetryError{Err: fmt.Errorf("%s answered %s with something that is not a hub's: %w", c.Base, resp.Status, err)}
	}
	return "", nil
}

// measure notes the distance of the two clocks; half of the way there and
// back is taken for the way back.
func (c *Client) measure(header string, before time.Time) {
	ms, err := strconv.ParseInt(header, 10, 64)
	if err != nil {
		return
	}
	after := c.Now()
	middle := before.Add(after.Sub(before) / 2)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.known = time.UnixMilli(ms).Sub(middle), true
}

func (c *Client) address(path string) string { return strings.TrimRight(c.Base, "/") + path }
