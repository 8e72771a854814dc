package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// Limits of guessing passwords. Nobody is locked out for good: an account's
// wait grows to maxWait and is forgotten with the window, and sessions that
// exist are not touched.
const (
	accountWindow = time.Hour
	accountFree   = 5 // attempts before the first wait
	firstWait     = 30 * time.Second
	maxWait       = 15 * time.Minute
	addressWindow = 15 * time.Minute
	addressLimit  = 100 // attempts per address and window, over all accounts
)

var errLogin = fault.Errorf(fault.Unauthorized, "e-mail address or password is wrong")

// Login returns the member with this e-mail address and password. address is
// the one that the request came from. An unknown address and a wrong password
// read the same, a fault.Unauthorized; after too many attempts it is a
// fault.TooMany that says how long to wait, whether or not the account exists.
// Where the password is right and the member has a second factor, the error is a
// *NeedsCode, and LoginCode is the next step.
func (s *Service) Login(ctx context.Context, email, password, address string) (Member, error) {
	m, err := s.prove(ctx, email, password, address)
	if err != nil {
		return Member{}, err
	}
	if m.Codes {
		return Member{}, &NeedsCode{Member: m}
	}
	return m, s.store.Note(ctx, audit.Of(m.Actor(address), audit.SignedIn, s.now(), m.Email))
}

// Prove makes sure that it is still the member who asks, before what cannot be undone:
// by his password and, where he has a second factor, by a code. Its errors are those of
// Login and LoginCode.
func (s *Service) Prove(ctx context.Context, m Member, password, code, address string) error {
	if err := s.provePassword(ctx, m, password, address); err != nil {
		return err
	}
	f, err := s.store.Factor(ctx, m.Org, m.ID)
	if err != nil || !f.On() {
		return err
	}
	return s.ProveCode(ctx, m, code)
}

func (s *Service) provePassword(ctx context.Context, m Member, password, address string) error {
	found, err := s.prove(ctx, m.Email, password, address)
	if err == nil && (found.ID != m.ID || found.Org != m.Org) {
		return errLogin
	}
	return err
}

// prove returns the member with an e-mail address and a password.
func (s *Service) prove(ctx context.Context, email, password, address string) (Member, error) {
	email = FoldEmail(email)
	from, who := "login from "+network(address), "login as "+digest(email)
	if err := s.charge(ctx, from, addressWindow, addressWait); err != nil {
		return Member{}, err
	}
	if err := s.charge(ctx, who, accountWindow, accountWait); err != nil {
		if rerr := s.refund(ctx, from, addressWait); rerr != nil {
			return Member{}, rerr
		}
		return Member{}, err // no password was looked at: the address pays nothing
	}
	m, err := s.check(ctx, email, password)
	if err != nil {
		return Member{}, err
	}
	if err := s.refund(ctx, from, addressWait); err != nil {
		return Member{}, err
	}
	return m, s.refund(ctx, who, accountWait)
}

// check compares a password. It takes as long for an account that does not
// exist.
func (s *Service) check(ctx context.Context, email, password string) (Member, error) {
	l, err := s.store.Login(ctx, email)
	unknown := fault.KindOf(err) == fault.NotFound
	if err != nil && !unknown {
		return Member{}, fmt.Errorf("look up a login: %w", err)
	}
	if unknown {
		l.Password = nobody
	}
	ok, err := s.verify(ctx, l.Password, password)
	switch {
	case err != nil:
		return Member{}, err
	case unknown || !ok:
		return Member{}, errLogin
	}
	return l.Member, nil
}

func (s *Service) charge(ctx context.Context, subject string, window time.Duration, wait func(int) time.Duration) error {
	left, err := s.store.Charge(ctx, subject, s.now(), window, wait)
	if err != nil {
		return fmt.Errorf("count an attempt: %w", err)
	}
	if left > 0 {
		return &fault.Error{Kind: fault.TooMany, After: left, Msg: "too many attempts to sign in; wait and try again"}
	}
	return nil
}

func (s *Service) refund(ctx context.Context, subject string, wait func(int) time.Duration) error {
	if err := s.store.Refund(ctx, subject, s.now(), wait); err != nil {
		return fmt.Errorf("take back an attempt: %w", err)
	}
	return nil
}

// accountWait doubles from firstWait to maxWait, beginning with attempt number
// accountFree.
func accountWait(n int) time.Duration {
	if n < accountFree {
		return 0
	}
	wait := firstWait
	for ; n > accountFree && wait < maxWait; n-- {
		wait *= 2
	}
	return min(wait, maxWait)
}

func addressWait(n int) time.Duration {
	if n < addressLimit {
		return 0
	}
	return addressWindow
}

// network returns what one party can hold many addresses of: an IPv4 address,
// or the /64 of an IPv6 address.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// digest names an account in the throttle: people type passwords into the wrong
// field, and those must not be kept.
func digest(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:16])
}
