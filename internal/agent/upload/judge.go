package upload

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"headroom/internal/wire"
)

// Errors that say what a hub decided. Everything else is a *RetryError, or a
// plain error where asking again as things are is pointless.
var (
	// ErrRemoved: the registration was removed. Stop sending, keep collecting.
	ErrRemoved = errors.New("the hub has removed this agent's registration; register again to go on")
	// ErrFork: another content is there under this identity. This spool is a
	// copy, or was rolled back.
	ErrFork = errors.New("the hub has other content under this batch's number: this agent was copied or rolled back")
	// ErrRefused: the hub will never take this batch as it is.
	ErrRefused = errors.New("the hub refuses this content")

	errStale = errors.New("the hub finds this machine's clock too far from its own")
)

// A RetryError says that the same request may go through later.
type RetryError struct {
	After time.Duration // not before; 0 if the hub did not say
	Err   error
}

// Error returns the cause.
func (e *RetryError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *RetryError) Unwrap() error { return e.Err }

// judge says what a hub's answer means; nil is a yes. Nothing else decides.
func judge(resp *http.Response, body []byte) error {
	if resp.StatusCode/100 == 2 {
		return nil
	}
	p := problem(resp, body)
	said := fmt.Errorf("%d %s", resp.StatusCode, p.Detail)
	switch {
	case p.Type == wire.ProblemStale:
		return errStale
	case p.Type == wire.ProblemRemoved:
		return ErrRemoved
	case p.Type == wire.ProblemFork:
		return ErrFork
	}
	switch resp.StatusCode {
	case http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusBadRequest:
		return fmt.Errorf("%w: %w", ErrRefused, said)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict:
		return said
	}
	return &RetryError{After: retryAfter(resp), Err: said}
}

// problem reads the body of a refusal; a proxy's page gives its status only.
func problem(resp *http.Response, body []byte) wire.Problem {
	var p wire.Problem
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(body, &p) == nil && p.Detail != "" {
		return p
	}
	p.Detail = http.StatusText(resp.StatusCode) + ", and the answer is not a hub's: a proxy or another server stands at this address"
	return p
}

func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

func stale(err error) bool { return errors.Is(err, errStale) }
