// Package console is the agent's own console: pages on loopback, with which a
// person on the license server does what the command line does. It works
// without a way to the outside, and shows nothing before somebody who may read
// the agent's state folder has opened it.
//
// A web page of elsewhere that a browser on this machine has open must not
// reach it: its name must be this machine's (against rebinding of names), a
// form must come from one of its own pages, and a link that lets in works once.
package console

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"headroom/internal/agent"
	"headroom/internal/agent/upload"
	"headroom/internal/look"
)

//go:embed templates/*.html
var templates embed.FS

// An Agent is whom the console asks and tells; see agent.Agent.
type Agent interface {
	Status(ctx context.Context) (agent.Status, error)
	Share(ctx context.Context, on bool) error
	Register(ctx context.Context, expect string) (agent.Standing, error)
	Confirm(ctx context.Context, organisation string, accept bool) error
	Unregister(ctx context.Context) error
	Upload(ctx context.Context) (upload.Report, error)
	Payload(ctx context.Context) (agent.Payload, error)
}

// Options are what a console needs. All fields must be set.
type Options struct {
	Agent   Agent
	Doctor  func(ctx context.Context, note func(agent.Diagnosis)) // looks at everything; see agent.Doctor
	Config  agent.Config
	File    string // of the configuration
	Host    string // name of this machine
	Version string
	Now     func() time.Time
	Log     *slog.Logger
}

// A Console serves the pages.
type Console struct {
	Options
	assets *look.Assets
	pages  pages
	entry  entry

	upload sync.Mutex // one update at a time

	mu       sync.Mutex
	sessions map[string]*session // by the value of the cookie
	found    examination
	ask      chan struct{} // somebody wants everything looked at
}

// pages are the kinds of page that there are.
type pages struct {
	overview     look.Page[overviewPage]
	registration look.Page[registrationPage]
	connection   look.Page[connectionPage]
	payload      look.Page[payloadPage]
	locked       look.Page[lockedPage]
}

// Run serves the console until ctx is done. Nothing that happens to it is a reason
// for an agent to end, neither a port that something else has nor a full disk: the
// console is then not there, which the log and the command line say.
func Run(ctx context.Context, o Options) {
	if o.Config.Console.Listen == agent.NoConsole {
		return
	}
	if err := serve(ctx, o); err != nil {
		o.Log.Warn("the agent's console is not there; its command line does the same", "err", err)
	}
}

func serve(ctx context.Context, o Options) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Config.Console.Listen)
	if err != nil {
		return fmt.Errorf("%w; another port can be named: [console] listen", err)
	}
	key, err := writeEntry(o.Config.State, l.Addr().String())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { _ = os.Remove(entryPath(o.Config.State)) }() // the next start writes a new one
	c, err := newConsole(o, l.Addr().String(), key)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	o.Log.Info("the agent's console is open on this machine", "address", "http://"+l.Addr().String(), "link", "headroom agent console")
	srv := &http.Server{
		Handler: c.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() }) // what it would say, Serve says
	defer stop()
	go c.examine(ctx)
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newConsole returns the console that is at an address.
func newConsole(o Options, address string, key []byte) (*Console, error) {
	assets, err := look.NewAssets()
	if err != nil {
		return nil, err
	}
	c := &Console{Options: o, assets: assets, entry: entry{key: key, address: address, used: map[string]time.Time{}}, sessions: map[string]*session{}, ask: make(chan struct{}, 1)}
	read(assets, &c.pages.overview, &err, "overview")
	read(assets, &c.pages.registration, &err, "registration")
	read(assets, &c.pages.connection, &err, "connection")
	read(assets, &c.pages.payload, &err, "payload")
	read(assets, &c.pages.locked, &err, "locked")
	return c, err
}

// read reads a page's template, unless an earlier page failed.
func read[T any](a *look.Assets, page *look.Page[T], err *error, name string) {
	if *err == nil {
		*page, *err = look.NewPage[T](a, templates, "templates/"+name+".html")
	}
}

// A route is one address of the console. All but the first need a session.
type route struct {
	pattern string
	open    bool // nobody needs to have come in
	handle  func(http.ResponseWriter, *http.Request, visit) error
}

// routes are all addresses of the console.
func (c *Console) routes() []route {
	return []route{
		{"GET " + entryPage, true, c.getEnter},

		{"GET /{$}", false, c.getOverview},
		{"POST /share", false, c.postShare},
		{"POST /upload", false, c.postUpload},
		{"GET /registration", false, c.getRegistration},
		{"POST /registration", false, c.postRegister},
		{"POST /registration/confirm", false, c.postConfirm},
		{"POST /registration/remove", false, c.postRemove},
		{"GET /connection", false, c.getConnection},
		{"POST /connection/doctor", false, c.postDoctor},
		{"GET /payload", false, c.getPayload},
		{"POST /leave", false, c.postLeave},
		{"/", false, c.notFound},
	}
}

// Handler returns the pages and the files that they load.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+look.AssetPath, c.assets)
	for _, r := range c.routes() {
		mux.Handle(r.pattern, c.page(r))
	}
	guarded := http.NewCrossOriginProtection()
	return look.Secure(c.named(guarded.Handler(mux)))
}

// named lets in who means this machine: a name of elsewhere that was made to
// lead here is refused.
func (c *Console) named(next http.Handler) http.Handler {
	_, port, err := net.SplitHostPort(c.entry.address)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != c.entry.address && (err != nil || r.Host != net.JoinHostPort("localhost", port)) {
			http.Error(w, "this is the console of the agent on this machine, at "+c.entry.address, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
