package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"headroom/internal/fault"
	"headroom/internal/hub/oidc"
	"headroom/internal/hub/outward"
)

// An idp is a provider that can be evil.
type idp struct {
	t         *testing.T
	srv       *httptest.Server
	key       *ecdsa.PrivateKey
	challenge string // of the last authorization
	nonce     string
	used      bool // the code was taken
	noPKCE    bool
	claims    map[string]any // instead of those that are right
	sign      func(claims []byte) string
	discovery map[string]any
}

func newIDP(t *testing.T) *idp {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{t: t, key: key, claims: map[string]any{}, discovery: map[string]any{}}
	p.sign = func(claims []byte) string { return p.jws(jose.ES256, p.key, claims) }
	p.srv = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.srv.Close)
	return p
}

func (p *idp) jws(alg jose.SignatureAlgorithm, key any, claims []byte) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "1"))
	if err != nil {
		p.t.Fatal(err)
	}
	signed, err := s.Sign(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

func (p *idp) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	answer := map[string]any{}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer = map[string]any{
			"issuer": p.srv.URL, "authorization_endpoint": p.srv.URL + "/auth", "token_endpoint": p.srv.URL + "/token", "jwks_uri": p.srv.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"none", "HS256", "ES256"},
		}
		maps.Copy(answer, p.discovery)
	case "/keys":
		answer["keys"] = []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}
	case "/token":
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if p.used || r.PostFormValue("code") != "the-code" || !p.noPKCE && base64.RawURLEncoding.EncodeToString(sum[:]) != p.challenge {
			w.WriteHeader(http.StatusBadRequest)
			answer["error"] = "invalid_grant"
			break
		}
		p.used = true
		claims := map[string]any{
			"iss": p.srv.URL, "aud": "hub", "sub": "42", "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(), "nonce": p.nonce,
			"email": "ada@example.com", "email_verified": true, "name": "Ada",
		}
		maps.Copy(claims, p.claims)
		text, err := json.Marshal(claims)
		if err != nil {
			p.t.Error(err)
		}
		answer = map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": p.sign(text)}
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		p.t.Error(err)
	}
}

// login goes to the provider and back as a browser does.
func (p *idp) login(change func(answer url.Values, try *oidc.Try)) (oidc.Person, error) {
	c := oidc.Client{
		HTTP: outward.Client([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, nil), Now: time.Now, Redirect: "https://hub.example/login/callback",
	}
	set := oidc.Provider{Issuer: p.srv.URL, ClientID: "hub", Secret: "hunter2hunter2"}
	address, try, err := c.Begin(p.t.Context(), set)
	if err != nil {
		return oidc.Person{}, err
	}
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	if got := q.Get("redirect_uri"); got != c.Redirect || q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" {
		p.t.Errorf("asked with %q", address)
	}
	p.challenge, p.nonce = q.Get("code_challenge"), q.Get("nonce")
	answer := url.Values{"code": {"the-code"}, "state": {q.Get("state")}}
	if change != nil {
		change(answer, &try)
	}
	return c.Finish(p.t.Context(), set, try, answer)
}

// L-08, against a provider of our own, which is evil in one way at a time.
func TestEvilProvidersAreRefused(t *testing.T) {
	p := newIDP(t)
	who, err := p.login(nil)
	if want := (oidc.Person{Issuer: p.srv.URL, Subject: "42", Email: "ada@example.com", Name: "Ada", Verified: true}); err != nil || who != want {
		t.Fatalf("a good sign-in: %+v, %v, want %+v", who, err, want)
	}
	claim := func(k string, v any) func(*idp) { return func(p *idp) { p.claims[k] = v } }
	cases := map[string]func(p *idp) (change func(url.Values, *oidc.Try)){}
	evil := func(name string, be func(*idp)) {
		cases[name] = func(p *idp) func(url.Values, *oidc.Try) { be(p); return nil }
	}
	evil("issuer in the token", claim("iss", "https://evil.example"))
	evil("issuer in the discovery", func(p *idp) { p.discovery["issuer"] = "https://evil.example" })
	evil("audience", claim("aud", "another"))
	evil("nonce", claim("nonce", "another"))
	evil("no nonce", claim("nonce", ""))
	evil("expired", claim("exp", time.Now().Add(-time.Hour).Unix()))
	evil("alg none", func(p *idp) {
		p.sign = func(claims []byte) string {
			b64 := base64.RawURLEncoding.EncodeToString
			return b64([]byte(`{"alg":"none"}`)) + "." + b64(claims) + "."
		}
	})
	evil("alg HS256 with the client's secret", func(p *idp) {
		p.sign = func(claims []byte) string {
			return p.jws(jose.HS256, []byte("hunter2hunter2hunter2hunter2hunter2"), claims)
		}
	})
	evil("signed by somebody else", func(p *idp) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		p.sign = func(claims []byte) string { return p.jws(jose.ES256, key, claims) }
	})
	evil("code used twice", func(p *idp) { p.used = true })
	evil("authorization in the clear", func(p *idp) { p.discovery["authorization_endpoint"] = "http://evil.example/auth" })
	evil("script as an address", func(p *idp) { p.discovery["authorization_endpoint"] = "javascript:alert(1)" })
	evil("token endpoint within the house", func(p *idp) { p.discovery["token_endpoint"] = "https://169.254.169.254/token" })
	evil("keys within the house", func(p *idp) { p.discovery["jwks_uri"] = "http://169.254.169.254/keys" })
	cases["state"] = func(*idp) func(url.Values, *oidc.Try) {
		return func(a url.Values, _ *oidc.Try) { a.Set("state", "another") }
	}
	cases["another provider was set meanwhile"] = func(*idp) func(url.Values, *oidc.Try) {
		return func(_ url.Values, try *oidc.Try) { try.Issuer = "https://sso.example.com" }
	}
	cases["no state at all"] = func(*idp) func(url.Values, *oidc.Try) {
		return func(a url.Values, try *oidc.Try) { a.Del("state"); *try = oidc.Try{} }
	}
	cases["issuer in the answer"] = func(*idp) func(url.Values, *oidc.Try) {
		return func(a url.Values, _ *oidc.Try) { a.Set("iss", "https://evil.example") }
	}
	cases["a code of another browser: PKCE"] = func(*idp) func(url.Values, *oidc.Try) {
		return func(_ url.Values, try *oidc.Try) { try.Verifier = "another-verifier-that-is-long-enough-to-be-one" }
	}
	refused := 0
	for name, be := range cases {
		p := newIDP(t)
		who, err := p.login(be(p))
		if kind := fault.KindOf(err); err == nil || kind != fault.Forbidden && kind != fault.Unavailable || who != (oidc.Person{}) {
			t.Errorf("%s: %+v, %v, want a refusal", name, who, err)
			continue
		}
		refused++
	}
	t.Logf("L-08: %d of %d refused", refused, len(cases))
}
