package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"modernc.org/sqlite" // also the driver "sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

//go:embed schema
var schemas embed.FS

// An engine is what SQLite and PostgreSQL do not share.
type engine struct {
	name    string // also the folder under schema
	dialect goose.Dialect
	locker  lock.SessionLocker   // serialises hubs that start at the same time; nil where one process has the file
	parses  bool                 // anew each time a statement runs, unless it is kept
	gaveWay func(err error) bool // the transaction lost against another one and can be tried again
	full    func(err error) bool // there is no room on the disk
}

// sqlitePragmas hold for every connection of a pool, so they stand in the
// connection string.
const sqlitePragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=foreign_keys(1)&_dqs=0&_txlock=immediate"

func openSQLite(ctx context.Context, path string, o Options) (*DB, error) {
	if strings.ContainsRune(path, '?') {
		return nil, fmt.Errorf("%s: the path of a database must not contain a question mark", path)
	}
	// SQLite would let the whole machine read the names of people.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	write, err := sql.Open("sqlite", path+sqlitePragmas)
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1) // SQLite has one writer; queue here, not in SQLITE_BUSY
	read, err := sql.Open("sqlite", path+sqlitePragmas+"&_query_only=1")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(o.Conns + 1) // one is the glance's, and it keeps it
	read.SetMaxIdleConns(o.Conns + 1)
	db := &DB{write: write, reader: reader{read: read, pool: read, lookups: &lookups{parsed: parsed{}}}, glance: new(glance), engine: engine{
		name:    "sqlite",
		dialect: goose.DialectSQLite3,
		parses:  true,
		gaveWay: func(error) bool { return false },
		full:    sqliteFull,
	}}
	var version string
	if err := write.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	if err := checkSQLite(version); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// checkSQLite refuses versions before 3.53, which can corrupt a database when
// the WAL is reset.
func checkSQLite(version string) error {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return fmt.Errorf("version %q of SQLite: %w", version, err)
	}
	if major < 3 || major == 3 && minor < 53 {
		return fmt.Errorf("SQLite %s can corrupt a database: build with 3.53 or newer", version)
	}
	return nil
}

func openPostgres(ctx context.Context, url string, o Options) (*DB, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err // pgx leaves the password out
	}
	pool := stdlib.OpenDB(*c)
	pool.SetMaxOpenConns(o.Conns)
	pool.SetMaxIdleConns(o.Conns)
	db := &DB{write: pool, reader: reader{read: pool, pool: pool}, engine: engine{
		name:    "postgres",
		dialect: goose.DialectPostgres,
		gaveWay: postgresGaveWay,
		full:    postgresFull,
	}}
	var schema sql.NullString
	if err := pool.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if !schema.Valid {
		return nil, errors.Join(errors.New("the search_path of the PostgreSQL user names no schema that exists"), db.Close())
	}
	// The lock belongs to the database; hubs in other schemas of it need not wait.
	id := fnv.New32a()
	fmt.Fprint(id, "headroom schema ", schema.String)
	db.locker, err = lock.NewPostgresSessionLocker(
		lock.WithLockID(int64(id.Sum32())), lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 30))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// postgresGaveWay reports a serialization failure or a deadlock.
func postgresGaveWay(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}

// sqliteFull reports that the disk, or the quota, is used up.
func sqliteFull(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlitelib.SQLITE_FULL
}

// postgresFull reports that the server's disk is used up.
func postgresFull(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "53100"
}

// migrate applies the schema files that this database has not seen.
func (db *DB) migrate(ctx context.Context) error {
	files, err := fs.Sub(schemas, "schema/"+db.name)
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true)}
	if db.locker != nil {
		options = append(options, goose.WithSessionLocker(db.locker))
	}
	p, err := goose.NewProvider(db.dialect, db.write, files, options...)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	has, knows, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > knows {
		return fmt.Errorf("this database has schema %d and this program knows schemas up to %d: "+
			"it was written by a newer version; install that version, or restore the backup made before the upgrade", has, knows)
	}
	return nil
}
