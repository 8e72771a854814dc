package upload_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent/upload"
	"headroom/internal/wire"
)

// atHub is a hub with its client.
func atHub(t *testing.T) (*hub, *upload.Client) {
	t.Helper()
	h := newHub(t, t)
	t.Cleanup(h.Close)
	return h, h.client(atNoon)
}

func poll(t *testing.T, c *upload.Client) {
	t.Helper()
	if _, err := c.Poll(t.Context(), wire.PollRequest{Version: "1.2.3"}); err != nil {
		t.Fatal(err)
	}
}

func TestFirstRequestAsksWhoTheHubIs(t *testing.T) {
	h, c := atHub(t)
	h.other = func(string, string, []byte) any { return wire.PollAnswer{Poll: 60} }
	poll(t, c)
	poll(t, c)
	if h.requests != 3 {
		t.Errorf("two polls took %d requests, want one more to ask who the hub is", h.requests)
	}
}

// The id that was learnt at the registration is in every signature: another
// hub at the same address gets nothing that it could use.
func TestSignatureIsForTheHubThatWasMeant(t *testing.T) {
	h, c := atHub(t)
	h.other = func(string, string, []byte) any { return wire.PollAnswer{Poll: 60} }
	c.SetHubID("hub-1")
	poll(t, c)
	if h.requests != 1 {
		t.Errorf("a poll of a known hub took %d requests, want 1", h.requests)
	}
	h.id = "hub-2"
	if _, err := c.Poll(t.Context(), wire.PollRequest{}); err == nil || !strings.Contains(err.Error(), "another hub") {
		t.Errorf("poll of another hub: %v, want that the signature was made for another hub", err)
	}
}

func TestWrongClockIsSignedAgainOnceWithTheNonce(t *testing.T) {
	h, sp, records := start(t)
	h.now = func() time.Time { return noon.Add(-3 * time.Hour) }
	c := h.client(atNoon)
	if _, err := upload.Drain(t.Context(), c, sp, quiet); err != nil {
		t.Fatal(err)
	}
	h.same(records...)
	if len(h.seen) != 2 || h.seen[0].Nonce != "" || h.seen[1].Nonce != nonce {
		t.Errorf("signatures %+v, want one without and one with the nonce", h.seen)
	}
}

func TestHubThatIsNeverContentWithATimeIsAskedTwice(t *testing.T) {
	h, sp, _ := start(t)
	h.says = func(w http.ResponseWriter, _ string, _ *wire.Batch) bool {
		w.Header().Set(wire.NonceHeader, "another")
		problem(w, http.StatusUnauthorized, wire.ProblemStale, "stale")
		return true
	}
	c := h.client(atNoon)
	c.SetHubID(h.id)
	if _, err := upload.Drain(t.Context(), c, sp, quiet); err == nil {
		t.Error("a drain that was always stale ended well")
	}
	if h.requests != 2 {
		t.Errorf("%d requests, want 2", h.requests)
	}
}

