package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// The pictures of README are of the demo, as it is now: make screenshots makes them.
func TestPicturesOfTheReadme(t *testing.T) {
	folder := os.Getenv("HEADROOM_PICTURES")
	if folder == "" {
		t.Skip("HEADROOM_PICTURES names no folder for them: see make screenshots")
	}
	b, home := newBrowser(t), ready(t, demo)
	b.prefer("light")
	for name, path := range map[string]string{"usage": "/", "details": concurrent} {
		b.open(home + path)
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
