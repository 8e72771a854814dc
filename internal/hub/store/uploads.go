package store

import (
	"context"
	"fmt"

	"headroom/internal/hub/usage"
)

// Uploads implements usage.Store. The batches of an agent are gone through from its
// newest one on.
func (db reader) Uploads(ctx context.Context, org, server int64, limit int) ([]usage.Upload, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT b.received, b.seq, b.records, b.unknown FROM batch b
		WHERE b.org_id = $1 AND b.server_id = $2
			AND b.agent_id = (SELECT s.agent_id FROM license_server s WHERE s.org_id = $1 AND s.server_id = $2)
		ORDER BY b.epoch_id DESC, b.seq DESC LIMIT $3`, org, server, limit)
	if err != nil {
		return nil, fmt.Errorf("list uploads of license server %d: %w", server, err)
	}
	defer rows.Close()
	var all []usage.Upload
	for rows.Next() {
		var u usage.Upload
		var received int64
		if err := rows.Scan(&received, &u.Seq, &u.Records, &u.Unknown); err != nil {
			return nil, fmt.Errorf("list uploads of license server %d: %w", server, err)
		}
		u.Received = instant(received)
		all = append(all, u)
	}
	return all, rows.Err()
}

// Gaps implements usage.Store.
func (db reader) Gaps(ctx context.Context, org, server int64, limit int) ([]usage.Gap, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT from_at, to_at, reason FROM gap WHERE org_id = $1 AND server_id = $2
		ORDER BY from_at DESC, to_at DESC, reason LIMIT $3`, org, server, limit)
	if err != nil {
		return nil, fmt.Errorf("list gaps of license server %d: %w", server, err)
	}
	defer rows.Close()
	var all []usage.Gap
	for rows.Next() {
		var g usage.Gap
		var from, to int64
		if err := rows.Scan(&from, &to, &g.Reason); err != nil {
			return nil, fmt.Errorf("list gaps of license server %d: %w", server, err)
		}
		g.From, g.To = instant(from), instant(to)
		all = append(all, g)
	}
	return all, rows.Err()
}
