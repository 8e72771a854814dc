// Package agent reads license servers at their intervals, keeps what they say
// in the spool, joins an organisation at a hub and brings it the batches. It
// puts the parts of the agent's tree together.
//
// Readings go on whatever happens to the hub. Nothing is sent before sharing
// is switched on and the license server has confirmed the organisation.
package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"headroom/internal/agent/collect"
	"headroom/internal/agent/route"
	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
	"headroom/internal/wire"
)

// A Reader reads one license server. An error means that it gave up because
// ctx is done; everything else is in the result.
type Reader interface {
	Read(ctx context.Context) (collect.Result, error)
}

// Options are what surrounds an agent.
type Options struct {
	Version string
	Host    string           // name of this machine; empty: what it calls itself
	Now     func() time.Time // nil: time.Now
	HTTP    *http.Client     // nil: one that goes as the configuration says
	Log     *slog.Logger
}

// An Agent is an agent with its state folder open. Only one process can have
// it open.
type Agent struct {
	config  Config
	options Options
	key     ed25519.PrivateKey
	spool   *spool.Spool
	client  *upload.Client
	way     *route.Route // nil if Options have brought a client
	sources []*source
	wake    chan struct{} // something changed that the hub loop waits for

	resender  *upload.Resender
	uploading sync.Mutex // one upload at a time
	asking    sync.Mutex // one question about a registration at a time

	importing sync.Mutex
	past      map[string]bool // what was taken of the past (pastFile); nil before it is asked for

	witnessed logEnd // the newest one that is kept; of the hub loop
	warned    string // of revocation, last; of the hub loop

	mu       sync.Mutex
	state    state
	approved map[string]string // state of each server at the hub, by GUID; nil before the first poll
	wanted   bool              // the hub wants an upload, or lacks something
	pollDue  time.Time
	askAgain time.Duration // between two questions about a registration
	stop     func()        // ends the upload under way; nil before the first
	failure  string        // why the last exchange with the hub failed; empty if it did not
	backoff  upload.Backoff
}

// requestTime bounds one request, body included: a batch of megabytes over a
// slow line takes its time.
const requestTime = 5 * time.Minute

// Open opens an agent's state folder and makes it at the first start.
func Open(c Config, o Options) (*Agent, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Agent{config: c, options: o, wake: make(chan struct{}, 1)}
	if o.HTTP == nil {
		way, err := route.New(c.way(), o.Now)
		if err != nil {
			return nil, err
		}
		a.way, a.options.HTTP = way, way.Client(requestTime)
	}
	if err := makeFolder(c.State); err != nil {
		return nil, err
	}
	if err := a.open(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *Agent) open() (err error) {
	dir := a.config.State
	var recovered spool.Recovery
	a.spool, recovered, err = spool.Open(filepath.Join(dir, spoolFolder), spool.Options{Now: a.options.Now, Declare: upload.EncodeGap})
	if errors.Is(err, spool.ErrLocked) {
		return fmt.Errorf("another agent runs with the state folder %s: %w", dir, spool.ErrLocked)
	}
	if err != nil {
		return err
	}
	if recovered != (spool.Recovery{}) {
		a.options.Log.Info("the spool was put in order after an interruption", "recovery", fmt.Sprintf("%+v", recovered))
	}
	if a.key, err = loadKey(dir); err != nil {
		return err
	}
	if a.state, err = loadState(dir); err != nil {
		return err
	}
	if a.state.GUID == "" {
		a.state.GUID = uuid.NewString()
	}
	for _, c := range a.config.Servers {
		s, err := a.source(c)
		if err != nil {
			return fmt.Errorf("server %s: %w", c.Name, err)
		}
		a.sources = append(a.sources, s)
	}
	a.client = &upload.Client{Hub: a.config.Hub, HTTP: a.options.HTTP, Key: a.key, Version: a.options.Version, Now: a.options.Now}
	a.client.SetHubID(a.state.HubID)
	a.resender = &upload.Resender{Now: a.options.Now}
	return a.state.save(dir)
}

// Close lets another process open the state folder.
func (a *Agent) Close() error {
	var errs []error
	for _, s := range a.sources {
		if r, ok := s.reader.(io.Closer); ok {
			errs = append(errs, r.Close())
		}
	}
	if a.way != nil {
		a.way.Close()
	}
	if a.spool != nil {
		errs = append(errs, a.spool.Close())
	}
	return errors.Join(errs...)
}

// Run reads and sends until ctx is done. The first failure that is the
// agent's own ends it; license servers and hubs that fail do not.
func (a *Agent) Run(ctx context.Context) error {
	control, err := a.listenControl(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range a.sources {
		g.Go(func() error { return a.readLoop(ctx, s) })
	}
	g.Go(func() error { return a.hubLoop(ctx) })
	g.Go(func() error { return a.serveControl(ctx, control) })
	a.options.Log.Info("agent runs", "servers", len(a.sources), "hub", a.config.Hub)
	return g.Wait()
}

// change alters the state and keeps it.
func (a *Agent) change(f func(*state)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(&a.state)
	return a.state.save(a.config.State)
}

// look reads the state.
func (a *Agent) look(f func(state)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(a.state)
}

// nudge lets the hub loop look at what is due.
func (a *Agent) nudge() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// infos is what the agent says about its servers.
func (a *Agent) infos() []wire.ServerInfo {
	var out []wire.ServerInfo
	for _, s := range a.sources {
		out = append(out, s.info())
	}
	return out
}
