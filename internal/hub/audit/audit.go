// Package audit is the record of who did what to an organisation. Whoever changes
// its state writes one entry in the same transaction: an act that was rolled back
// has none, and none is without its act. Entries are never changed. Each holds a
// hash of itself and of the one before it, so that an edit, a deletion or a swap
// is found. A cut tail, and a chain that was written anew, are found with a
// checkpoint that somebody else has kept (docs/format/audit.md).
package audit

import (
	"strings"
	"time"
)

// An Act is what was done. Its text stands in the database for ever.
type Act string

// The acts.
const (
	Founded   Act = "organisation.found"
	SignedIn  Act = "session.begin"
	SignedOut Act = "session.end"
	Approved  Act = "registration.approve"  // an administrator said yes to a code
	Refused   Act = "registration.refuse"   // he said no
	Withdrawn Act = "registration.withdraw" // he took his yes back
	Confirmed Act = "registration.confirm"  // the license server said yes to the organisation
	Declined  Act = "registration.decline"  // it said no
	Removed   Act = "registration.remove"
	Admitted  Act = "server.approve" // a license server that its agent named later
	AskedFor  Act = "server.update"  // an update was asked for
	Erased    Act = "usage.delete"   // all usage data of a license server

	Acknowledged Act = "server.acknowledge" // somebody took note that it is silent
	Placed       Act = "server.place"       // its site and its tags

	Invited       Act = "member.invite"
	Uninvited     Act = "member.uninvite"
	Joined        Act = "member.join"
	RoleGiven     Act = "member.role"
	MemberRemoved Act = "member.remove"
	PasswordSet   Act = "member.password"
	FactorSet     Act = "member.factor"
	FactorRemoved Act = "member.factor.remove"
	RecoveryMade  Act = "member.recovery"     // new recovery codes
	Linked        Act = "member.link"         // with an account at the sign-in provider
	SignInSet     Act = "organisation.signin" // how its members sign in
	Changed       Act = "organisation.change" // its settings
	TokenMade     Act = "token.make"
	TokenRevoked  Act = "token.revoke"

	Trimmed Act = "usage.retention" // usage data that an organisation keeps no longer

	CatalogSet   Act = "catalog.set" // what the organisation says of a feature instead of the catalog
	CatalogReset Act = "catalog.reset"
)

// Acts lists all of them, in the order in which they are shown.
var Acts = []Act{
	Founded, Changed, SignedIn, SignedOut, Invited, Uninvited, Joined, RoleGiven, MemberRemoved, PasswordSet, FactorSet, FactorRemoved, RecoveryMade, Linked, SignInSet, TokenMade, TokenRevoked,
	Approved, Refused, Withdrawn, Confirmed, Declined, Removed, Admitted, AskedFor, Acknowledged, Placed, Erased,
	Trimmed, CatalogSet, CatalogReset,
}

// An Actor is who did it. Whoever makes one has made sure of the role.
type Actor struct {
	Org     int64
	Member  int64  // 0: no member, but an agent, a token, or whoever runs the hub
	Name    string // the e-mail address, what the agent's host is called, the token's name
	Address string // from which the request came
}

// An Entry is one act.
type Entry struct {
	Org     int64
	Seq     int64     // from 1 on, without a gap
	At      time.Time // by the hub's clock, in whole milliseconds
	Act     Act
	Actor   Actor  // of its Org nothing is kept: it is the entry's
	Subject string // what it was done to, by the name that it had then
	Detail  string // what else was decided; neither usage data nor secrets
	Hash    Hash   // of the entry and of the one before it
}

// Of returns the entry of an act, as far as it is known before it is done.
func Of(by Actor, act Act, at time.Time, subject string) Entry {
	return Entry{Org: by.Org, At: at, Act: act, Actor: by, Subject: subject}
}

// A Query chooses entries. Empty fields choose all.
type Query struct {
	Act     Act
	Who     string // a part of the actor's name, in any case
	Subject string // a part of the subject, in any case
	From    time.Time
	To      time.Time // the first instant that is not meant
	Before  int64     // a Seq: only entries before it, for the next page
	Limit   int       // how many at most; 0: all
}

// Has says whether the query chooses an entry by its act and its names.
func (q Query) Has(e Entry) bool {
	return (q.Act == "" || q.Act == e.Act) && contains(e.Actor.Name, q.Who) && contains(e.Subject, q.Subject)
}

func contains(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}
