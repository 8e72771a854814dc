package store_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
)

// upTo brings an empty database up to a schema of the past.
func upTo(t *testing.T, dsn string, version int64) {
	t.Helper()
	dialect, folder := goose.DialectSQLite3, "schema/sqlite"
	if strings.HasPrefix(dsn, "postgres") {
		dialect, folder = goose.DialectPostgres, "schema/postgres"
	}
	p, err := goose.NewProvider(dialect, storetest.Raw(t, dsn), os.DirFS(folder), goose.WithDisableGlobalRegistry(true))
	if err == nil {
		_, err = p.UpTo(t.Context(), version)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Before schema 3 batches named their epoch by its text. What was taken then
// is still known, and the next batch goes on from there.
func TestBatchesSurviveTheNumberingOfEpochs(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		upTo(t, dsn, 2)
		for _, statement := range []string{
			`INSERT INTO organisation (org_id, public_id, name, zone, created) VALUES (1, 'x', 'x', 'UTC', 0)`,
			`INSERT INTO license_server (org_id, server_id, guid, agent_id, name, hosts, port, host_id, manager, version, registered_at)
				VALUES (1, 1, 'a', 7, '', '[]', 0, '', '', '', 1)`,
			`INSERT INTO epoch (org_id, agent_id, epoch, complete) VALUES (1, 7, 'f', 1), (1, 7, 'e', 3), (1, 8, 'e', 5)`,
			`INSERT INTO batch (org_id, agent_id, epoch, seq, hash, received, server_id, records, unknown)
				VALUES (1, 7, 'e', 1, '1', 0, 1, 1, 0), (1, 7, 'e', 2, '2', 0, 1, 1, 0), (1, 7, 'f', 2, 'f2', 0, 1, 1, 0)`,
			`INSERT INTO replaced (org_id, agent_id, epoch, seq) VALUES (1, 7, 'e', 4), (1, 7, 'f', 1)`,
		} {
			if strings.HasPrefix(dsn, "postgres") {
				statement = strings.NewReplacer("'1', 0", "'1'::BYTEA, 0").Replace(statement)
			} else {
				statement = strings.NewReplacer("'1', 0", "X'31', 0", "'2', 0", "X'32', 0", "'f2', 0", "X'6632', 0").Replace(statement)
			}
			if _, err := storetest.Raw(t, dsn).Exec(statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		db := storetest.Open(t, dsn)
		hashes := map[string]string{}
		for _, id := range []ingest.ID{{Epoch: "e", Seq: 1}, {Epoch: "e", Seq: 2}, {Epoch: "e", Seq: 3}, {Epoch: "f", Seq: 2}, {Epoch: "g", Seq: 1}} {
			hash, err := db.BatchHash(t.Context(), 1, 7, id.Epoch, id.Seq)
			if err != nil {
				t.Fatal(err)
			}
			hashes[fmt.Sprintf("%s/%d", id.Epoch, id.Seq)] = string(hash)
		}
		if d := cmp.Diff(hashes, map[string]string{"e/1": "1", "e/2": "2", "e/3": "", "f/2": "f2", "g/1": ""}); d != "" {
			t.Errorf("hashes of batches (-got +want):\n%s", d)
		}
		if o, err := db.PutBatch(t.Context(), one(1, 7, "a", 2)); err != nil || o != ingest.Known {
			t.Errorf("a batch from before: %v, %v, want it known", o, err)
		}
		put(t, db, one(1, 7, "a", 3))
		complete(t, db, 7, map[string]uint64{"e": 5, "f": 1})
		complete(t, db, 8, map[string]uint64{"e": 5})
	})
}

// complete compares what is complete of an agent's epochs.
func complete(t *testing.T, db *store.DB, agent int64, want map[string]uint64) {
	t.Helper()
	got, err := db.Complete(t.Context(), 1, agent)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("complete of agent %d (-got +want):\n%s", agent, d)
	}
}

// Epochs that begin at the same time at several hubs get numbers of their own.
func TestEpochsThatBeginTogetherAreToldApart(t *testing.T) {
	dsn := storetest.Postgres(t)
	hubs := []*store.DB{storetest.Open(t, dsn), storetest.Open(t, dsn)}
	org := storetest.Found(t, hubs[0], "UTC")
	servers := []string{"a", "b", "c", "d", "e", "f"}
	agent := storetest.Admit(t, hubs[0], org, "agent", start, servers...)
	want := map[string]uint64{}
	for round := range 10 {
		var wg sync.WaitGroup
		for i, server := range servers {
			wg.Go(func() {
				b := one(org, agent, server, uint64(i/2+1)) // two batches of each epoch differ in their sequence
				b.Epoch, b.Seq = fmt.Sprintf("%d-%d", round, i/2), uint64(i%2+1)
				if o, err := hubs[i%2].PutBatch(t.Context(), b); err != nil || o != ingest.Stored {
					t.Errorf("batch %s/%d: %v, %v", b.Epoch, b.Seq, o, err)
				}
			})
			want[fmt.Sprintf("%d-%d", round, i/2)] = 3
		}
		wg.Wait()
	}
	complete(t, hubs[0], agent, want)
}
