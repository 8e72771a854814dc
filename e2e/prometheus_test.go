package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// C-05: a real Prometheus scrapes the demo, the hub itself and its estate: both are up,
// nothing is dropped, and every query of the dashboard has an answer.
func TestPrometheusScrapesTheDemoAndTheDashboardIsAnswered(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no prometheus on this machine: ", err)
	}
	home := ready(t, demo)
	p := newPrometheus(t, program, map[string]string{"headroom": demoMetrics, "headroom-estate": home + "/api/v1/metrics"}, tokenOf(t, home, "viewer"))
	scrapes := 4
	if os.Getenv("HEADROOM_LONG") != "" {
		scrapes = 60
	}
	began := time.Now()
	for p.number(`min(count_over_time(up{job=~"headroom.*"}[5m]))`) < float64(scrapes) {
		p.breathe()
	}
	if up := p.number(`sum(sum_over_time(up[5m])) - sum(count_over_time(up[5m]))`); up != 0 {
		t.Errorf("%g scrapes did not succeed", -up)
	}
	if targets := p.number(`count(up == 1)`); targets != 2 {
		t.Errorf("%g targets are up, want 2", targets)
	}
	for _, kind := range []string{"out_of_order", "out_of_bounds", "duplicate_timestamp"} {
		if n := p.own("prometheus_target_scrapes_sample_" + kind + "_total"); n != 0 {
			t.Errorf("%g samples were dropped: %s", n, kind)
		}
	}
	// What has no series where all is well.
	mayBeEmpty := regexp.MustCompile(`== 0$|5\.\.|result="failed"`)
	queries := dashboard(t)
	for _, q := range queries {
		if n := p.ask(q); n == 0 && !mayBeEmpty.MatchString(q) {
			t.Errorf("the dashboard's %s has no answer", q)
		}
	}
	t.Logf("C-05: %d scrapes of 2 targets in %v, 0 failed, 0 dropped; %d queries of the dashboard answered", scrapes, time.Since(began).Round(time.Second), len(queries))
}

// tokenOf makes a token with a role in the demo's console.
func tokenOf(t *testing.T, home, role string) string {
	t.Helper()
	resp, err := http.PostForm(home+"/settings/tokens", url.Values{"name": {"Prometheus"}, "role": {role}, "days": {"300"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`headroom_[A-Z2-7]{20,}`).FindString(string(page))
	if token == "" {
		t.Fatalf("no token on the page: %d", resp.StatusCode)
	}
	return token
}

// dashboard lists the queries of the file for Grafana, its variables filled in.
func dashboard(t *testing.T) (queries []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/grafana/headroom.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			queries = append(queries, strings.ReplaceAll(q.Expr, "$__rate_interval", "1m"))
		}
	}
	if len(queries) < 15 {
		t.Fatalf("%d queries: this test does not see the dashboard", len(queries))
	}
	return queries
}

// A prometheus is a process of it.
type prometheus struct {
	t   *testing.T
	url string
}

func newPrometheus(t *testing.T, program string, targets map[string]string, token string) prometheus {
	t.Helper()
	dir := t.TempDir()
	var config strings.Builder
	config.WriteString("global: {scrape_interval: 1s}\nscrape_configs:\n")
	for job, at := range targets {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&config, "- job_name: %s\n  metrics_path: %s\n  authorization: {credentials: %s}\n  static_configs: [{targets: [%q]}]\n", job, u.Path, token, u.Host)
	}
	path := filepath.Join(dir, "prometheus.yml")
	write(t, path, []byte(config.String()))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil { // it is Prometheus' now
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "--config.file="+path, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	said, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was ended
		if t.Failed() {
			if text, err := os.ReadFile(said.Name()); err == nil {
				t.Logf("%s", text)
			}
		}
		_ = said.Close()
	})
	p := prometheus{t, "http://" + address}
	for end := time.Now().Add(30 * time.Second); ; p.breathe() {
		resp, err := http.Get(p.url + "/-/ready")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Now().After(end) {
			t.Fatal("prometheus does not become ready: ", err)
		}
	}
}

// breathe lets the other processes work.
func (p prometheus) breathe() {
	select {
	case <-p.t.Context().Done():
	case <-time.After(200 * time.Millisecond):
	}
}

// results are the series that a query gives.
func (p prometheus) results(query string) (values []string) {
	p.t.Helper()
	resp, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		p.t.Fatal(err)
	}
	if answer.Status != "success" {
		p.t.Errorf("%s: %s", query, answer.Error)
	}
	for _, r := range answer.Data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values
}

// ask returns how many series a query gives.
func (p prometheus) ask(query string) int {
	p.t.Helper()
	return len(p.results(query))
}

// number is a query's only value; 0 while there is none.
func (p prometheus) number(query string) (n float64) {
	p.t.Helper()
	if all := p.results(query); len(all) == 1 {
		if _, err := fmt.Sscan(all[0], &n); err != nil {
			p.t.Errorf("%s: %v", query, err)
		}
	}
	return n
}

// own is what Prometheus says of itself.
func (p prometheus) own(name string) (n float64) {
	p.t.Helper()
	resp, err := http.Get(p.url + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
	if found == nil {
		p.t.Fatalf("prometheus does not tell %s", name)
	}
	if _, err := fmt.Sscan(string(found[1]), &n); err != nil {
		p.t.Fatal(err)
	}
	return n
}
