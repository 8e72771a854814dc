package rest

import (
	"context"
	"time"

	"headroom/internal/hub/account"
)

// APIToken is a token of a program; of the token itself the hub knows a hash only.
type APIToken struct {
	ID      int64      `json:"id"`
	Name    string     `json:"name"`
	Role    string     `json:"role" enum:"viewer,operator,admin"`
	MadeBy  string     `json:"made_by"`
	Created time.Time  `json:"created"`
	Expires time.Time  `json:"expires"`
	Used    *time.Time `json:"used" doc:"Last, to the hour; null if it never was."`
	Erases  *time.Time `json:"may_delete_until" doc:"Until then it may delete usage data; null if it never may."`
	Self    bool       `json:"self" doc:"It is the one that asks."`
}

func (s *Server) tokens(ctx context.Context, in *Paging) (*body[page[APIToken]], error) {
	c := callerOf(ctx)
	all, err := s.Accounts.Tokens(ctx, c.Org)
	if err != nil {
		return nil, err
	}
	return pageOf(all, *in, func(t account.Token) APIToken {
		return APIToken{t.ID, t.Name, string(t.Role), t.MadeBy, t.Created, t.Expires, instant(t.Used), instant(t.Erases), t.ID == c.ID}
	})
}

type tokenInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"100"`
		Role string `json:"role" enum:"viewer,operator,admin"`
		Days int    `json:"days" minimum:"1" maximum:"366" doc:"After so many it ends."`
	}
}

// MadeToken is a token that was made just now.
type MadeToken struct {
	Token string `json:"token" doc:"Nobody can read it again."`
}

func (s *Server) makeToken(ctx context.Context, in *tokenInput) (*body[MadeToken], error) {
	c := callerOf(ctx)
	token, err := s.Accounts.MakeTokenBy(ctx, c.Token, c.address, in.Body.Name, account.Role(in.Body.Role), in.Body.Days)
	if err != nil {
		return nil, err
	}
	return &body[MadeToken]{MadeToken{token}}, nil
}

type tokenID struct {
	ID int64 `path:"id" minimum:"1"`
}

func (s *Server) revokeToken(ctx context.Context, in *tokenID) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Accounts.RevokeToken(ctx, c.actor(), in.ID)
}
