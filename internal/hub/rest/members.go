package rest

import (
	"context"
	"time"

	"headroom/internal/hub/account"
)

// Member is somebody who may sign in.
type Member struct {
	ID     int64      `json:"id"`
	Email  string     `json:"email"`
	Name   string     `json:"name"`
	Role   string     `json:"role" enum:"viewer,operator,admin"`
	Joined time.Time  `json:"joined"`
	Seen   *time.Time `json:"seen" doc:"The last request while signed in somewhere; null while not."`
}

func newMember(m account.Membership) Member {
	return Member{m.ID, m.Email, m.Name, string(m.Role), m.Joined, instant(m.Seen)}
}

func (s *Server) members(ctx context.Context, in *Paging) (*body[page[Member]], error) {
	all, err := s.Accounts.Members(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return pageOf(all, *in, newMember)
}

// MemberID names a member.
type MemberID struct {
	ID int64 `path:"id" minimum:"1"`
}

type roleInput struct {
	MemberID
	Body struct {
		Role string `json:"role" enum:"viewer,operator,admin"`
	}
}

func (s *Server) changeRole(ctx context.Context, in *roleInput) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Accounts.SetRole(ctx, c.actor(), in.ID, account.Role(in.Body.Role))
}

func (s *Server) removeMember(ctx context.Context, in *MemberID) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Accounts.RemoveMember(ctx, c.actor(), in.ID)
}

// Invitation lets somebody become a member.
type Invitation struct {
	ID        int64     `json:"id"`
	Email     string    `json:"email"`
	Role      string    `json:"role" enum:"viewer,operator,admin"`
	InvitedBy string    `json:"invited_by"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"`
}

func newInvitation(i account.Invitation) Invitation {
	return Invitation{i.ID, i.Email, string(i.Role), i.InvitedBy, i.Created, i.Expires}
}

func (s *Server) invitations(ctx context.Context, in *Paging) (*body[page[Invitation]], error) {
	all, err := s.Accounts.Invitations(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return pageOf(all, *in, newInvitation)
}

type inviteInput struct {
	Body struct {
		Email string `json:"email" minLength:"3" maxLength:"254"`
		Role  string `json:"role" enum:"viewer,operator,admin"`
	}
}

// InvitationLink is where somebody who is invited joins.
type InvitationLink struct {
	Link string `json:"link" doc:"It works once, for a week. Nobody can read it again."`
}

// invitePath, and a token, is the page of the console at which somebody joins.
const invitePath = "/invite/"

func (s *Server) invite(ctx context.Context, in *inviteInput) (*body[InvitationLink], error) {
	c := callerOf(ctx)
	token, err := s.Accounts.Invite(ctx, c.actor(), in.Body.Email, account.Role(in.Body.Role))
	if err != nil {
		return nil, err
	}
	return &body[InvitationLink]{InvitationLink{s.URL + invitePath + token}}, nil
}

func (s *Server) uninvite(ctx context.Context, in *MemberID) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Accounts.Uninvite(ctx, c.actor(), in.ID)
}
