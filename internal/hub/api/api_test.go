package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub"
	"headroom/internal/hub/api"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
	"headroom/internal/wire"
)

// T-01, the addresses of agents: every route, asked for by everybody.
func TestEveryRouteKnowsWhoMayAsk(t *testing.T) {
	h := hubtest.New(t)
	foreign := h.Another("Other", "eve@example.com").RegisteredAgent("agent")
	registrant := h.NewAgent("registrant")
	standing := registrant.Register()
	asker := map[string]func() *hubtest.Agent{
		"nobody":     func() *hubtest.Agent { return nil },
		"stranger":   func() *hubtest.Agent { return h.NewAgent("stranger") },
		"registrant": func() *hubtest.Agent { return registrant },
		"agent":      func() *hubtest.Agent { return h.RegisteredAgent("agent") },
		"removed": func() *hubtest.Agent {
			a := h.RegisteredAgent("removed")
			if got := removeNow(a); got.Status != http.StatusOK {
				t.Fatalf("removal answered %d %s", got.Status, got.Body)
			}
			return a
		},
		"another organisation's agent": func() *hubtest.Agent { return foreign },
	}
	askers := []string{"nobody", "stranger", "registrant", "agent", "removed", "another organisation's agent"}
	table := map[string][]int{
		"GET /agent/v1/hub":                         {200, 200, 200, 200, 200, 200},
		"POST /agent/v1/registrations":              {401, 200, 200, 200, 200, 200},
		"GET /agent/v1/registrations/{id}":          {401, 401, 200, 401, 401, 401},
		"POST /agent/v1/registrations/{id}/confirm": {401, 401, 409, 401, 401, 401},
		"DELETE /agent/v1/self":                     {401, 401, 401, 200, 403, 200},
		"PUT /agent/v1/batches/{epoch}/{seq}":       {401, 401, 401, 200, 403, 200},
		"POST /agent/v1/poll":                       {401, 401, 401, 200, 403, 200},
		"GET /healthz":                              {200, 200, 200, 200, 200, 200},
		"GET /readyz":                               {200, 200, 200, 200, 200, 200},
	}
	asked := 0
	for _, route := range api.Routes() {
		name := route.Method + " " + route.Path
		want, ok := table[name]
		if !ok {
			t.Errorf("%s: not in the table; say who may ask", name)
			continue
		}
		delete(table, name)
		for i, who := range askers {
			if route.Path == wire.RegistrationsPath && who == "registrant" {
				continue // it would end the registration that the others ask about
			}
			if (route.Path == wire.SelfPath || route.Path == wire.RegistrationsPath) && who == "another organisation's agent" {
				continue // it would be removed, and asks on; so many may not wait at once
			}
			a := asker[who]()
			var got hubtest.Answer
			if a == nil {
				got = unsigned(t, route.Method, h.URL()+path(route, standing.ID), body(t, route, h.NewAgent("x")))
			} else {
				got = sendFresh(a, route.Method, path(route, standing.ID), body(t, route, a))
			}
			if asked++; got.Status != want[i] {
				t.Errorf("%s by %s: %d %s, want %d", name, who, got.Status, got.Body, want[i])
			}
			checkHeaders(t, name, got)
		}
	}
	for name := range table {
		t.Errorf("%s: in the table and no route", name)
	}
	t.Logf("T-01: %d requests", asked)
}

func path(route api.Route, id string) string {
	return strings.NewReplacer("{id}", id, "{epoch}", hubtest.Epoch, "{seq}", "1").Replace(route.Path)
}

