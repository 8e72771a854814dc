package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"headroom/internal/wire"
)

// The last thirty ends of the log are kept, each once, over restarts.
func TestTheLastEndsOfTheAuditLogAreKept(t *testing.T) {
	dir := t.TempDir()
	a := &Agent{config: Config{State: dir}}
	tell := func(n int64) {
		t.Helper()
		w := &wire.Witness{Organisation: "QK7MXPTD", Entries: n, Head: fmt.Sprintf("%064x", n), At: 1_790_000_000 + n, Signature: []byte("signed")}
		if err := a.witness(w); err != nil {
			t.Fatal(err)
		}
	}
	lines := func() []string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, witnessFile))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	}
	if err := a.witness(nil); err != nil { // an older hub
		t.Fatal(err)
	}
	tell(1)
	tell(1)
	a = &Agent{config: Config{State: dir}}
	tell(1)
	if got := lines(); len(got) != 1 {
		t.Errorf("told one end three times: %q", got)
	}
	for n := range int64(40) {
		tell(2 + n)
	}
	tell(7) // the log became shorter
	got := lines()
	if len(got) != witnesses || !strings.Contains(got[0], `"entries":13,`) || !strings.Contains(got[29], `"entries":7,`) {
		t.Errorf("%d lines, from %s to %s; want 30, from 13 to 7", len(got), got[0], got[len(got)-1])
	}
	if err := os.WriteFile(filepath.Join(dir, witnessFile), []byte("{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a = &Agent{config: Config{State: dir}}
	if err := a.witness(&wire.Witness{Entries: 1}); err == nil || !strings.Contains(err.Error(), witnessFile) {
		t.Errorf("a damaged file: %v, want an error that names it", err)
	}
}
