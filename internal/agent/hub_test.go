package agent_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/wire"
)

// A hub is as much of a hub as one agent sees. It verifies every signature and
// keeps what it was sent.
type hub struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	requests []string // method and path
	key      ed25519.PublicKey
	state    wire.RegistrationState
	loseYes  bool // the answer to a confirmation is lost, once
	slow     *slowAnswer
	removed  bool
	pending  string        // name of a server that waits for an administrator
	ahead    time.Duration // of the hub's clock before ours
	stuck    chan struct{} // if set: closed when a batch comes, which then gets no answer
	epoch    string
	batches  []*wire.Batch // stored
	polls    []wire.PollRequest
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := &hub{t: t}
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Close)
	return h
}

// A slowAnswer is an answer about a registration that is long under way.
type slowAnswer struct {
	given chan struct{} // closed when the hub has given it
	sent  chan struct{} // it arrives when this is closed
}

func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	defer h.wait(w)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, r.Method+" "+r.URL.Path)
	w.Header().Set(wire.TimeHeader, strconv.FormatInt(time.Now().Add(h.ahead).UnixMilli(), 10))
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Errorf("read %s: %v", r.URL.Path, err)
	}
	if r.URL.Path == wire.HubPath {
		h.answer(w, http.StatusOK, wire.Hub{ID: "hub-1", Time: time.Now().UnixMilli()})
		return
	}
	if err := h.verify(r, body); err != nil {
		h.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		h.problem(w, http.StatusUnauthorized, "about:blank")
		return
	}
	if h.removed {
		h.problem(w, http.StatusForbidden, wire.ProblemRemoved)
		return
	}
	switch path, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/agent/v1/"), "/"); path {
	case "registrations":
		h.registrations(w, r, body)
	case "poll":
		h.poll(w, body)
	case "batches":
		if h.stuck != nil {
			close(h.stuck)
			<-r.Context().Done()
			return
		}
		h.batch(w, body)
	case "self":
		h.state = wire.RegistrationState{}
		h.answer(w, http.StatusOK, struct{}{})
	default:
		h.t.Errorf("%s %s: nobody expected this", r.Method, r.URL.Path)
	}
}

func (h *hub) verify(r *http.Request, body []byte) error {
	_, err := wire.Verify(r, body, func(string) (ed25519.PublicKey, error) {
		if r.Method == http.MethodPost && r.URL.Path == wire.RegistrationsPath {
			var req wire.RegistrationRequest
			if err := json.Unmarshal(body, &req); err != nil {
				return nil, err
			}
			key, err := base64.RawURLEncoding.DecodeString(req.PublicKey)
			h.key = key
			return key, err
		}
		return h.key, nil
	}, "hub-1", time.Now())
	return err
}

func (h *hub) registrations(w http.ResponseWriter, r *http.Request, body []byte) {
	switch {
	case r.URL.Path == wire.RegistrationsPath:
		h.state = wire.RegistrationState{State: wire.RegistrationWaiting, Poll: 5}
		h.answer(w, http.StatusOK, wire.Registration{
			ID: "reg-1", Code: "ABCDE-FGHJK", Visit: h.URL + "/register", Poll: 5, Expires: time.Now().Add(time.Hour).Unix(),
		})
	case r.Method == http.MethodPost:
		var yes wire.Confirmation
		if err := json.Unmarshal(body, &yes); err != nil || yes.OrganisationID != h.state.OrganisationID {
			h.t.Errorf("confirmation %s (%v), want one of %s", body, err, h.state.OrganisationID)
		}
		h.state.State = wire.RegistrationRefused
		if yes.Accept {
			h.state.State = wire.RegistrationConfirmed
		}
		if h.loseYes {
			h.loseYes = false
			panic(http.ErrAbortHandler)
		}
		h.answer(w, http.StatusOK, h.state)
	default:
		h.answer(w, http.StatusOK, h.state)
		w.Header().Set("X-Slow", "yes")
	}
}

// wait holds the end of a slow answer back.
func (h *hub) wait(w http.ResponseWriter) {
	h.mu.Lock()
	slow := h.slow
	if w.Header().Get("X-Slow") == "" {
		slow = nil
	} else {
		h.slow = nil
	}
	h.mu.Unlock()
	if slow != nil {
		close(slow.given)
		<-slow.sent
	}
}

func (h *hub) poll(w http.ResponseWriter, body []byte) {
	var req wire.PollRequest
	if err := json.Unmarshal(body, &req); err != nil {
		h.t.Errorf("poll %s: %v", body, err)
	}
	h.polls = append(h.polls, req)
	answer := wire.PollAnswer{Complete: map[string]uint64{}, Servers: map[string]string{}, Poll: 1}
	if n := len(h.batches); n > 0 {
		answer.Complete[h.epoch] = h.batches[n-1].Header.Seq + 1
	}
	for _, s := range req.Servers {
		answer.Servers[s.GUID] = wire.ServerApproved
		if s.Name == h.pending {
			answer.Servers[s.GUID] = wire.ServerPending
		}
	}
	h.answer(w, http.StatusOK, answer)
}

func (h *hub) batch(w http.ResponseWriter, body []byte) {
	b, err := wire.ReadBatch(bytes.NewReader(body))
	if err != nil {
		h.t.Errorf("batch: %v", err)
		h.problem(w, http.StatusUnprocessableEntity, "about:blank")
		return
	}
	h.epoch, h.batches = b.Header.Epoch, append(h.batches, b)
	h.answer(w, http.StatusOK, wire.Receipt{Status: wire.ReceiptStored, Records: len(b.Records)})
}

func (h *hub) answer(w http.ResponseWriter, code int, message any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(message); err != nil {
		h.t.Logf("answer: %v", err)
	}
}

func (h *hub) problem(w http.ResponseWriter, code int, kind string) {
	w.Header().Set("Content-Type", "application/problem+json")
	h.answer(w, code, wire.Problem{Type: kind, Title: http.StatusText(code), Status: code})
}

// approve is an administrator's yes.
func (h *hub) approve(id, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = wire.RegistrationState{State: wire.RegistrationApproved, OrganisationID: id, OrganisationName: name, ApprovedBy: "mira@example.com", Poll: 1}
}

// with changes the hub, or looks at it.
func (h *hub) with(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// asked are the requests that the hub got, without the questions who it is.
func (h *hub) asked() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.requests), func(s string) bool { return s == "GET "+wire.HubPath })
}

// said are the records that the hub has stored, in short.
func (h *hub) said() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, b := range h.batches {
		for _, line := range b.Records {
			out = append(out, short(line.Record))
		}
	}
	return out
}

func short(r wire.Record) string {
	switch r := r.(type) {
	case *wire.ServerRecord:
		return fmt.Sprintf("server %s %v", r.Name, r.Hosts)
	case *wire.Samples:
		out := fmt.Sprintf("samples x%d %s own=%v", len(r.At), r.Source, r.Own)
		for _, p := range r.Pools {
			out += fmt.Sprintf(" %s %d/%d", p.Feature, wire.At(p.InUse, 0).N, wire.At(p.Installed, 0).N)
		}
		return out
	case *wire.Holders:
		out := "holders"
		for _, h := range r.Holders {
			out += fmt.Sprintf(" %s:%d", h.User, h.Licenses)
		}
		return out
	case *wire.Events:
		return fmt.Sprintf("events %s exact=%v %d %d", r.Feature, r.Exact, r.Start, r.InUse)
	}
	return fmt.Sprintf("%T", r)
}
