// Package oidc is signing in at a provider of OpenID Connect: the authorization code
// flow with PKCE, a state and a nonce. It says who somebody is to a provider; what he
// may do here is decided by package account.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"headroom/internal/fault"
	"headroom/internal/hub/outward"
)

// algorithms are those that sign: none that a secret of ours, or nothing, could make.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// A Client asks providers.
type Client struct {
	HTTP     *http.Client     // that of package outward
	Now      func() time.Time // the hub's clock
	Redirect string           // the address of this hub to which providers send people back
}

// A Provider is one as an organisation has set it.
type Provider struct{ Issuer, ClientID, Secret string }

// A Try is one way to a provider and back. It stays in the session in which it began.
type Try struct{ Issuer, State, Nonce, Verifier string }

// A Person is whom the provider says it is.
type Person struct {
	Issuer, Subject, Email, Name string
	Verified                     bool // that the address is his
}

var errElse = fault.Errorf(fault.Forbidden, "the provider's answer does not belong to a sign-in that was begun here; begin again")

// Begin returns the provider's address to which the browser goes.
func (c *Client) Begin(ctx context.Context, p Provider) (address string, try Try, err error) {
	found, err := c.find(ctx, p)
	if err != nil {
		return "", Try{}, err
	}
	try = Try{Issuer: p.Issuer, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	config := c.config(p, found)
	return config.AuthCodeURL(try.State, oidc.Nonce(try.Nonce), oauth2.S256ChallengeOption(try.Verifier)), try, nil
}

// Finish takes what the provider sent the browser back with. What does not belong to
// the try, or is not said by the provider for this hub and now, is a fault.Forbidden.
func (c *Client) Finish(ctx context.Context, p Provider, try Try, answer url.Values) (Person, error) {
	if try.State == "" || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(try.State)) == 0 {
		return Person{}, errElse
	}
	if try.Issuer != p.Issuer { // the organisation has set another one meanwhile: its code is not for that
		return Person{}, errElse
	}
	if iss := answer.Get("iss"); iss != "" && iss != p.Issuer { // RFC 9207
		return Person{}, errElse
	}
	if reason := answer.Get("error"); reason != "" {
		return Person{}, fault.Errorf(fault.Forbidden, "the provider did not sign you in: %.100q", reason)
	}
	found, err := c.find(ctx, p)
	if err != nil {
		return Person{}, err
	}
	ctx = oidc.ClientContext(ctx, c.HTTP)
	tokens, err := c.config(p, found).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(try.Verifier))
	if err != nil {
		return Person{}, fault.Wrap(fault.Forbidden, err, "the provider did not take its code back; begin again")
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return Person{}, fault.Errorf(fault.Forbidden, "the provider did not say who you are")
	}
	check := found.VerifierContext(ctx, &oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: algorithms, Now: c.Now})
	token, err := check.Verify(ctx, raw)
	if err != nil {
		return Person{}, fault.Wrap(fault.Forbidden, err, "what the provider says of you is not valid here; begin again")
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(try.Nonce)) == 0 {
		return Person{}, errElse
	}
	var said struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
		Name     string `json:"name"`
	}
	if err := token.Claims(&said); err != nil {
		return Person{}, fault.Wrap(fault.Forbidden, err, "what the provider says of you could not be read")
	}
	return Person{Issuer: token.Issuer, Subject: token.Subject, Email: said.Email, Name: said.Name, Verified: said.Verified}, nil
}

// find asks the provider where its parts are. Each of them has to be https, but for
// one on this machine, which the client refuses unless it is allowed.
func (c *Client) find(ctx context.Context, p Provider) (*oidc.Provider, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, c.HTTP), p.Issuer)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the sign-in provider could not be asked; try again, or sign in with your password")
	}
	e := found.Endpoint()
	for _, address := range []string{p.Issuer, e.AuthURL, e.TokenURL} {
		if !Safe(address) {
			return nil, fault.Errorf(fault.Unavailable, "the sign-in provider names an address that is not https: %.200q", address)
		}
	}
	return found, nil
}

// Safe says whether an address of a provider is https, or on this machine.
func Safe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	host := u.Hostname()
	return u.Scheme == "https" || u.Scheme == "http" && (host == "127.0.0.1" || host == "localhost" || host == "::1")
}

func (c *Client) config(p Provider, found *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: found.Endpoint(), RedirectURL: c.Redirect,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}
}

// Why says what an administrator can do about an error of Check. The provider is one
// that he has chosen; whether something answers at an inner address is not told.
func Why(err error) string {
	if errors.Is(err, outward.ErrInner) {
		return outward.ErrInner.Error() + "."
	}
	return "look at the issuer's address, and at the hub's log."
}

// Check says whether a provider answers, as somebody sets it.
func (c *Client) Check(ctx context.Context, p Provider) error {
	if _, err := c.find(ctx, p); err != nil {
		return fmt.Errorf("check a sign-in provider: %w", err)
	}
	return nil
}
