package look_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"headroom/internal/license"
	"headroom/internal/look"
)

func TestNumbersAreGroupedByThree(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1\u202f000", 1560001: "1\u202f560\u202f001", -12345: "\u221212\u202f345",
		math.MinInt64: "\u22129\u202f223\u202f372\u202f036\u202f854\u202f775\u202f808",
	} {
		if got := look.Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDecimalsAndPercentages(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{look.Decimal(1234.56), "1\u202f234.6"},
		{look.Decimal(-0.04), "0.0"},
		{look.Decimal(-0.26), "\u22120.3"},
		{look.Decimal(math.NaN()), "\u2014"},
		{look.Percent(8.44), "8.4\u202f%"},
		{look.Percent(-2.25), "\u22122.3\u202f%"},
		{look.Percent(0), "0.0\u202f%"},
		{look.Percent(100), "100.0\u202f%"},
		{look.Percent(99.99), "over 99.9\u202f%"},
		{look.Percent(0.01), "under 0.1\u202f%"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestUnknownIsAWordAndNeverZero(t *testing.T) {
	got := string(look.Count(license.Count{}, `"because"`))
	if !strings.Contains(got, ">unknown<") || strings.Contains(got, ">0<") || !strings.Contains(got, "&#34;because&#34;") {
		t.Errorf("Count(unknown) = %q, want the word with its reason, escaped", got)
	}
	if got := string(look.Count(license.Of(0), "")); got != "0" {
		t.Errorf("Count(0) = %q, want 0", got)
	}
}

// berlin is a clock in Berlin at 2026-11-24 14:05.
func berlin(t *testing.T) look.Clock {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return look.Clock{Now: time.Date(2026, 11, 24, 13, 5, 0, 0, time.UTC), Zone: zone}
}

func TestEveryTimeShowsItsZone(t *testing.T) {
	clock := berlin(t)
	tehran, err := time.LoadLocation("Asia/Tehran")
	if err != nil {
		t.Fatal(err)
	}
	summer := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		clock look.Clock
		at    time.Time
		want  string
	}{
		{clock, clock.Now, "24 Nov 2026, 14:05 CET"},
		{clock, summer, "1 Jul 2026, 14:00 CEST"},
		{look.Clock{}, summer, "1 Jul 2026, 12:00 UTC"},
		{look.Clock{Zone: tehran}, summer, "1 Jul 2026, 15:30 UTC+03:30"},
	} {
		if got := c.clock.Text(c.at); got != c.want {
			t.Errorf("Text = %q, want %q", got, c.want)
		}
	}
	if got, want := clock.ZoneText(), "Europe/Berlin, CET"; got != want {
		t.Errorf("ZoneText = %q, want %q", got, want)
	}
	got := string(clock.Age(clock.Now.Add(-3 * time.Minute)))
	want := `<time datetime="2026-11-24T13:02:00Z" title="Tuesday 24 November 2026, 14:02:00 CET (24 Nov 13:02:00 UTC)">3 minutes ago</time>`
	if got != want {
		t.Errorf("Age = %s, want %s", got, want)
	}
}

func TestAgesRoundDown(t *testing.T) {
	clock := berlin(t)
	for d, want := range map[time.Duration]string{
		0:                             "just now",
		59 * time.Second:              "just now",
		time.Minute:                   "1 minute ago",
		119 * time.Minute:             "1 hour ago",
		47*time.Hour + 59*time.Minute: "47 hours ago",
		72*time.Hour - time.Second:    "2 days ago",
		72 * time.Hour:                "3 days ago",
		59 * 24 * time.Hour:           "59 days ago",
		61 * 24 * time.Hour:           "2 months ago",
		3 * 366 * 24 * time.Hour:      "3 years ago",
		-30 * time.Second:             "now",
		-10 * time.Minute:             "in 10 minutes",
	} {
		if got := clock.AgeText(clock.Now.Add(-d)); got != want {
			t.Errorf("age of %v = %q, want %q", d, got, want)
		}
	}
	if got := string(clock.Age(time.Time{})); !strings.Contains(got, "never") {
		t.Errorf("age of never = %q, want it to say never", got)
	}
}
