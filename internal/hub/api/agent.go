package api

import (
	"context"
	"encoding/base64"
	"strconv"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/registration"
	"headroom/internal/license"
	"headroom/internal/wire"
)

func (s *Server) postRegistration(c *call) (any, error) {
	var q wire.RegistrationRequest
	if err := c.read(&q); err != nil {
		return nil, err
	}
	key, err := base64.RawURLEncoding.DecodeString(q.PublicKey)
	if err != nil {
		return nil, err
	}
	issued, err := s.Registrar.Request(c.ctx, registration.Request{
		AgentGUID: q.AgentGUID, KeyID: c.keyID, PublicKey: key, Host: q.Host, Platform: q.Platform,
		Version: q.Version, Address: c.address(), Servers: servers(q.Servers),
	})
	if err != nil {
		return nil, err
	}
	return wire.Registration{
		ID: issued.ID, Code: issued.Code, Visit: s.Visit, Poll: seconds(issued.Poll), Expires: issued.Expires.Unix(),
	}, nil
}

func (s *Server) getRegistration(c *call) (any, error) {
	p, err := s.Registrar.Poll(c.ctx, c.req.PathValue("id"), c.keyID)
	if err != nil {
		return nil, err
	}
	return wire.RegistrationState{
		State: string(p.State), OrganisationID: p.OrganisationID, OrganisationName: p.OrganisationName,
		ApprovedBy: p.ApprovedBy, Poll: seconds(p.Poll),
	}, nil
}

// postConfirmation answers with the state that the confirmation led to.
func (s *Server) postConfirmation(c *call) (any, error) {
	var q wire.Confirmation
	if err := c.read(&q); err != nil {
		return nil, err
	}
	if err := s.Registrar.Confirm(c.ctx, c.req.PathValue("id"), c.keyID, q.OrganisationID, q.Accept, c.address()); err != nil {
		return nil, err
	}
	state := wire.RegistrationRefused
	if q.Accept {
		state = wire.RegistrationConfirmed
	}
	return wire.RegistrationState{State: state, Poll: seconds(s.PollEvery)}, nil
}

// deleteSelf wants a signature that was surely made since the agent was
// registered: an older one may be a replay from before.
func (s *Server) deleteSelf(c *call) (any, error) {
	if !c.after(c.agent.Registered) {
		return nil, s.stale(c.keyID)
	}
	if err := s.Registrar.RemoveSelf(c.ctx, c.agent, c.address()); err != nil {
		return nil, err
	}
	return struct{}{}, nil
}

func (s *Server) putBatch(c *call) (any, error) {
	epoch := c.req.PathValue("epoch")
	seq, err := strconv.ParseUint(c.req.PathValue("seq"), 10, 63)
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "sequence %.40q is not a number", c.req.PathValue("seq"))
	}
	receipt, err := s.Taker.Take(c.ctx, ingest.Agent{Org: c.agent.Org, ID: c.agent.ID}, epoch, seq, c.body)
	if fault.KindOf(err) == fault.Conflict {
		s.Log.Warn("cloned or rolled back agent", "agent", c.agent.ID, "host", c.agent.Host, "epoch", epoch, "batch", seq)
		return nil, &typed{problem: wire.ProblemFork, error: err}
	}
	if err != nil {
		return nil, err
	}
	return receipt, nil
}

func (s *Server) postPoll(c *call) (any, error) {
	var q wire.PollRequest
	if err := c.read(&q); err != nil {
		return nil, err
	}
	heard, err := s.Registrar.Contact(c.ctx, c.agent, registration.Contact{
		At: s.Now(), Version: q.Version, Clock: c.clock, Servers: servers(q.Servers),
	})
	if err != nil {
		return nil, err
	}
	answer := wire.PollAnswer{Servers: make(map[string]string, len(heard.Servers)), Poll: seconds(s.PollEvery)}
	for guid, state := range heard.Servers {
		answer.Servers[guid] = string(state)
	}
	if heard.Upload {
		answer.Wants = append(answer.Wants, wire.WantUpload)
	}
	if answer.Witness, err = s.witness(c.ctx, c.agent.Org); err != nil {
		return nil, err
	}
	answer.Complete, err = s.Taker.Complete(c.ctx, ingest.Agent{Org: c.agent.Org, ID: c.agent.ID})
	return answer, err
}

// witness is where the audit log of an organisation ends; nil before its first
// entry.
func (s *Server) witness(ctx context.Context, org int64) (*wire.Witness, error) {
	w, err := s.Notary.Witness(ctx, org)
	if err != nil || w.Seq == 0 {
		return nil, err
	}
	return &wire.Witness{Organisation: w.Organisation, Entries: w.Seq, Head: w.Head.String(), At: w.At.Unix(), Signature: w.Signature}, nil
}

// servers says in the hub's words what an agent says about its servers.
func servers(infos []wire.ServerInfo) []license.Server {
	all := make([]license.Server, len(infos))
	for i, s := range infos {
		all[i] = license.Server{
			GUID: s.GUID, Name: s.Name, Hosts: s.Hosts, Port: s.Port, HostID: s.HostID, Manager: s.Manager, Version: s.Version,
		}
	}
	return all
}

// seconds rounds up: an agent that waits so long never asks too soon.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
