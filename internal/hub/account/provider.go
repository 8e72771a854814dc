package account

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// A Provider is where members of an organisation sign in with an account that they have
// elsewhere (OpenID Connect). Its zero value is none.
type Provider struct {
	Name     string // as the button calls it
	Issuer   string
	ClientID string
	Sealed   string // the client's secret

	// Who signs in for the first time, with an address in one of the domains, becomes a
	// member in the role. No domains: who has not been invited does not.
	Domains   []string
	Newcomers Role
}

// On says whether there is one.
func (p Provider) On() bool { return p.Issuer != "" }

// A Person is whom a provider says it is, after all that proves it was checked.
type Person struct {
	Issuer, Subject, Email, Name string
	Verified                     bool // that the address is his
}

const maxDomains = 50

// Provider returns the provider of an organisation; its zero value if there is none.
func (s *Service) Provider(ctx context.Context, org int64) (Provider, error) {
	return s.store.Provider(ctx, org)
}

// ProviderSecret opens the secret with which the hub shows the provider that it is it.
func (s *Service) ProviderSecret(org int64, p Provider) (string, error) {
	if p.Sealed == "" {
		return "", nil
	}
	secret, err := s.secrets.Open(p.Sealed, providerOf(org))
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "this hub has lost its secret at the sign-in provider; an administrator has to set it again")
	}
	return secret, nil
}

func providerOf(org int64) string { return fmt.Sprintf("oidc %d", org) }

// CountTry counts that somebody at an address begins to sign in at a provider, before it
// is asked: that costs a call each, so a party may have so many that come to nothing. A
// good one is taken back by Enter.
func (s *Service) CountTry(ctx context.Context, address string) error {
	return s.charge(ctx, tryFrom(address), addressWindow, addressWait)
}

func tryFrom(address string) string { return "provider from " + network(address) }

// ProviderFor returns the organisation with a public id and its provider, or a
// fault.NotFound. An empty id is that of the only organisation of a hub.
func (s *Service) ProviderFor(ctx context.Context, publicID string) (org int64, p Provider, err error) {
	if org, err = s.store.OrganisationFor(ctx, publicID); err != nil {
		return 0, Provider{}, err
	}
	p, err = s.store.Provider(ctx, org)
	if err == nil && !p.On() {
		err = fault.Errorf(fault.NotFound, "no sign-in provider is set here")
	}
	return org, p, err
}

// SoleProvider returns the provider of a hub's only organisation; its zero value if
// there are several, or there is none.
func (s *Service) SoleProvider(ctx context.Context) (Provider, error) {
	org, err := s.store.OrganisationFor(ctx, "")
	if fault.KindOf(err) == fault.NotFound {
		return Provider{}, nil
	}
	if err != nil {
		return Provider{}, err
	}
	return s.store.Provider(ctx, org)
}

// SetProvider sets the provider of the actor's organisation. An empty secret keeps the
// one that is, as long as the issuer and the client stay: it must not be sent elsewhere.
// What is wrong is a fault.Invalid.
func (s *Service) SetProvider(ctx context.Context, actor audit.Actor, p Provider, secret string) error {
	was, err := s.store.Provider(ctx, actor.Org)
	if err != nil {
		return err
	}
	p.Name, p.Issuer, p.ClientID = strings.TrimSpace(p.Name), strings.TrimSpace(p.Issuer), strings.TrimSpace(p.ClientID)
	u, err := url.Parse(p.Issuer)
	switch {
	case !plain(p.Name, maxName):
		return fault.Errorf(fault.Invalid, "the provider's name has 1 to %d plain characters", maxName)
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !plain(p.Issuer, 500):
		return fault.Errorf(fault.Invalid, "the issuer is an https address, as the provider writes it")
	case !plain(p.ClientID, 500):
		return fault.Errorf(fault.Invalid, "the client id is missing, or longer than 500 characters")
	case len(p.Domains) > maxDomains:
		return fault.Errorf(fault.Invalid, "at most %d domains", maxDomains)
	case rank[p.Newcomers] == 0:
		return fault.Errorf(fault.Invalid, "a role is viewer, operator or admin")
	case len(secret) > 1000:
		return fault.Errorf(fault.Invalid, "the secret is longer than 1000 bytes")
	}
	for i, d := range p.Domains {
		if p.Domains[i] = strings.ToLower(strings.TrimSpace(d)); !plain(p.Domains[i], 253) || strings.ContainsAny(d, "@ */,") || !strings.Contains(d, ".") {
			return fault.Errorf(fault.Invalid, "%.80q is not a mail domain, such as example.com", d)
		}
	}
	switch {
	case secret != "":
		p.Sealed = s.secrets.Seal(secret, providerOf(actor.Org))
	case was.Issuer == p.Issuer && was.ClientID == p.ClientID:
		p.Sealed = was.Sealed
	}
	e := audit.Of(actor, audit.SignInSet, s.now(), p.Issuer)
	e.Detail = "client " + p.ClientID + ", only who is invited"
	if len(p.Domains) > 0 {
		e.Detail = "client " + p.ClientID + ", newcomers of " + strings.Join(p.Domains, ", ") + " as " + string(p.Newcomers)
	}
	return s.store.SetProvider(ctx, p, e)
}

