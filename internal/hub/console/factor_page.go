package console

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/look"
)

// A codePage asks for a code after the password.
type codePage struct {
	Next, Error string
	Code        look.Field
}

func newCodePage(next, problem string) codePage {
	return codePage{Next: next, Error: problem, Code: look.Field{
		Name: "code", Label: "Code", Complete: "one-time-code", Max: 30, Focus: true,
		Hint: "The six digits that your app shows now, or one of your recovery codes.",
	}}
}

func (c *Console) getCode(w http.ResponseWriter, r *http.Request, v visit) error {
	if org, _ := c.Sessions.Awaited(r.Context()); org == 0 {
		return fault.Errorf(fault.Unauthorized, "sign in first")
	}
	return show(c, w, r, v, look.Shell{Title: "Sign in"}, c.pages.code, http.StatusOK, newCodePage(localPath(r.URL.Query().Get("next")), ""))
}

func (c *Console) postCode(w http.ResponseWriter, r *http.Request, v visit) error {
	next := localPath(r.PostFormValue("next"))
	org, member := c.Sessions.Awaited(r.Context())
	if org == 0 {
		return fault.Errorf(fault.Unauthorized, "sign in first")
	}
	m, err := c.Accounts.LoginCode(r.Context(), org, member, r.PostFormValue("code"), v.address)
	if kind := fault.KindOf(err); err != nil && (kind == fault.Unauthorized || kind == fault.TooMany || kind == fault.Conflict) {
		retryAfter(w, err)
		v.member = account.Member{}
		return show(c, w, r, v, look.Shell{Title: "Sign in"}, c.pages.code, statuses[kind], newCodePage(next, loginProblem(err)))
	}
	if err != nil {
		return err
	}
	return c.signIn(w, r, v, m, next)
}

// factorPath is below which a member sets his second factor up.
const factorPath = "/settings/factor"

// wantsFactor says whether the member has to set up a second factor before he sees
// anything else.
func (c *Console) wantsFactor(r *http.Request, v visit) bool {
	return v.org.Codes && !v.member.Codes && c.Sessions.Current(r.Context()) != 0 && !c.Sessions.Elsewhere(r.Context())
}

// A factorPage is where a member sets up his second factor, or ends it.
type factorPage struct {
	Tabs     []settingsTab
	On       string // since when; empty: it is not
	Wanted   bool
	Enrol    bool // it is being set up
	Key      string
	QR       template.HTML
	Recovery []string // made just now: they are shown once
	Problem  string
	Secret   *look.Field // nil: he has signed in just now
	Code     look.Field
}

func (c *Console) getFactor(w http.ResponseWriter, r *http.Request, v visit) error {
	return c.showFactor(w, r, v, http.StatusOK, nil, "")
}

func (c *Console) showFactor(w http.ResponseWriter, r *http.Request, v visit, status int, recovery []string, problem string) error {
	if c.Sessions.Current(r.Context()) == 0 {
		return fault.Errorf(fault.Forbidden, "a guest has no second factor")
	}
	f, err := c.Accounts.Factor(r.Context(), v.member)
	if err != nil {
		return err
	}
	p := factorPage{
		Tabs: settingsTabs(v.member.Role, "/settings"), On: factorWord(v.clock, f), Wanted: v.org.Codes, Recovery: recovery, Problem: problem,
		Code: look.Field{Name: "code", Label: "Code that your app shows now", Complete: "one-time-code", Max: 30},
	}
	if !f.On() && f.Sealed != "" {
		e, err := c.Accounts.Enrolment(r.Context(), v.member)
		if err != nil {
			return err
		}
		if p.QR, err = qrCode(e.URL); err != nil {
			return err
		}
		p.Enrol, p.Key = true, inFours(e.Key)
	}
	if !f.On() && !c.fresh(r, v) {
		p.Secret = &look.Field{Name: "password", Label: "Your password", Type: "password", Complete: "current-password"}
	}
	return show(c, w, r, v, look.Shell{Title: "Second factor", Section: "settings"}, c.pages.factor, status, p)
}

// factorWord says since when there is a second factor; empty if there is none.
func factorWord(clock look.Clock, f account.Factor) string {
	if !f.On() {
		return ""
	}
	return "On since " + clock.Text(f.Since) + ". " + look.Plural(f.Left, "recovery code", "recovery codes") + " left."
}

// inFours writes a key as people copy it.
func inFours(key string) string {
	var fours []string
	for four := range slices.Chunk([]byte(key), 4) {
		fours = append(fours, string(four))
	}
	return strings.Join(fours, " ")
}

func (c *Console) postBeginFactor(w http.ResponseWriter, r *http.Request, v visit) error {
	if c.Sessions.Current(r.Context()) == 0 {
		return fault.Errorf(fault.Forbidden, "a guest has no second factor")
	}
	if err := c.Accounts.BeginFactor(r.Context(), v.member); err != nil {
		return err
	}
	http.Redirect(w, r, factorPath, http.StatusSeeOther)
	return nil
}

