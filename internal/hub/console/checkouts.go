package console

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"headroom/internal/hub/export"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/look"
)

// A checkoutsView is who has licenses of a product now.
type checkoutsView struct {
	findView
	Summary string
	Kinds   []choiceView // empty where all are of one kind
	More    int          // rows that only the file has
	Rows    []checkoutRow
	Rules   []string
	CSV     filePath
}

// A checkoutRow is somebody on one license server.
type checkoutRow struct {
	User, Display, Host string
	Licenses            int64
	Since, For          template.HTML
	SinceSort           string
	How                 template.HTML
	Held                bool // the licenses are in use
	Server, Pool        string
}

// checkoutRows is how many rows a page shows.
const checkoutRows = 1000

// A heldWord is what a way in which licenses are held is called.
type heldWord struct {
	kind license.HolderKind
	word string
	tone look.Tone
}

// heldWords are all of them, in the order in which they are offered.
var heldWords = []heldWord{
	{license.HolderActive, "Checked out", look.Good},
	{license.HolderBorrowed, "Borrowed", look.Info},
	{license.HolderLinger, "Kept after return", look.Mute},
	{license.HolderReserved, "Reserved", look.Mute},
	{license.HolderQueued, "Waiting", look.Warn},
}

// newCheckouts is nil for a product of which no license server is expected to
// tell check-outs: its licenses are assigned.
func newCheckouts(clock look.Clock, q detailsQuery, p productView, all usage.Checkouts) *checkoutsView {
	if all.Told == 0 && p.UseWord == "assigned" {
		return nil
	}
	rows := chosen(all.Rows, q)
	v := &checkoutsView{
		findView: newFind(q), Summary: checkoutsSummary(all), CSV: filePath(q.path("/checkouts.csv")), Rules: checkoutsRules(clock, all), Kinds: heldChoices(q, all),
		More: max(len(rows)-checkoutRows, 0),
	}
	pools := map[license.Pool]bool{}
	for _, r := range all.Rows {
		pools[r.Name] = true
	}
	for _, r := range rows[:len(rows)-v.More] {
		row := newCheckoutRow(clock, r)
		if len(pools) == 1 {
			row.Pool = "" // it goes without saying
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// chosen returns the rows of the kind that is asked for whose user or host has
// the text that is looked for, in any case.
func chosen(rows []usage.Checkout, q detailsQuery) []usage.Checkout {
	who := license.FoldName(q.who)
	var out []usage.Checkout
	for _, r := range rows {
		if q.how != "" && r.Kind != q.how {
			continue
		}
		if strings.Contains(license.FoldName(r.User), who) || strings.Contains(license.FoldName(r.Host), who) {
			out = append(out, r)
		}
	}
	return out
}

// heldChoices offers the kinds that there are, and all.
func heldChoices(q detailsQuery, all usage.Checkouts) []choiceView {
	if len(all.Held) < 2 && q.how == "" {
		return nil
	}
	to := q
	to.how = ""
	out := []choiceView{{"All", to.path(""), q.how == ""}}
	for _, w := range heldWords {
		if n, ok := all.Held[w.kind]; ok || q.how == w.kind {
			to.how = w.kind
			out = append(out, choiceView{w.word + " " + look.Number(n), to.path(""), q.how == w.kind})
		}
	}
	return out
}

// checkoutsSummary counts the licenses that people have.
func checkoutsSummary(all usage.Checkouts) string {
	if all.Told == 0 {
		return "no license server tells who has licenses"
	}
	people := all.Held[license.HolderActive] + all.Held[license.HolderBorrowed] + all.Held[license.HolderLinger]
	s := look.Plural(int(people), "license", "licenses")
	if all.Users > 0 {
		s += " with " + look.Plural(all.Users, "user", "users")
	}
	return s
}

// checkoutsRules say what the rows rest on.
func checkoutsRules(clock look.Clock, all usage.Checkouts) []string {
	var rules []string
	if all.Told > 0 {
		rules = append(rules, "Who has licenses by the newest list of each reporting license server; the oldest is from "+clock.AgeText(all.Oldest)+". "+
			"Borrowed ones are in use, and perhaps off line. Reserved ones are in use as the license server counts, and nobody has them. Who waits uses none.")
	}
	if n := len(all.Untold); n > 0 {
		rules = append(rules, joined(all.Untold)+": who has licenses is not told.")
	}
	return rules
}

func newCheckoutRow(clock look.Clock, r usage.Checkout) checkoutRow {
	row := checkoutRow{
		User: r.User, Host: r.Host, Licenses: r.Licenses, SinceSort: sortTime(r.Since), Since: look.None("the license server does not tell"),
		Held: r.Kind != license.HolderReserved && r.Kind != license.HolderQueued, Server: r.On.Name, Pool: r.Name.String(),
	}
	if r.Display != r.Host {
		row.Display = r.Display
	}
	if !r.Since.IsZero() {
		row.Since, row.For = clock.Time(r.Since), clock.Age(r.Since)
	}
	for _, w := range heldWords {
		if w.kind == r.Kind {
			row.How = look.Status(w.tone, w.word)
		}
	}
	return row
}

func (c *Console) getCheckoutsFile(r *http.Request, v visit) (string, export.Table, error) {
	q, d, err := c.details(r, v)
	if err != nil {
		return "", export.Table{}, err
	}
	all, err := c.Usage.Checkouts(r.Context(), v.member.Org, q.question(v.clock))
	if err != nil {
		return "", export.Table{}, err
	}
	return fileName(d, "checkouts"), checkoutsTable(v.clock, chosen(all.Rows, q)), nil
}

// checkoutsTable has a row per line of the license servers' lists.
func checkoutsTable(clock look.Clock, rows []usage.Checkout) export.Table {
	out := export.New(export.Texts("user", "host", "display"), export.Numbers("licenses"), export.Texts("how", "since", "license_server", "pool", "list_of"))
	for _, r := range rows {
		out.Add(
			cellText(r.User), cellText(r.Host), cellText(r.Display), strconv.FormatInt(r.Licenses, 10), string(r.Kind), cellInstant(clock, r.Since),
			cellText(r.On.Name), cellText(r.Name.String()), cellInstant(clock, r.On.HoldersAt),
		)
	}
	return out
}
