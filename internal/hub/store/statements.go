package store

import (
	"context"
	"database/sql"
)

// A handle runs statements: a transaction, or one that keeps them parsed.
type handle interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// parsed keeps the statements of the commits of batches. On SQLite parsing
// them again takes a third of the time of a batch; pgx keeps them by itself.
// Only the leader of a group uses it.
type parsed map[string]*sql.Stmt

// learn parses what a transaction ran unparsed. Between transactions: in one,
// SQLite's only connection is taken. What cannot be parsed now goes on being
// run as text.
func (p parsed) learn(ctx context.Context, db *sql.DB, t *parsedTx) {
	for _, text := range t.unknown {
		if p[text] != nil {
			continue
		}
		if stmt, err := db.PrepareContext(ctx, text); err == nil {
			p[text] = stmt
		}
	}
}

// A parsedTx is a transaction that runs statements parsed where it can.
type parsedTx struct {
	*sql.Tx
	parsed  parsed
	unknown []string
}

func (t *parsedTx) stmt(ctx context.Context, query string) *sql.Stmt {
	if s := t.parsed[query]; s != nil {
		return t.StmtContext(ctx, s)
	}
	t.unknown = append(t.unknown, query)
	return nil
}

func (t *parsedTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := t.stmt(ctx, query); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, query, args...)
}

func (t *parsedTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := t.stmt(ctx, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, query, args...)
}

func (t *parsedTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := t.stmt(ctx, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, query, args...)
}
