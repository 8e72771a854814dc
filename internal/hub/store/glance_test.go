package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"headroom/internal/hub/store"
)

// Another process has the file open too: a command line beside the hub.
func TestGlanceSeesWhatOthersCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	open := func() *store.DB {
		db, err := store.Open(t.Context(), path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	}
	here, there := open(), open()
	if _, _, err := here.Standing(t.Context(), 1); err == nil {
		t.Fatal("there is an organisation that nobody made")
	}
	for n := range 3 {
		if err := there.Exec(t.Context(), `INSERT INTO organisation (org_id, public_id, name, zone, created)
			VALUES (1, 'ORG1', 'first', 'UTC', 1) ON CONFLICT (org_id) DO UPDATE SET name = name || 'x'`); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			o, _, err := here.Standing(t.Context(), 1)
			if want := "first" + "xx"[:n]; err != nil || o.Name != want {
				t.Fatalf("organisation %q (%v), want %q", o.Name, err, want)
			}
		}
	}
	if err := there.Exec(t.Context(), `INSERT INTO counter (org_id, name, n) VALUES (1, 'pack', 7)`); err != nil {
		t.Fatal(err)
	}
	if _, s, err := here.Standing(t.Context(), 1); err != nil || s.Pack != 7 {
		t.Errorf("stamp %+v (%v), want pack 7", s, err)
	}
}

// The glance keeps a connection for good. With the smallest pool, whoever reads
// needs one too.
func TestGlanceLeavesTheOnlyConnectionToReaders(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), store.Options{Conns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Exec(t.Context(), `INSERT INTO organisation (org_id, public_id, name, zone, created)
		VALUES (1, 'ORG1', 'only', 'UTC', 1)`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 2 {
		if o, _, err := db.Standing(ctx, 1); err != nil || o.Name != "only" {
			t.Fatalf("organisation %q, %v", o.Name, err)
		}
	}
}
