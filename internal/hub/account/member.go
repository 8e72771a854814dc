package account

import (
	"context"
	"fmt"
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// A Membership is a member as the list of members shows him.
type Membership struct {
	Member
	Joined time.Time
	Seen   time.Time // his last request while he is signed in somewhere, to the minute; zero if he is not
}

// An Invitation lets somebody become a member.
type Invitation struct {
	ID        int64
	Org       int64
	Email     string
	Role      Role
	InvitedBy string
	Created   time.Time
	Expires   time.Time
}

// InvitationTime is for how long an invitation can be used.
const InvitationTime = 7 * 24 * time.Hour

// maxInvitations is how many may stand in an organisation.
const maxInvitations = 200

// Members lists the members of an organisation, by e-mail address.
func (s *Service) Members(ctx context.Context, org int64) ([]Membership, error) {
	return s.store.Members(ctx, org, s.now().Add(-SessionIdle))
}

// Invitations lists those that stand, newest first.
func (s *Service) Invitations(ctx context.Context, org int64) ([]Invitation, error) {
	return s.store.Invitations(ctx, org, s.now())
}

// Invite invites somebody to the actor's organisation and returns the token of the
// link with which he joins; only its hash is kept. One that was invited before gets
// a new link, and the old one is worthless.
func (s *Service) Invite(ctx context.Context, actor audit.Actor, email string, role Role) (token string, err error) {
	email = strings.TrimSpace(email)
	if err := checkEmail(email); err != nil {
		return "", err
	}
	if rank[role] == 0 {
		return "", fault.Errorf(fault.Invalid, "a role is viewer, operator or admin")
	}
	standing, err := s.store.Invitations(ctx, actor.Org, s.now())
	if err != nil {
		return "", err
	}
	if len(standing) >= maxInvitations {
		return "", fault.Errorf(fault.Invalid, "%d invitations stand already; withdraw some that nobody uses", len(standing))
	}
	token = newToken()
	now := s.now()
	e := audit.Of(actor, audit.Invited, now, email)
	e.Detail = "as " + string(role)
	inv := Invitation{Org: actor.Org, Email: email, Role: role, InvitedBy: actor.Name, Created: now, Expires: now.Add(InvitationTime)}
	return token, s.store.Invite(ctx, hashToken(token), inv, e)
}

// Uninvite takes an invitation back. One that does not stand any more is a
// fault.NotFound.
func (s *Service) Uninvite(ctx context.Context, actor audit.Actor, id int64) error {
	return s.store.Uninvite(ctx, id, audit.Of(actor, audit.Uninvited, s.now(), ""))
}

var errInvitation = fault.Errorf(fault.NotFound,
	"this invitation is not valid any more: it was used, taken back, or is older than a week; ask an administrator for another")

// Invitation returns the invitation that a token is of, or a fault.NotFound.
func (s *Service) Invitation(ctx context.Context, token string) (Invitation, error) {
	inv, err := s.store.Invitation(ctx, hashToken(token), s.now())
	if fault.KindOf(err) == fault.NotFound {
		return Invitation{}, errInvitation
	}
	return inv, err
}

// Accept makes a member of whoever has the token of an invitation, which is used up.
// What is wrong with name or password is a fault.Invalid; the invitation then
// stands. So it is where the address signs in already.
func (s *Service) Accept(ctx context.Context, token, name, password, address string) (Member, error) {
	inv, err := s.Invitation(ctx, token)
	if err != nil {
		return Member{}, err
	}
	name = strings.TrimSpace(name)
	if !plain(name, maxName) {
		return Member{}, fault.Errorf(fault.Invalid, "your name must have 1 to %d plain characters", maxName)
	}
	if err := checkPassword(password, inv.Email, name); err != nil {
		return Member{}, err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return Member{}, err
	}
	login := Login{Member: Member{Org: inv.Org, Email: inv.Email, Name: name, Role: inv.Role}, Password: hash}
	e := audit.Of(audit.Actor{Org: inv.Org, Name: inv.Email, Address: address}, audit.Joined, s.now(), inv.Email)
	e.Detail = "as " + string(inv.Role) + ", invited by " + inv.InvitedBy
	m, err := s.store.Accept(ctx, hashToken(token), login, e)
	if fault.KindOf(err) == fault.NotFound {
		return Member{}, errInvitation // somebody else was faster
	}
	return m, err
}

// SetRole gives a member another role. The last administrator stays one: that is a
// fault.Conflict.
func (s *Service) SetRole(ctx context.Context, actor audit.Actor, member int64, role Role) error {
	if rank[role] == 0 {
		return fault.Errorf(fault.Invalid, "a role is viewer, operator or admin")
	}
	e := audit.Of(actor, audit.RoleGiven, s.now(), "")
	e.Detail = "as " + string(role)
	return s.store.SetRole(ctx, member, role, e)
}

// RemoveMember ends a membership: he is signed out everywhere with his next
// request, and his address can be invited again. The last administrator stays: that
// is a fault.Conflict.
func (s *Service) RemoveMember(ctx context.Context, actor audit.Actor, member int64) error {
	return s.store.RemoveMember(ctx, member, audit.Of(actor, audit.MemberRemoved, s.now(), ""))
}

// ChangePassword gives a member another password, who tells the one that he has. He
// is signed out everywhere but in the session with the sign-in keep. Errors about the
// old password are those of Login; what is wrong with the new one is a fault.Invalid.
func (s *Service) ChangePassword(ctx context.Context, m Member, old, password, address string, keep int64) error {
	if err := checkPassword(password, m.Email, m.Name); err != nil {
		return err
	}
	if err := s.provePassword(ctx, m, old, address); err != nil {
		return err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.store.SetPassword(ctx, m, hash, keep, audit.Of(m.Actor(address), audit.PasswordSet, s.now(), m.Email))
}

// checkEmail says why something is no e-mail address.
func checkEmail(email string) error {
	if !plain(email, maxEmail) || !strings.Contains(email[1:], "@") || strings.ContainsAny(email, " <>\"(),;") {
		return fault.Errorf(fault.Invalid, "%.260q is not an e-mail address", email)
	}
	return nil
}

// A SignIn is where a member is signed in.
type SignIn struct {
	ID          int64
	Begun, Seen time.Time
	Address     string
	Browser     string // as it calls itself
}

// SignIns lists where a member is signed in, the newest first.
func (s *Service) SignIns(ctx context.Context, m Member) ([]SignIn, error) {
	now := s.now()
	return s.store.SignIns(ctx, m.Org, m.ID, now.Add(-SessionTotal), now.Add(-SessionIdle))
}

// EndSignIn signs a member out somewhere, with the next request from there. One that
// is over is a fault.NotFound.
func (s *Service) EndSignIn(ctx context.Context, m Member, id int64, address string) error {
	return s.store.EndSignIn(ctx, m.Org, m.ID, id, audit.Of(m.Actor(address), audit.SignedOut, s.now(), m.Email))
}

// Settings are what an organisation has set. Thresholds of 0 are the defaults.
type Settings struct {
	Name                       string
	Zone                       string
	Reporting, Listed, Awaited time.Duration // usage.Thresholds
	KeepDays                   int           // usage data are kept for so many days; 0: for ever
}

// Removes says whether usage data are removed for good that were kept so far.
func (s Settings) Removes(was Settings) bool {
	return s.KeepDays != 0 && (was.KeepDays == 0 || s.KeepDays < was.KeepDays)
}

// Limits of thresholds.
const (
	minThreshold = time.Hour
	maxThreshold = 366 * 24 * time.Hour
)

// Settings are those of the organisation as they are.
func (o Organisation) Settings() Settings {
	return Settings{Name: o.Name, Zone: o.Zone, Reporting: o.Reporting, Listed: o.Listed, Awaited: o.Awaited, KeepDays: o.KeepDays}
}

// Change changes the settings of the actor's organisation. What is wrong with them is
// a fault.Invalid that names it. Where from is not nil they are changed from that only:
// if they are others by now, that is a fault.Conflict.
func (s *Service) Change(ctx context.Context, actor audit.Actor, from *Settings, to Settings) error {
	to.Name = strings.TrimSpace(to.Name)
	if err := checkOrganisation(to.Name, to.Zone); err != nil {
		return err
	}
	for _, t := range []time.Duration{to.Reporting, to.Listed, to.Awaited} {
		if t != 0 && (t < minThreshold || t > maxThreshold || t%time.Hour != 0) {
			return fault.Errorf(fault.Invalid, "a threshold is whole hours, 1 to %d", int(maxThreshold.Hours()))
		}
	}
	if to.Reporting != 0 && to.Listed != 0 && to.Listed < to.Reporting {
		return fault.Errorf(fault.Invalid, "a license server cannot leave the list before it counts as not reporting")
	}
	if to.KeepDays != 0 && (to.KeepDays < MinKeepDays || to.KeepDays > MaxKeepDays) {
		return fault.Errorf(fault.Invalid, "usage data are kept for %d to %d days, or for ever", MinKeepDays, MaxKeepDays)
	}
	e := audit.Of(actor, audit.Changed, s.now(), to.Name)
	e.Detail = fmt.Sprintf("zone %s, thresholds %s, usage data kept %s", to.Zone, to.thresholds(), to.kept())
	return s.store.Change(ctx, from, to, e)
}

// Limits of how long usage data are kept: the windows of peaks are within the shortest.
const (
	MinKeepDays = 62
	MaxKeepDays = 36525
)

// kept says for how long usage data are kept.
func (s Settings) kept() string {
	if s.KeepDays == 0 {
		return "for ever"
	}
	return fmt.Sprintf("%d days", s.KeepDays)
}

// thresholds writes them down for the audit log.
func (s Settings) thresholds() string {
	var words []string
	for _, t := range []time.Duration{s.Reporting, s.Listed, s.Awaited} {
		word := "default"
		if t != 0 {
			word = fmt.Sprintf("%d h", int(t.Hours()))
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}
