package console

import (
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/look"
)

// A momentPage explains the use of a product at one second.
type momentPage struct {
	productView
	Details string // address of the product's page
	Whole   bool   // all license servers are chosen
	When    template.HTML
	Sum     peakView
	Rules   []string
	Known   template.HTML // how much of the day is known
	Least   template.HTML // of the day
	Highest peakView
	Parts   []momentRow
}

// A momentRow is a license server's part.
type momentRow struct {
	Name, Href, Pools  string
	Counted            bool
	InUse, Installed   template.HTML
	Basis              template.HTML
	UseSort, TotalSort string
}

// momentPath is the address that explains a second of a query's product.
func momentPath(q detailsQuery, at int64) string {
	v := q.values()
	for _, other := range []string{"step", "hours", "who", "how"} {
		v.Del(other) // of the details alone
	}
	v.Set("at", strconv.FormatInt(at, 10))
	return productPath(q.product) + "/at?" + v.Encode()
}

func (c *Console) getMoment(w http.ResponseWriter, r *http.Request, v visit) error {
	q, err := c.query(r, v)
	if err != nil {
		return err
	}
	at, err := strconv.ParseInt(r.URL.Query().Get("at"), 10, 64)
	if err != nil || at <= 0 || at > v.clock.Now.Unix() {
		return fault.Errorf(fault.Invalid, "%.30q is no second of the past", r.URL.Query().Get("at"))
	}
	m, err := c.Usage.Moment(r.Context(), v.member.Org, q.question(v.clock), time.Unix(at, 0))
	if err != nil {
		return err
	}
	return show(c, w, r, v, look.Shell{Title: m.Product.Name + ", explained", Section: "usage"}, c.pages.moment, http.StatusOK, newMomentPage(v.clock, q, m))
}

func newMomentPage(clock look.Clock, q detailsQuery, m usage.Moment) momentPage {
	p := momentPage{
		productView: newProduct(m.Product), Details: q.path(""), When: clock.Time(m.At), Whole: len(m.Parts) == len(m.All),
		Sum: newPeak(clock, "Then", m.Sum), Known: coverageText(m.Trend.Peak.Coverage), Highest: newPeak(clock, "Highest of that day", m.Trend.Peak),
		Least: look.Count(m.Trend.Least, "No moment of that day is known."),
	}
	left := 0
	for _, part := range m.Parts {
		p.Parts = append(p.Parts, newMomentRow(part))
		if !part.Then.Known {
			left++
		}
	}
	p.Rules = momentRules(p.UseWord, m.Sum, left)
	return p
}

func newMomentRow(part usage.MomentPart) momentRow {
	row := momentRow{
		Name: part.Server.Name, Href: "/servers/" + url.PathEscape(part.Server.GUID), Pools: joined(part.Pools), Counted: part.Then.Known,
		InUse: look.Unknown("At that second nothing was known of it."), Installed: look.Unknown("At that second nothing was known of it."),
		Basis: look.None("nothing was known of it"),
	}
	if part.Then.Known {
		row.InUse, row.Installed, row.Basis = peakValue(part.Then), peakInstalled(part.Then), basisText(part.Then)
		row.UseSort, row.TotalSort = strconv.FormatInt(part.Then.Value, 10), sortCount(part.Then.Installed)
	}
	return row
}

// momentRules say how the number comes about.
func momentRules(use string, sum insight.Peak, left int) []string {
	rules := []string{
		"What each license server says is " + use + " at this second is added up. A reading holds until the next one, and at most for twice the time between two of them; after that the value is unknown.",
	}
	if left > 0 {
		rules = append(rules, look.Plural(left, "license server was", "license servers were")+" unknown at this second, and nothing of it is in the sum: the true value may be higher.")
	}
	switch sum.Basis {
	case license.BasisExact:
		rules = append(rules, "It is exact: made of complete events, and of the highest value within the second.")
	case license.BasisSampled:
		rules = append(rules, "It is sampled: seen at readings. The license server's own figure may differ, if use was higher between two of them.")
	case license.BasisAtLeast:
		rules = append(rules, "It is at least this: a log was cut at its start.")
	case license.BasisBetween:
		rules = append(rules, "A source tells only the highest use of a time, and not when in it that was.")
	}
	if sum.Reserved > 0 {
		rules = append(rules, look.Number(sum.Reserved)+" of it was reserved and not taken.")
	}
	return rules
}
