package catalog_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"headroom/internal/catalog"
)

func TestEveryCodeOfTheSampleIsKnownByItsOldName(t *testing.T) {
	codes := 0
	for _, row := range sampleRows(t, "citrix/pld-to-product-name-map.csv") {
		code := row[0]
		if code == "pld" || strings.HasSuffix(code, ".LICTYPE") {
			continue
		}
		codes++
		name, _, _ := strings.Cut(row[1], "|")
		name = strings.TrimSpace(name)

		got := catalog.Of("CITRIX", code)
		bare := strings.TrimSuffix(got.Name, " (technology preview)")
		bare = strings.TrimSuffix(bare, " (legacy)")
		if got.OldName != name && (got.OldName != "" || bare != "Citrix "+name) {
			t.Errorf("%s: name %q, old name %q, want %q as one of them", code, got.Name, got.OldName, name)
		}
	}
	if codes != 155 {
		t.Errorf("the sample has %d codes, want 155", codes)
	}
}

// sampleRows reads a table of the samples. Their folder is HEADROOM_SAMPLES,
// else ../shared/samples beside the module.
func sampleRows(t *testing.T, name string) [][]string {
	t.Helper()
	folder := os.Getenv("HEADROOM_SAMPLES")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "samples")
	}
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("no samples: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
