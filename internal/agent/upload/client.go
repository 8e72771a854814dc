// Package upload brings what the spool holds to the hub, and speaks with the
// hub for the agent: registration, polls, batches. Every request is signed by
// the agent's key. A batch leaves the queue only when the hub has said that it
// is stored; until then it is sent again, byte for byte.
//
// The package reads no clock and starts nothing by itself: when to upload and
// how long to wait is for the agent to say, with a Backoff's help.
package upload

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"

	"headroom/internal/wire"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// contentBatch is the type of a batch's body.
const contentBatch = "application/zstd"

// A Client speaks with one hub. Its fields are set before its first use; its
// methods may be called from several goroutines.
type Client struct {
	Hub     string // address, without a path
	HTTP    *http.Client
	Key     ed25519.PrivateKey
	Version string // of the agent
	Now     func() time.Time

	mu     sync.Mutex
	hubID  string
	offset time.Duration
	known  bool // offset was measured
}

// SetHubID tells the client which hub it means, from an earlier Identify.
func (c *Client) SetHubID(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hubID = id
}

// Offset returns the hub's clock minus the agent's, as measured with the last
// answer; zero before there was one.
func (c *Client) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Identify asks the hub who it is.
func (c *Client) Identify(ctx context.Context) (wire.Hub, error) {
	var hub wire.Hub
	req, err := c.request(ctx, http.MethodGet, wire.HubPath, nil, "")
	if err != nil {
		return hub, err
	}
	if err := c.send(req, &hub); err != nil {
		return hub, err
	}
	if hub.ID == "" {
		return hub, fmt.Errorf("%s is no hub: it does not say who it is", c.Hub)
	}
	c.SetHubID(hub.ID)
	return hub, nil
}

// signed sends a signed request and reads the answer into answer. A request
// whose time the hub does not believe is signed once more, with the hub's
// nonce.
func (c *Client) signed(ctx context.Context, method, path string, body []byte, contentType string, answer any) error {
	c.mu.Lock()
	hub := c.hubID
	c.mu.Unlock()
	if hub == "" {
		h, err := c.Identify(ctx)
		if err != nil {
			return err
		}
		hub = h.ID
	}
	nonce := ""
	for try := 0; ; try++ {
		req, err := c.request(ctx, method, path, body, contentType)
		if err != nil {
			return err
		}
		if err := wire.Sign(req, body, c.Key, hub, c.Now(), nonce); err != nil {
			return err
		}
		err = c.send(req, answer)
		refusal, ok := errors.AsType[*Refusal](err)
		if !ok || refusal.Type != wire.ProblemStale || refusal.nonce == "" || try > 0 {
			return err
		}
		nonce = refusal.nonce
	}
}

// signedJSON is signed with a message as its body.
func (c *Client) signedJSON(ctx context.Context, method, path string, message, answer any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return c.signed(ctx, method, path, body, "application/json", answer)
}

func (c *Client) request(ctx context.Context, method, path string, body []byte, contentType string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Hub+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("User-Agent", "headroom-agent/"+c.Version)
	return req, nil
}

// send sends a request and reads its answer: a *Refusal if it is not 2xx.
func (c *Client) send(req *http.Request, answer any) (err error) {
	sent := c.Now()
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("hub not reached: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	c.measure(resp.Header, sent, c.Now())
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the hub's answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return refusalOf(resp, body, c.Now())
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("%s %s: the answer is not a hub's: %w", req.Method, req.URL.Path, err)
	}
	return nil
}

// measure compares the clocks. The hub's stamp is from between the two
// instants of ours. Small differences change nothing: they are the network's,
// and every change of the offset ends a run of samples.
func (c *Client) measure(h http.Header, sent, received time.Time) {
	ms, err := strconv.ParseInt(h.Get(wire.TimeHeader), 10, 64)
	if err != nil {
		return
	}
	offset := time.UnixMilli(ms).Sub(sent.Add(received.Sub(sent) / 2))
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := offset - c.offset; !c.known || d >= 2*time.Second || d <= -2*time.Second {
		c.offset, c.known = offset.Round(time.Second), true
	}
}

// A Refusal is an answer that is not 2xx.
type Refusal struct {
	Status int
	Hub    bool   // the hub itself says so, not something in front of it
	Type   string // one of the wire's problems, or empty
	Detail string
	After  time.Duration // when asking again makes sense; 0 if not told
	nonce  string
}

// Error says what the hub said.
func (r *Refusal) Error() string {
	who := "the hub"
	if !r.Hub {
		who = "something in front of the hub (proxy, load balancer)"
	}
	text := fmt.Sprintf("%s answers %d %s", who, r.Status, http.StatusText(r.Status))
	if r.Detail != "" {
		text += ": " + r.Detail
	}
	return text
}

// ErrRemoved says that the hub has removed this agent's registration. It is
// no use to ask again.
var ErrRemoved = errors.New("the registration of this agent was removed")

// Is makes errors.Is(err, ErrRemoved) true for the answer that says so.
func (r *Refusal) Is(target error) bool {
	return target == ErrRemoved && r.Hub && r.Type == wire.ProblemRemoved
}

func refusalOf(resp *http.Response, body []byte, now time.Time) *Refusal {
	r := &Refusal{Status: resp.StatusCode, After: retryAfter(resp.Header.Get("Retry-After"), now), nonce: resp.Header.Get(wire.NonceHeader)}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/problem+json" || resp.Header.Get(wire.TimeHeader) == "" {
		return r // a hub's answers have both
	}
	var p wire.Problem
	if err := json.Unmarshal(body, &p); err != nil {
		return r
	}
	r.Hub, r.Detail = true, p.Detail
	if p.Type != "about:blank" {
		r.Type = p.Type
	}
	if r.Detail == "" {
		r.Detail = p.Title
	}
	return r
}

// maxAfter bounds what is believed of a Retry-After: nobody may silence an
// agent for longer.
const maxAfter = 24 * time.Hour

// retryAfter reads a number of seconds or a date.
func retryAfter(s string, now time.Time) time.Duration {
	var after time.Duration
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		after = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(s); err == nil {
		after = t.Sub(now)
	}
	return min(max(0, after), maxAfter)
}
