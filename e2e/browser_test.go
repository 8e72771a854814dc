// Package e2e drives the real binary with a real browser: a hub, an agent, a
// license server's words, and a person who looks at the console.
package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds every single step in the browser.
const patience = 30 * time.Second

// A browser is one tab of a headless Chromium, with cookies of its own.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	said     []string // what pages complained of
	expected string   // a part of what they may complain of
}

// newBrowser opens a tab. Where Chromium is missing the test is skipped, and
// fails in CI: a page that nobody looked at is not a tested one. The test fails
// at its end if a page has complained on the console, of an error or of
// something that its policy forbids.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	parent, err := chromium()
	switch {
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "":
		t.Skip("chromium is not installed")
	case err != nil:
		t.Fatalf("start chromium (make test installs it on Debian): %v", err)
	}
	b := &browser{t: t}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.listen))
	b.ctx = ctx
	t.Cleanup(func() {
		cancel()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, line := range b.said {
			t.Error("on the console of a page: " + line)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	b.do("set the viewport", chromedp.EmulateViewport(1440, 900))
	return b
}

// listen keeps what a page writes on the console that it should not.
func (b *browser) listen(event any) {
	var line string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		line = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			line += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning {
			return
		}
		line = string(e.Type)
		for _, arg := range e.Args {
			line += " " + string(arg.Value) + arg.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		line = string(e.Entry.Source) + " " + e.Entry.Text + " " + e.Entry.URL
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.expected == "" || !strings.Contains(line, b.expected) {
		b.said = append(b.said, line)
	}
}

// expect says what the next pages may complain of: a part of it. The browser
// itself complains of each answer that is an error.
func (b *browser) expect(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = part
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

// appear waits until the page shows the element.
func (b *browser) appear(css string) {
	b.t.Helper()
	b.do("wait for "+css, chromedp.WaitVisible(chromedp.CSS(css)))
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

// look looks at the page as people do: wide and as on a phone, in light and in
// dark. It fails where the page is wider than the screen, and where axe finds
// fault with it. It keeps pictures where HEADROOM_SHOTS names a folder.
func (b *browser) look(name string) {
	b.t.Helper()
	for _, screen := range []struct {
		name          string
		width, height int64
		axe           string // what axe looks for, in light
	}{
		{"wide", 1440, 900, allOfAxe}, {"phone", 390, 844, sizesOfAxe},
	} {
		b.do("set the viewport", chromedp.EmulateViewport(screen.width, screen.height))
		b.prefer("light")
		b.fits(name, screen.width)
		b.axe(name+", "+screen.name, screen.axe)
		b.picture(name + "-" + screen.name + "-light")
		b.prefer("dark")
		if screen.name == "wide" {
			b.axe(name+", dark", contrastOfAxe)
		}
		b.picture(name + "-" + screen.name + "-dark")
	}
	b.do("set the viewport", chromedp.EmulateViewport(1440, 900))
	b.prefer("light")
}

// fits fails where the page is wider than the screen, and where dates under a chart
// touch each other.
func (b *browser) fits(name string, width int64) {
	b.t.Helper()
	if over := eval[int64](b, `document.documentElement.scrollWidth - window.innerWidth`); over > 0 {
		b.t.Errorf("%s at %d px: the page is %d px wider than the screen, by %s", name, width, over, eval[string](b,
			`[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > window.innerWidth).map((e) => e.outerHTML.slice(0, 90)).slice(0, 3).join(" | ")`))
	}
	if touching := eval[string](b, touchingDates); touching != "" {
		b.t.Errorf("%s at %d px: dates under a chart touch each other: %s", name, width, touching)
	}
}

const touchingDates = `[...document.querySelectorAll(".trend-plot")].flatMap((plot) => {
	const all = [...plot.querySelectorAll("text.tick")].map((e) => [e.getBoundingClientRect(), e.textContent]).filter(([r]) => r.width > 0);
	return all.filter(([r], i) => i > 0 && r.left < all[i - 1][0].right).map(([, text]) => text);
}).join(", ")`

// eval returns what an expression is in the page.
func eval[T any](b *browser, expression string, options ...chromedp.EvaluateOption) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		b.shoot("failed")
		b.t.Fatalf("%.80s: %v", expression, err)
	}
	return v
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

// picture keeps a picture of the page where somebody wants them.
func (b *browser) picture(name string) {
	if os.Getenv("HEADROOM_SHOTS") != "" {
		b.shoot(name)
	}
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
