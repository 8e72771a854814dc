package store_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
)

func TestMetaKeepsTheFirstValue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, offer := range []string{"one", "two"} {
			got, err := db.Meta(t.Context(), "hub", offer)
			if err != nil {
				t.Fatal(err)
			}
			if got != "one" {
				t.Errorf("Meta with initial %q = %q, want %q", offer, got, "one")
			}
		}
	})
}

func TestHubsThatStartTogetherShareOneSchema(t *testing.T) {
	dsn := storetest.Postgres(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			db, err := store.Open(t.Context(), dsn, store.Options{Conns: 3})
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestStoreSurvivesReopening(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		for range 2 {
			db, err := store.Open(t.Context(), dsn, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := db.Meta(t.Context(), "hub", "one"); err != nil || got != "one" {
				t.Errorf("Meta = %q, %v, want %q", got, err, "one")
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		storetest.Open(t, dsn)
		if _, err := storetest.Raw(t, dsn).Exec(`
			INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`); err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(t.Context(), dsn, store.Options{})
		if err == nil {
			db.Close()
			t.Fatal("a database with schema 9999 was opened")
		}
		if !strings.Contains(err.Error(), "schema 9999") || !strings.Contains(err.Error(), "newer version") {
			t.Errorf("refused with %q, want the schema's number and what to do", err)
		}
	})
}

// Both engines have the same schema files, and those that were released are
// as they were: a database in the field has applied them already.
func TestReleasedSchemaFilesAreFrozen(t *testing.T) {
	frozen, err := os.ReadFile("testdata/frozen.sha256")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(frozen)) {
		want, path, _ := strings.Cut(strings.TrimSpace(line), "  ")
		text, err := os.ReadFile(filepath.FromSlash(path))
		if err != nil {
			t.Errorf("a released schema file is gone: %v", err)
			continue
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s was released and must not change (sha256 %x, want %s): add a new file", path, sum, want)
		}
	}
	names := func(engine string) (names []string) {
		files, err := filepath.Glob("schema/" + engine + "/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("no schema files of %s: %v", engine, err)
		}
		for _, f := range files {
			names = append(names, filepath.Base(f))
		}
		return names
	}
	if d := cmp.Diff(names("sqlite"), names("postgres")); d != "" {
		t.Errorf("schema files differ between the engines (-sqlite +postgres):\n%s", d)
	}
}

func TestBothEnginesHaveTheSameColumns(t *testing.T) {
	lite, pg := storetest.SQLite(t), storetest.Postgres(t)
	storetest.Open(t, lite)
	storetest.Open(t, pg)
	got := columns(t, storetest.Raw(t, lite), `
		SELECT m.name, c.name, c.type, c."notnull", c.pk
		FROM sqlite_schema m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose_%'`)
	want := columns(t, storetest.Raw(t, pg), `
		SELECT c.table_name, c.column_name, c.data_type, CASE c.is_nullable WHEN 'NO' THEN 1 ELSE 0 END,
			COALESCE((SELECT k.ordinal_position
				FROM information_schema.table_constraints t
				JOIN information_schema.key_column_usage k USING (constraint_schema, constraint_name)
				WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_schema = c.table_schema
				AND k.table_name = c.table_name AND k.column_name = c.column_name), 0)
		FROM information_schema.columns c
		WHERE c.table_schema = current_schema() AND c.table_name NOT LIKE 'goose_%'`)
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("columns differ between the engines (-sqlite +postgres):\n%s", d)
	}
	for _, c := range got {
		if strings.Contains(c, ".org_id ") && !strings.Contains(c, "key 1") {
			t.Errorf("%s: org_id has to be first in the primary key", c)
		}
	}
}

// columns lists every column as "table.column type, null or not, place in the
// primary key", sorted.
func columns(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types := map[string]string{"BIGINT": "INTEGER", "BYTEA": "BLOB"}
	for rows.Next() {
		var table, column, kind string
		var notNull, key int
		if err := rows.Scan(&table, &column, &kind, &notNull, &key); err != nil {
			t.Fatal(err)
		}
		kind = strings.ToUpper(kind)
		if same, ok := types[kind]; ok {
			kind = same
		}
		all = append(all, fmt.Sprintf("%s.%s %s, not null %d, key %d", table, column, kind, notNull, key))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
