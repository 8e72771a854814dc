// Package rest is the REST API of a hub: what the console shows and does, for
// programs, with the same figures from the same rules. Its OpenAPI document is made
// of the code.
//
// Who asks is decided by the token alone (account.Service.Bearer): nothing in an
// address or a body chooses an organisation. Unknown figures are null, never 0;
// instants are RFC 3339 in UTC. Errors are problems (RFC 9457).
package rest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/time/rate"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// Prefix is the path below which everything is this API's.
const Prefix = "/api/v1"

// Usage answers questions about an estate; see usage.Service.
type Usage interface {
	Overview(ctx context.Context, org int64) (usage.Overview, error)
	Details(ctx context.Context, org int64, q usage.Question) (usage.Details, error)
	Week(ctx context.Context, org int64, q usage.Question) (usage.Week, error)
	Activity(ctx context.Context, org int64, q usage.Question) (usage.Activity, error)
	Denials(ctx context.Context, org int64, q usage.Question) (usage.Denials, error)
	Checkouts(ctx context.Context, org int64, q usage.Question) (usage.Checkouts, error)
	Servers(ctx context.Context, org int64) ([]usage.Server, error)
	Catalog(ctx context.Context, org int64) ([]usage.CatalogRow, error)
}

// Accounts knows tokens and organisations; see account.Service.
type Accounts interface {
	Bearer(ctx context.Context, token string) (account.Token, error)
	Organisation(ctx context.Context, org int64) (account.Organisation, error)
	Change(ctx context.Context, actor audit.Actor, from *account.Settings, to account.Settings) error

	Members(ctx context.Context, org int64) ([]account.Membership, error)
	SetRole(ctx context.Context, actor audit.Actor, member int64, role account.Role) error
	RemoveMember(ctx context.Context, actor audit.Actor, member int64) error
	Invitations(ctx context.Context, org int64) ([]account.Invitation, error)
	Invite(ctx context.Context, actor audit.Actor, email string, role account.Role) (token string, err error)
	Uninvite(ctx context.Context, actor audit.Actor, id int64) error

	Tokens(ctx context.Context, org int64) ([]account.Token, error)
	MakeTokenBy(ctx context.Context, by account.Token, address, name string, role account.Role, days int) (token string, err error)
	RevokeToken(ctx context.Context, actor audit.Actor, id int64) error
}

// Erasure deletes usage data; see erasure.Service.
type Erasure interface {
	DeleteByToken(ctx context.Context, actor audit.Actor, guid string, until time.Time) error
}

// Registrations admits agents and turns them away; see registration.Registrar.
type Registrations interface {
	List(ctx context.Context, org int64) ([]registration.Agent, error)
	Standing(ctx context.Context, org int64) ([]registration.Standing, error)
	Pending(ctx context.Context, org int64) ([]registration.PendingServer, error)
	Review(ctx context.Context, actor audit.Actor, code string) (registration.Review, error)
	Approve(ctx context.Context, actor audit.Actor, code string) error
	Refuse(ctx context.Context, actor audit.Actor, code string) error
	Withdraw(ctx context.Context, actor audit.Actor, id string) error
	ApproveServer(ctx context.Context, actor audit.Actor, guid string) error
	Acknowledge(ctx context.Context, actor audit.Actor, guid string) error
	AskUpload(ctx context.Context, actor audit.Actor, guid string) error
	Remove(ctx context.Context, actor audit.Actor, agent int64) error
}

// Audit lists what was done.
type Audit interface {
	Entries(ctx context.Context, org int64, q audit.Query) ([]audit.Entry, error)
}

// Witness signs the end of the log; see audit.Notary.
type Witness interface {
	Witness(ctx context.Context, org int64) (audit.Signed, error)
}

// A Server is the API. All its fields must be set.
type Server struct {
	Usage         Usage
	Accounts      Accounts
	Registrations Registrations
	Erasure       Erasure
	Catalog       Catalog
	Audit         Audit
	Witness       Witness
	Now           func() time.Time
	Log           *slog.Logger
	URL           string // of the hub
	Version       string // of the program
	Assets        *look.Assets
}

// Limits of a token: so many requests a second, and so many at once after a rest.
const (
	perSecond = 10
	burst     = 50
	maxTokens = 10_000 // whose requests are counted at a time
	maxBody   = 64 << 10
)

// Handler returns the API, for paths below Prefix. It fails only if the files within the
// program do not fit together.
func (s *Server) Handler() (http.Handler, error) {
	mux := http.NewServeMux()
	limits := &limiters{of: make(map[int64]*rate.Limiter)}
	api := s.api(mux, limits)
	mux.HandleFunc("GET "+Prefix+"/metrics", func(w http.ResponseWriter, r *http.Request) { s.metrics(w, r, limits) })
	docs, err := s.docs(api.OpenAPI())
	if err != nil {
		return nil, err
	}
	mux.Handle("GET "+Prefix+"/docs", docs)
	mux.HandleFunc(Prefix+"/", func(w http.ResponseWriter, _ *http.Request) {
		s.refuse(w, fault.Errorf(fault.NotFound, "there is nothing at this address; %s/docs lists what there is", Prefix))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if r.Method == http.MethodGet {
			s.answerGet(w, r, mux)
			return
		}
		mux.ServeHTTP(w, r)
	}), nil
}

