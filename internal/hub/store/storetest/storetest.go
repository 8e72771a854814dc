// Package storetest gives tests throwaway stores, one per engine.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"headroom/internal/hub/store"
)

// PostgresEnv names the environment variable with the postgres:// URL of a
// server on which tests may create schemas.
const PostgresEnv = "HEADROOM_TEST_POSTGRES"

// Each runs f once per engine, each time with an empty store of its own.
// Without PostgresEnv the PostgreSQL run is skipped, except where CI is set:
// there it fails, so that a missing engine cannot pass for a tested one.
func Each(t *testing.T, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachDSN(t, func(t *testing.T, dsn string) { f(t, Open(t, dsn)) })
}

// EachDSN is Each for tests that open the store themselves.
func EachDSN(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// New returns an empty store on SQLite, for tests in which the engine does not
// matter.
func New(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, SQLite(t))
}

// Open opens a store for the duration of the test.
func Open(t testing.TB, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(context.WithoutCancel(t.Context()), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return db
}

// SQLite names a database file that does not exist yet.
func SQLite(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "hub.db")
}

// Postgres names an empty schema of its own, which is dropped after the test.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(PostgresEnv)
	if server == "" && os.Getenv("CI") != "" {
		t.Fatalf("%s is not set: CI has to test both engines", PostgresEnv)
	}
	if server == "" {
		t.Skipf("%s is not set", PostgresEnv)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s: %v", PostgresEnv, err)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	run(t, server, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { run(t, server, "DROP SCHEMA "+schema+" CASCADE") })
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// run executes a statement on the database behind dsn, past the store.
func run(t testing.TB, dsn, statement string) {
	t.Helper()
	if _, err := Raw(t, dsn).Exec(statement); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", statement, err))
	}
}

// Raw opens the database behind dsn past the store, to look at what a test
// could not see otherwise.
func Raw(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(dsn, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return db
}
