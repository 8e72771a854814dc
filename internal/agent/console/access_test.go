package console

import (
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent"
	"headroom/internal/look"
)

// L-07: whatever a page of elsewhere makes a browser on this machine send, it
// reaches nothing: a foreign name is 421, a form of another site is 403, and
// the console listens on loopback alone.
func TestPagesOfElsewhereReachNothing(t *testing.T) {
	w := newWorld(t).enter()
	before := w.agent.acts()
	var foreign, cross int
	for _, r := range w.console.routes() {
		method, path, found := strings.Cut(r.pattern, " ")
		if !found {
			continue
		}
		path = strings.ReplaceAll(path, "{$}", "")
		for _, host := range []string{"evil.example", "evil.example:27400", "127.0.0.1", "127.0.0.1:1", "localhost", "localhost.evil.example", "[::1]:27400", "0.0.0.0:27400"} {
			req := w.request(method, path, nil)
			req.Host = host
			if status, _ := w.do(req); status != http.StatusMisdirectedRequest {
				t.Errorf("%s %s as %s: %d, want 421", method, path, host, status)
			}
			foreign++
		}
		if method == http.MethodGet {
			continue
		}
		for name, header := range map[string][2]string{
			"another site": {"Sec-Fetch-Site", "cross-site"}, "another port of this machine": {"Sec-Fetch-Site", "same-site"},
			"a foreign origin": {"Origin", "https://evil.example"}, "no origin": {"Origin", "null"},
		} {
			req := w.request(method, path, nil)
			req.Header.Set(header[0], header[1])
			if status, _ := w.do(req); status != http.StatusForbidden {
				t.Errorf("%s %s from %s: %d, want 403", method, path, name, status)
			}
			cross++
		}
	}
	if after := w.agent.acts(); !slices.Equal(before, after) {
		t.Errorf("the agent did %v", after[len(before):])
	}
	var outside int
	for _, listen := range []string{"0.0.0.0:27400", "[::]:27400", ":27400", "10.0.0.1:27400", "192.168.1.5:27400", "localhost:27400", "lic-host:27400", "[fe80::1]:27400"} {
		c := agent.Config{Hub: "https://hub.example.com", State: "state", Console: agent.ConsoleConfig{Listen: listen}}
		if err := c.Check(t.TempDir()); err == nil || !strings.Contains(err.Error(), "console.listen") {
			t.Errorf("listening on %s: %v, want an error", listen, err)
		}
		outside++
	}
	t.Logf("L-07: %d requests by foreign names answered 421, %d forms of other sites 403, %d listeners outside loopback refused", foreign, cross, outside)
}

// Nobody gets in without a link, and a link gets in one browser, once, soon.
func TestALinkLetsInOnce(t *testing.T) {
	w := newWorld(t)
	for _, r := range w.console.routes() {
		method, path, found := strings.Cut(r.pattern, " ")
		if !found || r.open {
			continue
		}
		status, body := w.do(w.request(method, strings.ReplaceAll(path, "{$}", ""), nil))
		if status != http.StatusUnauthorized || strings.Contains(body, "Example") || !strings.Contains(body, "headroom agent console --config /etc/headroom/agent.toml") {
			t.Errorf("%s %s of nobody: %d\n%s", method, path, status, body)
		}
	}
	if len(w.agent.acts()) != 0 {
		t.Errorf("the agent did %v for nobody", w.agent.acts())
	}
	late, used := w.link(), w.link()
	w.enter()
	if status, _ := w.get(used); status != http.StatusOK {
		t.Errorf("another link in the same browser: %d", status)
	}
	w.browser.Jar = nil
	if status, _ := w.get(used); status != http.StatusForbidden {
		t.Errorf("a link that was used: %d, want 403", status)
	}
	for _, forged := range []string{"", "x", "1.2.3", late[strings.Index(late, "=")+1:] + "x", strings.Replace(late[strings.Index(late, "=")+1:], "17", "18", 1)} {
		if status, _ := w.get(entryPage + "?token=" + forged); status != http.StatusForbidden {
			t.Errorf("forged %q: %d, want 403", forged, status)
		}
	}
	w.now = w.now.Add(entryTime)
	if status, _ := w.get(late); status != http.StatusForbidden {
		t.Errorf("a link that is old: %d, want 403", status)
	}
}

func TestASessionEnds(t *testing.T) {
	w := newWorld(t).enter()
	w.now = w.now.Add(idleTime - time.Second)
	if status, _ := w.get("/"); status != http.StatusOK {
		t.Errorf("within its idle time: %d", status)
	}
	w.now = w.now.Add(idleTime)
	if status, _ := w.get("/"); status != http.StatusUnauthorized {
		t.Errorf("after its idle time: %d, want 401", status)
	}
	w.enter()
	for spent := time.Duration(0); spent < sessionTime; spent += 20 * time.Minute {
		if status, _ := w.get("/"); status != http.StatusOK {
			t.Fatalf("in use, after %s: %d", spent, status)
		}
		w.now = w.now.Add(20 * time.Minute)
	}
	if status, _ := w.get("/"); status != http.StatusUnauthorized {
		t.Errorf("after its time: %d, want 401", status)
	}
	w.enter()
	if status, _ := w.post("/leave", nil); status != http.StatusUnauthorized {
		t.Errorf("after leaving: %d, want 401", status)
	}
}

func TestEveryAnswerKeepsItselfToItself(t *testing.T) {
	w := newWorld(t).enter()
	for _, path := range []string{"/", "/registration", "/connection", "/payload", "/none", entryPage, look.AssetPath + "x/look.css"} {
		resp, err := w.browser.Do(w.request(http.MethodGet, path, nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if got := resp.Header.Get("Content-Security-Policy"); got != look.Policy {
			t.Errorf("%s: policy is %q", path, got)
		}
		if !strings.HasPrefix(path, look.AssetPath) && path != "/none" && resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %q", path, resp.Header.Get("Cache-Control"))
		}
	}
}

// The key may be read by the agent's account alone, and goes with the agent.
func TestTheKeyIsTheAccountsAlone(t *testing.T) {
	w := newWorld(t)
	path := entryPath(w.console.Config.State)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("mode is %04o, want 0600", mode)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if link, err := Link(w.console.Config.State, w.now); err == nil {
		t.Errorf("no agent runs, and there is a link: %s", link)
	}
}

// A port that something else has is told, and the agent goes on.
func TestATakenPortIsNoReasonToEnd(t *testing.T) {
	w := newWorld(t)
	o := w.console.Options
	o.Config.State = t.TempDir()
	o.Config.Console.Listen = w.Listener.Addr().String()
	var said strings.Builder
	o.Log = slog.New(slog.NewTextHandler(&said, nil))
	Run(t.Context(), o) // and returns
	if !strings.Contains(said.String(), "console is not there") || !strings.Contains(said.String(), "[console] listen") {
		t.Errorf("the log says:\n%s", said.String())
	}
	if _, err := Link(o.Config.State, w.now); err == nil {
		t.Error("there is a link to something else")
	}
}

// Nor is a state folder in which nothing can be written: the disk may be full.
func TestAFolderThatTakesNothingIsNoReasonToEnd(t *testing.T) {
	o := newWorld(t).console.Options
	o.Config.State = t.TempDir() + "/away"
	o.Config.Console.Listen = "127.0.0.1:0"
	var said strings.Builder
	o.Log = slog.New(slog.NewTextHandler(&said, nil))
	Run(t.Context(), o) // and returns
	if !strings.Contains(said.String(), "console is not there") {
		t.Errorf("the log says:\n%s", said.String())
	}
}
