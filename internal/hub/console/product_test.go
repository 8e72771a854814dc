package console

import (
	"testing"

	"headroom/internal/catalog"
)

func TestAProductSaysItsCodeAndWhoServesIt(t *testing.T) {
	for _, c := range []struct{ manager, daemon, feature, want string }{
		{"citrix", "CITRIX", "XDT_PLT_UD", "formerly XenDesktop Platinum, vendor daemon CITRIX"},
		{"flexnet", "MLM", "Signal_Toolbox", "feature Signal_Toolbox, vendor daemon MLM"},
		{"flexnet", "", "idle", ""},
		{"lsdyna", "", "LICENSE GROUP", "feature LICENSE GROUP, LS-DYNA"},
		{"slurm", "", "abaqus", "Slurm"},
	} {
		if got := productSub(catalog.Served(c.manager, c.daemon, c.feature)); got != c.want {
			t.Errorf("%s of %s %s: %q, want %q", c.feature, c.manager, c.daemon, got, c.want)
		}
	}
}
