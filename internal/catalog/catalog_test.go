package catalog_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"headroom/internal/catalog"
	"pgregory.net/rapid"
)

func TestCitrixCodesHaveTodaysNames(t *testing.T) {
	for _, want := range []catalog.Product{
		{Key: "citrix.XDT_PLT_UD", Name: "Citrix Virtual Apps and Desktops Premium", Edition: "Premium", Model: catalog.UserDevice, OldName: "XenDesktop Platinum"},
		{Key: "citrix.XDT_ENT_CCS", Name: "Citrix Virtual Apps and Desktops Advanced", Edition: "Advanced", Model: catalog.Concurrent, OldName: "XenDesktop Enterprise"},
		{Key: "citrix.XDT_STD_UD", Name: "Citrix Virtual Desktops Standard", Edition: "Standard", Model: catalog.UserDevice, OldName: "XenDesktop VDI"},
		{Key: "citrix.MPS_ENT_CCU", Name: "Citrix Virtual Apps Advanced", Edition: "Advanced", Model: catalog.Concurrent, OldName: "XenApp Enterprise"},
		{Key: "citrix.MPS_SMB_RN", Name: "Citrix XenApp Fundamentals", Model: catalog.NamedUser},
		{Key: "citrix.CXS_PLT_CCS", Name: "Citrix XenServer Platinum", Edition: "Platinum", Model: catalog.Concurrent},
		{Key: "citrix.CNS_V100_SERVER", Name: "Citrix NetScaler VPX 100", Model: catalog.Server},
		{Key: "citrix.XDS_PLT_CCS", Name: "Citrix Virtual Apps and Desktops Premium (legacy)", Edition: "Premium", Model: catalog.Concurrent, OldName: "XenDesktop Platinum"},
		{Key: "citrix.XDTTP_PLT_UD", Name: "Citrix Virtual Apps and Desktops Premium (technology preview)", Edition: "Premium", Model: catalog.UserDevice, OldName: "XenDesktop Platinum"},
		{Key: "citrix.CITRIX", Name: "Citrix Start-up License", Model: catalog.Server, System: true},
		{Key: "citrix.CTXLSDIAG", Name: "Citrix License Server Diagnostics", Model: catalog.Server, System: true},
	} {
		want.Daemon = "CITRIX"
		code := strings.TrimPrefix(want.Key, "citrix.")
		for _, daemon := range []string{"CITRIX", "citrix"} {
			got := catalog.Of(daemon, code)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("Of(%q, %q) (-want +got)\n%s", daemon, code, d)
			}
		}
		if got := catalog.Of("CITRIX", strings.ToLower(code)); got != catalog.Of("CITRIX", code) {
			t.Errorf("Of(CITRIX, %q) = %+v, want the same as in upper case", strings.ToLower(code), got)
		}
	}
}

// Codes that the table has not heard of stay visible under their own name.
func TestUnknownCitrixCodesTellTheirModel(t *testing.T) {
	for _, c := range []struct {
		code  string
		name  string
		model catalog.Model
	}{
		{"NEW_PLT_UD", "NEW_PLT_UD", catalog.UserDevice},
		{"NEW_PLT_CCS", "NEW_PLT_CCS", catalog.Concurrent},
		{"NEW_PLT_CCU", "NEW_PLT_CCU", catalog.Concurrent},
		{"NEW_PLT_SCCU", "NEW_PLT_SCCU", catalog.Concurrent},
		{"NEW_PLT_RC", "NEW_PLT_RC", catalog.Concurrent},
		{"NEW_PLT_RN", "NEW_PLT_RN", catalog.NamedUser},
		{"NEW_9_SERVER", "NEW_9_SERVER", catalog.Server},
		{"NEW_9_SSERVER", "NEW_9_SSERVER", catalog.Server},
		{"NEW_9_ENABLER", "NEW_9_ENABLER", catalog.Unknown},
		{"NEWTP_PLT_UD", "NEWTP_PLT_UD (technology preview)", catalog.UserDevice},
		{"HTTP", "HTTP", catalog.Unknown},
		{"", "", catalog.Unknown},
	} {
		got := catalog.Of("CITRIX", c.code)
		if got.Name != c.name || got.Model != c.model || got.Edition != "" || got.System {
			t.Errorf("Of(CITRIX, %q) = %+v, want name %q, model %q, no edition, no system feature", c.code, got, c.name, c.model)
		}
	}
}

