package api

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"headroom/internal/fault"
	"headroom/internal/wire"
)

// admit finds out who is asking and reads the body. Whose data a request is
// about follows from the key that signed it and from nothing else.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, route Route) (*call, error) {
	c := &call{ctx: r.Context(), req: r}
	var key func(keyID string) (ed25519.PublicKey, error)
	switch route.Who {
	case Anyone:
		return c, nil
	case Bearer:
		key = func(string) (ed25519.PublicKey, error) { return keyInBody(c.body) }
	case Registrant:
		key = func(string) (ed25519.PublicKey, error) { return s.Registrar.Key(c.ctx, r.PathValue("id")) }
	default:
		// Strangers are turned away before their bodies are read.
		keyID, err := wire.SignerOf(r)
		if err != nil {
			return nil, fault.Errorf(fault.Unauthorized, "%v", err)
		}
		if c.agent, err = s.Registrar.ByKey(c.ctx, keyID); err != nil {
			return nil, err
		}
		key = func(string) (ed25519.PublicKey, error) { return c.agent.PublicKey, nil }
	}
	var err error
	if c.body, err = readBody(w, r, route.Limit); err != nil {
		return nil, err
	}
	if err := s.verify(c, key); err != nil {
		return nil, err
	}
	if !c.agent.Removed.IsZero() {
		return nil, &typed{problem: wire.ProblemRemoved, error: fault.Errorf(fault.Forbidden,
			"this registration was removed; register again to send")}
	}
	return c, nil
}

// verify checks the signature of a call and that it is fresh.
func (s *Server) verify(c *call, key func(keyID string) (ed25519.PublicKey, error)) error {
	var unknown error // why there is no key
	now := s.Now()
	sig, err := wire.Verify(c.req, c.body, func(keyID string) (k ed25519.PublicKey, _ error) {
		k, unknown = key(keyID)
		return k, unknown
	}, s.HubID, now)
	stale := errors.Is(err, wire.ErrStale)
	switch {
	case unknown != nil:
		return unknown
	case err != nil && !stale:
		return fault.Errorf(fault.Unauthorized, "%v", err)
	}
	c.keyID, c.signed, c.clock = sig.KeyID, sig.Created, sig.Created.Sub(now)
	if given, ok := s.nonceGiven(sig.Nonce, sig.KeyID); ok {
		c.signed, c.nonced = given, true
		return nil
	}
	if stale {
		return s.stale(c.keyID)
	}
	return nil
}

// stale asks for another signature, with a nonce of ours.
func (s *Server) stale(keyID string) error {
	return &typed{
		problem: wire.ProblemStale, nonce: s.newNonce(keyID),
		error: fault.Errorf(fault.Unauthorized, "the signature is not fresh; sign again with the nonce in the header %s", wire.NonceHeader),
	}
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fault.Errorf(fault.TooLarge, "the body has more than %d bytes", limit)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the body did not arrive whole")
	}
	return body, nil
}

// keyInBody returns the public key that a registration request carries.
func keyInBody(body []byte) (ed25519.PublicKey, error) {
	var q struct {
		PublicKey string `json:"public_key"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, fault.Errorf(fault.Invalid, "the body is not JSON: %v", err)
	}
	key, err := base64.RawURLEncoding.DecodeString(q.PublicKey)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fault.Errorf(fault.Invalid, "public_key is not an Ed25519 key in base64url without padding")
	}
	return key, nil
}

// read reads the body of a call. Fields that it does not know are an older
// hub's, and ignored.
func (c *call) read(into any) error {
	if err := json.Unmarshal(c.body, into); err != nil {
		return fault.Errorf(fault.Invalid, "the body is not what it should be: %v", err)
	}
	return nil
}

// address returns where the call came from.
func (c *call) address() string {
	host, _, err := net.SplitHostPort(c.req.RemoteAddr)
	if err != nil {
		return c.req.RemoteAddr
	}
	return host
}

// after reports whether the call was surely signed after an instant of the
// hub's clock.
func (c *call) after(at time.Time) bool {
	return c.signed.After(at) || c.nonced && !c.signed.Before(at)
}
