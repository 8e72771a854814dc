package look

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"
)

// The measures of a trend chart, in pixels. Its width is the browser's.
const (
	trendPlot   = 232
	trendTop    = 22
	trendBottom = 26
	trendHeight = trendTop + trendPlot + trendBottom
	trendAxis   = 56 // width of the column with the axis' figures
)

// A Step is the length of a trend's points.
type Step string

// The lengths of a point.
const (
	Days   Step = "day"
	Months Step = "month"
	Years  Step = "year"
)

// A Trend is a chart over time: the highest of each step as an area, its mean
// as a line, installed and purchased as step lines, gaps hatched, the peak
// marked.
type Trend struct {
	ID     string // unique on the page, a plain word
	Title  string
	Use    string // "In use" or "Assigned"
	Step   Step
	Clock  Clock
	Points []Point
	PeakAt time.Time // instant of the peak; zero: no mark
	Peak   int64
	Dots   []Dot  // peaks that can be opened
	Turns  []Turn // those outside of the points are not drawn
}

// A Dot is a peak with the address of the page that explains it.
type Dot struct {
	At    time.Time
	Value int64
	Text  string // which peak it is
	Href  string
}

// A Turn is a moment from which on the figures mean something else.
type Turn struct {
	At   time.Time
	Text string // what happened, a sentence
}

// HTML draws the chart as a figure with its legend. It needs no script; with
// the page's script the values of a step are shown beside the pointer.
func (t Trend) HTML() template.HTML {
	if len(t.Points) == 0 {
		return template.HTML(`<p class="empty-note">No readings in this span.</p>`)
	}
	s, marks := niceScale(highest(t.Points), trendPlot, trendTop)
	var b strings.Builder
	b.WriteString(`<figure class="trend"><div class="trend-frame">`)
	axis(&b, marks, trendHeight)
	fmt.Fprintf(&b, `<svg class="trend-plot" width="100%%" height="%d" role="img" aria-labelledby="%s-t %s-d" tabindex="0">`,
		trendHeight, t.ID, t.ID)
	fmt.Fprintf(&b, `<desc id="%s-t">%s</desc><desc id="%s-d">%s</desc>`, t.ID, esc(t.Title), t.ID, esc(t.words()))
	for i, m := range marks {
		class := "grid"
		if i == 0 {
			class = "grid base"
		}
		fmt.Fprintf(&b, `<line class="%s" x1="0" x2="100%%" y1="%s" y2="%s"/>`, class, num(m.y), num(m.y))
	}
	b.WriteString(importedRects(t.Points, trendTop, trendPlot))
	b.WriteString(gapRects(t.Points, trendTop, trendPlot))
	t.lines(&b, s)
	t.turns(&b)
	t.mark(&b, s)
	t.ticks(&b)
	t.hits(&b)
	b.WriteString(`</svg>`)
	t.dots(&b, s)
	b.WriteString(`</div>`)
	t.legend(&b)
	b.WriteString(`</figure>`)
	return template.HTML(b.String())
}

// axis writes the figures of a scale into a column of fixed width.
func axis(b *strings.Builder, marks []mark, height int) {
	fmt.Fprintf(b, `<svg class="trend-axis" width="%d" height="%d" aria-hidden="true">`, trendAxis, height)
	for _, m := range marks {
		fmt.Fprintf(b, `<text x="%d" y="%s" text-anchor="end">%s</text>`, trendAxis-10, num(m.y+4), Number(int64(m.value)))
	}
	b.WriteString(`</svg>`)
}

// lines draws what is stretched to the width of the page.
func (t Trend) lines(b *strings.Builder, s scale) {
	fmt.Fprintf(b, `<svg width="100%%" height="%d" viewBox="0 0 %d %d" preserveAspectRatio="none" aria-hidden="true">`,
		trendHeight, len(t.Points), trendHeight)
	fmt.Fprintf(b, `<path class="area" d="%s"/>`, stepArea(t.Points, s, maxOf))
	fmt.Fprintf(b, `<path class="ribbon" d="%s"/>`, ribbonPath(t.Points, s))
	fmt.Fprintf(b, `<path class="line-max" d="%s"/>`, stepPath(t.Points, s, maxOf))
	fmt.Fprintf(b, `<path class="line-mean" d="%s"/>`, meanPath(t.Points, s))
	if t.overdraft() {
		fmt.Fprintf(b, `<path class="line-purchased" d="%s"/>`, stepPath(t.Points, s, purchasedOf))
	}
	fmt.Fprintf(b, `<path class="line-installed" d="%s"/>`, stepPath(t.Points, s, installedOf))
	b.WriteString(`</svg>`)
}

