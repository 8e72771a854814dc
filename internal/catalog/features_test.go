package catalog

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryLineOfTheFeaturesIsWellFormed(t *testing.T) {
	models := []Model{Concurrent, UserDevice, NamedUser, NodeLocked, Server, Uncounted, Token, Unknown}
	var last []string
	lines := 0
	for line := range strings.Lines(featureTable) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || cells[0] == "daemon" {
			continue
		}
		lines++
		if len(cells) != featureColumns {
			t.Errorf("%q has %d columns, want %d", line, len(cells), featureColumns)
			continue
		}
		switch {
		case slices.Compare(last, cells[:2]) >= 0:
			t.Errorf("%q stands after %q", cells[:2], last)
		case cells[0] == "" || cells[0] != strings.ToLower(cells[0]) || cells[1] == "":
			t.Errorf("%q: want a daemon in lower case, and a feature", cells)
		case !slices.Contains(models, Model(cells[2])):
			t.Errorf("%s: model %q is none of ours", cells[1], cells[2])
		case slices.ContainsFunc(cells, func(c string) bool { return c != strings.TrimSpace(c) }):
			t.Errorf("blanks around a cell of %q", cells)
		}
		last = cells[:2]
	}
	if lines != len(features()) {
		t.Errorf("read %d features, the file has %d", len(features()), lines)
	}
}

func TestKnownFeaturesHaveNamesAndKeepTheirKeys(t *testing.T) {
	for _, c := range []struct {
		daemon, feature string
		want            Product
	}{
		{"MLM", "Signal_Toolbox", Product{Key: "mlm.Signal_Toolbox", Name: "Signal Processing Toolbox", Model: Concurrent, Daemon: "MLM", Code: "Signal_Toolbox"}},
		{"MLM", "MATLAB", Product{Key: "mlm.MATLAB", Name: "MATLAB", Model: Concurrent, Daemon: "MLM"}},
		{"adskflex", "87084ACD_2019_0F", Product{Key: "adskflex.87084ACD_2019_0F", Name: "Autodesk AutoCAD 2019", Model: Concurrent, Daemon: "adskflex", Code: "87084ACD_2019_0F"}},
		{"adskflex", "64300ACD_F", Product{Key: "adskflex.64300ACD_F", Name: "Autodesk AutoCAD (package)", Model: Concurrent, Daemon: "adskflex", Code: "64300ACD_F"}},
		{"ADSKFLEX", "64300ACD_T_F", Product{Key: "adskflex.64300ACD_T_F", Name: "Autodesk AutoCAD (subscription)", Model: Concurrent, Daemon: "ADSKFLEX", Code: "64300ACD_T_F"}},
		{"adskflex", "12345AMECH_PP_2026_0F", Product{Key: "adskflex.12345AMECH_PP_2026_0F", Name: "Autodesk AutoCAD Mechanical 2026", Model: Concurrent, Daemon: "adskflex", Code: "12345AMECH_PP_2026_0F"}},
		{"adskflex", "12345NEW_2026_0F", Product{Key: "adskflex.12345NEW_2026_0F", Name: "12345NEW_2026_0F", Model: Unknown, Daemon: "adskflex"}},
		{"other", "87084ACD_2019_0F", Product{Key: "other.87084ACD_2019_0F", Name: "87084ACD_2019_0F", Model: Unknown, Daemon: "other"}},
	} {
		if got := Of(c.daemon, c.feature); got != c.want {
			t.Errorf("Of(%s, %s) = %+v, want %+v", c.daemon, c.feature, got, c.want)
		}
	}
}

// Features of one name that two managers serve are two products, unless
// FlexNet's status did not tell whose they are.
func TestTheManagerStandsForADaemonThatIsNotTold(t *testing.T) {
	for _, c := range []struct {
		manager, daemon, feature string
		key, name                string
		model                    Model
	}{
		{"lsdyna", "", "LICENSE GROUP", "lsdyna.LICENSE~20GROUP", "LS-DYNA", Concurrent},
		{"slurm", "", "abaqus", "slurm.abaqus", "abaqus", Concurrent},
		{"sentinel", "", "abaqus", "sentinel.abaqus", "abaqus", Concurrent},
		{"flexnet", "", "abaqus", "abaqus", "abaqus", Unknown},
		{"rlm", "acme", "view", "acme.view", "view", Concurrent},
		{"dsls", "Dassault Systemes", "XYZ", "dassault~20systemes.XYZ", "XYZ", Unknown},
		{"citrix", "CITRIX", "XDT_PLT_UD", "citrix.XDT_PLT_UD", "Citrix Virtual Apps and Desktops Premium", UserDevice},
		{"", "", "abaqus", "abaqus", "abaqus", Unknown},
	} {
		if got := Served(c.manager, c.daemon, c.feature); got.Key != c.key || got.Name != c.name || got.Model != c.model {
			t.Errorf("Served(%q, %q, %q) = %+v, want %s, %s, %s", c.manager, c.daemon, c.feature, got, c.key, c.name, c.model)
		}
	}
}
