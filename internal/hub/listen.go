package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// openListener listens and settles how the hub is reached. It refuses to carry
// passwords and usage over a network in the clear.
func (h *Hub) openListener(ctx context.Context) error {
	c := &h.config
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("a certificate needs its key: set both tls-cert and tls-key, or neither")
	}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		h.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	public, err := parsePublicURL(c.PublicURL)
	if err != nil {
		return err
	}
	if h.listen, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Addr); err != nil {
		return err
	}
	at := h.listen.Addr().(*net.TCPAddr)
	if h.tls == nil && !at.IP.IsLoopback() && !strings.HasPrefix(public, "https://") {
		return fmt.Errorf("%s is not on loopback, and plain HTTP would carry passwords and usage in the clear: "+
			"set tls-cert and tls-key; or, behind a front that speaks https, set public-url to its https address; "+
			"or listen on 127.0.0.1", c.Addr)
	}
	h.url = public
	if public == "" {
		scheme := "http"
		if h.tls != nil {
			scheme = "https"
		}
		h.url = scheme + "://" + reachable(c.Addr, at)
	}
	if c.Proxies == nil && h.tls == nil && h.secure() {
		c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	return nil
}

// secure reports whether browsers reach the hub over https.
func (h *Hub) secure() bool { return strings.HasPrefix(h.url, "https://") }

// parsePublicURL returns a public URL without a slash at its end; empty if it
// is not set.
func parsePublicURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", fmt.Errorf("public-url: %w", err)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return "", fmt.Errorf("public-url %q: it begins with https:// and a host", s)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return "", fmt.Errorf("public-url %q: only scheme, host and port; the hub needs a host name of its own", s)
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		return "", fmt.Errorf("public-url %q: plain http is for loopback only; put https in front", s)
	}
	return u.Scheme + "://" + u.Host, nil
}

func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// reachable returns host and port of an address as somebody on this machine
// can use them: the host as it was configured, the port as it was given.
func reachable(configured string, at *net.TCPAddr) string {
	host, _, err := net.SplitHostPort(configured)
	if err != nil || host == "" || net.ParseIP(host).IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, fmt.Sprint(at.Port))
}
