// Package route is the agent's way out of the building: through which proxy it
// goes, how it signs in there, and which certificate it takes for its hub's.
//
// What fails is an *Error, which names the step at which the way ended and how
// to mend it. A proxy that has refused a user is not asked again with the same
// password for a third of an hour: a wrong setting must not lock an account.
package route

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

// Settings say how the hub is reached.
type Settings struct {
	Proxy Proxy `toml:"proxy"`
	TLS   TLS   `toml:"tls"`
}

// A Proxy says which proxy is used and how.
type Proxy struct {
	Mode         string   `toml:"mode"`          // system (default), environment, none, manual
	Address      string   `toml:"address"`       // manual: http://proxy.example.com:3128
	User         string   `toml:"user"`          // who signs in; DOMAIN\name for NTLM
	PasswordFile string   `toml:"password_file"` // holds the password and nothing else
	Scheme       string   `toml:"scheme"`        // basic, ntlm, negotiate; default: the strongest that is offered and possible
	Bypass       []string `toml:"bypass"`        // manual: hosts, .domains and networks that are reached without it
}

// TLS says which certificate is taken for the hub's.
type TLS struct {
	CAFile     string   `toml:"ca_file"`    // certificates that are trusted beside the system's
	Pins       []string `toml:"pin"`        // SHA-256 of public keys, one of which the hub's chain must have
	Revocation string   `toml:"revocation"` // warn (default), refuse, off
}

// Limits of single steps.
const (
	stepTime  = 30 * time.Second // resolving and connecting; one exchange with a proxy; the handshake
	idleTime  = 90 * time.Second
	pingAfter = 30 * time.Second // of silence on a connection in use
	pingTime  = 15 * time.Second
)

// A Route is the way from this machine to its hub, as the settings have it.
type Route struct {
	settings Settings
	now      func() time.Time
	roots    *x509.CertPool // nil: the system's
	pins     [][]byte
	choose   func(*url.URL) (*url.URL, error) // the proxy for an address, nil for none
	hub      *http.Transport

	mu         sync.Mutex
	refused    map[string]refusal // by proxy and user
	findings   map[certID]finding
	revocation Revocation // of the newest connection
}

// New makes a route. It reads the files that the settings name, except the
// password's, which is read when it is needed.
func New(s Settings, now func() time.Time) (*Route, error) {
	r := &Route{settings: s, now: now, refused: map[string]refusal{}, findings: map[certID]finding{}}
	var err error
	if r.pins, err = parsePins(s.TLS.Pins); err != nil {
		return nil, err
	}
	if r.roots, err = rootsWith(s.TLS.CAFile); err != nil {
		return nil, err
	}
	if r.choose, err = s.Proxy.chooser(); err != nil {
		return nil, err
	}
	r.hub = &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return dial(ctx, StepConnect, addr)
		},
		DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return r.Open(ctx, addr, func(Hop) {})
		},
		ForceAttemptHTTP2: true, // ours is not the standard dialer, and HTTP/2 is wanted all the same
		HTTP2:             &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTime},
		IdleConnTimeout:   idleTime, MaxIdleConns: 4,
	}
	return r, nil
}

// Check says what is wrong with settings, without a look at files.
func (s Settings) Check() error {
	if _, err := s.Proxy.chooser(); err != nil {
		return err
	}
	if _, err := parsePins(s.TLS.Pins); err != nil {
		return err
	}
	switch s.TLS.Revocation {
	case "", "warn", "refuse", "off":
		return nil
	}
	return fmt.Errorf("tls.revocation is %q: it must be warn, refuse or off", s.TLS.Revocation)
}

// Close closes connections that nobody uses.
func (r *Route) Close() { r.hub.CloseIdleConnections() }

// Client returns a client for requests to the hub, which take at most limit
// each. It follows no redirect: a signed request is for one address.
func (r *Route) Client(limit time.Duration) *http.Client {
	return &http.Client{Transport: r.hub, Timeout: limit, CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("the hub's address redirects; a signed request is not sent to another address: set hub to the final one")
	}}
}

// A Hop is one step of the way that was taken.
type Hop struct {
	Step   Step
	Target string // host and port, or a proxy
	Text   string // what was found there
	Err    error  // an *Error if the way ended here
	Took   time.Duration
	State  *tls.ConnectionState // of StepTLS
}

// Open opens a verified connection to a host and port, through the proxy that
// the settings want for it, and tells note of each step.
func (r *Route) Open(ctx context.Context, addr string, note func(Hop)) (*tls.Conn, error) {
	begun := r.now()
	step := func(s Step, target, text string, err error) {
		now := r.now()
		note(Hop{Step: s, Target: target, Text: text, Err: err, Took: now.Sub(begun)})
		begun = now
	}
	conn, err := r.connect(ctx, addr, step)
	if err != nil {
		return nil, err
	}
	secure, err := r.handshake(ctx, conn, addr)
	if err != nil {
		step(StepOf(err), addr, "", err)
		return nil, errors.Join(err, conn.Close())
	}
	state := secure.ConnectionState()
	note(Hop{Step: StepTLS, Target: addr, Text: describe(state), Took: r.now().Sub(begun), State: &state})
	begun = r.now()
	if err := r.vet(ctx, state); err != nil {
		step(StepOf(err), addr, "", err)
		return nil, errors.Join(err, secure.Close())
	}
	return secure, nil
}

// vet asks whether the hub's key is pinned, and whether its certificate was revoked.
func (r *Route) vet(ctx context.Context, state tls.ConnectionState) error {
	if err := r.checkPins(state); err != nil {
		return err
	}
	return r.vetRevocation(ctx, state)
}

// A stepper is told how a step went.
type stepper func(s Step, target, text string, err error)

// connect opens a connection to a host and port, which may be a tunnel.
func (r *Route) connect(ctx context.Context, addr string, step stepper) (net.Conn, error) {
	proxy, err := r.choose(&url.URL{Scheme: "https", Host: addr})
	if err != nil {
		err = &Error{Step: StepSettings, What: "the proxy's settings cannot be used: " + err.Error(), Mend: "correct them", Err: err}
		step(StepSettings, addr, "", err)
		return nil, err
	}
	if proxy != nil {
		return r.tunnel(ctx, proxy, addr, step)
	}
	conn, err := dial(ctx, StepConnect, addr)
	if err != nil {
		step(StepOf(err), addr, "", err)
		return nil, err
	}
	step(StepConnect, addr, "connected to "+conn.RemoteAddr().String()+" without a proxy", nil)
	return conn, nil
}

// dial opens a TCP connection. What fails is laid to step, or to the step that
// looks the name up.
func dial(ctx context.Context, step Step, addr string) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, stepTime)
	defer stop()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, dialError(step, addr, err)
	}
	return conn, nil
}

// rootsWith returns the system's certificates with those of a file, or nil if
// there is no file.
func rootsWith(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("tls.ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without a store: the file is all there is
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("tls.ca_file: %s holds no certificate in PEM form", file)
	}
	return pool, nil
}
