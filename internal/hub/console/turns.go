package console

import (
	"fmt"
	"html/template"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/look"
)

// A turnView is a change in words.
type turnView struct {
	Text string
	On   template.HTML
}

// maxTurns is how many changes of a kind a chart marks: the newest.
const maxTurns = 24

// turnsOf are the moments from which on a product's figures mean something else:
// what is installed changed, a license server came, its data were deleted, its
// people are named otherwise.
func turnsOf(clock look.Clock, d usage.Details) []look.Turn {
	var turns []look.Turn
	var before license.Count
	for _, b := range d.Trend {
		if b.Installed.Known && before.Known && b.Installed != before {
			turns = append(turns, look.Turn{At: time.Unix(b.From, 0), Text: fmt.Sprintf(
				"Installed went from %s to %s in the %s of %s.", look.Number(before.N), look.Number(b.Installed.N), string(stepOf(d)), bucketName(clock, stepOf(d), b))})
		}
		if b.Installed.Known {
			before = b.Installed
		}
	}
	turns = turns[max(0, len(turns)-maxTurns):]
	var others []look.Turn
	inside := func(at time.Time) bool {
		return len(d.Trend) > 0 && at.Unix() >= d.Trend[0].To && at.Unix() < d.Trend[len(d.Trend)-1].To
	}
	for _, s := range d.Servers {
		if inside(s.Server.Registered) {
			others = append(others, look.Turn{At: s.Server.Registered, Text: s.Server.Name + " was registered."})
		}
		if inside(s.Server.Erased) {
			others = append(others, look.Turn{At: s.Server.Erased, Text: "Usage data of " + s.Server.Name + " were deleted by " + s.Server.ErasedBy + "."})
		}
		for _, n := range s.Server.Names {
			if inside(n.Since) {
				others = append(others, look.Turn{At: n.Since, Text: "Names of people on " + s.Server.Name + " come as " + n.Mode + " from here on."})
			}
		}
	}
	return append(turns, others[max(0, len(others)-maxTurns):]...)
}

// stepOf is the step of a trend.
func stepOf(d usage.Details) usage.Step {
	if d.Question.Step == "" {
		return usage.ByDay
	}
	return d.Question.Step
}
