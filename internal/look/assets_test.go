package look_test

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"headroom/internal/look"
)

func newAssets(t *testing.T) *look.Assets {
	t.Helper()
	a, err := look.NewAssets()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// get fetches an address of the assets.
func get(t *testing.T, a *look.Assets, url string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	look.Secure(a).ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestFilesAreKeptByBrowsersUnderTheirVersionOnly(t *testing.T) {
	a := newAssets(t)
	for name, kind := range map[string]string{
		"look.css": "text/css", "look.js": "text/javascript", "icons.svg": "image/svg+xml", "mark.svg": "image/svg+xml",
	} {
		res, _ := get(t, a, a.URL(name))
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %s, %s, want 200 and %s", name, res.Status, res.Header.Get("Content-Type"), kind)
		}
		if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q, want immutable", name, got)
		}
		if got := res.Header.Get("Content-Security-Policy"); got != look.Policy {
			t.Errorf("%s: policy %q", name, got)
		}
	}
	if res, _ := get(t, a, look.AssetPath+"000000000000/look.css"); res.Header.Get("Cache-Control") != "" {
		t.Error("a file under an old version is kept")
	}
	if res, _ := get(t, a, look.AssetPath+"../look.go"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a file that is none: %s, want 404", res.Status)
	}
	more, err := look.NewAssets([]byte("p { color: red; }"))
	if err != nil {
		t.Fatal(err)
	}
	if more.URL("look.css") == a.URL("look.css") {
		t.Error("other styles have the same address")
	}
}

func TestNothingIsLoadedFromElsewhere(t *testing.T) {
	a := newAssets(t)
	outside := regexp.MustCompile(`(?i)@import|url\(["']?(https?:|//)|from ["']|import\(`)
	for _, name := range []string{"look.css", "look.js"} {
		_, body := get(t, a, a.URL(name))
		if found := outside.FindString(body); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
	_, js := get(t, a, a.URL("look.js"))
	for _, bad := range []string{"innerHTML", "eval(", "insertAdjacentHTML", "document.write"} {
		if strings.Contains(js, bad) {
			t.Errorf("the script uses %s", bad)
		}
	}
}

func TestIconsAreThereOrThePageFails(t *testing.T) {
	a := newAssets(t)
	_, sprite := get(t, a, a.URL("icons.svg"))
	checkMarkup(t, template.HTML(sprite))
	icon, err := a.Icon("server")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(sprite, `id="server"`) || !strings.Contains(string(icon), a.URL("icons.svg")+"#server") {
		t.Errorf("icon %s does not refer to the sprite", icon)
	}
	if _, err := a.Icon("no-such-icon"); err == nil {
		t.Error("an icon that there is not is no error")
	}
}

func TestAPageThatFailsIsNotHalfWritten(t *testing.T) {
	page, err := look.NewPage[struct{ Name string }](newAssets(t), fstest.MapFS{
		"p.html": {Data: []byte(`{{define "main"}}<h1>{{.Name}}</h1>{{icon "no-such-icon"}}{{end}}`)},
	}, "p.html")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := page.Render(look.Shell{Title: "x"}, struct{ Name string }{"x"}); err == nil {
		t.Error("a page with an icon that there is not is no error")
	}
	if _, err := look.NewPage[int](newAssets(t), fstest.MapFS{"p.html": {Data: []byte(`x`)}}, "p.html"); err == nil {
		t.Error("a page without main is no error")
	}
}

var token = regexp.MustCompile(`--([a-z0-9-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)`)

// colours returns the colour tokens of the sheet in light (0) and dark (1).
func colours(t *testing.T) [2]map[string]string {
	t.Helper()
	a := newAssets(t)
	_, css := get(t, a, a.URL("look.css"))
	all := [2]map[string]string{{}, {}}
	for _, m := range token.FindAllStringSubmatch(css, -1) {
		all[0][m[1]], all[1][m[1]] = m[2], m[3]
	}
	if len(all[0]) < 25 {
		t.Fatalf("%d colour tokens found", len(all[0]))
	}
	return all
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	weights, sum := [3]float64{0.2126, 0.7152, 0.0722}, 0.0
	for i, weight := range weights {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// Text needs 4.5, what carries meaning without being text 3 (WCAG 2.2 AA).
func TestColoursHaveEnoughContrast(t *testing.T) {
	pairs := map[string][]string{
		"4.5 bg":          {"ink", "ink-2", "ink-3", "accent", "accent-strong", "bad"},
		"4.5 surface":     {"ink", "ink-2", "ink-3", "accent", "accent-strong", "bad", "warn", "good", "mute"},
		"4.5 sunken":      {"ink", "ink-2", "ink-3", "accent"},
		"4.5 hover":       {"ink", "ink-2", "ink-3", "bad"},
		"4.5 raised":      {"ink", "ink-2"},
		"4.5 accent-soft": {"accent-strong"},
		"4.5 bad-soft":    {"bad"},
		"4.5 warn-soft":   {"warn"},
		"4.5 good-soft":   {"good"},
		"4.5 mute-soft":   {"mute"},
		"4.5 accent":      {"on-accent"},
		"3 surface":       {"edge", "focus", "bad-mark", "warn-mark", "good-mark", "mute-mark", "use-line", "mean-line", "installed-line", "purchased-line"},
		"3 bg":            {"focus", "bad-mark", "warn-mark", "good-mark", "mute-mark"},
		"3 use-fill":      {"mean-line", "installed-line", "use-line", "purchased-line"},
	}
	for i, theme := range []string{"light", "dark"} {
		all := colours(t)[i]
		for ground, marks := range pairs {
			var least float64
			var name string
			if _, err := fmt.Sscanf(ground, "%g %s", &least, &name); err != nil {
				t.Fatal(err)
			}
			for _, mark := range marks {
				if all[mark] == "" || all[name] == "" {
					t.Fatalf("no colour %s or %s", mark, name)
				}
				if got := contrast(t, all[mark], all[name]); got < least {
					t.Errorf("%s: %s on %s has contrast %.2f, want %.1f", theme, mark, name, got, least)
				}
			}
		}
	}
}
