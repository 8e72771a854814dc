package store

import (
	"context"
	"fmt"
	"iter"

	"headroom/internal/hub/usage"
)

// Denials implements usage.Store.
func (db reader) Denials(ctx context.Context, org, from, to int64) iter.Seq2[usage.Denial, error] {
	return func(yield func(usage.Denial, error) bool) {
		fail := func(err error) { yield(usage.Denial{}, fmt.Errorf("list denials: %w", err)) }
		rows, err := db.read.QueryContext(ctx, `
			SELECT server_id, pool_id, at, user_name, host, reason, n, outcome
			FROM denial WHERE org_id = $1 AND at >= $2 AND at < $3 ORDER BY at`, org, millis(from), millis(to))
		if err != nil {
			fail(err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var d usage.Denial
			if err := rows.Scan(&d.Server, &d.Pool, &d.At, &d.User, &d.Host, &d.Reason, &d.Count, &d.Outcome); err != nil {
				fail(err)
				return
			}
			if d.At /= 1000; !yield(d, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			fail(err)
		}
	}
}
