package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// A sqliteRival is a SQLite file. It is asked through SQLite's own program
// where there is one: the driver, which is the hub's, is C turned into Go and
// takes about twice as long.
type sqliteRival struct {
	db    *sql.DB
	shell *shell // nil: through the driver
	dir   string
	name  string
	hold  int64
}

// sqlitePragmas give it all the memory that it can use, and no fear of a power
// cut.
const sqlitePragmas = "?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_dqs=0"

var sqliteMemory = []string{
	`PRAGMA synchronous = OFF`,
	`PRAGMA temp_store = MEMORY`,
	`PRAGMA cache_size = -1000000`,
	`PRAGMA mmap_size = 2147418112`,
	`CREATE TEMP TABLE chosen (server INTEGER PRIMARY KEY)`,
}

// sqliteTable is in order of time: (pool, server, moment) reads the chosen servers
// only, half of the rows, and then has to sort them all, which costs more.
const sqliteTable = `
	CREATE TABLE sample (
		pool   INTEGER NOT NULL,
		server INTEGER NOT NULL,
		moment INTEGER NOT NULL,
		use    INTEGER NOT NULL,
		delta  INTEGER NOT NULL,
		known  INTEGER NOT NULL,
		PRIMARY KEY (pool, moment, server)
	) WITHOUT ROWID`

// openSQLite makes an empty database in a folder. The program may be empty.
func openSQLite(ctx context.Context, program, dir string) (_ rival, err error) {
	file := filepath.Join(dir, "plain.db")
	r := &sqliteRival{dir: dir}
	if r.db, err = sql.Open("sqlite", file+sqlitePragmas); err != nil {
		return nil, err
	}
	r.db.SetMaxOpenConns(1) // which has the temporary table
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("SQLite: %w", err), r.Close())
		}
	}()
	for _, statement := range append(slices.Clone(sqliteMemory), sqliteTable) {
		if _, err := r.db.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	if err := r.db.QueryRowContext(ctx, `SELECT 'SQLite ' || sqlite_version() || ' in Go'`).Scan(&r.name); err != nil {
		return nil, err
	}
	if program == "" {
		return r, nil
	}
	if r.shell, err = openShell(ctx, program, file); err != nil {
		return nil, err
	}
	if _, err := r.shell.run(sqliteMemory...); err != nil {
		return nil, err
	}
	lines, err := r.shell.run(`SELECT sqlite_version()`)
	if err != nil {
		return nil, err
	}
	r.name = "SQLite " + strings.Join(lines, "")
	return r, nil
}

// Name implements rival.
func (r *sqliteRival) Name() string { return r.name }

// Load implements rival: one transaction, in the order of the key.
func (r *sqliteRival) Load(ctx context.Context, e *estate) (rows, bytes int64, err error) {
	r.hold = e.hold()
	if r.shell != nil {
		rows, err = r.importRows(e)
	} else {
		rows, err = r.insert(ctx, e)
	}
	if err != nil {
		return 0, 0, err
	}
	err = r.db.QueryRowContext(ctx, `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`).Scan(&bytes)
	return rows, bytes, err
}

// importRows loads by way of a file, which the program reads faster than the
// driver takes rows.
func (r *sqliteRival) importRows(e *estate) (rows int64, err error) {
	r.shell.hold = r.hold
	csv := filepath.Join(r.dir, "plain.csv")
	if rows, err = writeRows(csv, e); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.Remove(csv)) }()
	if _, err = fmt.Fprintf(r.shell.in, ".import %q sample\n", csv); err != nil {
		return 0, err
	}
	_, err = r.shell.run(`ANALYZE`)
	return rows, err
}

func (r *sqliteRival) insert(ctx context.Context, e *estate) (rows int64, err error) {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	const together = 100 // rows in a statement
	values := strings.Repeat(", (?, ?, ?, ?, ?, ?)", together)
	var args []any
	flush := func() error {
		n := len(args) / 6
		_, err := tx.ExecContext(ctx, `INSERT INTO sample (pool, server, moment, use, delta, known) VALUES `+values[2:n*len(values)/together], args...)
		args = args[:0]
		return err
	}
	for s := range e.rows() {
		args = append(args, asked, s.Server, s.At, s.Use, s.Delta, s.Known)
		rows++
		if len(args) == 6*together {
			if err := flush(); err != nil {
				return 0, err
			}
		}
	}
	if len(args) > 0 {
		if err := flush(); err != nil {
			return 0, err
		}
	}
	if _, err := tx.ExecContext(ctx, `ANALYZE`); err != nil {
		return 0, err
	}
	return rows, tx.Commit()
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
	if r.shell != nil {
		return r.shell.Peak(ctx, servers, from, to)
	}
	if err := r.choose(ctx, servers); err != nil {
		return peakRow{}, err
	}
	var p peakRow
	err := r.db.QueryRowContext(ctx, sqlPeak, asked, from, to, r.hold).Scan(&p.Value, &p.At)
	return p, err
}

// Trend implements rival.
func (r *sqliteRival) Trend(ctx context.Context, servers []int, from, to int64) ([]dayRow, error) {
	if r.shell != nil {
		return r.shell.Trend(ctx, servers, from, to)
	}
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
func (r *sqliteRival) Close() error {
	var err error
	if r.shell != nil {
		err = r.shell.Close()
	}
	return errors.Join(err, r.db.Close())
}

// programOf returns the path of a program, or nothing where this machine has
// none.
func programOf(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}
