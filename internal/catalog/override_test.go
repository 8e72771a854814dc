package catalog_test

import (
	"testing"

	"headroom/internal/catalog"
)

func TestAnOrganisationHasTheLastWord(t *testing.T) {
	o := catalog.Overrides{
		"acme.cad":  {Key: "acme.cad", Name: "Drawing", Edition: "Pro", Model: catalog.NamedUser},
		"acme.cad2": {Key: "acme.cad2", Into: "acme.cad"},
		"acme.old":  {Key: "acme.old", Hidden: true},
		"acme.loop": {Key: "acme.loop", Into: "acme.cad2"},
		"acme.lost": {Key: "acme.lost", Into: "..."},
	}
	for feature, want := range map[string]catalog.Product{
		"cad":  {Key: "acme.cad", Name: "Drawing", Edition: "Pro", Model: catalog.NamedUser, Daemon: "acme"},
		"cad2": {Key: "acme.cad", Name: "Drawing", Edition: "Pro", Model: catalog.NamedUser, Daemon: "acme"},
		"old":  {Key: "acme.old", Name: "old", Model: catalog.Unknown, Daemon: "acme", Hidden: true},
		"loop": {Key: "acme.cad2", Name: "cad2", Model: catalog.Unknown, Daemon: "acme"}, // one step only
		"lost": {Key: "acme.lost", Name: "lost", Model: catalog.Unknown, Daemon: "acme"},
		"else": {Key: "acme.else", Name: "else", Model: catalog.Unknown, Daemon: "acme"},
	} {
		if got := o.Of(catalog.Of("acme", feature)); got != want {
			t.Errorf("%s: %+v, want %+v", feature, got, want)
		}
	}
	if got := catalog.Overrides(nil).Of(catalog.Of("acme", "cad")); got.Name != "cad" || got.Hidden {
		t.Errorf("where nothing is said: %+v", got)
	}
}

// What names a product in an address leads back to it.
func FuzzByKey(f *testing.F) {
	for _, seed := range [][2]string{{"CITRIX", "XDT_PLT_CCS"}, {"", "feature"}, {"ansyslmd", "anshpc"}, {"lmx", "a.b c~"}, {"d.e", "\xff\x00"}, {"", "a.b"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, daemon, feature string) {
		key := catalog.Of(daemon, feature).Key
		if _, ok := catalog.ByKey(key); !ok && feature != "" {
			t.Errorf("the product of %q %q has the key %q, which leads to none", daemon, feature, key)
		}
		if p, ok := catalog.ByKey(feature); ok && p.Key != feature {
			t.Errorf("the key %q leads to %q", feature, p.Key)
		}
	})
}
