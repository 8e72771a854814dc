package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"headroom/internal/hub/account"
)

// seed begins a second factor for who is signed in, and returns what the page tells the
// app.
func (h *house) seed() string {
	h.t.Helper()
	h.post("/settings/factor/begin", nil).wants(http.StatusSeeOther)
	page := h.get("/settings/factor")
	page.wants(http.StatusOK, `<svg class="qr"`)
	found := regexp.MustCompile(`<code>([A-Z2-7 ]{39})</code>`).FindStringSubmatch(page.body)
	if found == nil {
		h.t.Fatalf("no key on the page: %s", page.body)
	}
	return strings.ReplaceAll(found[1], " ", "")
}

// code is what an app with this seed shows now.
func (h *house) code(seed string) string {
	h.t.Helper()
	code, err := totp.GenerateCode(seed, now.Add(h.later))
	if err != nil {
		h.t.Fatal(err)
	}
	return code
}

// as does something in a browser in which another member has signed in.
func (h *house) as(email string, do func()) {
	h.t.Helper()
	was := h.browser
	defer func() { h.browser = was }()
	h.browser = h.newBrowser()
	h.post("/login", url.Values{"email": {email}, "password": {password}}).wants(http.StatusSeeOther)
	do()
}

// enrol sets a second factor up for who is signed in.
func (h *house) enrol() (seed string, recovery []string) {
	h.t.Helper()
	seed = h.seed()
	page := h.post("/settings/factor", url.Values{"code": {h.code(seed)}})
	page.wants(http.StatusOK, "shown only now")
	for _, found := range regexp.MustCompile(`<li><code>([a-z0-9-]+)</code>`).FindAllStringSubmatch(page.body, -1) {
		recovery = append(recovery, found[1])
	}
	if len(recovery) != 10 {
		h.t.Fatalf("%d recovery codes, want 10: %s", len(recovery), page.body)
	}
	return seed, recovery
}

func TestSecondFactorIsAskedForAfterThePassword(t *testing.T) {
	h := founded(t)
	seed, recovery := h.enrol()
	if again := h.get("/settings/factor"); strings.Contains(again.body, recovery[0]) || strings.Contains(again.body, seed[:4]+" "+seed[4:8]) {
		t.Error("key or recovery codes are shown a second time")
	}
	password := func() answer {
		h.browser = h.newBrowser()
		h.get("/login/code").wants(http.StatusSeeOther)
		a := h.post("/login", url.Values{"email": {email}, "password": {password}, "next": {"/servers"}})
		a.wants(http.StatusSeeOther)
		return a
	}
	if got, want := password().header.Get("Location"), "/login/code?next=%2Fservers"; got != want {
		t.Fatalf("after the password sent to %q, want %q", got, want)
	}
	h.get("/servers").wants(http.StatusSeeOther) // the password alone opens nothing
	h.get("/login/code?next=%2Fservers").wants(http.StatusOK, `value="/servers"`)
	h.post("/login/code", url.Values{"code": {"000000"}}).wants(http.StatusUnauthorized, "wrong")
	h.post("/login/code", url.Values{"code": {h.code(seed)}}).wants(http.StatusUnauthorized, "used before") // when it was set up
	h.later += time.Minute
	code := h.code(seed)
	if to := h.post("/login/code", url.Values{"code": {code}, "next": {"/servers"}}).header.Get("Location"); to != "/servers" {
		t.Errorf("signed in, sent to %q", to)
	}
	h.get("/servers").wants(http.StatusOK)

	password()
	h.post("/login/code", url.Values{"code": {code}}).wants(http.StatusUnauthorized, "used before")
	h.post("/login/code", url.Values{"code": {strings.ToUpper(recovery[3])}}).wants(http.StatusSeeOther)
	password()
	h.post("/login/code", url.Values{"code": {recovery[3]}}).wants(http.StatusUnauthorized)

	password() // and too late
	h.later += account.CodeTime + time.Second
	h.post("/login/code", url.Values{"code": {h.code(seed)}}).wants(http.StatusSeeOther)
	h.get("/servers").wants(http.StatusSeeOther)
}

// Whoever was in by the password alone is out.
func TestSecondFactorEndsSignInsElsewhere(t *testing.T) {
	h := founded(t)
	here := h.browser
	h.as(email, func() {
		h.get("/servers").wants(http.StatusOK)
		there := h.browser
		h.browser = here
		h.enrol()
		h.get("/servers").wants(http.StatusOK)
		h.browser = there
		h.get("/servers").wants(http.StatusSeeOther)
	})
}

// What cannot be undone takes the code too.
func TestDeletionTakesTheSecondFactor(t *testing.T) {
	h := founded(t)
	h.confirmed()
	seed, _ := h.enrol()
	h.later = 16 * time.Minute
	h.get("/servers/delete?server="+lic1.GUID).wants(http.StatusOK, `name="password"`, `name="code"`)
	form := url.Values{"server": {lic1.GUID}, "name-" + lic1.GUID: {"lic-1"}, "password": {password}}
	for _, wrong := range []string{"", "000000"} {
		form.Set("code", wrong)
		h.post("/servers/delete", form).wants(http.StatusUnprocessableEntity, "the code is wrong", "Nothing was deleted")
	}
	form.Set("code", h.code(seed))
	h.post("/servers/delete", form).wants(http.StatusSeeOther)
}

func TestOrganisationCanWantSecondFactors(t *testing.T) {
	h := founded(t)
	h.member("viewer@example.com", account.Viewer)
	admin := h.browser
	h.browser = h.newBrowser()
	signIn := func() {
		h.post("/login", url.Values{"email": {"viewer@example.com"}, "password": {password}}).wants(http.StatusSeeOther)
	}
	signIn()
	viewer := h.browser
	h.browser = admin
	h.enrol()
	h.post("/settings/signin/codes", url.Values{"want": {"true"}}).wants(http.StatusSeeOther)
	h.get("/settings/signin").wants(http.StatusOK, "1 of 2 members")
	h.later += time.Minute

	h.browser = viewer
	for _, path := range []string{"/", "/settings", "/usage/x/trend.csv"} {
		if a := h.get(path); a.status != http.StatusSeeOther || a.header.Get("Location") != "/settings/factor" {
			t.Errorf("%s without a second factor: %d to %q", path, a.status, a.header.Get("Location"))
		}
	}
	h.get("/settings/factor").wants(http.StatusOK, "wants a second factor")
	seed, _ := h.enrol()
	h.get("/").wants(http.StatusOK)
	h.later += time.Minute
	h.post("/settings/factor/remove", url.Values{"code": {h.code(seed)}}).wants(http.StatusConflict, "wants a second factor")

	h.browser = admin
	h.get("/settings/members").wants(http.StatusOK, "/settings/members/2/factor")
	h.post("/settings/members/1/factor", nil).wants(http.StatusConflict, "your own second factor")
	h.later += 14 * time.Minute
	h.post("/settings/members/2/factor", nil).wants(http.StatusConflict, "sign out and in again")
	h.later -= 14 * time.Minute
	h.post("/settings/members/2/factor", nil).wants(http.StatusSeeOther)
	h.browser = viewer
	h.get("/").wants(http.StatusSeeOther)
}
