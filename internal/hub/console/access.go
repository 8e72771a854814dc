package console

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/look"
)

// A setupPage makes the organisation and its first administrator.
type setupPage struct {
	Action string
	Error  string
	Org    look.Field
	Zone   look.Field
	Name   look.Field
	Email  look.Field
	Secret look.Field
}

func newSetupPage(token string, f account.Founding, problem string) setupPage {
	return setupPage{
		Action: "/setup/" + token,
		Error:  problem,
		Org: look.Field{
			Name: "organisation", Label: "Name", Value: f.Organisation, Max: 100, Focus: true, Complete: "organization",
			Hint: "License servers show it before they join.",
		},
		Zone: look.Field{
			Name: "zone", Label: "Time zone", Value: f.Zone, Max: 64, Complete: "off", Zone: true,
			Hint: "Its calendar decides days and months, for example Europe/Berlin.",
		},
		Name:  look.Field{Name: "name", Label: "Your name", Value: f.Name, Max: 100, Complete: "name"},
		Email: look.Field{Name: "email", Label: "E-mail address", Type: "email", Value: f.Email, Max: 254, Complete: "username"},
		Secret: look.Field{
			Name: "password", Label: "Password", Type: "password", Complete: "new-password",
			Min: account.MinPassword, Max: account.MaxPassword,
			Hint: "12 to 128 characters. Four or five unrelated words are easy to keep in mind.",
		},
	}
}

func (c *Console) getSetup(w http.ResponseWriter, r *http.Request, v visit) error {
	token := r.PathValue("token")
	if err := c.Accounts.CheckSetup(r.Context(), token); err != nil {
		return err
	}
	v.member = account.Member{} // the page stands alone, whoever looks at it
	return show(c, w, r, v, look.Shell{Title: "Set up"}, c.pages.setup, http.StatusOK,
		newSetupPage(token, account.Founding{}, ""))
}

func (c *Console) postSetup(w http.ResponseWriter, r *http.Request, v visit) error {
	token := r.PathValue("token")
	f := account.Founding{
		Address:      v.address,
		Organisation: r.PostFormValue("organisation"), Zone: r.PostFormValue("zone"),
		Name: r.PostFormValue("name"), Email: r.PostFormValue("email"), Password: r.PostFormValue("password"),
	}
	m, err := c.Accounts.Setup(r.Context(), token, f)
	if fault.KindOf(err) == fault.Invalid {
		v.member = account.Member{}
		return show(c, w, r, v, look.Shell{Title: "Set up"}, c.pages.setup, http.StatusUnprocessableEntity,
			newSetupPage(token, f, look.Sentence(fault.Message(err))))
	}
	if err != nil {
		return err
	}
	if err := c.Sessions.SignIn(r.Context(), m, v.address, r.UserAgent()); err != nil {
		return err
	}
	c.tell(r, look.Good, "Your organisation is set up. Register the first license server next.")
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// A loginPage asks who it is.
type loginPage struct {
	Next   string
	Error  string
	Email  look.Field
	Secret look.Field
	Join   string // the provider that an account of is joined with the member by signing in
	With   string // the provider where one can sign in too, by its name
	To     string // the way there
}

func newLoginPage(next, email, problem string) loginPage {
	return loginPage{
		Next:   next,
		Error:  problem,
		Email:  look.Field{Name: "email", Label: "E-mail address", Type: "email", Value: email, Complete: "username", Focus: email == ""},
		Secret: look.Field{Name: "password", Label: "Password", Type: "password", Complete: "current-password", Focus: email != ""},
	}
}

// showLogin shows the page with the provider of the hub's only organisation. Who else
// has one is not told to anybody: members of those begin at a link of their own.
func (c *Console) showLogin(w http.ResponseWriter, r *http.Request, v visit, status int, p loginPage) error {
	if who := c.Sessions.Linking(r.Context()); who.Issuer != "" {
		v.member = account.Member{} // he may be signed in, and shows all the same that it is he
		if p.Join = who.Issuer; p.Email.Value == "" {
			p.Email.Value, p.Email.Focus, p.Secret.Focus = who.Email, false, true
		}
		return show(c, w, r, v, look.Shell{Title: "Sign in"}, c.pages.login, status, p)
	}
	set, err := c.Accounts.SoleProvider(r.Context())
	if err != nil {
		return err
	}
	if p.With = set.Name; set.On() {
		p.To = withPath + "?" + url.Values{"next": {p.Next}}.Encode()
	}
	return show(c, w, r, v, look.Shell{Title: "Sign in"}, c.pages.login, status, p)
}

func (c *Console) getLogin(w http.ResponseWriter, r *http.Request, v visit) error {
	next := localPath(r.URL.Query().Get("next"))
	if v.member.ID != 0 && c.Sessions.Linking(r.Context()).Issuer == "" {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	return c.showLogin(w, r, v, http.StatusOK, newLoginPage(next, "", ""))
}

func (c *Console) postLogin(w http.ResponseWriter, r *http.Request, v visit) error {
	next := localPath(r.PostFormValue("next"))
	email := r.PostFormValue("email")
	m, err := c.Accounts.Login(r.Context(), email, r.PostFormValue("password"), v.address)
	if half, ok := errors.AsType[*account.NeedsCode](err); ok {
		if err := c.Sessions.AwaitCode(r.Context(), half.Member); err != nil {
			return err
		}
		http.Redirect(w, r, codeAddress(next), http.StatusSeeOther)
		return nil
	}
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Unauthorized || kind == fault.TooMany:
		v.member = account.Member{}
		retryAfter(w, err)
		return c.showLogin(w, r, v, statuses[kind], newLoginPage(next, email, loginProblem(err)))
	default:
		return err
	}
	return c.signIn(w, r, v, m, next)
}

// loginProblem says why signing in failed, and how long to wait.
func loginProblem(err error) string {
	s := look.Sentence(fault.Message(err))
	if after := waitOf(err); after > 0 {
		s += " Next attempt in " + look.Length(after.Round(time.Second)) + "."
	}
	return s
}

// waitOf returns how long an error asks to wait; 0 if it does not say.
func waitOf(err error) time.Duration {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.After
	}
	return 0
}

func (c *Console) postLogout(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.Sessions.SignOut(r.Context(), v.address); err != nil {
		return err
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}
