package hub_test

import (
	"bytes"
	"path/filepath"
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
			err := hub.VerifyAudit(t.Context(), dsn, witnesses, &out)
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

func TestVerifyingMakesNoStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none.db")
	if err := hub.VerifyAudit(t.Context(), file, nil, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a store that there is not: %v, want an error that names it", err)
	}
}
