package route

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// A Step is a part of the way to the hub.
type Step string

// The steps, in the order of the way.
const (
	StepSettings     Step = "settings"
	StepProxyName    Step = "proxy name"
	StepProxyConnect Step = "proxy connection"
	StepProxySignIn  Step = "proxy sign-in"
	StepProxyTunnel  Step = "proxy tunnel"
	StepName         Step = "name"
	StepConnect      Step = "connection"
	StepTLS          Step = "TLS"
	StepPin          Step = "pin"
	StepRevocation   Step = "revocation"
)

// An Error says at which step the way ended and how to mend it.
type Error struct {
	Step Step
	What string
	Mend string
	Err  error // what is behind it, or nil
}

// Error says the step, what is wrong and the mend.
func (e *Error) Error() string {
	text := string(e.Step) + ": " + e.What
	if e.Mend != "" {
		text += "; " + e.Mend
	}
	return text
}

// Unwrap returns what is behind the error.
func (e *Error) Unwrap() error { return e.Err }

// StepOf returns the step at which an error arose, or "" if it does not tell.
func StepOf(err error) Step {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Step
	}
	return ""
}

// dialError explains why a connection was not opened. step is StepConnect or
// StepProxyConnect.
func dialError(step Step, addr string, err error) error {
	name, whose := StepName, "the hub's address"
	if step == StepProxyConnect {
		name, whose = StepProxyName, "the proxy's address"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		what := fmt.Sprintf("the name %s is not known", dns.Name)
		if !dns.IsNotFound {
			what = fmt.Sprintf("the name %s could not be looked up: %s", dns.Name, dns.Err)
		}
		return &Error{Step: name, What: what, Mend: "check " + whose + " and this machine's name servers", Err: err}
	}
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Error{Step: step, What: addr + " refuses connections", Mend: "check the port, and that something listens there", Err: err}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Step: step, What: addr + " does not answer", Mend: "let a firewall pass this machine to it, or set a proxy", Err: err}
	}
	return &Error{Step: step, What: "no connection to " + addr + ": " + plainCause(err), Mend: "check the address and the network", Err: err}
}

// plainCause is the innermost text of a network error, without the addresses
// that the caller names anyway.
func plainCause(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		err = op.Err
	}
	return strings.TrimSpace(err.Error())
}
