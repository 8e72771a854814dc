package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// A Factor is a member's second factor: an app that shows codes of six digits which
// change every 30 seconds (RFC 6238).
type Factor struct {
	Sealed string    // its seed
	Since  time.Time // zero: it is being set up, and not asked for yet
	Step   int64     // of the newest code that was taken
	Left   int       // recovery codes that were not used
}

// On says whether signing in asks for it.
func (f Factor) On() bool { return !f.Since.IsZero() }

// An Enrolment is what somebody tells his app.
type Enrolment struct {
	Key string // in base 32
	URL string // the same as otpauth://, for a QR code
}

// NeedsCode is the error of Login where the password is right and a code has to follow.
// Whoever does not know it refuses.
type NeedsCode struct{ Member Member }

func (*NeedsCode) Error() string { return "a code of the second factor is needed" }

const (
	codeStep      = 30 * time.Second
	codeSkew      = 1 // steps by which the app's clock may be off
	codeDigits    = 6
	recoveryCodes = 10
	recoveryLen   = 16 // symbols of base 32: 80 bits, so that a plain hash is enough

	// CodeTime is for how long after the password the code may follow.
	CodeTime = 10 * time.Minute
)

var (
	errCode     = fault.Errorf(fault.Unauthorized, "this code is wrong, or was used before; wait for the next one")
	errNoFactor = fault.Errorf(fault.Conflict, "there is no second factor")
)

// Factor returns the second factor of a member; its zero value if he has none.
func (s *Service) Factor(ctx context.Context, m Member) (Factor, error) {
	return s.store.Factor(ctx, m.Org, m.ID)
}

// BeginFactor makes the seed of a second factor, which counts once ConfirmFactor saw a
// code of it. A member who has one already gets a fault.Conflict.
func (s *Service) BeginFactor(ctx context.Context, m Member) error {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Headroom", AccountName: m.Email})
	if err != nil {
		return fmt.Errorf("make the seed of a second factor: %w", err)
	}
	return s.store.BeginFactor(ctx, m, s.secrets.Seal(key.Secret(), factorOf(m)))
}

// factorOf says to package seal whose seed it is.
func factorOf(m Member) string { return fmt.Sprintf("totp %d/%d", m.Org, m.ID) }

// Enrolment returns what the member tells his app while he sets it up; a fault.Conflict
// if he does not.
func (s *Service) Enrolment(ctx context.Context, m Member) (Enrolment, error) {
	f, err := s.store.Factor(ctx, m.Org, m.ID)
	if err != nil {
		return Enrolment{}, err
	}
	if f.On() || f.Sealed == "" {
		return Enrolment{}, fault.Errorf(fault.Conflict, "no second factor is being set up; begin again")
	}
	seed, err := s.secrets.Open(f.Sealed, factorOf(m))
	if err != nil {
		return Enrolment{}, err
	}
	// The names are plain: an e-mail address has no character that means something here
	// but + and &, which the path of a URL may have once they are escaped.
	key := "otpauth://totp/Headroom:" + strings.NewReplacer("%", "%25", "+", "%2B", "&", "%26", "?", "%3F", "#", "%23").Replace(m.Email) +
		"?secret=" + seed + "&issuer=Headroom"
	return Enrolment{Key: seed, URL: key}, nil
}

// ConfirmFactor turns the second factor on that the member has set up, by a code of it,
// and returns recovery codes: nobody can read them again. His sign-ins but the one here
// end: they were begun without it. A wrong code is a fault.Unauthorized.
func (s *Service) ConfirmFactor(ctx context.Context, m Member, here int64, code, address string) (recovery []string, err error) {
	f, err := s.store.Factor(ctx, m.Org, m.ID)
	if err != nil {
		return nil, err
	}
	if f.On() || f.Sealed == "" {
		return nil, fault.Errorf(fault.Conflict, "no second factor is being set up; begin again")
	}
	err = s.throttled(ctx, m, func() error {
		step, err := s.stepOf(m, f, code)
		if err != nil {
			return err
		}
		var hashes []string
		recovery, hashes = newRecovery(m)
		return s.store.ConfirmFactor(ctx, m, f.Sealed, step, hashes, here, audit.Of(m.Actor(address), audit.FactorSet, s.now(), m.Email))
	})
	return recovery, err
}

// NewRecovery replaces the recovery codes of a member, who shows a code of his app.
func (s *Service) NewRecovery(ctx context.Context, m Member, code, address string) (recovery []string, err error) {
	recovery, hashes := newRecovery(m)
	if err := s.ProveCode(ctx, m, code); err != nil {
		return nil, err
	}
	return recovery, s.store.SetRecovery(ctx, m, hashes, audit.Of(m.Actor(address), audit.RecoveryMade, s.now(), m.Email))
}

// RemoveFactor turns the member's own second factor off; he shows a code. Where the
// organisation wants one that is a fault.Conflict.
func (s *Service) RemoveFactor(ctx context.Context, m Member, code, address string) error {
	org, err := s.store.OrganisationByID(ctx, m.Org)
	if err != nil {
		return err
	}
	if org.Codes {
		return fault.Errorf(fault.Conflict, "%s wants a second factor of all its members", org.Name)
	}
	if err := s.ProveCode(ctx, m, code); err != nil {
		return err
	}
	return s.store.RemoveFactor(ctx, m.ID, audit.Of(m.Actor(address), audit.FactorRemoved, s.now(), m.Email))
}

// ResetFactor takes the second factor of another member away, who has lost it. Who has
// none is a fault.NotFound. The actor's own is a fault.Conflict: RemoveFactor asks for a
// code, and whoever has come by an administrator's browser must not get around that.
func (s *Service) ResetFactor(ctx context.Context, actor audit.Actor, member int64) error {
	if actor.Member == member {
		return fault.Errorf(fault.Conflict, "this is your own second factor: turn it off with a code, or ask another administrator")
	}
	return s.store.RemoveFactor(ctx, member, audit.Of(actor, audit.FactorRemoved, s.now(), ""))
}

