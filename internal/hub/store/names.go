package store

import (
	"context"
	"fmt"

	"headroom/internal/hub/usage"
)

// saveNames keeps since when names leave a site in which way. What is told
// again changes nothing.
func (s *serverState) saveNames(ctx context.Context, tx handle) error {
	for _, n := range s.names {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO names_change (org_id, server_id, since, mode, key_id) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (org_id, server_id, since, mode, key_id) DO NOTHING`,
			s.org, s.id, millis(n.Since), n.Mode, n.Key)
		if err != nil {
			return fmt.Errorf("keep how names leave: %w", err)
		}
	}
	return nil
}

// addNames says of servers, ascending by ID, how the names of their people came.
func (db reader) addNames(ctx context.Context, org int64, servers []usage.Record) error {
	rows, err := db.read.QueryContext(ctx, `
		SELECT server_id, since, mode, key_id FROM names_change WHERE org_id = $1 ORDER BY server_id, since, mode, key_id`, org)
	if err != nil {
		return err
	}
	defer rows.Close()
	i := 0
	for rows.Next() {
		var server, since int64
		var n usage.NamesChange
		if err := rows.Scan(&server, &since, &n.Mode, &n.Key); err != nil {
			return err
		}
		n.Since = instant(since)
		for i < len(servers) && servers[i].ID < server {
			i++
		}
		if i < len(servers) && servers[i].ID == server {
			servers[i].Names = append(servers[i].Names, n)
		}
	}
	return rows.Err()
}
