package look_test

import (
	"strings"
	"testing"

	"headroom/internal/license"
	"headroom/internal/look"
)

func TestDurationTellsWhatWasNotExceeded(t *testing.T) {
	// 100 seconds: 90 of them at 3 or less, 95 at 5, 99 at 8, all at 12.
	d := look.Duration{ID: "d", Title: "<CAD>", Use: "In use", Installed: license.Of(10), Steps: []look.Lasted{{1, 50}, {3, 40}, {5, 5}, {8, 4}, {12, 1}}}
	for _, c := range []struct{ share, want int64 }{{1, 1}, {500, 1}, {501, 3}, {900, 3}, {950, 5}, {951, 8}, {990, 8}, {991, 12}, {1000, 12}} {
		if got := d.AtMost(c.share); got != license.Of(c.want) {
			t.Errorf("in %d thousandths of the time at most %v, want %d", c.share, got, c.want)
		}
	}
	html := string(d.HTML())
	for _, want := range []string{"95\u202f% of the known time at most 5", "99\u202f% of the known time at most 8", "100\u202f% of the known time at most 12", "&lt;CAD&gt;", "Installed now"} {
		if !strings.Contains(html, want) {
			t.Errorf("the chart does not say %q: %s", want, html)
		}
	}
}

func TestDurationOfNothingIsNone(t *testing.T) {
	var d look.Duration
	if got := d.AtMost(950); got.Known {
		t.Errorf("of no time at most %v, want unknown", got)
	}
	if html := string(d.HTML()); !strings.Contains(html, "No moment") || strings.Contains(html, "<svg") {
		t.Errorf("chart of nothing: %s", html)
	}
}

// Tens of thousands of values are no wider than the page.
func TestDurationOfManyValuesStaysSmall(t *testing.T) {
	d := look.Duration{ID: "d", Use: "In use"}
	for v := range int64(50_000) {
		d.Steps = append(d.Steps, look.Lasted{Value: v, Seconds: 1})
	}
	if n := len(d.HTML()); n > 30_000 {
		t.Errorf("%d bytes", n)
	}
}
