package delivery_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"headroom/internal/wire"
)

var errNetwork = errors.New("connection reset by peer")

// RoundTrip is the network between an agent and the hub. It loses requests and
// answers, cuts answers off, brings requests twice and old ones late, and has a
// proxy with words of its own.
func (a *agentSide) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	w := a.w
	what := req.Method + " " + req.URL.Path
	if a.cutOff && !w.calm {
		return nil, errNetwork
	}
	fault := ""
	if !w.calm {
		fault = w.fault()
	}
	if fault != "" {
		w.say("%s of %s: %s", what, a.name, fault)
	}
	switch fault {
	case "request lost":
		return nil, errNetwork
	case "hub killed before":
		w.hub.kill()
		return nil, errNetwork
	case "proxy: bad gateway":
		return page(http.StatusBadGateway, "text/html", "<h1>Bad gateway</h1>"), nil
	case "proxy: sign in":
		return page(http.StatusOK, "text/html", "<h1>Sign in to the guest network</h1>"), nil
	case "proxy: busy":
		return page(http.StatusServiceUnavailable, "text/plain", "busy"), nil
	case "held back":
		w.held = append(w.held, func() { w.serve(req, body) })
		return nil, errNetwork
	case "held back and repeated":
		w.held = append(w.held, func() { w.serve(req, body) })
	case "twice":
		w.serve(req, body)
	}
	answer := w.serve(req, body)
	if w.rnd.IntN(4) == 0 {
		w.release() // what was held back comes after what was sent later
	}
	switch fault {
	case "answer lost":
		return nil, errNetwork
	case "hub killed after":
		w.hub.kill()
		return nil, errNetwork
	case "answer cut":
		b := answer.Body.Bytes()
		answer.Body = bytes.NewBuffer(b[:w.rnd.IntN(len(b))])
		return answer.Result(), nil
	}
	if req.Method == http.MethodPut && answer.Code == http.StatusOK {
		w.acknowledged(body)
	}
	return answer.Result(), nil
}

// networkFault draws what happens to a request.
func (w *world) networkFault() string {
	if len(w.plan.network) == 0 || w.rnd.IntN(100) >= w.plan.trouble {
		return ""
	}
	return w.plan.network[w.rnd.IntN(len(w.plan.network))]
}

// networkFaults are all of them.
var networkFaults = []string{
	"request lost", "answer lost", "answer cut", "twice", "held back", "held back and repeated",
	"proxy: bad gateway", "proxy: sign in", "proxy: busy", "hub killed before", "hub killed after",
}

// release brings what was held back.
func (w *world) release() {
	held := w.held
	w.held = nil
	for _, bring := range held {
		w.say("what was held back arrives")
		bring()
	}
}

// serve brings a request to the hub.
func (w *world) serve(req *http.Request, body []byte) *httptest.ResponseRecorder {
	r := req.Clone(req.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.RequestURI, r.RemoteAddr = req.URL.RequestURI(), "192.0.2.1:1234"
	answer := httptest.NewRecorder()
	w.hub.agents.ServeHTTP(answer, r)
	if answer.Code == http.StatusConflict && strings.HasPrefix(r.URL.Path, wire.BatchesPath) {
		w.count.forks++
	}
	return answer
}

// acknowledged notes the samples of a batch of which the agent was told that
// the hub has it.
func (w *world) acknowledged(body []byte) {
	b, err := wire.ReadBatch(bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, line := range b.Records {
		s, ok := line.Record.(*wire.Samples)
		if !ok {
			continue
		}
		for i := range s.At {
			w.samples[wire.At(s.Pools[0].InUse, i).N].acked = true
		}
	}
}

func page(status int, kind, text string) *http.Response {
	r := httptest.NewRecorder()
	r.Header().Set("Content-Type", kind)
	r.WriteHeader(status)
	_, _ = io.WriteString(r, text) // to memory
	return r.Result()
}
