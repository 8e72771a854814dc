package hub_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub"
	"headroom/internal/hub/hubtest"
	"headroom/internal/wire"
)

func newHub(t *testing.T, c hub.Config) (*hub.Hub, error) {
	t.Helper()
	if c.Store == "" {
		c.Store = filepath.Join(t.TempDir(), "hub.db")
	}
	h, err := hub.New(t.Context(), c, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Cleanup(func() {
			if err := h.Close(); err != nil {
				t.Errorf("close the hub: %v", err)
			}
		})
	}
	return h, err
}

func TestPlainHTTPStaysOnLoopback(t *testing.T) {
	for _, c := range []struct {
		addr, public string
		want         string // its URL, or what the refusal names
		refused      bool
	}{
		{"127.0.0.1:0", "", `^http://127\.0\.0\.1:\d+$`, false},
		{"localhost:0", "", `^http://localhost:\d+$`, false},
		{"0.0.0.0:0", "", `tls-cert.*public-url.*127\.0\.0\.1`, true},
		{":0", "", `not on loopback`, true},
		{":0", "http://localhost:8080", `not on loopback`, true},
		{":0", "https://hub.example.com/", `^https://hub\.example\.com$`, false},
		{"127.0.0.1:0", "https://hub.example.com", `^https://hub\.example\.com$`, false},
		{"127.0.0.1:0", "http://127.0.0.1:9000", `^http://127\.0\.0\.1:9000$`, false},
		{"127.0.0.1:0", "http://hub.example.com", `plain http is for loopback`, true},
		{"127.0.0.1:0", "https://example.com/hub", `host name of its own`, true},
		{"127.0.0.1:0", "https://a:b@example.com", `only scheme, host and port`, true},
		{"127.0.0.1:0", "hub.example.com", `begins with https://`, true},
	} {
		h, err := newHub(t, hub.Config{Addr: c.addr, PublicURL: c.public})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = h.URL()
		}
		if (err != nil) != c.refused || !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("listen on %q as %q: %q, want %q", c.addr, c.public, got, c.want)
		}
	}
}

func TestCertificateIsUsed(t *testing.T) {
	cert, key, pool := certificate(t)
	if _, err := newHub(t, hub.Config{Addr: "127.0.0.1:0", TLSCert: cert}); err == nil || !strings.Contains(err.Error(), "tls-key") {
		t.Errorf("a certificate without its key: %v, want an error that names tls-key", err)
	}
	if _, err := newHub(t, hub.Config{Addr: "127.0.0.1:0", TLSCert: cert, TLSKey: cert}); err == nil {
		t.Error("a certificate as its own key was taken")
	}
	h := hubtest.Start(t, func(c *hub.Config) { c.TLSCert, c.TLSKey = cert, key })
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(h.URL() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(h.URL(), "https://127.0.0.1:") {
		t.Errorf("%s/healthz over TLS: %d", h.URL(), resp.StatusCode)
	}
}

// certificate makes a certificate for 127.0.0.1 and a pool that trusts it.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret), pool
}

func TestFirstStartPrintsTheSetupLink(t *testing.T) {
	store := filepath.Join(t.TempDir(), "hub.db")
	link := regexp.MustCompile(`http://127\.0\.0\.1:\d+/setup/\w+`)
	start := func() string {
		var out bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		err := hub.Run(ctx, hub.Config{
			Addr: "127.0.0.1:0", Store: store, Print: &out, Ready: func(string) { cancel() },
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first, second := start(), start()
	a, b := link.FindString(first), link.FindString(second)
	if a == "" || b == "" || a == b {
		t.Errorf("two starts print %q and %q, want a link each and not the same", first, second)
	}
	hubtest.New(t, func(c *hub.Config) { c.Store = store })
	if third := start(); strings.Contains(third, "setup") || !strings.Contains(third, "http://127.0.0.1:") {
		t.Errorf("a start after set-up prints %q, want the address alone", third)
	}
}

// The addresses that the hub prints and tells agents are pages of its console.
func TestPrintedAddressesArePages(t *testing.T) {
	get := func(url string) *http.Response {
		t.Helper()
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	var out bytes.Buffer
	ready := make(chan string, 1)
	hubtest.Start(t, func(c *hub.Config) {
		c.Print, c.Ready = &out, func(url string) { ready <- url }
	})
	link := regexp.MustCompile(regexp.QuoteMeta(<-ready) + `/setup/\w+`).FindString(out.String())
	if resp := get(link); resp.StatusCode != http.StatusOK {
		t.Errorf("set-up link: %d, want %d", resp.StatusCode, http.StatusOK)
	}
	if resp := get(link + "x"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("set-up link with another token: %d, want %d", resp.StatusCode, http.StatusNotFound)
	}
	h := hubtest.New(t)
	for _, url := range []string{h.URL(), h.NewAgent("lic01").Register().Visit} {
		resp := get(url)
		if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/login") {
			t.Errorf("%s before signing in: %d to %q, want the login", url, resp.StatusCode, to)
		}
	}
}

func TestIdentityAndKeysSurviveARestart(t *testing.T) {
	store := filepath.Join(t.TempDir(), "hub.db")
	var id, code string
	var agent *hubtest.Agent
	t.Run("before", func(t *testing.T) {
		h := hubtest.New(t, func(c *hub.Config) { c.Store = store })
		id, code = h.ID(), h.NewAgent("lic01").Register().Code
		agent = h.RegisteredAgent("lic02")
		if got := agent.Put(1, agent.Batch(1, time.Now(), 7)); got.Status != http.StatusOK {
			t.Fatalf("batch: %d %s", got.Status, got.Body)
		}
	})
	h := hubtest.Reopen(t, func(c *hub.Config) { c.Store = store })
	if h.ID() != id {
		t.Errorf("hub id %q, want %q", h.ID(), id)
	}
	if _, err := h.Registrar.Review(t.Context(), h.Actor(), code); err != nil {
		t.Errorf("a code from before the restart: %v", err)
	}
	again := h.Known(agent)
	if p := again.Poll(); p.Complete[hubtest.Epoch] != 2 {
		t.Errorf("complete below %d, want 2", p.Complete[hubtest.Epoch])
	}
}

// E-09, without the fronts: what a client writes itself is not believed.
func TestAddressComesFromTrustedFrontsOnly(t *testing.T) {
	private := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		trusted         []netip.Prefix
		peer, forwarded string
		want            string
	}{
		{nil, "203.0.113.9:1", "192.0.2.1", "203.0.113.9:1"},
		{private, "203.0.113.9:1", "192.0.2.1", "203.0.113.9:1"},
		{private, "10.0.0.1:1", "192.0.2.1", "192.0.2.1:0"},
		{private, "10.0.0.1:1", "198.51.100.1, 192.0.2.1", "192.0.2.1:0"},
		{private, "10.0.0.1:1", "198.51.100.1, 192.0.2.1, 10.0.0.2", "192.0.2.1:0"},
		{private, "10.0.0.1:1", "", "10.0.0.1:0"},
		{private, "10.0.0.1:1", "198.51.100.1, what?, 10.0.0.2", "10.0.0.2:0"},
		{private, "[::1]:1", "2001:db8::1", "[2001:db8::1]:0"},
		{private, "[::ffff:10.0.0.1]:1", "192.0.2.1", "192.0.2.1:0"},
	} {
		var got string
		handler := hub.ThroughProxies(c.trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		r := httptest.NewRequest(http.MethodGet, wire.HubPath, http.NoBody)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("from %s with %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}
