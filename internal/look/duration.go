package look

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"headroom/internal/license"
)

// A Duration is a duration curve: for which share of the known time a value was
// not exceeded.
type Duration struct {
	ID        string // unique on the page, a plain word
	Title     string
	Use       string // "In use" or "Assigned"
	Steps     []Lasted
	Installed license.Count // at present; unknown: no line
}

// A Lasted is for how long a value lasted.
type Lasted struct{ Value, Seconds int64 }

// The measures of a duration curve, in pixels; its width is the browser's.
const (
	durationPlot = 150
	durationTop  = 22
	durationFoot = 26
	durationAll  = durationTop + durationPlot + durationFoot
	durationWide = 500 // columns: more than that nobody can tell apart
)

// durationMarks are the shares of the time, in thousandths, that are marked.
var durationMarks = []int64{950, 990, 1000}

// Thousandths writes a share in percent: with a digit behind the point only where
// it has one.
func Thousandths(n int64) string {
	if n%10 == 0 {
		return fmt.Sprint(n/10) + thin + "%"
	}
	return Decimal(float64(n)/10) + thin + "%"
}

// AtMost returns the lowest value that was not exceeded in a share of the time,
// in thousandths; unknown where there is no time. The steps ascend by value.
func (d Duration) AtMost(thousandths int64) license.Count {
	all := d.seconds()
	past := int64(0)
	for _, s := range d.Steps {
		if past += s.Seconds; 1000*past >= thousandths*all {
			return license.Of(s.Value)
		}
	}
	return license.Count{}
}

// Above returns for how long more than a value was in use.
func (d Duration) Above(value int64) (t time.Duration) {
	for _, s := range d.Steps {
		if s.Value > value {
			t += time.Duration(s.Seconds) * time.Second
		}
	}
	return t
}

func (d Duration) seconds() (all int64) {
	for _, s := range d.Steps {
		all += s.Seconds
	}
	return all
}

// HTML draws the curve as a figure. It needs no script.
func (d Duration) HTML() template.HTML {
	if d.seconds() == 0 {
		return template.HTML(`<p class="empty-note">No moment of this span is known.</p>`)
	}
	top := max(d.Steps[len(d.Steps)-1].Value, d.Installed.N, 1)
	s, marks := niceScale(float64(top), durationPlot, durationTop)
	var b strings.Builder
	b.WriteString(`<figure class="trend"><div class="trend-frame">`)
	axis(&b, marks, durationAll)
	fmt.Fprintf(&b, `<svg class="trend-plot" width="100%%" height="%d" role="img" aria-labelledby="%s-t %s-d">`, durationAll, d.ID, d.ID)
	fmt.Fprintf(&b, `<desc id="%s-t">%s</desc><desc id="%s-d">%s</desc>`, d.ID, esc(d.Title), d.ID, esc(d.words()))
	for i, m := range marks {
		class := "grid"
		if i == 0 {
			class = "grid base"
		}
		fmt.Fprintf(&b, `<line class="%s" x1="0" x2="100%%" y1="%s" y2="%s"/>`, class, num(m.y), num(m.y))
	}
	d.curve(&b, s)
	d.marks(&b, s)
	b.WriteString(`</svg></div><figcaption class="legend"><span class="legend-item">` +
		`<svg class="key" width="18" height="10" aria-hidden="true"><rect class="area" width="18" height="10"/><line class="line-max" x1="0" x2="18" y1="1" y2="1"/></svg>` +
		esc(d.Use) + ` at most, by share of the known time</span>`)
	if d.Installed.Known {
		b.WriteString(`<span class="legend-item"><svg class="key" width="18" height="10" aria-hidden="true">` +
			`<line class="line-installed" x1="0" x2="18" y1="5" y2="5"/></svg>Installed now</span>`)
	}
	b.WriteString(`</figcaption></figure>`)
	return template.HTML(b.String())
}

// curve draws what is stretched to the width of the page.
func (d Duration) curve(b *strings.Builder, s scale) {
	var path strings.Builder
	at := -1
	past, all := int64(0), d.seconds()
	for _, step := range d.Steps {
		past += step.Seconds
		to := int(durationWide * past / all)
		if to == at {
			continue // narrower than a column: the next one is higher, and covers it
		}
		fmt.Fprintf(&path, "V%sH%d", num(s.y(float64(step.Value))), to)
		at = to
	}
	floor := num(s.y(0))
	fmt.Fprintf(b, `<svg width="100%%" height="%d" viewBox="0 0 %d %d" preserveAspectRatio="none" aria-hidden="true">`, durationAll, durationWide, durationAll)
	fmt.Fprintf(b, `<path class="area" d="M0 %s%sV%sZ"/><path class="line-max" d="M0 %s%s"/></svg>`, floor, path.String(), floor, floor, path.String())
	if d.Installed.Known {
		y := num(s.y(float64(d.Installed.N)))
		fmt.Fprintf(b, `<line class="line-installed" x1="0" x2="100%%" y1="%s" y2="%s"/>`, y, y)
	}
}

// marks says on the axis where a share of the time ends, and dots its value.
func (d Duration) marks(b *strings.Builder, s scale) {
	foot := durationAll - 8
	for _, share := range []int64{0, 250, 500, 750, 1000} {
		anchor := "middle"
		switch share {
		case 0:
			anchor = "start"
		case 1000:
			anchor = "end"
		}
		fmt.Fprintf(b, `<text class="tick" x="%s" y="%d" text-anchor="%s">%s</text>`, percentOf(float64(share), 1000), foot, anchor, Thousandths(share))
	}
	for _, share := range durationMarks {
		value := d.AtMost(share)
		x, y := percentOf(float64(share), 1000), num(s.y(float64(value.N)))
		fmt.Fprintf(b, `<line class="turn" x1="%s" x2="%s" y1="%s" y2="%d"><title>%s</title></line><circle class="peak" cx="%s" cy="%s" r="4"/>`,
			x, x, y, durationTop+durationPlot, esc(d.mark(share)), x, y)
	}
}

// mark says in words what was not exceeded in a share of the time.
func (d Duration) mark(share int64) string {
	return fmt.Sprintf("%s of the known time at most %s", Thousandths(share), Number(d.AtMost(share).N))
}

// words says in a sentence what the curve shows.
func (d Duration) words() string {
	said := make([]string, len(durationMarks))
	for i, share := range durationMarks {
		said[i] = d.mark(share)
	}
	return d.Use + ": " + strings.Join(said, ", ") + ". The table below has more shares."
}
