package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
)

// A Control is what a person can have an agent do, whether it runs (Remote) or
// only its state folder is there (Agent).
type Control interface {
	Status(ctx context.Context) (Status, error)
	Share(ctx context.Context, on bool) error
	Register(ctx context.Context, expect string) (Standing, error)
	Standing(ctx context.Context) (Standing, error)
	Confirm(ctx context.Context, organisation string, accept bool) error
	Upload(ctx context.Context) (upload.Report, error)
	Payload(ctx context.Context) (Payload, error)
	Unregister(ctx context.Context) error
	TakePast(ctx context.Context, p Past) (taken bool, err error)
}

// The running agent takes orders on a port of loopback. Address and token
// stand in a file of the state folder: who may read that, may give orders.
type controlAddress struct {
	Address string `json:"address"`
	Token   string `json:"token"`
}

// An order is the body of a request to a running agent.
type order struct {
	On           bool   `json:"on,omitempty"`
	Expect       string `json:"expect,omitempty"`
	Organisation string `json:"organisation,omitempty"`
	Accept       bool   `json:"accept,omitempty"`
	Past         *Past  `json:"past,omitempty"`
}

// orders is all that a running agent can be told.
var orders = map[string]func(*Agent, context.Context, order) (any, error){
	"status": func(a *Agent, ctx context.Context, _ order) (any, error) {
		st, err := a.Status(ctx)
		st.Running = true
		return st, err
	},
	"share":    func(a *Agent, ctx context.Context, o order) (any, error) { return nil, a.Share(ctx, o.On) },
	"register": func(a *Agent, ctx context.Context, o order) (any, error) { return a.Register(ctx, o.Expect) },
	"standing": func(a *Agent, ctx context.Context, _ order) (any, error) { return a.standing(), ctx.Err() },
	"confirm": func(a *Agent, ctx context.Context, o order) (any, error) {
		return nil, a.Confirm(ctx, o.Organisation, o.Accept)
	},
	"upload":     func(a *Agent, ctx context.Context, _ order) (any, error) { return a.Upload(ctx) },
	"payload":    func(a *Agent, ctx context.Context, _ order) (any, error) { return a.Payload(ctx) },
	"unregister": func(a *Agent, ctx context.Context, _ order) (any, error) { return nil, a.Unregister(ctx) },
	"past": func(a *Agent, ctx context.Context, o order) (any, error) {
		if o.Past == nil {
			return nil, errors.New("nothing of the past was sent")
		}
		return a.TakePast(ctx, *o.Past)
	},
}

const (
	controlPath    = "/v1/"
	maxOrder       = 24 << 20         // a part of the past is a batch
	controlTimeout = 15 * time.Minute // an upload of a long backlog
)

// A controlPort is where a running agent takes orders.
type controlPort struct {
	net.Listener
	at controlAddress
}

// listenControl opens the port and says in the state folder where it is.
func (a *Agent) listenControl(ctx context.Context) (controlPort, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return controlPort{}, err
	}
	at := controlAddress{Address: l.Addr().String(), Token: rand.Text()}
	text, err := json.Marshal(at)
	if err == nil {
		err = writeFile(a.config.State, controlFile, text)
	}
	if err != nil {
		return controlPort{}, errors.Join(err, l.Close())
	}
	return controlPort{l, at}, nil
}

// serveControl takes orders until ctx is done.
func (a *Agent) serveControl(ctx context.Context, port controlPort) error {
	srv := &http.Server{Handler: a.controlHandler(port.at), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() }) // what it would say, Serve says
	defer stop()
	if err := srv.Serve(port); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := os.Remove(filepath.Join(a.config.State, controlFile)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// controlHandler believes who has the token and means this address: a page in
// a browser has neither.
func (a *Agent) controlHandler(at controlAddress) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if r.Host != at.Address || subtle.ConstantTimeCompare([]byte(token), []byte(at.Token)) == 0 {
			http.Error(w, "not allowed", http.StatusForbidden)
			return
		}
		do, ok := orders[strings.TrimPrefix(r.URL.Path, controlPath)]
		if !ok || r.Method != http.MethodPost {
			http.Error(w, "no such order", http.StatusNotFound)
			return
		}
		var o order
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder)).Decode(&o); err != nil {
			http.Error(w, "the order cannot be read", http.StatusBadRequest)
			return
		}
		answer, err := do(a, r.Context(), o)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			a.options.Log.Warn("an answer to an order was not delivered", "err", err)
		}
	})
}

// Connect returns the control of the agent with this configuration: of the
// running one, else of its state folder. Close it after use.
func Connect(ctx context.Context, c Config, o Options) (Control, func() error, error) {
	text, err := os.ReadFile(filepath.Join(c.State, controlFile))
	if err == nil {
		var at controlAddress
		if err := json.Unmarshal(text, &at); err == nil {
			r := &Remote{at: at}
			if r.answers(ctx) {
				return r, func() error { return nil }, nil
			}
		}
	} else if errors.Is(err, fs.ErrPermission) {
		return nil, nil, fmt.Errorf("%w: use the account that the agent runs under", err)
	}
	a, err := Open(c, o)
	if err != nil {
		if errors.Is(err, spool.ErrLocked) {
			err = fmt.Errorf("%w, and it does not answer", err)
		}
		return nil, nil, err
	}
	return a, a.Close, nil
}

// A Remote is the control of a running agent.
type Remote struct{ at controlAddress }

// answerTime is how long a running agent has to say that it runs. After a
// crash something else may listen where it did.
const answerTime = 10 * time.Second

// answers reports whether an agent runs there.
func (r *Remote) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, err := r.Status(ctx)
	return err == nil
}

func (r *Remote) send(ctx context.Context, verb string, o order, out any) (err error) {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.at.Address+controlPath+verb, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.at.Token)
	client := http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the running agent does not answer: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(answer)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// Status is Agent.Status of the running agent.
func (r *Remote) Status(ctx context.Context) (st Status, err error) {
	return st, r.send(ctx, "status", order{}, &st)
}

// Share is Agent.Share of the running agent.
func (r *Remote) Share(ctx context.Context, on bool) error {
	return r.send(ctx, "share", order{On: on}, nil)
}

// Register is Agent.Register of the running agent.
func (r *Remote) Register(ctx context.Context, expect string) (st Standing, err error) {
	return st, r.send(ctx, "register", order{Expect: expect}, &st)
}

// Standing is what the running agent knows; it asks the hub by itself.
func (r *Remote) Standing(ctx context.Context) (st Standing, err error) {
	return st, r.send(ctx, "standing", order{}, &st)
}

// Confirm is Agent.Confirm of the running agent.
func (r *Remote) Confirm(ctx context.Context, organisation string, accept bool) error {
	return r.send(ctx, "confirm", order{Organisation: organisation, Accept: accept}, nil)
}

// Upload is Agent.Upload of the running agent.
func (r *Remote) Upload(ctx context.Context) (rep upload.Report, err error) {
	return rep, r.send(ctx, "upload", order{}, &rep)
}

// TakePast is Agent.TakePast of the running agent.
func (r *Remote) TakePast(ctx context.Context, p Past) (taken bool, err error) {
	return taken, r.send(ctx, "past", order{Past: &p}, &taken)
}

// Payload is Agent.Payload of the running agent.
func (r *Remote) Payload(ctx context.Context) (p Payload, err error) {
	return p, r.send(ctx, "payload", order{}, &p)
}

// Unregister is Agent.Unregister of the running agent.
func (r *Remote) Unregister(ctx context.Context) error {
	return r.send(ctx, "unregister", order{}, nil)
}
