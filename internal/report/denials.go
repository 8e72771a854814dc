package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"headroom/internal/format/denial"
	"headroom/internal/license"
)

// Denials count the denials of one day, feature, person and reason.
type Denials struct {
	Day      string `json:"day"` // of the first refusal, in the zone of the times shown
	Server   string `json:"server"`
	Daemon   string `json:"daemon"`
	Feature  string `json:"feature"`
	User     string `json:"user"` // as it was written first
	Reason   string `json:"reason"`
	True     int64  `json:"true"`     // somebody went without
	False    int64  `json:"false"`    // served soon after
	Unknown  int64  `json:"unknown"`  // the log does not go on long enough
	Refusals int64  `json:"refusals"` // lines
}

// denied counts a denial.
func (c *collector) denied(server string, d denial.Denial) {
	key := Denials{
		Day: d.First.In(c.options.zone()).Format("2006-01-02"), Server: server, Daemon: d.Pool.Daemon, Feature: d.Pool.Feature,
		User: license.FoldName(d.User), Reason: d.Reason,
	}
	row := c.refused[key]
	if row == nil {
		if c.refused == nil {
			c.refused = map[Denials]*Denials{}
		}
		first := key
		row = &first
		row.User = d.User
		c.refused[key] = row
	}
	switch d.Outcome {
	case denial.Unserved:
		row.True++
	case denial.Served:
		row.False++
	default:
		row.Unknown++
	}
	row.Refusals += d.Count
}

// denials returns the rows in their order.
func (c *collector) denials() []Denials {
	out := make([]Denials, 0, len(c.refused))
	for _, d := range c.refused {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b Denials) int {
		return cmp.Or(
			strings.Compare(a.Day, b.Day), strings.Compare(a.Server, b.Server), strings.Compare(a.Daemon, b.Daemon),
			strings.Compare(a.Feature, b.Feature), strings.Compare(a.User, b.User), strings.Compare(a.Reason, b.Reason),
		)
	})
	return out
}

// shownDenials is how many rows a table for people has.
const shownDenials = 50

// denialTable writes the newest denials and their rule.
func (r Report) denialTable(t table) {
	if len(r.Denials) == 0 {
		return
	}
	t.row("DENIED ON", "FEATURE", "USER", "TRUE", "FALSE", "UNKNOWN", "REFUSALS", "REASON")
	for _, d := range r.Denials[max(0, len(r.Denials)-shownDenials):] {
		t.row(d.Day, d.Feature, d.User, fmt.Sprint(d.True), fmt.Sprint(d.False), fmt.Sprint(d.Unknown), fmt.Sprint(d.Refusals), d.Reason)
	}
	_ = t.w.Flush() // into a strings.Builder
	if more := len(r.Denials) - shownDenials; more > 0 {
		fmt.Fprintf(t.b, "%d older rows are left out; --json has them.\n", more)
	}
	fmt.Fprintln(t.b, DenialRule)
	t.b.WriteByte('\n')
}
