package console

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/look"
)

// hostile is a name as somebody hostile would give it to a license server.
const hostile = `<script>alert(1)</script>"'=HYPERLINK`

func testClock(t *testing.T) look.Clock {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return look.Clock{Now: time.Date(2026, 11, 24, 13, 5, 0, 0, time.UTC), Zone: zone}
}

// sampleAudit is a page's worth of entries and one more, with hostile names.
func sampleAudit(clock look.Clock) (entries []audit.Entry) {
	for n := int64(auditRows + 1); n > 0; n-- {
		entries = append(entries, audit.Entry{
			Seq: n, At: clock.Now, Act: audit.Acts[n%int64(len(audit.Acts))], Subject: hostile, Detail: hostile,
			Actor: audit.Actor{Name: hostile, Address: hostile},
		})
	}
	return entries
}

// samplePages renders every page that there is, with sample data in which
// names are hostile.
func samplePages(t *testing.T) map[string]string {
	t.Helper()
	assets, err := look.NewAssets(styles)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPages(assets)
	if err != nil {
		t.Fatal(err)
	}
	clock := testClock(t)
	o, d, servers, review := sampleOverview(clock), sampleDetails(clock, 31), sampleServers(clock.Now), sampleReview(clock.Now)
	o.Cards[1].Product.Name, o.Cards[1].Tightest, o.Trust.Silent[0].Name = hostile, hostile, hostile
	d.Product.Name, d.Servers[0].Server.Name, d.Servers[0].Pools, d.All[0].Name = hostile, hostile, []string{hostile}, hostile
	servers[0].Name, servers[0].Hosts, servers[1].Failure, servers[0].Agent = hostile, []string{hostile}, hostile, hostile
	denials := sampleDenials(clock)
	denials.Rows[0].User, denials.Rows[0].Server, denials.Rows[1].Reason, denials.Rows[1].Pool.Feature = hostile, hostile, hostile, hostile
	review.Host, review.Servers[0].Name, review.Servers[0].Version = hostile, hostile, hostile
	query := detailsQuery{product: "x", span: "31", step: usage.ByDay, servers: []string{d.All[0].GUID}}
	empty := usage.Overview{}
	waiting := usage.Overview{Trust: usage.Trust{Total: 1}}
	c := &Console{Config: Config{HubURL: "https://hub.example"}}

	shell := look.Shell{Title: hostile, Owner: hostile, Nav: navOf(account.Admin), User: look.User{Name: hostile, Email: hostile}, SignOut: "/logout", Demo: true, Notes: []look.Note{{Tone: look.Good, Text: hostile}}}
	bare := shell
	bare.Bare = true
	pages := map[string]string{}
	add := func(name string, body []byte, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		pages[name] = string(body)
	}
	render := func(name string, f func() ([]byte, error)) {
		t.Helper()
		body, err := f()
		add(name, body, err)
	}
	render("usage", func() ([]byte, error) { return p.usage.Render(shell, newUsagePage(clock, o, "")) })
	render("usage empty", func() ([]byte, error) { return p.usage.Render(shell, newUsagePage(clock, empty, c.HubURL)) })
	render("usage waiting", func() ([]byte, error) { return p.usage.Render(shell, newUsagePage(clock, waiting, "")) })
	a := sampleActivity(clock)
	a.Rows[0].Name, a.Rows[1].Server.Name, a.Lists[0].Server.Name = hostile, hostile, hostile
	servers[0].Sources[1].Name, servers[0].Sources[2].Failure = hostile, hostile
	searched := query
	searched.who = hostile
	render("details", func() ([]byte, error) { return p.details.Render(shell, newDetailsPage(clock, query, d, nil, denials)) })
	render("details assigned", func() ([]byte, error) { return p.details.Render(shell, newDetailsPage(clock, searched, d, a, denials)) })
	render("details nobody", func() ([]byte, error) {
		return p.details.Render(shell, newDetailsPage(clock, query, d, &usage.Activity{}, usage.Denials{}))
	})
	held := sampleCheckouts(clock)
	held.Rows[0].User, held.Rows[0].Display, held.Rows[1].Host, held.Rows[1].On.Name, held.Rows[1].Name.Feature, held.Untold = hostile, hostile, hostile, hostile, hostile, []string{hostile}
	for name, checkouts := range map[string]usage.Checkouts{"held": held, "not told": {Untold: []string{hostile}}} {
		render("details "+name, func() ([]byte, error) {
			page := newDetailsPage(clock, searched, d, nil, usage.Denials{})
			page.Checkouts = newCheckouts(clock, query, page.productView, checkouts)
			return p.details.Render(shell, page)
		})
	}
	render("details empty", func() ([]byte, error) {
		return p.details.Render(shell, newDetailsPage(clock, query, usage.Details{Product: d.Product}, nil, usage.Denials{}))
	})
	render("week", func() ([]byte, error) {
		return p.week.Render(shell, newWeekPage(clock, searched, figureP95, usage.Week{Details: d}))
	})
	render("moment", func() ([]byte, error) {
		parts := []usage.MomentPart{{Server: servers[0], Pools: []string{hostile}, Then: d.Peak}, {Server: servers[0]}}
		return p.moment.Render(shell, newMomentPage(clock, searched, usage.Moment{Product: d.Product, Sum: d.Peak, Parts: parts}))
	})
	render("servers", func() ([]byte, error) {
		return p.servers.Render(shell, newServersPage(clock, usage.DefaultThresholds, servers, nil, false, account.Admin))
	})
	render("servers gone", func() ([]byte, error) {
		return p.servers.Render(shell, newServersPage(clock, usage.DefaultThresholds, servers, nil, true, account.Admin))
	})
	render("servers empty", func() ([]byte, error) {
		return p.servers.Render(shell, newServersPage(clock, usage.DefaultThresholds, nil, nil, false, account.Viewer))
	})
	for _, role := range []account.Role{account.Admin, account.Viewer} {
		render("server for "+string(role), func() ([]byte, error) {
			profile := usage.Profile{
				Server: servers[0], Pools: []usage.PoolNow{{Product: d.Product, Pool: license.Pool{Feature: hostile}, Daemon: hostile}, {Gone: true}, {Uncounted: true}},
				Gaps: []usage.Gap{{Reason: hostile}}, Uploads: []usage.Upload{{Unknown: 1}},
			}
			profile.Server.Site, profile.Server.Tags = hostile, []string{hostile}
			page := newServerPage(clock, usage.DefaultThresholds, profile, role)
			page.Error = hostile
			return p.server.Render(shell, page)
		})
	}
	for _, view := range []string{viewFacts, viewAll, viewUnread, viewRedacted} {
		render("bench "+view, func() ([]byte, error) { return p.bench.Render(shell, sampleBench(t, clock, view)) })
	}
	render("bench empty", func() ([]byte, error) { return p.bench.Render(shell, newBenchPage(benchInput{zone: "UTC"})) })
	render("registrations", func() ([]byte, error) { return p.registrations.Render(shell, sampleRegistrations(clock)) })
	render("registrations empty", func() ([]byte, error) {
		return p.registrations.Render(shell, newRegistrationsPage(clock, account.Viewer, nil, nil, nil))
	})
	render("register", func() ([]byte, error) { return p.register.Render(shell, c.newRegisterPage(hostile, hostile)) })
	render("review", func() ([]byte, error) {
		return p.review.Render(shell, newReviewPage(clock, hostile, review, account.Organisation{Name: hostile, PublicID: "QK7MXPTD"}))
	})
	self := account.Member{ID: 1, Org: 1, Email: hostile, Name: hostile, Role: account.Admin}
	ins := []account.SignIn{{ID: 1, Begun: clock.Now, Seen: clock.Now, Address: hostile, Browser: hostile}, {ID: 2, Browser: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}}
	render("account", func() ([]byte, error) { return p.account.Render(shell, newAccountPage(clock, self, ins, 2, hostile)) })
	render("account guest", func() ([]byte, error) { return p.account.Render(shell, newAccountPage(clock, self, nil, 0, "")) })
	render("members", func() ([]byte, error) {
		page := newMembersPage(clock, self, []account.Membership{{Member: self, Joined: clock.Now, Seen: clock.Now}, {Member: account.Member{ID: 2, Email: "b@example.com", Role: account.Viewer}}},
			[]account.Invitation{{ID: 1, Email: hostile, Role: account.Viewer, InvitedBy: hostile, Created: clock.Now, Expires: clock.Now}})
		page.Problem, page.Link, page.LinkFor, page.Email.Value = hostile, hostile, hostile, hostile
		return p.members.Render(shell, page)
	})
	render("organisation", func() ([]byte, error) {
		v := visit{member: self, org: account.Organisation{Name: hostile, PublicID: "QK7MXPTD", Zone: "UTC"}, clock: clock}
		return p.organisation.Render(shell, newOrganisationPage(v, organisationTexts{hostile, hostile, hostile, hostile, hostile, hostile}, hostile))
	})
	render("tokens", func() ([]byte, error) {
		page := newTokensPage(clock, account.Admin, []account.Token{{ID: 1, Name: hostile, MadeBy: hostile, Role: account.Viewer, Created: clock.Now, Expires: clock.Now}})
		page.Problem, page.Made, page.MadeFor, page.Name.Value = hostile, hostile, hostile, hostile
		return p.tokens.Render(shell, page)
	})
	render("tokens empty", func() ([]byte, error) { return p.tokens.Render(shell, newTokensPage(clock, account.Admin, nil)) })
	known := usage.CatalogRow{Known: catalog.Product{Key: "acme.cad", Name: hostile, Edition: hostile}, Counts: catalog.Product{Name: hostile, Hidden: true}, Said: catalog.Override{Key: "acme.cad", Into: hostile, Name: hostile}}
	render("catalog", func() ([]byte, error) { return p.catalog.Render(shell, newCatalogPage([]usage.CatalogRow{known})) })
	render("catalog empty", func() ([]byte, error) { return p.catalog.Render(shell, newCatalogPage(nil)) })
	render("feature", func() ([]byte, error) {
		return p.feature.Render(shell, newFeaturePage([]usage.CatalogRow{known, {Known: catalog.Product{Key: hostile}, Counts: catalog.Product{Name: hostile}}}, known, known.Said, hostile))
	})
	render("invite", func() ([]byte, error) {
		return p.invite.Render(bare, newInvitePage(hostile, account.Invitation{Email: hostile, Role: account.Admin, InvitedBy: hostile}, account.Organisation{Name: hostile}, hostile, hostile))
	})
	render("erase", func() ([]byte, error) {
		return p.erase.Render(shell, erasePage{
			Error: hostile, Again: true, Secret: &look.Field{Name: "password", Label: "Your password", Type: "password"},
			Rows: []eraseRow{newEraseRow(clock, servers[0], hostile), newEraseRow(clock, servers[len(servers)-1], "")},
		})
	})
	render("audit", func() ([]byte, error) {
		return p.audit.Render(shell, newAuditPage(clock, url.Values{"who": {hostile}}, audit.Query{Who: hostile, Subject: hostile, Before: 9}, sampleAudit(clock)))
	})
	render("audit empty", func() ([]byte, error) { return p.audit.Render(shell, newAuditPage(clock, nil, audit.Query{}, nil)) })
	render("login", func() ([]byte, error) { return p.login.Render(bare, newLoginPage("/", hostile, hostile)) })
	render("code", func() ([]byte, error) { return p.code.Render(bare, newCodePage("/", hostile)) })
	for name, page := range map[string]factorPage{
		"factor":          {Problem: hostile},
		"factor enrol":    {Enrol: true, Key: hostile, Problem: hostile, Wanted: true, Secret: &look.Field{Name: "password", Label: "Your password", Type: "password"}},
		"factor on":       {On: "On since yesterday", Problem: hostile},
		"factor recovery": {On: "On since now", Recovery: []string{"aaaa-bbbb", hostile}},
	} {
		page.Code = look.Field{Name: "code", Label: "Code"}
		page.Tabs = settingsTabs(account.Viewer, "/settings")
		if page.Enrol {
			qr, err := qrCode("otpauth://totp/Headroom:" + hostile)
			if err != nil {
				t.Fatal(err)
			}
			page.QR = qr
		}
		render(name, func() ([]byte, error) { return p.factor.Render(shell, page) })
	}
	for _, wanted := range []bool{true, false} {
		page := signinPage{Tabs: settingsTabs(account.Admin, "/settings/signin"), Wanted: wanted, With: 1, Members: 2, Form: newProviderForm("https://hub.example", hostile, account.Provider{Issuer: "x", Sealed: "x"}, providerTexts{hostile, hostile, hostile, hostile, hostile}, hostile)}
		render(fmt.Sprint("signin ", wanted), func() ([]byte, error) { return p.signin.Render(shell, page) })
	}
	render("setup", func() ([]byte, error) {
		return p.setup.Render(bare, newSetupPage("token", account.Founding{Organisation: hostile}, hostile))
	})
	render("failure", func() ([]byte, error) {
		return p.failure.Render(bare, failurePage{Status: 404, Title: "No", Message: hostile, Back: "/", Where: "Usage"})
	})
	render("kit", func() ([]byte, error) { return p.kit.Render(shell, newKitPage(clock)) })
	return pages
}

