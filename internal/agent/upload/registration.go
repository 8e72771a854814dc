package upload

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"headroom/internal/wire"
)

// Register asks the hub for a code under which an administrator can admit this
// agent.
func (c *Client) Register(ctx context.Context, r wire.RegistrationRequest) (wire.Registration, error) {
	var answer wire.Registration
	if err := c.signedJSON(ctx, http.MethodPost, wire.RegistrationsPath, r, &answer); err != nil {
		return wire.Registration{}, err
	}
	if answer.ID == "" || answer.Code == "" {
		return wire.Registration{}, errors.New("the answer is no registration: it has no code")
	}
	return answer, nil
}

// Registration asks how a registration stands.
func (c *Client) Registration(ctx context.Context, id string) (wire.RegistrationState, error) {
	var answer wire.RegistrationState
	if err := c.signed(ctx, http.MethodGet, wire.RegistrationsPath+"/"+url.PathEscape(id), nil, "", &answer); err != nil {
		return wire.RegistrationState{}, err
	}
	if answer.State == "" {
		return wire.RegistrationState{}, errors.New("the answer does not say how the registration stands")
	}
	return answer, nil
}

// Confirm gives the license server's answer to the organisation that approved.
func (c *Client) Confirm(ctx context.Context, id string, answer wire.Confirmation) error {
	var state wire.RegistrationState
	path := wire.RegistrationsPath + "/" + url.PathEscape(id) + "/confirm"
	if err := c.signedJSON(ctx, http.MethodPost, path, answer, &state); err != nil {
		return err
	}
	if state.State == "" {
		return errors.New("the answer does not say how the registration stands")
	}
	return nil
}

// Unregister removes this agent's registration.
func (c *Client) Unregister(ctx context.Context) error {
	var nothing struct{} // JSON all the same: a page of a proxy is not the hub's yes
	return c.signed(ctx, http.MethodDelete, wire.SelfPath, nil, "", &nothing)
}

// Poll gives a sign of life and asks what the hub wants.
func (c *Client) Poll(ctx context.Context, r wire.PollRequest) (wire.PollAnswer, error) {
	var answer wire.PollAnswer
	err := c.signedJSON(ctx, http.MethodPost, wire.PollPath, r, &answer)
	return answer, err
}
