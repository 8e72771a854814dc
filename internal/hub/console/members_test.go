package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"headroom/internal/hub/account"
	"headroom/internal/hub/erasure"
)

// Somebody is invited, joins with the link, sees what his role shows, and is
// removed: his next page asks him to sign in.
func TestSomebodyIsInvitedJoinsAndIsRemoved(t *testing.T) {
	h := founded(t)
	h.post("/settings/members/invite", url.Values{"email": {"nobody"}, "role": {"viewer"}}).wants(http.StatusUnprocessableEntity, "is not an e-mail address", "nobody")
	made := h.post("/settings/members/invite", url.Values{"email": {"bob@example.com"}, "role": {"viewer"}})
	made.wants(http.StatusOK, "Send this link to bob@example.com")
	link := regexp.MustCompile(`https://hub\.example(/invite/[A-Z2-7]{26,})<`).FindStringSubmatch(made.body)
	if link == nil {
		t.Fatal("the page shows no link")
	}
	if page := h.get("/settings/members"); strings.Contains(page.body, link[1]) || !strings.Contains(page.body, "bob@example.com") {
		t.Error("the link is shown once more, or the invitation is not listed")
	}
	ada := h.browser
	h.browser = h.newBrowser()
	h.get("/invite/NOBODY").wants(http.StatusNotFound, "not valid any more")
	h.get(link[1]).wants(http.StatusOK, "Join Example AG", "bob@example.com", email)
	h.post(link[1], url.Values{"name": {"Bob"}, "password": {"short"}}).wants(http.StatusUnprocessableEntity, "5 characters", `value="Bob"`)
	h.post(link[1], url.Values{"name": {"Bob"}, "password": {password}}).wants(http.StatusSeeOther)
	page := h.get("/settings")
	page.wants(http.StatusOK, "bob@example.com", "This one", "viewer")
	if strings.Contains(page.body, "/settings/members") {
		t.Error("a viewer is shown the page of members")
	}
	for _, address := range []string{"/settings/members", "/settings/organisation", "/audit", "/servers/delete"} {
		h.get(address).wants(http.StatusForbidden)
	}
	bob := h.browser
	h.browser = ada
	h.post("/settings/members/1/role", url.Values{"role": {"viewer"}}).wants(http.StatusConflict, "only administrator")
	h.post("/settings/members/2/role", url.Values{"role": {"owner"}}).wants(http.StatusUnprocessableEntity)
	h.post("/settings/members/x/role", url.Values{"role": {"viewer"}}).wants(http.StatusNotFound)
	h.post("/settings/members/2/remove", nil).wants(http.StatusSeeOther)
	h.browser = bob
	h.get("/settings").wants(http.StatusSeeOther)
}

func TestThePasswordIsChangedByWhoKnowsIt(t *testing.T) {
	h := founded(t)
	h.post("/settings/password", url.Values{"old": {"another"}, "password": {"walnut ferry quince lamp"}}).wants(http.StatusUnprocessableEntity, "another one")
	h.post("/settings/password", url.Values{"old": {password}, "password": {"passwordpassword"}}).wants(http.StatusUnprocessableEntity, "easy to guess")
	h.post("/settings/password", url.Values{"old": {password}, "password": {"walnut ferry quince lamp"}}).wants(http.StatusSeeOther)
	h.get("/settings").wants(http.StatusOK, "Your password is changed")
}

func TestTheStatusRuleIsTheOrganisations(t *testing.T) {
	h := founded(t)
	h.get("/servers").wants(http.StatusOK, "within the last 3 days")
	form := url.Values{"name": {"Example AG"}, "zone": {"Asia/Tokyo"}, "reporting": {"x"}}
	h.post("/settings/organisation", form).wants(http.StatusUnprocessableEntity, "number of hours", `value="Asia/Tokyo"`)
	form.Set("reporting", "24")
	h.post("/settings/organisation", form).wants(http.StatusSeeOther)
	h.get("/settings/organisation").wants(http.StatusOK, "saved", `value="24"`)
	h.get("/servers").wants(http.StatusOK, "within the last 24 hours", "JST")
}

