package route

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// chooser returns what tells the proxy for an address: nil is none.
func (p Proxy) chooser() (func(*url.URL) (*url.URL, error), error) {
	switch strings.ToLower(p.Scheme) {
	case "", "basic", "ntlm", "negotiate":
	default:
		return nil, fmt.Errorf("proxy.scheme is %q: it must be basic, ntlm or negotiate", p.Scheme)
	}
	if p.Mode != "manual" && (p.Address != "" || len(p.Bypass) > 0) {
		return nil, errors.New(`proxy.address and proxy.bypass are for proxy.mode = "manual"`)
	}
	if p.User != "" && p.PasswordFile == "" {
		return nil, errors.New("proxy.password_file is missing: name a file that holds the password of proxy.user")
	}
	switch p.Mode {
	case "none":
		return func(*url.URL) (*url.URL, error) { return nil, nil }, nil
	case "environment":
		return checked(httpproxy.FromEnvironment().ProxyFunc()), nil
	case "", "system":
		return checked(systemProxy()), nil
	case "manual":
		return p.manual()
	}
	return nil, fmt.Errorf("proxy.mode is %q: it must be system, environment, none or manual", p.Mode)
}

// manual returns the proxy of the settings but for what is to be bypassed.
// Without a bypass it is used for everything, this machine's own addresses
// included; with one, those are bypassed as well.
func (p Proxy) manual() (func(*url.URL) (*url.URL, error), error) {
	u, err := parseProxy(p.Address)
	if err != nil {
		return nil, fmt.Errorf("proxy.address is %q: %w", p.Address, err)
	}
	if u.User != nil {
		return nil, errors.New("proxy.address holds a user: write proxy.user and proxy.password_file instead")
	}
	if len(p.Bypass) == 0 {
		return func(*url.URL) (*url.URL, error) { return u, nil }, nil
	}
	c := httpproxy.Config{HTTPProxy: u.String(), HTTPSProxy: u.String(), NoProxy: strings.Join(p.Bypass, ",")}
	return c.ProxyFunc(), nil
}

// parseProxy reads a proxy's address.
func parseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("write http://proxy.example.com:3128")
	}
	return u, checkProxy(u)
}

func checkProxy(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("a proxy of the kind %q is not supported; http and https are", u.Scheme)
	}
	return nil
}

// checked refuses proxies of a kind that is not supported.
func checked(choose func(*url.URL) (*url.URL, error)) func(*url.URL) (*url.URL, error) {
	return func(target *url.URL) (*url.URL, error) {
		u, err := choose(target)
		if err != nil || u == nil {
			return nil, err
		}
		return u, checkProxy(u)
	}
}

// hostPort is the address at which a proxy listens.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	port := "80"
	if u.Scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
