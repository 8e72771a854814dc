package agent

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"headroom/internal/agent/route"
	"headroom/internal/agent/upload"
	"headroom/internal/wire"
)

// A Health is how a part of an agent stands.
type Health string

// The healths. Unknown is what cannot be looked at from here, and is never green.
const (
	Green   Health = "ok"
	Amber   Health = "warning"
	Red     Health = "fails"
	Unknown Health = "unknown"
)

// A Diagnosis is what was found at one place, and how to mend it.
type Diagnosis struct {
	Place  string `json:"place"`  // configuration, state folder, the steps of the way, a license server ...
	Target string `json:"target"` // what was looked at there; empty if the place says it
	Health Health `json:"health"`
	Found  string `json:"found"`
	Mend   string `json:"mend,omitempty"`
}

// clockLimit is how far this machine's clock may be from the hub's before it is told.
const clockLimit = 5 * time.Minute

// examTime bounds the examination of one place.
const examTime = time.Minute

// Doctor looks at everything that an agent needs, one place after the other, and
// tells note of each as it is found: the state folder, each step of the way to the
// hub, the hosts that tell of revoked certificates, the clock, and, as far as an agent
// tells, license servers, registration and spool. It sends nothing but questions that
// have no usage in them. healthy is false where something fails.
func Doctor(ctx context.Context, c Config, o Options, note func(Diagnosis)) (healthy bool) {
	if o.Now == nil {
		o.Now = time.Now
	}
	healthy = true
	tell := func(d Diagnosis) {
		healthy = healthy && d.Health != Red
		note(d)
	}
	tell(examineState(c.State))
	examineWay(ctx, c, o, tell)
	examineAgent(ctx, c, o, tell)
	return healthy
}

// examineState tries to write to the state folder. One that is not there is left for
// the agent to make: it may run under another account.
func examineState(dir string) Diagnosis {
	d := Diagnosis{Place: "state folder", Target: dir}
	f, err := os.CreateTemp(dir, "doctor")
	if errors.Is(err, fs.ErrNotExist) {
		d.Health, d.Found, d.Mend = Amber, "it is not there yet", "the agent makes it at its first start: headroom agent run"
		return d
	}
	if err != nil {
		d.Health, d.Found, d.Mend = Red, err.Error(), "make the folder, writable for the account that the agent runs under, and free some room"
		return d
	}
	_, err = f.Write([]byte("written by headroom agent doctor"))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if rerr := os.Remove(f.Name()); err == nil {
		err = rerr
	}
	if err != nil {
		d.Health, d.Found, d.Mend = Red, err.Error(), "free some room on its disk"
		return d
	}
	d.Health, d.Found = Green, "it can be written"
	return d
}

// examineWay walks to the hub, and to whoever tells of its certificate.
func examineWay(ctx context.Context, c Config, o Options, tell func(Diagnosis)) {
	u, err := url.Parse(c.Hub)
	if err != nil {
		tell(Diagnosis{Place: "hub", Target: c.Hub, Health: Red, Found: err.Error(), Mend: "correct hub in the configuration"})
		return
	}
	way, err := route.New(c.way(), o.Now)
	if err != nil {
		tell(Diagnosis{Place: string(route.StepSettings), Health: Red, Found: err.Error(), Mend: "correct the configuration"})
		return
	}
	defer way.Close()
	if u.Scheme == "https" && !examineHops(ctx, way, portOf(u), tell) {
		return
	}
	examineHub(ctx, c, o, way, tell)
}

// portOf is the host and port of an address.
func portOf(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "443")
}

// examineHops opens a connection and tells of each step; false if it failed.
func examineHops(ctx context.Context, way *route.Route, addr string, tell func(Diagnosis)) bool {
	ctx, stop := context.WithTimeout(ctx, examTime)
	defer stop()
	var chain []*x509.Certificate
	conn, err := way.Open(ctx, addr, func(h route.Hop) {
		tell(hopDiagnosis(h))
		if h.State != nil && len(h.State.VerifiedChains) > 0 {
			chain = h.State.VerifiedChains[0]
		}
	})
	for _, address := range route.Hosts(chain) {
		tell(examineHost(ctx, way, address))
	}
	if found := way.Revocation(); !found.At.IsZero() {
		d := Diagnosis{Place: string(route.StepRevocation), Target: addr, Health: Green, Found: "not revoked, " + found.Text}
		if !found.Known {
			d.Health, d.Found, d.Mend = Amber, found.Text, "let this machine reach the hosts above; behind a proxy that inspects, nothing can be asked: pin its key, or set tls.revocation to off"
		}
		if err == nil || route.StepOf(err) != route.StepRevocation {
			tell(d)
		}
	}
	if err != nil {
		return false
	}
	_ = conn.Close() // it has served
	return true
}

// hopDiagnosis says how a step went.
func hopDiagnosis(h route.Hop) Diagnosis {
	d := Diagnosis{Place: string(h.Step), Target: h.Target, Health: Green, Found: h.Text}
	if h.Err == nil {
		return d
	}
	d.Health, d.Found = Red, h.Err.Error()
	if e, ok := h.Err.(*route.Error); ok { //nolint:errorlint // a hop's error is the step's own
		d.Found, d.Mend = e.What, e.Mend
	}
	return d
}

