// Package wire is what agents and hubs say to each other, every version of
// it: the paths, the messages, the records of a batch and the signature of a
// request. docs/format/wire.md is the same for people.
//
// Messages are JSON; a batch is NDJSON in zstd. Fields are added, never
// renamed or reused. A reader ignores fields that it does not know and counts
// records of a kind that it does not know. Instants are whole Unix seconds in
// UTC unless a name says otherwise.
package wire

// Version is the version of the wire that this program writes. A hub reads
// every version from 1 on.
const Version = 1

// The paths of the agents' side of a hub. Every request except GET HubPath is
// signed with the agent's key (see Sign).
const (
	HubPath           = "/agent/v1/hub"           // GET: who are you, what time is it
	RegistrationsPath = "/agent/v1/registrations" // POST: ask for a code. GET {path}/{id}: how does it stand. POST {path}/{id}/confirm
	SelfPath          = "/agent/v1/self"          // DELETE: remove this agent's registration
	BatchesPath       = "/agent/v1/batches"       // PUT {path}/{epoch}/{seq}: one batch
	PollPath          = "/agent/v1/poll"          // POST: what the hub wants, what it has
)

// Limits of one batch, all but MaxBodyBytes after decompression. A hub refuses
// more with 413 and the agent then halves the batch.
const (
	MaxBatchBytes  = 16 << 20
	MaxBodyBytes   = 4 << 20 // of a request as it is sent: compressed
	MaxRecords     = 20_000
	MaxRecordBytes = 4 << 20
	MaxDepth       = 16      // of nested arrays and objects in a record
	MaxPoints      = 500_000 // instants times pools of Samples, steps and days of Events, Maxima once for each UTC day that they touch, names of Assignments
	MaxDays        = 1_000   // UTC days that one batch touches
	MaxName        = 512     // bytes of a feature, user, host or reason
)

// Hub answers GET HubPath.
type Hub struct {
	ID    string `json:"id"`      // goes into every signature: a request for one hub is worth nothing at another
	Time  int64  `json:"time_ms"` // the hub's clock, Unix milliseconds
	Nonce string `json:"nonce"`   // may stand for a fresh created time, once, for 10 minutes
}

// A ServerInfo is what an agent says about one license server that it reads.
type ServerInfo struct {
	GUID    string   `json:"guid"`
	Name    string   `json:"name"`
	Hosts   []string `json:"hosts,omitempty"`
	Port    int      `json:"port,omitempty"`
	HostID  string   `json:"host_id,omitempty"`
	Manager string   `json:"manager"`
	Version string   `json:"version,omitempty"`

	// Names says how the names of users and devices leave the site; nil: clear,
	// as ever.
	Names *NamesInfo `json:"names,omitempty"`
}

// A NamesInfo says how the names of users and devices leave a site.
type NamesInfo struct {
	Mode  string `json:"mode"`          // NamesClear, NamesPseudonyms or NamesNone
	Key   string `json:"key,omitempty"` // id of the key that makes the pseudonyms: people under two keys cannot be compared
	Since int64  `json:"since"`         // by the agent's clock
}

// Equal tells whether both say the same, or nothing.
func (n *NamesInfo) Equal(o *NamesInfo) bool { return n == o || n != nil && o != nil && *n == *o }

// The ways in which names leave a site.
const (
	NamesClear      = "clear"      // as the source writes them
	NamesPseudonyms = "pseudonyms" // replaced at the agent, by a key that the hub does not have
	NamesNone       = "none"       // left out
)

// A RegistrationRequest asks for a code. It is signed by the key that it
// carries, so that the sender is known to hold it.
type RegistrationRequest struct {
	AgentGUID string       `json:"agent_guid"` // survives upgrades and new keys
	PublicKey string       `json:"public_key"` // Ed25519, base64url without padding
	Host      string       `json:"host"`       // the machine on which the agent runs
	Platform  string       `json:"platform"`   // e.g. "windows/amd64"
	Version   string       `json:"version"`    // of the agent
	Servers   []ServerInfo `json:"servers"`
}

// A Registration answers a RegistrationRequest.
type Registration struct {
	ID      string `json:"id"`
	Code    string `json:"code"`       // XXXXX-XXXXX, shown to a person
	Visit   string `json:"visit"`      // address at which an administrator enters it
	Poll    int    `json:"poll"`       // seconds to wait between two questions
	Expires int64  `json:"expires_at"` // Unix seconds
}

