// Package formattest holds what the tests of parsers share: captures of real
// license managers, fixtures with their expected results, and what must hold
// of every result. It exists for tests only.
package formattest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected results in testdata")

// Sample returns a captured file, named as in the index of the captures. They
// are not part of the project: without them the test is skipped, in CI it
// fails.
func Sample(t testing.TB, name string) []byte {
	t.Helper()
	dir := os.Getenv("HEADROOM_SAMPLES")
	if dir == "" {
		dir = filepath.Join(moduleRoot(t), "..", "shared", "samples")
	}
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("captured samples are needed in CI: %v", err)
		}
		t.Skipf("no captured samples: %v", err)
	}
	return b
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// Fixtures returns the paths of our own inputs that match a pattern with
// slashes; there must be some.
func Fixtures(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.FromSlash(pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures %s: %v", pattern, err)
	}
	return paths
}

// Fixture returns one of our own inputs.
func Fixture(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// EachCut calls read with up to a thousand beginnings of a text, evenly spread:
// outputs and logs can end anywhere.
func EachCut(in []byte, read func(cut []byte)) {
	for n := 0; n <= len(in); n += 1 + len(in)/1000 {
		read(in[:n])
	}
}

// Golden compares got, as JSON, with the file of that name beside the fixture
// at path. The flag -update writes the file instead.
func Golden(t testing.TB, path string, got any) {
	t.Helper()
	golden := strings.TrimSuffix(path, filepath.Ext(path)) + ".json"
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "\t")
	if err := enc.Encode(got); err != nil {
		t.Fatal(err)
	}
	if *update {
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
