package account

import (
	"context"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// How long a session lives.
const (
	SessionIdle  = 30 * time.Minute // without a request
	SessionTotal = 12 * time.Hour   // however busy
)

// Sessions are the console's sessions. LoadAndSave is the middleware that every
// page with a member behind it is wrapped in; the other methods want a context
// that went through it.
type Sessions struct {
	*scs.SessionManager
	accounts *Service
}

// The keys of a session's data.
const (
	keyOrg    = "org"
	keyMember = "member"
	keyProved = "proved"
)

// NewSessions returns sessions kept in store, by the hash of their token. secure
// says that browsers reach the console over https: the cookie then is
// __Host-session, bound to this very host and never sent in the clear. Over
// plain http, which a hub serves on loopback only, browsers refuse to keep a
// cookie of that name, so it gets a plain one; it never leaves the machine.
func (s *Service) NewSessions(store scs.CtxStore, secure bool) *Sessions {
	m := scs.New() // HttpOnly, SameSite=Lax, Path=/
	m.Store = store
	m.HashTokenInStore = true
	m.IdleTimeout = SessionIdle
	m.Lifetime = SessionTotal
	m.Cookie.Persist = false // closing the browser signs out
	m.Cookie.Secure = secure
	m.Cookie.Name = "headroom-session"
	if secure {
		m.Cookie.Name = "__Host-session"
	}
	return &Sessions{SessionManager: m, accounts: s}
}

// SignIn makes m the session's member. The session's token changes, so that one
// that was planted before is worth nothing.
func (s *Sessions) SignIn(ctx context.Context, m Member) error {
	if err := s.RenewToken(ctx); err != nil {
		return fmt.Errorf("renew the session: %w", err)
	}
	s.Put(ctx, keyOrg, m.Org)
	s.Put(ctx, keyMember, m.ID)
	s.SetProved(ctx)
	return nil
}

// Proved returns when the session's member showed last that it is he: when he
// signed in, or told his password again. It is zero where he never did.
func (s *Sessions) Proved(ctx context.Context) time.Time {
	at := s.GetInt64(ctx, keyProved)
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMilli(at)
}

// SetProved notes that he did so now.
func (s *Sessions) SetProved(ctx context.Context) {
	s.Put(ctx, keyProved, s.accounts.now().UnixMilli())
}

// SignOut ends the session on the hub, for whoever it belongs to; the request came
// from an address.
func (s *Sessions) SignOut(ctx context.Context, address string) error {
	m, err := s.Member(ctx)
	switch {
	case fault.KindOf(err) == fault.Unauthorized:
	case err != nil:
		return err
	default:
		if err := s.accounts.store.Note(ctx, audit.Of(m.Actor(address), audit.SignedOut, s.accounts.now(), m.Email)); err != nil {
			return err
		}
	}
	return s.Destroy(ctx)
}

// Member returns who is signed in, as the store knows him now: a change of role
// or a removal counts from the next request on. If nobody is, it returns a
// fault.Unauthorized.
func (s *Sessions) Member(ctx context.Context) (Member, error) {
	id := s.GetInt64(ctx, keyMember)
	if id == 0 {
		return Member{}, fault.Errorf(fault.Unauthorized, "sign in first")
	}
	m, err := s.accounts.Member(ctx, s.GetInt64(ctx, keyOrg), id)
	if fault.KindOf(err) == fault.NotFound {
		return Member{}, fault.Errorf(fault.Unauthorized, "sign in first")
	}
	return m, err
}