// examineHost asks a host that tells of revoked certificates for anything.
func examineHost(ctx context.Context, way *route.Route, address string) Diagnosis {
	d := Diagnosis{Place: "certificate host", Target: address, Health: Green, Found: "it answers"}
	if err := way.Reach(ctx, address); err != nil {
		d.Health, d.Found, d.Mend = Amber, err.Error(), "let this machine reach it, on port 80 or through the proxy"
	}
	return d
}

// examineHub asks the hub who it is, and what time it has.
func examineHub(ctx context.Context, c Config, o Options, way *route.Route, tell func(Diagnosis)) {
	ctx, stop := context.WithTimeout(ctx, examTime)
	defer stop()
	client := &upload.Client{Hub: strings.TrimSuffix(c.Hub, "/"), HTTP: way.Client(examTime), Version: o.Version, Now: o.Now}
	hub, err := client.Identify(ctx)
	if err != nil {
		tell(Diagnosis{Place: "hub", Target: c.Hub, Health: Red, Found: err.Error(), Mend: "check that a hub answers there: " + strings.TrimSuffix(c.Hub, "/") + "/healthz"})
		return
	}
	tell(Diagnosis{Place: "hub", Target: c.Hub, Health: Green, Found: "hub " + hub.ID + " answers"})
	ahead := client.Offset()
	d := Diagnosis{Place: "clock", Health: Green, Found: fmt.Sprintf("within %s of the hub's", max(ahead.Abs(), time.Second).Round(time.Second))}
	if ahead.Abs() > clockLimit {
		d.Health, d.Found, d.Mend = Amber, fmt.Sprintf("the hub's clock is %s ahead of this machine's", ahead.Round(time.Second)), "set this machine's clock; the hub shifts what the agent stamps meanwhile"
	}
	tell(d)
}

// examineAgent tells what the agent itself knows, if one runs or its folder can be
// opened. It makes no agent where there was none.
func examineAgent(ctx context.Context, c Config, o Options, tell func(Diagnosis)) {
	if _, err := os.Stat(filepath.Join(c.State, stateFile)); errors.Is(err, fs.ErrNotExist) {
		tell(Diagnosis{Place: "agent", Health: Amber, Found: "it never ran with this state folder", Mend: "start it: headroom agent run"})
		return
	}
	control, done, err := Connect(ctx, c, o)
	if err != nil {
		tell(Diagnosis{Place: "agent", Health: Red, Found: err.Error(), Mend: "run this as the account that the agent runs under"})
		return
	}
	st, err := control.Status(ctx)
	if derr := done(); err == nil {
		err = derr
	}
	if err != nil {
		tell(Diagnosis{Place: "agent", Health: Red, Found: err.Error(), Mend: "restart the agent"})
		return
	}
	d := Diagnosis{Place: "agent", Health: Green, Found: "it runs"}
	if !st.Running {
		d.Health, d.Found, d.Mend = Amber, "it does not run: nothing is read", "start it: headroom agent run"
	}
	tell(d)
	tell(registrationDiagnosis(st))
	for _, s := range st.Servers {
		tell(serverDiagnosis(s))
	}
	tell(spoolDiagnosis(st))
}

func registrationDiagnosis(st Status) Diagnosis {
	d := Diagnosis{Place: "registration", Health: Green, Found: "confirmed by both sides, with " + st.Registration.Organisation}
	switch {
	case st.Registration.State == wire.RegistrationConfirmed && !st.Sharing:
		d.Health, d.Found, d.Mend = Amber, "sharing is off: nothing is sent", "headroom agent share on"
	case st.Registration.State == wire.RegistrationConfirmed:
	case !st.Sharing:
		d.Health, d.Found, d.Mend = Amber, "sharing is off, and this agent is not registered", "headroom agent share on, then headroom agent register"
	default:
		state := st.Registration.State
		if state == "" {
			state = "not begun"
		}
		d.Health, d.Found, d.Mend = Amber, "it is "+state, "headroom agent register"
	}
	return d
}

func serverDiagnosis(s ServerStatus) Diagnosis {
	d := Diagnosis{Place: "license server", Target: s.Name, Health: Green, Found: "read by " + s.Reader}
	switch {
	case s.Tried.IsZero():
		d.Health, d.Found, d.Mend = Unknown, "not read yet since the agent started", "wait for its first reading, and ask again"
	case !s.OK:
		d.Health, d.Found, d.Mend = Red, s.Reason, "mend what the reader says; headroom agent status shows it with its sources"
	default:
		d.Found += ", last " + s.LastGood.UTC().Format(time.RFC3339)
	}
	return d
}

func spoolDiagnosis(st Status) Diagnosis {
	d := Diagnosis{Place: "spool", Health: Green, Found: fmt.Sprintf("%d records wait to be sent", st.Spool.Waiting)}
	if st.Failure != "" {
		d.Health, d.Found, d.Mend = Amber, d.Found+"; the last exchange with the hub failed: "+st.Failure, "see the steps above"
	}
	return d
}
