package store

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/hub/usage"
)

// Rosters implements usage.Store.
func (db reader) Rosters(ctx context.Context, org int64) (map[int64]usage.Roster, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT server_id, at, truncated = 1, lease, last_is FROM roster WHERE org_id = $1`, org)
	if err != nil {
		return nil, fmt.Errorf("list rosters: %w", err)
	}
	defer rows.Close()
	all := map[int64]usage.Roster{}
	for rows.Next() {
		var server, at, lease int64
		var r usage.Roster
		if err := rows.Scan(&server, &at, &r.Truncated, &lease, &r.LastIs); err != nil {
			return nil, fmt.Errorf("list rosters: %w", err)
		}
		r.At, r.Lease = instant(at), time.Duration(lease)*time.Millisecond
		all[server] = r
	}
	return all, rows.Err()
}

// Assignees implements usage.Store.
func (db reader) Assignees(ctx context.Context, org, server int64) ([]usage.Assignee, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT p.feature, p.daemon, p.variant, p.vendor, a.kind, a.who, a.name,
			a.first_told, a.seen_from, a.seen_to, a.last_told, a.ended_at, r.complete_at
		FROM assignment a JOIN pool p ON p.org_id = a.org_id AND p.server_id = a.server_id AND p.pool_id = a.pool_id
		JOIN roster r ON r.org_id = a.org_id AND r.server_id = a.server_id
		WHERE a.org_id = $1 AND a.server_id = $2 ORDER BY a.pool_id, a.kind, a.who`, org, server)
	if err != nil {
		return nil, fmt.Errorf("list assignees of license server %d: %w", server, err)
	}
	defer rows.Close()
	var all []usage.Assignee
	for rows.Next() {
		a, err := scanAssignee(rows)
		if err != nil {
			return nil, fmt.Errorf("list assignees of license server %d: %w", server, err)
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// scanAssignee reads an assignment. The license is theirs while the newest
// complete list names them and nobody has said later that it is free.
func scanAssignee(row scanner) (a usage.Assignee, err error) {
	var first, from, to, last, ended, complete int64
	err = row.Scan(&a.Pool.Feature, &a.Pool.Daemon, &a.Pool.Variant, &a.Vendor, &a.Kind, &a.Who, &a.Name, &first, &from, &to, &last, &ended, &complete)
	a.First, a.Seen, a.Last = instant(first), instant(from), instant(last)
	switch {
	case ended >= to:
		a.Ended = instant(ended)
	case complete > to:
		a.Ended = instant(complete)
	}
	return a, err
}

// Sources implements usage.Store.
func (db reader) Sources(ctx context.Context, org int64) (map[int64][]usage.Source, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT server_id, name, asked_at, age, failure, absent = 1, remark FROM source WHERE org_id = $1 ORDER BY server_id, line`, org)
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	defer rows.Close()
	all := map[int64][]usage.Source{}
	for rows.Next() {
		var server, asked, age int64
		var s usage.Source
		if err := rows.Scan(&server, &s.Name, &asked, &age, &s.Failure, &s.Absent, &s.Remark); err != nil {
			return nil, fmt.Errorf("list sources: %w", err)
		}
		s.Asked, s.Age = instant(asked), time.Duration(age)*time.Millisecond
		all[server] = append(all[server], s)
	}
	return all, rows.Err()
}