// postFactor turns it on and shows the recovery codes, this once.
func (c *Console) postFactor(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.proveFor(r, v, "nothing was changed"); err != nil {
		return c.factorProblem(w, r, v, err)
	}
	codes, err := c.Accounts.ConfirmFactor(r.Context(), v.member, c.Sessions.Current(r.Context()), r.PostFormValue("code"), v.address)
	if err != nil {
		return c.factorProblem(w, r, v, err)
	}
	return c.showFactor(w, r, v, http.StatusOK, codes, "")
}

func (c *Console) postRecovery(w http.ResponseWriter, r *http.Request, v visit) error {
	codes, err := c.Accounts.NewRecovery(r.Context(), v.member, r.PostFormValue("code"), v.address)
	if err != nil {
		return c.factorProblem(w, r, v, err)
	}
	return c.showFactor(w, r, v, http.StatusOK, codes, "")
}

func (c *Console) postRemoveFactor(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.Accounts.RemoveFactor(r.Context(), v.member, r.PostFormValue("code"), v.address); err != nil {
		return c.factorProblem(w, r, v, err)
	}
	c.tell(r, look.Warn, "Your second factor is off. Your password alone signs you in.")
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}

// factorProblem shows on the page what the member can mend there.
func (c *Console) factorProblem(w http.ResponseWriter, r *http.Request, v visit, err error) error {
	kind := fault.KindOf(err)
	status := statuses[kind]
	switch kind {
	case fault.Unauthorized:
		status = http.StatusUnprocessableEntity // he is signed in
	case fault.Invalid, fault.TooMany, fault.Conflict:
		retryAfter(w, err)
	default:
		return err
	}
	return c.showFactor(w, r, v, status, nil, loginProblem(err))
}

// postResetFactor takes the second factor of a member away, who has lost it. The
// password alone lets somebody in as him then, so who asks has signed in just now.
func (c *Console) postResetFactor(w http.ResponseWriter, r *http.Request, v visit) error {
	id, err := memberOf(r)
	if err != nil {
		return err
	}
	if err = c.mustBeFresh(r, v); err == nil {
		err = c.Accounts.ResetFactor(r.Context(), v.actor(), id)
	}
	if err != nil {
		return c.membersProblem(w, r, v, err)
	}
	return c.toMembers(w, r, look.Warn, "The second factor is removed: the password alone signs in until another one is set up.")
}

// A signinPage is how the members of an organisation sign in.
type signinPage struct {
	Tabs    []settingsTab
	Wanted  bool
	With    int // members with a second factor
	Members int
	Self    bool // who looks at it has one
	Form    providerForm
}

func (c *Console) getSignin(w http.ResponseWriter, r *http.Request, v visit) error {
	return c.showSignin(w, r, v, http.StatusOK, nil, "")
}

// showSignin shows the page, with what somebody typed about a provider instead of what
// is set.
func (c *Console) showSignin(w http.ResponseWriter, r *http.Request, v visit, status int, typed *providerTexts, problem string) error {
	p := signinPage{Tabs: settingsTabs(v.member.Role, "/settings/signin"), Wanted: v.org.Codes, Self: v.member.Codes}
	members, err := c.Accounts.Members(r.Context(), v.member.Org)
	if err != nil {
		return err
	}
	for _, m := range members {
		p.Members++
		if m.Codes {
			p.With++
		}
	}
	set, err := c.Accounts.Provider(r.Context(), v.member.Org)
	if err != nil {
		return err
	}
	if typed == nil {
		was := textsOf(set)
		typed = &was
	}
	p.Form = newProviderForm(c.HubURL, v.org.PublicID, set, *typed, problem)
	return show(c, w, r, v, look.Shell{Title: "Sign-in", Section: "settings"}, c.pages.signin, status, p)
}

func (c *Console) postWantCodes(w http.ResponseWriter, r *http.Request, v visit) error {
	want, err := strconv.ParseBool(r.PostFormValue("want"))
	if err != nil {
		return fault.Errorf(fault.Invalid, "say whether a second factor is wanted")
	}
	if err := c.Accounts.WantCodes(r.Context(), v.actor(), want); err != nil {
		return err
	}
	text := "A second factor is up to each member now."
	if want {
		text = "All members need a second factor now: who has none sets one up with the next page."
	}
	c.tell(r, look.Good, text)
	http.Redirect(w, r, "/settings/signin", http.StatusSeeOther)
	return nil
}

// codeAddress is where a code is asked for, and what to show afterwards.
func codeAddress(next string) string { return "/login/code?" + url.Values{"next": {next}}.Encode() }
