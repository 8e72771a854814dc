package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"headroom/internal/hub/account"
)

// add registers an operation that a token with a role may ask for. Changes alter what
// the document says of it.
func add[I, O any](s *Server, api huma.API, least account.Role, method, path, id, summary string, handle func(context.Context, *I) (*O, error), changes ...func(*huma.Operation)) {
	op := huma.Operation{
		OperationID: id, Method: method, Path: Prefix + path, Summary: summary, MaxBodyBytes: maxBody,
		Metadata: map[string]any{leastRole: least},
		Errors: []int{
			http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge,
			http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
		},
	}
	op.Description = "Needs the role " + string(least) + "."
	for _, change := range changes {
		change(&op)
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// described adds to what the document says of an operation.
func described(text string) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Description += " " + text }
}

// withErrors adds to the errors that an operation may answer with.
func withErrors(statuses ...int) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Errors = append(o.Errors, statuses...) }
}

// created says that an operation answers with what it has made.
func created(o *huma.Operation) { o.DefaultStatus = http.StatusCreated }

// register registers all operations.
func (s *Server) register(api huma.API) {
	get, post, put, del := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	add(s, api, account.Viewer, get, "/organisation", "get-organisation", "The organisation that the token is of", s.organisation)
	add(s, api, account.Viewer, get, "/servers", "list-servers", "License servers, by name", s.servers)
	add(s, api, account.Viewer, get, "/servers/{guid}", "get-server", "A license server", s.server)
	add(s, api, account.Admin, del, "/servers/{guid}/usage", "delete-usage", "Delete the usage data of a license server for good", s.deleteUsage, described(
		"It takes a token that an administrator made in the console with the right to delete usage data: that lasts an hour. "+
			"The license server's name has to be given as it stands here. What is deleted does not come back; a license server that is still registered is collected anew."))
	add(s, api, account.Admin, post, "/servers/{guid}/acknowledge", "acknowledge-server", "Take note that a license server is silent", s.acknowledge)
	add(s, api, account.Operator, post, "/servers/{guid}/update", "update-server", "Ask a license server's agent for an update now", s.update)
	add(s, api, account.Viewer, get, "/products", "list-products", "Products with their present use and peaks, worst risk first", s.products)
	add(s, api, account.Viewer, get, "/products/{product}", "get-product", "A product on chosen license servers, with the part of each", s.product)
	add(s, api, account.Viewer, get, "/products/{product}/trend", "get-trend", "Use of a product step by step, oldest first", s.trend)
	add(s, api, account.Viewer, get, "/products/{product}/week", "get-week", "Use of a product by weekday and hour", s.week)
	add(s, api, account.Viewer, get, "/products/{product}/assignments", "list-assignments", "Users and devices to whom licenses are assigned", s.assignments)
	add(s, api, account.Viewer, get, "/products/{product}/checkouts", "list-checkouts", "Who holds licenses now", s.checkouts)
	add(s, api, account.Viewer, get, "/products/{product}/denials", "list-denials", "Who was refused, newest day first", s.denials)
	add(s, api, account.Viewer, get, "/registrations", "list-registrations", "Agents that may send, and those that were removed", s.registrations)
	add(s, api, account.Operator, post, "/registrations", "approve-registration", "Approve the agent that shows a code", s.approve)
	add(s, api, account.Admin, del, "/registrations/{id}", "remove-registration", "Remove a registration; usage data stay", s.remove)
	add(s, api, account.Operator, post, "/registrations/review", "review-registration", "What is joining with a code, before saying yes or no", s.review)
	add(s, api, account.Operator, post, "/registrations/refuse", "refuse-registration", "Say no to the agent that shows a code", s.refuseCode)
	add(s, api, account.Viewer, get, "/approvals", "list-approvals", "Registrations that are approved and not confirmed, and that ended without an agent lately", s.approvals)
	add(s, api, account.Operator, del, "/approvals/{id}", "withdraw-approval", "Take back an approval that its license server has not confirmed", s.withdraw)
	add(s, api, account.Viewer, get, "/pending-servers", "list-pending-servers", "License servers that agents named after they were registered", s.pending)
	add(s, api, account.Operator, post, "/pending-servers/{guid}/approve", "approve-server", "Let such a license server in", s.approveServer)
	add(s, api, account.Admin, get, "/settings", "get-settings", "The settings of the organisation", s.settings)
	add(s, api, account.Admin, put, "/settings", "change-settings", "Change the settings of the organisation", s.changeSettings, described(
		"With If-Match, the ETag of the settings as they were read, nothing is changed that somebody else has changed meanwhile: that is 412."), withErrors(http.StatusPreconditionFailed))
	add(s, api, account.Viewer, get, "/catalog", "list-catalog", "Features and the products as which they count", s.catalog)
	add(s, api, account.Admin, put, "/catalog/{key}", "set-catalog", "Say what a feature counts as, instead of the catalog", s.setCatalog)
	add(s, api, account.Admin, del, "/catalog/{key}", "reset-catalog", "Take back what was said of a feature", s.resetCatalog)
	add(s, api, account.Admin, get, "/members", "list-members", "Who may sign in", s.members)
	add(s, api, account.Admin, put, "/members/{id}/role", "change-role", "Give a member another role", s.changeRole)
	add(s, api, account.Admin, del, "/members/{id}", "remove-member", "Remove a member, who is signed out everywhere", s.removeMember)
	add(s, api, account.Admin, get, "/invitations", "list-invitations", "Invitations that stand", s.invitations)
	add(s, api, account.Admin, post, "/invitations", "invite", "Invite somebody; the link is told this once", s.invite, created)
	add(s, api, account.Admin, del, "/invitations/{id}", "withdraw-invitation", "Take an invitation back", s.uninvite)
	add(s, api, account.Admin, get, "/tokens", "list-tokens", "Tokens of programs", s.tokens)
	add(s, api, account.Admin, post, "/tokens", "make-token", "Make a token, which is told this once", s.makeToken, created, described(
		"It ends when the token that asks does, or before. It may not delete usage data."))
	add(s, api, account.Admin, del, "/tokens/{id}", "revoke-token", "Revoke a token", s.revokeToken)
	add(s, api, account.Admin, get, "/audit", "list-audit", "Who did what, newest first", s.audit)
	add(s, api, account.Admin, get, "/audit/head", "get-audit-head", "The end of the audit log, signed, for whoever keeps it as a witness", s.auditHead)
}
