package registration

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// A Registrar decides who is admitted. All its fields must be set. It keeps
// nothing itself: any number of them may share a Store.
type Registrar struct {
	Store   Store
	Now     func() time.Time
	Rand    io.Reader                       // crypto/rand.Reader
	CodeKey []byte                          // secret; the same for all hub processes
	Words   func(publicKey []byte) []string // wire.Words
	Limits  Limits
}

// errCode is the answer to every code that does not work, whatever the reason:
// a guess learns nothing from it.
var errCode = fault.Errorf(fault.NotFound, "this code does not work: a code lasts 10 minutes and works once, "+
	"and after several wrong codes none is taken for an hour; ask the agent for a new one")

// errUnknown is the answer about a registration that is not the asker's.
var errUnknown = fault.Errorf(fault.Unauthorized, "this key has no such registration")

// Request admits a request for a code. The caller has verified that it is
// signed by the key in it. A new code ends what the same key asked for before.
// What is wrong with the request is a fault.Invalid, too many codes a
// fault.TooMany.
func (r *Registrar) Request(ctx context.Context, req Request) (Issued, error) {
	if err := req.check(); err != nil {
		return Issued{}, err
	}
	code, err := newCode(r.Rand)
	if err != nil {
		return Issued{}, err
	}
	id, err := uuid.NewRandomFromReader(r.Rand)
	if err != nil {
		return Issued{}, fmt.Errorf("draw an id: %w", err)
	}
	now := r.Now()
	rec := Record{
		ID: id.String(), CodeHash: hashCode(r.CodeKey, code), KeyID: req.KeyID, PublicKey: req.PublicKey,
		AgentGUID: req.AgentGUID, Host: req.Host, Platform: req.Platform, Version: req.Version,
		Address: req.Address, Network: network(req.Address), Servers: req.Servers,
		Asked: now, State: Waiting, Expires: now.Add(r.Limits.CodeLife),
	}
	if err := r.Store.AddRegistration(ctx, rec, r.Limits); err != nil {
		return Issued{}, err
	}
	return Issued{ID: rec.ID, Code: ShowCode(code), Poll: rec.interval(now), Expires: rec.Expires}, nil
}

// Key returns the public key that has to sign what is asked about a
// registration; a fault.Unauthorized if there is no such registration.
func (r *Registrar) Key(ctx context.Context, id string) ([]byte, error) {
	key, err := r.Store.RegistrationKey(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return nil, errUnknown
	}
	return key, err
}

// Poll says how a registration stands, to the holder of its key. Asking faster
// than told is a fault.TooMany and makes the interval longer.
func (r *Registrar) Poll(ctx context.Context, id, keyID string) (Progress, error) {
	var p Progress
	var fast error
	err := r.Store.ChangeByID(ctx, id, func(rec *Record) (*audit.Entry, error) {
		if rec.KeyID != keyID {
			return nil, errUnknown
		}
		now := r.Now()
		if now.Sub(rec.Polled) < rec.interval(now)-pollSlack {
			rec.Slower += slowDown
			fast = &fault.Error{Kind: fault.TooMany, After: rec.interval(now), Msg: "slow_down: asked too soon; wait longer between questions"}
		}
		rec.Polled = now
		p = rec.progress(now)
		return nil, nil
	})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return Progress{}, errUnknown
	case err != nil:
		return Progress{}, err
	}
	return p, fast
}

// Review shows what is joining with the code that an administrator typed. A
// code that does not work is a fault.NotFound that reads the same for every
// reason.
func (r *Registrar) Review(ctx context.Context, actor audit.Actor, typed string) (Review, error) {
	var v Review
	var guids []string
	err := r.withCode(ctx, actor, typed, func(rec *Record) (*audit.Entry, error) {
		v = Review{
			ID: rec.ID, Host: rec.Host, Platform: rec.Platform, Version: rec.Version, Address: rec.Address,
			Asked: rec.Asked, Expires: rec.Expires, Words: r.Words(rec.PublicKey), Servers: rec.Servers,
		}
		guids = []string{rec.AgentGUID}
		for _, s := range rec.Servers {
			guids = append(guids, s.GUID)
		}
		return nil, nil
	})
	if err != nil {
		return Review{}, err
	}
	v.Again, err = r.Store.KnownGUIDs(ctx, actor.Org, guids[0], guids[1:])
	return v, err
}

