package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/agent"
	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
	"headroom/internal/wire"
)

// A fakeAgent does what it is told at once, and keeps count.
type fakeAgent struct {
	mu      sync.Mutex
	status  agent.Status
	payload agent.Payload
	done    []string
	err     error
	slow    func() // while an upload is under way
	now     func() time.Time
}

func (f *fakeAgent) do(what string, change func(*agent.Status)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, what)
	if f.err == nil && change != nil {
		change(&f.status)
	}
	return f.err
}

func (f *fakeAgent) acts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.done...)
}

func (f *fakeAgent) Status(context.Context) (agent.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status, nil
}

func (f *fakeAgent) Share(_ context.Context, on bool) error {
	return f.do("share", func(st *agent.Status) { st.Sharing = on })
}

func (f *fakeAgent) Register(context.Context, string) (agent.Standing, error) {
	return agent.Standing{}, f.do("register", func(st *agent.Status) {
		st.Registration.State, st.Registration.Code, st.Registration.Expires = wire.RegistrationWaiting, "K7QMP-3XW9B", f.now().Add(10*time.Minute)
	})
}

func (f *fakeAgent) Confirm(_ context.Context, organisation string, accept bool) error {
	state := map[bool]string{true: wire.RegistrationConfirmed, false: wire.RegistrationRefused}[accept]
	return f.do("confirm "+organisation+" "+state, func(st *agent.Status) { st.Registration.State = state })
}

func (f *fakeAgent) Unregister(context.Context) error {
	return f.do("unregister", func(st *agent.Status) { st.Registration.State = "none" })
}

func (f *fakeAgent) Upload(context.Context) (upload.Report, error) {
	if f.slow != nil {
		f.slow()
	}
	err := f.do("upload", func(st *agent.Status) { st.LastUpload = f.now() })
	return upload.Report{Batches: 1, Records: 3}, err
}

func (f *fakeAgent) Payload(context.Context) (agent.Payload, error) { return f.payload, nil }

// A world is a console with its agent, and a browser on the same machine.
type world struct {
	*httptest.Server
	t       *testing.T
	console *Console
	agent   *fakeAgent
	browser *http.Client
	now     time.Time
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: noon}
	w.agent = &fakeAgent{now: func() time.Time { return w.now }, status: agent.Status{
		Version: "1.0", Hub: "https://hub.example.com", Sharing: true,
		Registration: agent.Standing{
			State: wire.RegistrationConfirmed, Words: []string{"one", "two", "three", "four", "five", "six"},
			Organisation: "Example <b>Corp</b>", OrgID: "org-1", ApprovedBy: "anna@example.com",
		},
		Spool: spool.Stats{Waiting: 7, Ready: 2, Bad: 1, Lost: 12, Bytes: 3 << 20, Budget: 512 << 20, Oldest: noon.Add(-time.Hour)},
		Servers: []agent.ServerStatus{
			{Name: "cad-lic-01", Reader: "flexnet", Interval: 5 * time.Minute, Tried: noon, OK: true, LastGood: noon, Hub: wire.ServerApproved, Names: "clear"},
			{Name: "sim <script>", Reader: "rlm", Interval: 5 * time.Minute, Tried: noon, Reason: "connection refused", Names: "none"},
		},
	}, payload: agent.Payload{Poll: []byte(`{"epoch":"e"}`)}}
	w.Server = httptest.NewUnstartedServer(nil)
	address := w.Listener.Addr().String()
	state := t.TempDir()
	key, err := writeEntry(state, address)
	if err != nil {
		t.Fatal(err)
	}
	w.console, err = newConsole(Options{
		Agent: w.agent, Config: agent.Config{Hub: "https://hub.example.com", State: state}, File: "/etc/headroom/agent.toml", Host: "lic-host", Version: "1.0",
		Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
		Doctor: func(_ context.Context, note func(agent.Diagnosis)) {
			note(agent.Diagnosis{Place: "proxy connection", Target: "proxy:3128", Health: agent.Red, Found: "it refuses", Mend: "correct proxy.address"})
		},
	}, address, key)
	if err != nil {
		t.Fatal(err)
	}
	w.Config.Handler = w.console.Handler()
	w.Start()
	t.Cleanup(w.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.browser = &http.Client{Jar: jar}
	return w
}

// link is what headroom agent console prints.
func (w *world) link() string {
	w.t.Helper()
	link, err := Link(w.console.Config.State, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	return link
}

// enter opens the console.
func (w *world) enter() *world {
	w.t.Helper()
	if status, body := w.get(w.link()); status != http.StatusOK || !strings.Contains(body, "Overview") {
		w.t.Fatalf("a fresh link: %d\n%s", status, body)
	}
	return w
}

func (w *world) get(address string) (int, string) {
	w.t.Helper()
	return w.do(w.request(http.MethodGet, address, nil))
}

func (w *world) post(path string, form url.Values) (int, string) {
	w.t.Helper()
	req := w.request(http.MethodPost, path, form)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.do(req)
}

// request is one to a path of the console, or to an address.
func (w *world) request(method, address string, form url.Values) *http.Request {
	w.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = w.URL + address
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

func (w *world) do(req *http.Request) (int, string) {
	w.t.Helper()
	resp, err := w.browser.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
