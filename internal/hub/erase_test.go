package hub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/wire"
)

// send sends a reading and returns what became of it, or of whom sent it.
func send(t *testing.T, a *hubtest.Agent, seq uint64, at time.Time) string {
	t.Helper()
	got := a.Put(seq, a.Batch(seq, at, 7))
	if got.Status != http.StatusOK && got.Status != http.StatusCreated {
		return fmt.Sprint(got.Status)
	}
	var r wire.Receipt
	if err := json.Unmarshal(got.Body, &r); err != nil {
		t.Fatal(err)
	}
	return r.Status
}

// seen is how many license servers the hub lists, and of how many it has readings.
func seen(t *testing.T, h *hubtest.Hub) (readings, listed int) {
	t.Helper()
	all, err := h.Usage.Servers(t.Context(), h.Org.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if !s.LastReading.IsZero() {
			readings++
		}
	}
	return readings, len(all)
}

func erase(t *testing.T, h *hubtest.Hub, a *hubtest.Agent) {
	t.Helper()
	if err := h.Erasure.Delete(t.Context(), h.Actor(), a.Servers[0].GUID, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, h *hubtest.Hub) {
	t.Helper()
	agents, err := h.Registrar.List(t.Context(), h.Org.ID)
	if err != nil || len(agents) != 1 {
		t.Fatalf("agents: %v, %v", agents, err)
	}
	if err := h.Registrar.Remove(t.Context(), h.Actor(), agents[0].ID); err != nil {
		t.Fatal(err)
	}
}

// deleting usage data and removing a registration are two acts, in any
// order, whether the agent is there, away, or has a batch on its way meanwhile.
func TestDeletingAndRemovingAreTwoActs(t *testing.T) {
	for _, c := range []struct {
		deleted, removed bool
		readings, listed int
		next             string // what becomes of the agent's next reading
	}{
		{false, false, 1, 1, wire.ReceiptStored},
		{true, false, 0, 1, wire.ReceiptStored},
		{false, true, 1, 1, "403"},
		{true, true, 0, 0, "403"},
	} {
		for _, agent := range []string{"online", "offline", "mid-upload"} {
			t.Run(fmt.Sprintf("deleted %v, removed %v, agent %s", c.deleted, c.removed, agent), func(t *testing.T) {
				h := hubtest.New(t)
				a := h.RegisteredAgent("lic-1")
				begin := time.Now().Add(-time.Hour)
				if got := send(t, a, 1, begin); got != wire.ReceiptStored {
					t.Fatal(got)
				}
				onItsWay := a.Request(http.MethodPut, hubtest.BatchPath(2), a.Batch(2, begin.Add(time.Minute), 8))
				if c.deleted {
					erase(t, h, a)
				}
				if c.removed {
					remove(t, h)
				}
				switch agent {
				case "online":
					if !c.removed {
						a.Poll()
					}
				case "mid-upload":
					want := http.StatusOK
					if c.removed {
						want = http.StatusForbidden
					}
					if got := a.Send(onItsWay); got.Status != want {
						t.Errorf("a batch that was on its way: %d %s, want %d", got.Status, got.Body, want)
					}
				}
				if readings, listed := seen(t, h); readings != c.readings || listed != c.listed {
					t.Errorf("readings of %d of %d license servers are there, want %d of %d", readings, listed, c.readings, c.listed)
				}
				if got := send(t, a, 3, time.Now().Add(time.Second)); got != c.next {
					t.Errorf("the next reading: %s, want %s", got, c.next)
				}
			})
		}
	}
}

// a copy of the store from before a deletion and a removal is put in its
// place: nothing of both comes back, and nobody is asked anything before.
func TestALaterStartDoesDeletionsAgain(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "hub.db")
	at := func(c *hub.Config) { c.Store = file }
	var agents [3]*hubtest.Agent
	var backup []byte
	t.Run("a hub deletes and removes", func(t *testing.T) {
		h := hubtest.New(t, at)
		for i := range agents {
			agents[i] = h.RegisteredAgent(fmt.Sprintf("lic-%d", i))
			if got := send(t, agents[i], 1, time.Now().Add(-time.Hour)); got != wire.ReceiptStored {
				t.Fatal(got)
			}
		}
		backup = snapshot(t, file)
		erase(t, h, agents[0])
		if err := h.Erasure.Delete(t.Context(), h.Actor(), agents[1].Servers[0].GUID, time.Now().Add(-time.Hour)); fault.KindOf(err) != fault.Unauthorized {
			t.Errorf("an hour after signing in: %v, want a fault.Unauthorized", err)
		}
		list, err := h.Registrar.List(t.Context(), h.Org.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			if a.Servers[0].Name == "lic-2" {
				if err := h.Registrar.Remove(t.Context(), h.Actor(), a.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := h.Erasure.Record(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	restore(t, file, backup)
	h := hubtest.Reopen(t, at)
	entries, err := storetest.Open(t, file).Entries(t.Context(), h.Org.ID, audit.Query{})
	if err != nil {
		t.Fatal(err)
	}
	again := 0
	for _, e := range entries {
		if e.Detail == "again, after an older state of the store was restored" {
			again++
		}
	}
	all, err := h.Usage.Servers(t.Context(), h.Org.ID)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, s := range all {
		shown[s.Name] = !s.LastReading.IsZero()
	}
	if shown["lic-0"] || !shown["lic-1"] || again != 2 {
		t.Errorf("after the restore: readings of %v, %d acts done again; want those of lic-1 and lic-2, and 2 acts", shown, again)
	}
	if got := send(t, h.Known(agents[2]), 2, time.Now()); got != "403" {
		t.Errorf("the agent that was removed sends: %s, want 403", got)
	}
	if got := send(t, h.Known(agents[0]), 2, time.Now().Add(-50*time.Minute)); got != wire.ReceiptDiscarded {
		t.Errorf("a late reading of what was deleted: %s, want it discarded", got)
	}
	t.Logf("R-03: %d acts of the ledger done again before the first request", again)
}

// snapshot is a copy of a SQLite database as a backup makes one, while it is used.
func snapshot(t *testing.T, file string) []byte {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := storetest.Raw(t, file).ExecContext(t.Context(), `VACUUM INTO $1`, copied); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func restore(t *testing.T, file string, content []byte) {
	t.Helper()
	for _, old := range []string{file, file + "-wal", file + "-shm"} {
		if err := os.RemoveAll(old); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