// api registers every operation.
func (s *Server) api(mux *http.ServeMux, limits *limiters) huma.API {
	c := huma.DefaultConfig("Headroom", s.Version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = Prefix+"/openapi", "", ""
	c.CreateHooks = nil // no links to schemas in answers
	c.RejectUnknownQueryParameters = true
	c.Info.Description = "License usage of an organisation's license servers: what the console shows, for programs."
	c.Servers = []*huma.Server{{URL: s.URL}}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {
		Type: "http", Scheme: "bearer", Description: "A token that an administrator made in the console, under Settings.",
	}}
	c.Security = []map[string][]string{{"token": {}}}
	api := humago.New(mux, c)
	api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) { s.admit(api, limits, ctx, next) })
	s.register(api)
	alsoAnswers(api.OpenAPI())
	return api
}

type callerKey struct{}

// A caller is who asks.
type caller struct {
	account.Token
	address string
}

// callerOf is who asks the operation under way.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// actor is who does what the request asks for.
func (c caller) actor() audit.Actor { return c.Actor(c.address) }

// leastRole is where an operation says who may ask for it.
const leastRole = "least role"

// admit lets a request through that a token may make.
func (s *Server) admit(api huma.API, limits *limiters, ctx huma.Context, next func(huma.Context)) {
	refuse := func(err error) {
		if after := waitOf(err); after > 0 {
			ctx.SetHeader("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
		}
		if fault.KindOf(err) == fault.Unauthorized {
			ctx.SetHeader("WWW-Authenticate", "Bearer")
		}
		p := s.problem(ctx.Context(), err)
		if werr := huma.WriteErr(api, ctx, p.GetStatus(), p.Error()); werr != nil {
			s.Log.Debug("answer did not arrive", "err", werr)
		}
	}
	least, _ := ctx.Operation().Metadata[leastRole].(account.Role)
	t, err := s.identify(ctx.Context(), limits, ctx.Header("Authorization"), least)
	if err != nil {
		refuse(err)
		return
	}
	c := caller{Token: t, address: ctx.RemoteAddr()}
	if host, _, err := net.SplitHostPort(c.address); err == nil {
		c.address = host
	}
	next(huma.WithValue(ctx, callerKey{}, c))
}

// identify finds out whose token a request presents, and refuses one that may not ask,
// or asks too often.
func (s *Server) identify(ctx context.Context, limits *limiters, authorization string, least account.Role) (account.Token, error) {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return account.Token{}, fault.Errorf(fault.Unauthorized, "send a token: Authorization: Bearer %s...", account.TokenPrefix)
	}
	t, err := s.Accounts.Bearer(ctx, token)
	if err != nil {
		return account.Token{}, err
	}
	if after := limits.wait(t.ID, t.Org, s.Now()); after > 0 {
		return account.Token{}, &fault.Error{Kind: fault.TooMany, After: after, Msg: "this token asks too often; wait and ask again"}
	}
	if !t.Role.May(least) {
		return account.Token{}, fault.Errorf(fault.Forbidden, "this needs a token with the role %s; this one is %s", least, t.Role)
	}
	return t, nil
}

// limiters count the requests of each token.
type limiters struct {
	mu sync.Mutex
	of map[int64]*rate.Limiter
}

// wait counts a request at a time, unless it says how long it has to wait.
func (l *limiters) wait(token, org int64, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := org<<32 | token
	limiter := l.of[key]
	if limiter == nil {
		if len(l.of) >= maxTokens {
			clear(l.of)
		}
		limiter = rate.NewLimiter(perSecond, burst)
		l.of[key] = limiter
	}
	if limiter.AllowN(now, 1) {
		return 0
	}
	return time.Second
}

// statuses are what a kind of error is over HTTP.
var statuses = map[fault.Kind]int{
	fault.Internal: http.StatusInternalServerError, fault.Invalid: http.StatusUnprocessableEntity, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.Unauthorized: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden,
	fault.TooLarge: http.StatusRequestEntityTooLarge, fault.TooMany: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
}

// problem is what the outside reads of an error. What is ours to fix stays in the log.
func (s *Server) problem(ctx context.Context, err error) huma.StatusError {
	if told, ok := errors.AsType[huma.StatusError](err); ok {
		return told
	}
	kind := fault.KindOf(err)
	if kind == fault.Internal && !errors.Is(err, context.Canceled) {
		s.Log.ErrorContext(ctx, "request of the API failed", "err", err)
	}
	return huma.NewError(statuses[kind], fault.Message(err))
}

// refuse answers with a problem where no operation is under way.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	status := statuses[fault.KindOf(err)]
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	if _, werr := w.Write([]byte(`{"title":` + strconv.Quote(http.StatusText(status)) + `,"status":` + strconv.Itoa(status) +
		`,"detail":` + strconv.Quote(fault.Message(err)) + "}\n")); werr != nil {
		s.Log.Debug("answer did not arrive", "err", werr)
	}
}

func waitOf(err error) time.Duration {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.After
	}
	return 0
}
