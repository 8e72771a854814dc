// Package store keeps what the hub knows in one database, on one of two
// engines: a SQLite file, or PostgreSQL. What a method has done when it
// returns nil has reached the disk.
//
// Every statement is one text for both engines and names the organisation
// that it is about. Times in tables are Unix milliseconds, 0 for never.
// docs/format/store.md describes the tables.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/internal/fault"
)

// Options are what an operator may set. The zero value is good.
type Options struct {
	Conns   int // connections that read (SQLite) or in all (PostgreSQL); 0: 16
	Waiting int // batches that may wait for their commit; 0: 256
}

// A DB is an open database, its schema up to date. Its methods may be called
// by many goroutines at once.
type DB struct {
	write *sql.DB // one connection on SQLite
	reader
	engine
	group  *group  // of batches that wait for a commit
	glance *glance // nil on PostgreSQL
}

// Open opens the database that dsn names, creates what is missing and brings
// its schema up to date. A dsn that begins with postgres:// is a URL; anything
// else is the path of a SQLite file, whose folder must exist. A database that
// a newer version of the program has written is refused.
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	if o.Conns == 0 {
		o.Conns = 16
	}
	if o.Waiting == 0 {
		o.Waiting = 256
	}
	open := openSQLite
	if IsURL(dsn) {
		open = openPostgres
	}
	db, err := open(ctx, dsn, o)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db.group = newGroup(o.Waiting)
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), db.Close())
	}
	return db, nil
}

// IsURL says whether a dsn is the URL of a PostgreSQL database, and not the path of
// a SQLite file.
func IsURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// Close closes the database. Methods that are still running end with errors.
func (db *DB) Close() error {
	if db.pool == db.write {
		return db.write.Close()
	}
	db.glance.mu.Lock()
	defer db.glance.mu.Unlock()
	return errors.Join(db.glance.close(), db.pool.Close(), db.write.Close())
}

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.pool.PingContext(ctx) }

// tx runs f in a transaction and commits when f returns nil. Where the engine
// gave way to another hub process, f runs again from the start: it must not
// keep anything from a failed run.
func (db *DB) tx(ctx context.Context, f func(tx *sql.Tx) error) error {
	const attempts = 5
	for n := 1; ; n++ {
		err := db.once(ctx, f)
		if err == nil || n == attempts || !db.gaveWay(err) {
			return db.unlessFull(err)
		}
	}
}

func (db *DB) once(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// whenFull is after which time it makes sense to try again on a full disk: people
// have to make room.
const whenFull = 5 * time.Minute

// unlessFull makes a full disk a fault.Unavailable: agents keep what they have and come
// again.
func (db *DB) unlessFull(err error) error {
	if err == nil || !db.full(err) {
		return err
	}
	return &fault.Error{Kind: fault.Unavailable, After: whenFull, Msg: "the disk of the hub's database is full; it goes on once there is room", Err: err}
}

// nextID gives out the next number of a kind of thing in an organisation,
// from 1 on. A number is never given out twice, except after a rollback.
func nextID(ctx context.Context, tx *sql.Tx, org int64, kind string) (id int64, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO counter (org_id, name, n) VALUES ($1, $2, 1)
		ON CONFLICT (org_id, name) DO UPDATE SET n = counter.n + 1
		RETURNING n`, org, kind).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("number a new %s: %w", kind, err)
	}
	return id, nil
}

// Meta returns what the hub keeps under a name. Where there is nothing yet it
// keeps initial; of several processes that do so at once the first one wins.
func (db *DB) Meta(ctx context.Context, name, initial string) (value string, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO meta (name, value) VALUES ($1, $2)
			ON CONFLICT (name) DO NOTHING`, name, initial)
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, name).Scan(&value)
	})
	if err != nil {
		return "", fmt.Errorf("read meta %s: %w", name, err)
	}
	return value, nil
}

// TakeMeta forgets a value of the hub and returns it; empty if there is none.
func (db *DB) TakeMeta(ctx context.Context, name string) (value string, err error) {
	err = db.write.QueryRowContext(ctx, `DELETE FROM meta WHERE name = $1 RETURNING value`, name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("forget meta %s: %w", name, err)
	}
	return value, nil
}

// stamp is how tables keep a time: Unix milliseconds, 0 for the zero time.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant is the inverse of stamp.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
