package look

import (
	"fmt"
	"html/template"
	"strings"

	"headroom/internal/license"
)

const barHeight = 10

// A Bar shows use against what is installed.
type Bar struct {
	InUse     license.Count
	Reserved  license.Count // part of InUse
	Installed license.Count
	Purchased license.Count // installed without overdraft
	Over      bool          // more in use than was purchased, on one server at least
	Label     string        // in words, for those who do not see it
}

// HTML draws the bar: in use filled, the reserved part of it lighter, a mark
// where what was purchased ends and overdraft begins, and one where installed
// ends if more is in use. Where use or installed is not known it is hatched
// from end to end.
func (b Bar) HTML() template.HTML {
	var s strings.Builder
	fmt.Fprintf(&s, `<svg class="bar" width="100%%" height="%d" role="img" aria-label="%s">`, barHeight, esc(b.Label))
	const rect = `<rect class="%s" x="%s" width="%s" y="%d" height="%d" rx="2"/>`
	if !b.InUse.Known || !b.Installed.Known {
		fmt.Fprintf(&s, `<rect class="gap" width="100%%" height="%d" rx="2" fill="url(#hatch)"/></svg>`, barHeight)
		return template.HTML(s.String())
	}
	whole := float64(max(b.InUse.N, b.Installed.N, 1))
	fmt.Fprintf(&s, rect, "bar-free", "0%", percentOf(float64(b.Installed.N), whole), 0, barHeight)
	if b.Purchased.Known && b.Purchased.N < b.Installed.N {
		fmt.Fprintf(&s, rect, "bar-overdraft", percentOf(float64(b.Purchased.N), whole),
			percentOf(float64(b.Installed.N-b.Purchased.N), whole), 0, barHeight)
	}
	class := "bar-used"
	if b.Over {
		class = "bar-used over"
	}
	fmt.Fprintf(&s, rect, class, "0%", percentOf(float64(b.InUse.N), whole), 0, barHeight)
	if b.Reserved.Known && b.Reserved.N > 0 {
		fmt.Fprintf(&s, rect, "bar-reserved", percentOf(float64(b.InUse.N-b.Reserved.N), whole),
			percentOf(float64(b.Reserved.N), whole), 0, barHeight)
	}
	if b.Purchased.Known && b.Purchased.N < b.Installed.N {
		x := percentOf(float64(b.Purchased.N), whole)
		fmt.Fprintf(&s, `<line class="bar-purchased" x1="%s" x2="%s" y1="-1" y2="%d"/>`, x, x, barHeight+1)
	}
	if b.InUse.N > b.Installed.N {
		x := percentOf(float64(b.Installed.N), whole)
		fmt.Fprintf(&s, `<line class="bar-installed" x1="%s" x2="%s" y1="-2" y2="%d"/>`, x, x, barHeight+2)
	}
	s.WriteString(`</svg>`)
	return template.HTML(s.String())
}
