package hub_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"headroom/internal/hub"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/hubtest"
	"headroom/internal/hub/store/storetest"
)

// The log of a hub verifies on both engines; the database refuses to change it; and
// what somebody changes past that is found, for what the witness knows too.
func TestAuditLogOfAHubIsVerified(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		h := hubtest.New(t, func(c *hub.Config) { c.Store = dsn })
		h.RegisteredAgent("lic01")
		a := h.RegisteredAgent("lic02")
		if err := h.Registrar.AskUpload(t.Context(), h.Actor(), a.Servers[0].GUID); err != nil {
			t.Fatal(err)
		}
		entries, err := storetest.Open(t, dsn).Entries(t.Context(), h.Org.ID, audit.Query{})
		if err != nil || len(entries) != 6 { // founded, approved and confirmed twice, an update
			t.Fatalf("%d entries, %v, want 6", len(entries), err)
		}
		newest := map[string][]audit.Checkpoint{h.Org.PublicID: {{Seq: entries[0].Seq, Head: entries[0].Hash}}}
		verify := func(witnesses map[string][]audit.Checkpoint) (string, error) {
			var out bytes.Buffer
			err := hub.VerifyAudit(t.Context(), dsn, audit.Witness{Checkpoints: witnesses}, &out)
			return out.String(), err
		}
		if out, err := verify(newest); err != nil || !strings.Contains(out, "entries 6, of them witnessed 1, head "+entries[0].Hash.String()) {
			t.Errorf("untouched: %q, %v", out, err)
		}
		raw := storetest.Raw(t, dsn)
		for _, change := range []string{
			`UPDATE audit SET detail = 'nothing' WHERE seq = 2`, `DELETE FROM audit WHERE seq = 6`,
		} {
			if _, err := raw.Exec(change); err == nil || !strings.Contains(err.Error(), "never") {
				t.Errorf("%s: %v, want a refusal", change, err)
			}
		}
		untie := []string{`DROP TRIGGER audit_stays`, `DROP TRIGGER audit_remains`}
		if strings.HasPrefix(dsn, "postgres") {
			untie = []string{`DROP TRIGGER audit_stays ON audit`}
		}
		for _, c := range []struct{ change, says string }{
			{`DELETE FROM audit WHERE seq = 6`, "cut off"},
			{`UPDATE counter SET n = 5 WHERE name = 'audit'`, "cut off"}, // only the witness knows now
			{`UPDATE audit SET detail = 'nothing' WHERE seq = 2`, "entry 2"},
			{`DELETE FROM audit WHERE seq = 1`, "gone"},
		} {
			for _, statement := range append(untie, c.change) {
				if _, err := raw.Exec(statement); err != nil {
					t.Fatal(err)
				}
			}
			untie = nil
			if out, err := verify(newest); err == nil || !strings.Contains(out, "CHANGED") || !strings.Contains(out, c.says) {
				t.Errorf("after %s: %q, %v, want it told with %q", c.change, out, err, c.says)
			}
		}
		if out, err := verify(map[string][]audit.Checkpoint{"NOBODY22": {{Seq: 1}}}); err == nil || !strings.Contains(out, `"NOBODY22"`) {
			t.Errorf("a witness of another store: %q, %v", out, err)
		}
	})
}

// U-03: with what one agent has kept, a copy of a database is found out in which
// somebody wrote the whole log anew, or cut off its end, and the count with it.
func TestAnAgentsFileFindsALogThatWasWrittenAnew(t *testing.T) {
	dsn := storetest.SQLite(t)
	h := hubtest.New(t, func(c *hub.Config) { c.Store = dsn })
	a := h.RegisteredAgent("lic01")
	var kept bytes.Buffer
	lines := json.NewEncoder(&kept)
	for range 30 {
		if err := h.Registrar.AskUpload(t.Context(), h.Actor(), a.Servers[0].GUID); err != nil {
			t.Fatal(err)
		}
		if err := lines.Encode(a.Poll().Witness); err != nil {
			t.Fatal(err)
		}
	}
	file := kept.String()
	verify := func(dsn, file string) (string, error) {
		t.Helper()
		w, err := audit.ReadWitness(strings.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = hub.VerifyAudit(t.Context(), dsn, w, &out)
		return out.String(), err
	}
	if out, err := verify(dsn, file); err != nil || !strings.Contains(out, "of them witnessed 30") {
		t.Fatalf("untouched: %q, %v", out, err)
	}
	entries, err := storetest.Open(t, dsn).Entries(t.Context(), h.Org.ID, audit.Query{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(entries)
	for _, c := range []struct {
		name, says string
		forge      func(t *testing.T, db *sql.DB)
	}{
		{"cut off", "cut off", func(t *testing.T, db *sql.DB) {
			run(t, db, `DELETE FROM audit WHERE seq > 20`)
			run(t, db, `UPDATE counter SET n = 20 WHERE name = 'audit'`)
		}},
		{"written anew", "witnessed", func(t *testing.T, db *sql.DB) {
			var before audit.Hash
			for _, e := range entries {
				if e.Seq == 2 {
					e.Actor.Name = "somebody else"
				}
				before = e.Chain(before)
				run(t, db, `UPDATE audit SET actor = $1, hash = $2 WHERE seq = $3`, e.Actor.Name, before[:], e.Seq)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			forged := filepath.Join(t.TempDir(), "copy.db")
			run(t, storetest.Raw(t, dsn), `VACUUM INTO $1`, forged)
			db := storetest.Raw(t, forged)
			run(t, db, `DROP TRIGGER audit_stays`)
			run(t, db, `DROP TRIGGER audit_remains`)
			c.forge(t, db)
			var out bytes.Buffer
			if err := hub.VerifyAudit(t.Context(), forged, audit.Witness{}, &out); err != nil {
				t.Errorf("without the agent's file: %q, %v; want that nothing is found", out.String(), err)
			}
			if out, err := verify(forged, file); err == nil || !strings.Contains(out, "CHANGED") || !strings.Contains(out, c.says) {
				t.Errorf("with the agent's file: %q, %v, want it told with %q", out, err, c.says)
			}
		})
	}
	if out, err := verify(dsn, strings.Replace(file, `"entries":5,`, `"entries":6,`, 1)); err == nil || !strings.Contains(err.Error(), "not signed") {
		t.Errorf("a checkpoint that was made up: %q, %v, want it refused", out, err)
	}
	t.Log("U-03: a cut tail and a log that was written anew are found with one agent's file of 30")
}

func run(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyingMakesNoStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none.db")
	if err := hub.VerifyAudit(t.Context(), file, audit.Witness{}, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a store that there is not: %v, want an error that names it", err)
	}
}
