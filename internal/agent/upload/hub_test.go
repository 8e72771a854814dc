package upload_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/agent/upload"
	"headroom/internal/wire"
)

// noon is when most tests happen.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// A hub is as much of a hub as an uploader sees: it verifies signatures, keeps
// batches by identity, and counts what is in them. What it says can be
// changed, and so can what stands in front of it.
type hub struct {
	*httptest.Server
	t     failer
	id    string
	key   ed25519.PrivateKey // the agent's: the hub looks at the public half
	now   func() time.Time
	front func(w http.ResponseWriter, body []byte) bool                // true: it has answered
	says  func(w http.ResponseWriter, path string, b *wire.Batch) bool // true: it has answered
	lose  func() (before, after bool)                                  // break the connection before or after storing
	other func(method, path string, body []byte) any                   // answers what is not a batch

	mu       sync.Mutex
	requests int
	sent     map[string][]byte // what was sent last, by path, whatever came of it
	stored   map[string][]byte // by path
	order    []string          // of storing
	seen     []wire.Signature
}

// A failer is a test of whatever kind.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

const nonce = "a-nonce-of-the-hub"

// newHub starts a hub that takes everything.
func newHub(t testing.TB, check failer) *hub {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{
		t: check, id: "hub-1", key: key, now: atNoon,
		sent: map[string][]byte{}, stored: map[string][]byte{},
	}
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	return h
}

// client returns a client of the hub's agent.
func (h *hub) client(now func() time.Time) *upload.Client {
	return &upload.Client{Hub: h.URL, HTTP: h.Client(), Key: h.key, Version: "1.2.3", Now: now}
}

func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests++
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Errorf("read %s: %v", r.URL.Path, err)
	}
	if h.front != nil && h.front(w, body) {
		return
	}
	w.Header().Set(wire.TimeHeader, strconv.FormatInt(h.now().UnixMilli(), 10))
	if r.Method == http.MethodGet && r.URL.Path == wire.HubPath {
		reply(w, http.StatusOK, wire.Hub{ID: h.id, Time: h.now().UnixMilli(), Nonce: nonce})
		return
	}
	if !h.admit(w, r, body) {
		return
	}
	if r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, wire.BatchesPath+"/") {
		h.take(w, r, body)
		return
	}
	if h.other == nil {
		h.t.Errorf("%s %s: nobody expected this", r.Method, r.URL.Path)
		return
	}
	reply(w, http.StatusOK, h.other(r.Method, r.URL.Path, body))
}

// admit verifies the signature of a request.
func (h *hub) admit(w http.ResponseWriter, r *http.Request, body []byte) bool {
	sig, err := wire.Verify(r, body, func(string) (ed25519.PublicKey, error) {
		return h.key.Public().(ed25519.PublicKey), nil
	}, h.id, h.now())
	h.seen = append(h.seen, sig)
	switch {
	case errors.Is(err, wire.ErrStale) && sig.Nonce == nonce:
		return true
	case errors.Is(err, wire.ErrStale):
		w.Header().Set(wire.NonceHeader, nonce)
		problem(w, http.StatusUnauthorized, wire.ProblemStale, err.Error())
		return false
	case err != nil:
		problem(w, http.StatusUnauthorized, "about:blank", err.Error())
		return false
	}
	return true
}

func (h *hub) take(w http.ResponseWriter, r *http.Request, body []byte) {
	path := r.URL.Path
	if was, ok := h.sent[path]; ok && !bytes.Equal(was, body) {
		h.t.Errorf("%s was sent with two contents", path)
	}
	h.sent[path] = body
	before, after := false, false
	if h.lose != nil {
		before, after = h.lose()
	}
	if before {
		hangUp(w)
		return
	}
	b, err := wire.ReadBatch(bytes.NewReader(body))
	if err != nil {
		b = nil
	}
	if h.says != nil && h.says(w, path, b) {
		return
	}
	if b == nil {
		problem(w, http.StatusUnprocessableEntity, "about:blank", err.Error())
		return
	}
	if want := wire.BatchesPath + "/" + b.Header.Epoch + "/" + strconv.FormatUint(b.Header.Seq, 10); path != want {
		problem(w, http.StatusUnprocessableEntity, "about:blank", "line 1: the batch says that it is "+want)
		return
	}
	status := wire.ReceiptKnown
	if _, ok := h.stored[path]; !ok {
		status = wire.ReceiptStored
		h.stored[path] = body
		h.order = append(h.order, path)
	}
	if after {
		hangUp(w)
		return
	}
	reply(w, http.StatusOK, wire.Receipt{Status: status, Records: len(b.Records), Unknown: b.Unknown})
}

// batches returns what the hub has stored, in the order of storing.
func (h *hub) batches() []*wire.Batch {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*wire.Batch
	for _, path := range h.order {
		b, err := wire.ReadBatch(bytes.NewReader(h.stored[path]))
		if err != nil {
			h.t.Fatalf("%s: %v", path, err)
		}
		out = append(out, b)
	}
	return out
}

// records returns all records that the hub has stored.
func (h *hub) records() []wire.Record {
	var out []wire.Record
	for _, b := range h.batches() {
		for _, line := range b.Records {
			out = append(out, line.Record)
		}
	}
	return out
}

// hangUp breaks the connection without an answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func reply(w http.ResponseWriter, status int, message any) {
	w.Header().Set("Content-Type", "application/json")
	send(w, status, message)
}

func problem(w http.ResponseWriter, status int, kind, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	send(w, status, wire.Problem{Type: kind, Title: http.StatusText(status), Status: status, Detail: detail})
}

func send(w http.ResponseWriter, status int, message any) {
	body, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	page(w, status, string(body))
}

// page answers with text as it is.
func page(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	if _, err := io.WriteString(w, text); err != nil {
		return // the client has gone; it sees that itself
	}
}
