package console

import (
	"html/template"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// A serverPage is all about one license server.
type serverPage struct {
	serverRow
	Site, Tags string // as they are written
	Save       string // the address that sets them; empty: who looks may not
	MayErase   bool   //
	Error      string // what was wrong with what was written
	Known      template.HTML
	Strip      template.HTML
	Pools      []poolRow
	Uploads    []uploadRow
	Gaps       []gapRow
	Log        []auditRow // nil: who looks may not read it
	LogHref    string
}

// A poolRow is a pool of a license server.
type poolRow struct {
	Name, Daemon, Product, Href string
	InUse, Installed            template.HTML
	Read                        template.HTML
	First                       template.HTML
	Gone                        bool
	UseSort, InstalledSort      string
	ReadSort, FirstSort         string
}

type uploadRow struct {
	Received     template.HTML
	ReceivedSort string
	Seq, Records int64
	Unknown      int64
}

type gapRow struct {
	From, To template.HTML
	FromSort string
	Length   string
	Reason   string
}

// serverActs is how many acts the page of a license server shows.
const serverActs = 20

func serverPath(guid string) string { return "/servers/" + url.PathEscape(guid) }

func (c *Console) getServer(w http.ResponseWriter, r *http.Request, v visit) error {
	return c.showServer(w, r, v, http.StatusOK, "")
}

func (c *Console) showServer(w http.ResponseWriter, r *http.Request, v visit, status int, problem string) error {
	profile, err := c.Usage.Profile(r.Context(), v.member.Org, r.PathValue("guid"))
	if err != nil {
		return err
	}
	p := newServerPage(v.clock, v.thresholds(), profile, v.member.Role)
	if problem != "" {
		p.Error, p.Site, p.Tags = problem, r.PostFormValue("site"), r.PostFormValue("tags")
	}
	if v.member.Role.May(account.Admin) {
		p.LogHref = auditPath("/audit", url.Values{"on": {profile.Server.Name}}, 0)
		entries, err := c.Audit.Entries(r.Context(), v.member.Org, audit.Query{Subject: profile.Server.Name, Limit: serverActs})
		if err != nil {
			return err
		}
		p.Log = auditRowsOf(v.clock, entries)
	}
	return show(c, w, r, v, look.Shell{Title: profile.Server.Name, Section: "servers"}, c.pages.server, status, p)
}

// postPlace says where a license server stands and what it is for.
func (c *Console) postPlace(w http.ResponseWriter, r *http.Request, v visit) error {
	place, err := registration.NewPlace(r.PostFormValue("site"), r.PostFormValue("tags"))
	if err != nil {
		return c.showServer(w, r, v, http.StatusUnprocessableEntity, look.Sentence(fault.Message(err)))
	}
	guid := r.PathValue("guid")
	if err := c.Registrations.SetPlace(r.Context(), v.actor(), guid, place); err != nil {
		return err
	}
	c.tell(r, look.Good, "Site and tags are set.")
	http.Redirect(w, r, serverPath(guid), http.StatusSeeOther)
	return nil
}

func newServerPage(clock look.Clock, t usage.Thresholds, profile usage.Profile, role account.Role) serverPage {
	s := profile.Server
	p := serverPage{
		serverRow: newServerRow(clock, t, s), Site: s.Site, Tags: strings.Join(s.Tags, ", "),
		Strip: knownStrip(clock, profile.Known, s.Name), MayErase: role.May(account.Admin),
	}
	p.act(clock, s, role)
	if role.May(account.Operator) {
		p.Save = serverPath(s.GUID) + "/place"
	}
	known, unknown := int64(0), int64(0)
	for _, day := range profile.Known.Days {
		known, unknown = known+day.Known, unknown+day.Unknown
	}
	p.Known = look.None("nothing to know yet")
	if known+unknown > 0 {
		p.Known = template.HTML(look.Percent(100 * float64(known) / float64(known+unknown)))
	}
	for _, pool := range profile.Pools {
		p.Pools = append(p.Pools, newPoolRow(clock, pool))
	}
	for _, u := range profile.Uploads {
		p.Uploads = append(p.Uploads, uploadRow{clock.Time(u.Received), sortTime(u.Received), u.Seq, int64(u.Records), int64(u.Unknown)})
	}
	for _, g := range profile.Gaps {
		p.Gaps = append(p.Gaps, gapRow{clock.Time(g.From), clock.Time(g.To), sortTime(g.From), look.Length(g.To.Sub(g.From)), g.Reason})
	}
	return p
}

func newPoolRow(clock look.Clock, p usage.PoolNow) poolRow {
	row := poolRow{
		Name: p.Pool.String(), Daemon: p.Daemon, Product: p.Product.Name, Href: productPath(p.Product.Key), Gone: p.Gone,
		InUse: look.Count(p.InUse, "It never told its use."), Installed: look.Count(p.Installed, "The license server does not tell it."),
		Read: clock.Age(p.At), First: clock.Day(p.First),
		UseSort: sortCount(p.InUse), InstalledSort: sortCount(p.Installed), ReadSort: sortTime(p.At), FirstSort: sortTime(p.First),
	}
	switch {
	case p.Gone:
		row.InUse, row.Installed = look.None("the license server does not have it any more"), look.None("the license server does not have it any more")
		row.UseSort, row.InstalledSort = "", ""
	case p.Uncounted:
		row.InUse, row.Installed = "not counted", "free for anybody"
	case p.Unlimited:
		row.Installed = "unlimited"
	}
	return row
}

// knownStrip draws how much is known of a license server day by day.
func knownStrip(clock look.Clock, k usage.Known, name string) template.HTML {
	days := make([]look.Cover, len(k.Days))
	for i, day := range k.Days {
		when := k.From.Add(time.Duration(i) * 24 * time.Hour).Format("Mon 2 Jan 2006")
		days[i] = look.Cover{Title: when + ": nothing to know", Share: math.NaN()}
		if share, ok := day.Share(); ok {
			days[i] = look.Cover{Title: when + ": " + look.Percent(100*share) + " known", Share: share}
		}
	}
	if len(days) == 0 {
		return ""
	}
	return look.Strip(days, "How much is known of "+name+" in each of the last "+look.Plural(len(days), "day", "days")+", since "+clock.DayText(k.From))
}