// Approve is the administrator's yes after a review. It uses the code up: of
// many at once, one is successful. The license server then has a day to
// confirm.
func (r *Registrar) Approve(ctx context.Context, actor audit.Actor, typed string) error {
	public, name, err := r.Store.OrganisationName(ctx, actor.Org)
	if err != nil {
		return err
	}
	return r.withCode(ctx, actor, typed, func(rec *Record) (*audit.Entry, error) {
		rec.State = Approved
		rec.Expires = r.Now().Add(r.Limits.Confirm)
		rec.Org, rec.OrgPublic, rec.OrgName, rec.ApprovedBy = actor.Org, public, name, actor.Name
		return r.entry(actor, audit.Approved, rec), nil
	})
}

// Refuse is the administrator's no after a review. It uses the code up.
func (r *Registrar) Refuse(ctx context.Context, actor audit.Actor, typed string) error {
	return r.withCode(ctx, actor, typed, func(rec *Record) (*audit.Entry, error) {
		rec.State = Refused
		return r.entry(actor, audit.Refused, rec), nil
	})
}

// entry tells of a registration: its agent's host, and which license servers it
// names.
func (r *Registrar) entry(by audit.Actor, act audit.Act, rec *Record) *audit.Entry {
	e := audit.Of(by, act, r.Now(), rec.Host)
	names := make([]string, len(rec.Servers))
	for i, s := range rec.Servers {
		names[i] = s.Name
	}
	e.Detail = "license servers: " + strings.Join(names, ", ")
	return &e
}

// Withdraw takes back an approval of the actor's organisation that the license
// server has not confirmed yet. Withdrawing twice is no error.
func (r *Registrar) Withdraw(ctx context.Context, actor audit.Actor, id string) error {
	return r.Store.ChangeByID(ctx, id, func(rec *Record) (*audit.Entry, error) {
		switch {
		case rec.Org != actor.Org:
			return nil, fault.Errorf(fault.NotFound, "no such registration")
		case rec.State == Confirmed:
			return nil, fault.Errorf(fault.Conflict, "%s has confirmed already; remove its registration instead", rec.Host)
		case rec.State == Refused:
			return nil, nil
		}
		rec.State = Refused
		return r.entry(actor, audit.Withdrawn, rec), nil
	})
}

// withCode lets change alter the record that waits for this code. Wrong codes
// count against the actor's account and organisation, before they are looked
// up, so that many at once cannot slip through; right ones are taken back.
func (r *Registrar) withCode(ctx context.Context, actor audit.Actor, typed string, change Change) error {
	code, ok := readCode(typed)
	if !ok {
		return errCode
	}
	paid, err := r.pay(ctx, actor)
	if err != nil {
		return err
	}
	if !paid {
		return errCode
	}
	err = r.Store.ChangeByCode(ctx, hashCode(r.CodeKey, code), func(rec *Record) (*audit.Entry, error) {
		if rec.stateAt(r.Now()) != Waiting {
			return nil, errCode
		}
		return change(rec)
	})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return errCode
	case err != nil:
		return err
	}
	return r.payBack(ctx, actor)
}

// Confirm is the license server's answer to an approval, by the holder of the
// registration's key. organisation is the public id as it was shown to the
// person who answered; address is the one that the answer came from. A yes makes
// the agent and its servers exist, approved; giving the same answer again is no
// error.
func (r *Registrar) Confirm(ctx context.Context, id, keyID, organisation string, accept bool, address string) error {
	now := r.Now()
	err := r.Store.Admit(ctx, id, now, func(rec *Record) (*audit.Entry, error) {
		if rec.KeyID != keyID {
			return nil, errUnknown
		}
		to, act := Refused, audit.Declined
		if accept {
			to, act = Confirmed, audit.Confirmed
		}
		switch state := rec.stateAt(now); {
		case state == to:
			return nil, nil
		case state != Approved:
			return nil, fault.Errorf(fault.Conflict, "this registration is %s; ask for a new code", state)
		case accept && rec.OrgPublic != organisation:
			return nil, fault.Errorf(fault.Conflict, "this registration was approved by another organisation than %q", organisation)
		}
		rec.State = to
		return r.entry(audit.Actor{Org: rec.Org, Name: rec.Host, Address: address}, act, rec), nil
	})
	if fault.KindOf(err) == fault.NotFound {
		return errUnknown
	}
	return err
}