// sampleRegistrations are registrations in every state.
func sampleRegistrations(clock look.Clock) registrationsPage {
	now := clock.Now
	review := sampleReview(now)
	var agents []registration.Agent
	for i, s := range sampleServers(now) {
		agents = append(agents, registration.Agent{
			ID: int64(i + 1), Host: s.Hosts[0], Platform: "windows/amd64", Version: "1.0.0", Registered: s.Registered,
			ApprovedBy: "ada@example.com", LastSeen: s.LastContact, Servers: review.Servers,
		})
	}
	agents[0].Host, agents[6].Removed = hostile, now.Add(-190*24*time.Hour)
	return newRegistrationsPage(clock, account.Admin, agents, []registration.Standing{
		{ID: "a", Host: hostile, State: registration.Approved, Asked: review.Asked, Expires: now.Add(23 * time.Hour), Words: review.Words},
		{ID: "b", Host: "lab-7", State: registration.Expired, Asked: now.Add(-26 * time.Hour), Expires: now.Add(-2 * time.Hour), Words: review.Words},
	}, []registration.PendingServer{{Server: review.Servers[0], Agent: 4, Host: hostile}})
}

// sampleBench is the bench with a text whose names are hostile.
func sampleBench(t *testing.T, clock look.Clock, view string) benchPage {
	t.Helper()
	in := benchInput{file: hostile, zone: "Europe/Berlin", view: view, page: 1, text: []byte(`LM-X End-user Utility v3.32

LM-X License Server on 6200@lic7:

Server version: v5.1 Uptime: 3 day(s) 12 hour(s) 0 min(s) 51 sec(s)
----------------------------------------
Feature: ` + hostile + ` Version: 2.0 Vendor: <b>VENDOR
Start date: 2026-01-01 Expire date: 2026-12-31
Key type: EXCLUSIVE License sharing: NONE

5 of 10 license(s) used:

5 license(s) used by <b>VIEWER@<script>alert(1)</script> [192.0.2.7]
Login time: 2026-03-02 08:00   Checkout time: 2026-03-02 08:01
<script>alert(2)</script>
`)}
	page := newBenchPage(in)
	var err error
	if page.Result, err = newBenchResult(clock.Now, in); err != nil {
		t.Fatal(err)
	}
	if view == viewFacts && len(page.Result.Tables) < 3 {
		t.Errorf("%d tables of facts, want features, holders and terms", len(page.Result.Tables))
	}
	return page
}

