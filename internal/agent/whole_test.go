package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/agent"
	"headroom/internal/agent/upload"
	"headroom/internal/wire"
)

// run runs an agent until stop is called, which returns how it ended.
func run(t *testing.T, a *agent.Agent) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	done := false
	stop = func() error {
		if done {
			return nil
		}
		done = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("the agent ended with: %v", err)
		}
	})
	return stop
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(10 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

func read(t *testing.T, a *agent.Agent) {
	t.Helper()
	eventually(t, "every server is read", func() bool {
		return !slices.ContainsFunc(status(t, a).Servers, func(s agent.ServerStatus) bool { return !s.OK })
	})
}

func share(t *testing.T, a agent.Control) {
	t.Helper()
	if err := a.Share(t.Context(), true); err != nil {
		t.Fatal(err)
	}
}

func register(t *testing.T, a agent.Control, expect string) agent.Standing {
	t.Helper()
	st, err := a.Register(t.Context(), expect)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// join brings an agent to the state in which it may send.
func join(t *testing.T, h *hub, a *agent.Agent) {
	t.Helper()
	share(t, a)
	register(t, a, "")
	h.approve("org-1", "Example Works")
	if st, err := a.Standing(t.Context()); err != nil || st.State != wire.RegistrationApproved {
		t.Fatalf("standing %+v, %v, want approved", st, err)
	}
	if err := a.Confirm(t.Context(), "org-1", true); err != nil {
		t.Fatal(err)
	}
}

func send(t *testing.T, a agent.Control) upload.Report {
	t.Helper()
	r, err := a.Upload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func registered(t *testing.T, a agent.Control, want string) {
	t.Helper()
	if got := status(t, a).Registration.State; got != want {
		t.Errorf("the registration is %q, want %q", got, want)
	}
}

// usage are the requests that carry more than a registration.
func usage(h *hub) []string {
	return slices.DeleteFunc(h.asked(), func(s string) bool { return strings.Contains(s, wire.RegistrationsPath) })
}

func TestNothingIsSentBeforeSharingIsOn(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	stop := run(t, a)
	read(t, a)
	if _, err := a.Upload(t.Context()); err == nil || !strings.Contains(err.Error(), "share on") {
		t.Errorf("upload: %v, want an error that names share on", err)
	}
	if _, err := a.Register(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "share on") {
		t.Errorf("register: %v, want an error that names share on", err)
	}
	if _, err := a.Standing(t.Context()); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	h.with(func() {
		if len(h.requests) > 0 {
			t.Errorf("the hub was asked %q, want nothing", h.requests)
		}
	})
}

// E-06, of the hub's side of the line: what reaches it before both said yes.
func TestOnlyTheRegistrationIsSentBeforeBothSaidYes(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	share(t, a)
	st := register(t, a, "")
	if st.Code != "ABCDE-FGHJK" || len(st.Words) != 6 || st.State != wire.RegistrationWaiting {
		t.Errorf("registered as %+v, want the hub's code and six words", st)
	}
	run(t, a)
	read(t, a)
	for _, approved := range []bool{false, true} {
		if approved {
			h.approve("org-1", "Example Works")
		}
		if _, err := a.Standing(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Upload(t.Context()); err == nil {
			t.Errorf("approved %v: it uploads without the license server's yes", approved)
		}
	}
	if err := a.Confirm(t.Context(), "org-2", true); err == nil {
		t.Error("another organisation than the approving one can be confirmed")
	}
	if got := usage(h); len(got) > 0 {
		t.Errorf("the hub was sent %q", got)
	}
}

func TestAHubCannotConfirmByItself(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	share(t, a)
	register(t, a, "")
	h.with(func() {
		h.state = wire.RegistrationState{State: wire.RegistrationConfirmed, OrganisationID: "org-2", OrganisationName: "Stranger"}
	})
	if _, err := a.Standing(t.Context()); err == nil {
		t.Error("the hub's word is taken for the license server's")
	}
	if _, err := a.Upload(t.Context()); err == nil || len(usage(h)) > 0 {
		t.Errorf("upload: %v, with %q", err, usage(h))
	}
}

func TestExpectedOrganisationIsConfirmed(t *testing.T) {
	for _, expect := range []string{"Example Works", "example works", "org-1", " ORG-1 "} {
		h := newHub(t)
		a := open(t, config(t, h.URL, fileServer(t, "cad")))
		share(t, a)
		register(t, a, expect)
		h.approve("org-1", "Example Works")
		if st, err := a.Standing(t.Context()); err != nil || st.State != wire.RegistrationConfirmed {
			t.Errorf("expecting %q: standing %+v, %v, want confirmed", expect, st, err)
		}
	}
}

func TestBlankExpectationMeetsNobody(t *testing.T) {
	for _, st := range []agent.Standing{{}, {Organisation: " ", OrgID: "org-1"}} {
		if st.Is(" ") {
			t.Errorf("%+v is the organisation with a blank name", st)
		}
	}
}

func TestUnexpectedOrganisationIsRefused(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	share(t, a)
	register(t, a, "Example Works")
	h.approve("org-2", "Example Work")
	_, err := a.Standing(t.Context())
	if !errors.Is(err, agent.ErrNotExpected) || !strings.Contains(err.Error(), "org-2") {
		t.Errorf("standing: %v, want ErrNotExpected with the organisation", err)
	}
	registered(t, a, wire.RegistrationRefused)
	h.with(func() {
		if h.state.State != wire.RegistrationRefused {
			t.Errorf("at the hub the registration is %s, want refused", h.state.State)
		}
	})
	if _, err := a.Upload(t.Context()); err == nil || len(usage(h)) > 0 {
		t.Errorf("upload: %v, with %q", err, usage(h))
	}
}

func TestYesWhoseAnswerIsLostStillCounts(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	share(t, a)
	register(t, a, "org-1")
	h.approve("org-1", "Example Works")
	h.with(func() { h.loseYes = true })
	before := time.Now()
	if _, err := a.Standing(t.Context()); err == nil {
		t.Fatal("the answer was not lost")
	}
	if _, err := a.Standing(t.Context()); err != nil {
		t.Fatal(err)
	}
	registered(t, a, wire.RegistrationConfirmed)
	if next := status(t, a).NextUpload; next.Before(before.Add(time.Minute)) {
		t.Errorf("the next upload is at %s, want a minute after the registration", next)
	}
}

func TestUploadBringsWhatTheCaptureSays(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	run(t, a)
	read(t, a)
	join(t, h, a)
	send(t, a)
	want := []string{"holders mira:1 tomas:2", "samples x1 file own=true DRAFT 3/20 MESH 0/4", "server cad [lic1]"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(h.said()))); diff != "" {
		t.Errorf("the hub was told (-want +got):\n%s", diff)
	}
	st := status(t, a)
	if st.Spool.Waiting != 0 || st.Spool.Ready != 0 || st.LastUpload.IsZero() || st.NextUpload.Sub(st.LastUpload) != 24*time.Hour {
		t.Errorf("after the upload the status is %+v", st)
	}
	if again := send(t, a); again.Batches != 0 {
		t.Errorf("a second upload sent %d batches, want 0", again.Batches)
	}
	eventually(t, "the hub got a poll that says how reading stands", func() (so bool) {
		h.with(func() {
			so = len(h.polls) > 0 && len(h.polls[0].Reading) == 1 && h.polls[0].Reading[0].OK
		})
		return so
	})
}

func TestSharingOffEndsAnUploadUnderWay(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	stop := run(t, a)
	read(t, a)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	join(t, h, a)
	h.stuck = make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := a.Upload(t.Context())
		ended <- err
	}()
	<-h.stuck
	if err := a.Share(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the upload ended well, without an answer of the hub")
		}
	case <-time.After(5 * time.Second):
		t.Error("sharing is off, and the upload goes on")
	}
	if st := status(t, a); st.Spool.Ready == 0 || !st.LastUpload.IsZero() {
		t.Errorf("ready %d, last upload %s: want the batch kept", st.Spool.Ready, st.LastUpload)
	}
}

func TestFirstUploadIsAMinuteAfterTheRegistration(t *testing.T) {
	h := newHub(t)
	var ahead atomic.Int64
	o := options(t)
	o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a, err := agent.Open(config(t, h.URL, fileServer(t, "cad")), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, a) })
	join(t, h, a)
	run(t, a)
	read(t, a)
	polled := func(n int) func() bool {
		return func() (so bool) {
			h.with(func() { so = len(h.polls) >= n })
			return so
		}
	}
	eventually(t, "the hub was polled", polled(1))
	ahead.Store(int64(55 * time.Second))
	eventually(t, "the hub was polled again", polled(2))
	if got := h.said(); len(got) > 0 {
		t.Errorf("before the minute is over it sent %q", got)
	}
	ahead.Store(int64(61 * time.Second))
	eventually(t, "the first upload is there", func() bool { return len(h.said()) > 0 })
	eventually(t, "the agent has noted it", func() bool { return !status(t, a).LastUpload.IsZero() })
	if st := status(t, a); !st.NextUpload.Equal(st.LastUpload.Add(24 * time.Hour)) {
		t.Errorf("after an upload at %s the next is at %s, want a day later", st.LastUpload, st.NextUpload)
	}
}

