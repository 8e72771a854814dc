package agent

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"headroom/internal/license"
	"headroom/internal/wire"
)

// A Standing says how the registration stands.
type Standing struct {
	State        string    `json:"state"` // one of the wire's, "removed", or "none"
	Code         string    `json:"code,omitempty"`
	Visit        string    `json:"visit,omitempty"`
	Expires      time.Time `json:"expires,omitzero"`
	Words        []string  `json:"words"`
	Organisation string    `json:"organisation,omitempty"`
	OrgID        string    `json:"organisation_id,omitempty"`
	ApprovedBy   string    `json:"approved_by,omitempty"`
}

// Is reports whether the approving organisation is the one with this name or
// id.
func (s Standing) Is(organisation string) bool {
	want := license.FoldName(organisation)
	return want != "" && (want == license.FoldName(s.Organisation) || want == license.FoldName(s.OrgID))
}

// ErrNotExpected says that another organisation than the expected one has
// approved the registration. It was refused.
var ErrNotExpected = errors.New("another organisation than the expected one approved this registration; it was refused and nothing was sent")

// Share switches the sending of usage on or off. Readings go on either way.
// Once it is off, an upload that was under way has ended as well.
func (a *Agent) Share(_ context.Context, on bool) error {
	err := a.change(func(st *state) { st.Sharing = on })
	a.nudge()
	if on || err != nil {
		return err
	}
	a.mu.Lock()
	stop := a.stop
	a.mu.Unlock()
	if stop != nil {
		stop()
	}
	a.uploading.Lock() // held while something is sent
	defer a.uploading.Unlock()
	return nil
}

// Register asks the hub for a code. With expect, the name or the id of an
// organisation, the agent confirms by itself once that one has approved.
func (a *Agent) Register(ctx context.Context, expect string) (Standing, error) {
	var sharing bool
	var old *registration
	a.look(func(st state) { sharing, old = st.Sharing, st.Registration })
	if !sharing {
		return Standing{}, errors.New("sharing is off: switch it on first with headroom agent share on")
	}
	if old != nil && old.State == wire.RegistrationConfirmed {
		return Standing{}, fmt.Errorf("this agent is registered with %s (%s) already; headroom agent unregister ends that", old.Organisation, old.OrgID)
	}
	hub, err := a.client.Identify(ctx)
	if err != nil {
		return Standing{}, err
	}
	host := a.options.Host
	if host == "" {
		if host, err = os.Hostname(); err != nil {
			return Standing{}, err
		}
	}
	var guid string
	a.look(func(st state) { guid = st.GUID })
	got, err := a.client.Register(ctx, wire.RegistrationRequest{
		AgentGUID: guid, PublicKey: base64.RawURLEncoding.EncodeToString(a.public()), Host: host,
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Version: a.options.Version, Servers: a.infos(),
	})
	if err != nil {
		return Standing{}, err
	}
	a.mu.Lock()
	a.askAgain, a.approved = time.Duration(got.Poll)*time.Second, nil
	a.mu.Unlock()
	a.resender.Forget()
	err = a.change(func(st *state) {
		st.HubID = hub.ID
		st.Registration = &registration{
			ID: got.ID, Code: got.Code, Visit: got.Visit, Expires: time.Unix(got.Expires, 0).UTC(), State: wire.RegistrationWaiting, Expect: expect,
		}
	})
	a.nudge()
	return a.standing(), err
}

func (a *Agent) public() []byte { return a.key.Public().(ed25519.PublicKey) }

func (a *Agent) standing() Standing {
	out := Standing{State: "none", Words: wire.Words(a.public())}
	a.look(func(st state) {
		if r := st.Registration; r != nil {
			out.State, out.Code, out.Visit, out.Expires = r.State, r.Code, r.Visit, r.Expires
			out.Organisation, out.OrgID, out.ApprovedBy = r.Organisation, r.OrgID, r.ApprovedBy
		}
	})
	return out
}

