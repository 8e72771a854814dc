package console_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/console"
	"headroom/internal/hub/registration"
	"headroom/internal/license"
)

// confirmed registers an agent with one license server.
func (h *house) confirmed() (agent int64) {
	h.t.Helper()
	code, id, key := h.ask("cad-host")
	h.post("/registrations/approve", url.Values{"code": {code}}).wants(http.StatusSeeOther)
	p, err := h.registrar.Poll(h.t.Context(), id, key)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.registrar.Confirm(h.t.Context(), id, key, p.OrganisationID, true, "192.0.2.9"); err != nil {
		h.t.Fatal(err)
	}
	agents, err := h.registrar.List(h.t.Context(), 1)
	if err != nil || len(agents) != 1 {
		h.t.Fatalf("agents = %v, %v, want one", agents, err)
	}
	return agents[0].ID
}

func (h *house) log() []audit.Entry {
	h.t.Helper()
	entries, err := h.db.Entries(h.t.Context(), 1, audit.Query{})
	if err != nil {
		h.t.Fatal(err)
	}
	return entries
}

// An act is a route that changes something: what it is asked for after prepare
// leaves one entry about a subject, and the same again, or something that there is
// not, leaves none.
type act struct {
	is      audit.Act // empty: it changes nothing that lasts
	prepare func(h *house) (path string, form url.Values)
	subject string
	by      string // empty: the administrator
	again   int    // the status of the same once more
}

