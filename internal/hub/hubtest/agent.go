package hubtest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"headroom/internal/license"
	"headroom/internal/wire"
)

// An Agent signs requests as an agent does, and does nothing by itself.
type Agent struct {
	GUID    string
	Key     ed25519.PrivateKey
	Servers []wire.ServerInfo
	URL     string           // of the hub
	HubID   string           // for which it signs
	Now     func() time.Time // its clock
	Nonce   string           // put into signatures where it is not empty

	t testing.TB
}

// An Answer is what the hub answered.
type Answer struct {
	Status  int
	Header  http.Header
	Body    []byte
	Problem wire.Problem // of an answer that is not 2xx
}

// NewAgent returns an agent that nobody knows, with a new key and one license
// server of this name.
func (h *Hub) NewAgent(server string) *Agent {
	h.t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &Agent{
		GUID: uuid.NewString(), Key: key, URL: h.URL(), HubID: h.ID(), Now: time.Now, t: h.t,
		Servers: []wire.ServerInfo{{
			GUID: uuid.NewString(), Name: server, Hosts: []string{server + ".example.com"}, Port: 27000,
			Manager: "flexnet", Version: "11.19.5",
		}},
	}
}

// RegisteredAgent returns an agent that both sides have said yes to.
func (h *Hub) RegisteredAgent(server string) *Agent {
	h.t.Helper()
	a := h.NewAgent(server)
	r := a.Register()
	h.Approve(r.Code)
	a.Confirm(r.ID, h.Org.PublicID)
	return a
}

// Known returns an agent that has been registered at this hub before, perhaps
// at another address.
func (h *Hub) Known(a *Agent) *Agent {
	b := *a
	b.URL, b.HubID, b.t = h.URL(), h.ID(), h.t
	return &b
}

// PublicKey returns the agent's public key.
func (a *Agent) PublicKey() ed25519.PublicKey { return a.Key.Public().(ed25519.PublicKey) }

// Register asks for a code.
func (a *Agent) Register() wire.Registration {
	a.t.Helper()
	var r wire.Registration
	a.want(a.DoJSON(http.MethodPost, wire.RegistrationsPath, a.RegistrationRequest()), &r)
	return r
}

// RegistrationRequest is what Register sends.
func (a *Agent) RegistrationRequest() wire.RegistrationRequest {
	return wire.RegistrationRequest{
		AgentGUID: a.GUID, PublicKey: base64.RawURLEncoding.EncodeToString(a.PublicKey()),
		Host: "lic.example.com", Platform: "linux/amd64", Version: "test", Servers: a.Servers,
	}
}

// State asks how a registration stands.
func (a *Agent) State(id string) wire.RegistrationState {
	a.t.Helper()
	var s wire.RegistrationState
	a.want(a.Do(http.MethodGet, wire.RegistrationsPath+"/"+id, nil), &s)
	return s
}

// Confirm is the license server's yes.
func (a *Agent) Confirm(id, organisation string) {
	a.t.Helper()
	a.want(a.DoJSON(http.MethodPost, wire.RegistrationsPath+"/"+id+"/confirm",
		wire.Confirmation{OrganisationID: organisation, Accept: true}), nil)
}

// Poll sends a sign of life.
func (a *Agent) Poll() wire.PollAnswer {
	a.t.Helper()
	var p wire.PollAnswer
	a.want(a.DoJSON(http.MethodPost, wire.PollPath, wire.PollRequest{Epoch: Epoch, Next: 1, Version: "test", Servers: a.Servers}), &p)
	return p
}

// Epoch is the spool epoch of a test's agent.
const Epoch = "0001-00c0ffee00c0ffee"

// Batch returns a batch of the agent's first server, one reading in which a
// pool named "feature" has this many licenses in use.
func (a *Agent) Batch(seq uint64, at time.Time, inUse int64) []byte {
	a.t.Helper()
	body, err := wire.EncodeBatch(
		wire.BatchHeader{Epoch: Epoch, Seq: seq, Server: a.Servers[0].GUID, MadeAt: at.Unix(), Version: "test"},
		&wire.Samples{
			At: []int64{at.Unix()}, Interval: 300, Complete: true, Source: "flexnet",
			Pools: []wire.SampledPool{{
				PoolKey: wire.PoolKey{Feature: "feature"}, State: license.StateCounted.String(),
				InUse: wire.Counts{license.Of(inUse)}, Installed: wire.Counts{license.Of(100)},
			}},
		})
	if err != nil {
		a.t.Fatal(err)
	}
	return body
}

// Put sends a batch to the path of its sequence in Epoch.
func (a *Agent) Put(seq uint64, body []byte) Answer {
	a.t.Helper()
	return a.Do(http.MethodPut, BatchPath(seq), body)
}

// BatchPath is the path of a batch in Epoch.
func BatchPath(seq uint64) string { return fmt.Sprintf("%s/%s/%d", wire.BatchesPath, Epoch, seq) }

func (a *Agent) want(got Answer, into any) {
	a.t.Helper()
	if got.Status != http.StatusOK {
		a.t.Fatalf("the hub answered %d %s", got.Status, got.Body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(got.Body, into); err != nil {
		a.t.Fatal(err)
	}
}

// DoJSON is Do with a body made of a value.
func (a *Agent) DoJSON(method, path string, body any) Answer {
	a.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.Do(method, path, b)
}

// Do sends a signed request and returns the answer, whatever it is.
func (a *Agent) Do(method, path string, body []byte) Answer {
	a.t.Helper()
	return a.Send(a.Request(method, path, body))
}

// Request returns a signed request, for a test to spoil.
func (a *Agent) Request(method, path string, body []byte) *http.Request {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.URL+path, bytes.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if err := wire.Sign(req, body, a.Key, a.HubID, a.Now(), a.Nonce); err != nil {
		a.t.Fatal(err)
	}
	return req
}

// Send sends a request as it is.
func (a *Agent) Send(req *http.Request) Answer {
	a.t.Helper()
	return Send(a.t, req)
}

// Send sends a request as it is, whoever signed it.
func Send(t testing.TB, req *http.Request) Answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := Answer{Status: resp.StatusCode, Header: resp.Header}
	if got.Body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	if got.Status != http.StatusOK && resp.Header.Get("Content-Type") == "application/problem+json" {
		if err := json.Unmarshal(got.Body, &got.Problem); err != nil {
			t.Errorf("problem %s: %v", got.Body, err)
		}
	}
	return got
}
