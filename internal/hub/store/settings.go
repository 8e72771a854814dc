package store

import (
	"context"
	"database/sql"
	"fmt"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
)

// Change implements account.Store. The row of the organisation is locked before it is
// read: of two who change it at once, the second sees what the first has made of it.
func (db *DB) Change(ctx context.Context, from *account.Settings, to account.Settings, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		was, err := lockSettings(ctx, tx, e.Org)
		if err != nil {
			return err
		}
		if from != nil && was != *from {
			return fault.Errorf(fault.Conflict, "somebody else has changed the settings meanwhile")
		}
		if was == to {
			return nil
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE organisation SET name = $2, zone = $3, reporting = $4, listed = $5, awaited = $6,
				trimmed_before = CASE WHEN keep_days = $7 THEN trimmed_before ELSE 0 END, keep_days = $7
			WHERE org_id = $1`,
			e.Org, to.Name, to.Zone, to.Reporting.Milliseconds(), to.Listed.Milliseconds(), to.Awaited.Milliseconds(), int64(to.KeepDays))
		if err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("change the settings of organisation %d: %w", e.Org, err)
	}
	return nil
}

func lockSettings(ctx context.Context, tx *sql.Tx, org int64) (s account.Settings, err error) {
	var reporting, listed, awaited int64
	err = tx.QueryRowContext(ctx, `
		UPDATE organisation SET name = name WHERE org_id = $1 RETURNING name, zone, reporting, listed, awaited, keep_days`, org).
		Scan(&s.Name, &s.Zone, &reporting, &listed, &awaited, &s.KeepDays)
	s.Reporting, s.Listed, s.Awaited = length(reporting), length(listed), length(awaited)
	return s, err
}
