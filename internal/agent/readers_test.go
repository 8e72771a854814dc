package agent_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"headroom/internal/agent"
)

// genericServer is a license server that is told by a file in our JSON, old
// enough to be whole.
func genericServer(t *testing.T, name, document string) agent.ServerConfig {
	t.Helper()
	path := filepath.Join(t.TempDir(), "usage.json")
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	return agent.ServerConfig{Name: name, Reader: "generic", Path: path}
}

// relayServer is a Keygen Relay with two licenses, one of them leased.
func relayServer(t *testing.T, name string) agent.ServerConfig {
	t.Helper()
	path := filepath.Join(t.TempDir(), "relay.sqlite")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`
		CREATE TABLE nodes (id INTEGER PRIMARY KEY, fingerprint TEXT);
		CREATE TABLE licenses (id INTEGER PRIMARY KEY, guid TEXT, last_claimed_at INTEGER, last_released_at INTEGER, node_id INTEGER);
		CREATE TABLE event_types (id INTEGER PRIMARY KEY, name TEXT);
		CREATE TABLE audit_logs (id INTEGER PRIMARY KEY, event_type_id INTEGER, entity_id INTEGER, created_at INTEGER);
		INSERT INTO nodes VALUES (1, 'fp-alpha');
		INSERT INTO licenses VALUES (1, 'a', unixepoch() - 60, NULL, 1), (2, 'b', NULL, NULL, NULL);
		INSERT INTO event_types VALUES (3, 'license.leased');
		INSERT INTO audit_logs VALUES (1, 3, 1, unixepoch() - 60);`); err != nil {
		t.Fatal(err)
	}
	return agent.ServerConfig{Name: name, Reader: "keygen-relay", Path: path}
}

func TestWhatReadersTellReachesTheHub(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL,
		genericServer(t, "told", `{"headroom_usage": 1, "server": {"hosts": ["lic7"], "manager": "acme-lm"},
			"pools": [{"feature": "CAD", "installed": 9, "in_use": 4}], "holders": [{"feature": "CAD", "user": "mira", "licenses": 4}]}`),
		genericServer(t, "counts", `{"headroom_usage": 1, "server": {"version": "7.2"}, "pools": [{"feature": "MESH", "installed": 5, "in_use": 0}]}`),
		relayServer(t, "relay"),
	))
	run(t, a)
	read(t, a)
	join(t, h, a)
	send(t, a)
	want := []string{
		"events licenses exact=true 0 [1]",
		"holders :1", "holders mira:4",
		"samples x1 generic own=true CAD 4/9", "samples x1 generic own=true MESH 0/5", "samples x1 keygen-relay own=true licenses 1/2",
		"server counts []", "server relay []", "server told [lic7]",
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(h.said()))); diff != "" {
		t.Errorf("the hub was told (-want +got):\n%s", diff)
	}
	managers := map[string]string{}
	eventually(t, "the hub knows the servers", func() bool {
		h.with(func() {
			for _, p := range h.polls {
				for _, s := range p.Servers {
					managers[s.Name] = strings.TrimSpace(s.Manager + " " + s.Version)
				}
			}
		})
		return len(managers) == 3
	})
	if diff := cmp.Diff(map[string]string{"told": "acme-lm", "counts": "generic 7.2", "relay": "keygen-relay"}, managers); diff != "" {
		t.Errorf("license managers (-want +got):\n%s", diff)
	}
}
