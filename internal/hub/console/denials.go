package console

import (
	"net/http"
	"strconv"

	"headroom/internal/hub/export"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
	"headroom/internal/report"
)

// shownDenials is how many rows a page has at most; the file has all.
const shownDenials = 500

// A denialsView is who was refused a product.
type denialsView struct {
	Rule    string
	Summary string
	More    string // what the page leaves out; empty if nothing
	CSV     filePath
	Rows    []denialRow
}

type denialRow struct {
	Day             string
	DaySort         int64
	Server, Feature string
	User, Reason    string
	True, False     int64
	Untold          int64
	Refusals        int64
}

func newDenials(clock look.Clock, q detailsQuery, d usage.Denials) denialsView {
	v := denialsView{Rule: report.DenialRule, CSV: filePath(q.path("/denials.csv"))}
	if d.All() == 0 {
		return v
	}
	v.Summary = look.Plural(int(d.All()), "denial", "denials") + " in the span shown: " + look.Number(d.True) + " true, " + look.Number(d.False) + " false"
	if d.Untold > 0 {
		v.Summary += ", of " + look.Number(d.Untold) + " it is not told"
	}
	v.Summary += ". " + look.Plural(int(d.Refusals), "refusal", "refusals") + " in all."
	for i, r := range d.Rows {
		if i == shownDenials {
			v.More = "The newest " + look.Number(shownDenials) + " of " + look.Number(int64(len(d.Rows))) + " rows are shown; the file has all."
			break
		}
		v.Rows = append(v.Rows, denialRow{
			Day: clock.DayText(r.Day), DaySort: r.Day.Unix(), Server: r.Server, Feature: r.Pool.String(), User: r.User, Reason: r.Reason,
			True: r.True, False: r.False, Untold: r.Untold, Refusals: r.Refusals,
		})
	}
	return v
}

func (c *Console) getDenialsFile(r *http.Request, v visit) (string, export.Table, error) {
	q, d, err := c.details(r, v)
	if err != nil {
		return "", export.Table{}, err
	}
	denials, err := c.Usage.Denials(r.Context(), v.member.Org, q.question(v.clock))
	if err != nil {
		return "", export.Table{}, err
	}
	return fileName(d, "denials"), denialsTable(v.clock, denials), nil
}

// denialsTable has a row per day, license server, pool, person and reason,
// newest first.
func denialsTable(clock look.Clock, d usage.Denials) export.Table {
	rows := export.New(export.Texts("day", "license_server", "feature", "user", "reason"), export.Numbers("true", "false", "not_told", "refusals"))
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, r := range d.Rows {
		rows.Add(
			r.Day.In(clock.Zone).Format("2006-01-02"), cellText(r.Server), cellText(r.Pool.String()), cellText(r.User), cellText(r.Reason),
			number(r.True), number(r.False), number(r.Untold), number(r.Refusals),
		)
	}
	return rows
}
