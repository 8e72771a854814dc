package store

import (
	"context"
	"fmt"
	"time"
)

// A Census counts what a hub has, of all organisations together.
type Census struct {
	Bytes          int64 // of the database
	Waiting        int   // batches that wait for a commit of this process
	Erasing        int   // license servers whose deleted data are still to be taken away
	Organisations  int
	Agents         Heard
	LicenseServers Heard
}

// Heard counts by when something was heard of last.
type Heard struct{ Lately, Before, Never, Removed int }

// Census counts. Lately is after a time.
func (db *DB) Census(ctx context.Context, lately time.Time) (c Census, err error) {
	size := `SELECT pg_database_size(current_database())`
	if db.name == "sqlite" {
		size = `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
	}
	if err := db.read.QueryRowContext(ctx, size).Scan(&c.Bytes); err != nil {
		return c, fmt.Errorf("ask how large the database is: %w", err)
	}
	err = db.read.QueryRowContext(ctx, `
		SELECT (SELECT COUNT(*) FROM organisation WHERE org_id <> 0), (SELECT COUNT(*) FROM erased WHERE org_id <> 0)`).Scan(&c.Organisations, &c.Erasing)
	if err != nil {
		return c, fmt.Errorf("count organisations: %w", err)
	}
	err = db.read.QueryRowContext(ctx, `
		SELECT COUNT(CASE WHEN removed_at = 0 AND last_seen > $1 THEN 1 END), COUNT(CASE WHEN removed_at = 0 AND last_seen BETWEEN 1 AND $1 THEN 1 END),
			COUNT(CASE WHEN removed_at = 0 AND last_seen = 0 THEN 1 END), COUNT(CASE WHEN removed_at <> 0 THEN 1 END)
		FROM agent WHERE org_id <> 0`, stamp(lately)).Scan(&c.Agents.Lately, &c.Agents.Before, &c.Agents.Never, &c.Agents.Removed)
	if err != nil {
		return c, fmt.Errorf("count agents: %w", err)
	}
	err = db.read.QueryRowContext(ctx, `
		SELECT COUNT(CASE WHEN removed_at = 0 AND last_reported > $1 THEN 1 END), COUNT(CASE WHEN removed_at = 0 AND last_reported BETWEEN 1 AND $1 THEN 1 END),
			COUNT(CASE WHEN removed_at = 0 AND last_reported = 0 THEN 1 END), COUNT(CASE WHEN removed_at <> 0 THEN 1 END)
		FROM license_server WHERE org_id <> 0 AND registered_at <> 0`, stamp(lately)).
		Scan(&c.LicenseServers.Lately, &c.LicenseServers.Before, &c.LicenseServers.Never, &c.LicenseServers.Removed)
	if err != nil {
		return c, fmt.Errorf("count license servers: %w", err)
	}
	c.Waiting = len(db.group.waiting)
	return c, nil
}
