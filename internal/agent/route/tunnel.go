package route

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxLegs   = 5        // exchanges in which a proxy lets us in or does not
	maxRefuse = 64 << 10 // bytes of a refusal that are read past
)

// tunnel opens a connection to a host and port through a proxy.
func (r *Route) tunnel(ctx context.Context, proxy *url.URL, addr string, step stepper) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, stepTime)
	defer stop()
	conn, resp, err := r.through(ctx, proxy, func() *http.Request { //nolint:bodyclose // an answer to CONNECT has none
		return &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	}, step)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		err := refusedTunnel(proxy, addr, resp)
		step(StepProxyTunnel, proxy.Host, "", err)
		return nil, errors.Join(err, conn.Close())
	}
	if conn.in.Buffered() > 0 {
		err := &Error{Step: StepProxyTunnel, What: proxy.Host + " sent data of its own into the tunnel", Mend: "ask who runs the proxy"}
		return nil, errors.Join(err, conn.Close())
	}
	step(StepProxyTunnel, proxy.Host, "the proxy opened a tunnel to "+addr, nil)
	return conn.Conn, conn.SetDeadline(time.Time{})
}

// refusedTunnel explains an answer to CONNECT that is not 200.
func refusedTunnel(proxy *url.URL, addr string, resp *http.Response) error {
	what := fmt.Sprintf("%s does not open a tunnel to %s: it answers %s", proxy.Host, addr, resp.Status)
	mend := "ask who runs the proxy to allow CONNECT to " + addr
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		mend = "check the hub's name and port; the proxy itself may not reach or know it"
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		mend = "check that this is a proxy, and its port"
	}
	return &Error{Step: StepProxyTunnel, What: what, Mend: mend}
}

// A proxyConn is a connection to a proxy with what was read of it.
type proxyConn struct {
	net.Conn
	in *bufio.Reader
}

// through sends a request to a proxy until it says anything but "sign in", and
// signs in as it asks. ask makes the request anew for each try.
func (r *Route) through(ctx context.Context, proxy *url.URL, ask func() *http.Request, step stepper) (*proxyConn, *http.Response, error) {
	conn, err := r.dialProxy(ctx, proxy)
	if err != nil {
		step(StepOf(err), proxy.Host, "", err)
		return nil, nil, err
	}
	step(StepProxyConnect, proxy.Host, "connected to the proxy at "+conn.RemoteAddr().String(), nil)
	var in *signIn
	token := ""
	for leg := range maxLegs {
		req := ask()
		if token != "" {
			req.Header.Set("Proxy-Authorization", token)
		}
		resp, err := exchange(ctx, conn, req)
		if err != nil {
			err = &Error{Step: StepProxyTunnel, What: proxy.Host + " ended the connection: " + plainCause(err), Mend: "check that this is a proxy for HTTP, and its port", Err: err}
			step(StepProxyTunnel, proxy.Host, "", err)
			return nil, nil, errors.Join(err, conn.Close())
		}
		if resp.StatusCode != http.StatusProxyAuthRequired {
			if in != nil {
				step(StepProxySignIn, proxy.Host, "signed in with "+in.scheme, nil)
			}
			return conn, resp, nil
		}
		offered := resp.Header.Values("Proxy-Authenticate")
		if in == nil {
			in, err = r.signIn(proxy, offered)
		}
		if err == nil {
			token, err = in.next(offered)
		}
		if errors.Is(err, errRejected) {
			err = r.noteRefusal(proxy, in, offered)
		}
		if err == nil && !readPast(resp) {
			if in.bound && leg > 0 {
				err = &Error{Step: StepProxySignIn, What: proxy.Host + " closes the connection in the middle of signing in with " + in.scheme, Mend: "ask who runs the proxy to keep connections open, or for another scheme"}
			} else if err = conn.Close(); err == nil {
				conn, err = r.dialProxy(ctx, proxy)
			}
		}
		if err != nil {
			step(StepProxySignIn, proxy.Host, "", err)
			if conn != nil {
				err = errors.Join(err, conn.Close())
			}
			return nil, nil, err
		}
	}
	err = &Error{Step: StepProxySignIn, What: proxy.Host + " asks again and again to sign in", Mend: "set proxy.scheme to another one that it offers"}
	step(StepProxySignIn, proxy.Host, "", err)
	return nil, nil, errors.Join(err, conn.Close())
}

// readPast reads the rest of a refusal and reports whether the connection can
// be used for another request.
func readPast(resp *http.Response) bool {
	_, err := io.CopyN(io.Discard, resp.Body, maxRefuse)
	closing := resp.Close || strings.EqualFold(resp.Header.Get("Proxy-Connection"), "close")
	return errors.Is(err, io.EOF) && !closing && resp.Body.Close() == nil
}

// exchange sends a request over a connection to a proxy and reads the head of
// the answer.
func exchange(ctx context.Context, conn *proxyConn, req *http.Request) (*http.Response, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // what hangs, ends with an error of its own
	defer stop()
	if err := req.WriteProxy(conn); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(conn.in, req)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("no answer: %w", ctx.Err())
	}
	return resp, err
}

// dialProxy connects to a proxy, with TLS if it wants that.
func (r *Route) dialProxy(ctx context.Context, proxy *url.URL) (*proxyConn, error) {
	conn, err := dial(ctx, StepProxyConnect, hostPort(proxy))
	if err != nil {
		return nil, err
	}
	if proxy.Scheme == "https" {
		secure := tls.Client(conn, &tls.Config{RootCAs: r.roots, ServerName: proxy.Hostname(), MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(explainTLS(StepProxyConnect, "the proxy "+proxy.Host, err), conn.Close())
		}
		conn = secure
	}
	return &proxyConn{Conn: conn, in: bufio.NewReader(conn)}, nil
}
