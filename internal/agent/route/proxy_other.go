//go:build !windows

package route

import (
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// systemProxy is what the environment says: there is no other place that all
// systems of this kind agree on.
func systemProxy() func(*url.URL) (*url.URL, error) { return httpproxy.FromEnvironment().ProxyFunc() }