// body is what a well-meaning agent would send.
func body(t *testing.T, route api.Route, a *hubtest.Agent) []byte {
	t.Helper()
	var v any
	switch route.Path {
	case wire.RegistrationsPath:
		v = a.RegistrationRequest()
	case wire.RegistrationsPath + "/{id}/confirm":
		v = wire.Confirmation{OrganisationID: "whatever", Accept: true}
	case wire.PollPath:
		v = wire.PollRequest{Epoch: hubtest.Epoch, Version: "test", Servers: a.Servers}
	case wire.BatchesPath + "/{epoch}/{seq}":
		return a.Batch(1, time.Now(), 7)
	default:
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sendFresh sends a request and, as agents do, once more with the hub's nonce
// where the hub asks for that.
func sendFresh(a *hubtest.Agent, method, path string, body []byte) hubtest.Answer {
	got := a.Do(method, path, body)
	if got.Problem.Type != wire.ProblemStale {
		return got
	}
	again := *a
	again.Nonce = got.Header.Get(wire.NonceHeader)
	return again.Do(method, path, body)
}

func removeNow(a *hubtest.Agent) hubtest.Answer {
	return sendFresh(a, http.MethodDelete, wire.SelfPath, nil)
}

func unsigned(t *testing.T, method, url string, body []byte) hubtest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return hubtest.Send(t, req)
}

func checkHeaders(t *testing.T, name string, got hubtest.Answer) {
	t.Helper()
	ms, err := strconv.ParseInt(got.Header.Get(wire.TimeHeader), 10, 64)
	if off := time.Since(time.UnixMilli(ms)).Abs(); err != nil || off > time.Minute {
		t.Errorf("%s: %s is %q", name, wire.TimeHeader, got.Header.Get(wire.TimeHeader))
	}
	want := "application/json"
	if got.Status != http.StatusOK {
		want = "application/problem+json"
		if got.Problem.Status != got.Status || got.Problem.Title == "" || got.Problem.Detail == "" {
			t.Errorf("%s: problem is %s", name, got.Body)
		}
	}
	if media := got.Header.Get("Content-Type"); media != want {
		t.Errorf("%s: %d has content type %q, want %q", name, got.Status, media, want)
	}
}

func TestWhatIsNoRouteIsNotFound(t *testing.T) {
	h := hubtest.New(t)
	for _, c := range [][2]string{
		{http.MethodGet, "/agent/v1/nothing"},
		{http.MethodGet, "/agent/"},
		{http.MethodPost, wire.HubPath},
		{http.MethodGet, wire.PollPath},
		{http.MethodPost, "/healthz"},
	} {
		got := unsigned(t, c[0], h.URL()+c[1], nil)
		if got.Status != http.StatusNotFound {
			t.Errorf("%s %s: %d, want %d", c[0], c[1], got.Status, http.StatusNotFound)
		}
		checkHeaders(t, c[1], got)
	}
}

func TestRegistrationGoesAllTheWay(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		h := hubtest.New(t, func(c *hub.Config) { c.Store = dsn })
		a := h.NewAgent("lic01")
		r := a.Register()
		if r.Poll != 5 || !strings.HasPrefix(r.Visit, h.URL()+"/") || time.Until(time.Unix(r.Expires, 0)) > 10*time.Minute {
			t.Errorf("Registration = %+v", r)
		}
		if got := a.Put(1, a.Batch(1, time.Now(), 1)); got.Status != http.StatusUnauthorized {
			t.Errorf("batch before registration: %d, want %d", got.Status, http.StatusUnauthorized)
		}
		if s := a.State(r.ID); s.State != wire.RegistrationWaiting || s.OrganisationName != "" {
			t.Errorf("State = %+v, want it to wait", s)
		}
		if got := a.Do(http.MethodGet, wire.RegistrationsPath+"/"+r.ID, nil); got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
			t.Errorf("polled too soon: %d, Retry-After %q, want %d and a time", got.Status, got.Header.Get("Retry-After"), http.StatusTooManyRequests)
		}
		h.Approve(r.Code)
		a.Confirm(r.ID, h.Org.PublicID)
		p := a.Poll()
		if p.Servers[a.Servers[0].GUID] != wire.ServerApproved || p.Poll != 300 {
			t.Errorf("Poll = %+v, want the server approved and 300 s", p)
		}
		added := a.Servers[0]
		added.GUID = "0190a2b4-0000-7000-8000-00000000add1"
		a.Servers = append(a.Servers, added)
		if p := a.Poll(); p.Servers[added.GUID] != wire.ServerPending {
			t.Errorf("Poll = %+v, want the new server pending", p)
		}
	})
}

