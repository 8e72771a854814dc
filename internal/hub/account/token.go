package account

import (
	"context"
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// A Token lets a program ask the REST API about an organisation, in a role. Of the
// token itself only a hash is kept.
type Token struct {
	ID      int64
	Org     int64
	Name    string
	Role    Role
	MadeBy  string
	Created time.Time
	Expires time.Time
	Used    time.Time // last, to the hour; zero if never
	Erases  time.Time // until then it may delete usage data; zero: never
}

// TokenPrefix begins every token, so that scanners find one that leaked.
const TokenPrefix = "headroom_"

// How long a token may live, and how many an organisation may have.
const (
	MaxTokenDays = 366
	maxTokens    = 100
)

// ErasingTime is for how long a token that was made for it may delete usage data.
const ErasingTime = time.Hour

// Actor is the token as the audit log knows it; the request came from an address.
func (t Token) Actor(address string) audit.Actor {
	return audit.Actor{Org: t.Org, Name: "token " + t.Name, Address: address}
}

// Tokens lists the tokens of an organisation, newest first, with those that expired
// lately.
func (s *Service) Tokens(ctx context.Context, org int64) ([]Token, error) {
	return s.store.Tokens(ctx, org)
}

// MakeToken makes a token of the actor's organisation, who has the role at least, and
// returns it: nobody can read it again. What is wrong with it is a fault.Invalid.
func (s *Service) MakeToken(ctx context.Context, actor audit.Actor, name string, role Role, days int) (token string, err error) {
	return s.makeToken(ctx, actor, Token{Name: name, Role: role}, days)
}

// MakeErasing is MakeToken by an administrator who has shown just now that it is he:
// for ErasingTime the token may delete usage data, which takes the role admin.
func (s *Service) MakeErasing(ctx context.Context, actor audit.Actor, name string, days int) (token string, err error) {
	return s.makeToken(ctx, actor, Token{Name: name, Role: Admin, Erases: s.now().Add(ErasingTime)}, days)
}

// MakeTokenBy is MakeToken by a program whose own token has the role admin. It makes
// none that outlives that: a token that leaked is worth nothing once it has ended.
func (s *Service) MakeTokenBy(ctx context.Context, by Token, address, name string, role Role, days int) (token string, err error) {
	if s.now().AddDate(0, 0, days).After(by.Expires) {
		return "", fault.Errorf(fault.Forbidden, "a token makes none that outlives it, and this one ends at %s", by.Expires.UTC().Format(time.RFC3339))
	}
	return s.makeToken(ctx, by.Actor(address), Token{Name: name, Role: role}, days)
}

func (s *Service) makeToken(ctx context.Context, actor audit.Actor, t Token, days int) (token string, err error) {
	t.Name = strings.TrimSpace(t.Name)
	switch {
	case !plain(t.Name, maxName):
		return "", fault.Errorf(fault.Invalid, "a token's name has 1 to %d plain characters", maxName)
	case rank[t.Role] == 0:
		return "", fault.Errorf(fault.Invalid, "a role is viewer, operator or admin")
	case days < 1 || days > MaxTokenDays:
		return "", fault.Errorf(fault.Invalid, "a token lives 1 to %d days", MaxTokenDays)
	}
	all, err := s.store.Tokens(ctx, actor.Org)
	if err != nil {
		return "", err
	}
	if len(all) >= maxTokens {
		return "", fault.Errorf(fault.Invalid, "there are %d tokens already; revoke some that nobody uses", len(all))
	}
	token = TokenPrefix + newToken()
	now := s.now()
	t.Org, t.MadeBy, t.Created, t.Expires = actor.Org, actor.Name, now, now.AddDate(0, 0, days)
	e := audit.Of(actor, audit.TokenMade, now, t.Name)
	e.Detail = "as " + string(t.Role) + ", until " + t.Expires.UTC().Format(time.RFC3339)
	if !t.Erases.IsZero() {
		e.Detail += ", may delete usage data until " + t.Erases.UTC().Format(time.RFC3339)
	}
	return token, s.store.MakeToken(ctx, hashToken(token), t, e)
}

// RevokeToken makes a token worthless from the next request on. One that there is not
// is a fault.NotFound.
func (s *Service) RevokeToken(ctx context.Context, actor audit.Actor, id int64) error {
	return s.store.RevokeToken(ctx, id, audit.Of(actor, audit.TokenRevoked, s.now(), ""))
}

// Bearer returns the token that a program presents, or a fault.Unauthorized: one that
// was never made, was revoked or has expired reads the same.
func (s *Service) Bearer(ctx context.Context, token string) (Token, error) {
	unknown := fault.Errorf(fault.Unauthorized, "this token is not known, was revoked, or has expired")
	if !strings.HasPrefix(token, TokenPrefix) || len(token) > 100 {
		return Token{}, unknown
	}
	t, err := s.store.UseToken(ctx, hashToken(token), s.now())
	if fault.KindOf(err) == fault.NotFound {
		return Token{}, unknown
	}
	return t, err
}
