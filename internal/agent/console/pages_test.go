package console

import (
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headroom/internal/agent"
	"headroom/internal/wire"
)

// F6, D-14: fifty clicks are one upload, and one a moment later is told of it.
func TestFiftyClicksAreOneUpload(t *testing.T) {
	w := newWorld(t).enter()
	var clicked atomic.Int32
	w.agent.slow = func() { // the first one is under way until all have clicked
		for clicked.Load() < 50 {
			runtime.Gosched()
		}
	}
	var clicks sync.WaitGroup
	for range 50 {
		clicks.Go(func() {
			clicked.Add(1)
			if _, err := w.console.updateNow(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	clicks.Wait()
	w.now = w.now.Add(12 * time.Second)
	if _, body := w.post("/upload", nil); !strings.Contains(body, "Done 12 s ago") {
		t.Errorf("12 seconds later the page says\n%s", body)
	}
	if got := w.agent.acts(); !slices.Equal(got, []string{"upload"}) {
		t.Errorf("the agent did %v, want one upload", got)
	}
	w.now = w.now.Add(48 * time.Second)
	if _, body := w.post("/upload", nil); !strings.Contains(body, "Sent 1 batch with 3 records") {
		t.Errorf("a minute later the page says\n%s", body)
	}
	t.Logf("F6, D-14: 50 clicks at a time made 1 upload")
}

// What fails is told on the page, and may be tried again at once.
func TestAFailureIsTold(t *testing.T) {
	w := newWorld(t).enter()
	w.agent.err = errors.New("the hub <does> not answer")
	if _, body := w.post("/upload", nil); !strings.Contains(body, "The hub &lt;does&gt; not answer.") {
		t.Errorf("the page says\n%s", body)
	}
	w.agent.err = nil
	if _, body := w.post("/upload", nil); !strings.Contains(body, "Sent 1 batch") {
		t.Errorf("the page says\n%s", body)
	}
}

func TestRegistrationGoesStepByStep(t *testing.T) {
	w := newWorld(t).enter()
	w.agent.status.Sharing, w.agent.status.Registration.State = false, "none"
	steps := []struct {
		path string
		form url.Values
		want []string
	}{
		{"/share", url.Values{"sharing": {"on"}}, []string{"Sharing is on. Nothing is sent before"}},
		{"/registration", nil, []string{"K7QMP-3XW9B", "five", `data-until="2026-11-24T12:10:00Z"`, `data-refresh="5"`}},
		{"", nil, []string{"Register with Example &lt;b&gt;Corp&lt;/b&gt;?", "anna@example.com", "six"}},
		{"/registration/confirm", url.Values{"organisation": {"org-1"}, "answer": {"yes"}}, []string{"Registered with Example", "The first upload follows"}},
		{"/registration/remove", nil, []string{"not registered any more", "Ask for a code"}},
	}
	for _, s := range steps {
		var body string
		if s.path == "" {
			w.agent.status.Registration.State = wire.RegistrationApproved
			_, body = w.get("/registration")
		} else {
			_, body = w.post(s.path, s.form)
		}
		for _, want := range s.want {
			if !strings.Contains(body, want) {
				t.Errorf("after %s the page lacks %q:\n%s", s.path, want, body)
			}
		}
	}
	if got, want := w.agent.acts(), []string{"share", "register", "confirm org-1 confirmed", "unregister"}; !slices.Equal(got, want) {
		t.Errorf("the agent did %v, want %v", got, want)
	}
}

func TestWhatTheDoctorFindsIsShown(t *testing.T) {
	w := newWorld(t).enter()
	if _, body := w.post("/connection/doctor", nil); !strings.Contains(body, `data-refresh="2"`) {
		t.Errorf("while it is looked at, the page says\n%s", body)
	}
	go w.console.examine(t.Context())
	for running := true; running; runtime.Gosched() {
		w.console.mu.Lock()
		running = w.console.found.running
		w.console.mu.Unlock()
	}
	_, body := w.get("/connection")
	for _, want := range []string{"Proxy connection", "proxy:3128", "it refuses", "correct proxy.address", "Something fails", "Fails", "/etc/headroom/agent.toml"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
}

func TestWhatIsKeptAndReadIsShown(t *testing.T) {
	w := newWorld(t).enter()
	_, body := w.get("/")
	for _, want := range []string{
		"cad-lic-01", "sim &lt;script&gt;", "connection refused", "7 records, 2 batches", "1 file", "12 records", "3.0 MiB of 512.0 MiB", "Not read", "lic-host",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
}

// Names and texts in what was sent are shown as they are.
func TestWhatWasSentIsShownAsItWas(t *testing.T) {
	w := newWorld(t).enter()
	if _, body := w.get("/payload"); !strings.Contains(body, "Nothing was sent yet") || !strings.Contains(body, "{&#34;epoch&#34;:&#34;e&#34;}") {
		t.Errorf("before anything was sent, the page says\n%s", body)
	}
	body, err := wire.EncodeBatch(wire.BatchHeader{Server: "g"})
	if err != nil {
		t.Fatal(err)
	}
	w.agent.payload.Batch = &agent.SentBatch{ID: "e-1", Server: "cad-lic-01", Sent: noon, Body: body}
	status, page := w.get("/payload")
	for _, want := range []string{"e-1", "cad-lic-01", "24 Nov 2026", "&#34;server&#34;:&#34;g&#34;"} {
		if status != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("%d, the page lacks %q:\n%s", status, want, page)
		}
	}
}
