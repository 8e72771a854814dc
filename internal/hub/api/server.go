// Package api is the hub's interface for programs: the agents' side of it, and
// the two questions that an operator's monitoring asks. It finds out who is
// asking, bounds what is read, and turns errors into answers; what is decided
// is decided by the rules packages.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/registration"
	"headroom/internal/wire"
)

// A Taker takes batches; see ingest.Ingester, which is the one.
type Taker interface {
	Take(ctx context.Context, a ingest.Agent, epoch string, seq uint64, body []byte) (wire.Receipt, error)
	Complete(ctx context.Context, a ingest.Agent) (map[string]uint64, error)
}

// A Server answers agents. All its fields must be set.
type Server struct {
	Registrar *registration.Registrar
	Taker     Taker
	Notary    *audit.Notary // of what agents are to witness
	HubID     string        // goes into every signature
	NonceKey  []byte        // secret; the same for all hub processes
	Now       func() time.Time
	Visit     string                      // address at which an administrator enters a code
	PollEvery time.Duration               // between two polls of an agent
	Ready     func(context.Context) error // why the hub cannot work just now
	Log       *slog.Logger
}

// Who may ask for a route.
type Who string

// Who may ask.
const (
	Anyone     Who = "anyone"
	Bearer     Who = "bearer of the key in the body"  // asks to be registered
	Registrant Who = "holder of the registration key" // the key with which {id} was asked for
	Agent      Who = "registered agent"
)

// A Route is one thing that can be asked for.
type Route struct {
	Method string
	Path   string // a pattern of http.ServeMux
	Who    Who
	Limit  int64 // bytes of the body, as sent

	handle func(*Server, *call) (any, error)
}

// smallBody bounds the bodies that are not batches.
const smallBody = 1 << 20

// Routes returns every route there is.
func Routes() []Route {
	return []Route{
		{http.MethodGet, wire.HubPath, Anyone, 0, (*Server).getHub},
		{http.MethodPost, wire.RegistrationsPath, Bearer, smallBody, (*Server).postRegistration},
		{http.MethodGet, wire.RegistrationsPath + "/{id}", Registrant, 0, (*Server).getRegistration},
		{http.MethodPost, wire.RegistrationsPath + "/{id}/confirm", Registrant, smallBody, (*Server).postConfirmation},
		{http.MethodDelete, wire.SelfPath, Agent, 0, (*Server).deleteSelf},
		{http.MethodPut, wire.BatchesPath + "/{epoch}/{seq}", Agent, wire.MaxBodyBytes, (*Server).putBatch},
		{http.MethodPost, wire.PollPath, Agent, smallBody, (*Server).postPoll},
		{http.MethodGet, "/healthz", Anyone, 0, (*Server).getHealth},
		{http.MethodGet, "/readyz", Anyone, 0, (*Server).getReady},
	}
}

// Prefix is the path below which everything is an agent's business.
const Prefix = "/agent/"

// A call is a request that was let through.
type call struct {
	ctx    context.Context
	req    *http.Request
	body   []byte
	agent  registration.Agent // of a route for Agent
	keyID  string             // of the key that signed; empty for Anyone
	signed time.Time          // not before; by the hub's clock only where the signature carries its nonce
	clock  time.Duration      // the asker's clock minus the hub's; of a signed call
	nonced bool               // signed is the hub's own time
}

// Handler returns the whole interface, for the paths in Routes and below
// Prefix.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range Routes() {
		mux.Handle(route.Method+" "+route.Path, s.serve(route))
	}
	mux.Handle("/", s.serve(Route{Who: Anyone, handle: func(*Server, *call) (any, error) {
		return nil, fault.Errorf(fault.NotFound, "there is nothing at this address")
	}}))
	return mux
}

// serve makes a handler of a route: the only place in which a request is let
// through and in which an answer is written.
func (s *Server) serve(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set(wire.TimeHeader, strconv.FormatInt(s.Now().UnixMilli(), 10))
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		c, err := s.admit(w, r, route)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		answer, err := route.handle(s, c)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		s.write(w, http.StatusOK, "application/json", answer)
	})
}

func (s *Server) getHub(*call) (any, error) {
	return wire.Hub{ID: s.HubID, Time: s.Now().UnixMilli(), Nonce: s.newNonce("")}, nil
}

func (s *Server) getHealth(*call) (any, error) { return health{Status: "ok"}, nil }

func (s *Server) getReady(c *call) (any, error) {
	if err := s.Ready(c.ctx); err != nil {
		return nil, &fault.Error{Kind: fault.Unavailable, After: 5 * time.Second, Msg: "the hub cannot work just now", Err: err}
	}
	return health{Status: "ready"}, nil
}

type health struct {
	Status string `json:"status"`
}
