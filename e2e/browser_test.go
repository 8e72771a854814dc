// Package e2e drives the real binary with a real browser: a hub, an agent, a
// license server's words, and a person who looks at the console.
package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience bounds every single step in the browser.
const patience = 30 * time.Second

// A browser is one tab of a headless Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// newBrowser starts Chromium. Where it is missing the test is skipped, and
// fails in CI: a page that nobody looked at is not a tested one.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is not installed; make test installs it on Debian")
		}
		t.Skip("chromium is not installed")
	}
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(1440, 900)))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // without a time limit: that one would end the browser
		t.Fatalf("start chromium: %v", err)
	}
	return &browser{t, ctx}
}

func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.shoot("failed")
		b.t.Fatalf("%s: %v\n%s", what, err, b.text("body"))
	}
}

func (b *browser) open(url string) { b.t.Helper(); b.do("open "+url, chromedp.Navigate(url)) }

// fill sets the field of that name.
func (b *browser) fill(name, value string) {
	b.t.Helper()
	field := chromedp.CSS(`[name="` + name + `"]`)
	b.do("fill "+name, chromedp.WaitVisible(field), chromedp.SetValue(field, value))
}

// submit clicks and waits for the page that follows.
func (b *browser) submit(css string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Click(chromedp.CSS(css)))); err != nil {
		b.shoot("failed")
		b.t.Fatalf("submit %s: %v\n%s", css, err, b.text("body"))
	}
}

// text returns what a person reads in the first element that matches.
func (b *browser) text(css string) string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(css)))
	if err != nil {
		return "(no text of " + css + ": " + err.Error() + ")"
	}
	return s
}

// see fails unless the page shows every one of the texts.
func (b *browser) see(texts ...string) {
	b.t.Helper()
	body := b.text("body")
	for _, want := range texts {
		if !strings.Contains(body, want) {
			b.shoot("failed")
			b.t.Fatalf("page %s does not show %q:\n%s", b.address(), want, body)
		}
	}
}

func (b *browser) address() string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return s
}

// look takes a picture of the whole page in light and dark, wide and as on a
// phone, and fails where the page is wider than the screen.
func (b *browser) look(name string) {
	b.t.Helper()
	for _, screen := range []struct {
		name          string
		width, height int64
	}{{"wide", 1440, 900}, {"phone", 390, 844}} {
		b.do("set the viewport", chromedp.EmulateViewport(screen.width, screen.height))
		for _, scheme := range []string{"light", "dark"} {
			b.prefer(scheme)
			b.shoot(name + "-" + screen.name + "-" + scheme)
		}
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		over, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth - window.innerWidth`))
		cancel()
		if err != nil || over > 0 {
			b.t.Errorf("%s at %d px: the page is %d px wider than the screen (%v)", name, screen.width, over, err)
		}
	}
	b.do("set the viewport", chromedp.EmulateViewport(1440, 900))
	b.prefer("light")
}

func (b *browser) prefer(scheme string) {
	b.t.Helper()
	b.do("prefer "+scheme, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // no picture in the middle of a fade
			},
		})
		return chromedp.Void{}, err
	})
}

// shoot keeps a picture of the page in the folder HEADROOM_SHOTS, where that
// is set, else with the test's artifacts.
func (b *browser) shoot(name string) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Logf("picture %s: %v", name, err)
		return
	}
	dir := os.Getenv("HEADROOM_SHOTS")
	if dir == "" {
		dir = b.t.ArtifactDir()
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Logf("picture %s: %v", name, err)
	}
}
