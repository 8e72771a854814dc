package console

import (
	"html/template"
	"net/http"
	"strconv"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/look"
)

// A membersPage lists who may sign in, and who is invited.
type membersPage struct {
	Tabs        []settingsTab
	Members     []memberView
	Invitations []invitationView
	Roles       []roleView // what each may do
	Link        string     // of the invitation that was made just now: it is shown once
	LinkFor     string
	Problem     string
	Email       look.Field
	Chosen      account.Role // of the form to invite
}

type memberView struct {
	ID                 int64
	Email, Name        string
	Role               account.Role
	Joined, Seen       template.HTML
	JoinedSort, Dialog string
	Self, Codes        bool
}

type invitationView struct {
	ID               int64
	Email, InvitedBy string
	Role             account.Role
	Created, Expires template.HTML
}

type roleView struct {
	Role account.Role
	May  string
}

var roleViews = []roleView{
	{account.Viewer, "sees everything but the audit log"},
	{account.Operator, "also registers license servers and asks for updates"},
	{account.Admin, "also removes registrations, deletes usage data, reads the audit log and decides who is a member"},
}

func (c *Console) getMembers(w http.ResponseWriter, r *http.Request, v visit) error {
	return c.showMembers(w, r, v, http.StatusOK, func(*membersPage) {})
}

func (c *Console) showMembers(w http.ResponseWriter, r *http.Request, v visit, status int, change func(*membersPage)) error {
	members, err := c.Accounts.Members(r.Context(), v.member.Org)
	if err != nil {
		return err
	}
	invitations, err := c.Accounts.Invitations(r.Context(), v.member.Org)
	if err != nil {
		return err
	}
	p := newMembersPage(v.clock, v.member, members, invitations)
	change(&p)
	return show(c, w, r, v, look.Shell{Title: "Members", Section: "settings"}, c.pages.members, status, p)
}

func newMembersPage(clock look.Clock, self account.Member, members []account.Membership, invitations []account.Invitation) membersPage {
	p := membersPage{
		Tabs: settingsTabs(self.Role, "/settings/members"), Roles: roleViews, Chosen: account.Viewer,
		Email: look.Field{Name: "email", Label: "E-mail address", Type: "email", Max: 254, Complete: "off"},
	}
	for _, m := range members {
		p.Members = append(p.Members, memberView{
			ID: m.ID, Email: m.Email, Name: m.Name, Role: m.Role, Joined: clock.Day(m.Joined), Seen: clock.Age(m.Seen),
			JoinedSort: sortTime(m.Joined), Dialog: "member-" + strconv.FormatInt(m.ID, 10), Self: m.ID == self.ID, Codes: m.Codes,
		})
	}
	for _, i := range invitations {
		p.Invitations = append(p.Invitations, invitationView{
			ID: i.ID, Email: i.Email, InvitedBy: i.InvitedBy, Role: i.Role, Created: clock.Age(i.Created), Expires: clock.Time(i.Expires),
		})
	}
	return p
}

// InvitePath, and a token, is the address at which somebody who was invited joins.
const InvitePath = "/invite/"

// postInvite makes an invitation and shows its link, this once: only a hash of it is
// kept.
func (c *Console) postInvite(w http.ResponseWriter, r *http.Request, v visit) error {
	email, role := r.PostFormValue("email"), account.Role(r.PostFormValue("role"))
	token, err := c.Accounts.Invite(r.Context(), v.actor(), email, role)
	if kind := fault.KindOf(err); err != nil && (kind == fault.Invalid || kind == fault.Conflict) {
		return c.showMembers(w, r, v, http.StatusUnprocessableEntity, func(p *membersPage) {
			p.Problem, p.Email.Value, p.Chosen = look.Sentence(fault.Message(err)), email, role
		})
	}
	if err != nil {
		return err
	}
	return c.showMembers(w, r, v, http.StatusOK, func(p *membersPage) { p.Link, p.LinkFor = c.HubURL+InvitePath+token, email })
}

func (c *Console) postUninvite(w http.ResponseWriter, r *http.Request, v visit) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return fault.Errorf(fault.NotFound, "no such invitation")
	}
	if err := c.Accounts.Uninvite(r.Context(), v.actor(), id); err != nil {
		return err
	}
	return c.toMembers(w, r, look.Info, "The invitation is taken back. Its link does not work any more.")
}

