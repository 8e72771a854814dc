package store

import (
	"context"
	"database/sql"
	"sync"
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
type parsed map[string]*statement

// A statement is open as long as the database.
type statement struct{ stmt *sql.Stmt }

// A runner is a statement in a transaction, which closes it.
type runner interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, args ...any) *sql.Row
}

// learn parses what a transaction ran unparsed. Between transactions: in one,
// SQLite's only connection is taken. What cannot be parsed now goes on being
// run as text.
func (p parsed) learn(ctx context.Context, db *sql.DB, t *parsedTx) {
	for _, text := range t.unknown {
		if p[text] != nil {
			continue
		}
		var s statement
		var err error
		if s.stmt, err = db.PrepareContext(ctx, text); err == nil {
			p[text] = &s
		}
	}
}

// A parsedTx is a transaction that runs statements parsed where it can.
type parsedTx struct {
	*sql.Tx
	parsed  parsed
	unknown []string
}

// runner returns nil for a statement that is not parsed yet.
func (t *parsedTx) runner(ctx context.Context, query string) runner {
	if s := t.parsed[query]; s != nil {
		return t.StmtContext(ctx, s.stmt)
	}
	t.unknown = append(t.unknown, query)
	return nil
}

func (t *parsedTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := t.runner(ctx, query); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, query, args...)
}

func (t *parsedTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := t.runner(ctx, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, query, args...)
}

func (t *parsedTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := t.runner(ctx, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, query, args...)
}

// lookups keeps the statements parsed that every request runs. On SQLite parsing
// them takes longer than running them; pgx keeps them by itself.
type lookups struct {
	mu     sync.Mutex
	parsed parsed
}

// lookup runs a query for one row, kept parsed where that pays. Its text must be
// one of few.
func (r reader) lookup(ctx context.Context, query string, args ...any) *sql.Row {
	if r.lookups != nil {
		if s := r.lookups.statement(ctx, r.pool, query); s != nil {
			return s.stmt.QueryRowContext(ctx, args...)
		}
	}
	return r.read.QueryRowContext(ctx, query, args...)
}

// statement returns a statement that is kept; nil where it cannot be parsed: the
// query says why when it is run.
func (l *lookups) statement(ctx context.Context, pool *sql.DB, query string) *statement {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.parsed[query] != nil {
		return l.parsed[query]
	}
	var s statement
	var err error
	if s.stmt, err = pool.PrepareContext(context.WithoutCancel(ctx), query); err != nil {
		return nil
	}
	l.parsed[query] = &s
	return &s
}
