package console

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/hub/export"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/look"
)

// An activityView is to whom the licenses of a product are assigned.
type activityView struct {
	findView
	Summary  string
	Found    int    // rows that have it
	More     int    // of those, rows that only the file has
	LastWord string // what the last stamp is called
	Rows     []activityRow
	Recency  []recencyRow // of all of them, whoever is looked for
	Rules    []string
	CSV      filePath
}

// An activityRow is a user or device on one license server.
type activityRow struct {
	Name, Kind, Server string
	Assigned           bool
	First, Last, Lease template.HTML
	State              template.HTML
	FirstSort          string
	LastSort           string
	LeaseSort          string
}

// activityRows is how many rows a page shows.
const activityRows = 1000

// assignments are those of an activity that a page is about; nil for a product
// whose licenses are not assigned.
func assignments(a usage.Activity, q detailsQuery) *usage.Activity {
	if len(a.Rows) == 0 && a.Product.Model != catalog.UserDevice {
		return nil
	}
	a.Rows = named(a.Rows, q.who)
	return &a
}

// named returns the rows whose name has a text, in any case.
func named(rows []usage.Assigned, who string) []usage.Assigned {
	who = license.FoldName(who)
	if who == "" {
		return rows
	}
	var out []usage.Assigned
	for _, r := range rows {
		if strings.Contains(r.Who, who) {
			out = append(out, r)
		}
	}
	return out
}

func newActivity(clock look.Clock, q detailsQuery, a *usage.Activity) *activityView {
	if a == nil {
		return nil
	}
	v := &activityView{
		findView: newFind(q), Summary: activitySummary(a), Found: len(a.Rows), LastWord: lastWord(""), CSV: filePath(q.path("/activity.csv")), Rules: activityRules(clock, a),
	}
	for i, r := range a.Rows {
		if r.LastIs != "" {
			v.LastWord = lastWord(r.LastIs)
		}
		if i < activityRows {
			v.Rows = append(v.Rows, newActivityRow(clock, r))
		}
	}
	v.More = len(a.Rows) - len(v.Rows)
	return v
}

func lastWord(k license.LastKind) string {
	switch k {
	case license.LastLogin:
		return "Last login"
	case license.LastRequest:
		return "Last license request"
	}
	return "Last use"
}

// activitySummary counts who has a license.
func activitySummary(a *usage.Activity) string {
	if len(a.Lists) == 0 {
		return "no license server tells who has licenses"
	}
	s := look.Plural(a.Users, "user", "users") + " and " + look.Plural(a.Devices, "device", "devices")
	switch p := a.People; {
	case p.Low != p.High:
		s += fmt.Sprintf(", between %s and %s different people", look.Number(int64(p.Low)), look.Number(int64(p.High)))
	case p.Low != a.Users:
		s += ", " + look.Number(int64(p.Low)) + " different people"
	}
	return s
}

// activityRules say what the columns mean and how old they are.
func activityRules(clock look.Clock, a *usage.Activity) []string {
	if len(a.Lists) == 0 {
		return nil
	}
	oldest := a.Lists[0].At
	var truncated []string
	for _, l := range a.Lists {
		if l.At.Before(oldest) {
			oldest = l.At
		}
		if l.Truncated {
			truncated = append(truncated, l.Server.Name)
		}
	}
	rules := []string{"First seen is when Headroom saw the assignment first, unless the license server tells when it was."}
	if slices.ContainsFunc(a.Rows, func(r usage.Assigned) bool { return r.LastIs == license.LastRequest }) {
		rules = append(rules, "A license request is a client asking for a license, and no login.")
	}
	if slices.ContainsFunc(a.Rows, func(r usage.Assigned) bool { return r.Lease != 0 }) {
		rules = append(rules, "A license stays assigned for its lease after the last use. The license server does not tell when that was; "+
			"the lease shown is counted from the last stamp, and may last longer.")
	}
	rules = append(rules, "The oldest list is from "+clock.AgeText(oldest)+".")
	if len(truncated) > 0 {
		rules = append(rules, "Names without domains on "+joined(truncated)+": people of two domains with one name count as one there.")
	}
	return rules
}

func newActivityRow(clock look.Clock, r usage.Assigned) activityRow {
	first := r.First
	if first.IsZero() {
		first = r.Seen
	}
	row := activityRow{
		Name: r.Name, Kind: firstUpper(string(r.Kind)), Server: r.Server.Name, Assigned: r.Ended.IsZero(),
		First: clock.Day(first), FirstSort: sortTime(first), LastSort: sortTime(r.Last),
		Last: look.None("the license server does not tell"), Lease: look.None("the license server does not tell"),
		State: look.Status(look.Good, "Assigned"),
	}
	if !r.Last.IsZero() {
		row.Last = clock.Time(r.Last)
	}
	if until := leaseUntil(r); !until.IsZero() {
		row.Lease, row.LeaseSort = clock.Day(until), sortTime(until)
	}
	if !r.Ended.IsZero() {
		row.State = look.Status(look.Mute, "Free") + " since " + clock.Day(r.Ended)
		row.Lease, row.LeaseSort = look.None("the license is free again"), ""
	}
	return row
}

// leaseUntil is until when a license stays assigned at least; zero where
// nothing tells it.
func leaseUntil(r usage.Assigned) time.Time {
	if r.Last.IsZero() || r.Lease == 0 || !r.Ended.IsZero() {
		return time.Time{}
	}
	return r.Last.Add(r.Lease)
}

func (c *Console) getActivityFile(r *http.Request, v visit) (string, export.Table, error) {
	q, d, err := c.details(r, v)
	if err != nil {
		return "", export.Table{}, err
	}
	a, err := c.Usage.Activity(r.Context(), v.member.Org, q.question(v.clock))
	if err != nil {
		return "", export.Table{}, err
	}
	return fileName(d, "activity"), activityTable(v.clock, assignments(a, q)), nil
}

// activityTable has a row per user or device and license server.
func activityTable(clock look.Clock, a *usage.Activity) export.Table {
	rows := export.New(export.Texts("name", "kind", "license_server", "first_assigned", "first_seen", "last", "last_is", "lease_until_at_least", "free_since"))
	if a == nil {
		return rows
	}
	for _, r := range a.Rows {
		rows.Add(
			cellText(r.Name), string(r.Kind), cellText(r.Server.Name), cellInstant(clock, r.First), cellInstant(clock, r.Seen),
			cellInstant(clock, r.Last), string(r.LastIs), cellInstant(clock, leaseUntil(r)), cellInstant(clock, r.Ended),
		)
	}
	return rows
}
