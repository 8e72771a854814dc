package registration

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// Standing returns the registrations of an organisation that are not finished,
// newest first: approved and not confirmed yet, and those that ended without
// an agent lately.
func (r *Registrar) Standing(ctx context.Context, org int64) ([]Standing, error) {
	recs, err := r.Store.UnfinishedRegistrations(ctx, org)
	if err != nil {
		return nil, err
	}
	standing := make([]Standing, len(recs))
	for i := range recs {
		rec := &recs[i]
		standing[i] = Standing{
			ID: rec.ID, Host: rec.Host, State: rec.stateAt(r.Now()), Asked: rec.Asked, Expires: rec.Expires,
			ApprovedBy: rec.ApprovedBy, Words: r.Words(rec.PublicKey),
		}
	}
	return standing, nil
}

// List returns the agents of an organisation with their servers, by host name.
// Removed ones are among them.
func (r *Registrar) List(ctx context.Context, org int64) ([]Agent, error) {
	return r.Store.Agents(ctx, org)
}

// Pending returns the license servers that wait for ApproveServer: their agents
// named them after they were registered.
func (r *Registrar) Pending(ctx context.Context, org int64) ([]PendingServer, error) {
	return r.Store.PendingServers(ctx, org)
}

// ApproveServer lets a pending license server in. Its agent hears of it at its
// next poll.
func (r *Registrar) ApproveServer(ctx context.Context, actor audit.Actor, guid string) error {
	return r.Store.ApproveServer(ctx, guid, audit.Of(actor, audit.Admitted, r.Now(), ""))
}

// Remove takes an agent's registration away. Its key is refused from now on; its
// servers' history stays. Removing twice is no error.
func (r *Registrar) Remove(ctx context.Context, actor audit.Actor, agent int64) error {
	return r.Store.RemoveAgent(ctx, agent, audit.Of(actor, audit.Removed, r.Now(), ""))
}

// RemoveSelf is Remove, asked for by the agent from an address.
func (r *Registrar) RemoveSelf(ctx context.Context, a Agent, address string) error {
	by := audit.Actor{Org: a.Org, Name: a.Host, Address: address}
	return r.Store.RemoveAgent(ctx, a.ID, audit.Of(by, audit.Removed, r.Now(), ""))
}

// ByKey returns the agent that holds a key, without its servers. A key that
// nobody registered is a fault.Unauthorized; the caller looks at Removed.
func (r *Registrar) ByKey(ctx context.Context, keyID string) (Agent, error) {
	a, err := r.Store.AgentByKey(ctx, keyID)
	if fault.KindOf(err) == fault.NotFound {
		return Agent{}, fault.Errorf(fault.Unauthorized, "this key is not registered at this hub")
	}
	return a, err
}

// UploadWaits is for how long an agent is told that an update is waited for, if
// none comes.
const UploadWaits = 15 * time.Minute

// AskUpload asks for an update of a license server now. Its agent hears of it at
// its next sign of life, and sends what it has of all its servers. It is told
// until a reading was received, but no longer than UploadWaits: an agent that is
// away sends anyway when it comes back.
func (r *Registrar) AskUpload(ctx context.Context, actor audit.Actor, guid string) error {
	return r.Store.AskUpload(ctx, guid, audit.Of(actor, audit.AskedFor, r.Now(), ""))
}

// Acknowledge takes note that a license server is silent: it is not counted among those
// that should report until it does. Whether it is silent is for the caller to know.
func (r *Registrar) Acknowledge(ctx context.Context, actor audit.Actor, guid string) error {
	return r.Store.Acknowledge(ctx, guid, audit.Of(actor, audit.Acknowledged, r.Now(), ""))
}

// Contact notes an agent's sign of life and returns the state of each server
// that it names, and whether it is to send now. New servers are pending.
func (r *Registrar) Contact(ctx context.Context, a Agent, c Contact) (ContactAnswer, error) {
	if err := CheckServers(c.Servers); err != nil {
		return ContactAnswer{}, err
	}
	if err := checkText("agent", c.Version); err != nil {
		return ContactAnswer{}, err
	}
	heard, err := r.Store.ContactAgent(ctx, a.Org, a.ID, c)
	if err != nil {
		return ContactAnswer{}, err
	}
	waits := !heard.UploadAsked.IsZero() && !heard.Received.After(heard.UploadAsked) && c.At.Sub(heard.UploadAsked) <= UploadWaits
	return ContactAnswer{Servers: heard.Servers, Upload: waits}, nil
}

// pay counts a wrong code before it is looked up; false means that the actor or
// his organisation has to wait.
func (r *Registrar) pay(ctx context.Context, actor audit.Actor) (bool, error) {
	now := r.Now()
	left, err := r.Store.Charge(ctx, orgSubject(actor), now, r.Limits.OrgWait, r.orgWait)
	if err != nil || left > 0 {
		return false, err
	}
	left, err = r.Store.Charge(ctx, accountSubject(actor), now, r.Limits.AccountWait, r.accountWait)
	if err != nil {
		return false, err
	}
	if left > 0 { // nothing is looked up: colleagues do not pay for it
		return false, r.Store.Refund(ctx, orgSubject(actor), now, r.orgWait)
	}
	return true, nil
}

// payBack takes pay back: the code was right.
func (r *Registrar) payBack(ctx context.Context, actor audit.Actor) error {
	now := r.Now()
	if err := r.Store.Refund(ctx, orgSubject(actor), now, r.orgWait); err != nil {
		return fmt.Errorf("take back an attempt: %w", err)
	}
	if err := r.Store.Refund(ctx, accountSubject(actor), now, r.accountWait); err != nil {
		return fmt.Errorf("take back an attempt: %w", err)
	}
	return nil
}

func (r *Registrar) accountWait(n int) time.Duration {
	if n < r.Limits.Account {
		return 0
	}
	return r.Limits.AccountWait
}

func (r *Registrar) orgWait(n int) time.Duration {
	if n < r.Limits.Organisation {
		return 0
	}
	return r.Limits.OrgWait
}

func orgSubject(a audit.Actor) string { return "codes of organisation " + strconv.FormatInt(a.Org, 10) }

func accountSubject(a audit.Actor) string {
	return "codes of account " + strconv.FormatInt(a.Org, 10) + "/" + strconv.FormatInt(a.Member, 10)
}
