package catalog

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryLineOfTheTableIsWellFormed(t *testing.T) {
	models := []Model{Concurrent, UserDevice, NamedUser, NodeLocked, Server, Uncounted, Token, Unknown}
	seen := map[string]bool{}
	for line := range strings.Lines(citrixTable) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || cells[0] == "version" || cells[0] == "code" {
			continue
		}
		if len(cells) != columns {
			t.Errorf("%q has %d columns, want %d", line, len(cells), columns)
			continue
		}
		code, model, name, was := cells[0], Model(cells[1]), cells[3], cells[4]
		switch {
		case seen[code]:
			t.Errorf("%s stands twice", code)
		case code == "" || code != strings.ToUpper(code):
			t.Errorf("code %q, want upper case", code)
		case !slices.Contains(models, model):
			t.Errorf("%s: model %q is none of ours", code, model)
		case !strings.HasPrefix(name, "Citrix ") || name == "Citrix "+was:
			t.Errorf("%s: name %q and old name %q, want a full name, and another before it or none", code, name, was)
		case slices.ContainsFunc(cells, func(c string) bool { return c != strings.TrimSpace(c) }):
			t.Errorf("%s: blanks around a cell of %q", code, cells)
		}
		seen[code] = true
	}
	if len(seen) != len(table().products) {
		t.Errorf("read %d codes, the file has %d", len(table().products), len(seen))
	}
	if Version() == "" {
		t.Error("the table has no version")
	}
}

// What the last part of a code says and what the table says must agree, or
// one of them is wrong.
func TestTableAgreesWithTheFormOfCodes(t *testing.T) {
	for code, p := range table().products {
		if form := modelOf(code); form != Unknown && form != p.Model {
			t.Errorf("%s: %q in the table, %q by its last part", code, p.Model, form)
		}
	}
}
