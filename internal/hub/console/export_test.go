package console

import (
	"net/http"
	"strings"

	"headroom/internal/hub/account"
)

// Changing lists the addresses that may change something.
func Changing() (patterns []string) {
	for _, r := range (&Console{}).routes() {
		if method, _, ok := strings.Cut(r.pattern, " "); ok && method != http.MethodGet {
			patterns = append(patterns, r.pattern)
		}
	}
	return patterns
}

// An Address is a route as tests see it.
type Address struct {
	Method, Path string
	Least        account.Role
}

// Addresses lists all of them but the one for what there is not.
func Addresses() (all []Address) {
	for _, r := range (&Console{}).routes() {
		if method, path, ok := strings.Cut(r.pattern, " "); ok {
			all = append(all, Address{method, path, r.least})
		}
	}
	return all
}
