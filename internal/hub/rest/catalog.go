package rest

import (
	"context"

	"headroom/internal/catalog"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/usage"
)

// Catalog changes what an organisation says of features instead of the catalog; see
// override.Service.
type Catalog interface {
	Set(ctx context.Context, actor audit.Actor, o catalog.Override) error
	Drop(ctx context.Context, actor audit.Actor, key string) error
}

// CatalogEntry is a feature and what it counts as.
type CatalogEntry struct {
	Key     string  `json:"key" doc:"Of the product that the catalog makes of the feature."`
	Known   Product `json:"known" doc:"By the catalog alone."`
	Counts  Product `json:"counts" doc:"By the word of the organisation: what figures are of."`
	Said    *Saying `json:"said,omitempty" doc:"That word; not there where the catalog counts."`
	Servers int     `json:"license_servers" doc:"That have it."`
}

// Saying is what an organisation says of a feature instead of the catalog.
type Saying struct {
	Into    string `json:"into,omitempty" maxLength:"300" doc:"Key of the product as which it counts, whose pools are added to its own. Then nothing else may be said."`
	Name    string `json:"name,omitempty" maxLength:"100"`
	Edition string `json:"edition,omitempty" maxLength:"100"`
	Model   string `json:"model,omitempty" enum:"concurrent,user/device,named user,node-locked,server,uncounted,token"`
	Hidden  bool   `json:"hidden,omitempty" doc:"It has no place among the others: a list of products does not have it."`
}

func newCatalogEntry(row usage.CatalogRow) CatalogEntry {
	e := CatalogEntry{Key: row.Known.Key, Known: newProduct(row.Known), Counts: newProduct(row.Counts), Servers: row.Servers}
	if o := row.Said; o.Key != "" {
		e.Said = &Saying{o.Into, o.Name, o.Edition, string(o.Model), o.Hidden}
	}
	return e
}

func (s *Server) catalog(ctx context.Context, in *Paging) (*body[page[CatalogEntry]], error) {
	all, err := s.Usage.Catalog(ctx, callerOf(ctx).Org)
	if err != nil {
		return nil, err
	}
	return pageOf(all, *in, newCatalogEntry)
}

type catalogKey struct {
	Key string `path:"key" maxLength:"300"`
}

type sayingInput struct {
	Key  string `path:"key" maxLength:"300"`
	Body Saying
}

func (s *Server) setCatalog(ctx context.Context, in *sayingInput) (*nothing, error) {
	c, b := callerOf(ctx), in.Body
	return nil, s.Catalog.Set(ctx, c.actor(), catalog.Override{
		Key: in.Key, Into: b.Into, Name: b.Name, Edition: b.Edition, Model: catalog.Model(b.Model), Hidden: b.Hidden,
	})
}

func (s *Server) resetCatalog(ctx context.Context, in *catalogKey) (*nothing, error) {
	c := callerOf(ctx)
	return nil, s.Catalog.Drop(ctx, c.actor(), in.Key)
}
