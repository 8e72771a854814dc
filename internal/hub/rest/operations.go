package rest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
)

// nothing is the input of an operation that has none.
type nothing struct{}

// A body is an answer.
type body[T any] struct{ Body T }

// A page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Total int    `json:"total" doc:"How many there are on all pages."`
	Next  string `json:"next,omitempty" doc:"Give it as cursor to get the next page; not there on the last one."`
}

// Paging chooses a page of a list.
type Paging struct {
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"Items of a page at most."`
	Cursor string `query:"cursor" maxLength:"20" doc:"next of the page before."`
}

// pageOf cuts the page out of a list, and writes down what is on it.
func pageOf[T, U any](all []T, p Paging, write func(T) U) (*body[page[U]], error) {
	from := 0
	if p.Cursor != "" {
		n, err := strconv.Atoi(p.Cursor)
		if err != nil || n < 0 {
			return nil, fault.Errorf(fault.Invalid, "the cursor %.20q is none that this list gave", p.Cursor)
		}
		from = min(n, len(all))
	}
	to := min(from+p.Limit, len(all))
	out := page[U]{Items: make([]U, 0, to-from), Total: len(all)}
	for _, one := range all[from:to] {
		out.Items = append(out.Items, write(one))
	}
	if to < len(all) {
		out.Next = strconv.Itoa(to)
	}
	return &body[page[U]]{out}, nil
}

// Asked chooses a product, and what of it.
type Asked struct {
	Product string    `path:"product" maxLength:"300" doc:"Its key."`
	Servers []string  `query:"server,explode" maxItems:"1000" doc:"GUIDs of license servers; none: all."`
	From    time.Time `query:"from" doc:"Not there, or before the first record: the day of that record."`
	To      time.Time `query:"to" doc:"Not there, or later: now."`
}

func (a *Asked) question(step usage.Step) usage.Question {
	return usage.Question{Product: a.Product, Servers: a.Servers, From: a.From, To: a.To, Step: step}
}

// add registers an operation that a token with a role may ask for.
func add[I, O any](s *Server, api huma.API, least account.Role, method, path, id, summary string, handle func(context.Context, *I) (*O, error)) {
	op := huma.Operation{
		OperationID: id, Method: method, Path: Prefix + path, Summary: summary, MaxBodyBytes: maxBody,
		Metadata: map[string]any{leastRole: least},
		Errors:   []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError},
	}
	op.Description = "Needs the role " + string(least) + "."
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// register registers all operations.
func (s *Server) register(api huma.API) {
	get, post := http.MethodGet, http.MethodPost
	add(s, api, account.Viewer, get, "/organisation", "get-organisation", "The organisation that the token is of", s.organisation)
	add(s, api, account.Viewer, get, "/servers", "list-servers", "License servers, by name", s.servers)
	add(s, api, account.Viewer, get, "/servers/{guid}", "get-server", "A license server", s.server)
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
	add(s, api, account.Admin, http.MethodDelete, "/registrations/{id}", "remove-registration", "Remove a registration; usage data stay", s.remove)
	add(s, api, account.Admin, get, "/audit", "list-audit", "Who did what, newest first", s.audit)
}

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

type guid struct {
	GUID string `path:"guid" maxLength:"64"`
}

func (s *Server) server(ctx context.Context, in *guid) (*body[LicenseServer], error) {
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

func (s *Server) update(ctx context.Context, in *guid) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Registrations.AskUpload(ctx, c.actor(), in.GUID)
}

func newProduct(p catalog.Product) Product {
	return Product{Key: p.Key, Name: p.Name, Edition: p.Edition, Model: string(p.Model), Daemon: p.Daemon}
}

func (s *Server) products(ctx context.Context, in *Paging) (*body[page[ProductUse]], error) {
	o, err := s.Usage.Overview(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return pageOf(o.Cards, *in, func(c usage.Card) ProductUse {
		return ProductUse{Product: newProduct(c.Product), Risk: string(c.Risk), Current: newCurrent(c.Now), Peaks: newPeaks(c.Peaks), Servers: c.Servers}
	})
}

type productInput struct {
	Asked
	Explain bool `query:"explain" doc:"Say how the peak of the span comes about."`
}

func (s *Server) product(ctx context.Context, in *productInput) (*body[Details], error) {
	d, err := s.Usage.Details(ctx, callerOf(ctx).Org, in.question(""))
	if err != nil {
		return nil, err
	}
	out := Details{
		Product: newProduct(d.Product), From: instant(d.Question.From), To: instant(d.Question.To), Current: newCurrent(d.Now),
		Peaks: newPeaks(d.Peaks), Peak: newPeak(d.Peak), Servers: make([]ServerPart, 0, len(d.Servers)),
	}
	for _, u := range d.Servers {
		out.Servers = append(out.Servers, ServerPart{newServer(u.Server), list(u.Pools), newCurrent(u.Now), newPeak(u.Peak), count(u.Share)})
	}
	if in.Explain {
		out.Explain = explain(d)
	}
	return &body[Details]{out}, nil
}

// explain says how the peak of the span comes about.
func explain(d usage.Details) *Explanation {
	e := &Explanation{
		Rule: "The peak is the highest sum, over the license servers and pools, of what was in use in the same second. " +
			"A reading holds until the next one, for as long as its source is trusted; what is unknown is not in the sum.",
		Parts: []PeakShare{},
	}
	if d.Peak.Known {
		for _, u := range d.Servers {
			e.Parts = append(e.Parts, PeakShare{Server: u.Server.GUID, Name: u.Server.Name, InUse: count(u.Share)})
		}
	}
	return e
}

type trendInput struct {
	Asked
	Step string `query:"step" default:"day" enum:"day,month,year"`
}

// Trend is a product step by step.
type Trend struct {
	Product
	Steps []Step `json:"steps"`
}

func (s *Server) trend(ctx context.Context, in *trendInput) (*body[Trend], error) {
	d, err := s.Usage.Details(ctx, callerOf(ctx).Org, in.question(usage.Step(in.Step)))
	if err != nil {
		return nil, err
	}
	out := Trend{Product: newProduct(d.Product), Steps: make([]Step, 0, len(d.Trend))}
	for _, b := range d.Trend {
		out.Steps = append(out.Steps, newStep(b))
	}
	return &body[Trend]{out}, nil
}

// Week is a product by weekday and hour.
type Week struct {
	Product
	Zone  string `json:"zone" doc:"The hours are those of its clock."`
	Hours []Hour `json:"hours" doc:"Monday first."`
}

func (s *Server) week(ctx context.Context, in *Asked) (*body[Week], error) {
	w, err := s.Usage.Week(ctx, callerOf(ctx).Org, in.question(""))
	if err != nil {
		return nil, err
	}
	out := Week{Product: newProduct(w.Product), Zone: w.Organisation.Zone.String()}
	for n := range 7 {
		day := time.Weekday((n + 1) % 7)
		for hour, cell := range w.Heat[day] {
			out.Hours = append(out.Hours, Hour{day.String(), hour, newPeak(cell.Peak), count(cell.P95)})
		}
	}
	return &body[Week]{out}, nil
}

// ListInput chooses a page of what there is of a product.
type ListInput struct {
	Asked
	Paging
}

func (s *Server) assignments(ctx context.Context, in *ListInput) (*body[page[Assignment]], error) {
	a, err := s.Usage.Activity(ctx, callerOf(ctx).Org, in.question(""))
	if err != nil {
		return nil, err
	}
	return pageOf(a.Rows, in.Paging, newAssignment)
}

type checkoutsInput struct {
	ListInput
	Kind string `query:"kind" enum:"active,borrowed,linger,reserved,queued" doc:"Not there: all."`
}

func (s *Server) checkouts(ctx context.Context, in *checkoutsInput) (*body[page[Checkout]], error) {
	c, err := s.Usage.Checkouts(ctx, callerOf(ctx).Org, in.question(""))
	if err != nil {
		return nil, err
	}
	rows := c.Rows
	if in.Kind != "" {
		rows = nil
		for _, r := range c.Rows {
			if r.Kind == license.HolderKind(in.Kind) {
				rows = append(rows, r)
			}
		}
	}
	return pageOf(rows, in.Paging, newCheckout)
}

func (s *Server) denials(ctx context.Context, in *ListInput) (*body[page[Denial]], error) {
	d, err := s.Usage.Denials(ctx, callerOf(ctx).Org, in.question(""))
	if err != nil {
		return nil, err
	}
	return pageOf(d.Rows, in.Paging, newDenial)
}

func (s *Server) registrations(ctx context.Context, in *Paging) (*body[page[Agent]], error) {
	all, err := s.Registrations.List(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return pageOf(all, *in, newAgent)
}

type approveInput struct {
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"32" doc:"The code that the agent shows."`
	}
}

