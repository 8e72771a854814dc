package look

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"headroom/internal/license"
)

// A Point is one step of a chart: usually a local day.
type Point struct {
	From, To  time.Time
	Max       license.Count // highest in use; unknown: nobody knows, drawn as a gap
	Least     license.Count // lowest in use of what is known; unknown where nobody tells it
	Outside   bool          // there was nothing to know: before the first reading, or not uploaded yet
	Partial   bool          // at the highest a server was unknown: the true value may be higher
	Imported  bool          // history that was not read live is in it
	Mean      float64       // over the known time; NaN if none
	Installed license.Count
	Purchased license.Count // installed without overdraft
}

// A mark is a figure of a chart's scale: the value at a height.
type mark struct {
	value float64
	y     float64
}

// A scale turns values into heights: 0 is at the bottom of a plot, which is
// given in pixels. Widths are relative, because the browser decides them.
type scale struct {
	top    float64 // highest value that fits
	height float64 // of the plot
	pad    float64 // pixels above it
}

// y returns the height of a value, in pixels from the top of the chart.
func (s scale) y(v float64) float64 { return s.pad + s.height*(1-v/s.top) }

// niceScale returns a scale that holds highest, and its marks: 0, and two to
// five round values above it.
func niceScale(highest, height, pad float64) (scale, []mark) {
	step := niceStep(highest / 4)
	n := max(math.Ceil(highest/step-1e-9), 2)
	s := scale{top: n * step, height: height, pad: pad}
	marks := make([]mark, 0, int(n)+1)
	for i := 0.0; i <= n; i++ {
		marks = append(marks, mark{value: i * step, y: s.y(i * step)})
	}
	return s, marks
}

// niceStep returns the smallest of 1, 2, 5, 10, 20 ... that is at least x.
func niceStep(x float64) float64 {
	if x <= 1 {
		return 1 // licenses are whole
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// highest returns the highest value that a chart of points has to show.
func highest(points []Point) float64 {
	var top int64
	for _, p := range points {
		for _, c := range []license.Count{p.Max, p.Installed, p.Purchased} {
			if c.Known {
				top = max(top, c.N)
			}
		}
	}
	return float64(max(top, 1))
}

// A run is a stretch of points with something in common: [from, to).
type run struct{ from, to int }

// runs returns the longest stretches of points for which is holds.
func runs(points []Point, is func(Point) bool) []run {
	var all []run
	for i, p := range points {
		switch {
		case !is(p):
		case len(all) > 0 && all[len(all)-1].to == i:
			all[len(all)-1].to = i + 1
		default:
			all = append(all, run{i, i + 1})
		}
	}
	return all
}

// stepPath draws the stretches in which value is known as a line that holds
// its value from each point to the next. Each point is one unit wide.
func stepPath(points []Point, s scale, value func(Point) license.Count) string {
	var b strings.Builder
	for _, r := range runs(points, func(p Point) bool { return value(p).Known }) {
		fmt.Fprintf(&b, "M%d %s", r.from, num(s.y(float64(value(points[r.from]).N))))
		last := int64(-1)
		for i := r.from; i < r.to; i++ {
			if n := value(points[i]).N; n != last && i > r.from {
				fmt.Fprintf(&b, "H%dV%s", i, num(s.y(float64(n))))
			}
			last = value(points[i]).N
		}
		fmt.Fprintf(&b, "H%d", r.to)
	}
	return b.String()
}

// stepArea is stepPath closed along the bottom.
func stepArea(points []Point, s scale, value func(Point) license.Count) string {
	var b strings.Builder
	for _, r := range runs(points, func(p Point) bool { return value(p).Known }) {
		fmt.Fprintf(&b, "M%d %s", r.from, num(s.y(0)))
		for i := r.from; i < r.to; i++ {
			fmt.Fprintf(&b, "V%sH%d", num(s.y(float64(value(points[i]).N))), i+1)
		}
		fmt.Fprintf(&b, "V%sZ", num(s.y(0)))
	}
	return b.String()
}

// ribbonPath encloses what lies between the lowest and the highest of each point.
func ribbonPath(points []Point, s scale) string {
	var b strings.Builder
	for _, r := range runs(points, hasRibbon) {
		fmt.Fprintf(&b, "M%d %s", r.from, num(s.y(float64(points[r.from].Max.N))))
		for i := r.from; i < r.to; i++ {
			fmt.Fprintf(&b, "V%sH%d", num(s.y(float64(points[i].Max.N))), i+1)
		}
		for i := r.to - 1; i >= r.from; i-- {
			fmt.Fprintf(&b, "V%sH%d", num(s.y(float64(points[i].Least.N))), i)
		}
		b.WriteString("Z")
	}
	return b.String()
}

func hasRibbon(p Point) bool { return p.Max.Known && p.Least.Known }

// meanPath draws the means through the middle of each point.
func meanPath(points []Point, s scale) string {
	var b strings.Builder
	for _, r := range runs(points, func(p Point) bool { return !math.IsNaN(p.Mean) }) {
		for i := r.from; i < r.to; i++ {
			verb := "L"
			if i == r.from {
				verb = "M"
			}
			fmt.Fprintf(&b, "%s%s %s", verb, num(float64(i)+0.5), num(s.y(points[i].Mean)))
		}
	}
	return b.String()
}

// gapRects hatches what nobody knows.
func gapRects(points []Point, y, height float64) string {
	var b strings.Builder
	for _, r := range runs(points, isGap) {
		fmt.Fprintf(&b, `<rect class="gap" x="%s" width="%s" y="%s" height="%s" fill="url(#hatch)"/>`,
			share(r.from, len(points)), share(r.to-r.from, len(points)), num(y), num(height))
	}
	return b.String()
}

// importedRects tints what was imported.
func importedRects(points []Point, y, height float64) string {
	var b strings.Builder
	for _, r := range runs(points, isImported) {
		fmt.Fprintf(&b, `<rect class="imported" x="%s" width="%s" y="%s" height="%s"/>`,
			share(r.from, len(points)), share(r.to-r.from, len(points)), num(y), num(height))
	}
	return b.String()
}

func isImported(p Point) bool { return p.Imported }

// isGap reports whether a point is one of which something should be known and
// is not.
func isGap(p Point) bool { return !p.Max.Known && !p.Outside }

func maxOf(p Point) license.Count       { return p.Max }
func installedOf(p Point) license.Count { return p.Installed }
func purchasedOf(p Point) license.Count { return p.Purchased }

// num writes a coordinate with at most one digit after the point.
func num(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

// share writes the part i of n as a percentage of a width.
func share(i, n int) string { return percentOf(float64(i), float64(n)) }

// percentOf writes the part x of y as a percentage of a width, within 0 and
// 100.
func percentOf(x, y float64) string {
	if y <= 0 {
		return "0%"
	}
	p := min(max(100*x/y, 0), 100)
	return strconv.FormatFloat(math.Round(p*1000)/1000, 'f', -1, 64) + "%"
}

func esc(s string) string { return template.HTMLEscapeString(s) }
