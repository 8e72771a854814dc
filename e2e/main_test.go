package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// What all tests share: the program, one browser, one demo. Each is made by the
// first test that wants it, since a browser takes seconds to start and a demo
// has 13 months to tell.
var (
	dir string // of files, until the tests end

	program  = sync.OnceValues(build)
	chromium = sync.OnceValues(startChromium)
	demo     = sync.OnceValues(startDemo)

	ending sync.Mutex
	ends   []func() error // of what was started
)

// atEnd calls end when the tests have ended.
func atEnd(end func() error) {
	ending.Lock()
	defer ending.Unlock()
	ends = append(ends, end)
}

// demoNow is the present of the demo, so that it always shows the same.
const demoNow = "2026-11-24T10:00:00Z"

// demoMetrics is where the demo's hub tells how it does, once it is started.
var demoMetrics string

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "headroom-e2e-"); err != nil {
		panic(err)
	}
	m.Run()
	for _, end := range ends {
		if err := end(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// build makes the program as a release does, without cgo.
func build() (string, error) {
	path := filepath.Join(dir, "headroom")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/headroom")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
}

// startChromium returns a context of which each test makes one for its own tab.
func startChromium() (context.Context, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, err
	}
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(1440, 900)))
	atEnd(func() error { cancel(); return nil })
	return ctx, chromedp.Do(ctx) // without a time limit: that one would end the browser
}

// startDemo returns the address of the demo. Tests of the same demo come one
// after the other: what one changes, the next ones see.
func startDemo() (home string, err error) {
	path, err := program()
	if err != nil {
		return "", err
	}
	p, err := launch(path, "demo", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--now", demoNow)
	if err != nil {
		return "", err
	}
	atEnd(p.end)
	if demoMetrics, err = p.wait(`Prometheus may ask at (http://\S+)`); err != nil {
		return "", err
	}
	return p.wait(`demo is at\s+(http://\S+)`)
}

// ready fails the test where what it needs could not be made.
func ready[T any](t *testing.T, make func() (T, error)) T {
	t.Helper()
	v, err := make()
	if err != nil {
		t.Fatal(err)
	}
	return v
}
