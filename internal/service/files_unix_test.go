//go:build !windows

package service

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyOurUnitMakesRoom(t *testing.T) {
	ours, err := Unit(usual)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text        string
		force, gone bool
	}{
		"ours":          {text: ours, gone: true},
		"other":         {text: "[Service]\nExecStart=/bin/other\n"},
		"other, forced": {text: "[Service]\nExecStart=/bin/other\n", force: true, gone: true},
	} {
		file := filepath.Join(t.TempDir(), "x.service")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := makeRoom(file, c.force); (err == nil) != c.gone {
			t.Errorf("%s: error is %v", name, err)
		}
		if _, err := os.Stat(file); os.IsNotExist(err) != c.gone {
			t.Errorf("%s: the file is gone: %v, want %v", name, !c.gone, c.gone)
		}
	}
	if err := makeRoom(filepath.Join(t.TempDir(), "none"), false); err != nil {
		t.Errorf("nothing is in the way, and still: %v", err)
	}
}
