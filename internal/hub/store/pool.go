package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"headroom/internal/hub/ingest"
	"headroom/internal/license"
	"headroom/internal/series"
)

// A poolState is a pool's row.
type poolState struct {
	key      license.Pool
	id       series.PoolID
	vendor   string
	vendorAt int64
	firstAt  int64
	changed  bool // it is to be written
	told     bool // its vendor was told once more: vendorAt at least is to be written

	sharedWith string
	sharedAt   int64
}

// poolIDs returns the hub's numbers for the pools of a batch. A pool that is
// new gets the next one: a server's pools are never deleted one by one.
func (s *serverState) poolIDs(ctx context.Context, tx handle, pools []ingest.Pool) ([]series.PoolID, error) {
	if len(pools) == 0 {
		return nil, nil
	}
	if s.pools == nil {
		if err := s.loadPools(ctx, tx); err != nil {
			return nil, fmt.Errorf("read pools: %w", err)
		}
	}
	ids := make([]series.PoolID, len(pools))
	for i := range pools {
		p := &pools[i]
		row := s.pools[p.Key]
		if row == nil {
			row = &poolState{key: p.Key, id: series.PoolID(len(s.pools) + 1), changed: true}
			s.pools[p.Key] = row
		}
		ids[i] = row.id
		if first := millis(p.First); first != 0 && (row.firstAt == 0 || first < row.firstAt) {
			row.firstAt, row.changed = first, true
		}
		switch at := millis(p.VendorAt); {
		case at > row.vendorAt && p.Vendor == row.vendor:
			row.vendorAt, row.told = at, true
		case at > row.vendorAt, at == row.vendorAt && p.Vendor > row.vendor:
			row.vendor, row.vendorAt, row.changed = p.Vendor, at, true
		}
		if at := millis(p.SharedAt); at > row.sharedAt || at == row.sharedAt && p.SharedWith > row.sharedWith {
			row.sharedWith, row.sharedAt, row.changed = p.SharedWith, at, true
		}
	}
	return ids, nil
}

func (s *serverState) loadPools(ctx context.Context, tx handle) error {
	s.pools = map[license.Pool]*poolState{}
	rows, err := tx.QueryContext(ctx, `
		SELECT pool_id, feature, daemon, variant, vendor, vendor_at, first_at, shared_with, shared_at
		FROM pool WHERE org_id = $1 AND server_id = $2`, s.org, s.id)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		p := new(poolState)
		if err := rows.Scan(&p.id, &p.key.Feature, &p.key.Daemon, &p.key.Variant, &p.vendor, &p.vendorAt, &p.firstAt, &p.sharedWith, &p.sharedAt); err != nil {
			return err
		}
		s.pools[p.key] = p
	}
	return rows.Err()
}

// savePools writes the pools that are new or have changed. Nearly every batch
// tells the vendors of all pools once more, at one instant, and nothing else:
// pools whose numbers follow each other share a statement then.
func (s *serverState) savePools(ctx context.Context, tx handle) error {
	pools := slices.SortedFunc(maps.Values(s.pools), func(a, b *poolState) int { return cmp.Compare(a.id, b.id) })
	for len(pools) > 0 {
		p, n := pools[0], 1
		var err error
		switch {
		case p.changed:
			_, err = tx.ExecContext(ctx, `
				INSERT INTO pool (org_id, server_id, pool_id, feature, daemon, variant, vendor, vendor_at, first_at, shared_with, shared_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
				ON CONFLICT (org_id, server_id, pool_id) DO UPDATE
				SET vendor = excluded.vendor, vendor_at = excluded.vendor_at, first_at = excluded.first_at,
					shared_with = excluded.shared_with, shared_at = excluded.shared_at`,
				s.org, s.id, int64(p.id), p.key.Feature, p.key.Daemon, p.key.Variant, p.vendor, p.vendorAt, p.firstAt, p.sharedWith, p.sharedAt)
		case p.told:
			for n < len(pools) && pools[n].told && !pools[n].changed && pools[n].vendorAt == p.vendorAt {
				n++
			}
			_, err = tx.ExecContext(ctx, `
				UPDATE pool SET vendor_at = $5 WHERE org_id = $1 AND server_id = $2 AND pool_id >= $3 AND pool_id <= $4`,
				s.org, s.id, int64(p.id), int64(pools[n-1].id), p.vendorAt)
		}
		if err != nil {
			return fmt.Errorf("keep pool %s: %w", p.key, err)
		}
		pools = pools[n:]
	}
	return nil
}
