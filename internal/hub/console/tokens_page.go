package console

import (
	"html/template"
	"net/http"
	"strconv"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/erasure"
	"headroom/internal/look"
)

// A tokensPage lists the tokens of programs.
type tokensPage struct {
	Code    *look.Field // nil: he has no second factor
	Tabs    []settingsTab
	Tokens  []tokenView
	Roles   []roleView
	Chosen  account.Role
	Made    string // the token that was made just now: it is shown once
	MadeFor string
	Problem string
	API     string // address of the API
	Name    look.Field
	Days    look.Field
	Erases  bool // the form asks for a token that may delete usage data
	Secret  look.Field
}

type tokenView struct {
	ID                     int64
	Name, MadeBy           string
	Role                   account.Role
	Created, Used, Expires template.HTML
	CreatedSort            string
	Expired                bool
	Erases                 template.HTML // until when it may delete usage data; empty: it may not
}

func (c *Console) getTokens(w http.ResponseWriter, r *http.Request, v visit) error {
	return c.showTokens(w, r, v, http.StatusOK, func(*tokensPage) {})
}

func (c *Console) showTokens(w http.ResponseWriter, r *http.Request, v visit, status int, change func(*tokensPage)) error {
	all, err := c.Accounts.Tokens(r.Context(), v.member.Org)
	if err != nil {
		return err
	}
	p := newTokensPage(v.clock, v.member.Role, all)
	p.Code = codeField(v)
	p.API = c.HubURL + "/api/v1"
	change(&p)
	return show(c, w, r, v, look.Shell{Title: "API tokens", Section: "settings"}, c.pages.tokens, status, p)
}

func newTokensPage(clock look.Clock, role account.Role, all []account.Token) tokensPage {
	p := tokensPage{
		Tabs: settingsTabs(role, "/settings/tokens"), Roles: roleViews, Chosen: account.Viewer,
		Name: look.Field{Name: "name", Label: "Name", Max: 100, Complete: "off", Hint: "What the token is for, for example Grafana."},
		Days: look.Field{Name: "days", Label: "Ends after so many days", Type: "number", Value: "90", Complete: "off", Hint: "1 to " + strconv.Itoa(account.MaxTokenDays) + "."},
		Secret: look.Field{
			Name: "password", Label: "Your password", Type: "password", Complete: "current-password", Optional: true,
			Hint: "Only for a token that may delete, and if you signed in more than " + look.Length(erasure.Fresh) + " ago.",
		},
	}
	for _, t := range all {
		row := tokenView{
			ID: t.ID, Name: t.Name, MadeBy: t.MadeBy, Role: t.Role, Created: clock.Day(t.Created), Used: clock.Age(t.Used), Expires: clock.Time(t.Expires),
			CreatedSort: sortTime(t.Created), Expired: !clock.Now.Before(t.Expires),
		}
		if clock.Now.Before(t.Erases) {
			row.Erases = clock.Time(t.Erases)
		}
		p.Tokens = append(p.Tokens, row)
	}
	return p
}

func (c *Console) postToken(w http.ResponseWriter, r *http.Request, v visit) error {
	name, role := r.PostFormValue("name"), account.Role(r.PostFormValue("role"))
	days, err := strconv.Atoi(r.PostFormValue("days"))
	if err != nil {
		days = 0 // which is refused with what may be
	}
	token, err := c.makeToken(r, v, name, role, days)
	if kind := fault.KindOf(err); err != nil && (kind == fault.Invalid || kind == fault.TooMany) {
		retryAfter(w, err)
		return c.showTokens(w, r, v, http.StatusUnprocessableEntity, func(p *tokensPage) {
			p.Problem, p.Name.Value, p.Days.Value, p.Chosen = look.Sentence(fault.Message(err)), name, r.PostFormValue("days"), role
			p.Erases = r.PostFormValue("erases") != ""
		})
	}
	if err != nil {
		return err
	}
	return c.showTokens(w, r, v, http.StatusOK, func(p *tokensPage) { p.Made, p.MadeFor = token, name })
}

// makeToken makes the token that a form asks for. Who wants one that may delete usage
// data shows that it is he, as he would before he deletes them himself.
func (c *Console) makeToken(r *http.Request, v visit, name string, role account.Role, days int) (string, error) {
	if r.PostFormValue("erases") == "" {
		return c.Accounts.MakeToken(r.Context(), v.actor(), name, role, days)
	}
	if role != account.Admin {
		return "", fault.Errorf(fault.Invalid, "a token that may delete usage data has the role admin")
	}
	if err := c.proveFor(r, v, "no token was made"); err != nil {
		return "", err
	}
	return c.Accounts.MakeErasing(r.Context(), v.actor(), name, days)
}

// wrongProof says what was wrong, and not which of the two.
func wrongProof(v visit) string {
	if v.member.Codes {
		return "the password or the code is wrong"
	}
	return "this is not your password"
}

// codeField asks for a code of the second factor where the member has one.
func codeField(v visit) *look.Field {
	if !v.member.Codes {
		return nil
	}
	return &look.Field{Name: "code", Label: "Code of your second factor", Complete: "one-time-code", Max: 30, Optional: true}
}

// proveFor makes sure that it is still the member who asks for what cannot be undone:
// he has signed in just now, or tells his password. Otherwise is what was not done then.
func (c *Console) proveFor(r *http.Request, v visit, otherwise string) error {
	if c.fresh(r, v) {
		return nil
	}
	err := c.Accounts.Prove(r.Context(), v.member, r.PostFormValue("password"), r.PostFormValue("code"), v.address)
	if fault.KindOf(err) == fault.Unauthorized {
		return fault.Errorf(fault.Invalid, "%s; %s", wrongProof(v), otherwise)
	}
	if err != nil {
		return err
	}
	c.Sessions.SetProved(r.Context())
	return nil
}

func (c *Console) postRevokeToken(w http.ResponseWriter, r *http.Request, v visit) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return fault.Errorf(fault.NotFound, "no such token")
	}
	if err := c.Accounts.RevokeToken(r.Context(), v.actor(), id); err != nil {
		return err
	}
	c.tell(r, look.Info, "The token is revoked. Whatever uses it is refused from now on.")
	http.Redirect(w, r, "/settings/tokens", http.StatusSeeOther)
	return nil
}