// The states of a registration.
const (
	RegistrationWaiting   = "waiting"   // nobody has entered the code yet
	RegistrationApproved  = "approved"  // an administrator said yes; the license server has to confirm
	RegistrationConfirmed = "confirmed" // both said yes: the agent may send
	RegistrationRefused   = "refused"   // one of them said no
	RegistrationExpired   = "expired"
)

// A RegistrationState says how a registration stands.
type RegistrationState struct {
	State            string `json:"state"`
	OrganisationID   string `json:"organisation_id,omitempty"` // from approved on
	OrganisationName string `json:"organisation_name,omitempty"`
	ApprovedBy       string `json:"approved_by,omitempty"`
	Poll             int    `json:"poll"` // seconds to wait before asking again
}

// A Confirmation is the license server's yes or no to an organisation.
type Confirmation struct {
	OrganisationID string `json:"organisation_id"` // as shown to the person who confirmed
	Accept         bool   `json:"accept"`
}

// The answers to a batch.
const (
	ReceiptStored    = "stored"    // the commit has reached the disk
	ReceiptKnown     = "known"     // it was stored before, byte for byte
	ReceiptDiscarded = "discarded" // older than a deletion, or nobody's any more: done, do not send again
)

// A Receipt answers a batch with 2xx: it will never be needed again, except
// after the hub lost its disk (see PollAnswer.Complete).
type Receipt struct {
	Status  string `json:"status"`
	Records int    `json:"records"` // records understood
	Unknown int    `json:"unknown"` // records of kinds that this hub does not know
}

// A PollRequest is an agent's sign of life.
type PollRequest struct {
	Epoch   string       `json:"epoch"`
	Next    uint64       `json:"next"` // the next sequence it will use
	Version string       `json:"version"`
	Servers []ServerInfo `json:"servers"`
	Waiting int          `json:"waiting"` // records not yet uploaded
	Reading []ReadState  `json:"reading,omitempty"`
}

// A ReadState is how an agent's last attempt to read a server went.
type ReadState struct {
	Server string `json:"server"` // GUID
	At     int64  `json:"at"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // why not, in the source's words
}

// The only things that a hub can ask of an agent. An agent ignores any other
// word and reports it.
const (
	WantUpload     = "upload"
	WantRotate     = "rotate"
	WantDeregister = "deregister"
)

// A PollAnswer is what the hub wants and has.
type PollAnswer struct {
	Wants    []string          `json:"wants,omitempty"`
	Complete map[string]uint64 `json:"complete"` // per epoch the sequence below which nothing is missing
	Servers  map[string]string `json:"servers"`  // GUID to "approved", "pending" or "removed"
	Poll     int               `json:"poll"`     // seconds to the next poll
	Witness  *Witness          `json:"witness,omitempty"`
}

// A Witness is where the audit log of the agent's organisation ends. Agents keep
// it, so that somebody who writes the log anew is found out.
type Witness struct {
	Organisation string `json:"organisation"` // its public id
	Entries      int64  `json:"entries"`
	Head         string `json:"head"`      // hash of the last one, in hexadecimal digits
	At           int64  `json:"at"`        // Unix seconds, by the hub's clock
	Signature    []byte `json:"signature"` // the hub's, which the hub can check (docs/format/audit.md)
}

// The states of a server in a PollAnswer.
const (
	ServerApproved = "approved"
	ServerPending  = "pending" // its records are kept and not sent
	ServerRemoved  = "removed"
)

// A Problem is the body of every answer that is not 2xx (RFC 9457).
type Problem struct {
	Type   string `json:"type"` // "about:blank" or one of the Problem constants
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// The problems that an agent acts upon, in Problem.Type.
const (
	ProblemFork    = "urn:headroom:fork"    // 409: another content under this identity; begin a new epoch
	ProblemRemoved = "urn:headroom:removed" // 403: this registration was removed; stop sending, keep collecting
	ProblemStale   = "urn:headroom:stale"   // 401: sign again with the nonce in the header NonceHeader
)

// Headers beside those of RFC 9421.
const (
	HubHeader   = "Headroom-Hub"   // the hub's id, signed
	NonceHeader = "Headroom-Nonce" // in a 401: a nonce to sign with
	TimeHeader  = "Headroom-Time"  // in every answer: the hub's clock, Unix milliseconds
)
