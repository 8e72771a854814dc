package store

import (
	"context"
	"database/sql"

	"headroom/internal/hub/ingest"
)

// EncodePack returns the heads and bodies of a pack of a part's first n license
// servers, each with the same head and body.
func EncodePack(part int64, n int, head, body []byte) (heads, bodies []byte) {
	blocks := make([]block, n)
	for i := range blocks {
		blocks[i] = block{server: part<<partBits + int64(i), version: 100_000, head: head, body: body}
	}
	return packKey{part: part}.encode(blocks)
}

// PutWatched puts a batch in a transaction of its own and calls before with
// each statement that it is about to run.
func (db *DB) PutWatched(ctx context.Context, b *ingest.Batch, before func(query string)) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		_, err := putAll(ctx, watchedTx{tx, before}, []*ingest.Batch{b})
		return err
	})
}

type watchedTx struct {
	handle
	before func(query string)
}

func (w watchedTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	w.before(query)
	return w.handle.ExecContext(ctx, query, args...)
}

func (w watchedTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	w.before(query)
	return w.handle.QueryContext(ctx, query, args...)
}

func (w watchedTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	w.before(query)
	return w.handle.QueryRowContext(ctx, query, args...)
}

// Exec runs a statement in a transaction of its own.
func (db *DB) Exec(ctx context.Context, query string) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query)
		return err
	})
}

// Count runs a query that counts.
func (db *DB) Count(ctx context.Context, query string, n *int) error {
	return db.read.QueryRowContext(ctx, query).Scan(n)
}
