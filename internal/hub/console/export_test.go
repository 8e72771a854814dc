package console

import (
	"net/http"
	"strings"
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