// ResetFactorOf is ResetFactor of whoever runs the hub, for the member who signs in with
// an address: an only administrator has nobody else to ask.
func (s *Service) ResetFactorOf(ctx context.Context, email string) error {
	l, err := s.store.Login(ctx, FoldEmail(email))
	if err != nil {
		return fmt.Errorf("look up whose second factor it is: %w", err)
	}
	return s.ResetFactor(ctx, audit.Actor{Org: l.Member.Org, Name: operator}, l.Member.ID)
}

// WantCodes says whether all members of the actor's organisation have to have a second
// factor: who has none sets one up before he sees anything else.
func (s *Service) WantCodes(ctx context.Context, actor audit.Actor, want bool) error {
	e := audit.Of(actor, audit.SignInSet, s.now(), "second factor")
	e.Detail = "up to each member"
	if want {
		e.Detail = "wanted of all members"
	}
	return s.store.WantCodes(ctx, want, e)
}

// LoginCode is the second step of Login: the member whose password was right shows a
// code of his app or a recovery code. A wrong one, or one that was used, is a
// fault.Unauthorized, too many are a fault.TooMany.
func (s *Service) LoginCode(ctx context.Context, org, member int64, code, address string) (Member, error) {
	m, err := s.store.Member(ctx, org, member)
	if fault.KindOf(err) == fault.NotFound {
		return Member{}, errLogin // removed meanwhile
	}
	if err != nil {
		return Member{}, err
	}
	e := audit.Of(m.Actor(address), audit.SignedIn, s.now(), m.Email)
	e.Detail = "with a second factor"
	return m, s.useCode(ctx, m, code, &e)
}

// ProveCode makes sure that it is still the member who asks, by a code. Its errors are
// those of LoginCode; no second factor is a fault.Conflict.
func (s *Service) ProveCode(ctx context.Context, m Member, code string) error {
	return s.useCode(ctx, m, code, nil)
}

func (s *Service) useCode(ctx context.Context, m Member, code string, e *audit.Entry) error {
	return s.throttled(ctx, m, func() error {
		f, err := s.store.Factor(ctx, m.Org, m.ID)
		if err != nil {
			return err
		}
		if !f.On() {
			return errNoFactor
		}
		if folded := foldCode(code); len(folded) == recoveryLen {
			if e != nil {
				e.Detail = fmt.Sprintf("with a recovery code, %d left", f.Left-1)
			}
			err = s.store.UseRecovery(ctx, m, hashRecovery(m, folded), e)
		} else {
			var step int64
			if step, err = s.stepOf(m, f, code); err == nil {
				err = s.store.UseCode(ctx, m, step, e)
			}
		}
		if fault.KindOf(err) == fault.NotFound {
			return errCode
		}
		return err
	})
}

// Limits of guessing codes, for who has the password: beside the waits of a password,
// which would let some hundred thousand codes through in a year.
const (
	guessWindow = 30 * 24 * time.Hour
	guessFree   = 50 // wrong codes in a window before the long wait between two
	guessWait   = 6 * time.Hour
)

func guessesWait(n int) time.Duration {
	if n < guessFree {
		return 0
	}
	return guessWait
}

// throttled makes an attempt at a member's code and counts it, unless it is good.
func (s *Service) throttled(ctx context.Context, m Member, attempt func() error) error {
	soon, long := fmt.Sprintf("code of %d/%d", m.Org, m.ID), fmt.Sprintf("guesses of %d/%d", m.Org, m.ID)
	if err := s.charge(ctx, soon, accountWindow, accountWait); err != nil {
		return err
	}
	if err := s.charge(ctx, long, guessWindow, guessesWait); err != nil {
		return errors.Join(err, s.refund(ctx, soon, accountWait)) // no code was looked at
	}
	if err := attempt(); err != nil {
		return err
	}
	return errors.Join(s.refund(ctx, soon, accountWait), s.refund(ctx, long, guessesWait))
}

// stepOf returns the step of which a code is, if it is none that was taken before.
func (s *Service) stepOf(m Member, f Factor, code string) (int64, error) {
	seed, err := s.secrets.Open(f.Sealed, factorOf(m))
	if err != nil {
		return 0, fault.Wrap(fault.Conflict, err, "this hub has lost the key of your second factor; use a recovery code, or ask an administrator to reset it")
	}
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	now := s.now().Unix() / int64(codeStep/time.Second)
	for step := now - codeSkew; step <= now+codeSkew; step++ {
		want, err := hotp.GenerateCode(seed, uint64(step))
		if err != nil {
			return 0, fmt.Errorf("code of member %d/%d: %w", m.Org, m.ID, err)
		}
		if len(code) == codeDigits && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && step > f.Step {
			return step, nil
		}
	}
	return 0, errCode
}

// newRecovery makes recovery codes, and what is kept of them.
func newRecovery(m Member) (codes, hashes []string) {
	for range recoveryCodes {
		c := strings.ToLower(rand.Text()[:recoveryLen])
		codes = append(codes, c[:4]+"-"+c[4:8]+"-"+c[8:12]+"-"+c[12:])
		hashes = append(hashes, hashRecovery(m, c))
	}
	return codes, hashes
}

func hashRecovery(m Member, folded string) string {
	return hex.EncodeToString(hashToken(fmt.Sprintf("recovery %d/%d %s", m.Org, m.ID, folded)))
}

// foldCode leaves out what people write between the symbols of a recovery code.
func foldCode(code string) string {
	return strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(code)))
}
