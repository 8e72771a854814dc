package collect_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"headroom/internal/agent/collect"
	"headroom/internal/license"
)

// A relayDB is a database as Keygen Relay keeps it, for a test to fill.
type relayDB struct {
	*sql.DB
	t    testing.TB
	path string
}

// secret stands in the columns that nobody may read.
const secret = "9E32DD-SECRET"

// The tables of Relay in three ages: without pools, with pools, with seats.
var relaySchemas = map[string]string{
	"plain": `
		CREATE TABLE licenses (id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT, file BLOB, key TEXT, claims INTEGER DEFAULT 0,
			last_claimed_at INTEGER, last_released_at INTEGER, node_id INTEGER);
		CREATE TABLE audit_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, event_type_id INTEGER, entity_type_id INTEGER,
			entity_id INTEGER, created_at INTEGER);`,
	"pools": `
		CREATE TABLE pools (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
		CREATE TABLE licenses (id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT, file BLOB, key TEXT, claims INTEGER DEFAULT 0,
			last_claimed_at INTEGER, last_released_at INTEGER, node_id INTEGER, pool_id INTEGER);
		CREATE TABLE audit_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, event_type_id INTEGER, entity_type_id INTEGER,
			entity_id INTEGER, created_at INTEGER, pool_id INTEGER);`,
	"seats": `
		CREATE TABLE pools (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
		CREATE TABLE licenses (id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT, file BLOB, key TEXT, claims INTEGER DEFAULT 0,
			last_claimed_at INTEGER, last_released_at INTEGER, seats INTEGER DEFAULT 1, pool_id INTEGER);
		CREATE TABLE license_nodes (id INTEGER PRIMARY KEY AUTOINCREMENT, license_id INTEGER, node_id INTEGER, created_at INTEGER);
		CREATE TABLE audit_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, event_type_id INTEGER, entity_type_id INTEGER,
			entity_id INTEGER, created_at INTEGER, pool_id INTEGER);`,
}

const relayCommon = `
	CREATE TABLE nodes (id INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT, last_heartbeat_at INTEGER, deactivated_at INTEGER);
	CREATE TABLE event_types (id INTEGER PRIMARY KEY, name TEXT);
	INSERT INTO event_types VALUES (0, 'unknown'), (1, 'license.added'), (2, 'license.removed'), (3, 'license.leased'),
		(4, 'license.lease_extended'), (5, 'license.released'), (6, 'license.lease_expired'), (7, 'node.activated'), (8, 'node.heartbeat_ping');
	INSERT INTO nodes (id, fingerprint) VALUES (1, 'fp-alpha'), (2, 'fp-beta'), (3, 'fp-gamma');`

// newRelay makes a database in a folder of its own.
func newRelay(t testing.TB, schema, journal string) *relayDB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "relay #1.sqlite")
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer(" ", "%20", "#", "%23").Replace(filepath.ToSlash(path))+"?_pragma=journal_mode("+journal+")")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	r := &relayDB{db, t, path}
	r.exec(relaySchemas[schema] + relayCommon)
	return r
}

func (r *relayDB) exec(query string, args ...any) {
	r.t.Helper()
	if _, err := r.Exec(query, args...); err != nil {
		r.t.Fatal(err)
	}
}

// relayEpoch is second 0 of a test.
var relayEpoch = time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)

func second(n int) time.Time { return relayEpoch.Add(time.Duration(n) * time.Second) }

func (r *relayDB) log(event, license, at int) {
	r.t.Helper()
	r.exec(`INSERT INTO audit_logs (event_type_id, entity_type_id, entity_id, created_at) VALUES ($1, 1, $2, $3)`, event, license, second(at).Unix())
}

func (r *relayDB) lease(license, node, at int) {
	r.t.Helper()
	r.exec(`UPDATE licenses SET node_id = $1, last_claimed_at = $2, claims = claims + 1 WHERE id = $3`, node, second(at).Unix(), license)
	r.log(3, license, at)
	r.exec(`INSERT INTO audit_logs (event_type_id, entity_type_id, entity_id, created_at) VALUES (8, 2, $1, $2)`, node, second(at).Unix())
}