//
func TestReplayedBatchesCountOnce(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		h := hubtest.New(t, func(c *hub.Config) { c.Store = dsn })
		a := h.RegisteredAgent("lic01")
		batch := a.Batch(1, time.Now(), 7)
		req := a.Request(http.MethodPut, hubtest.BatchPath(1), batch)
		for i := range 100 {
			again := req.Clone(t.Context())
			again.Body, _ = req.GetBody()
			got := a.Send(again)
			var receipt wire.Receipt
			if err := json.Unmarshal(got.Body, &receipt); err != nil || got.Status != http.StatusOK {
				t.Fatalf("replay %d: %d %s", i, got.Status, got.Body)
			}
			want := wire.Receipt{Status: wire.ReceiptKnown, Records: 1}
			if i == 0 {
				want.Status = wire.ReceiptStored
			}
			if receipt != want {
				t.Fatalf("replay %d: %+v, want %+v", i, receipt, want)
			}
		}
		if p := a.Poll(); p.Complete[hubtest.Epoch] != 2 {
			t.Errorf("complete below %d, want 2", p.Complete[hubtest.Epoch])
		}
		got := a.Put(1, a.Batch(1, time.Now(), 8))
		if got.Status != http.StatusConflict || got.Problem.Type != wire.ProblemFork {
			t.Errorf("another content: %d %s, want %d %s", got.Status, got.Problem.Type, http.StatusConflict, wire.ProblemFork)
		}
	})
}

// what was changed on the way is refused and leaves nothing behind.
func TestChangedRequestsChangeNothing(t *testing.T) {
	h := hubtest.New(t)
	a := h.RegisteredAgent("lic01")
	batch := a.Batch(1, time.Now(), 7)
	send := func(what string, change func(*http.Request)) {
		t.Helper()
		req := a.Request(http.MethodPut, hubtest.BatchPath(1), batch)
		change(req)
		if got := a.Send(req); got.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s, want %d", what, got.Status, got.Body, http.StatusUnauthorized)
		}
	}
	for i := 0; i < len(batch); i += 1 + len(batch)/100 {
		bad := bytes.Clone(batch)
		bad[i] ^= 0x10
		send(fmt.Sprintf("byte %d of the body", i), func(r *http.Request) {
			r.Body, r.ContentLength = readCloser{bytes.NewReader(bad)}, int64(len(bad))
		})
	}
	send("sequence", func(r *http.Request) { r.URL.Path = hubtest.BatchPath(2) })
	send("epoch", func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "0001-", "0002-", 1) })
	send("query", func(r *http.Request) { r.URL.RawQuery = "a=b" })
	send("hub", func(r *http.Request) { r.Header.Set(wire.HubHeader, "another") })
	send("no signature", func(r *http.Request) { r.Header.Del("Signature") })
	if p := a.Poll(); len(p.Complete) != 0 {
		t.Errorf("the hub has %v, want nothing", p.Complete)
	}
	if got := a.Put(1, batch); got.Status != http.StatusOK {
		t.Errorf("unchanged: %d %s", got.Status, got.Body)
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

//
func TestRequestForOneHubIsRefusedByAnother(t *testing.T) {
	h1, h2 := hubtest.New(t), hubtest.New(t)
	a := h1.RegisteredAgent("lic01")
	b := h2.NewAgent("lic01") // the same agent, registered at both
	b.Key, b.GUID, b.Servers = a.Key, a.GUID, a.Servers
	r := b.Register()
	h2.Approve(r.Code)
	b.Confirm(r.ID, h2.Org.PublicID)

	a.URL = h2.URL()
	if got := a.Put(1, a.Batch(1, time.Now(), 7)); got.Status != http.StatusUnauthorized {
		t.Errorf("a batch that was signed for another hub: %d, want %d", got.Status, http.StatusUnauthorized)
	}
	if p := b.Poll(); len(p.Complete) != 0 {
		t.Errorf("the other hub has %v, want nothing", p.Complete)
	}
}

// whatever its clock says, an agent is let in with the second try, and people are
// told how wrong it is, to within 2 seconds.
func TestWrongClocksNeedTwoTries(t *testing.T) {
	h := hubtest.New(t)
	const year = 365 * 24 * time.Hour
	for _, off := range []time.Duration{-10 * year, -time.Hour, time.Hour, 10 * year} {
		a := h.NewAgent("lic01")
		a.Now = func() time.Time { return time.Now().Add(off) }
		twice := func(method, path string, body []byte) hubtest.Answer {
			t.Helper()
			a.Nonce = ""
			got := a.Do(method, path, body)
			if got.Status != http.StatusUnauthorized || got.Problem.Type != wire.ProblemStale {
				t.Errorf("clock off by %v, first try: %d %s, want %d %s", off, got.Status, got.Body, http.StatusUnauthorized, wire.ProblemStale)
			}
			a.Nonce = got.Header.Get(wire.NonceHeader)
			if got = a.Do(method, path, body); got.Status != http.StatusOK {
				t.Errorf("clock off by %v, second try: %d %s", off, got.Status, got.Body)
			}
			return got
		}
		q, err := json.Marshal(a.RegistrationRequest())
		if err != nil {
			t.Fatal(err)
		}
		var r wire.Registration
		if err := json.Unmarshal(twice(http.MethodPost, wire.RegistrationsPath, q).Body, &r); err != nil {
			t.Fatal(err)
		}
		h.Approve(r.Code)
		a.Confirm(r.ID, h.Org.PublicID) // the nonce is good for some minutes
		twice(http.MethodPut, hubtest.BatchPath(1), a.Batch(1, time.Now(), 7))

		other := h.NewAgent("lic02")
		other.Now, other.Nonce = a.Now, a.Nonce
		if got := other.DoJSON(http.MethodPost, wire.RegistrationsPath, other.RegistrationRequest()); got.Problem.Type != wire.ProblemStale {
			t.Errorf("another agent's nonce: %d %s, want it refused as stale", got.Status, got.Body)
		}
		var told wire.Hub
		if err := json.Unmarshal(unsigned(t, http.MethodGet, h.URL()+wire.HubPath, nil).Body, &told); err != nil {
			t.Fatal(err)
		}
		a.Nonce = told.Nonce
		a.Poll()
		all, err := h.Usage.Servers(t.Context(), h.Org.ID)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(s usage.Server) bool { return s.GUID == a.Servers[0].GUID })
		if i < 0 || (all[i].Clock-off).Abs() > 2*time.Second {
			t.Errorf("clock off by %v: told of %+v", off, all)
		}
	}
}

