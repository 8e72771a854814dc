package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/override"
)

// Overrides implements usage.Store.
func (db reader) Overrides(ctx context.Context, org int64) (catalog.Overrides, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT product, into_product, name, edition, model, hidden FROM catalog_override WHERE org_id = $1`, org)
	if err != nil {
		return nil, fmt.Errorf("read the catalog of organisation %d: %w", org, err)
	}
	defer rows.Close()
	all := catalog.Overrides{}
	for rows.Next() {
		var o catalog.Override
		var hidden int
		if err := rows.Scan(&o.Key, &o.Into, &o.Name, &o.Edition, &o.Model, &hidden); err != nil {
			return nil, fmt.Errorf("read the catalog of organisation %d: %w", org, err)
		}
		o.Hidden = hidden != 0
		all[o.Key] = o
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the catalog of organisation %d: %w", org, err)
	}
	return all, db.mustExist(ctx, org, len(all))
}

// SetOverride implements override.Store.
func (db *DB) SetOverride(ctx context.Context, o catalog.Override, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if err := turnCatalog(ctx, tx, e.Org); err != nil {
			return err
		}
		if err := placeable(ctx, tx, o, e.Org); err != nil {
			return err
		}
		hidden := 0
		if o.Hidden {
			hidden = 1
		}
		res, err := tx.ExecContext(ctx, `
			INSERT INTO catalog_override (org_id, product, into_product, name, edition, model, hidden) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (org_id, product) DO UPDATE SET into_product = excluded.into_product, name = excluded.name, edition = excluded.edition,
				model = excluded.model, hidden = excluded.hidden
			WHERE catalog_override.into_product <> excluded.into_product OR catalog_override.name <> excluded.name OR
				catalog_override.edition <> excluded.edition OR catalog_override.model <> excluded.model OR catalog_override.hidden <> excluded.hidden`,
			e.Org, o.Key, o.Into, o.Name, o.Edition, string(o.Model), hidden)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("change the catalog of organisation %d: %w", e.Org, err)
	}
	return nil
}

// turnCatalog takes the organisation's row, so that nobody else changes its catalog
// until the transaction ends, and makes hub processes read it again.
func turnCatalog(ctx context.Context, tx *sql.Tx, org int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE organisation SET catalog = catalog + 1 WHERE org_id = $1`, org)
	return err
}

// placeable says why an override does not go with the others.
func placeable(ctx context.Context, tx *sql.Tx, o catalog.Override, org int64) error {
	var all, away, onto int
	err := tx.QueryRowContext(ctx, `
		SELECT COUNT(*), COUNT(CASE WHEN product = $2 AND into_product <> '' THEN 1 END), COUNT(CASE WHEN into_product = $3 THEN 1 END)
		FROM catalog_override WHERE org_id = $1 AND product <> $3`, org, o.Into, o.Key).Scan(&all, &away, &onto)
	switch {
	case err != nil:
		return err
	case all >= override.Most:
		return fault.Errorf(fault.Invalid, "of %d features something is said already", all)
	case o.Into != "" && away > 0:
		return fault.Errorf(fault.Conflict, "%s counts as another product itself: choose that one", o.Into)
	case o.Into != "" && onto > 0:
		return fault.Errorf(fault.Conflict, "others count as %s: it cannot count as another product", o.Key)
	}
	return nil
}

// DropOverride implements override.Store.
func (db *DB) DropOverride(ctx context.Context, key string, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if err := turnCatalog(ctx, tx, e.Org); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, `
			DELETE FROM catalog_override WHERE org_id = $1 AND product = $2 RETURNING product`, e.Org, key).Scan(&key)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.Errorf(fault.NotFound, "nothing is said of %.80q", key)
		}
		if err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("change the catalog of organisation %d: %w", e.Org, err)
	}
	return nil
}
