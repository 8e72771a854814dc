package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"

	"headroom/internal/hub/usage"
)

// Standing implements usage.Store.
func (db reader) Standing(ctx context.Context, org int64) (usage.Organisation, usage.Stamp, error) {
	o, err := db.Organisation(ctx, org)
	if err != nil {
		return usage.Organisation{}, usage.Stamp{}, err
	}
	stamp, err := db.Stamp(ctx, org)
	return o, stamp, err
}

// Stamp implements usage.Store. All that a batch changes raises a revision; the
// sums of times change with what people and agents decide.
func (db reader) Stamp(ctx context.Context, org int64) (s usage.Stamp, err error) {
	err = db.lookup(ctx, `
		SELECT COUNT(*), CAST(COALESCE(SUM(revision), 0) AS BIGINT), CAST(COALESCE(SUM(registered_at), 0) AS BIGINT),
			CAST(COALESCE(SUM(removed_at), 0) AS BIGINT), CAST(COALESCE(SUM(acknowledged_at), 0) AS BIGINT),
			COALESCE((SELECT n FROM counter WHERE org_id = $1 AND name = $2), 0),
			COALESCE((SELECT catalog FROM organisation WHERE org_id = $1), 0)
		FROM license_server WHERE org_id = $1`, org, packCounter).
		Scan(&s.Servers, &s.Revisions, &s.Registered, &s.Removed, &s.Acknowledged, &s.Pack, &s.Catalog)
	if err != nil {
		return s, fmt.Errorf("read the state of organisation %d: %w", org, err)
	}
	return s, db.mustExist(ctx, org, int(s.Servers))
}

// PackNumber implements usage.Store.
func (db reader) PackNumber(ctx context.Context, org int64) (number int64, err error) {
	err = db.read.QueryRowContext(ctx, `
		SELECT n FROM counter WHERE org_id = $1 AND name = $2`, org, packCounter).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, db.mustExist(ctx, org, 0)
	}
	if err != nil {
		return 0, fmt.Errorf("read the number of the newest pack: %w", err)
	}
	return number, nil
}

// Heads implements usage.Store. A connection is held until the sequence ends.
func (db reader) Heads(ctx context.Context, org int64, from, to int32, since usage.Mark) iter.Seq2[usage.Head, error] {
	return func(yield func(usage.Head, error) bool) {
		w := weave{out: func(b *block) bool {
			return yield(usage.Head{Server: b.server, Day: b.day, Version: b.version, Data: b.head}, nil)
		}}
		err := db.view(ctx, func(tx handle) (err error) {
			if w.kept, err = openHeads(ctx, tx, org, from, to, since); err != nil {
				return err
			}
			return packedHeads(ctx, tx, org, from, to, since, &w)
		})
		if err == nil {
			err = db.mustExist(ctx, org, w.n)
		} else {
			err = fmt.Errorf("read heads of organisation %d: %w", org, err)
		}
		if err != nil {
			yield(usage.Head{}, err)
		}
	}
}

