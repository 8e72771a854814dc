// Package outward calls addresses that somebody typed into a hub's settings: sign-in
// providers and the like. An administrator of one organisation must not reach through
// the hub what stands behind it, so inner addresses are refused, unless whoever runs
// the hub allows them. What is checked is the very address that is dialed: a name that
// means something else a moment later gains nothing. Redirects are not followed, no
// proxy is asked, and answers are short.
package outward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	callTime  = 10 * time.Second
	maxAnswer = 1 << 20
)

// ErrInner is why an address is refused.
var ErrInner = errors.New("the address is an inner one, which this hub does not call; whoever runs it can allow it (--allow-inner)")

// inner are networks that are not the internet, beside those that netip knows.
var inner = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10")

func prefixes(all ...string) (out []netip.Prefix) {
	for _, p := range all {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// Inner says whether an address is not one of the internet.
func Inner(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return true
	}
	return within(a, inner)
}

func within(a netip.Addr, nets []netip.Prefix) bool {
	for _, p := range nets {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Client returns a client that calls the internet, and of inner addresses those that
// are allowed. A nil resolver is the machine's.
func Client(allow []netip.Prefix, resolver *net.Resolver) *http.Client {
	dialer := &net.Dialer{
		Timeout: callTime, Resolver: resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w (%s)", ErrInner, address)
			}
			if a := at.Addr().Unmap().WithZone(""); Inner(a) && !within(a, allow) {
				return ErrInner
			}
			return nil
		},
	}
	return &http.Client{
		Timeout: callTime,
		Transport: short{&http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: callTime, ResponseHeaderTimeout: callTime,
			MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true, DisableKeepAlives: true,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// short cuts off answers that are too long.
type short struct{ *http.Transport }

func (s short) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.Transport.RoundTrip(r)
	if err == nil {
		res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	}
	return res, err
}
