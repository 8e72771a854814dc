package rest

import (
	"context"

	"headroom/internal/fault"
	"headroom/internal/hub/usage"
)

func (s *Server) organisation(ctx context.Context, _ *nothing) (*body[Organisation], error) {
	o, err := s.Accounts.Organisation(ctx, callerOf(ctx).Org)
	return &body[Organisation]{newOrganisation(o)}, err
}

func (s *Server) servers(ctx context.Context, in *Paging) (*body[page[LicenseServer]], error) {
	all, err := s.Usage.Servers(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return pageOf(all, *in, newServer)
}

// ServerID names a license server.
type ServerID struct {
	GUID string `path:"guid" maxLength:"64"`
}

func (s *Server) server(ctx context.Context, in *ServerID) (*body[LicenseServer], error) {
	all, err := s.Usage.Servers(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if one.GUID == in.GUID {
			return &body[LicenseServer]{newServer(one)}, nil
		}
	}
	return nil, fault.Errorf(fault.NotFound, "there is no license server %q", in.GUID)
}

func (s *Server) update(ctx context.Context, in *ServerID) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Registrations.AskUpload(ctx, c.actor(), in.GUID)
}

func (s *Server) acknowledge(ctx context.Context, in *ServerID) (*nothing, error) {
	c := callerOf(ctx)
	one, err := s.server(ctx, in)
	if err != nil {
		return nil, err
	}
	if one.Body.Status != string(usage.Silent) {
		return nil, fault.Errorf(fault.Conflict, "this license server is not silent: its status is %s", one.Body.Status)
	}
	return nil, s.Registrations.Acknowledge(ctx, c.actor(), in.GUID)
}

type deleteInput struct {
	ServerID
	Name string `query:"name" required:"true" minLength:"1" maxLength:"300" doc:"The name of the license server, typed as it stands in the list: it cannot be the wrong one then."`
}

// deleteUsage deletes for good. The name has to be given as the console wants it typed;
// for having signed in just now stands a token that was made for it.
func (s *Server) deleteUsage(ctx context.Context, in *deleteInput) (*nothing, error) {
	c := callerOf(ctx)
	one, err := s.server(ctx, &in.ServerID)
	if err != nil {
		return nil, err
	}
	if one.Body.Name != in.Name {
		return nil, fault.Errorf(fault.Invalid, "the license server with this GUID is not called %.300q; nothing was deleted", in.Name)
	}
	return nil, s.Erasure.DeleteByToken(ctx, c.actor(), in.GUID, c.Erases)
}
