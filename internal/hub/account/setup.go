package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// A Founding is what somebody types behind the set-up link.
type Founding struct {
	Organisation string // its name
	Zone         string // IANA name; empty: UTC
	Email        string // of the first administrator
	Name         string // of the first administrator
	Password     string
	Address      string // from which the request came
}

// Lengths of names, in characters.
const (
	maxName  = 100
	maxEmail = 254
)

// NewSetupToken makes the token of the set-up link and forgets the one before
// it: the link printed last is the only one that works. needed is false, and
// token empty, once an organisation exists. Only a hash is kept; the token
// stays valid until it is used or replaced.
func (s *Service) NewSetupToken(ctx context.Context) (token string, needed bool, err error) {
	token = newToken()
	set, err := s.store.SetSetupToken(ctx, hashToken(token))
	if err != nil {
		return "", false, fmt.Errorf("keep the set-up token: %w", err)
	}
	if !set {
		return "", false, nil
	}
	return token, true, nil
}

// CheckSetup returns nil while token is that of the set-up link, and else the
// fault.NotFound that Setup would return.
func (s *Service) CheckSetup(ctx context.Context, token string) error {
	kept, err := s.store.SetupToken(ctx)
	if err != nil {
		return fmt.Errorf("look up the set-up token: %w", err)
	}
	if len(kept) == 0 || subtle.ConstantTimeCompare(kept, hashToken(token)) == 0 {
		return errSetupLink
	}
	return nil
}

var errSetupLink = fault.Errorf(fault.NotFound,
	"this set-up link is not valid any more; restart the hub for a new one, or sign in if it was set up already")

// Setup creates the first organisation and its first administrator in one
// transaction and uses up the token. What is wrong with the founding is a
// fault.Invalid that names it; the token then stays valid.
func (s *Service) Setup(ctx context.Context, token string, f Founding) (Member, error) {
	if err := s.CheckSetup(ctx, token); err != nil {
		return Member{}, err
	}
	f, err := checkFounding(f)
	if err != nil {
		return Member{}, err
	}
	hash, err := s.hash(ctx, f.Password)
	if err != nil {
		return Member{}, err
	}
	org := Organisation{PublicID: newPublicID(), Name: f.Organisation, Zone: f.Zone, Created: s.now()}
	login := Login{Member: Member{Email: f.Email, Name: f.Name, Role: Admin}, Password: hash}
	by := audit.Actor{Name: f.Email, Address: f.Address}
	m, err := s.store.Setup(ctx, hashToken(token), org, login, audit.Of(by, audit.Founded, org.Created, f.Organisation))
	if fault.KindOf(err) == fault.NotFound {
		return Member{}, errSetupLink // somebody else was faster
	}
	return m, err
}

// AddOrganisation makes another organisation on a hub that is set up, and returns the
// token of the invitation with which its first administrator joins. Whoever runs the
// hub may do so; nothing is shared between two organisations.
func (s *Service) AddOrganisation(ctx context.Context, name, zone, email string) (token string, err error) {
	name, email = strings.TrimSpace(name), strings.TrimSpace(email)
	if err := errors.Join(checkOrganisation(name, zone), checkEmail(email)); err != nil {
		return "", err
	}
	token = newToken()
	now := s.now()
	org := Organisation{PublicID: newPublicID(), Name: name, Zone: zone, Created: now}
	inv := Invitation{Email: email, Role: Admin, InvitedBy: operator, Created: now, Expires: now.Add(InvitationTime)}
	e := audit.Of(audit.Actor{Name: operator}, audit.Founded, now, name)
	e.Detail = "first administrator: " + email
	return token, s.store.AddOrganisation(ctx, org, hashToken(token), inv, e)
}

// operator is by what name whoever runs the hub's program acts.
const operator = "the hub's operator"

// checkFounding returns f with its names tidied.
func checkFounding(f Founding) (Founding, error) {
	f.Organisation, f.Name = strings.TrimSpace(f.Organisation), strings.TrimSpace(f.Name)
	f.Email = strings.TrimSpace(f.Email)
	if f.Zone == "" {
		f.Zone = "UTC"
	}
	if err := checkOrganisation(f.Organisation, f.Zone); err != nil {
		return f, err
	}
	if !plain(f.Name, maxName) {
		return f, fault.Errorf(fault.Invalid, "your name must have 1 to %d plain characters", maxName)
	}
	if err := checkEmail(f.Email); err != nil {
		return f, err
	}
	return f, checkPassword(f.Password, f.Email, f.Name, f.Organisation)
}

// checkOrganisation says what is wrong with an organisation's name or zone.
func checkOrganisation(name, zone string) error {
	switch {
	case !plain(name, maxName):
		return fault.Errorf(fault.Invalid, "the organisation's name must have 1 to %d plain characters", maxName)
	case zone == "Local" || zone == "":
		return fault.Errorf(fault.Invalid, "choose a time zone by name, for example Europe/Berlin")
	}
	if _, err := time.LoadLocation(zone); err != nil {
		return fault.Errorf(fault.Invalid, "time zone %.80q is not known; use a name such as Europe/Berlin", zone)
	}
	return nil
}

// plain reports whether s has 1 to most characters, none of which is a control
// character.
func plain(s string, most int) bool {
	n := utf8.RuneCountInString(s)
	return n > 0 && n <= most && utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// FoldEmail returns the identity of an e-mail address.
func FoldEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// newToken makes a token that nobody can guess: 128 bits at least.
func newToken() string { return rand.Text() }

// hashToken returns what is kept of a token. Tokens are random, so a plain hash
// is enough.
func hashToken(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}

// newPublicID makes the short name of an organisation that people compare on
// two screens: 8 symbols of RFC 4648's base 32, which has no 0, 1, 8 or 9.
func newPublicID() string { return rand.Text()[:8] }
