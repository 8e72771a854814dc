package route

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// ErrTooLarge says that more came than was allowed.
var ErrTooLarge = errors.New("it is too large")

// Fetch gets what lies at a plain http address, through the proxy that the
// settings want for it: lists and answers about certificates, which are signed
// and lie there. A body makes it a POST. No redirect is followed.
func (r *Route) Fetch(ctx context.Context, address, contentType string, body []byte, limit int64) (_ []byte, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("%q is no address that can be fetched: only http is", address)
	}
	resp, done, err := r.fetch(ctx, u, contentType, body) //nolint:bodyclose // done does it
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("%s does not answer in time: %w", u.Host, ctx.Err())
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	stop := context.AfterFunc(ctx, func() { _ = done() })
	defer stop()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", u.Host, resp.Status)
	}
	out, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s does not answer in time: %w", u.Host, ctx.Err())
	case err != nil:
		return nil, err
	case int64(len(out)) > limit:
		return nil, fmt.Errorf("%s sends more than %d MiB: %w", u.Host, limit>>20, ErrTooLarge)
	}
	return out, nil
}

// fetch sends the request. done ends the connection, and may be called twice.
func (r *Route) fetch(ctx context.Context, u *url.URL, contentType string, body []byte) (*http.Response, func() error, error) {
	ask := func() *http.Request {
		req := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}, Close: false}
		if body != nil {
			req.Method, req.Body, req.ContentLength = http.MethodPost, io.NopCloser(bytes.NewReader(body)), int64(len(body))
			req.Header.Set("Content-Type", contentType)
		}
		return req
	}
	proxy, err := r.choose(u)
	if err != nil {
		return nil, nil, err
	}
	if proxy == nil {
		// A connection of its own for each: they are rare, and to many hosts.
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(ask().WithContext(ctx))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %s", u.Host, plainCause(err))
		}
		return resp, resp.Body.Close, nil
	}
	conn, resp, err := r.through(ctx, proxy, ask, func(Step, string, string, error) {})
	if err != nil {
		return nil, nil, err
	}
	return resp, func() error { _ = conn.Close(); return nil }, nil
}

// Reach asks a plain http address for anything, by the way that Fetch takes: whatever
// it answers, it can be reached.
func (r *Route) Reach(ctx context.Context, address string) error {
	ctx, stop := context.WithTimeout(ctx, stepTime)
	defer stop()
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	_, done, err := r.fetch(ctx, u, "", nil) //nolint:bodyclose // done does it
	if err != nil {
		return err
	}
	return done()
}
