package account

import (
	"context"
	"time"

	"headroom/internal/hub/audit"
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

	// Login returns the login of a folded address, or a fault.NotFound.
	Login(ctx context.Context, address string) (Login, error)
	// Member returns a member of org, or a fault.NotFound.
	Member(ctx context.Context, org, id int64) (Member, error)
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
	store  Store
	now    func() time.Time
	hashes chan struct{} // one place per password hash that may run at once
}

// New returns a service over store; now is the hub's clock.
func New(store Store, now func() time.Time) *Service {
	return &Service{store: store, now: now, hashes: make(chan struct{}, hashesAtOnce)}
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