func TestRemovedAgentIsToldSo(t *testing.T) {
	h := hubtest.New(t)
	a := h.RegisteredAgent("lic01")
	agent, err := h.Registrar.ByKey(t.Context(), wire.KeyID(a.PublicKey()))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Registrar.Remove(t.Context(), h.Actor(), agent.ID); err != nil {
		t.Fatal(err)
	}
	got := a.Put(1, a.Batch(1, time.Now(), 7))
	if got.Status != http.StatusForbidden || got.Problem.Type != wire.ProblemRemoved {
		t.Errorf("batch of a removed agent: %d %s, want %d %s", got.Status, got.Problem.Type, http.StatusForbidden, wire.ProblemRemoved)
	}
}

// A removal that was recorded before the agent registered again does not
// remove it again.
func TestOldRemovalIsNoRemoval(t *testing.T) {
	h := hubtest.New(t)
	a := h.RegisteredAgent("lic01")
	a.Now = func() time.Time { return time.Now().Add(-2 * time.Second) } // before the registration
	removal := a.Request(http.MethodDelete, wire.SelfPath, nil)
	got := a.Send(removal)
	if got.Status != http.StatusUnauthorized || got.Problem.Type != wire.ProblemStale {
		t.Errorf("removal from before the registration: %d %s, want %d %s", got.Status, got.Problem.Type, http.StatusUnauthorized, wire.ProblemStale)
	}
	a.Poll()
}

func TestBodiesAreBounded(t *testing.T) {
	h := hubtest.New(t)
	a := h.RegisteredAgent("lic01")
	for path, size := range map[string]int{
		hubtest.BatchPath(1): wire.MaxBodyBytes + 1,
		wire.PollPath:        1<<20 + 1,
		wire.SelfPath:        1,
	} {
		method := map[string]string{wire.PollPath: http.MethodPost, wire.SelfPath: http.MethodDelete}[path]
		if method == "" {
			method = http.MethodPut
		}
		if got := a.Do(method, path, make([]byte, size)); got.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%d bytes to %s: %d, want %d", size, path, got.Status, http.StatusRequestEntityTooLarge)
		}
	}
	if got := a.Put(1, make([]byte, wire.MaxBodyBytes)); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("%d zero bytes: %d, want %d", wire.MaxBodyBytes, got.Status, http.StatusUnprocessableEntity)
	}
	if got := a.Put(1, []byte("no zstd")); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("a batch that is none: %d, want %d", got.Status, http.StatusUnprocessableEntity)
	}
	if got := a.Do(http.MethodPost, wire.PollPath, []byte("{")); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("half a poll: %d, want %d", got.Status, http.StatusUnprocessableEntity)
	}
	if got := a.Do(http.MethodPost, wire.PollPath, []byte(`{"epoch":"e","new_field":{"a":[1]}}`)); got.Status != http.StatusOK {
		t.Errorf("a poll with a field of tomorrow: %d %s, want %d", got.Status, got.Body, http.StatusOK)
	}
}