// turns draws a line for each turn, that says what it is.
func (t Trend) turns(b *strings.Builder) {
	for _, turn := range t.Turns {
		if at, ok := t.place(turn.At); ok {
			x := percentOf(at, float64(len(t.Points)))
			fmt.Fprintf(b, `<line class="turn" x1="%s" x2="%s" y1="%d" y2="%d"><title>%s</title></line>`,
				x, x, trendTop, trendTop+trendPlot, esc(turn.Text))
		}
	}
}

// mark draws the peak as a dot with its value.
func (t Trend) mark(b *strings.Builder, s scale) {
	at, ok := t.place(t.PeakAt)
	if !ok {
		return
	}
	x, y := percentOf(at, float64(len(t.Points))), num(s.y(float64(t.Peak)))
	anchor := "middle"
	switch part := at / float64(len(t.Points)); {
	case part < 0.06:
		anchor = "start"
	case part > 0.94:
		anchor = "end"
	}
	fmt.Fprintf(b, `<circle class="peak" cx="%s" cy="%s" r="4"/><text class="peak-label" x="%s" y="%s" text-anchor="%s">%s</text>`,
		x, y, x, num(t.labelHeight(s, t.Points[int(at)])), anchor, Number(t.Peak))
}

// dots draws the peaks that can be opened, over the chart: what is within a picture
// cannot be reached by the keyboard.
func (t Trend) dots(b *strings.Builder, s scale) {
	var drawn strings.Builder
	for _, d := range t.Dots {
		at, ok := t.place(d.At)
		if !ok {
			continue
		}
		x, y := percentOf(at, float64(len(t.Points))), num(s.y(float64(d.Value)))
		said := esc(fmt.Sprintf("%s: %s on %s. Explain this number", d.Text, Number(d.Value), t.Clock.Text(d.At)))
		fmt.Fprintf(&drawn, `<a href="%s" aria-label="%s"><title>%s</title><circle class="reach" cx="%s" cy="%s" r="13"/><circle class="peak" cx="%s" cy="%s" r="4"/></a>`,
			esc(d.Href), said, said, x, y, x, y)
	}
	if drawn.Len() > 0 {
		fmt.Fprintf(b, `<svg class="trend-dots" width="100%%" height="%d" role="group" aria-label="Peaks">%s</svg>`, trendHeight, drawn.String())
	}
}

// labelHeight returns where the peak's value is written: above its dot, and
// above the line of what is installed where that would run through it.
func (t Trend) labelHeight(s scale, p Point) float64 {
	y := s.y(float64(t.Peak)) - 9
	if !p.Installed.Known {
		return y
	}
	if line := s.y(float64(p.Installed.N)); line < y+8 && line > y-14 {
		return line - 6
	}
	return y
}

// place returns where an instant stands among the points, in points.
func (t Trend) place(at time.Time) (float64, bool) {
	for i, p := range t.Points {
		if !at.Before(p.From) && at.Before(p.To) {
			return float64(i) + at.Sub(p.From).Seconds()/p.To.Sub(p.From).Seconds(), true
		}
	}
	return 0, false
}

// hits lays a field over each point that carries its values in words.
func (t Trend) hits(b *strings.Builder) {
	n := len(t.Points)
	b.WriteString(`<g class="hits">`)
	for i := range t.Points {
		fmt.Fprintf(b, `<rect x="%s" width="%s" y="%d" height="%d"><title>%s</title></rect>`,
			share(i, n), share(1, n), trendTop, trendPlot, esc(t.values(i)))
	}
	b.WriteString(`</g>`)
}

