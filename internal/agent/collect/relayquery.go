package collect

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"headroom/internal/format/relay"
	"headroom/internal/license"
)

// A relayQuery asks the database of a Keygen Relay. Its tables have grown from
// version to version: pools came in 2025, licenses with several seats in 2026.
type relayQuery struct {
	ctx context.Context
	tx  *sql.Tx
}

// content reads licenses, pools, and lease events after a line of the log.
func (q relayQuery) content(after int64) (c relayContent, err error) {
	columns, err := q.columns("licenses")
	if err != nil {
		return c, err
	}
	pooled := slices.Contains(columns, "pool_id")
	c.shared = slices.Contains(columns, "seats")
	if pooled {
		if c.pools, err = all(q, func(row *sql.Rows) (name string, err error) {
			return name, row.Scan(&name)
		}, `SELECT name FROM pools ORDER BY id`); err != nil {
			return c, fmt.Errorf("pools: %w", err)
		}
	}
	if c.licenses, err = q.licenses(pooled, c.shared); err != nil {
		return c, fmt.Errorf("licenses: %w", err)
	}
	c.unlogged = q.events(&c, after, pooled)
	return c, q.ctx.Err()
}

// all runs a query and reads its rows.
func all[T any](q relayQuery, scan func(*sql.Rows) (T, error), query string, args ...any) (out []T, err error) {
	rows, err := q.tx.QueryContext(q.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func (q relayQuery) columns(table string) ([]string, error) {
	return all(q, func(row *sql.Rows) (name string, err error) {
		return name, row.Scan(&name)
	}, `SELECT name FROM pragma_table_info($1)`, table)
}

func (q relayQuery) licenses(pooled, shared bool) ([]relay.License, error) {
	pool, join, seats := `''`, ``, `1`
	if pooled {
		pool, join = `coalesce(p.name, '')`, `LEFT JOIN pools p ON p.id = l.pool_id`
	}
	if shared {
		seats = `l.seats`
	}
	ids := []int64{}
	licenses, err := all(q, func(row *sql.Rows) (l relay.License, err error) {
		var id int64
		var claimed, released sql.NullInt64
		err = row.Scan(&id, &l.ID, &l.Pool, &l.Seats, &claimed, &released)
		ids = append(ids, id)
		l.Claimed, l.Released = unix(claimed), unix(released)
		return l, err
	}, `SELECT l.id, l.guid, `+pool+`, `+seats+`, l.last_claimed_at, l.last_released_at FROM licenses l `+join+` ORDER BY l.id`)
	if err != nil {
		return nil, err
	}
	return licenses, q.nodes(licenses, ids, shared)
}

// nodes adds to the licenses who holds them.
func (q relayQuery) nodes(licenses []relay.License, ids []int64, shared bool) error {
	query := `SELECT l.id, coalesce(n.fingerprint, ''), l.last_claimed_at
		FROM licenses l LEFT JOIN nodes n ON n.id = l.node_id WHERE l.node_id IS NOT NULL ORDER BY l.id`
	if shared {
		query = `SELECT h.license_id, coalesce(n.fingerprint, ''), h.created_at
			FROM license_nodes h LEFT JOIN nodes n ON n.id = h.node_id ORDER BY h.id`
	}
	type held struct {
		license int64
		node    relay.Node
	}
	holders, err := all(q, func(row *sql.Rows) (h held, err error) {
		var since sql.NullInt64
		err = row.Scan(&h.license, &h.node.Name, &since)
		h.node.Since = unix(since)
		return h, err
	}, query)
	for _, h := range holders {
		if i, found := slices.BinarySearch(ids, h.license); found {
			licenses[i].Nodes = append(licenses[i].Nodes, h.node)
		}
	}
	return err
}

// events adds the lease events after a line of the log. Relay names the pool
// of a license in some of its lines only.
func (q relayQuery) events(c *relayContent, after int64, pooled bool) error {
	if err := q.tx.QueryRowContext(q.ctx, `SELECT coalesce(max(id), 0) FROM audit_logs`).Scan(&c.last); err != nil {
		return err
	}
	named, join := `''`, ``
	if pooled {
		named, join = `coalesce(p.name, '')`, `LEFT JOIN pools p ON p.id = coalesce(l.pool_id, a.pool_id)`
	}
	if begin := c.last - relayBack; after > c.last || after > 0 && after < begin {
		after, c.anew = 0, true // another database, or long ago
	}
	pools := map[string]license.Pool{}
	var newest time.Time
	_, err := all(q, func(row *sql.Rows) (struct{}, error) {
		var id, at int64
		var name, guid, pool string
		err := row.Scan(&id, &at, &name, &guid, &pool)
		newest = later(newest, time.Unix(at, 0).UTC()) // the clock may have been set back
		if known, ok := pools[guid]; ok && pool == "" {
			pools[guid] = known
		} else {
			pools[guid] = relay.PoolOf(pool)
		}
		if e, ok := relay.LeaseEvent(name, newest, pools[guid], guid); ok {
			c.events, c.ids = append(c.events, e), append(c.ids, id)
		}
		return struct{}{}, err
	}, `SELECT a.id, a.created_at, t.name, coalesce(l.guid, 'license ' || a.entity_id), `+named+`
		FROM audit_logs a JOIN event_types t ON t.id = a.event_type_id
		LEFT JOIN licenses l ON l.id = a.entity_id `+join+`
		WHERE a.id > $1 AND t.name IN ('license.leased', 'license.released', 'license.lease_expired', 'license.removed')
		ORDER BY a.id`, max(after, c.last-relayBack))
	return err
}

// unix is an instant in Unix seconds, or zero.
func unix(s sql.NullInt64) time.Time {
	if !s.Valid || s.Int64 == 0 {
		return time.Time{}
	}
	return time.Unix(s.Int64, 0).UTC()
}
