package hub

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"headroom/internal/hub/api"
	"headroom/internal/hub/rest"
)

// Addresses of the console that others print.
const (
	setupPath    = "/setup/"                 // and a token: the set-up link
	registerPath = "/registrations/register" // where an administrator enters a code
)

// Handler returns all that the hub serves.
func (h *Hub) Handler() http.Handler {
	mux := http.NewServeMux()
	agents := h.metrics.Requests("agents", h.api)
	mux.Handle(api.Prefix, agents)
	mux.Handle(rest.Prefix+"/", h.metrics.Requests("api", h.rest))
	mux.Handle("/healthz", agents)
	mux.Handle("/readyz", agents)
	mux.Handle("/", h.metrics.Requests("console", h.whenWelcome(h.pages)))
	return throughProxies(h.config.Proxies, mux)
}

// whenWelcome keeps people out of a demo until Welcome lets them in: what they
// would see before is half a history.
func (h *Hub) whenWelcome(next http.Handler) http.Handler {
	if !h.config.Demo {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.guest.Load() != nil {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Refresh", "1") // a browser comes back by itself
		http.Error(w, "The demo is telling its history; this page comes back in a moment.", http.StatusServiceUnavailable)
	})
}

// throughProxies puts the address of the client into RemoteAddr where the
// request came through fronts that are trusted: the right-most address in
// X-Forwarded-For that is not one of theirs. What stands left of it, anybody
// may have written.
func throughProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	ours := func(a netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !ours(peer.Addr().Unmap()) {
			next.ServeHTTP(w, r)
			return
		}
		client := peer.Addr()
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for _, hop := range slices.Backward(hops) {
			a, err := netip.ParseAddr(strings.TrimSpace(hop))
			if err != nil {
				break
			}
			if client = a.Unmap(); !ours(client) {
				break
			}
		}
		r2 := r.Clone(r.Context())
		r2.RemoteAddr = net.JoinHostPort(client.String(), "0")
		next.ServeHTTP(w, r2)
	})
}