func (c *Console) postRole(w http.ResponseWriter, r *http.Request, v visit) error {
	id, err := memberOf(r)
	if err != nil {
		return err
	}
	if err := c.Accounts.SetRole(r.Context(), v.actor(), id, account.Role(r.PostFormValue("role"))); err != nil {
		return c.membersProblem(w, r, v, err)
	}
	return c.toMembers(w, r, look.Good, "The role is changed. It counts from the next page on.")
}

func (c *Console) postRemoveMember(w http.ResponseWriter, r *http.Request, v visit) error {
	id, err := memberOf(r)
	if err != nil {
		return err
	}
	if err := c.Accounts.RemoveMember(r.Context(), v.actor(), id); err != nil {
		return c.membersProblem(w, r, v, err)
	}
	return c.toMembers(w, r, look.Info, "The member is removed, and signed out everywhere.")
}

// membersProblem shows on the page what an administrator can mend there.
func (c *Console) membersProblem(w http.ResponseWriter, r *http.Request, v visit, err error) error {
	if fault.KindOf(err) != fault.Conflict {
		return err
	}
	return c.showMembers(w, r, v, http.StatusConflict, func(p *membersPage) { p.Problem = look.Sentence(fault.Message(err)) })
}

func memberOf(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, fault.Errorf(fault.NotFound, "no such member")
	}
	return id, nil
}

func (c *Console) toMembers(w http.ResponseWriter, r *http.Request, tone look.Tone, text string) error {
	c.tell(r, tone, text)
	http.Redirect(w, r, "/settings/members", http.StatusSeeOther)
	return nil
}

// An invitePage is where somebody who was invited becomes a member.
type invitePage struct {
	Action, Email, Organisation, InvitedBy string
	Role                                   account.Role
	May                                    string
	Error                                  string
	Name, Secret                           look.Field
}

func (c *Console) getAccept(w http.ResponseWriter, r *http.Request, v visit) error {
	return c.showAccept(w, r, v, http.StatusOK, "")
}

func (c *Console) showAccept(w http.ResponseWriter, r *http.Request, v visit, status int, problem string) error {
	token := r.PathValue("token")
	inv, err := c.Accounts.Invitation(r.Context(), token)
	if err != nil {
		return err
	}
	org, err := c.Accounts.Organisation(r.Context(), inv.Org)
	if err != nil {
		return err
	}
	v.member = account.Member{} // the page stands alone, whoever looks at it
	return show(c, w, r, v, look.Shell{Title: "Join"}, c.pages.invite, status,
		newInvitePage(token, inv, org, r.PostFormValue("name"), problem))
}

func newInvitePage(token string, inv account.Invitation, org account.Organisation, name, problem string) invitePage {
	p := invitePage{
		Action: InvitePath + token, Email: inv.Email, Organisation: org.Name, InvitedBy: inv.InvitedBy, Role: inv.Role, Error: problem,
		Name: look.Field{Name: "name", Label: "Your name", Value: name, Max: 100, Complete: "name", Focus: true},
		Secret: look.Field{
			Name: "password", Label: "Password", Type: "password", Complete: "new-password", Min: account.MinPassword, Max: account.MaxPassword,
			Hint: "12 to 128 characters. Four or five unrelated words are easy to keep in mind.",
		},
	}
	for _, r := range roleViews {
		if r.Role == inv.Role {
			p.May = r.May
		}
	}
	return p
}

func (c *Console) postAccept(w http.ResponseWriter, r *http.Request, v visit) error {
	m, err := c.Accounts.Accept(r.Context(), r.PathValue("token"), r.PostFormValue("name"), r.PostFormValue("password"), v.address)
	if kind := fault.KindOf(err); err != nil && (kind == fault.Invalid || kind == fault.Conflict) {
		return c.showAccept(w, r, v, statuses[kind], look.Sentence(fault.Message(err)))
	}
	if err != nil {
		return err
	}
	if err := c.Sessions.SignIn(r.Context(), m, v.address, r.UserAgent()); err != nil {
		return err
	}
	c.tell(r, look.Good, "You are a member now.")
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