// Standing asks the hub how the registration stands, and confirms an expected
// organisation. Without a registration under way it asks nobody.
func (a *Agent) Standing(ctx context.Context) (Standing, error) {
	a.asking.Lock() // the hub loop asks too
	defer a.asking.Unlock()
	var reg registration
	a.look(func(st state) {
		if st.Registration != nil {
			reg = *st.Registration
		}
	})
	if reg.State != wire.RegistrationWaiting && reg.State != wire.RegistrationApproved {
		return a.standing(), nil
	}
	got, err := a.client.Registration(ctx, reg.ID)
	if err != nil {
		return a.standing(), err
	}
	a.mu.Lock()
	a.askAgain = time.Duration(got.Poll) * time.Second
	a.mu.Unlock()
	if got.State == wire.RegistrationConfirmed && reg.Accepted != got.OrganisationID {
		return a.standing(), fmt.Errorf("the hub says that %s (%s) is confirmed, which nobody did here; nothing is sent", got.OrganisationName, got.OrganisationID)
	}
	err = a.change(func(st *state) {
		if r := st.Registration; r != nil && r.ID == reg.ID {
			next := *r
			next.State, next.Organisation, next.OrgID, next.ApprovedBy = got.State, got.OrganisationName, got.OrganisationID, got.ApprovedBy
			st.Registration = &next
			if got.State == wire.RegistrationConfirmed { // the answer to our yes was lost
				st.Registered = a.options.Now()
			}
		}
	})
	if err != nil || got.State != wire.RegistrationApproved || reg.Expect == "" {
		return a.standing(), err
	}
	expected := a.standing().Is(reg.Expect)
	if err := a.confirm(ctx, got.OrganisationID, expected); err != nil {
		return a.standing(), err
	}
	if !expected {
		return a.standing(), fmt.Errorf("%w (approved by %s for %s, %s)", ErrNotExpected, got.ApprovedBy, got.OrganisationName, got.OrganisationID)
	}
	return a.standing(), nil
}

// Confirm is the license server's yes or no to the organisation that a person
// was shown.
func (a *Agent) Confirm(ctx context.Context, organisation string, accept bool) error {
	a.asking.Lock() // an older answer of the hub must not undo it
	defer a.asking.Unlock()
	return a.confirm(ctx, organisation, accept)
}

// confirm is Confirm for who is asking already.
func (a *Agent) confirm(ctx context.Context, organisation string, accept bool) error {
	var reg registration
	a.look(func(st state) {
		if st.Registration != nil {
			reg = *st.Registration
		}
	})
	if accept && reg.State == wire.RegistrationConfirmed && reg.OrgID == organisation {
		return nil // said before
	}
	if reg.State != wire.RegistrationApproved {
		return fmt.Errorf("there is nothing to confirm: the registration is %s", a.standing().State)
	}
	if reg.OrgID != organisation {
		return fmt.Errorf("the organisation that approved is %s (%s)", reg.Organisation, reg.OrgID)
	}
	if accept {
		reg.Accepted = organisation
		next := reg
		if err := a.change(func(st *state) { st.Registration = &next }); err != nil {
			return err
		}
	}
	if err := a.client.Confirm(ctx, reg.ID, wire.Confirmation{OrganisationID: organisation, Accept: accept}); err != nil {
		return err
	}
	err := a.change(func(st *state) {
		next := reg
		next.State = wire.RegistrationRefused
		if accept {
			next.State = wire.RegistrationConfirmed
			st.Registered = a.options.Now()
		}
		st.Registration = &next
	})
	a.nudge()
	return err
}

// Unregister ends the registration on both sides. Usage that the hub has stays
// there; readings go on.
func (a *Agent) Unregister(ctx context.Context) error {
	standing := a.standing()
	if standing.State == wire.RegistrationConfirmed {
		if err := a.client.Unregister(ctx); err != nil {
			return fmt.Errorf("the hub did not take it, so nothing was changed: %w", err)
		}
	}
	err := a.change(func(st *state) { st.Registration, st.HubID, st.Registered = nil, "", time.Time{} })
	a.client.SetHubID("")
	a.nudge()
	return err
}
