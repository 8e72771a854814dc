package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math"
	"slices"

	"headroom/internal/hub/usage"
	"headroom/internal/series"
)

// DayVersions implements usage.Store.
func (db *DB) DayVersions(ctx context.Context, org, server int64) (all []usage.DayVersion, err error) {
	w := weave{out: func(b *block) bool {
		all = append(all, usage.DayVersion{Day: b.day, Version: b.version})
		return true
	}}
	if err := db.weaveDays(ctx, org, server, math.MinInt32, math.MaxInt32, &w); err != nil {
		return nil, fmt.Errorf("list days of license server %d/%d: %w", org, server, err)
	}
	return all, db.mustExist(ctx, org, len(all))
}

// Days implements usage.Store. All days are of one state of the database. A
// connection is held until the sequence ends.
func (db *DB) Days(ctx context.Context, org, server int64, from, to int32) iter.Seq2[series.Day, error] {
	return func(yield func(series.Day, error) bool) {
		var bad error
		w := weave{out: func(b *block) bool {
			var day series.Day
			if day, bad = series.Decode(slices.Concat(b.head, b.body)); bad != nil {
				return false
			}
			return yield(day, nil)
		}}
		err := db.weaveDays(ctx, org, server, from, to, &w)
		if err == nil {
			err = bad
		}
		if err == nil {
			err = db.mustExist(ctx, org, w.n)
		} else {
			err = fmt.Errorf("read days of license server %d/%d: %w", org, server, err)
		}
		if err != nil {
			yield(series.Day{}, err)
		}
	}
}

// weaveDays weaves a server's blocks of a span.
func (db *DB) weaveDays(ctx context.Context, org, server int64, from, to int32, w *weave) error {
	return db.view(ctx, func(tx *sql.Tx) (err error) {
		if w.kept, err = packedDays(ctx, tx, org, server, from, to); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `
			SELECT day, server_id, version, data FROM block
			WHERE org_id = $1 AND server_id = $2 AND day >= $3 AND day < $4 ORDER BY day`,
			org, server, from, to)
		if err != nil {
			return err
		}
		return w.addOpen(rows)
	})
}

// packedDays returns a server's packed blocks of a span, ascending by day.
func packedDays(ctx context.Context, tx *sql.Tx, org, server int64, from, to int32) (packed []block, err error) {
	k := packKey{org: org, part: partOf(server)}
	rows, err := tx.QueryContext(ctx, `
		SELECT day, heads, bodies FROM pack
		WHERE org_id = $1 AND part = $2 AND day >= $3 AND day < $4 ORDER BY day`, org, k.part, from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var heads, bodies sql.RawBytes
	var blocks []block
	for rows.Next() {
		if err := rows.Scan(&k.day, &heads, &bodies); err != nil {
			return nil, err
		}
		if blocks, err = k.decode(blocks[:0], heads); err != nil {
			return nil, err
		}
		if err := k.fill(blocks, bodies); err != nil {
			return nil, err
		}
		if b, _ := find(blocks, server); b != nil {
			b.head, b.body = bytes.Clone(b.head), bytes.Clone(b.body)
			packed = append(packed, *b)
		}
	}
	return packed, rows.Err()
}
