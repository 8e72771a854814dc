package console_test

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/oidc"
)

// A sso is a provider that knows one person. What real ones say is tested in package
// oidc.
type sso struct{ who oidc.Person }

func (s *sso) Begin(context.Context, oidc.Provider) (string, oidc.Try, error) {
	return "https://sso.example.com/auth", oidc.Try{Issuer: "https://sso.example.com", State: "state", Nonce: "nonce", Verifier: "verifier"}, nil
}

func (s *sso) Finish(_ context.Context, p oidc.Provider, try oidc.Try, answer url.Values) (oidc.Person, error) {
	if try != (oidc.Try{Issuer: "https://sso.example.com", State: "state", Nonce: "nonce", Verifier: "verifier"}) || answer.Get("state") != "state" || p.Secret != "hunter2" {
		return oidc.Person{}, fault.Errorf(fault.Forbidden, "not of this try")
	}
	return s.who, nil
}

func (s *sso) Check(context.Context, oidc.Provider) error {
	return fault.Errorf(fault.Unavailable, "nobody there")
}

var providerTyped = url.Values{
	"name": {"Example SSO"}, "issuer": {"https://sso.example.com"}, "client": {"hub"}, "secret": {"hunter2"}, "domains": {"example.com, example.org"}, "newcomers": {"viewer"},
}

func TestMembersSignInByTheirProvider(t *testing.T) {
	h := founded(t)
	page := h.get("/settings/signin")
	page.wants(http.StatusOK, "https://hub.example/login/callback")
	bad := url.Values{"issuer": {"http://sso.example.com"}, "name": {"Example SSO"}, "client": {"hub"}, "secret": {"hunter2"}, "newcomers": {"admin"}}
	if a := h.post("/settings/signin/provider", bad); a.status != http.StatusUnprocessableEntity || strings.Contains(a.body, "hunter2") {
		t.Errorf("an issuer in the clear: %d, or the secret is shown: %s", a.status, a.body)
	}
	h.post("/settings/signin/provider", providerTyped).wants(http.StatusSeeOther)
	h.later += 16 * time.Minute // a session that was left open sets nobody's way in
	h.post("/settings/signin/provider", url.Values{"issuer": {"https://evil.example.com"}, "name": {"Evil"}, "client": {"x"}, "newcomers": {"admin"}}).
		wants(http.StatusConflict, "sign out and in again", "https://evil.example.com")
	h.post("/settings/signin/provider/remove", nil).wants(http.StatusConflict, "sign out and in again")
	h.later -= 16 * time.Minute
	h.post("/settings/signin/codes", url.Values{"want": {"true"}}).wants(http.StatusSeeOther)

	h.browser = h.newBrowser()
	h.get("/login?next=/servers").wants(http.StatusOK, "Sign in with Example SSO", "/login/with?next=%2Fservers")
	h.get("/login/callback?code=x&state=state").wants(http.StatusForbidden, "sign-in was begun in this browser")
	there := func() {
		if to := h.get("/login/with?next=/servers").header.Get("Location"); to != "https://sso.example.com/auth" {
			t.Fatalf("sent to %q", to)
		}
	}
	h.sso.who = oidc.Person{Issuer: "https://sso.example.com", Subject: "1", Email: "bob@example.org", Verified: true, Name: "Bob"}
	there()
	h.get("/login/callback?code=x&state=other").wants(http.StatusForbidden)
	h.get("/login/callback?code=x&state=state").wants(http.StatusForbidden) // a try works once
	there()
	h.later += 11 * time.Minute
	h.get("/login/callback?code=x&state=state").wants(http.StatusForbidden)
	there()
	if to := h.get("/login/callback?code=x&state=state").header.Get("Location"); to != "/servers" {
		t.Errorf("signed in, sent to %q, want /servers", to)
	}
	h.get("/servers").wants(http.StatusOK, "Bob") // the provider asks for second factors
	if e := h.log()[0]; e.Act != "member.join" || e.Actor.Name != "bob@example.org" || !strings.Contains(e.Detail, "https://sso.example.com") {
		t.Errorf("the audit log says %+v", e)
	}
	h.get("/settings/signin").wants(http.StatusForbidden)
	h.get("/login/with/ABCDEFGH").wants(http.StatusNotFound)
}

