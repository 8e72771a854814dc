package console

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/look"
)

// An accountPage is what a member sees of himself.
type accountPage struct {
	Tabs        []settingsTab
	Email, Name string
	Role        account.Role
	Guest       bool // of a demo: there is nothing to change
	Problem     string
	Old, New    look.Field
	SignIns     []signInView
	Factor      string // of his second factor: since when, and how many recovery codes are left
	Wanted      bool   // the organisation wants one of all
}

// A signInView is where somebody is signed in.
type signInView struct {
	ID            int64
	Browser, From string
	Begun, Seen   template.HTML
	Here          bool
}

func (c *Console) getAccount(w http.ResponseWriter, r *http.Request, v visit) error {
	return c.showAccount(w, r, v, http.StatusOK, "")
}

func (c *Console) showAccount(w http.ResponseWriter, r *http.Request, v visit, status int, problem string) error {
	ins, err := c.Accounts.SignIns(r.Context(), v.member)
	if err != nil {
		return err
	}
	p := newAccountPage(v.clock, v.member, ins, c.Sessions.Current(r.Context()), problem)
	f, err := c.Accounts.Factor(r.Context(), v.member)
	if err != nil {
		return err
	}
	p.Factor, p.Wanted = factorWord(v.clock, f), v.org.Codes
	return show(c, w, r, v, look.Shell{Title: "Your account", Section: "settings"}, c.pages.account, status, p)
}

func newAccountPage(clock look.Clock, m account.Member, ins []account.SignIn, here int64, problem string) accountPage {
	p := accountPage{
		Tabs: settingsTabs(m.Role, "/settings"), Email: m.Email, Name: m.Name, Role: m.Role, Guest: here == 0, Problem: problem,
		Old: look.Field{Name: "old", Label: "Password that you have", Type: "password", Complete: "current-password"},
		New: look.Field{
			Name: "password", Label: "New password", Type: "password", Complete: "new-password", Min: account.MinPassword, Max: account.MaxPassword,
			Hint: "12 to 128 characters. Four or five unrelated words are easy to keep in mind.",
		},
	}
	for _, in := range ins {
		p.SignIns = append(p.SignIns, signInView{
			ID: in.ID, Browser: browserWord(in.Browser), From: in.Address, Begun: clock.Age(in.Begun), Seen: clock.Age(in.Seen), Here: in.ID == here,
		})
	}
	return p
}

// browserWord says in a word or two what a browser calls itself.
func browserWord(agent string) string {
	first := func(words ...[2]string) string {
		for _, w := range words {
			if strings.Contains(agent, w[0]) {
				return w[1]
			}
		}
		return ""
	}
	browser := first([2]string{"Edg/", "Edge"}, [2]string{"Firefox/", "Firefox"}, [2]string{"Chrome/", "Chrome"}, [2]string{"Safari/", "Safari"})
	system := first([2]string{"Windows", "Windows"}, [2]string{"Android", "Android"}, [2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"},
		[2]string{"Mac OS", "macOS"}, [2]string{"Linux", "Linux"})
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser+system != "":
		return browser + system
	case agent == "":
		return "a browser that does not tell its name"
	}
	return agent
}

// postPassword changes the member's own password.
func (c *Console) postPassword(w http.ResponseWriter, r *http.Request, v visit) error {
	here := c.Sessions.Current(r.Context())
	if here == 0 {
		return fault.Errorf(fault.Forbidden, "a guest has no password")
	}
	err := c.Accounts.ChangePassword(r.Context(), v.member, r.PostFormValue("old"), r.PostFormValue("password"), v.address, here)
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Unauthorized:
		return c.showAccount(w, r, v, http.StatusUnprocessableEntity, "The password that you have is another one. Nothing was changed.")
	case kind == fault.Invalid || kind == fault.TooMany:
		retryAfter(w, err)
		return c.showAccount(w, r, v, statuses[kind], loginProblem(err))
	default:
		return err
	}
	if err := c.Sessions.RenewToken(r.Context()); err != nil {
		return err
	}
	c.Sessions.SetProved(r.Context())
	c.tell(r, look.Good, "Your password is changed. You are signed out everywhere else.")
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}

// postEndSignIn signs the member out somewhere else.
func (c *Console) postEndSignIn(w http.ResponseWriter, r *http.Request, v visit) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return fault.Errorf(fault.NotFound, "you are not signed in there any more")
	}
	if err := c.Accounts.EndSignIn(r.Context(), v.member, id, v.address); err != nil {
		return err
	}
	c.tell(r, look.Good, "Signed out there.")
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}
