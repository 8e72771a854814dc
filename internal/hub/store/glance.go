package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"headroom/internal/hub/usage"
)

// A glance remembers what every question begins with, an organisation and its
// stamp, as long as nobody commits anything to the SQLite file: a connection of
// its own tells that of all processes (PRAGMA data_version,
// https://www.sqlite.org/pragma.html#pragma_data_version), at a fifth of what
// reading them takes. PostgreSQL has nothing of the kind.
type glance struct {
	mu      sync.Mutex
	conn    *sql.Conn
	stmt    *sql.Stmt
	version int64 // with which the rest was read; good on conn only
	orgs    map[int64]usage.Organisation
	stamps  map[int64]usage.Stamp
}

// Organisation implements usage.Store.
func (db *DB) Organisation(ctx context.Context, org int64) (usage.Organisation, error) {
	return glanced(ctx, db, func(g *glance) map[int64]usage.Organisation { return g.orgs }, org, db.reader.Organisation)
}

// Stamp implements usage.Store.
func (db *DB) Stamp(ctx context.Context, org int64) (usage.Stamp, error) {
	return glanced(ctx, db, func(g *glance) map[int64]usage.Stamp { return g.stamps }, org, db.reader.Stamp)
}

// glanced returns what is remembered of an organisation, or else reads it.
func glanced[T any](ctx context.Context, db *DB, kept func(*glance) map[int64]T, org int64, read func(context.Context, int64) (T, error)) (T, error) {
	g := db.glance
	if g == nil {
		return read(ctx, org)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.look(ctx, db.pool)
	if v, ok := kept(g)[org]; ok {
		return v, nil
	}
	v, err := read(ctx, org)
	if err == nil {
		kept(g)[org] = v // read after the version was: newer at most
	}
	return v, err
}

// look forgets everything if anything was committed since, or if that cannot be
// told.
func (g *glance) look(ctx context.Context, pool *sql.DB) {
	version, err := g.ask(ctx, pool)
	if err == nil && version == g.version && g.orgs != nil {
		return
	}
	g.version, g.orgs, g.stamps = version, make(map[int64]usage.Organisation), make(map[int64]usage.Stamp)
	if err != nil {
		_ = g.close() // whoever reads now meets the error himself
	}
}

func (g *glance) ask(ctx context.Context, pool *sql.DB) (version int64, err error) {
	if g.conn == nil {
		if g.conn, err = pool.Conn(ctx); err != nil {
			return 0, err
		}
		g.orgs = nil // versions of two connections do not compare
		if g.stmt, err = g.conn.PrepareContext(ctx, `PRAGMA data_version`); err != nil {
			return 0, err
		}
	}
	// It takes microseconds; being ready to give it up would take several times that.
	err = g.stmt.QueryRowContext(context.WithoutCancel(ctx)).Scan(&version)
	return version, err
}

// close gives the connection back.
func (g *glance) close() error {
	if g == nil || g.conn == nil {
		return nil
	}
	var err error
	if g.stmt != nil {
		err = g.stmt.Close()
	}
	err = errors.Join(err, g.conn.Close())
	g.conn, g.stmt = nil, nil
	return err
}
