package rest

import (
	"context"
	"time"

	"headroom/internal/hub/registration"
	"headroom/internal/license"
)

func (s *Server) registrations(ctx context.Context, in *Paging) (*body[page[Agent]], error) {
	all, err := s.Registrations.List(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return pageOf(all, *in, newAgent)
}

type codeInput struct {
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"32" doc:"The code that the agent shows."`
	}
}

func (s *Server) approve(ctx context.Context, in *codeInput) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Registrations.Approve(ctx, c.actor(), in.Body.Code)
}

func (s *Server) refuseCode(ctx context.Context, in *codeInput) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Registrations.Refuse(ctx, c.actor(), in.Body.Code)
}

// Joining is what shows a code.
type Joining struct {
	Host     string          `json:"host"`
	Platform string          `json:"platform"`
	Version  string          `json:"version"`
	Address  string          `json:"address" doc:"From which the request came."`
	Asked    time.Time       `json:"asked"`
	Expires  time.Time       `json:"expires"`
	Words    []string        `json:"words" doc:"Six words, which stand on the license server's screen too."`
	Known    bool            `json:"known" doc:"The agent or one of its license servers was registered before: it keeps its identity and its history."`
	Servers  []JoiningServer `json:"license_servers"`
}

// JoiningServer is a license server as its agent describes it.
type JoiningServer struct {
	GUID    string   `json:"guid"`
	Name    string   `json:"name"`
	Hosts   []string `json:"hosts"`
	Manager string   `json:"manager"`
	Version string   `json:"version"`
}

func newJoiningServer(s license.Server) JoiningServer {
	return JoiningServer{GUID: s.GUID, Name: s.Name, Hosts: list(s.Hosts), Manager: s.Manager, Version: s.Version}
}

func (s *Server) review(ctx context.Context, in *codeInput) (*body[Joining], error) {
	c := callerOf(ctx)
	r, err := s.Registrations.Review(ctx, c.actor(), in.Body.Code)
	if err != nil {
		return nil, err
	}
	out := Joining{
		Host: r.Host, Platform: r.Platform, Version: r.Version, Address: r.Address, Asked: r.Asked.UTC(), Expires: r.Expires.UTC(),
		Words: list(r.Words), Known: r.Again, Servers: []JoiningServer{},
	}
	for _, one := range r.Servers {
		out.Servers = append(out.Servers, newJoiningServer(one))
	}
	return &body[Joining]{out}, nil
}

// Approval is a registration that is not finished.
type Approval struct {
	ID         string    `json:"id"`
	Host       string    `json:"host"`
	State      string    `json:"state" enum:"approved,refused,expired,waiting"`
	Asked      time.Time `json:"asked"`
	Expires    time.Time `json:"expires"`
	ApprovedBy string    `json:"approved_by"`
	Words      []string  `json:"words"`
}

func newApproval(r registration.Standing) Approval {
	return Approval{r.ID, r.Host, string(r.State), r.Asked.UTC(), r.Expires.UTC(), r.ApprovedBy, list(r.Words)}
}

func (s *Server) approvals(ctx context.Context, in *Paging) (*body[page[Approval]], error) {
	all, err := s.Registrations.Standing(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return pageOf(all, *in, newApproval)
}

type approvalID struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) withdraw(ctx context.Context, in *approvalID) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Registrations.Withdraw(ctx, c.actor(), in.ID)
}

// PendingServer is a license server that waits to be let in.
type PendingServer struct {
	JoiningServer
	Agent   string `json:"agent" doc:"The machine whose agent names it."`
	AgentID int64  `json:"registration"`
}

func (s *Server) pending(ctx context.Context, in *Paging) (*body[page[PendingServer]], error) {
	all, err := s.Registrations.Pending(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return pageOf(all, *in, func(p registration.PendingServer) PendingServer {
		return PendingServer{newJoiningServer(p.Server), p.Host, p.Agent}
	})
}

func (s *Server) approveServer(ctx context.Context, in *ServerID) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Registrations.ApproveServer(ctx, c.actor(), in.GUID)
}

type agentID struct {
	ID int64 `path:"id" minimum:"1"`
}

func (s *Server) remove(ctx context.Context, in *agentID) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Registrations.Remove(ctx, c.actor(), in.ID)
}
