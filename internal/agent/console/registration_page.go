package console

import (
	"html/template"
	"net/http"
	"time"

	"headroom/internal/look"
	"headroom/internal/wire"
)

// A registrationPage is how joining an organisation stands, and what can be
// done about it next.
type registrationPage struct {
	Sharing                         bool
	Waiting, Approved, Confirmed    bool
	Ended                           string // how the last one ended; empty: there was none, or it stands
	Code, Visit, Until              string
	Left                            template.HTML
	Words                           []string
	Organisation, OrgID, ApprovedBy string
	Failure                         string
}

func (c *Console) getRegistration(w http.ResponseWriter, r *http.Request, v visit) error {
	st, err := c.Agent.Status(r.Context())
	if err != nil {
		return err
	}
	reg := st.Registration
	p := registrationPage{
		Sharing: st.Sharing, Code: reg.Code, Visit: reg.Visit, Until: reg.Expires.UTC().Format(time.RFC3339), Left: v.clock.Age(reg.Expires), Words: reg.Words,
		Organisation: reg.Organisation, OrgID: reg.OrgID, ApprovedBy: reg.ApprovedBy, Failure: st.Failure,
	}
	switch reg.State {
	case wire.RegistrationWaiting:
		p.Waiting = v.clock.Now.Before(reg.Expires)
		if !p.Waiting {
			p.Ended = wire.RegistrationExpired
		}
	case wire.RegistrationApproved:
		p.Approved = true
	case wire.RegistrationConfirmed:
		p.Confirmed = true
	case "none":
	default:
		p.Ended = reg.State
	}
	return show(c, w, v, look.Shell{Title: "Registration", Section: "registration"}, c.pages.registration, http.StatusOK, p)
}

// postRegister asks the hub for a code.
func (c *Console) postRegister(w http.ResponseWriter, r *http.Request, v visit) error {
	if _, err := c.Agent.Register(r.Context(), ""); err != nil {
		return err
	}
	http.Redirect(w, r, "/registration", http.StatusSeeOther)
	return nil
}

// postConfirm is the license server's yes or no to the organisation that the
// page has shown.
func (c *Console) postConfirm(w http.ResponseWriter, r *http.Request, v visit) error {
	yes := r.PostFormValue("answer") == "yes"
	if err := c.Agent.Confirm(r.Context(), r.PostFormValue("organisation"), yes); err != nil {
		return err
	}
	if !yes {
		c.done(w, r, v, look.Info, "Refused. Nothing was sent.")
		return nil
	}
	c.done(w, r, v, look.Good, "Registered. The first upload follows in a minute.")
	return nil
}

// postRemove ends the registration on both sides.
func (c *Console) postRemove(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.Agent.Unregister(r.Context()); err != nil {
		return err
	}
	c.done(w, r, v, look.Info, "This agent is not registered any more. Readings go on and are kept; usage that the hub has stays there.")
	return nil
}
