package console_test

import (
	"net/http"
	"regexp"
	"testing"

	"headroom/internal/hub/account"
	"headroom/internal/hub/console"
)

// T-01: every address of the console, asked by everybody there is: nobody, a member
// of each role, and one who was removed. Who may not gets 403, who is not signed in is
// sent to sign in, and who may gets past both.
func TestEveryAddressIsOpenToItsRoleOnly(t *testing.T) {
	h := founded(t)
	browsers := map[account.Role]*http.Client{account.Admin: h.browser}
	signIn := func(email string, role account.Role) *http.Client {
		h.member(email, role)
		h.browser = h.newBrowser()
		h.post("/login", map[string][]string{"email": {email}, "password": {password}}).wants(http.StatusSeeOther)
		return h.browser
	}
	browsers[account.Viewer] = signIn("viewer@example.com", account.Viewer)
	browsers[account.Operator] = signIn("operator@example.com", account.Operator)
	removed := signIn("removed@example.com", account.Admin)
	h.browser = browsers[account.Admin]
	h.post("/settings/members/4/remove", nil).wants(http.StatusSeeOther)

	asked := 0
	wild := regexp.MustCompile(`\{[a-z$]+\}`)
	for _, r := range console.Addresses() {
		path := wild.ReplaceAllString(r.Path, "9")
		if r.Path == "/{$}" {
			path = "/"
		}
		ask := func(who *http.Client) answer {
			asked++
			h.browser = who
			return h.do(h.request(r.Method, path, nil))
		}
		if r.Least == "" {
			continue // a page for signing in, or one that its token opens
		}
		for name, who := range map[string]*http.Client{"nobody": h.newBrowser(), "removed": removed} {
			if got := ask(who); got.status != http.StatusSeeOther && got.status != http.StatusUnauthorized {
				t.Errorf("%s %s by %s: %d, want to be sent to sign in", r.Method, path, name, got.status)
			}
		}
		for _, role := range []account.Role{account.Viewer, account.Operator, account.Admin} {
			got := ask(browsers[role])
			if may := role.May(r.Least); may == (got.status == http.StatusForbidden) || got.status == http.StatusUnauthorized || got.status >= 500 {
				t.Errorf("%s %s by %s: %d; it needs %s", r.Method, path, role, got.status, r.Least)
			}
		}
	}
	t.Logf("T-01: %d requests, each answered as its role may have it", asked)
	if asked < 5*40 {
		t.Errorf("%d requests: this test does not see the addresses", asked)
	}
}
