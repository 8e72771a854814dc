package look_test

import (
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/look"
)

// day makes a point of a day in November 2026, or later.
func day(i int, highest license.Count) look.Point {
	from := time.Date(2026, 11, 1+i, 0, 0, 0, 0, time.UTC)
	p := look.Point{From: from, To: from.AddDate(0, 0, 1), Max: highest, Mean: math.NaN(), Installed: license.Of(100), Purchased: license.Of(90)}
	if highest.Known {
		p.Mean = float64(highest.N) / 2
	}
	return p
}

// checkMarkup fails if markup is not well-formed or breaks the policy.
func checkMarkup(t testing.TB, markup template.HTML) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<x>" + string(markup) + "</x>"))
	d.Entity = xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in %s", err, markup)
		}
		tag, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if tag.Name.Local == "script" {
			t.Fatalf("a script in %s", markup)
		}
		for _, a := range tag.Attr {
			if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") {
				t.Fatalf("%s=%q on <%s> breaks the policy", a.Name.Local, a.Value, tag.Name.Local)
			}
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
				t.Fatalf("%s=%q on <%s> is no number", a.Name.Local, a.Value, tag.Name.Local)
			}
		}
	}
}

func TestUnknownDaysAreHatchedAndNeverZero(t *testing.T) {
	outside := day(0, license.Count{})
	outside.Outside = true
	outside.Installed, outside.Purchased = license.Count{}, license.Count{}
	points := []look.Point{outside, day(1, license.Of(40)), day(2, license.Count{}), day(3, license.Count{}), day(4, license.Of(100))}
	trend := string(look.Trend{ID: "t", Title: "A product", Use: "In use", Step: look.Days, Points: points}.HTML())
	if got, want := strings.Count(trend, `class="gap" x="40%" width="40%"`), 1; got != want {
		t.Errorf("%d gaps over days 2 and 3, want %d, in %s", got, want, trend)
	}
	// The area begins anew after the gap: one closed figure on each side.
	_, area, _ := strings.Cut(trend, `<path class="area" d="`)
	area, _, _ = strings.Cut(area, `"`)
	if want := "M1 254V161.2H2V254ZM4 254V22H5V254Z"; area != want {
		t.Errorf("area %q, want %q", area, want)
	}
	for _, want := range []string{"In use: unknown", "No readings yet", "Unknown in 2 days."} {
		if !strings.Contains(trend, want) {
			t.Errorf("trend does not say %q", want)
		}
	}
	spark := string(look.Spark(points, "A product"))
	if got := strings.Count(spark, `class="gap"`); got != 1 {
		t.Errorf("sparkline has %d gaps, want 1", got)
	}
	if got := string(look.Spark(points[:1], "A product")); !strings.Contains(got, "No readings yet") {
		t.Errorf("sparkline of nothing = %s", got)
	}
}

func TestPeakStandsAtItsInstant(t *testing.T) {
	points := []look.Point{day(0, license.Of(10)), day(1, license.Of(80)), day(2, license.Of(20)), day(3, license.Of(5))}
	trend := look.Trend{ID: "t", Use: "In use", Step: look.Days, Points: points, Peak: 80, PeakAt: points[1].From.Add(12 * time.Hour)}
	if got := string(trend.HTML()); !strings.Contains(got, `class="peak" cx="37.5%" cy="`) {
		t.Errorf("no peak at 1.5 of 4 days in %s", got)
	}
	trend.PeakAt = points[3].To
	if got := string(trend.HTML()); strings.Contains(got, `class="peak"`) {
		t.Error("a peak outside of the chart is drawn in it")
	}
}

