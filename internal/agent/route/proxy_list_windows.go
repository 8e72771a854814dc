package route

import (
	"net/url"
	"path"
	"strings"
)

// proxyOfList returns the proxy for an address out of a list as Windows writes
// it: "proxy:8080", or "http=proxy:8080;https=other:8080". Nil is none.
func proxyOfList(list string, target *url.URL) (*url.URL, error) {
	fallback := ""
	for _, entry := range strings.FieldsFunc(list, separates) {
		scheme, address, found := strings.Cut(entry, "=")
		switch {
		case !found:
			fallback = entry
		case strings.EqualFold(scheme, target.Scheme):
			return parseProxy(withScheme(address))
		}
	}
	if fallback == "" || strings.EqualFold(fallback, "DIRECT") {
		return nil, nil
	}
	return parseProxy(withScheme(fallback))
}

// bypassed reports whether a list of hosts as Windows writes it, with
// wildcards and <local>, names the host of an address.
func bypassed(list string, target *url.URL) bool {
	host := strings.ToLower(target.Hostname())
	for _, pattern := range strings.FieldsFunc(strings.ToLower(list), separates) {
		if pattern == "<local>" && !strings.Contains(host, ".") {
			return true
		}
		pattern = strings.TrimPrefix(strings.TrimPrefix(pattern, "https://"), "http://")
		if match, err := path.Match(pattern, host); err == nil && match {
			return true
		}
	}
	return false
}

func separates(r rune) bool { return r == ';' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }

func withScheme(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	return "http://" + address
}