// T-07: an agent writes to its own servers only, neither to those of its organisation's
// other agents nor to another organisation's.
func TestAgentCannotSendForAnothersServer(t *testing.T) {
	h := hubtest.New(t)
	a, b, c := h.RegisteredAgent("lic01"), h.RegisteredAgent("lic02"), h.Another("Other", "eve@example.com").RegisteredAgent("lic01")
	for who, b := range map[string]*hubtest.Agent{"its organisation's other agent": b, "another organisation's agent": c} {
		b.Servers = a.Servers
		if got := b.Put(1, b.Batch(1, time.Now(), 7)); got.Status != http.StatusNotFound {
			t.Errorf("batch of %s: %d %s, want %d", who, got.Status, got.Body, http.StatusNotFound)
		}
		if p := b.Poll(); p.Servers[a.Servers[0].GUID] != wire.ServerPending || len(p.Complete) != 0 {
			t.Errorf("%s: Poll = %+v, want the server pending and nothing complete", who, p)
		}
	}
	if p := a.Poll(); len(p.Complete) != 0 {
		t.Errorf("Poll of the server's own agent = %+v, want nothing complete", p)
	}
}

func TestCarriedKeyMustBeTheOneThatSigned(t *testing.T) {
	h := hubtest.New(t)
	a, b := h.NewAgent("lic01"), h.NewAgent("lic02")
	if got := a.DoJSON(http.MethodPost, wire.RegistrationsPath, b.RegistrationRequest()); got.Status != http.StatusUnauthorized {
		t.Errorf("a request with another's key: %d %s, want %d", got.Status, got.Body, http.StatusUnauthorized)
	}
	q := a.RegistrationRequest()
	q.PublicKey = "short"
	if got := a.DoJSON(http.MethodPost, wire.RegistrationsPath, q); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("a request with no key: %d %s, want %d", got.Status, got.Body, http.StatusUnprocessableEntity)
	}
}

// The rules have words of their own for what the wire says.
func TestRulesAndWireUseTheSameWords(t *testing.T) {
	rules := []string{
		string(registration.Waiting), string(registration.Approved), string(registration.Confirmed),
		string(registration.Refused), string(registration.Expired),
		string(registration.ServerApproved), string(registration.ServerPending), string(registration.ServerRemoved),
	}
	ours := []string{
		wire.RegistrationWaiting, wire.RegistrationApproved, wire.RegistrationConfirmed,
		wire.RegistrationRefused, wire.RegistrationExpired,
		wire.ServerApproved, wire.ServerPending, wire.ServerRemoved,
	}
	if !slices.Equal(rules, ours) {
		t.Errorf("rules say %q, the wire says %q", rules, ours)
	}
}

func TestStoreThatIsAwayIsNoSecret(t *testing.T) {
	h := hubtest.New(t)
	a := h.RegisteredAgent("lic01")
	if err := h.Close(); err != nil { // its store too
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503} {
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if want == 503 && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, a.Request(http.MethodPost, wire.PollPath, []byte("{}")))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), `"internal error"`) {
		t.Errorf("poll without a store: %d %s, want %d and no more than that", w.Code, w.Body, http.StatusInternalServerError)
	}
}

// What an administrator asks for rides on the agent's next poll, and on no other's.
func TestUpdateNowRidesOnThePoll(t *testing.T) {
	h := hubtest.New(t)
	a, other := h.RegisteredAgent("lic01"), h.RegisteredAgent("lic02")
	wants := func(a *hubtest.Agent) []string {
		t.Helper()
		got := a.Do(http.MethodPost, wire.PollPath, []byte(`{"epoch":"e"}`))
		var answer wire.PollAnswer
		if err := json.Unmarshal(got.Body, &answer); err != nil || got.Status != http.StatusOK {
			t.Fatalf("poll: %d %s, %v", got.Status, got.Body, err)
		}
		return answer.Wants
	}
	if got := wants(a); len(got) != 0 {
		t.Errorf("nobody asked, and it is told %q", got)
	}
	if err := h.Registrar.AskUpload(t.Context(), h.Actor(), a.Servers[0].GUID); err != nil {
		t.Fatal(err)
	}
	if got := wants(a); !slices.Equal(got, []string{wire.WantUpload}) {
		t.Errorf("its agent is told %q, want to upload", got)
	}
	if got := wants(other); len(got) != 0 {
		t.Errorf("another agent is told %q", got)
	}
}
