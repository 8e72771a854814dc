package rlm_test

import (
	"strings"
	"testing"

	"headroom/internal/format/facts"
	"headroom/internal/format/rlm"
	"headroom/internal/formattest"
)

// fixture returns one of our own inputs as a text.
func fixture(t testing.TB, path string) string {
	t.Helper()
	return strings.ReplaceAll(string(formattest.Fixture(t, path)), "\r\n", "\n")
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
	for _, path := range formattest.Fixtures(t, "testdata/status/*.txt") {
		formattest.Golden(t, path, parseStatus(t, fixture(t, path), facts.Options{}))
	}
}