func (s *Server) approve(ctx context.Context, in *approveInput) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Registrations.Approve(ctx, c.actor(), in.Body.Code)
}

type agentID struct {
	ID int64 `path:"id" minimum:"1"`
}

func (s *Server) remove(ctx context.Context, in *agentID) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Registrations.Remove(ctx, c.actor(), in.ID)
}

type auditInput struct {
	Act     string    `query:"act" maxLength:"40"`
	Who     string    `query:"who" maxLength:"254" doc:"A part of the name of who did it."`
	Subject string    `query:"on" maxLength:"254" doc:"A part of what it was done to."`
	From    time.Time `query:"from"`
	To      time.Time `query:"to"`
	Before  int64     `query:"before" minimum:"0" doc:"Only entries with a lower number: the last of the page before."`
	Limit   int       `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

// AuditLog is a part of the audit log.
type AuditLog struct {
	Items []Entry `json:"items"`
}

func (s *Server) audit(ctx context.Context, in *auditInput) (*body[AuditLog], error) {
	all, err := s.Audit.Entries(ctx, callerOf(ctx).Org, audit.Query{
		Act: audit.Act(in.Act), Who: in.Who, Subject: in.Subject, From: in.From, To: in.To, Before: in.Before, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := AuditLog{Items: make([]Entry, 0, len(all))}
	for _, e := range all {
		out.Items = append(out.Items, newEntry(e))
	}
	return &body[AuditLog]{out}, nil
}
