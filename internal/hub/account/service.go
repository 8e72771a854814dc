package account

import (
	"context"
	"time"

	"headroom/internal/hub/audit"
	"headroom/internal/hub/seal"
)

// A Login is what signing in with a password needs to know. It is found by
// address alone, before the organisation is known.
type Login struct {
	Member   Member
	Password string // Argon2id in the PHC string format
}

// A Store keeps accounts.
type Store interface {
	Throttle

	// Setup creates the first organisation with its first administrator,
	// atomically and only while the hash of the current set-up token is
	// tokenHash; the token is used up. Otherwise it returns a fault.NotFound.
	// Ids in org, login and the entry of the audit log are filled in by the store.
	Setup(ctx context.Context, tokenHash []byte, org Organisation, login Login, e audit.Entry) (Member, error)
	// SetSetupToken replaces the set-up token, unless an organisation exists:
	// then it reports false and changes nothing.
	SetSetupToken(ctx context.Context, tokenHash []byte) (set bool, err error)
	// SetupToken returns the hash of the current set-up token, empty if there
	// is none.
	SetupToken(ctx context.Context) ([]byte, error)

	// AddOrganisation makes an organisation with an invitation to its first
	// administrator, atomically. Ids are filled in by the store. An address that signs
	// in already is a fault.Conflict.
	AddOrganisation(ctx context.Context, org Organisation, tokenHash []byte, inv Invitation, e audit.Entry) error

	// Login returns the login of a folded address, or a fault.NotFound.
	Login(ctx context.Context, address string) (Login, error)
	// Member returns a member of org, or a fault.NotFound.
	Member(ctx context.Context, org, id int64) (Member, error)
	// Members lists the members of an organisation by e-mail address, with when each
	// was seen last, if that was after a time.
	Members(ctx context.Context, org int64, seenAfter time.Time) ([]Membership, error)
	// SetRole and RemoveMember change a member of the entry's organisation, whom they
	// fill in as its subject. Nobody there is a fault.NotFound; the last administrator
	// a fault.Conflict. What changes nothing leaves no entry.
	SetRole(ctx context.Context, member int64, role Role, e audit.Entry) error
	RemoveMember(ctx context.Context, member int64, e audit.Entry) error
	// SetPassword replaces a member's password and ends his sign-ins but one. One who was
	// removed is a fault.NotFound.
	SetPassword(ctx context.Context, m Member, hash string, keep int64, e audit.Entry) error

	// Invite keeps an invitation by the hash of its token, instead of one to the same
	// folded address. An address that signs in already is a fault.Conflict.
	Invite(ctx context.Context, tokenHash []byte, inv Invitation, e audit.Entry) error
	// Invitations lists those of an organisation that stand at a time, newest first.
	Invitations(ctx context.Context, org int64, at time.Time) ([]Invitation, error)
	// Invitation returns one that stands, or a fault.NotFound.
	Invitation(ctx context.Context, tokenHash []byte, at time.Time) (Invitation, error)
	// Uninvite deletes an invitation of the entry's organisation, whose address it
	// fills in as the subject, or returns a fault.NotFound.
	Uninvite(ctx context.Context, id int64, e audit.Entry) error
	// Accept makes the member of a login and uses the invitation up, atomically. The
	// member's number is filled in. An invitation that does not stand at the entry's
	// time is a fault.NotFound, an address that signs in already a fault.Conflict.
	Accept(ctx context.Context, tokenHash []byte, login Login, e audit.Entry) (Member, error)

	// Factor returns a member's second factor, zero if he has none.
	Factor(ctx context.Context, org, member int64) (Factor, error)
	// BeginFactor keeps the sealed seed of one that is being set up, instead of one that
	// was; one that counts is a fault.Conflict.
	BeginFactor(ctx context.Context, m Member, sealed string) error
	// ConfirmFactor makes the one with this sealed seed count, with the hashes of its
	// recovery codes, and ends his sign-ins but one. Where there is another by now it is a
	// fault.Conflict.
	ConfirmFactor(ctx context.Context, m Member, sealed string, step int64, hashes []string, keep int64, e audit.Entry) error
	// SetRecovery replaces the hashes of a member's recovery codes.
	SetRecovery(ctx context.Context, m Member, hashes []string, e audit.Entry) error
	// RemoveFactor deletes the one of a member of the entry's organisation, who is filled
	// in as its subject. None is a fault.NotFound.
	RemoveFactor(ctx context.Context, member int64, e audit.Entry) error
	// UseCode notes that a code of a step was taken, UseRecovery uses a recovery code
	// up. Where that one, or a later one, was taken before, it is a fault.NotFound.
	UseCode(ctx context.Context, m Member, step int64, e *audit.Entry) error
	UseRecovery(ctx context.Context, m Member, hash string, e *audit.Entry) error
	// WantCodes sets Organisation.Codes of the entry's organisation. What is so already
	// leaves no entry.
	WantCodes(ctx context.Context, want bool, e audit.Entry) error

	// Provider returns the sign-in provider of an organisation, zero if it has none;
	// SetProvider sets that of the entry's organisation.
	Provider(ctx context.Context, org int64) (Provider, error)
	SetProvider(ctx context.Context, p Provider, e audit.Entry) error
	// OrganisationFor returns the organisation with a public id, or the only one if that
	// is empty, or a fault.NotFound.
	OrganisationFor(ctx context.Context, publicID string) (org int64, err error)
	// Known returns the member whom a provider knows by a subject, or a fault.NotFound.
	Known(ctx context.Context, org int64, issuer, subject string) (Member, error)
	// Link notes that the provider's person is the member.
	Link(ctx context.Context, m Member, who Person, e audit.Entry) error
	// Join makes the member of a login, whom a provider knows, and uses an invitation of
	// him up. An address that signs in already is a fault.Conflict.
	Join(ctx context.Context, login Login, who Person, e audit.Entry) (Member, error)

	// Tokens lists the tokens of an organisation, newest first.
	Tokens(ctx context.Context, org int64) ([]Token, error)
	// MakeToken keeps a token by its hash.
	MakeToken(ctx context.Context, tokenHash []byte, t Token, e audit.Entry) error
	// RevokeToken deletes a token of the entry's organisation, whose name it fills in
	// as the subject, or returns a fault.NotFound.
	RevokeToken(ctx context.Context, id int64, e audit.Entry) error
	// UseToken returns a token that has not expired, or a fault.NotFound, and notes
	// that it was used, to the hour.
	UseToken(ctx context.Context, tokenHash []byte, now time.Time) (Token, error)

	// BeginSignIn keeps where a member signed in, and returns its number.
	BeginSignIn(ctx context.Context, m Member, in SignIn) (id int64, err error)
	// SeeSignIn returns the member of a sign-in that has not ended, or a
	// fault.NotFound, and notes now that he was seen, to the minute.
	SeeSignIn(ctx context.Context, org, member, id int64, now time.Time) (Member, error)
	// SignIns lists those of a member that began after one time and were seen after
	// another, newest first.
	SignIns(ctx context.Context, org, member int64, begunAfter, seenAfter time.Time) ([]SignIn, error)
	// EndSignIn ends one, or returns a fault.NotFound.
	EndSignIn(ctx context.Context, org, member, id int64, e audit.Entry) error

	// Change changes the settings of the entry's organisation; where from is not nil
	// and they are others, it is a fault.Conflict. What is so already leaves no entry.
	Change(ctx context.Context, from *Settings, to Settings, e audit.Entry) error
	// Note writes an entry of the audit log about a session.
	Note(ctx context.Context, e audit.Entry) error
	// OrganisationByID returns an organisation, or a fault.NotFound.
	OrganisationByID(ctx context.Context, org int64) (Organisation, error)
}

