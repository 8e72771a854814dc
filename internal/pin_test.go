package internal_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// SQLite here is C made into Go against one version of a C library: with
// another version it may compile and be wrong.
func TestLibcIsTheOneThatSQLiteWasMadeWith(t *testing.T) {
	const libc, sqlite = "modernc.org/libc", "modernc.org/sqlite"

	found, err := exec.Command("go", "list", "-m", "-f", "{{.GoMod}}", sqlite).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", sqlite, err)
	}
	ours := required(t, "../go.mod", libc)
	theirs := required(t, strings.TrimSpace(string(found)), libc)
	if ours != theirs {
		t.Errorf("go.mod has %s %s, want %s as in the go.mod of %s %s",
			libc, ours, theirs, sqlite, required(t, "../go.mod", sqlite))
	}
}

// required returns the version of a module that a go.mod file asks for.
func required(t *testing.T, file, module string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(words) >= 2 && words[0] == module {
			return words[1]
		}
	}
	t.Fatalf("%s does not require %s", file, module)
	return ""
}
