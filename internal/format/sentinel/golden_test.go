package sentinel_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/sentinel"
	"headroom/internal/formattest"
)

// fixtures returns our own inputs by their paths.
func fixtures(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, path := range formattest.Fixtures(t, pattern) {
		all[path] = formattest.Fixture(t, path)
	}
	return all
}

func parse(t testing.TB, in string, o facts.Options) facts.Output {
	t.Helper()
	out, err := sentinel.ParseStatus(strings.NewReader(in), o)
	if err != nil {
		t.Fatalf("ParseStatus: %v", err)
	}
	return out
}

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestStatusGolden(t *testing.T) {
	for path, in := range fixtures(t, "testdata/status/*.txt") {
		formattest.Golden(t, path, parse(t, string(in), facts.Options{Zone: berlin(t)}))
	}
}
