package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"headroom/internal/hub/audit"
	"headroom/internal/hub/retention"
	"headroom/internal/hub/usage"
	"headroom/internal/series"
)

// Keepers implements retention.Store.
func (db *DB) Keepers(ctx context.Context) (all []retention.Keeper, err error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT org_id, keep_days, trimmed_before FROM organisation WHERE keep_days > 0 ORDER BY org_id`)
	if err != nil {
		return nil, fmt.Errorf("list who does not keep usage data for ever: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k retention.Keeper
		if err := rows.Scan(&k.Org, &k.Days, &k.Done); err != nil {
			return nil, fmt.Errorf("list who does not keep usage data for ever: %w", err)
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// ClaimTrim implements retention.Store.
func (db *DB) ClaimTrim(ctx context.Context, org int64, day int32, now, until time.Time) (bool, error) {
	res, err := db.write.ExecContext(ctx, `
		UPDATE organisation SET trimming_until = $4 WHERE org_id = $1 AND trimmed_before < $2 AND trimming_until <= $3`,
		org, day, stamp(now), stamp(until))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// Trimmed implements retention.Store. Of two processes one writes the entry.
func (db *DB) Trimmed(ctx context.Context, org int64, day int32, at time.Time, e *audit.Entry) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `
			UPDATE organisation SET trimmed_before = $2, trimmed_at = $3, trimming_until = 0
			WHERE org_id = $1 AND trimmed_before < $2 AND keep_days > 0`, org, day, stamp(at))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 || e == nil {
			return err
		}
		return noteAct(ctx, tx, *e)
	})
}

// trimAttempts is how often it is looked anew where pools begin now: of a license
// server that something came of meanwhile that has to be done again.
const trimAttempts = 5

// Trim implements retention.Store. Pools get their new beginning first: from then on
// nobody finds what was before it. Then it is taken away, in small transactions.
func (db *DB) Trim(ctx context.Context, org int64, day int32) (removed retention.Removed, err error) {
	done := map[int64]bool{}
	for range trimAttempts {
		begin, err := db.beginnings(ctx, org, day)
		if err != nil {
			return removed, err
		}
		again := false
		for _, server := range slices.Sorted(maps.Keys(begin)) {
			ok, err := db.beginAnew(ctx, org, server, begin[server])
			if err != nil {
				return removed, fmt.Errorf("license server %d: %w", server, err)
			}
			done[server] = done[server] || ok
			again = again || !ok
		}
		if !again {
			break
		}
	}
	removed.Servers = len(done)
	if removed.Days, err = db.oldDays(ctx, org, day); err != nil {
		return removed, err
	}
	at := stamp(retention.Instant(day))
	for _, part := range []struct {
		statement string
		before    int64
	}{
		{`DELETE FROM denial WHERE org_id = $1 AND at < $2 AND at <=
			(SELECT MAX(at) FROM (SELECT at FROM denial WHERE org_id = $1 ORDER BY at LIMIT 2000) first)`, at},
		{`DELETE FROM assignment WHERE org_id = $1 AND seen_to < $2 AND last_told < $2 AND ended_at < $2`, at},
		{`DELETE FROM holder WHERE org_id = $1 AND server_id IN
			(SELECT server_id FROM license_server WHERE org_id = $1 AND holders_at < $2)`, at},
		{`UPDATE license_server SET holders_at = 0 WHERE org_id = $1 AND holders_at <> 0 AND holders_at < $2`, at},
		{`DELETE FROM source WHERE org_id = $1 AND list_at < $2`, at},
		{`DELETE FROM gap WHERE org_id = $1 AND to_at <= $2`, at},
		{`DELETE FROM imported WHERE org_id = $1 AND day < $2`, int64(day)},
		{`DELETE FROM block WHERE org_id = $1 AND day < $2 AND day <=
			(SELECT MAX(day) FROM (SELECT day FROM block WHERE org_id = $1 ORDER BY day LIMIT 500) first)`, int64(day)},
		{`DELETE FROM pack WHERE org_id = $1 AND day < $2 AND day <=
			(SELECT MAX(day) FROM (SELECT day FROM pack WHERE org_id = $1 ORDER BY day LIMIT 50) first)`, int64(day)},
	} {
		for n := int64(1); n > 0; {
			if n, err = db.trimSome(ctx, org, part.statement, part.before); err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}

// trimSome runs a statement that removes a part of what is older than a day or instant. No packer
// runs meanwhile: it would put back what it has read.
func (db *DB) trimSome(ctx context.Context, org int64, statement string, before int64) (n int64, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		if err := lockPacks(ctx, tx, org); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, statement, org, before)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// A beginning is where the pools of a license server begin once what is older than a
// day is gone.
type beginning struct {
	revision int64
	first    map[series.PoolID]int64 // in Unix seconds; 0: nothing is left of it
}

// beginnings looks where pools begin that have something from before a day, in one
// state of the database.
func (db *DB) beginnings(ctx context.Context, org int64, day int32) (map[int64]*beginning, error) {
	all := map[int64]*beginning{}
	cutoff := retention.Instant(day).Unix()
	err := db.Snapshot(ctx, func(s usage.Store) error {
		clear(all)
		pools, err := s.Pools(ctx, org)
		if err != nil {
			return err
		}
		for _, p := range pools {
			if p.First >= cutoff {
				continue
			}
			if all[p.Server] == nil {
				all[p.Server] = &beginning{first: map[series.PoolID]int64{}}
			}
			all[p.Server].first[p.ID] = 0
		}
		if len(all) == 0 {
			return nil
		}
		records, err := s.Servers(ctx, org)
		if err != nil {
			return err
		}
		for _, r := range records {
			if b := all[r.ID]; b != nil {
				b.revision = r.Version
			}
		}
		days, err := firstDays(ctx, s, org, day, all)
		if err != nil {
			return err
		}
		return firstInstants(ctx, s, org, days, all)
	})
	return all, err
}

// A dayOf is a UTC day of a license server.
type dayOf struct {
	server int64
	day    int32
}

// firstDays returns, for days from one on, the pools of which a day is the first to say
// something.
func firstDays(ctx context.Context, s usage.Store, org int64, day int32, all map[int64]*beginning) (map[dayOf][]series.PoolID, error) {
	days, seen, open := map[dayOf][]series.PoolID{}, map[int64]map[series.PoolID]bool{}, 0
	for server, b := range all {
		seen[server] = map[series.PoolID]bool{}
		open += len(b.first)
	}
	for h, err := range s.Heads(ctx, org, day, math.MaxInt32, usage.Mark{}) {
		if err != nil {
			return nil, err
		}
		if open == 0 {
			break
		}
		b := all[h.Server]
		if b == nil || len(seen[h.Server]) == len(b.first) {
			continue
		}
		var v series.View
		if err := v.Open(h.Data, nil); err != nil {
			return nil, fmt.Errorf("license server %d, UTC day %d: %w", h.Server, h.Day, err)
		}
		pools := v.Summaries()
		for pools.Next() {
			id := pools.Place.Pool
			if _, wanted := b.first[id]; wanted && !seen[h.Server][id] {
				seen[h.Server][id] = true
				open--
				at := dayOf{h.Server, h.Day}
				days[at] = append(days[at], id)
			}
		}
		if err := pools.Err(); err != nil {
			return nil, fmt.Errorf("license server %d, UTC day %d: %w", h.Server, h.Day, err)
		}
	}
	return days, nil
}

// firstInstants looks into those days when pools begin.
func firstInstants(ctx context.Context, s usage.Store, org int64, days map[dayOf][]series.PoolID, all map[int64]*beginning) error {
	for at, pools := range days {
		b, err := s.Block(ctx, org, at.server, at.day)
		if err != nil {
			return err
		}
		day, err := series.Decode(slices.Concat(b.Head, b.Body))
		if err != nil {
			return fmt.Errorf("license server %d, UTC day %d: %w", at.server, at.day, err)
		}
		for _, id := range pools {
			if first, ok := day.First(id); ok {
				all[at.server].first[id] = first
			}
		}
	}
	return nil
}

// beginAnew writes where the pools of a license server begin; false where something
// came of it meanwhile, which may begin earlier.
func (db *DB) beginAnew(ctx context.Context, org, server int64, b *beginning) (ok bool, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		var id int64
		err := tx.QueryRowContext(ctx, `
			UPDATE license_server SET revision = revision + 1 WHERE org_id = $1 AND server_id = $2 AND revision = $3 RETURNING server_id`,
			org, server, b.revision).Scan(&id)
		if ok = err == nil; errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, pool := range slices.Sorted(maps.Keys(b.first)) {
			_, err := tx.ExecContext(ctx, `
				UPDATE pool SET first_at = $4 WHERE org_id = $1 AND server_id = $2 AND pool_id = $3`, org, server, int64(pool), millis(b.first[pool]))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return ok, err
}

// oldDays counts the days of license servers that are older than a day.
func (db *DB) oldDays(ctx context.Context, org int64, day int32) (n int, err error) {
	for _, err := range db.Heads(ctx, org, math.MinInt32, day, usage.Mark{}) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