// Every line of a XenDesktop purchase may have a legacy twin, also those that
// the table does not list.
func TestLegacyTwins(t *testing.T) {
	for feature, want := range map[string]string{
		"XDS_ENT_CCS":   "XDT_ENT_CCS",
		"xds_ent_ud":    "XDT_ENT_UD",
		"XDSTP_PLT_CCS": "XDTTP_PLT_CCS",
		"XDT_ENT_CCS":   "",
		"XDSX_ENT_CCS":  "",
		"MPS_ENT_CCU":   "",
	} {
		got, ok := catalog.Twin(feature)
		if got != want || ok != (want != "") {
			t.Errorf("Twin(%q) = %q, %v, want %q", feature, got, ok, want)
		}
	}
	got, current := catalog.Of("CITRIX", "XDS_ENT_UD"), catalog.Of("CITRIX", "XDT_ENT_UD")
	if want := current.Name + " (legacy)"; got.Name != want || got.Model != current.Model || got.Key == current.Key {
		t.Errorf("Of(CITRIX, XDS_ENT_UD) = %+v, want %q under a key of its own", got, want)
	}
}

func TestOtherFeaturesAreProductsOfTheirDaemon(t *testing.T) {
	for _, c := range []struct{ daemon, feature, key string }{
		{"CADD", "Modeler", "cadd.Modeler"},
		{"cadd", "Modeler", "cadd.Modeler"},
		{"ansyslmd", "matlab", "ansyslmd.matlab"},
		{"ARCGIS", "desktopAdvP/10.2", "arcgis.desktopAdvP~2F10~2E2"},
		{"lmx", "no good 1", "lmx.no~20good~201"},
		// Without its daemon a code is nobody's, whatever it looks like.
		{"", "XDT_ENT_UD", "XDT_ENT_UD"},
		{"MLM", "CITRIX", "mlm.CITRIX"},
	} {
		want := catalog.Product{Key: c.key, Name: c.feature, Model: catalog.Unknown, Daemon: c.daemon}
		if got := catalog.Of(c.daemon, c.feature); got != want {
			t.Errorf("Of(%q, %q) = %+v, want %+v", c.daemon, c.feature, got, want)
		}
	}
}

func TestModelIsTheCatalogsElseTheSources(t *testing.T) {
	for _, c := range []struct {
		product catalog.Product
		told    catalog.Model
		want    catalog.Model
	}{
		{catalog.Of("cadd", "Modeler"), catalog.Uncounted, catalog.Uncounted},
		{catalog.Of("cadd", "Modeler"), catalog.Unknown, catalog.Unknown},
		{catalog.Of("cadd", "Modeler"), "", catalog.Unknown},
		{catalog.Of("CITRIX", "XDT_ENT_UD"), catalog.Concurrent, catalog.UserDevice},
	} {
		if got := c.product.Told(c.told).Model; got != c.want {
			t.Errorf("%s told %q: model %q, want %q", c.product.Key, c.told, got, c.want)
		}
	}
}

// A key stands in addresses and in stored settings: two products under one
// key would be one to both.
func TestKeysTellProductsApart(t *testing.T) {
	word := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a~.%/ _-]{0,4}`))
	rapid.Check(t, func(t *rapid.T) {
		a := catalog.Of(word.Draw(t, "daemon"), word.Draw(t, "feature"))
		b := catalog.Of(word.Draw(t, "other daemon"), word.Draw(t, "other feature"))
		daemon, other := strings.ToLower(a.Daemon), strings.ToLower(b.Daemon)
		same := daemon == other && a.Name == b.Name
		if (a.Key == b.Key) != same {
			t.Errorf("%+v and %+v: equal keys %v, want %v", a, b, a.Key == b.Key, same)
		}
		if escaped := url.PathEscape(a.Key); escaped != a.Key {
			t.Errorf("key %q has to be escaped in an address: %q", a.Key, escaped)
		}
	})
}

func TestModelsHaveLabels(t *testing.T) {
	seen := map[string]catalog.Model{}
	for _, m := range []catalog.Model{
		catalog.Concurrent, catalog.UserDevice, catalog.NamedUser, catalog.NodeLocked,
		catalog.Server, catalog.Uncounted, catalog.Token, catalog.Unknown,
	} {
		label := m.Label()
		if other, taken := seen[label]; taken || label == "" {
			t.Errorf("%q and %q have the label %q", m, other, label)
		}
		seen[label] = m
	}
}
