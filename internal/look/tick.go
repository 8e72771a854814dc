package look

import (
	"fmt"
	"strings"
	"time"
)

// A tick is a date under a chart.
type tick struct {
	at   int // number of the point that begins there
	text string
}

const (
	ticksWide   = 14 // dates that a wide chart has room for
	ticksNarrow = 4
)

// ticks writes dates under the plot. Those that a narrow page has no room for
// are marked, and the style sheet hides them there. Few points have their date
// below their middle, more of them where they begin.
func (t Trend) ticks(b *strings.Builder) {
	all := t.dates()
	every := (len(all) + ticksNarrow - 1) / ticksNarrow
	y := trendTop + trendPlot + 18
	for i, d := range all {
		class := "tick"
		if every > 1 && i%every != 0 {
			class = "tick wide"
		}
		if len(t.Points) <= ticksWide {
			x := percentOf(float64(d.at)+0.5, float64(len(t.Points)))
			fmt.Fprintf(b, `<text class="%s" x="%s" y="%d" text-anchor="middle">%s</text>`, class, x, y, esc(d.text))
			continue
		}
		x, anchor := share(d.at, len(t.Points)), "middle"
		if d.at == 0 {
			anchor = "start"
		} else if d.at*100 >= 96*len(t.Points) {
			continue // would not fit
		}
		fmt.Fprintf(b, `<line class="%s" x1="%s" x2="%s" y1="%d" y2="%d"/><text class="%s" x="%s" y="%d" text-anchor="%s">%s</text>`,
			class, x, x, trendTop+trendPlot, trendTop+trendPlot+4, class, x, y, anchor, esc(d.text))
	}
}

// dates chooses where dates stand: at every day, Monday, first of a month or
// of a year, whichever is the first of which there is room for all.
func (t Trend) dates() []tick {
	var all []tick
	for _, rule := range tickRules {
		all = nil
		if !rule.fits(t.Step) {
			continue
		}
		for i, p := range t.Points {
			if at := t.Clock.in(p.From); rule.at(at) {
				all = append(all, tick{i, rule.text(at)})
			}
		}
		if len(all) > 0 && len(all) <= ticksWide {
			return all
		}
	}
	return thinned(all)
}

// thinned leaves out dates until there is room for the rest.
func thinned(all []tick) []tick {
	every := (len(all) + ticksWide - 1) / ticksWide
	var some []tick
	for i := 0; i < len(all); i += every {
		some = append(some, all[i])
	}
	return some
}

// A tickRule says at which points dates stand and how they are written.
type tickRule struct {
	steps string // for which steps
	at    func(time.Time) bool
	text  func(time.Time) string
}

func (r tickRule) fits(s Step) bool { return strings.Contains(r.steps, string(s)) }

// tickRules are tried in this order.
var tickRules = []tickRule{
	{"day", func(time.Time) bool { return true }, func(t time.Time) string { return t.Format("Mon 2 Jan") }},
	{"day", func(t time.Time) bool { return t.Weekday() == time.Monday }, dayText},
	{"day", func(t time.Time) bool { return t.Day() == 1 || t.Day() == 15 }, dayText},
	{"day month", func(t time.Time) bool { return t.Day() == 1 }, monthText},
	{"day month", func(t time.Time) bool { return t.Day() == 1 && t.Month()%3 == 1 }, monthText},
	{"day month year", func(t time.Time) bool { return t.YearDay() == 1 }, func(t time.Time) string { return t.Format("2006") }},
}

func dayText(t time.Time) string { return t.Format("2 Jan") }

// monthText names a month; January by its year.
func monthText(t time.Time) string {
	if t.Month() == time.January {
		return t.Format("2006")
	}
	return t.Format("Jan")
}
