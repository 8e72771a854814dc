package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub/account"
)

// L-02: whether an address signs in here is not told by the status, the page or its
// headers, whether or not the member has a second factor. Times are measured by hand:
// docs/reliability.md.
func TestSignInDoesNotTellWhoIsAMember(t *testing.T) {
	h := founded(t)
	h.member("bob@example.com", account.Viewer)
	h.as("bob@example.com", func() { h.enrol() })
	first := ""
	addresses := []string{email, "bob@example.com", "eve@example.com"}
	const times = 30
	for n := range times {
		who := addresses[n%len(addresses)]
		h.browser = h.newBrowser()
		h.later += 16 * time.Minute // nobody waits
		a := h.post("/login", url.Values{"email": {who}, "password": {"not the password"}, "next": {"/servers"}})
		a.wants(http.StatusUnauthorized)
		a.header.Del("Date")
		a.header.Del("Content-Length")
		got := strings.ReplaceAll(a.body, who, "ADDRESS") + "\n" + strings.Join(headers(a.header), "\n")
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("the answer to %s differs:\n%s\nfrom that to %s:\n%s", who, got, email, first)
		}
	}
	t.Logf("L-02: %d answers to %d addresses are the same", times, len(addresses))
}

// headers are those of an answer, without the value of a cookie.
func headers(h http.Header) (all []string) {
	for k, v := range h {
		if k == "Set-Cookie" {
			v = []string{"a cookie"}
		}
		all = append(all, k+": "+strings.Join(v, ", "))
	}
	slices.Sort(all)
	return all
}