func (r *relayDB) release(license, at int) {
	r.t.Helper()
	r.exec(`UPDATE licenses SET node_id = NULL, last_released_at = $1 WHERE id = $2`, second(at).Unix(), license)
	r.log(5, license, at)
}

func (r *relayDB) license(guid string, pool any) {
	r.t.Helper()
	r.exec(`INSERT INTO licenses (guid, file, key, pool_id) VALUES ($1, $2, $3, $4)`, guid, secret+guid, secret+guid, pool)
}

// reader reads the database at a second of the test that can be moved.
func (r *relayDB) reader(resume string, at *int) *collect.RelayFile {
	r.t.Helper()
	file, err := collect.NewRelayFile(r.path, resume, 0, func() time.Time { return second(*at) })
	if err != nil {
		r.t.Fatal(err)
	}
	return file
}

func relayPool(feature string, installed, inUse int64) license.Reading {
	return license.Reading{
		Pool: license.Pool{Feature: feature}, State: license.StateCounted, Installed: license.Of(installed), InUse: license.Of(inUse),
	}
}

func TestRelayDatabaseTellsCountsAndHolders(t *testing.T) {
	t.Parallel()
	r := newRelay(t, "pools", "WAL")
	r.exec(`INSERT INTO pools (name) VALUES ('floor 1'), ('floor 2')`)
	r.license("guid-1", 1)
	r.license("guid-2", 1)
	r.license("guid-3", nil)
	r.lease(1, 2, 10)
	now := 60
	res := read(t, r.reader("", &now))
	want := collect.Result{
		At: second(60), Own: true, Server: license.Server{Manager: "keygen-relay"}, Resume: "2 2026-03-03T09:00:55Z",
		Snapshot: license.Snapshot{
			At: second(60), Complete: true,
			Readings: []license.Reading{relayPool("floor 1", 2, 1), relayPool("floor 2", 0, 0), relayPool("licenses", 1, 0)},
			Holders: []license.Holder{{
				Pool: license.Pool{Feature: "floor 1"}, Host: "fp-beta", Licenses: 1, Since: second(10), Kind: license.HolderActive, Handle: "guid-1",
			}},
		},
		Events: []collect.Events{
			{Pool: license.Pool{Feature: "floor 1"}, From: second(10), To: second(55), Exact: true, Steps: []collect.Step{{At: second(10), InUse: 1, High: 1}}},
			{Pool: license.Pool{Feature: "licenses"}, From: second(10), To: second(55), Exact: true},
		},
	}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if strings.Contains(fmt.Sprintf("%+v", res), secret) {
		t.Error("the result has a license key")
	}
}

func TestRelayOfEveryAgeIsRead(t *testing.T) {
	t.Parallel()
	plain := newRelay(t, "plain", "DELETE")
	plain.exec(`INSERT INTO licenses (guid) VALUES ('a'), ('b')`)
	plain.lease(2, 3, 10)
	seats := newRelay(t, "seats", "WAL")
	seats.exec(`INSERT INTO licenses (guid, seats) VALUES ('a', 5)`)
	seats.exec(`INSERT INTO license_nodes (license_id, node_id, created_at) VALUES (1, 1, $1), (1, 3, $1), (99, 2, $1)`, second(20).Unix())
	for _, c := range []struct {
		db   *relayDB
		want license.Reading
		host string
	}{
		{plain, relayPool("licenses", 2, 1), "fp-gamma"},
		{seats, relayPool("licenses", 5, 2), "fp-alpha"},
	} {
		now := 60
		res := read(t, c.db.reader("", &now))
		if diff := cmp.Diff([]license.Reading{c.want}, res.Snapshot.Readings); diff != "" || res.Failure != "" || res.Note != "" {
			t.Errorf("failure %q, note %q, readings (-want +got):\n%s", res.Failure, res.Note, diff)
			continue
		}
		if got := res.Snapshot.Holders[0].Host; got != c.host {
			t.Errorf("held by %s, want %s", got, c.host)
		}
	}
}

