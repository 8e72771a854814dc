package lmx_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/lmx"
	"headroom/internal/formattest"
)

// fixtures returns our own inputs by their paths.
func fixtures(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, pattern := range []string{"testdata/status/*.txt", "testdata/status/*.xml"} {
		for _, path := range formattest.Fixtures(t, pattern) {
			all[path] = formattest.Fixture(t, path)
		}
	}
	return all
}

func parse(t testing.TB, in string, o facts.Options) facts.Output {
	t.Helper()
	out, err := lmx.ParseStatus(strings.NewReader(in), o)
	if err != nil {
		t.Fatalf("ParseStatus: %v", err)
	}
	return out
}

func TestStatusGolden(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for path, in := range fixtures(t) {
		formattest.Golden(t, path, parse(t, string(in), facts.Options{Zone: zone}))
	}
}
