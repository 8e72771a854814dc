package console

import (
	"fmt"
	"html/template"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// A recencyRow is how many assignments were used last within some days.
type recencyRow struct {
	Label string
	Count int64
	Share string
	Bar   template.HTML
	Rule  bool // the line of the 90-day rule stands above it
}

// recencyDays end the groups of a recency; what is longer ago is in the last.
var recencyDays = []struct {
	label string
	days  int
}{{"0 to 7 days", 7}, {"8 to 30 days", 30}, {"31 to 90 days", 90}, {"over 90 days", 1 << 20}}

// newRecency counts the assignments that stand by when they were used last; nil
// where none does.
func newRecency(now time.Time, rows []usage.Assigned) []recencyRow {
	counts := make([]int64, len(recencyDays)+1) // the last: not told
	all := int64(0)
	for _, r := range rows {
		if r.Ended.IsZero() {
			all++
			counts[recencyOf(now, r.Last)]++
		}
	}
	if all == 0 {
		return nil
	}
	var out []recencyRow
	for i, n := range counts {
		share := 100 * float64(n) / float64(all)
		row := recencyRow{Label: "not told", Count: n, Share: look.Percent(share)}
		if i < len(recencyDays) {
			row.Label, row.Rule = recencyDays[i].label, i == len(recencyDays)-1
		} else if n == 0 {
			continue
		}
		row.Bar = template.HTML(fmt.Sprintf(`<svg class="recency-bar" width="100%%" height="12" aria-hidden="true"><rect width="%.2f%%" height="12" rx="2"/></svg>`, share))
		out = append(out, row)
	}
	return out
}

func recencyOf(now, last time.Time) int {
	if last.IsZero() {
		return len(recencyDays)
	}
	days := int(now.Sub(last) / (24 * time.Hour))
	for i, group := range recencyDays {
		if days <= group.days {
			return i
		}
	}
	return len(recencyDays) - 1
}