func TestOffsetIsMeasuredWithinASecond(t *testing.T) {
	for _, want := range []time.Duration{0, 7 * time.Second, -90 * time.Minute, 400 * 24 * time.Hour} {
		h, c := atHub(t)
		h.now = func() time.Time { return noon.Add(want + 400*time.Millisecond) }
		if got := c.Offset(); got != 0 {
			t.Errorf("offset before any answer is %s", got)
		}
		if _, err := c.Identify(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := c.Offset(); (got - want).Abs() > time.Second {
			t.Errorf("offset is %s, want about %s", got, want)
		}
	}
}

// The hub's stamp is from about the middle of a slow exchange.
func TestOffsetAllowsForASlowNetwork(t *testing.T) {
	h, c := atHub(t)
	asked := false
	c.Now = func() time.Time { // the agent's clock before, and 8 seconds later
		if !asked {
			asked = true
			return noon
		}
		return noon.Add(8 * time.Second)
	}
	h.now = func() time.Time { return noon.Add(4 * time.Second) }
	if _, err := c.Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.Offset(); got.Abs() > time.Second {
		t.Errorf("offset is %s, want none", got)
	}
}

func TestJitterOfTheNetworkDoesNotEndARun(t *testing.T) {
	h, c := atHub(t)
	r := rand.New(rand.NewPCG(3, 4))
	h.now = func() time.Time {
		return noon.Add(7*time.Second + time.Duration(r.Int64N(1800)-900)*time.Millisecond)
	}
	h.other = func(string, string, []byte) any { return wire.PollAnswer{Poll: 60} }
	var records []wire.Record
	for i := range int64(200) {
		poll(t, c)
		s := reading(5*i, i%3)
		s.OffsetMS = c.Offset().Milliseconds()
		records = append(records, s)
	}
	if n := len(upload.Merge(records)); n != 1 {
		t.Errorf("200 readings became %d runs, want 1", n)
	}
	h.now = func() time.Time { return noon.Add(time.Hour) }
	poll(t, c)
	if got := c.Offset(); got != time.Hour {
		t.Errorf("after a clock was set the offset is %s, want 1h", got)
	}
}

func TestRegistrationIsAskedForAndConfirmed(t *testing.T) {
	h, c := atHub(t)
	var got []string
	h.other = func(method, path string, body []byte) any {
		got = append(got, method+" "+path+" "+string(body))
		switch {
		case strings.HasSuffix(path, "/confirm"):
			return wire.RegistrationState{State: wire.RegistrationConfirmed}
		case method == http.MethodPost && path == wire.RegistrationsPath:
			return wire.Registration{ID: "r/1", Code: "ABCDE-FGHJK", Visit: "https://hub.example.com", Poll: 5}
		case method == http.MethodGet:
			return wire.RegistrationState{State: wire.RegistrationApproved, OrganisationID: "o-1"}
		}
		return struct{}{}
	}
	r, err := c.Register(t.Context(), wire.RegistrationRequest{AgentGUID: "g"})
	if err != nil || r.Code != "ABCDE-FGHJK" {
		t.Fatalf("register: %+v, %v", r, err)
	}
	s, err := c.Registration(t.Context(), r.ID)
	if err != nil || s.State != wire.RegistrationApproved || s.OrganisationID != "o-1" {
		t.Fatalf("registration: %+v, %v", s, err)
	}
	if err := c.Confirm(t.Context(), r.ID, wire.Confirmation{OrganisationID: "o-1", Accept: true}); err != nil {
		t.Fatal(err)
	}
	if err := c.Unregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	request, err := json.Marshal(wire.RegistrationRequest{AgentGUID: "g"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"POST /agent/v1/registrations " + string(request),
		"GET /agent/v1/registrations/r/1 ",
		`POST /agent/v1/registrations/r/1/confirm {"organisation_id":"o-1","accept":true}`,
		"DELETE /agent/v1/self ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the hub got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A page with 200 in front of a hub, a login of a network for guests for
// instance, is no answer to any question.
func TestPageOfAProxyIsNoAnswer(t *testing.T) {
	for name, body := range map[string]string{"page": "<html>Please log in</html>", "nothing": ""} {
		h, c := atHub(t)
		c.SetHubID(h.id)
		h.front = func(w http.ResponseWriter, _ []byte) bool { page(w, http.StatusOK, body); return true }
		for question, ask := range map[string]func(context.Context) error{
			"Identify":     func(ctx context.Context) error { _, err := c.Identify(ctx); return err },
			"Register":     func(ctx context.Context) error { _, err := c.Register(ctx, wire.RegistrationRequest{}); return err },
			"Registration": func(ctx context.Context) error { _, err := c.Registration(ctx, "r"); return err },
			"Confirm":      func(ctx context.Context) error { return c.Confirm(ctx, "r", wire.Confirmation{Accept: true}) },
			"Unregister":   func(ctx context.Context) error { return c.Unregister(ctx) },
			"Poll":         func(ctx context.Context) error { _, err := c.Poll(ctx, wire.PollRequest{}); return err },
		} {
			if err := ask(t.Context()); err == nil {
				t.Errorf("%s took a %s of a proxy for an answer", question, name)
			}
		}
	}
}

// Nor is an object that says nothing.
func TestEmptyObjectIsNoAnswerWhereSomethingIsAsked(t *testing.T) {
	h, c := atHub(t)
	c.SetHubID(h.id)
	h.front = func(w http.ResponseWriter, _ []byte) bool { page(w, http.StatusOK, "{}"); return true }
	for question, ask := range map[string]func() error{
		"Identify":     func() error { _, err := c.Identify(t.Context()); return err },
		"Register":     func() error { _, err := c.Register(t.Context(), wire.RegistrationRequest{}); return err },
		"Registration": func() error { _, err := c.Registration(t.Context(), "r"); return err },
		"Confirm":      func() error { return c.Confirm(t.Context(), "r", wire.Confirmation{}) },
	} {
		if err := ask(); err == nil {
			t.Errorf("%s took {} for an answer", question)
		}
	}
}

func TestRefusalSaysWhoRefuses(t *testing.T) {
	for _, c := range []struct {
		refusal upload.Refusal
		want    string
	}{
		{upload.Refusal{Status: 503, Hub: true, Detail: "no room"}, "the hub answers 503 Service Unavailable: no room"},
		{upload.Refusal{Status: 403}, "something in front of the hub (proxy, load balancer) answers 403 Forbidden"},
	} {
		if got := c.refusal.Error(); got != c.want {
			t.Errorf("refusal says %q, want %q", got, c.want)
		}
	}
}