// A Throttle counts attempts per subject in windows of time. All hub processes
// share it.
type Throttle interface {
	// Charge counts one attempt of subject before it is made. Where an earlier
	// charge made the subject wait beyond now, nothing is counted and the rest
	// of the wait is returned. Otherwise the attempt may go ahead, and
	// wait(n) says how long the subject then waits, n being the number of
	// attempts in the current window, this one included. A window begins with
	// the first attempt after the last window ended. Concurrent charges are
	// counted one after the other.
	Charge(ctx context.Context, subject string, now time.Time, window time.Duration, wait func(n int) time.Duration) (time.Duration, error)
	// Refund takes one charge back: the attempt turned out to be a good one.
	Refund(ctx context.Context, subject string, now time.Time, wait func(n int) time.Duration) error
}

// A Service answers for the accounts of a hub. It is safe for concurrent use.
type Service struct {
	store   Store
	now     func() time.Time
	secrets *seal.Keys
	hashes  chan struct{} // one place per password hash that may run at once
}

// New returns a service over store; now is the hub's clock, secrets seal what the store
// keeps of second factors.
func New(store Store, now func() time.Time, secrets *seal.Keys) *Service {
	return &Service{store: store, now: now, secrets: secrets, hashes: make(chan struct{}, hashesAtOnce)}
}

// Member returns a member of an organisation, or a fault.NotFound once he was
// removed.
func (s *Service) Member(ctx context.Context, org, id int64) (Member, error) {
	return s.store.Member(ctx, org, id)
}

// Organisation returns an organisation.
func (s *Service) Organisation(ctx context.Context, org int64) (Organisation, error) {
	return s.store.OrganisationByID(ctx, org)
}

// May reports whether a member with role r may do what needs the role least.
func (r Role) May(least Role) bool { return rank[r] >= rank[least] && rank[least] > 0 }

var rank = map[Role]int{Viewer: 1, Operator: 2, Admin: 3}
