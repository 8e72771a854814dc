package usage

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"headroom/internal/catalog"
)

// A CatalogRow is what the catalog and its organisation say of the features of one
// product.
type CatalogRow struct {
	Known   catalog.Product  // by the catalog alone
	Counts  catalog.Product  // what it is by the word of the organisation
	Said    catalog.Override // that word; one without a Key where there is none
	Servers int              // license servers that have it, those that are removed included
}

// Catalog lists what there is on the license servers of an organisation, and what it
// says of features that are on none, by the names of the products.
func (s *Service) Catalog(ctx context.Context, org int64) (rows []CatalogRow, err error) {
	err = s.Store.Snapshot(ctx, func(store Store) error {
		rows, err = s.catalog(ctx, store, org)
		return err
	})
	return rows, err
}

func (s *Service) catalog(ctx context.Context, store Store, org int64) (rows []CatalogRow, err error) {
	e := &estate{now: s.Now()}
	if e.org, err = store.Organisation(ctx, org); err != nil {
		return nil, err
	}
	records, err := store.Servers(ctx, org)
	if err != nil {
		return nil, err
	}
	pools, err := store.Pools(ctx, org)
	if err != nil {
		return nil, err
	}
	said, err := store.Overrides(ctx, org)
	if err != nil {
		return nil, err
	}
	e.list(records)
	byServer := make(map[int64][]Pool)
	for _, p := range pools {
		byServer[p.Server] = append(byServer[p.Server], p)
	}
	listed := make(map[string]bool)
	for _, p := range s.products(e.servers, byServer, nil) {
		listed[p.Key] = true
		rows = append(rows, CatalogRow{p.Product, said.Of(p.Product), said[p.Key], len(perServer(p.lines))})
	}
	for key, o := range said {
		if p, ok := catalog.ByKey(key); ok && !listed[key] {
			rows = append(rows, CatalogRow{p, said.Of(p), o, 0})
		}
	}
	slices.SortFunc(rows, func(a, b CatalogRow) int {
		return cmp.Or(strings.Compare(a.Known.Name, b.Known.Name), strings.Compare(a.Known.Key, b.Known.Key))
	})
	return rows, nil
}
