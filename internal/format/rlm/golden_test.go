package rlm_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/rlm"
)

var updateGolden = flag.Bool("update", false, "rewrite the expected results in testdata")

// checkGolden compares got, as JSON, with the file beside path.
func checkGolden(t *testing.T, path string, got any) {
	t.Helper()
	golden := strings.TrimSuffix(path, filepath.Ext(path)) + ".json"
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "\t")
	if err := enc.Encode(got); err != nil {
		t.Fatal(err)
	}
	if *updateGolden {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v; run go test -update and read the result", err)
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("%s: -want +got\n%s", path, diff)
	}
}

// fixtures returns our own inputs of a folder; there must be some.
func fixtures(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.FromSlash(pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures %s: %v", pattern, err)
	}
	return paths
}

func fixture(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

func parseStatus(t testing.TB, in string, o facts.Options) facts.Output {
	t.Helper()
	out, err := rlm.ParseStatus(strings.NewReader(in), o)
	if err != nil {
		t.Fatalf("ParseStatus: %v", err)
	}
	return out
}

func TestStatusGolden(t *testing.T) {
	for _, path := range fixtures(t, "testdata/status/*.txt") {
		checkGolden(t, path, parseStatus(t, fixture(t, path), facts.Options{}))
	}
}