func TestChartsAreWellFormedWhateverIsInThem(t *testing.T) {
	count := rapid.Custom(func(t *rapid.T) license.Count {
		return license.Count{Known: rapid.Bool().Draw(t, "known"), N: rapid.Int64Range(0, 1<<40).Draw(t, "n")}
	})
	point := rapid.Custom(func(t *rapid.T) look.Point {
		p := day(rapid.IntRange(0, 900).Draw(t, "day"), count.Draw(t, "max"))
		p.Installed, p.Purchased = count.Draw(t, "installed"), count.Draw(t, "purchased")
		p.Outside, p.Partial = rapid.Bool().Draw(t, "outside"), rapid.Bool().Draw(t, "partial")
		return p
	})
	rapid.Check(t, func(rt *rapid.T) {
		points := rapid.SliceOfN(point, 0, 40).Draw(rt, "points")
		words := rapid.SampledFrom([]string{"In use", `<script>"'&`}).Draw(rt, "words")
		step := rapid.SampledFrom([]look.Step{look.Days, look.Months, look.Years}).Draw(rt, "step")
		trend := look.Trend{ID: "t", Title: words, Use: words, Step: step, Points: points}
		if len(points) > 0 {
			trend.PeakAt, trend.Peak = points[0].From, points[0].Max.N
		}
		checkMarkup(t, trend.HTML())
		checkMarkup(t, look.Spark(points, words))
		checkMarkup(t, look.Bar{
			InUse: count.Draw(rt, "use"), Reserved: count.Draw(rt, "reserved"), Installed: count.Draw(rt, "inst"),
			Purchased: count.Draw(rt, "bought"), Over: true, Label: words,
		}.HTML())
		checkMarkup(t, look.Strip([]look.Cover{{Title: words, Share: math.NaN()}, {Title: words, Share: 0.5}}, words))
		checkMarkup(t, look.Badge(look.Tone(words), words))
	})
}

func TestAxisHasFewRoundFigures(t *testing.T) {
	for _, top := range []int64{0, 1, 2, 7, 13, 99, 100, 101, 1320, 50_000, 1_560_001} {
		chart := string(look.Trend{ID: "t", Use: "In use", Step: look.Days, Points: []look.Point{{
			From: time.Unix(0, 0), To: time.Unix(86400, 0), Max: license.Of(top), Mean: math.NaN(),
		}}}.HTML())
		axis, _, _ := strings.Cut(chart, `trend-plot`)
		figures := strings.Count(axis, "<text")
		if figures < 3 || figures > 6 {
			t.Errorf("highest %d: %d figures, want 3 to 6", top, figures)
		}
		if !strings.Contains(axis, ">0</text>") {
			t.Errorf("highest %d: the axis does not begin at 0", top)
		}
	}
}

func TestImportedHistoryIsTintedAndSaid(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var points []look.Point
	for i := range 4 {
		points = append(points, look.Point{
			From: from.AddDate(0, 0, i), To: from.AddDate(0, 0, i+1), Max: license.Of(3), Mean: 2, Imported: i == 1 || i == 2,
		})
	}
	chart := look.Trend{ID: "t", Title: "x", Use: "In use", Step: look.Days, Clock: look.Clock{Now: from, Zone: time.UTC}, Points: points}
	page := string(chart.HTML())
	for _, want := range []string{`class="imported" x="25%" width="50%"`, "Imported history in 2 days.", ">Imported history</span>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the chart lacks %q:\n%s", want, page)
		}
	}
	if n := strings.Count(page, "Imported history</title>"); n != 2 {
		t.Errorf("%d days say that they were imported, want 2", n)
	}
}

func TestABarOfUnknownUseIsHatched(t *testing.T) {
	got := string(look.Bar{Installed: license.Of(50)}.HTML())
	if !strings.Contains(got, "#hatch") || strings.Contains(got, "bar-used") {
		t.Errorf("bar of unknown use = %s, want it hatched and nothing filled", got)
	}
	got = string(look.Bar{InUse: license.Of(25), Installed: license.Of(100), Purchased: license.Of(80)}.HTML())
	for _, want := range []string{`class="bar-used" x="0%" width="25%"`, `class="bar-overdraft" x="80%" width="20%"`} {
		if !strings.Contains(got, want) {
			t.Errorf("bar = %s, want it to have %s", got, want)
		}
	}
}
