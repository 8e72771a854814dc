package upload

import (
	"context"
	"net/http"
	"net/url"

	"headroom/internal/wire"
)

// Register asks the hub for a code under which an administrator can admit this
// agent.
func (c *Client) Register(ctx context.Context, r wire.RegistrationRequest) (wire.Registration, error) {
	var answer wire.Registration
	err := c.signedJSON(ctx, http.MethodPost, wire.RegistrationsPath, r, &answer)
	return answer, err
}

// Registration asks how a registration stands.
func (c *Client) Registration(ctx context.Context, id string) (wire.RegistrationState, error) {
	var answer wire.RegistrationState
	err := c.signed(ctx, http.MethodGet, wire.RegistrationsPath+"/"+url.PathEscape(id), nil, "", &answer)
	return answer, err
}

// Confirm gives the license server's answer to the organisation that approved.
func (c *Client) Confirm(ctx context.Context, id string, answer wire.Confirmation) error {
	return c.signedJSON(ctx, http.MethodPost, wire.RegistrationsPath+"/"+url.PathEscape(id)+"/confirm", answer, nil)
}

// Unregister removes this agent's registration.
func (c *Client) Unregister(ctx context.Context) error {
	return c.signed(ctx, http.MethodDelete, wire.SelfPath, nil, "", nil)
}

// Poll gives a sign of life and asks what the hub wants.
func (c *Client) Poll(ctx context.Context, r wire.PollRequest) (wire.PollAnswer, error) {
	var answer wire.PollAnswer
	err := c.signedJSON(ctx, http.MethodPost, wire.PollPath, r, &answer)
	return answer, err
}