// RemoveProvider ends signing in by it: who has no password then needs an invitation.
func (s *Service) RemoveProvider(ctx context.Context, actor audit.Actor) error {
	was, err := s.store.Provider(ctx, actor.Org)
	if err != nil || !was.On() {
		return err
	}
	e := audit.Of(actor, audit.SignInSet, s.now(), was.Issuer)
	e.Detail = "no provider any more"
	return s.store.SetProvider(ctx, Provider{}, e)
}

// NeedsPassword is the error of Enter where a person has the address of a member who
// never came by the provider. An address is no identity: whoever sets the provider could
// name anybody by it. So the member shows his password and, where he has a second
// factor, a code, and Link is the next step.
type NeedsPassword struct{ Member Member }

func (*NeedsPassword) Error() string {
	return "a member with this address has to sign in with his password once"
}

// Enter returns the member of an organisation that a person is, whom its provider has
// named just now: one who came by it before, by what the provider calls him; one who was
// invited by the address, which the provider has to call his; or a newcomer, where those
// may. For the address of a member it is a *NeedsPassword. Anybody else is a
// fault.Forbidden.
func (s *Service) Enter(ctx context.Context, org int64, who Person, address string) (Member, error) {
	m, err := s.enter(ctx, org, who, address)
	if _, half := errors.AsType[*NeedsPassword](err); err == nil || half {
		if err := s.refund(ctx, tryFrom(address), addressWait); err != nil {
			return Member{}, err
		}
	}
	return m, err
}

// Link notes that a person whom the provider has named is the member, who has signed in
// with his password in between. Another provider by now is a fault.Conflict.
func (s *Service) Link(ctx context.Context, m Member, who Person, address string) error {
	p, err := s.store.Provider(ctx, m.Org)
	if err != nil {
		return err
	}
	if p.Issuer != who.Issuer {
		return fault.Errorf(fault.Conflict, "your organisation has another sign-in provider by now")
	}
	return s.store.Link(ctx, m, who, enters(m, who, audit.Linked, address, s))
}

func (s *Service) enter(ctx context.Context, org int64, who Person, address string) (Member, error) {
	m, err := s.store.Known(ctx, org, who.Issuer, who.Subject)
	if fault.KindOf(err) != fault.NotFound {
		if err != nil {
			return Member{}, err
		}
		return m, s.store.Note(ctx, enters(m, who, audit.SignedIn, address, s))
	}
	email := FoldEmail(who.Email)
	if !who.Verified || email == "" || checkEmail(email) != nil {
		return Member{}, fault.Errorf(fault.Forbidden, "the provider does not say that your e-mail address is yours; an administrator of it can mend that")
	}
	l, err := s.store.Login(ctx, email)
	switch {
	case err == nil && l.Member.Org == org:
		return Member{}, &NeedsPassword{Member: l.Member}
	case err == nil:
		return Member{}, errStranger
	case fault.KindOf(err) != fault.NotFound:
		return Member{}, err
	}
	role, by, err := s.welcome(ctx, org, email)
	if err != nil {
		return Member{}, err
	}
	name := strings.TrimSpace(who.Name)
	if !plain(name, maxName) {
		name = email
	}
	m = Member{Org: org, Email: email, Name: name, Role: role}
	e := enters(m, who, audit.Joined, address, s)
	e.Detail = "as " + string(role) + ", " + by + ", " + e.Detail
	return s.store.Join(ctx, Login{Member: m, Password: nobody}, who, e)
}

var errStranger = fault.Errorf(fault.Forbidden, "the provider knows you, and this organisation does not: ask one of its administrators for an invitation")

// enters is the entry of the audit log of somebody who comes by a provider.
func enters(m Member, who Person, act audit.Act, address string, s *Service) audit.Entry {
	e := audit.Of(m.Actor(address), act, s.now(), m.Email)
	e.Detail = "by " + who.Issuer
	return e
}

// welcome says in which role somebody becomes a member, and why.
func (s *Service) welcome(ctx context.Context, org int64, email string) (role Role, by string, err error) {
	standing, err := s.store.Invitations(ctx, org, s.now())
	if err != nil {
		return "", "", err
	}
	for _, inv := range standing {
		if FoldEmail(inv.Email) == email {
			return inv.Role, "invited by " + inv.InvitedBy, nil
		}
	}
	p, err := s.store.Provider(ctx, org)
	if err != nil {
		return "", "", err
	}
	domain := email[strings.LastIndex(email, "@")+1:]
	if !slices.Contains(p.Domains, domain) {
		return "", "", errStranger
	}
	return p.Newcomers, "newcomer of " + domain, nil
}
