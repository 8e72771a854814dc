package store

import (
	"context"
	"database/sql"

	"headroom/internal/hub/usage"
)

// A reader reads: what is in the database at each statement, or one state of it.
// It never writes.
type reader struct {
	read handle
	pool *sql.DB // that read is; nil where it is one state. The same as DB.write on PostgreSQL

	lookups *lookups // nil where statements are not kept parsed
}

// view runs f on one state of the database.
func (r reader) view(ctx context.Context, f func(tx handle) error) error {
	if r.pool == nil {
		return f(r.read)
	}
	tx, err := r.pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return f(tx)
}

// Snapshot implements usage.Store. A connection is held until f returns.
func (r reader) Snapshot(ctx context.Context, f func(usage.Store) error) error {
	return r.view(ctx, func(tx handle) error { return f(reader{read: tx}) })
}
