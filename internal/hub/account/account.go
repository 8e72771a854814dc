// Package account knows the people who use a hub's console: organisations and
// their members, how they sign in, and the one-time set-up link that makes the
// first of them. Passwords are kept as Argon2id hashes; tokens as hashes only.
package account

import (
	"time"

	"headroom/internal/hub/audit"
)

// An Organisation owns an estate. Nothing is shared between two of them.
type Organisation struct {
	ID       int64
	PublicID string // short, shown to people and to license servers
	Name     string
	Zone     string // IANA name; its calendar decides days and months
	Created  time.Time

	// Thresholds that it has set, 0: the default (usage.Thresholds).
	Reporting, Listed, Awaited time.Duration

	Codes bool // each member has to have a second factor

	KeepDays int       // for so many days it keeps usage data; 0: for ever
	Trimmed  time.Time // what is older was removed, since it last said for how long; zero: nothing was
}

// A Role says what a member may do.
type Role string

// The roles. Each may do what the one before it may.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator" // registers license servers
	Admin    Role = "admin"
)

// A Member is somebody who can sign in to an organisation.
type Member struct {
	ID    int64
	Org   int64
	Email string
	Name  string
	Role  Role
	Codes bool // he has a second factor
}

// Actor is the member as the audit log and registration know who acts; the request
// came from an address.
func (m Member) Actor(address string) audit.Actor {
	return audit.Actor{Org: m.Org, Member: m.ID, Name: m.Email, Address: address}
}