// A member of another role than the administrator's may do what his role may.
func TestAnOperatorChangesHisOwnAccountOnly(t *testing.T) {
	h := founded(t)
	h.member("bob@example.com", account.Operator)
	h.browser = h.newBrowser()
	h.post("/login", url.Values{"email": {"bob@example.com"}, "password": {password}}).wants(http.StatusSeeOther)
	h.post("/settings/members/invite", url.Values{"email": {"eve@example.com"}, "role": {"admin"}}).wants(http.StatusForbidden)
	h.post("/settings/members/1/remove", nil).wants(http.StatusForbidden)
	h.post("/settings/sessions/1/end", nil).wants(http.StatusNotFound) // the administrator's
}

// A token that may delete usage data is made by an administrator who has shown just now
// that it is he.
func TestATokenThatMayDeleteTakesThePassword(t *testing.T) {
	h := founded(t)
	h.later = erasure.Fresh + 1e9
	form := func(more ...string) url.Values {
		v := url.Values{"name": {"cleaner"}, "role": {"admin"}, "days": {"1"}, "erases": {"1"}}
		for i := 0; i+1 < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	h.post("/settings/tokens", form()).wants(http.StatusUnprocessableEntity, "not your password", "cleaner", "checked")
	h.post("/settings/tokens", form("password", password, "role", "viewer")).wants(http.StatusUnprocessableEntity, "has the role admin")
	h.post("/settings/tokens", form("password", password)).wants(http.StatusOK, "headroom_", "may delete usage data until")
	h.post("/settings/tokens", form()).wants(http.StatusOK, "headroom_") // he has shown it just now
}

// To keep usage data for less time removes some for good: that takes the password, as a
// deletion does. To keep them longer does not.
func TestKeepingForLessTimeTakesThePassword(t *testing.T) {
	h := founded(t)
	h.later = erasure.Fresh + 1e9
	form := func(keep, password string) url.Values {
		return url.Values{"name": {"Example AG"}, "zone": {"Europe/Berlin"}, "keep": {keep}, "password": {password}}
	}
	h.post("/settings/organisation", form("90", "another")).wants(http.StatusUnprocessableEntity, "not your password", `value="90"`)
	h.post("/settings/organisation", form("9", password)).wants(http.StatusUnprocessableEntity, "kept for 62 to 36525 days")
	h.later = 2 * erasure.Fresh
	h.post("/settings/organisation", form("90", password)).wants(http.StatusSeeOther)
	h.later = 4 * erasure.Fresh
	h.post("/settings/organisation", form("400", "")).wants(http.StatusSeeOther)
	h.post("/settings/organisation", form("90", "")).wants(http.StatusUnprocessableEntity, "not your password")
	h.post("/settings/organisation", form("x", "")).wants(http.StatusUnprocessableEntity, "not a number of days")
	h.post("/settings/organisation", form("", "")).wants(http.StatusSeeOther)
	if e := h.log()[0]; !strings.HasSuffix(e.Detail, "usage data kept for ever") {
		t.Errorf("entry %+v", e)
	}
}

// What the console says of the catalog, and what it refuses.
func TestAFeatureCountsAsTheAdministratorSays(t *testing.T) {
	h := founded(t)
	h.get("/settings/catalog").wants(http.StatusOK, "acme.cad", "acme.draw")
	h.get("/settings/catalog/acme.none").wants(http.StatusNotFound)
	h.get("/settings/catalog/acme.cad").wants(http.StatusOK, "By the catalog: cad, Model unknown", "draw (acme.draw)")
	h.post("/settings/catalog/acme.cad", nil).wants(http.StatusUnprocessableEntity, "Nothing is said")
	h.post("/settings/catalog/acme.cad", url.Values{"into": {"acme.draw"}, "name": {"x"}}).wants(http.StatusUnprocessableEntity, "counts as another product", `value="x"`)
	h.post("/settings/catalog/acme.cad", url.Values{"into": {"acme.draw"}}).wants(http.StatusSeeOther)
	h.post("/settings/catalog/acme.draw", url.Values{"into": {"acme.cad"}}).wants(http.StatusUnprocessableEntity, "counts as another product itself")
	if e := h.log()[0]; e.Subject != "acme.cad" || e.Detail != "counts as acme.draw" {
		t.Errorf("entry %+v", e)
	}
}
