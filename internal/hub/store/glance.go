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
	version int64              // with which the rest was read; good on conn only
	seen    map[int64]standing // by organisation
}

type standing struct {
	org   usage.Organisation
	stamp usage.Stamp
}

// Standing implements usage.Store.
func (db *DB) Standing(ctx context.Context, org int64) (usage.Organisation, usage.Stamp, error) {
	g := db.glance
	if g == nil {
		return db.reader.Standing(ctx, org)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.look(ctx, db.pool)
	if s, ok := g.seen[org]; ok {
		return s.org, s.stamp, nil
	}
	o, stamp, err := db.reader.Standing(ctx, org)
	if err == nil {
		g.seen[org] = standing{o, stamp} // read after the version was: newer at most
	}
	return o, stamp, err
}

// look forgets everything if anything was committed since, or if that cannot be
// told.
func (g *glance) look(ctx context.Context, pool *sql.DB) {
	version, err := g.ask(ctx, pool)
	if err == nil && version == g.version && g.seen != nil {
		return
	}
	g.version, g.seen = version, make(map[int64]standing)
	if err != nil {
		_ = g.close() // whoever reads now meets the error himself
	}
}

func (g *glance) ask(ctx context.Context, pool *sql.DB) (version int64, err error) {
	if g.conn == nil {
		if g.conn, err = pool.Conn(ctx); err != nil {
			return 0, err
		}
		g.seen = nil // versions of two connections do not compare
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