// invite invites somebody and returns the token of his link.
func (h *house) invite(email string, role account.Role) (token string) {
	h.t.Helper()
	token, err := h.accounts.Invite(h.t.Context(), audit.Actor{Org: 1, Member: 1, Name: "ada@example.com"}, email, role)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// member makes somebody a member.
func (h *house) member(email string, role account.Role) account.Member {
	h.t.Helper()
	m, err := h.accounts.Accept(h.t.Context(), h.invite(email, role), "Bob", password, "192.0.2.7")
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

// asked sends the code of an agent that wants to join to an address.
func asked(path string) func(h *house) (string, url.Values) {
	return func(h *house) (string, url.Values) {
		h.found()
		code, _, _ := h.ask("cad-host")
		return path, url.Values{"code": {code}}
	}
}

// pasted sends a text to an address.
func pasted(path string) func(h *house) (string, url.Values) {
	return func(h *house) (string, url.Values) {
		h.found()
		return path, url.Values{"text": {"Users of cad:  (Total of 5 licenses issued;  Total of 1 licenses in use)"}, "zone": {"UTC"}}
	}
}

// acts has a line for each address that may change something.
var acts = map[string]act{
	"POST /setup/{token}": {is: audit.Founded, subject: "Example AG", again: http.StatusNotFound, prepare: func(h *house) (string, url.Values) {
		token, _, err := h.accounts.NewSetupToken(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		return "/setup/" + token, url.Values{"organisation": {"Example AG"}, "zone": {"Europe/Berlin"}, "name": {"Ada"}, "email": {email}, "password": {password}}
	}},
	"POST /login": {is: audit.SignedIn, subject: email, prepare: func(h *house) (string, url.Values) {
		h.found()
		h.browser = h.newBrowser()
		return "/login", url.Values{"email": {email}, "password": {password}}
	}},
	"POST /login/code": {is: audit.SignedIn, subject: email, again: http.StatusSeeOther, prepare: func(h *house) (string, url.Values) {
		h.found()
		seed, _ := h.enrol()
		h.browser = h.newBrowser()
		h.post("/login", url.Values{"email": {email}, "password": {password}}).wants(http.StatusSeeOther)
		h.later += time.Minute
		return "/login/code", url.Values{"code": {h.code(seed)}}
	}},
	"POST /settings/factor/begin": {prepare: func(h *house) (string, url.Values) {
		h.found()
		return "/settings/factor/begin", nil
	}},
	"POST /settings/factor": {is: audit.FactorSet, subject: email, again: http.StatusConflict, prepare: func(h *house) (string, url.Values) {
		h.found()
		return "/settings/factor", url.Values{"code": {h.code(h.seed())}}
	}},
	"POST /settings/factor/recovery": {is: audit.RecoveryMade, subject: email, again: http.StatusUnprocessableEntity, prepare: func(h *house) (string, url.Values) {
		h.found()
		seed, _ := h.enrol()
		h.later += time.Minute
		return "/settings/factor/recovery", url.Values{"code": {h.code(seed)}}
	}},
	"POST /settings/factor/remove": {is: audit.FactorRemoved, subject: email, again: http.StatusConflict, prepare: func(h *house) (string, url.Values) {
		h.found()
		seed, _ := h.enrol()
		h.later += time.Minute
		return "/settings/factor/remove", url.Values{"code": {h.code(seed)}}
	}},
	"POST /settings/members/{id}/factor": {is: audit.FactorRemoved, subject: "bob@example.com", again: http.StatusNotFound, prepare: func(h *house) (string, url.Values) {
		h.found()
		h.member("bob@example.com", account.Viewer)
		h.as("bob@example.com", func() { h.enrol() })
		return "/settings/members/2/factor", nil
	}},
	"POST /settings/signin/provider": {is: audit.SignInSet, subject: "https://sso.example.com", prepare: func(h *house) (string, url.Values) {
		h.found()
		return "/settings/signin/provider", providerTyped
	}},
	"POST /settings/signin/provider/remove": {is: audit.SignInSet, subject: "https://sso.example.com", again: http.StatusSeeOther, prepare: func(h *house) (string, url.Values) {
		h.found()
		h.post("/settings/signin/provider", providerTyped).wants(http.StatusSeeOther)
		return "/settings/signin/provider/remove", nil
	}},
	"POST /settings/signin/codes": {is: audit.SignInSet, subject: "second factor", prepare: func(h *house) (string, url.Values) {
		h.found()
		return "/settings/signin/codes", url.Values{"want": {"true"}}
	}},
	"POST /logout": {is: audit.SignedOut, subject: email, again: http.StatusSeeOther, prepare: func(h *house) (string, url.Values) {
		h.found()
		return "/logout", nil
	}},
	"POST /servers/{guid}/update": {is: audit.AskedFor, subject: "lic-1", prepare: func(h *house) (string, url.Values) {
		h.found()
		h.confirmed()
		return "/servers/22222222-2222-4222-8222-222222222222/update", nil
	}},
	"POST /servers/{guid}/acknowledge": {is: audit.Acknowledged, subject: "lic-1", again: http.StatusNotFound, prepare: func(h *house) (string, url.Values) {
		h.found()
		h.confirmed()
		h.silent = true
		return "/servers/" + lic1.GUID + "/acknowledge", nil
	}},
	"POST /servers/{guid}/place": {is: audit.Placed, subject: "lic-1", prepare: func(h *house) (string, url.Values) {
		h.found()
		h.confirmed()
		return "/servers/" + lic1.GUID + "/place", url.Values{"site": {"Hamburg"}, "tags": {"cad, test"}}
	}},
	"POST /servers/delete": {is: audit.Erased, subject: "lic-1", prepare: func(h *house) (string, url.Values) {
		h.found()
		h.confirmed()
		return "/servers/delete", url.Values{"server": {lic1.GUID}, "name-" + lic1.GUID: {"lic-1"}}
	}},
	"POST /invite/{token}": {is: audit.Joined, by: "bob@example.com", subject: "bob@example.com", again: http.StatusNotFound, prepare: func(h *house) (string, url.Values) {
		h.found()
		token := h.invite("bob@example.com", account.Operator)
		h.browser = h.newBrowser()
		return "/invite/" + token, url.Values{"name": {"Bob"}, "password": {password}}
	}},
	"POST /settings/password": {is: audit.PasswordSet, subject: email, again: http.StatusUnprocessableEntity, prepare: func(h *house) (string, url.Values) {
		h.found()
		return "/settings/password", url.Values{"old": {password}, "password": {"walnut ferry quince lamp"}}
	}},
	"POST /settings/sessions/{id}/end": {is: audit.SignedOut, subject: email, again: http.StatusNotFound, prepare: func(h *house) (string, url.Values) {
		h.found()
		here := h.browser
		h.browser = h.newBrowser()
		h.post("/login", url.Values{"email": {email}, "password": {password}}).wants(http.StatusSeeOther)
		h.browser = here
		return "/settings/sessions/2/end", nil
	}},
	"POST /settings/organisation": {is: audit.Changed, subject: "Example Ltd", again: http.StatusSeeOther, prepare: func(h *house) (string, url.Values) {
		h.found()
		return "/settings/organisation", url.Values{"name": {"Example Ltd"}, "zone": {"Europe/London"}, "reporting": {"48"}}
	}},
	"POST /settings/members/invite": {is: audit.Invited, subject: "bob@example.com", prepare: func(h *house) (string, url.Values) {
		h.found()
		return "/settings/members/invite", url.Values{"email": {"bob@example.com"}, "role": {"viewer"}}
	}},
	"POST /settings/members/{id}/role": {is: audit.RoleGiven, subject: "bob@example.com", again: http.StatusSeeOther, prepare: func(h *house) (string, url.Values) {
		h.found()
		return fmt.Sprintf("/settings/members/%d/role", h.member("bob@example.com", account.Viewer).ID), url.Values{"role": {"admin"}}
	}},
	"POST /settings/members/{id}/remove": {is: audit.MemberRemoved, subject: "bob@example.com", again: http.StatusNotFound, prepare: func(h *house) (string, url.Values) {
		h.found()
		return fmt.Sprintf("/settings/members/%d/remove", h.member("bob@example.com", account.Viewer).ID), nil
	}},
	"POST /settings/invitations/{id}/withdraw": {is: audit.Uninvited, subject: "bob@example.com", again: http.StatusNotFound, prepare: func(h *house) (string, url.Values) {
		h.found()
		h.invite("bob@example.com", account.Viewer)
		return "/settings/invitations/1/withdraw", nil
	}},
	"POST /settings/tokens": {is: audit.TokenMade, subject: "Grafana", prepare: func(h *house) (string, url.Values) {
		h.found()
		return "/settings/tokens", url.Values{"name": {"Grafana"}, "role": {"viewer"}, "days": {"30"}}
	}},
	"POST /settings/tokens/{id}/revoke": {is: audit.TokenRevoked, subject: "Grafana", again: http.StatusNotFound, prepare: func(h *house) (string, url.Values) {
		h.found()
		h.post("/settings/tokens", url.Values{"name": {"Grafana"}, "role": {"viewer"}, "days": {"30"}}).wants(http.StatusOK, "headroom_")
		return "/settings/tokens/1/revoke", nil
	}},
	"POST /settings/catalog/{key}": {is: audit.CatalogSet, subject: "acme.cad", again: http.StatusSeeOther, prepare: func(h *house) (string, url.Values) {
		h.found()
		return "/settings/catalog/acme.cad", url.Values{"name": {"Drawing"}, "model": {"concurrent"}}
	}},
	"POST /settings/catalog/{key}/reset": {is: audit.CatalogReset, subject: "acme.cad", again: http.StatusNotFound, prepare: func(h *house) (string, url.Values) {
		h.found()
		h.post("/settings/catalog/acme.cad", url.Values{"hidden": {"1"}}).wants(http.StatusSeeOther)
		return "/settings/catalog/acme.cad/reset", nil
	}},
	"POST /bench":                 {prepare: pasted("/bench")},
	"POST /bench/redacted":        {prepare: pasted("/bench/redacted")},
	"POST /registrations/review":  {prepare: asked("/registrations/review")},
	"POST /registrations/approve": {is: audit.Approved, subject: "cad-host", again: http.StatusNotFound, prepare: asked("/registrations/approve")},
	"POST /registrations/refuse":  {is: audit.Refused, subject: "cad-host", again: http.StatusNotFound, prepare: asked("/registrations/refuse")},
	"POST /registrations/{id}/withdraw": {is: audit.Withdrawn, subject: "cad-host", again: http.StatusSeeOther, prepare: func(h *house) (string, url.Values) {
		h.found()
		code, id, _ := h.ask("cad-host")
		h.post("/registrations/approve", url.Values{"code": {code}}).wants(http.StatusSeeOther)
		return "/registrations/" + id + "/withdraw", nil
	}},
	"POST /registrations/servers/{guid}/approve": {is: audit.Admitted, subject: "lic-2", again: http.StatusNotFound, prepare: func(h *house) (string, url.Values) {
		h.found()
		agent := registration.Agent{Org: 1, ID: h.confirmed()}
		later := license.Server{GUID: "33333333-3333-4333-8333-333333333333", Name: "lic-2", Hosts: []string{"lic-2"}, Manager: "flexnet"}
		if _, err := h.registrar.Contact(h.t.Context(), agent, registration.Contact{At: now, Servers: []license.Server{later}}); err != nil {
			h.t.Fatal(err)
		}
		return "/registrations/servers/" + later.GUID + "/approve", nil
	}},
	"POST /registrations/agents/{agent}/remove": {is: audit.Removed, subject: "cad-host", again: http.StatusSeeOther, prepare: func(h *house) (string, url.Values) {
		h.found()
		return fmt.Sprintf("/registrations/agents/%d/remove", h.confirmed()), nil
	}},
}

// U-01: every address that may change something writes one entry, in the
// transaction of what it does; a request that fails writes none.
func TestEveryActHasOneEntry(t *testing.T) {
	told := 0
	for _, pattern := range console.Changing() {
		a, ok := acts[pattern]
		if !ok {
			t.Errorf("%s is not among the acts: say here what it writes to the audit log", pattern)
			continue
		}
		t.Run(strings.ReplaceAll(strings.Fields(pattern)[1], "/", "."), func(t *testing.T) {
			h := newHouse(t)
			path, form := a.prepare(h)
			before := len(h.log())
			if got := h.post(path, form); got.status >= http.StatusBadRequest {
				t.Fatalf("POST %s: %d %s", path, got.status, got.body)
			}
			entries := h.log()
			entries = entries[:len(entries)-before]
			if a.is == "" {
				if len(entries) != 0 {
					t.Errorf("%d entries, want none", len(entries))
				}
				return
			}
			if len(entries) != 1 || entries[0].Act != a.is || entries[0].Subject != a.subject ||
				entries[0].Actor.Name != cmp.Or(a.by, email) || entries[0].Actor.Member == 0 || !strings.HasPrefix(entries[0].Actor.Address, "127.") {
				t.Fatalf("entries %+v, want one of %s about %s, by %s", entries, a.is, a.subject, email)
			}
			told++
			if a.again == 0 {
				return
			}
			h.post(path, form).wants(a.again)
			if n := len(h.log()); n != before+1 {
				t.Errorf("what was done already left %d more entries", n-before-1)
			}
		})
	}
	t.Logf("U-01: %d acts, one entry each; %d addresses", told, len(console.Changing()))
}

// What an agent does is told too, by its host.
func TestActsOfAgentsAreTold(t *testing.T) {
	h := founded(t)
	agent := h.confirmed()
	if e := h.log()[0]; e.Act != audit.Confirmed || e.Actor.Name != "cad-host" || e.Actor.Member != 0 || e.Actor.Address != "192.0.2.9" || !strings.Contains(e.Detail, "lic-1") {
		t.Errorf("after the confirmation: %+v", e)
	}
	for range 2 {
		if err := h.registrar.RemoveSelf(t.Context(), registration.Agent{Org: 1, ID: agent, Host: "cad-host"}, "192.0.2.9"); err != nil {
			t.Fatal(err)
		}
	}
	if e := h.log(); e[0].Act != audit.Removed || e[0].Actor.Name != "cad-host" || e[1].Act != audit.Confirmed {
		t.Errorf("after it removed itself twice: %+v", e[:2])
	}
}

func TestAuditLogIsFilteredPagedAndExported(t *testing.T) {
	h := founded(t)
	for n := range 130 {
		e := audit.Of(audit.Actor{Org: 1, Member: 7, Name: "bob@example.com", Address: "192.0.2.7"}, audit.AskedFor, now, fmt.Sprintf("lic-%03d%%_", n))
		if err := h.db.Note(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	first := h.get("/audit")
	first.wants(http.StatusOK, "lic-129%_", "Update asked for", "from 192.0.2.7", "before=32")
	if strings.Contains(first.body, "lic-029%_") || strings.Contains(first.body, `data-label="No.">1<`) {
		t.Error("the first page has more than 100 entries")
	}
	h.get("/audit?before=32").wants(http.StatusOK, "lic-029%_", `data-label="No.">1<`, "Newest")
	h.get("/audit?act=organisation.find").wants(http.StatusUnprocessableEntity)
	h.get("/audit?from=yesterday").wants(http.StatusUnprocessableEntity)
	for address, want := range map[string]int{
		"": 131, "?who=BOB": 130, "?who=ada": 1, "?act=server.update": 130, "?on=lic-00": 10, "?on=%25_": 130, "?on=%25%25": 0,
		"?from=2026-11-24&to=2026-11-24": 131, "?to=2026-11-23": 0, "?from=2026-11-25": 0,
	} {
		if rows := h.get("/audit/log.csv" + address).csv(); len(rows)-1 != want {
			t.Errorf("log.csv%s: %d entries, want %d", address, len(rows)-1, want)
		}
	}
	rows := h.get("/audit/log.csv?who=ada").csv()
	if want := []string{"1", "2026-11-24T14:05:00+01:00", "organisation.found", email}; !slices.Equal(rows[1][:4], want) {
		t.Errorf("row %q, want %q", rows[1], want)
	}
	witness, err := audit.ReadWitness(strings.NewReader(h.get("/audit/log.csv").body))
	org, _, nameErr := h.db.OrganisationName(t.Context(), 1)
	if err := errors.Join(err, nameErr); err != nil || len(witness.Checkpoints[org]) != 131 {
		t.Errorf("the file as a witness: %d checkpoints of %s, %v; want 131", len(witness.Checkpoints[org]), org, err)
	}
	h.browser = h.newBrowser()
	h.get("/audit").wants(http.StatusSeeOther)
}
