package look

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
)

const sparkHeight = 44

// Spark draws points as a small chart without an axis: the highest of each
// step as an area, installed as a step line over it, what nobody knows
// hatched. label says in words what it shows.
func Spark(points []Point, label string) template.HTML {
	if !slices.ContainsFunc(points, func(p Point) bool { return !p.Outside }) {
		return template.HTML(`<p class="spark-none">No readings yet</p>`)
	}
	s := scale{top: highest(points) * 1.06, height: sparkHeight - 3, pad: 2}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="spark" width="100%%" height="%d" role="img" aria-label="%s">`, sparkHeight, esc(label))
	b.WriteString(gapRects(points, 0, sparkHeight))
	fmt.Fprintf(&b, `<svg width="100%%" height="%d" viewBox="0 0 %d %d" preserveAspectRatio="none">`,
		sparkHeight, len(points), sparkHeight)
	fmt.Fprintf(&b, `<path class="area" d="%s"/>`, stepArea(points, s, maxOf))
	fmt.Fprintf(&b, `<path class="line-max" d="%s"/>`, stepPath(points, s, maxOf))
	fmt.Fprintf(&b, `<path class="line-installed" d="%s"/>`, stepPath(points, s, installedOf))
	b.WriteString(`</svg></svg>`)
	return template.HTML(b.String())
}
