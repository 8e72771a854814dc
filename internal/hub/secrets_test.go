package hub_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/hub"
	"headroom/internal/hub/account"
	"headroom/internal/hub/hubtest"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// A safeBuffer may be written to by many.
type safeBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

// S-07: a hub at work writes no secret and no name of a user into its log, whatever its
// level, nor into its metrics; and no metric names an organisation or a license server.
func TestLogAndMetricsHoldNoSecretsAndNoNames(t *testing.T) {
	var log safeBuffer
	h := hubtest.NewLogging(t, slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}),
		func(c *hub.Config) { c.MetricsAddr = "127.0.0.1:0" })
	secrets := map[string]string{"password": hubtest.Password, "wrong password": "an ocelot in the attic", "user": "marker-user", "host of a user": "marker-host"}
	personal := map[string]string{"administrator": hubtest.Email, "license server": "marker-server", "organisation": h.Org.Name, "its id": h.Org.PublicID}

	a := h.NewAgent("marker-server")
	r := a.Register()
	secrets["code"], secrets["code without dash"] = r.Code, strings.ReplaceAll(r.Code, "-", "")
	h.Approve(r.Code)
	a.Confirm(r.ID, h.Org.PublicID)
	at := time.Now().Add(-time.Hour)
	body, err := wire.EncodeBatch(wire.BatchHeader{Epoch: hubtest.Epoch, Seq: 1, Server: a.Servers[0].GUID, MadeAt: at.Unix(), Version: "test"},
		&wire.Holders{At: at.Unix(), Holders: []wire.Holder{{PoolKey: wire.PoolKey{Feature: "feature"}, User: "marker-user", Host: "marker-host", Licenses: 1, How: license.HolderActive}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{body, body[:len(body)-3]} {
		a.Put(1, body)
	}
	for role, name := range map[account.Role]string{account.Admin: "secret token", account.Viewer: "another"} {
		if secrets[name], err = h.Accounts.MakeToken(t.Context(), h.Actor(), name, role, 1); err != nil {
			t.Fatal(err)
		}
	}
	if secrets["invitation"], err = h.Accounts.Invite(t.Context(), h.Actor(), "marker-guest@example.com", account.Viewer); err != nil {
		t.Fatal(err)
	}
	personal["guest"] = "marker-guest@example.com"

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	page := func(resp *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page(browser.PostForm(h.URL()+"/login", url.Values{"email": {hubtest.Email}, "password": {secrets["wrong password"]}}))
	page(browser.PostForm(h.URL()+"/login", url.Values{"email": {hubtest.Email}, "password": {hubtest.Password}}))
	for _, address := range []string{"/", "/usage/feature", "/usage/nothing", "/servers", "/invite/" + secrets["invitation"], "/setup/" + secrets["invitation"], "/nowhere?password=" + url.QueryEscape(hubtest.Password)} {
		page(browser.Get(h.URL() + address))
	}
	home, err := url.Parse(h.URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range jar.Cookies(home) {
		if len(c.Value) > 20 {
			secrets["session"] = c.Value
		}
	}
	for _, path := range []string{"/products", "/products/feature/checkouts", "/servers/marker-server", "/nowhere"} {
		for _, token := range []string{secrets["secret token"], secrets["secret token"] + "X"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL()+"/api/v1"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			page(http.DefaultClient.Do(req))
		}
	}
	metrics := page(http.Get(h.MetricsURL()))
	if secrets["session"] == "" || !strings.Contains(metrics, "headroom_hub_request_duration_seconds") {
		t.Fatal("there is no session, or there are no metrics")
	}
	for name, secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds the %s", name)
		}
		if strings.Contains(metrics, secret) {
			t.Errorf("the metrics hold the %s", name)
		}
	}
	for name, text := range personal {
		if strings.Contains(metrics, text) {
			t.Errorf("the metrics name the %s", name)
		}
	}
	t.Logf("S-07: 0 hits for %d secrets and names in %d bytes of log at debug and %d bytes of metrics", len(secrets)+len(personal), len(log.String()), len(metrics))
}

// What a hub tells of itself is what it did, in the form that Prometheus wants.
func TestAHubTellsHowItDoes(t *testing.T) {
	h := hubtest.New(t, func(c *hub.Config) { c.MetricsAddr = "127.0.0.1:0" })
	a := h.RegisteredAgent("lic-a")
	body := a.Batch(1, time.Now().Add(-time.Minute), 3)
	for range 2 {
		a.Put(1, body)
	}
	a.Put(2, []byte("nonsense"))
	h.NewAgent("lic-b").Put(1, body)
	for _, address := range []string{"/api/v1/products", "/login", "/nowhere/" + strings.Repeat("x", 50)} {
		resp, err := http.Get(h.URL() + address)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	resp, err := http.Get(h.MetricsURL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`headroom_hub_batches_total{outcome="stored"} 1`, `headroom_hub_batches_total{outcome="known"} 1`, `headroom_hub_batches_total{outcome="refused"} 1`,
		`headroom_hub_records_total 2`, `headroom_hub_agents{state="lately"} 1`, `headroom_hub_agents{state="removed"} 0`, `headroom_hub_license_servers{state="lately"} 1`,
		`headroom_hub_organisations 1`, `headroom_hub_waiting_batches 0`, `headroom_hub_state_failures_total 0`,
		`headroom_hub_request_duration_seconds_count{part="api",route="GET /api/v1/products",status="401"} 1`,
		`headroom_hub_request_duration_seconds_count{part="console",route="GET /login",status="200"} 1`,
		`headroom_hub_request_duration_seconds_count{part="console",route="/",status="404"} 1`,
		`headroom_hub_request_duration_seconds_count{part="agents",route="PUT /agent/v1/batches/{epoch}/{seq}",status="200"} 2`,
	} {
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	if !regexp.MustCompile(`(?m)^headroom_hub_store_bytes [1-9]`).Match(text) || strings.Contains(string(text), "xxxxx") {
		t.Error("the store has no size, or an address has a series of its own")
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
	promtool(t, string(text))
	if resp, err := http.Get(h.URL() + hub.MetricsPath); err != nil || resp.StatusCode == http.StatusOK {
		t.Errorf("%v: where people are the metrics answer too", err)
	} else {
		_ = resp.Body.Close()
	}
}

// promtool asks Prometheus' own tool whether metrics are written as they should be.
func promtool(t *testing.T, metrics string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Log("how metrics are written is not checked: ", err)
		return
	}
	cmd := exec.CommandContext(t.Context(), tool, "check", "metrics")
	cmd.Stdin = strings.NewReader(metrics)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