// An address is no identity: whoever has set the provider could have it say anything. A
// member who is there shows once, by password and code, that the account is his.
func TestMemberIsJoinedWithAnAccountElsewhereByHisPassword(t *testing.T) {
	h := founded(t)
	h.post("/settings/signin/provider", providerTyped).wants(http.StatusSeeOther)
	h.member("bob@example.com", account.Viewer)
	h.sso.who = oidc.Person{Issuer: "https://sso.example.com", Subject: "7", Email: email, Verified: true, Name: "Eve"}
	come := func() string {
		h.get("/login/with?next=/servers").wants(http.StatusSeeOther)
		a := h.get("/login/callback?code=x&state=state")
		a.wants(http.StatusSeeOther)
		return a.header.Get("Location")
	}
	const ask = "/login?next=%2Fservers"
	as := func(email string) url.Values {
		return url.Values{"email": {email}, "password": {password}, "next": {"/servers"}}
	}

	// Signed in already, and all the same asked.
	if to := come(); to != ask {
		t.Fatalf("signed in, sent to %q, want %q", to, ask)
	}
	h.get(ask).wants(http.StatusOK, "Sign in with your password this once", email)
	seed, _ := h.enrol()
	h.later += time.Minute

	h.browser = h.newBrowser()
	if to := come(); to != ask {
		t.Fatalf("sent to %q, want %q", to, ask)
	}
	h.get("/servers").wants(http.StatusSeeOther) // the provider's word opens nothing
	wrong := as(email)
	wrong.Set("password", "wrong")
	h.post("/login", wrong).wants(http.StatusUnauthorized, "Sign in with your password this once")
	h.post("/login", as(email)).wants(http.StatusSeeOther)
	if to := come(); to != ask {
		t.Fatalf("after the password alone sent to %q, want %q", to, ask)
	}

	h.post("/login", as("bob@example.com")).wants(http.StatusSeeOther) // another member is not joined with it
	h.get("/servers").wants(http.StatusOK)
	h.browser = h.newBrowser()
	if to := come(); to != ask {
		t.Fatalf("after another member's password sent to %q, want %q", to, ask)
	}
	h.later += account.CodeTime + time.Second // too late
	h.post("/login", as(email)).wants(http.StatusSeeOther)
	h.post("/login/code", url.Values{"code": {h.code(seed)}}).wants(http.StatusSeeOther)

	h.browser = h.newBrowser()
	come()
	h.post("/login", as(email)).wants(http.StatusSeeOther)
	h.later += time.Minute
	h.post("/login/code", url.Values{"code": {h.code(seed)}, "next": {"/servers"}}).wants(http.StatusSeeOther)
	h.get("/servers").wants(http.StatusOK, "https://sso.example.com signs you in")
	if e := h.log()[0]; e.Act != audit.Linked || e.Subject != email {
		t.Errorf("the audit log says %+v", e)
	}
	h.browser = h.newBrowser()
	if to := come(); to != "/servers" {
		t.Errorf("joined, sent to %q, want /servers", to)
	}
	h.get("/servers").wants(http.StatusOK)
}

// T-02 for forms: what a page does not ask for is not looked at.
func TestFormsSetNothingElse(t *testing.T) {
	looked := 0
	for pattern, a := range acts {
		t.Run(strings.ReplaceAll(strings.Fields(pattern)[1], "/", "."), func(t *testing.T) {
			h := newHouse(t)
			path, form := a.prepare(h)
			extra := url.Values{}
			maps.Copy(extra, form)
			for k, v := range map[string]string{"tenant": "2", "tenant_id": "2", "org": "2", "org_id": "2", "id": "99", "member": "99", "member_id": "99", "actor": "99"} {
				if !extra.Has(k) {
					extra.Set(k, v)
				}
			}
			if !extra.Has("role") {
				extra.Set("role", "admin")
			}
			before := h.roles()
			if got := h.post(path, extra); got.status >= http.StatusBadRequest {
				t.Fatalf("POST %s with more fields: %d", path, got.status)
			}
			for _, e := range h.log() {
				if e.Org != 1 {
					t.Errorf("an entry in organisation %d: %+v", e.Org, e)
				}
			}
			for email, role := range h.roles() {
				if was, there := before[email]; there && was != role && !strings.HasSuffix(pattern, "/role") {
					t.Errorf("%s is %s, and was %s", email, role, was)
				}
			}
			looked++
		})
	}
	t.Logf("T-02: %d forms with 9 fields that they do not have", looked)
}

// roles are those of all members of the organisation.
func (h *house) roles() map[string]account.Role {
	h.t.Helper()
	members, err := h.accounts.Members(h.t.Context(), 1)
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]account.Role{}
	for _, m := range members {
		out[m.Email] = m.Role
	}
	return out
}
