package account

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/scs/v2"

	"headroom/internal/fault"
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
	keySignIn = "signin"

	keyElsewhere = "elsewhere" // he came by a provider, which asks for second factors

	// Somebody whose password was right, and who has not shown a code yet.
	keyHalfOrg    = "half-org"
	keyHalfMember = "half-member"
	keyHalfAt     = "half-at"

	// A person of a provider who has a member's address; the member's password follows.
	keyLinkOrg     = "link-org"
	keyLinkMember  = "link-member"
	keyLinkIssuer  = "link-issuer"
	keyLinkSubject = "link-subject"
	keyLinkEmail   = "link-email"
	keyLinkAt      = "link-at"
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

// SignIn makes m the session's member; the request came from an address, by a
// browser that calls itself something. The session's token changes, so that one that
// was planted before is worth nothing.
func (s *Sessions) SignIn(ctx context.Context, m Member, address, browser string) error {
	if err := s.RenewToken(ctx); err != nil {
		return fmt.Errorf("renew the session: %w", err)
	}
	now := s.accounts.now()
	id, err := s.accounts.store.BeginSignIn(ctx, m, SignIn{Begun: now, Seen: now, Address: address, Browser: clip(browser)})
	if err != nil {
		return err
	}
	for _, key := range []string{keyHalfOrg, keyHalfMember, keyHalfAt, keyElsewhere} {
		s.Remove(ctx, key)
	}
	s.Put(ctx, keySignIn, id)
	s.Put(ctx, keyOrg, m.Org)
	s.Put(ctx, keyMember, m.ID)
	s.SetProved(ctx)
	return nil
}

// SetElsewhere notes that the member came by a provider.
func (s *Sessions) SetElsewhere(ctx context.Context) { s.Put(ctx, keyElsewhere, true) }

// Elsewhere says whether he did.
func (s *Sessions) Elsewhere(ctx context.Context) bool { return s.GetBool(ctx, keyElsewhere) }

// AwaitCode notes that m has told the right password in this session and a code has to
// follow.
func (s *Sessions) AwaitCode(ctx context.Context, m Member) error {
	if err := s.RenewToken(ctx); err != nil {
		return fmt.Errorf("renew the session: %w", err)
	}
	s.Put(ctx, keyHalfOrg, m.Org)
	s.Put(ctx, keyHalfMember, m.ID)
	s.Put(ctx, keyHalfAt, s.accounts.now().UnixMilli())
	return nil
}

// Awaited returns of whom a code is awaited, for CodeTime; 0 of nobody.
func (s *Sessions) Awaited(ctx context.Context) (org, member int64) {
	if age := s.accounts.now().Sub(time.UnixMilli(s.GetInt64(ctx, keyHalfAt))); age < 0 || age > CodeTime {
		return 0, 0
	}
	return s.GetInt64(ctx, keyHalfOrg), s.GetInt64(ctx, keyHalfMember)
}

// AwaitLink notes that a provider has named a person who has the address of m. Once m
// signs in with his password in this session, for CodeTime, the two belong together.
func (s *Sessions) AwaitLink(ctx context.Context, m Member, who Person) error {
	if err := s.RenewToken(ctx); err != nil {
		return fmt.Errorf("renew the session: %w", err)
	}
	s.Put(ctx, keyLinkOrg, m.Org)
	s.Put(ctx, keyLinkMember, m.ID)
	s.Put(ctx, keyLinkIssuer, who.Issuer)
	s.Put(ctx, keyLinkSubject, who.Subject)
	s.Put(ctx, keyLinkEmail, m.Email)
	s.Put(ctx, keyLinkAt, s.accounts.now().UnixMilli())
	return nil
}

// Linking returns the person of AwaitLink, with the member's address; one without an
// issuer if there is none.
func (s *Sessions) Linking(ctx context.Context) Person {
	if age := s.accounts.now().Sub(time.UnixMilli(s.GetInt64(ctx, keyLinkAt))); age < 0 || age > CodeTime {
		return Person{}
	}
	return Person{Issuer: s.GetString(ctx, keyLinkIssuer), Subject: s.GetString(ctx, keyLinkSubject), Email: s.GetString(ctx, keyLinkEmail)}
}

// TakeLink returns it for m, who has signed in, once; for anybody else there is none,
// and it is forgotten.
func (s *Sessions) TakeLink(ctx context.Context, m Member) (who Person, ok bool) {
	who = s.Linking(ctx)
	ok = who.Issuer != "" && s.GetInt64(ctx, keyLinkOrg) == m.Org && s.GetInt64(ctx, keyLinkMember) == m.ID
	for _, key := range []string{keyLinkOrg, keyLinkMember, keyLinkIssuer, keyLinkSubject, keyLinkEmail, keyLinkAt} {
		s.Remove(ctx, key)
	}
	return who, ok
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
		err := s.accounts.EndSignIn(ctx, m, s.Current(ctx), address)
		if err != nil && fault.KindOf(err) != fault.NotFound { // ended elsewhere at this moment
			return err
		}
	}
	return s.Destroy(ctx)
}

// Current is the number of the sign-in that the session is of; 0 if it is of none.
func (s *Sessions) Current(ctx context.Context) int64 { return s.GetInt64(ctx, keySignIn) }

// maxBrowser is how much of what a browser calls itself is kept.
const maxBrowser = 200

func clip(browser string) string {
	browser = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, browser), "?")
	for len(browser) > maxBrowser {
		_, size := utf8.DecodeLastRuneInString(browser)
		browser = browser[:len(browser)-size]
	}
	return browser
}

// Member returns who is signed in, as the store knows him now: a change of role,
// a removal, or that he was signed out elsewhere counts from the next request on. If nobody is, it returns a
// fault.Unauthorized.
func (s *Sessions) Member(ctx context.Context) (Member, error) {
	id := s.GetInt64(ctx, keyMember)
	if id == 0 {
		return Member{}, fault.Errorf(fault.Unauthorized, "sign in first")
	}
	m, err := s.accounts.store.SeeSignIn(ctx, s.GetInt64(ctx, keyOrg), id, s.Current(ctx), s.accounts.now())
	if fault.KindOf(err) == fault.NotFound {
		return Member{}, fault.Errorf(fault.Unauthorized, "sign in first")
	}
	return m, err
}
