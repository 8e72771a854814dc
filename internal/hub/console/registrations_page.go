package console

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/registration"
	"headroom/internal/license"
	"headroom/internal/look"
)

// A registrationsPage lists who may send, and what is under way.
type registrationsPage struct {
	MayRegister bool
	MayRemove   bool
	Standing    []standingView
	Pending     []pendingView
	Agents      []agentView
	Removed     []agentView
}

// A standingView is a registration that is not finished.
type standingView struct {
	ID, Host, ApprovedBy string
	State                template.HTML
	Words                []string
	Asked, Expires       template.HTML
	Open                 bool // it can be withdrawn
}

// A pendingView is a license server that waits for approval.
type pendingView struct{ GUID, Name, Hosts, Manager, Host string }

// An agentView is a registration.
type agentView struct {
	ID                         int64
	Host, Platform, Version    string
	ApprovedBy                 string
	Servers                    []string
	Registered, Seen, Removed  template.HTML
	RegisteredSort, SeenSort   string
	RemovedSort, Dialog, Names string
}

func (c *Console) getRegistrations(w http.ResponseWriter, r *http.Request, v visit) error {
	org := v.member.Org
	agents, err := c.Registrations.List(r.Context(), org)
	if err != nil {
		return err
	}
	standing, err := c.Registrations.Standing(r.Context(), org)
	if err != nil {
		return err
	}
	pending, err := c.Registrations.Pending(r.Context(), org)
	if err != nil {
		return err
	}
	p := newRegistrationsPage(v.clock, v.member.Role, agents, standing, pending)
	return show(c, w, r, v, look.Shell{Title: "Product Registrations", Section: "registrations"}, c.pages.registrations, http.StatusOK, p)
}

func newRegistrationsPage(clock look.Clock, role account.Role, agents []registration.Agent,
	standing []registration.Standing, pending []registration.PendingServer,
) registrationsPage {
	p := registrationsPage{MayRegister: role.May(account.Operator), MayRemove: role.May(account.Admin)}
	for _, s := range standing {
		p.Standing = append(p.Standing, standingView{
			ID: s.ID, Host: s.Host, ApprovedBy: s.ApprovedBy, State: standingState(s.State), Words: s.Words,
			Asked: clock.Age(s.Asked), Expires: clock.Age(s.Expires), Open: s.State == registration.Approved,
		})
	}
	for _, s := range pending {
		p.Pending = append(p.Pending, pendingView{
			GUID: s.Server.GUID, Name: s.Server.Name, Hosts: joined(s.Server.Hosts), Manager: managerText(s.Server), Host: s.Host,
		})
	}
	for _, a := range agents {
		view := newAgent(clock, a)
		if a.Removed.IsZero() {
			p.Agents = append(p.Agents, view)
		} else {
			p.Removed = append(p.Removed, view)
		}
	}
	return p
}

func newAgent(clock look.Clock, a registration.Agent) agentView {
	v := agentView{
		ID: a.ID, Host: a.Host, Platform: a.Platform, Version: a.Version, ApprovedBy: a.ApprovedBy,
		Registered: clock.Day(a.Registered), Seen: clock.Age(a.LastSeen), Removed: clock.Day(a.Removed),
		RegisteredSort: sortTime(a.Registered), SeenSort: sortTime(a.LastSeen), RemovedSort: sortTime(a.Removed),
		Dialog: "remove-" + strconv.FormatInt(a.ID, 10),
	}
	for _, s := range a.Servers {
		v.Servers = append(v.Servers, s.Name)
	}
	v.Names = joined(v.Servers)
	return v
}

func standingState(s registration.State) template.HTML {
	switch s {
	case registration.Approved:
		return look.Status(look.Warn, "Waiting for the license server to confirm")
	case registration.Refused:
		return look.Status(look.Mute, "Refused")
	case registration.Expired:
		return look.Status(look.Mute, "Expired before it was confirmed")
	}
	return look.Status(look.Mute, firstUpper(string(s)))
}

// A registerPage asks for a code.
type registerPage struct {
	HubURL string
	Error  string
	Code   look.Field
}

func (c *Console) newRegisterPage(code, problem string) registerPage {
	return registerPage{HubURL: c.HubURL, Error: problem, Code: look.Field{
		Name: "code", Label: "Code shown by the agent", Value: code, Max: 32, Focus: true, Mono: true, Complete: "off",
		Hint: "Ten letters and digits. Case, blanks and dashes do not matter.",
	}}
}

func (c *Console) getRegister(w http.ResponseWriter, r *http.Request, v visit) error {
	return show(c, w, r, v, look.Shell{Title: "Register", Section: "registrations"}, c.pages.register, http.StatusOK, c.newRegisterPage("", ""))
}