// packedHeads weaves the heads of packs with those that the weave keeps.
func packedHeads(ctx context.Context, tx handle, org int64, from, to int32, since usage.Mark, w *weave) error {
	query, args := `SELECT day, part, heads FROM pack WHERE org_id = $1 AND day >= $2 AND day < $3 ORDER BY day, part`, []any{org, from, to}
	if since.Pack != 0 {
		// The sums keep SQLite from walking through all packs for the sake of their days.
		query = `SELECT day, part, heads FROM pack WHERE org_id = $1 AND day + 0 >= $2 AND day + 0 < $3 AND number > $4 ORDER BY day, part`
		args = append(args, since.Pack)
	}
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	k := packKey{org: org}
	var heads sql.RawBytes
	var blocks []block
	for rows.Next() {
		if err := rows.Scan(&k.day, &k.part, &heads); err != nil {
			return err
		}
		if blocks, err = k.decode(blocks[:0], heads); err != nil {
			return err
		}
		for i := range blocks {
			b := &blocks[i]
			// A block that is known may be here in an old version: a newer one is open.
			if b.version > since.Servers[b.server] && !w.add(b) {
				return nil
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	w.end()
	return nil
}

// openHeads returns the heads of open blocks with a version above the mark's
// of their server, ascending.
func openHeads(ctx context.Context, tx handle, org int64, from, to int32, since usage.Mark) (open []block, err error) {
	if len(since.Servers) == 0 {
		rows, err := tx.QueryContext(ctx, `
			SELECT server_id, day, version, data FROM block
			WHERE org_id = $1 AND day >= $2 AND day < $3 ORDER BY day, server_id`, org, from, to)
		if err != nil {
			return nil, err
		}
		open, err = appendHeads(nil, rows)
		if err != nil {
			return nil, err
		}
	} else {
		changed, err := changedServers(ctx, tx, org, since)
		if err != nil {
			return nil, err
		}
		for some := range slices.Chunk(changed, changedAtOnce) {
			if open, err = appendChanged(ctx, tx, open, org, some); err != nil {
				return nil, err
			}
		}
	}
	open = slices.DeleteFunc(open, func(b block) bool { return b.day < from || b.day >= to })
	slices.SortFunc(open, func(a, b block) int { return a.compare(&b) })
	return open, nil
}

// A change is a license server that has changed and the revision of it that is
// known.
type change struct{ server, known int64 }

func changedServers(ctx context.Context, tx handle, org int64, since usage.Mark) (changed []change, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT server_id, revision FROM license_server WHERE org_id = $1`, org)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var server, revision int64
		if err := rows.Scan(&server, &revision); err != nil {
			return nil, err
		}
		if known := since.Servers[server]; revision > known {
			changed = append(changed, change{server, known})
		}
	}
	return changed, rows.Err()
}

// changedAtOnce is how many servers appendChanged asks for.
const changedAtOnce = 16

// appendChanged appends the heads of what has changed of some servers. Both
// engines name the columns of VALUES column1 and column2; the CROSS JOIN makes
// SQLite look up each server instead of walking through all blocks.
func appendChanged(ctx context.Context, tx handle, open []block, org int64, some []change) ([]block, error) {
	args := make([]any, 1+2*changedAtOnce)
	args[0] = org
	for i := range changedAtOnce {
		var c change // of no server, where there are no more
		if i < len(some) {
			c = some[i]
		}
		args[1+2*i], args[2+2*i] = c.server, c.known
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT b.server_id, b.day, b.version, b.data FROM (VALUES
			(CAST($2 AS BIGINT), CAST($3 AS BIGINT)), ($4, $5), ($6, $7), ($8, $9),
			($10, $11), ($12, $13), ($14, $15), ($16, $17),
			($18, $19), ($20, $21), ($22, $23), ($24, $25),
			($26, $27), ($28, $29), ($30, $31), ($32, $33)) known CROSS JOIN block b
		WHERE b.org_id = $1 AND b.server_id = known.column1 AND b.version > known.column2`, args...)
	if err != nil {
		return nil, err
	}
	return appendHeads(open, rows)
}

// appendHeads appends copies of the heads of rows, which it closes.
func appendHeads(open []block, rows *sql.Rows) ([]block, error) {
	defer rows.Close()
	var data sql.RawBytes
	for rows.Next() {
		var b block
		if err := rows.Scan(&b.server, &b.day, &b.version, &data); err != nil {
			return nil, err
		}
		if err := b.split(data); err != nil {
			return nil, err
		}
		b.head, b.body = bytes.Clone(b.head), nil
		open = append(open, b)
	}
	return open, rows.Err()
}

// Blocks implements usage.Store. A connection is held until the sequence ends.
func (db reader) Blocks(ctx context.Context, org int64, day int32) iter.Seq2[usage.Block, error] {
	return func(yield func(usage.Block, error) bool) {
		w := weave{out: func(b *block) bool {
			return yield(usage.Block{Server: b.server, Version: b.version, Head: b.head, Body: b.body}, nil)
		}}
		err := db.view(ctx, func(tx handle) (err error) {
			if w.kept, err = openDay(ctx, tx, org, day); err != nil {
				return err
			}
			return packedDay(ctx, tx, org, day, &w)
		})
		if err == nil {
			err = db.mustExist(ctx, org, w.n)
		} else {
			err = fmt.Errorf("read day %d of organisation %d: %w", day, org, err)
		}
		if err != nil {
			yield(usage.Block{}, err)
		}
	}
}

// openDay returns the open blocks of a day, ascending by server. There are few:
// most days are closed.
func openDay(ctx context.Context, tx handle, org int64, day int32) (open []block, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT server_id, version, data FROM block WHERE org_id = $1 AND day = $2 ORDER BY server_id`, org, day)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		b := block{day: day}
		var data []byte
		if err := rows.Scan(&b.server, &b.version, &data); err != nil {
			return nil, err
		}
		if err := b.split(data); err != nil {
			return nil, err
		}
		open = append(open, b)
	}
	return open, rows.Err()
}

// packedDay weaves the packed blocks of a day with those that the weave keeps.
func packedDay(ctx context.Context, tx handle, org int64, day int32, w *weave) error {
	rows, err := tx.QueryContext(ctx, `
		SELECT part, heads, bodies FROM pack WHERE org_id = $1 AND day = $2 ORDER BY part`, org, day)
	if err != nil {
		return err
	}
	defer rows.Close()
	k := packKey{org: org, day: day}
	var heads, bodies sql.RawBytes
	var packed []block
	for rows.Next() {
		if err := rows.Scan(&k.part, &heads, &bodies); err != nil {
			return err
		}
		if packed, err = k.decode(packed[:0], heads); err != nil {
			return err
		}
		if err := k.fill(packed, bodies); err != nil {
			return err
		}
		for i := range packed {
			if !w.add(&packed[i]) {
				return nil
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	w.end()
	return nil
}
