package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/wire"
)

var signedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// signed returns a request as a hub receives it, with the key that signed it.
func signed(t testing.TB, method, target string, body []byte, nonce string) (*http.Request, ed25519.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	if err := wire.Sign(r, body, private, "hub-1", signedAt, nonce); err != nil {
		t.Fatal(err)
	}
	return r, public
}

// knows is a lookup that has one key.
func knows(key ed25519.PublicKey) func(string) (ed25519.PublicKey, error) {
	return func(id string) (ed25519.PublicKey, error) {
		if id != wire.KeyID(key) {
			return nil, errors.New("no such key")
		}
		return key, nil
	}
}

func TestWhatSignMakesIsVerified(t *testing.T) {
	body := []byte("a batch")
	for _, target := range []string{"/agent/v1/batches/e1/7", "/agent/v1/poll?a=1&b=%20", "/", "/a%2Fb"} {
		for _, nonce := range []string{"", "n-1"} {
			r, key := signed(t, http.MethodPut, target, body, nonce)
			sig, err := wire.Verify(r, body, knows(key), "hub-1", signedAt)
			if err != nil {
				t.Fatalf("Verify %s: %v", target, err)
			}
			if sig.KeyID != wire.KeyID(key) || !sig.Created.Equal(signedAt) || sig.Nonce != nonce {
				t.Errorf("Verify %s = %+v, want key %s, %v, nonce %q", target, sig, wire.KeyID(key), signedAt, nonce)
			}
			if id, err := wire.SignerOf(r); err != nil || id != sig.KeyID {
				t.Errorf("SignerOf = %q, %v, want %q", id, err, sig.KeyID)
			}
		}
	}
}

// A real client and a real server: what a server parses is what was signed.
func TestSignatureSurvivesTheNetwork(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
		if _, err := wire.Verify(r, body.Bytes(), knows(public), "hub-1", signedAt); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
		}
	}))
	defer srv.Close()
	for _, path := range []string{"", "/agent/v1/self?x=a%20b+c", "/agent/v1/batches/a%20b/1"} {
		req, err := http.NewRequest(http.MethodPost, srv.URL+path, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		if err := wire.Sign(req, []byte("body"), private, "hub-1", signedAt, ""); err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if _, err := text.ReadFrom(resp.Body); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("POST %q: %s", path, text.String())
		}
	}
}

func TestStaleSignatureIsToldApart(t *testing.T) {
	r, key := signed(t, http.MethodGet, "/agent/v1/self", nil, "n")
	for off, want := range map[time.Duration]error{
		0: nil, wire.Fresh: nil, -wire.Fresh: nil,
		wire.Fresh + time.Second: wire.ErrStale, -wire.Fresh - time.Second: wire.ErrStale,
		10 * 365 * 24 * time.Hour: wire.ErrStale, -10 * 365 * 24 * time.Hour: wire.ErrStale,
	} {
		sig, err := wire.Verify(r, nil, knows(key), "hub-1", signedAt.Add(off))
		if !errors.Is(err, want) || sig.Nonce != "n" {
			t.Errorf("hub's clock %v ahead: %v, nonce %q, want %v, nonce n", off, err, sig.Nonce, want)
		}
	}
}