// A reviewPage shows what is joining before anybody says yes.
type reviewPage struct {
	Code                    string
	Host, Platform, Version string
	Address                 string
	Asked, Expires          template.HTML
	Words                   []string
	Servers                 []reviewServer
	Again                   bool
	Organisation            string
	PublicID                string
}

type reviewServer struct {
	Name, Hosts, Manager string
	TooOld               string // what is wrong with its version; empty if nothing is
}

func (c *Console) postReview(w http.ResponseWriter, r *http.Request, v visit) error {
	code := r.PostFormValue("code")
	review, err := c.Registrations.Review(r.Context(), v.actor(), code)
	if fault.KindOf(err) == fault.NotFound {
		return show(c, w, r, v, look.Shell{Title: "Register", Section: "registrations"}, c.pages.register,
			http.StatusUnprocessableEntity, c.newRegisterPage(code, look.Sentence(fault.Message(err))))
	}
	if err != nil {
		return err
	}
	return show(c, w, r, v, look.Shell{Title: "Review", Section: "registrations"}, c.pages.review, http.StatusOK,
		newReviewPage(v.clock, code, review, v.org))
}

func newReviewPage(clock look.Clock, code string, review registration.Review, org account.Organisation) reviewPage {
	p := reviewPage{
		Code: code, Host: review.Host, Platform: review.Platform, Version: review.Version, Address: review.Address,
		Asked: clock.Age(review.Asked), Expires: clock.Age(review.Expires), Words: review.Words, Again: review.Again,
		Organisation: org.Name, PublicID: org.PublicID,
	}
	for _, s := range review.Servers {
		p.Servers = append(p.Servers, reviewServer{Name: s.Name, Hosts: joined(s.Hosts), Manager: managerText(s), TooOld: tooOld(s)})
	}
	return p
}

func managerText(s license.Server) string {
	return strings.TrimSpace(managerWord(s.Manager) + " " + s.Version)
}

// minimum is the lowest version of a license manager that its reader is made
// for.
var minimum = map[string]string{"citrix": "11.15.0.0"}

// tooOld says what is wrong with a server's version, if anything is.
func tooOld(s license.Server) string {
	least, ok := minimum[s.Manager]
	if !ok || s.Version == "" || compareVersions(s.Version, least) >= 0 {
		return ""
	}
	return "below " + least + ", the lowest version that can be read reliably; update it first"
}

// compareVersions compares dotted versions part by part, as numbers.
func compareVersions(a, b string) int {
	number := func(s string) int {
		digits := strings.TrimLeft(s, "v")
		if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
			digits = digits[:i]
		}
		n, err := strconv.Atoi(digits)
		if err != nil {
			return 0
		}
		return n
	}
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		return cmp.Compare(number(x), number(y))
	})
}

func (c *Console) postApprove(w http.ResponseWriter, r *http.Request, v visit) error {
	host := r.PostFormValue("host")
	if err := c.Registrations.Approve(r.Context(), v.actor(), r.PostFormValue("code")); err != nil {
		return err
	}
	return c.done(w, r, look.Good, host+" is approved. It joins once somebody confirms "+v.org.Name+" on the license server.")
}

func (c *Console) postRefuse(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.Registrations.Refuse(r.Context(), v.actor(), r.PostFormValue("code")); err != nil {
		return err
	}
	return c.done(w, r, look.Info, "Refused. The code is used up; nothing was registered.")
}

func (c *Console) postWithdraw(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.Registrations.Withdraw(r.Context(), v.actor(), r.PathValue("id")); err != nil {
		return err
	}
	return c.done(w, r, look.Info, "The approval is withdrawn. The license server can no longer confirm it.")
}

func (c *Console) postApproveServer(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.Registrations.ApproveServer(r.Context(), v.actor(), r.PathValue("guid")); err != nil {
		return err
	}
	return c.done(w, r, look.Good, "The license server is approved. Its agent begins to send within minutes.")
}

func (c *Console) postRemove(w http.ResponseWriter, r *http.Request, v visit) error {
	id, err := strconv.ParseInt(r.PathValue("agent"), 10, 64)
	if err != nil {
		return fault.Errorf(fault.NotFound, "no such registration")
	}
	if err := c.Registrations.Remove(r.Context(), v.actor(), id); err != nil {
		return err
	}
	return c.done(w, r, look.Info, "The registration is removed: its key is refused from now on. Its history stays.")
}

// done goes back to the list, which then tells what was done.
func (c *Console) done(w http.ResponseWriter, r *http.Request, tone look.Tone, text string) error {
	c.tell(r, tone, text)
	http.Redirect(w, r, "/registrations", http.StatusSeeOther)
	return nil
}