// values says what a point shows, a line each.
func (t Trend) values(i int) string {
	p := t.Points[i]
	lines := []string{t.name(p)}
	if p.Outside {
		return strings.Join(append(lines, "No readings yet"), "\n")
	}
	if !p.Max.Known {
		return strings.Join(append(lines, t.Use+": unknown"), "\n")
	}
	value := Number(p.Max.N)
	if p.Partial {
		value += " or more"
	}
	lines = append(lines, t.Use+", highest: "+value)
	if p.Least.Known {
		lines = append(lines, t.Use+", lowest: "+Number(p.Least.N))
	}
	if !math.IsNaN(p.Mean) {
		lines = append(lines, t.Use+", mean: "+Decimal(p.Mean))
	}
	if p.Installed.Known {
		lines = append(lines, "Installed: "+Number(p.Installed.N))
	}
	if p.Purchased.Known && p.Purchased != p.Installed {
		lines = append(lines, "Purchased: "+Number(p.Purchased.N))
	}
	if p.Imported {
		lines = append(lines, "Imported history")
	}
	return strings.Join(lines, "\n")
}

// name names a point: its day, month or year.
func (t Trend) name(p Point) string {
	from := t.Clock.in(p.From)
	switch t.Step {
	case Months:
		return from.Format("January 2006")
	case Years:
		return from.Format("2006")
	}
	return from.Format("Mon 2 Jan 2006")
}

// words says in a sentence or two what the chart shows.
func (t Trend) words() string {
	first, last := t.Points[0], t.Points[len(t.Points)-1]
	var unknown int
	for _, p := range t.Points {
		if isGap(p) {
			unknown++
		}
	}
	s := fmt.Sprintf("%s per %s from %s to %s.", t.Use, t.Step, t.name(first), t.name(last))
	if !t.PeakAt.IsZero() {
		s += fmt.Sprintf(" Highest %s on %s.", Number(t.Peak), t.Clock.Text(t.PeakAt))
	}
	if last.Installed.Known {
		s += fmt.Sprintf(" Installed at the end %s.", Number(last.Installed.N))
	}
	if n := len(slices.DeleteFunc(slices.Clone(t.Points), func(p Point) bool { return !p.Imported })); n > 0 {
		s += fmt.Sprintf(" Imported history in %s.", Plural(n, string(t.Step), string(t.Step)+"s"))
	}
	s += t.turned()
	if unknown > 0 {
		s += fmt.Sprintf(" Unknown in %s.", Plural(unknown, string(t.Step), string(t.Step)+"s"))
	}
	return s + " The table below has every value."
}

// turned says what the turns are.
func (t Trend) turned() string {
	var b strings.Builder
	for _, turn := range t.Turns {
		if _, ok := t.place(turn.At); ok {
			b.WriteString(" " + turn.Text)
		}
	}
	return b.String()
}

// overdraft reports whether anywhere less was purchased than is installed.
func (t Trend) overdraft() bool {
	for _, p := range t.Points {
		if p.Purchased.Known && p.Installed.Known && p.Purchased.N < p.Installed.N {
			return true
		}
	}
	return false
}

// legend names what is drawn.
func (t Trend) legend(b *strings.Builder) {
	b.WriteString(`<figcaption class="legend">`)
	item := func(key, words string) {
		fmt.Fprintf(b, `<span class="legend-item"><svg class="key" width="18" height="10" aria-hidden="true">%s</svg>%s</span>`, key, esc(words))
	}
	line := func(class string) string { return `<line class="` + class + `" x1="0" x2="18" y1="5" y2="5"/>` }
	item(`<rect class="area" width="18" height="10"/><line class="line-max" x1="0" x2="18" y1="1" y2="1"/>`,
		t.Use+", highest of the "+string(t.Step))
	if slices.ContainsFunc(t.Points, hasRibbon) {
		item(`<rect class="area" width="18" height="10"/><rect class="ribbon" width="18" height="10"/>`, "From the lowest to the highest")
	}
	item(line("line-mean"), "Mean")
	item(line("line-installed"), "Installed")
	if t.overdraft() {
		item(line("line-purchased"), "Purchased")
	}
	if slices.ContainsFunc(t.Points, isImported) {
		item(`<rect class="imported" width="18" height="10"/>`, "Imported history")
	}
	if t.turned() != "" {
		item(`<line class="turn" x1="9" x2="9" y1="0" y2="10"/>`, "Change")
	}
	if slices.ContainsFunc(t.Points, isGap) {
		item(`<rect class="gap" width="18" height="10" fill="url(#hatch)"/>`, "Unknown")
	}
	b.WriteString(`</figcaption>`)
}