// every signed part, and every byte of the body.
func TestChangedRequestsAreRefused(t *testing.T) {
	body := []byte(`{"a":1}` + "\x00\xff zstd")
	other, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(header, from, to string) func(*http.Request) {
		return func(r *http.Request) {
			v := r.Header.Get(header)
			if !strings.Contains(v, from) {
				t.Fatalf("%s is %q, without %q", header, v, from)
			}
			r.Header.Set(header, strings.Replace(v, from, to, 1))
		}
	}
	const input = "Signature-Input"
	changes := map[string]func(*http.Request){
		"method":                func(r *http.Request) { r.Method = http.MethodPost },
		"path":                  func(r *http.Request) { r.URL.Path = "/agent/v1/batches/e1/8" },
		"path case":             func(r *http.Request) { r.URL.Path = "/agent/v1/batches/E1/7" },
		"query":                 func(r *http.Request) { r.URL.RawQuery = "x=2" },
		"query gone":            func(r *http.Request) { r.URL.RawQuery = "" },
		"digest gone":           func(r *http.Request) { r.Header.Del("Content-Digest") },
		"digest of another":     func(r *http.Request) { r.Header.Set("Content-Digest", wire.Digest([]byte("x"))) },
		"digest twice":          func(r *http.Request) { r.Header.Add("Content-Digest", wire.Digest(body)) },
		"digest sha-512 too":    replace("Content-Digest", "sha-256", "sha-512=:AA==:, sha-256"),
		"digest by other name":  replace("Content-Digest", "sha-256", "sha-512"),
		"hub":                   func(r *http.Request) { r.Header.Set(wire.HubHeader, "hub-2") },
		"hub gone":              func(r *http.Request) { r.Header.Del(wire.HubHeader) },
		"hub twice":             func(r *http.Request) { r.Header.Add(wire.HubHeader, "hub-1") },
		"created":               replace(input, "created=", "created=1"),
		"created gone":          replace(input, fmt.Sprintf(";created=%d", signedAt.Unix()), ""),
		"nonce":                 replace(input, `nonce="n-1"`, `nonce="n-2"`),
		"nonce gone":            replace(input, `;nonce="n-1"`, ""),
		"keyid of another":      replace(input, `keyid="`, `keyid="`+wire.KeyID(other)),
		"alg":                   replace(input, `alg="ed25519"`, `alg="hmac-sha256"`),
		"alg gone":              replace(input, `;alg="ed25519"`, ""),
		"tag":                   replace(input, `tag="headroom-agent-1"`, `tag="headroom-agent-2"`),
		"tag gone":              replace(input, `;tag="headroom-agent-1"`, ""),
		"parameter added":       replace(input, ";created", `;expires=9999999999;created`),
		"component gone":        replace(input, `"@query" `, ""),
		"component added":       replace(input, `"@query"`, `"@query" "date"`),
		"components swapped":    replace(input, `"@method" "@path"`, `"@path" "@method"`),
		"component with a flag": replace(input, `"@path"`, `"@path";req`),
		"input gone":            func(r *http.Request) { r.Header.Del(input) },
		"input no dictionary":   func(r *http.Request) { r.Header.Set(input, "((") },
		"input an item":         func(r *http.Request) { r.Header.Set(input, "headroom=1") },
		"other label":           replace(input, "headroom=", "sig1="),
		"signature gone":        func(r *http.Request) { r.Header.Del("Signature") },
		"signature short":       func(r *http.Request) { r.Header.Set("Signature", "headroom=:AAAA:") },
		"signature text":        func(r *http.Request) { r.Header.Set("Signature", `headroom="x"`) },
		"signature a list":      func(r *http.Request) { r.Header.Set("Signature", `headroom=(1)`) },
	}
	for name, change := range changes {
		r, key := signed(t, http.MethodPut, "/agent/v1/batches/e1/7?x=1", body, "n-1")
		change(r)
		lookup := func(string) (ed25519.PublicKey, error) { return key, nil }
		if _, err := wire.Verify(r, body, lookup, "hub-1", signedAt); err == nil || errors.Is(err, wire.ErrStale) {
			t.Errorf("%s: Verify = %v, want a refusal", name, err)
		}
	}
	for i := range body {
		for bit := range 8 {
			r, key := signed(t, http.MethodPut, "/agent/v1/batches/e1/7", body, "")
			bad := bytes.Clone(body)
			bad[i] ^= 1 << bit
			if _, err := wire.Verify(r, bad, knows(key), "hub-1", signedAt); err == nil {
				t.Errorf("byte %d, bit %d of the body changed, and it was accepted", i, bit)
			}
		}
	}
}

func TestEveryBitOfASignatureCounts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, key := signed(t, http.MethodPost, "/agent/v1/poll", nil, "")
		header := rapid.SampledFrom([]string{"Signature", "Signature-Input", "Content-Digest", wire.HubHeader}).Draw(rt, "header")
		value := []byte(r.Header.Get(header))
		last := len(value) - 1
		if header == "Signature" {
			last -= len("A==:") // the last symbol of the base 64 carries bits that mean nothing
		}
		at := rapid.IntRange(0, last).Draw(rt, "at")
		to := byte(rapid.IntRange(0x21, 0x7e).Draw(rt, "to"))
		if value[at] == to {
			rt.Skip("nothing changed")
		}
		value[at] = to
		r.Header.Set(header, string(value))
		sig, err := wire.Verify(r, nil, knows(key), "hub-1", signedAt)
		if err == nil {
			rt.Errorf("%s: %s was accepted as %+v", header, value, sig)
		}
	})
}

func TestLookupErrorIsKept(t *testing.T) {
	r, _ := signed(t, http.MethodGet, "/agent/v1/self", nil, "")
	gone := errors.New("the database is away")
	_, err := wire.Verify(r, nil, func(string) (ed25519.PublicKey, error) { return nil, gone }, "hub-1", signedAt)
	if !errors.Is(err, gone) {
		t.Errorf("Verify = %v, want it to wrap %v", err, gone)
	}
}

func FuzzVerify(f *testing.F) {
	r, key := signed(f, http.MethodPost, "/agent/v1/poll", []byte("body"), "n")
	for _, part := range []string{"Signature-Input", "Signature", "Content-Digest"} {
		f.Add(part, r.Header.Get(part))
	}
	f.Fuzz(func(t *testing.T, header, value string) {
		r, _ := signed(t, http.MethodPost, "/agent/v1/poll", []byte("body"), "n")
		r.Header.Set(header, value)
		if _, err := wire.Verify(r, []byte("body"), knows(key), "hub-1", signedAt); err == nil {
			t.Errorf("a request signed by another key was accepted with %s: %q", header, value)
		}
	})
}
