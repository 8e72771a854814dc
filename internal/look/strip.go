package look

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

const stripHeight = 18

// A Cover is how much of a day is known.
type Cover struct {
	Title string  // the day and its coverage in words
	Share float64 // of the day, from 0 to 1; NaN where there was nothing to know
}

// Strip draws one column per day: filled as high as the day is known, hatched
// above. A day with nothing to know is a thin line. label says it in words.
func Strip(days []Cover, label string) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="strip" width="100%%" height="%d" role="img" aria-label="%s">`, stripHeight, esc(label))
	const rect = `<rect class="%s" x="%s" width="%s" y="%s" height="%s"%s/>`
	width := percentOf(0.8, float64(len(days)))
	if len(days) > 120 {
		width = share(1, len(days)) // columns are too narrow for gaps between them
	}
	for i, d := range days {
		x := share(i, len(days))
		fmt.Fprintf(&b, `<g><title>%s</title>`, esc(d.Title))
		switch known := stripHeight * d.Share; {
		case math.IsNaN(d.Share):
			fmt.Fprintf(&b, rect, "strip-none", x, width, num(stripHeight-2), "2", "")
		default:
			fmt.Fprintf(&b, rect, "gap", x, width, "0", num(stripHeight-known), ` fill="url(#hatch)"`)
			fmt.Fprintf(&b, rect, "strip-known", x, width, num(stripHeight-known), num(known), "")
		}
		b.WriteString(`</g>`)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}
