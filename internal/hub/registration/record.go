package registration

import (
	"context"
	"time"

	"headroom/internal/hub/audit"
	"headroom/internal/license"
)

// A State says how a registration stands. The words are the wire's.
type State string

// The states of a registration.
const (
	Waiting   State = "waiting"   // nobody has entered the code yet
	Approved  State = "approved"  // an administrator said yes; the license server has to confirm
	Confirmed State = "confirmed" // both said yes: the agent may send
	Refused   State = "refused"   // one of them said no
	Expired   State = "expired"   // too late, or another code was asked for
)

// A ServerState says whether records of a license server are taken.
type ServerState string

// The states of a license server of an agent. The words are the wire's.
const (
	ServerApproved ServerState = "approved"
	ServerPending  ServerState = "pending" // named after the registration; an administrator has to approve
	ServerRemoved  ServerState = "removed"
)

// A Record is a registration as it is kept. It belongs to nobody until it is
// approved.
type Record struct {
	ID        string // not a secret, and worth nothing without the key
	CodeHash  []byte
	KeyID     string
	PublicKey []byte
	AgentGUID string
	Host      string
	Platform  string
	Version   string
	Address   string
	Network   string // what Limits.PerAddress counts: the address, or the /64 of an IPv6 address
	Servers   []license.Server
	Asked     time.Time

	// What changes.
	State      State
	Expires    time.Time
	Polled     time.Time     // zero: never
	Slower     time.Duration // added to the polling interval, because the agent asked too often
	Org        int64         // from approved on
	OrgPublic  string
	OrgName    string
	ApprovedBy string
}

// A PendingServer is a license server that an agent named after it was
// registered.
type PendingServer struct {
	Server license.Server
	Agent  int64
	Host   string // of the agent
}

// A Contact is what an agent says of itself at a poll.
type Contact struct {
	At      time.Time
	Version string
	Clock   time.Duration // its clock minus the hub's
	Servers []license.Server
}

// A ContactAnswer is what an agent is told at its sign of life.
type ContactAnswer struct {
	Servers map[string]ServerState // by GUID
	Upload  bool                   // somebody waits for an update: it is to send now
}

// Heard is what the store knows when an agent gives a sign of life.
type Heard struct {
	Servers     map[string]ServerState // by GUID
	UploadAsked time.Time              // when an update was asked for last; zero: never
	Received    time.Time              // newest batch with a reading of any of its servers; zero: none
}

// A Change alters what changes of a record, and says what is to be told of it in
// the audit log; nil: nothing.
type Change func(*Record) (*audit.Entry, error)

// Records keeps registrations. Every method is one transaction.
type Records interface {
	// AddRegistration keeps a new record and ends every unfinished one of the
	// same key. It returns a fault.TooMany, and ends nothing, if more than the
	// limits would be live at r.Asked, also when many are added at once.
	AddRegistration(ctx context.Context, r Record, limits Limits) error
	// ChangeByID lets change alter a record, and keeps the result with the entry,
	// unless change returns an error, which is returned as it is.
	// Concurrent changes of one record are made one after the other. If there
	// is no such record it returns a fault.NotFound.
	ChangeByID(ctx context.Context, id string, change Change) error
	// ChangeByCode is ChangeByID for the record with the hash of a code.
	ChangeByCode(ctx context.Context, hash []byte, change Change) error
	// RegistrationKey returns the public key of a record, or a fault.NotFound.
	RegistrationKey(ctx context.Context, id string) ([]byte, error)
	// UnfinishedRegistrations returns the records of an organisation that are
	// not confirmed, newest first.
	UnfinishedRegistrations(ctx context.Context, org int64) ([]Record, error)
	// Admit is ChangeByID and, where change sets the state Confirmed, makes the
	// record's agent and servers in the same transaction, as registered at the
	// instant at. An agent or server whose GUID the organisation knows keeps
	// its row and with it its history; the agent's former key is refused from
	// then on. A key that another organisation's agent holds is a
	// fault.Conflict, and nothing changes.
	Admit(ctx context.Context, id string, at time.Time, change Change) error
}

// Agents keeps registered agents and their servers.
type Agents interface {
	// AgentByKey returns the agent that holds a key, or last held it before it
	// was removed, without its servers; or a fault.NotFound.
	AgentByKey(ctx context.Context, keyID string) (Agent, error)
	// Agents returns the agents of an organisation with their servers, by host
	// name, removed ones included.
	Agents(ctx context.Context, org int64) ([]Agent, error)
	// RemoveAgent refuses the agent's key from its commit on. Removing twice is
	// no error, and no second entry; an agent that the entry's organisation does
	// not have is a fault.NotFound. The store writes its host into the entry.
	RemoveAgent(ctx context.Context, agent int64, e audit.Entry) error
	// ContactAgent notes a sign of life and what is said about the servers,
	// and returns the state of each by GUID. A server that org does not know is
	// added as pending; one that belongs to another agent is left as it is,
	// and pending for this one.
	ContactAgent(ctx context.Context, org, agent int64, c Contact) (Heard, error)
	// Acknowledge notes that an administrator has taken note of a license server that is
	// silent: until it reports it is not one of those that should. One that there is
	// not, or of which somebody has, is a fault.NotFound.
	Acknowledge(ctx context.Context, guid string, e audit.Entry) error

	// SetPlace notes where a license server stands and what it is for. One that the
	// entry's organisation does not have is a fault.NotFound. The store writes its name
	// into the entry.
	SetPlace(ctx context.Context, guid string, p Place, e audit.Entry) error

	// AskUpload notes that an update of a license server is waited for, for
	// ContactAgent to tell. A server that the entry's organisation does not
	// have, or whose agent was removed, is a fault.NotFound. The store writes its
	// name into the entry.
	AskUpload(ctx context.Context, guid string, e audit.Entry) error
	// KnownGUIDs reports whether org has an agent with this GUID or a server
	// with one of those.
	KnownGUIDs(ctx context.Context, org int64, agent string, servers []string) (bool, error)
	// PendingServers returns the servers of org that wait for approval.
	PendingServers(ctx context.Context, org int64) ([]PendingServer, error)
	// ApproveServer makes a pending server of the entry's organisation an approved
	// one of its agent, or returns a fault.NotFound. The store writes its name
	// into the entry.
	ApproveServer(ctx context.Context, guid string, e audit.Entry) error
}

// A Throttle counts attempts per subject; see account.Throttle, which is the
// same.
type Throttle interface {
	Charge(ctx context.Context, subject string, now time.Time, window time.Duration, wait func(n int) time.Duration) (time.Duration, error)
	Refund(ctx context.Context, subject string, now time.Time, wait func(n int) time.Duration) error
}

// A Store keeps what registration decides about.
type Store interface {
	Records
	Agents
	Throttle
	// OrganisationName returns how an organisation is shown to a license
	// server's people.
	OrganisationName(ctx context.Context, org int64) (publicID, name string, err error)
}
