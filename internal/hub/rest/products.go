package rest

import (
	"context"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
)

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

func newProduct(p catalog.Product) Product {
	return Product{Key: p.Key, Name: p.Name, Edition: p.Edition, Model: string(p.Model), Daemon: p.Daemon, Hidden: p.Hidden}
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
