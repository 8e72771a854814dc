// Package registration admits agents to an organisation and turns them away.
// It is modelled on the device authorization grant (RFC 8628): the agent shows
// a code, an administrator enters it and reviews what is joining, and the
// license server confirms the organisation's name. Only then may it send.
package registration

import (
	"time"

	"headroom/internal/license"
)

// An Agent is an installation that holds a key and reads license servers.
type Agent struct {
	ID         int64
	Org        int64
	GUID       string
	PublicKey  []byte // Ed25519
	Host       string
	Platform   string
	Version    string
	Registered time.Time // when the license server confirmed
	ApprovedBy string
	Removed    time.Time // zero while it is registered
	LastSeen   time.Time
	Servers    []license.Server
}

// A Review is what an administrator sees before saying yes.
type Review struct {
	ID       string // of the registration
	Host     string
	Platform string
	Version  string
	Address  string // from which the request came
	Asked    time.Time
	Expires  time.Time
	Words    []string // six words made from the key's hash; the license server shows the same
	Servers  []license.Server
	Again    bool // the agent or one of its servers is known to this organisation: it keeps its identity
}

// A Standing is a registration that is not finished, for the list.
type Standing struct {
	ID         string
	Host       string
	State      State
	Asked      time.Time
	Expires    time.Time
	ApprovedBy string
	Words      []string
}
