package console

import (
	"fmt"
	"html/template"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// A checkView says how the readings of a license server and its log agree.
type checkView struct {
	Name    string
	Differs bool
	Text    template.HTML
}

// newChecks shows the license servers whose log and status tell of the same
// pools.
func newChecks(clock look.Clock, servers []usage.ServerUse) []checkView {
	var all []checkView
	for _, s := range servers {
		c := s.Check
		if c.Compared == 0 {
			continue
		}
		v := checkView{Name: s.Server.Name, Differs: c.Differ > 0}
		since := look.Plural(c.Compared, "reading", "readings") + " since " + clock.DayText(c.From)
		if !v.Differs {
			v.Text = template.HTML(template.HTMLEscapeString("its log agrees with its status at " + since + "."))
			all = append(all, v)
			continue
		}
		v.Text = template.HTML(fmt.Sprintf("its status and its log differ at %s of %s. Last at %s, for %s: the status said %s in use by people, the log %s. The log counts.",
			look.Number(int64(c.Differ)), template.HTMLEscapeString(since), clock.Time(time.Unix(c.At, 0)), template.HTMLEscapeString(c.Pool.String()),
			look.Number(c.Reading), look.Number(c.Log)))
		all = append(all, v)
	}
	return all
}
