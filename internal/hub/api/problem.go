package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"headroom/internal/fault"
	"headroom/internal/wire"
)

// status is what each kind of fault is in HTTP.
var status = map[fault.Kind]int{
	fault.Internal:     http.StatusInternalServerError,
	fault.Invalid:      http.StatusUnprocessableEntity,
	fault.NotFound:     http.StatusNotFound,
	fault.Conflict:     http.StatusConflict,
	fault.Unauthorized: http.StatusUnauthorized,
	fault.Forbidden:    http.StatusForbidden,
	fault.TooLarge:     http.StatusRequestEntityTooLarge,
	fault.TooMany:      http.StatusTooManyRequests,
	fault.Unavailable:  http.StatusServiceUnavailable,
}

// A typed error is a fault that agents tell apart from others of its kind.
type typed struct {
	problem string // wire.Problem.Type
	nonce   string // for NonceHeader; empty if none
	error
}

func (t *typed) Unwrap() error { return t.error }

// refuse writes an error as a problem. It is the only place in which an error
// becomes a status.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	kind := fault.KindOf(err)
	switch {
	case r.Context().Err() != nil && errors.Is(err, context.Canceled):
		return // nobody is listening
	case kind == fault.Internal:
		s.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	case kind == fault.Unavailable:
		s.Log.Warn("request put off", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	p := wire.Problem{Type: "about:blank", Status: status[kind], Title: http.StatusText(status[kind]), Detail: fault.Message(err)}
	if t, ok := errors.AsType[*typed](err); ok {
		p.Type = t.problem
		if t.nonce != "" {
			w.Header().Set(wire.NonceHeader, t.nonce)
		}
	}
	if after := retryAfter(err, kind); after > 0 {
		seconds := (after + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	s.write(w, p.Status, "application/problem+json", p)
}

// retryAfter returns when asking again makes sense, 0 if it never does.
func retryAfter(err error, kind fault.Kind) time.Duration {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.After > 0 {
		return f.After
	}
	if kind == fault.TooMany || kind == fault.Unavailable {
		return 30 * time.Second
	}
	return 0
}

// write writes an answer once the whole of it could be made.
func (s *Server) write(w http.ResponseWriter, code int, media string, answer any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(answer); err != nil {
		s.Log.Error("answer could not be written", "err", err)
		code = http.StatusInternalServerError
		b.Reset()
	}
	w.Header().Set("Content-Type", media)
	w.WriteHeader(code)
	if _, err := b.WriteTo(w); err != nil {
		s.Log.Debug("answer did not arrive", "err", err)
	}
}
