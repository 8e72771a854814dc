package console_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"headroom/internal/hub/console"
	"headroom/internal/look"
)

var wildcard = regexp.MustCompile(`\{[a-z$]+\}`)

// L-04: whatever another site makes a browser send changes nothing: every address that
// may change something refuses it.
func TestOtherSitesChangeNothing(t *testing.T) {
	h := founded(t)
	h.confirmed()
	before, refused := len(h.log()), 0
	for _, a := range console.Addresses() {
		if a.Method == http.MethodGet {
			continue
		}
		for name, headers := range map[string][2]string{
			"another site": {"Sec-Fetch-Site", "cross-site"}, "a site beside it": {"Sec-Fetch-Site", "same-site"},
			"a foreign origin": {"Origin", "https://evil.example"}, "no origin at all": {"Origin", "null"},
		} {
			req := h.request(a.Method, wildcard.ReplaceAllString(a.Path, "1"), map[string][]string{"code": {"x"}})
			req.Header.Del("Sec-Fetch-Site")
			req.Header.Del("Origin")
			req.Header.Set(headers[0], headers[1])
			if got := h.do(req); got.status != http.StatusForbidden {
				t.Errorf("%s %s from %s: %d, want 403", a.Method, a.Path, name, got.status)
				continue
			}
			refused++
		}
	}
	if n := len(h.log()); n != before {
		t.Errorf("%d acts were done", n-before)
	}
	t.Logf("L-04: %d requests of other sites refused", refused)
}

// L-05: every answer has the headers that keep a page to itself, whatever it is.
func TestEveryAnswerIsGuarded(t *testing.T) {
	h := founded(t)
	page := h.get("/")
	asset := regexp.MustCompile(regexp.QuoteMeta(look.AssetPath) + `[^"]+\.css`).FindString(page.body)
	if asset == "" {
		t.Fatal("the page names no style sheet")
	}
	seen := 0
	paths := []string{asset, look.AssetPath + "none", "/nothing", "/audit/log.csv", "/servers/delete?server=none", "/usage/none", "/audit?from=yesterday"}
	for _, a := range console.Addresses() {
		if a.Method == http.MethodGet {
			paths = append(paths, wildcard.ReplaceAllString(a.Path, "1"))
		}
	}
	for _, path := range paths {
		got := h.get(path)
		seen++
		policy := got.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s (%d): the policy %q lacks %s", path, got.status, policy, part)
			}
		}
		if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Referrer-Policy") == "" {
			t.Errorf("%s (%d): headers %v", path, got.status, got.header)
		}
	}
	t.Logf("L-05: %d answers, each with its headers", seen)
}
