package store

import (
	"context"
	"fmt"
	"iter"

	"headroom/internal/hub/usage"
	"headroom/internal/series"
)

// saveImported notes whether imported history counts in a day. Days of which
// none was ever imported are not looked up.
func (s *serverState) saveImported(ctx context.Context, tx handle, day *series.Day) (err error) {
	imported, counts := series.Imported(day)
	switch {
	case counts:
		_, err = tx.ExecContext(ctx, `
			INSERT INTO imported (org_id, day, server_id) VALUES ($1, $2, $3)
			ON CONFLICT (org_id, day, server_id) DO NOTHING`, s.org, day.Number, s.id)
	case imported || s.past[day.Number]:
		_, err = tx.ExecContext(ctx, `DELETE FROM imported WHERE org_id = $1 AND day = $2 AND server_id = $3`, s.org, day.Number, s.id)
	}
	return err
}

// Imported implements usage.Store.
func (db reader) Imported(ctx context.Context, org int64, from, to int32) iter.Seq2[usage.ImportedDay, error] {
	return func(yield func(usage.ImportedDay, error) bool) {
		fail := func(err error) { yield(usage.ImportedDay{}, fmt.Errorf("list imported days: %w", err)) }
		rows, err := db.read.QueryContext(ctx, `
			SELECT day, server_id FROM imported WHERE org_id = $1 AND day >= $2 AND day < $3 ORDER BY day, server_id`, org, from, to)
		if err != nil {
			fail(err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var d usage.ImportedDay
			if err := rows.Scan(&d.Day, &d.Server); err != nil {
				fail(err)
				return
			}
			if !yield(d, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			fail(err)
		}
	}
}