func TestUseOfARelayIsToldOnceAndAcrossARestart(t *testing.T) {
	t.Parallel()
	r := newRelay(t, "pools", "WAL")
	r.license("a", nil)
	r.license("b", nil)
	now := 60
	r.lease(1, 1, 10)
	file := r.reader("", &now)
	res := read(t, file)
	use := func(res collect.Result) []collect.Events { return res.Events }
	pool := license.Pool{Feature: "licenses"}
	want := []collect.Events{{Pool: pool, From: second(10), To: second(55), Exact: true, Steps: []collect.Step{{At: second(10), InUse: 1, High: 1}}}}
	if diff := cmp.Diff(want, use(res)); diff != "" {
		t.Fatalf("first (-want +got):\n%s", diff)
	}

	r.lease(2, 2, 57) // within the time that the audit log may be late
	now = 60
	if res = read(t, file); len(res.Events) != 0 || res.Snapshot.Readings[0].InUse.N != 2 {
		t.Fatalf("at the same second: %+v", res)
	}

	r.release(1, 70)
	r.lease(1, 3, 70)
	now = 120
	res = read(t, file)
	want = []collect.Events{{
		Pool: pool, From: second(55), To: second(115), Exact: true, Start: 1,
		Steps: []collect.Step{{At: second(57), InUse: 2, High: 2}, {At: second(70), InUse: 2, High: 2}},
	}}
	if diff := cmp.Diff(want, use(res)); diff != "" {
		t.Fatalf("second (-want +got):\n%s", diff)
	}

	resume := res.Resume
	r.release(2, 130)
	now = 180
	want = []collect.Events{{
		Pool: pool, From: second(115), To: second(175), Exact: true, Start: 2, Steps: []collect.Step{{At: second(130), InUse: 1, High: 1}},
	}}
	if diff := cmp.Diff(want, use(read(t, r.reader(resume, &now)))); diff != "" {
		t.Fatalf("after a restart (-want +got):\n%s", diff)
	}
}

func TestRelayWithoutAnAuditLogIsSampled(t *testing.T) {
	t.Parallel()
	r := newRelay(t, "pools", "WAL")
	r.license("a", nil)
	r.license("b", nil)
	r.lease(1, 1, 10)
	now := 60
	file := r.reader("", &now)
	read(t, file)
	r.exec(`UPDATE licenses SET node_id = 2, last_claimed_at = $1 WHERE id = 2`, second(80).Unix()) // not logged
	now = 120
	res := read(t, file)
	if len(res.Events) != 0 || !strings.Contains(res.Note, "does not agree") || res.Snapshot.Readings[0].InUse.N != 2 {
		t.Errorf("events %+v, note %q, readings %+v, want counts alone", res.Events, res.Note, res.Snapshot.Readings)
	}
	r.release(2, 130)
	now = 180
	if res = read(t, file); len(res.Events) != 1 || res.Events[0].Start != 2 || res.Note != "" {
		t.Errorf("logged again: events %+v, note %q", res.Events, res.Note)
	}

	r.exec(`DROP TABLE event_types`)
	if res = read(t, file); res.Failure != "" || !strings.Contains(res.Note, "audit log") || !res.HasSnapshot() {
		t.Errorf("without the table: failure %q, note %q", res.Failure, res.Note)
	}
}

// A second database under the same name begins anew.
func TestAnotherRelayDatabaseIsNoContinuation(t *testing.T) {
	t.Parallel()
	r := newRelay(t, "pools", "WAL")
	r.license("a", nil)
	r.lease(1, 1, 110)
	now := 160
	res := read(t, r.reader("500 2026-03-03T09:01:00Z", &now))
	if len(res.Events) != 1 || !res.Events[0].From.Equal(second(110)) || res.Resume != "2 2026-03-03T09:02:35Z" {
		t.Errorf("events %+v, resume %q, want those of the new log", res.Events, res.Resume)
	}
}