func TestEveryPageKeepsToThePolicy(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<[a-z][^>]*\s(style|on[a-z]+)\s*=`)
	script := regexp.MustCompile(`(?i)<script[^>]*>[^<]`)
	outside := regexp.MustCompile(`(?i)\s(src|href|action)="(https?:|//|javascript:|data:)`)
	for name, page := range samplePages(t) {
		for _, bad := range []*regexp.Regexp{inline, script, outside} {
			if found := bad.FindString(page); found != "" {
				t.Errorf("%s: the policy forbids %q", name, found)
			}
		}
	}
}

func TestNamesAreTextOnEveryPage(t *testing.T) {
	for name, page := range samplePages(t) {
		if strings.Contains(page, "<script>") || strings.Contains(page, "<b>VIEWER") {
			t.Errorf("%s: a name became markup", name)
		}
		if strings.Contains(page, "ZgotmplZ") {
			t.Errorf("%s: a value was refused in its place", name)
		}
	}
}

// An element is a start tag of a page with the elements around it.
type element struct {
	name   string
	attrs  map[string]string
	within []string
}

// elements reads a page strictly: every element must be closed, in order.
func elements(t *testing.T, name, page string) []element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var all []element
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch tag := token.(type) {
		case xml.StartElement:
			e := element{name: tag.Name.Local, attrs: map[string]string{}, within: slices.Clone(open)}
			for _, a := range tag.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			all = append(all, e)
			open = append(open, tag.Name.Local)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != tag.Name.Local {
				t.Fatalf("%s: </%s> closes %v", name, tag.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	return all
}

func TestEveryPageIsWellFormedAndLabelled(t *testing.T) {
	for name, page := range samplePages(t) {
		ids, all := map[string]int{}, elements(t, name, page)
		labels := map[string]bool{}
		for _, e := range all {
			if id := e.attrs["id"]; id != "" {
				ids[id]++
			}
			if e.name == "label" {
				labels[e.attrs["for"]] = true
			}
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: id %q stands %d times", name, id, n)
			}
		}
		for _, e := range all {
			checkElement(t, name, e, ids, labels)
		}
		if n := strings.Count(page, "<h1"); n != 1 {
			t.Errorf("%s: %d h1, want 1", name, n)
		}
	}
}

// checkElement checks what makes an element usable for everybody.
func checkElement(t *testing.T, page string, e element, ids map[string]int, labels map[string]bool) {
	t.Helper()
	for _, attr := range []string{"aria-labelledby", "aria-describedby", "data-copy", "data-filter", "data-list", "data-dialog", "popovertarget", "list", "for"} {
		for id := range strings.FieldsSeq(e.attrs[attr]) {
			if ids[id] == 0 {
				t.Errorf("%s: %s=%q of <%s> names nothing", page, attr, id, e.name)
			}
		}
	}
	switch {
	case e.name == "input" && e.attrs["type"] != "hidden" && !labels[e.attrs["id"]] && !slices.Contains(e.within, "label"):
		t.Errorf("%s: input %q has no label", page, e.attrs["name"])
	case e.name == "svg" && e.attrs["role"] == "" && e.attrs["aria-hidden"] == "" && !slices.Contains(e.within, "svg"):
		t.Errorf("%s: svg %q is neither named nor hidden", page, e.attrs["class"])
	case e.name == "form" && e.attrs["method"] == "":
		t.Errorf("%s: form without a method", page)
	case e.name == "th" && e.attrs["scope"] == "":
		t.Errorf("%s: th without a scope", page)
	}
}

func TestEveryTableSorts(t *testing.T) {
	table := regexp.MustCompile(`(?s)<table class="table.*?</table>`)
	found := 0
	for name, page := range samplePages(t) {
		for _, text := range table.FindAllString(page, -1) {
			found++
			if !strings.Contains(text, "data-sort=") {
				t.Errorf("%s: a table cannot be sorted: %.200s", name, text)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d tables found on all pages, want at least 10", found)
	}
}

// A template that a page does not use any more is a template that nobody
// renders.
func TestEveryTemplateIsRead(t *testing.T) {
	files, err := templates.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	rendered := map[string]bool{"product": true, "checkouts": true, "settings": true, "choice": true, "files": true} // parts of pages
	for name := range samplePages(t) {
		first, _, _ := strings.Cut(name, " ")
		rendered[first] = true
	}
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".html"); !rendered[name] {
			t.Errorf("templates/%s is rendered by no test; rendered: %v", f.Name(), slices.Sorted(maps.Keys(rendered)))
		}
	}
}
