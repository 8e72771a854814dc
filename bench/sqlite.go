package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// A sqliteRival is a SQLite file, read by the same driver as the hub's.
type sqliteRival struct {
	db   *sql.DB
	hold int64
}

// sqlitePragmas give it all the memory that it can use, and no fear of a power
// cut.
const sqlitePragmas = "?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=temp_store(MEMORY)" +
	"&_pragma=cache_size(-1000000)&_pragma=mmap_size(2147418112)&_dqs=0"

// sqliteTable is in order of time: (pool, server, at) reads the chosen servers
// only, half of the rows, and then has to sort them all.
const sqliteTable = `
	CREATE TABLE sample (
		pool   INTEGER NOT NULL,
		server INTEGER NOT NULL,
		at     INTEGER NOT NULL,
		use    INTEGER NOT NULL,
		delta  INTEGER NOT NULL,
		known  INTEGER NOT NULL,
		PRIMARY KEY (pool, at, server)
	) STRICT, WITHOUT ROWID`

// openSQLite makes an empty database in a folder.
func openSQLite(ctx context.Context, dir string) (rival, error) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "plain.db")+sqlitePragmas)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // which has the temporary table
	for _, statement := range []string{sqliteTable, `CREATE TEMP TABLE chosen (server INTEGER PRIMARY KEY) STRICT`} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(fmt.Errorf("SQLite: %w", err), db.Close())
		}
	}
	return &sqliteRival{db: db}, nil
}

// Name implements rival.
func (r *sqliteRival) Name() string {
	var version string
	if err := r.db.QueryRow(`SELECT sqlite_version()`).Scan(&version); err != nil {
		return "SQLite"
	}
	return "SQLite " + version
}

// Load implements rival: one transaction, in the order of the key.
func (r *sqliteRival) Load(ctx context.Context, e *estate) (rows, bytes int64, err error) {
	r.hold = e.hold()
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, 0, err
	}
	defer tx.Rollback()
	const together = 100 // rows in a statement
	values := strings.Repeat(", (?, ?, ?, ?, ?, ?)", together)
	var args []any
	flush := func() error {
		n := len(args) / 6
		_, err := tx.ExecContext(ctx, `INSERT INTO sample (pool, server, at, use, delta, known) VALUES `+values[2:n*len(values)/together], args...)
		args = args[:0]
		return err
	}
	for s := range e.rows() {
		args = append(args, asked, s.Server, s.At, s.Use, s.Delta, s.Known)
		rows++
		if len(args) == 6*together {
			if err := flush(); err != nil {
				return 0, 0, err
			}
		}
	}
	if len(args) > 0 {
		if err := flush(); err != nil {
			return 0, 0, err
		}
	}
	if err := tx.Commit(); err != nil {
		return 0, 0, err
	}
	if _, err := r.db.ExecContext(ctx, `ANALYZE`); err != nil {
		return 0, 0, err
	}
	err = r.db.QueryRowContext(ctx, `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`).Scan(&bytes)
	return rows, bytes, err
}

// choose fills the table of the chosen servers.
func (r *sqliteRival) choose(ctx context.Context, servers []int) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `DELETE FROM chosen`); err != nil {
		return err
	}
	for _, s := range chosen(servers) {
		if _, err := tx.ExecContext(ctx, `INSERT INTO chosen VALUES (?)`, s); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// chosen returns the servers as rows name them, nobody included.
func chosen(servers []int) []int64 {
	out := []int64{nobody}
	for _, s := range servers {
		out = append(out, int64(s)+1)
	}
	return out
}

// Peak implements rival.
func (r *sqliteRival) Peak(ctx context.Context, servers []int, from, to int64) (peakRow, error) {
	if err := r.choose(ctx, servers); err != nil {
		return peakRow{}, err
	}
	var p peakRow
	err := r.db.QueryRowContext(ctx, sqlPeak, asked, from, to, r.hold).Scan(&p.Value, &p.At)
	return p, err
}

// Trend implements rival.
func (r *sqliteRival) Trend(ctx context.Context, servers []int, from, to int64) ([]dayRow, error) {
	if err := r.choose(ctx, servers); err != nil {
		return nil, err
	}
	rows, err := r.db.QueryContext(ctx, sqlTrend, asked, from, to, r.hold)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []dayRow
	for rows.Next() {
		var d dayRow
		if err := rows.Scan(&d.Day, &d.Max, &d.Integral, &d.Seconds, &d.P95); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Close implements rival.
func (r *sqliteRival) Close() error { return r.db.Close() }