func TestLongAuditLogIsToldInPortions(t *testing.T) {
	t.Parallel()
	r := newRelay(t, "pools", "WAL")
	r.license("a", nil)
	const leases = 12_000
	r.exec(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)
		INSERT INTO audit_logs (event_type_id, entity_type_id, entity_id, created_at)
		SELECT e, 1, 1, $2 + 3 * i + (e = 6) FROM n, (SELECT 3 AS e UNION SELECT 6) ORDER BY i, e`, leases, second(0).Unix())
	now := 3*leases + 60
	resume, steps, portions, last := "", 0, 0, second(0)
	for more := true; more; portions++ {
		res := read(t, r.reader(resume, &now)) // a new one each time
		more, resume = res.More, res.Resume
		if more == res.HasSnapshot() {
			t.Fatalf("portion %d: more %v, snapshot %v", portions, more, res.HasSnapshot())
		}
		for _, e := range res.Events {
			if !e.From.Equal(last) {
				t.Fatalf("portion %d begins at %v, want %v", portions, e.From, last)
			}
			steps, last = steps+len(e.Steps), e.To
		}
	}
	if steps != 2*leases || portions != 2 || !last.Equal(second(now-5)) {
		t.Errorf("%d steps in %d portions until %v, want %d in 2 until %v", steps, portions, last, 2*leases, second(now-5))
	}
}

func TestReadingARelayChangesNothing(t *testing.T) {
	t.Parallel()
	for _, journal := range []string{"WAL", "DELETE"} {
		for _, open := range []bool{true, false} {
			r := newRelay(t, "pools", journal)
			r.license("a", nil)
			r.lease(1, 1, 10)
			if !open {
				r.Close()
			}
			before := folder(t, filepath.Dir(r.path))
			now := 60
			if res := read(t, r.reader("", &now)); res.Failure != "" || res.Snapshot.Readings[0].InUse.N != 1 {
				t.Errorf("%s, open %v: failure %q, readings %+v", journal, open, res.Failure, res.Snapshot.Readings)
			}
			after := folder(t, filepath.Dir(r.path))
			for name := range after {
				if strings.HasSuffix(name, "-shm") { // locks of readers, in memory that is shared
					after[name] = before[name]
				}
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("%s, open %v: the folder (-before +after):\n%s", journal, open, diff)
			}
		}
	}
}

// folder is what stands in a folder, by name.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = fmt.Sprintf("%x", sha256.Sum256(b))
	}
	return out
}

func TestWhatIsNoRelayIsUnknownAndNeverZero(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty := newRelay(t, "pools", "DELETE")
	other := newRelay(t, "pools", "DELETE")
	other.exec(`DROP TABLE licenses`)
	for path, want := range map[string]string{
		filepath.Join(dir, "missing.sqlite"):                  "missing.sqlite",
		write("short.sqlite", "SQLite"):                       "is this the database of a Keygen Relay?",
		write("text.sqlite", strings.Repeat("no data\n", 99)): "not a database",
		dir:        dir,
		empty.path: "has no licenses",
		other.path: "no such table: licenses",
	} {
		file, err := collect.NewRelayFile(path, "", 0, func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		res := read(t, file)
		if !strings.Contains(res.Failure, want) || res.HasSnapshot() || len(res.Events) != 0 {
			t.Errorf("%s: failure %q, snapshot %v, want %q and none", path, res.Failure, res.HasSnapshot(), want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "missing.sqlite")); !os.IsNotExist(err) {
		t.Errorf("a database was made: %v", err)
	}
	for _, resume := range []string{"7", "x 2026-03-03T09:00:00Z", "7 yesterday"} {
		if _, err := collect.NewRelayFile(dir, resume, 0, time.Now); err == nil {
			t.Errorf("the resume %q is taken", resume)
		}
	}
}

func TestRelayThatIsLockedIsUnknown(t *testing.T) {
	t.Parallel()
	r := newRelay(t, "pools", "DELETE")
	r.license("a", nil)
	r.exec(`BEGIN EXCLUSIVE`)
	file, err := collect.NewRelayFile(r.path, "", time.Second, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if res := read(t, file); res.Failure == "" || res.HasSnapshot() {
		t.Errorf("a locked database: %+v", res)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := file.Read(ctx); err == nil {
		t.Error("giving up is a reading")
	}
}