func TestRemovedAgentStopsSendingAndReadsOn(t *testing.T) {
	h := newHub(t)
	c := config(t, h.URL, fileServer(t, "cad"))
	a := open(t, c)
	join(t, h, a)
	h.with(func() { h.removed = true })
	stop := run(t, a)
	eventually(t, "the agent knows that it is removed", func() bool { return status(t, a).Registration.State == "removed" })
	read(t, a)
	before := len(h.asked())
	if _, err := a.Upload(t.Context()); err == nil {
		t.Error("a removed agent uploads")
	}
	if after := len(h.asked()); after != before {
		t.Errorf("a removed agent sent %d requests", after-before)
	}
	if st := status(t, a); st.Spool.Waiting == 0 || st.Failure == "" {
		t.Errorf("waiting %d, failure %q: want a kept reading and a reason", st.Spool.Waiting, st.Failure)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	shut(t, a)
	registered(t, open(t, c), "removed") // it is not forgotten
}

func TestUploadThatIsToldOfTheRemovalEndsTheRegistration(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	stop := run(t, a)
	read(t, a)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	join(t, h, a)
	h.with(func() { h.removed = true })
	if _, err := a.Upload(t.Context()); !errors.Is(err, upload.ErrRemoved) {
		t.Errorf("upload: %v, want ErrRemoved", err)
	}
	registered(t, a, "removed")
}

func TestBatchesThatTheHubHasLostAreSentAgain(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	stop := run(t, a)
	read(t, a)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	join(t, h, a)
	send(t, a)
	want := h.said()
	if len(want) == 0 {
		t.Fatal("nothing was sent")
	}
	h.with(func() { h.batches, h.epoch = nil, "" })
	run(t, a)
	eventually(t, "the hub has it all again", func() bool {
		got := h.said()
		return len(got) >= len(want) && slices.Equal(got[:len(want)], want)
	})
}

func TestUnregisterEndsBothSides(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	join(t, h, a)
	if _, err := a.Register(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "Example Works") {
		t.Errorf("a second registration: %v, want an error that names the first", err)
	}
	if err := a.Unregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	registered(t, a, "none")
	if got := usage(h); !slices.Equal(got, []string{"DELETE " + wire.SelfPath}) {
		t.Errorf("the hub was asked %q, want to remove the registration", got)
	}
	if _, err := a.Upload(t.Context()); err == nil {
		t.Error("it uploads without a registration")
	}
	register(t, a, "") // it may join again
}

func TestUnregisterChangesNothingIfTheHubIsAway(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	join(t, h, a)
	h.Close()
	if err := a.Unregister(t.Context()); err == nil {
		t.Error("it ends on one side only")
	}
	registered(t, a, wire.RegistrationConfirmed)
}

func TestRunningAgentIsReachedAndAnEndedOneByItsFolder(t *testing.T) {
	h := newHub(t)
	c := config(t, h.URL, fileServer(t, "cad"))
	a := open(t, c)
	stop := run(t, a)
	read(t, a)
	remote, done, err := agent.Connect(t.Context(), c, options(t))
	if err != nil {
		t.Fatal(err)
	}
	if st := status(t, remote); !st.Running || len(st.Servers) != 1 || !st.Servers[0].OK {
		t.Errorf("the running agent says %+v", st)
	}
	if _, err := remote.Upload(t.Context()); err == nil || !strings.Contains(err.Error(), "share on") {
		t.Errorf("upload: %v, want the agent's own error", err)
	}
	share(t, remote)
	register(t, remote, "Example Works")
	h.approve("org-1", "Example Works")
	if _, err := a.Standing(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st, err := remote.Standing(t.Context()); err != nil || st.State != wire.RegistrationConfirmed {
		t.Errorf("standing %+v, %v, want confirmed", st, err)
	}
	if r := send(t, remote); r.Batches != 1 {
		t.Errorf("sent %d batches, want 1", r.Batches)
	}
	if err := remote.Unregister(t.Context()); err != nil {
		t.Error(err)
	}
	if err := done(); err != nil {
		t.Error(err)
	}

	if err := stop(); err != nil {
		t.Errorf("told to end, it ended with: %v", err)
	}
	if _, err := os.Stat(filepath.Join(c.State, "control.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("control.json after the end: %v, want none", err)
	}
	shut(t, a)
	local, done, err := agent.Connect(t.Context(), c, options(t))
	if err != nil {
		t.Fatal(err)
	}
	if st := status(t, local); st.Running || !st.Sharing {
		t.Errorf("the folder says %+v, want sharing and not running", st)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
}

func TestOrdersOfStrangersAreRefused(t *testing.T) {
	c := config(t, noHub, fileServer(t, "cad"))
	a := open(t, c)
	run(t, a)
	read(t, a)
	var at struct{ Address, Token string }
	text, err := os.ReadFile(filepath.Join(c.State, "control.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &at); err != nil {
		t.Fatal(err)
	}
	for _, order := range []struct {
		name, method, path, token, host string
		want                            int
	}{
		{"the agent's own", http.MethodPost, "/v1/status", at.Token, at.Address, http.StatusOK},
		{"no token", http.MethodPost, "/v1/share", "", at.Address, http.StatusForbidden},
		{"a wrong token", http.MethodPost, "/v1/share", at.Token + "x", at.Address, http.StatusForbidden},
		{"another host", http.MethodPost, "/v1/share", at.Token, "rebound.example.com", http.StatusForbidden},
		{"a read", http.MethodGet, "/v1/share", at.Token, at.Address, http.StatusNotFound},
		{"no order", http.MethodPost, "/v1/stop", at.Token, at.Address, http.StatusNotFound},
	} {
		req, err := http.NewRequestWithContext(t.Context(), order.method, "http://"+at.Address+order.path, strings.NewReader(`{"on": true}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = order.host
		req.Header.Set("Authorization", "Bearer "+order.token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if resp.StatusCode != order.want {
			t.Errorf("%s: %d, want %d", order.name, resp.StatusCode, order.want)
		}
	}
	if status(t, a).Sharing {
		t.Error("a stranger switched sharing on")
	}
}

// A batch of a server that is not approved would stand in the way of all that
// come after it, so it is not even made, from the first upload on.
func TestAServerThatWaitsForApprovalIsNotSent(t *testing.T) {
	h := newHub(t)
	h.pending = "new"
	a := open(t, config(t, h.URL, fileServer(t, "cad"), fileServer(t, "new")))
	run(t, a)
	read(t, a)
	join(t, h, a)
	send(t, a)
	servers := map[string]string{}
	for _, s := range status(t, a).Servers {
		servers[s.GUID] = s.Name
	}
	h.with(func() {
		for _, b := range h.batches {
			if name := servers[b.Header.Server]; name != "cad" {
				t.Errorf("a batch of %s was sent", name)
			}
		}
		if len(h.batches) != 1 {
			t.Errorf("%d batches, want 1", len(h.batches))
		}
	})
	if st := status(t, a).Spool; st.Ready != 0 || st.Waiting == 0 {
		t.Errorf("%d batches ready, %d records waiting: want the new server's records kept and no batch of them", st.Ready, st.Waiting)
	}
}

// Every instant that is the agent's own says how its clock stands.
func TestEveryRecordOfAnOwnInstantSaysHowTheClockStands(t *testing.T) {
	h := newHub(t)
	h.ahead = 2 * time.Minute
	cad, gone := fileServer(t, "cad"), fileServer(t, "gone")
	gone.Path += ".missing"
	a := open(t, config(t, h.URL, cad, gone))
	join(t, h, a) // the clocks are compared before the first reading
	run(t, a)
	read1 := func() bool {
		return !slices.ContainsFunc(status(t, a).Servers, func(s agent.ServerStatus) bool { return s.Tried.IsZero() })
	}
	eventually(t, "both were tried", read1)
	send(t, a)
	kinds := map[string]bool{}
	check := func(kind string, offset int64) {
		kinds[kind] = true
		if offset < 110_000 || offset > 130_000 {
			t.Errorf("%s says that the hub is %d ms ahead, want about 120000", kind, offset)
		}
	}
	h.with(func() {
		for _, b := range h.batches {
			for _, line := range b.Records {
				switch r := line.Record.(type) {
				case *wire.Samples:
					check("samples", r.OffsetMS)
				case *wire.Holders:
					check("holders", r.OffsetMS)
				case *wire.Failed:
					check("failed", r.OffsetMS)
				}
			}
		}
	})
	if len(kinds) != 3 {
		t.Errorf("seen %v, want samples, holders and a failed reading", kinds)
	}
}

// The loop that asks the hub may hold an answer from before a person said yes.
func TestLateAnswerDoesNotUndoAConfirmation(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fileServer(t, "cad")))
	share(t, a)
	register(t, a, "")
	h.approve("org-1", "Example Works")
	if _, err := a.Standing(t.Context()); err != nil {
		t.Fatal(err)
	}
	slow := &slowAnswer{given: make(chan struct{}), sent: make(chan struct{})}
	h.with(func() { h.slow = slow })
	asked, said := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := a.Standing(t.Context())
		asked <- err
	}()
	<-slow.given
	go func() { said <- a.Confirm(t.Context(), "org-1", true) }()
	select {
	case err := <-said:
		said <- err
	case <-time.After(50 * time.Millisecond): // it may wait for the answer
	}
	close(slow.sent)
	if err := errors.Join(<-asked, <-said); err != nil {
		t.Fatal(err)
	}
	registered(t, a, wire.RegistrationConfirmed)
}
