package e2e

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// L-08: the good way, driven in a browser. A member sets up a second factor, signs in
// with it, and joins his account at a provider by password and recovery code; from then
// on the provider signs him in.
func TestAMemberSignsInWithASecondFactorAndAtAProvider(t *testing.T) {
	t.Parallel() // with those that have a hub of their own
	const email, password = "anna@example.com", "four unrelated violins"
	idp := newProvider(t, email)
	b := newBrowser(t)
	hub := start(t, ready(t, program), "hub", "run", "--addr", "127.0.0.1:0", "--store", filepath.Join(t.TempDir(), "hub.db"), "--allow-inner", "127.0.0.0/8")
	link := hub.line(`(http://\S+/setup/\S+)`)
	home := link[:strings.Index(link, "/setup/")]

	b.open(link)
	for name, value := range map[string]string{"organisation": "Example Corp", "zone": "Europe/Berlin", "name": "Anna Admin", "email": email, "password": password} {
		b.fill(name, value)
	}
	b.submit("main form button")

	b.open(home + "/settings/factor")
	b.submit("main form button")
	b.see("Tell your app")
	b.look("factor")
	seed := strings.ReplaceAll(b.text(".factor-key code"), " ", "")
	b.fill("code", oneTimeCode(t, seed, time.Now()))
	b.submit(`form[action="/settings/factor"] button`)
	b.see("Your recovery codes")
	b.axe("recovery codes", allOfAxe)
	recovery := b.text(".recovery code")

	leave := func() {
		b.open(home + "/settings")
		eval[bool](b, `document.querySelector('form[action="/logout"]').requestSubmit(), true`)
		b.appear(`[name="password"]`)
	}
	enter := func(code string) {
		b.fill("email", email)
		b.fill("password", password)
		b.submit("main form button")
		b.see("One more step")
		b.fill("code", code)
		b.submit("main form button")
	}
	leave()
	b.fill("email", email)
	b.fill("password", password)
	b.submit("main form button")
	b.axe("code", allOfAxe)
	b.fill("code", oneTimeCode(t, seed, time.Now().Add(30*time.Second))) // the one of now was taken
	b.submit("main form button")

	b.open(home + "/settings/signin")
	for name, value := range map[string]string{"name": "Example SSO", "issuer": idp.URL, "client": "headroom", "secret": "the secret of the client"} {
		b.fill(name, value)
	}
	b.look("signin")
	b.submit(`form[action="/settings/signin/provider"] .primary`)
	b.see("The provider is saved, and answers.")

	leave()
	b.submit(`main a.button`)
	b.see(idp.URL+" says that you are "+email, "this once")
	b.look("login-join")
	enter(recovery)
	b.see("signs you in without your password")
	leave()
	b.submit(`main a.button`)
	b.see("Example Corp", "Anna Admin")
	t.Log("L-08: one sign-in at a provider of our own, driven in a browser, after the account was joined by password and code")
}

// oneTimeCode is what an app shows at an instant (RFC 6238).
func oneTimeCode(t *testing.T, seed string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	from := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[from:])&0x7fffffff)%1_000_000)
}

// newProvider starts a provider of OpenID Connect at which one person is signed in. It
// asks for what a strict one does: the client's secret and the proof of PKCE.
func newProvider(t *testing.T, email string) *httptest.Server {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	var srv *httptest.Server
	asked := url.Values{} // of the last authorization; one browser asks
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": srv.URL, "authorization_endpoint": srv.URL + "/auth", "token_endpoint": srv.URL + "/token", "jwks_uri": srv.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		e := binary.BigEndian.AppendUint32(nil, uint32(key.E))[1:]
		answer(w, map[string]any{"keys": []any{map[string]string{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": b64(key.N.Bytes()), "e": b64(e)}}})
	})
	mux.HandleFunc("GET /auth", func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query()
		back := url.Values{"code": {rand.Text()}, "state": {asked.Get("state")}, "iss": {srv.URL}}
		asked.Set("code", back.Get("code"))
		http.Redirect(w, r, asked.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if secret, err = url.QueryUnescape(secret); err != nil {
			t.Error(err)
		}
		proof := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if id != "headroom" || secret != "the secret of the client" || r.PostFormValue("code") != asked.Get("code") || b64(proof[:]) != asked.Get("code_challenge") {
			w.WriteHeader(http.StatusBadRequest)
			answer(w, map[string]string{"error": "invalid_grant"})
			return
		}
		now := time.Now().Unix()
		claims, err := json.Marshal(map[string]any{
			"iss": srv.URL, "aud": "headroom", "sub": "248289761001", "iat": now, "exp": now + 60, "nonce": asked.Get("nonce"),
			"email": email, "email_verified": true, "name": "Anna Admin",
		})
		if err != nil {
			t.Error(err)
		}
		text := b64([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + b64(claims)
		sum := sha256.Sum256([]byte(text))
		mark, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Error(err)
		}
		answer(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": text + "." + b64(mark)})
	})
	srv = httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}
