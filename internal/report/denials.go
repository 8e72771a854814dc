package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

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

// A refusals counts denials. There may be very many of them, of few people for few
// reasons: so who was refused what is kept once.
type refusals struct {
	asked  []asked
	places map[asked]int32 // of asked, without the name
	rows   map[refusedOn]*refusedCount
}

// An asked is somebody who was refused a feature for a reason.
type asked struct {
	server, daemon, feature string
	user                    string // folded
	reason                  string
	name                    string // of the user, as it was written first
}

// A refusedOn is a day of theirs.
type refusedOn struct {
	day int32 // since 1970, in the zone of the times shown
	who int32 // an index of asked
}

type refusedCount struct{ served, unserved, unknown, lines int64 }

// denied counts a denial.
func (c *collector) denied(server string, d denial.Denial) {
	r := &c.refused
	if r.rows == nil {
		r.places, r.rows = map[asked]int32{}, map[refusedOn]*refusedCount{}
	}
	who := asked{server: server, daemon: d.Pool.Daemon, feature: d.Pool.Feature, user: license.FoldName(d.User), reason: d.Reason}
	place, known := r.places[who]
	if !known {
		place = int32(len(r.asked))
		r.places[who] = place
		who.name = d.User
		r.asked = append(r.asked, who)
	}
	year, month, day := d.First.In(c.options.zone()).Date()
	on := refusedOn{int32(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay), place}
	row := r.rows[on]
	if row == nil {
		row = new(refusedCount)
		r.rows[on] = row
	}
	switch d.Outcome {
	case denial.Unserved:
		row.unserved++
	case denial.Served:
		row.served++
	default:
		row.unknown++
	}
	row.lines += d.Count
}

const secondsOfDay = 86400

// denials returns the rows in their order.
func (c *collector) denials() []Denials {
	out := make([]Denials, 0, len(c.refused.rows))
	days := map[int32]string{}
	for on, n := range c.refused.rows {
		if days[on.day] == "" {
			days[on.day] = time.Unix(int64(on.day)*secondsOfDay, 0).UTC().Format(time.DateOnly)
		}
		who := &c.refused.asked[on.who]
		out = append(out, Denials{
			Day: days[on.day], Server: who.server, Daemon: who.daemon, Feature: who.feature, User: who.name, Reason: who.reason,
			True: n.unserved, False: n.served, Unknown: n.unknown, Refusals: n.lines,
		})
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
