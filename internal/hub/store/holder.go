package store

import (
	"context"
	"fmt"
	"iter"

	"headroom/internal/hub/usage"
)

// Holders implements usage.Store.
func (db reader) Holders(ctx context.Context, org int64, feature string) iter.Seq2[usage.Holder, error] {
	return func(yield func(usage.Holder, error) bool) {
		fail := func(err error) { yield(usage.Holder{}, fmt.Errorf("list holders of %q: %w", feature, err)) }
		rows, err := db.read.QueryContext(ctx, `
			SELECT h.server_id, h.pool_id, h.user_name, h.host, h.display, h.licenses, h.since, h.how
			FROM holder h JOIN pool p ON p.org_id = h.org_id AND p.server_id = h.server_id AND p.pool_id = h.pool_id
			WHERE h.org_id = $1 AND p.feature = $2 ORDER BY h.server_id, h.line`, org, feature)
		if err != nil {
			fail(err)
			return
		}
		defer rows.Close()
		found := 0
		for ; rows.Next(); found++ {
			var h usage.Holder
			var since int64
			if err := rows.Scan(&h.Server, &h.Pool, &h.User, &h.Host, &h.Display, &h.Licenses, &since, &h.Kind); err != nil {
				fail(err)
				return
			}
			if h.Since = instant(since); !yield(h, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			fail(err)
			return
		}
		if err := db.mustExist(ctx, org, found); err != nil {
			fail(err)
		}
	}
}
