package citrix_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/catalog"
	"headroom/internal/format/citrix"
	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// A purchase as Citrix writes it: one serial number, two lines.
const twinFile = `SERVER this_host HOSTNAME=LIC01
VENDOR CITRIX
USE_SERVER
INCREMENT XDS_PLT_CCS CITRIX 2026.1201 permanent 100 VENDOR_STRING=;LT=Retail;GP=720;SA=1;ODP=0 DUP_GROUP=V SN=LA-0001:17 SIGN="00"
INCREMENT XDT_PLT_CCS CITRIX 2026.1201 permanent 100 VENDOR_STRING=;LT=Retail;GP=720;SA=1;ODP=0 DUP_GROUP=V SN=LA-0001:17 SIGN="01"
INCREMENT XDT_PLT_UD CITRIX 2026.1201 permanent 40 VENDOR_STRING=;LT=Retail;GP=720;LP=90;SA=1 SN=LA-0002:3 SIGN="02"
INCREMENT other ACME 1.0 permanent 7 SIGN="03"
`

func grantsOf(t testing.TB, text string) []citrix.Grant {
	t.Helper()
	f, err := flexnet.ParseLicenseFile(strings.NewReader(text), "")
	if err != nil {
		t.Fatal(err)
	}
	return citrix.Grants(f)
}

func TestGrantsAreCitrixLines(t *testing.T) {
	g := grantsOf(t, twinFile)
	want := citrix.Grant{Feature: "XDT_PLT_UD", SADate: "2026.1201", Type: "Retail", Serial: "LA-0002:3", Count: license.Of(40), Lease: 90 * 24 * time.Hour}
	if len(g) != 3 {
		t.Fatalf("%d grants, want 3: %+v", len(g), g)
	}
	if d := cmp.Diff(want, g[2]); d != "" {
		t.Errorf("grant (-want +got):\n%s", d)
	}
	if l := citrix.Lease(g); l != 90*24*time.Hour {
		t.Errorf("lease %v, want 90 days", l)
	}
	if again := grantsOf(t, twinFile+strings.SplitAfter(twinFile, "\n")[3]); len(again) != 3 {
		t.Errorf("a line that stands twice grants twice: %+v", again)
	}
}

func TestTwinsAreProvenBySerialAndCount(t *testing.T) {
	reading := func(feature string, installed, overdraft int64) license.Reading {
		return license.Reading{
			Pool: license.Pool{Feature: feature, Variant: "2026.1201 Retail"}, State: license.StateCounted,
			Installed: license.Of(installed), Overdraft: license.Of(overdraft),
		}
	}
	xds, xdt := reading("XDS_PLT_CCS", 110, 10), reading("XDT_PLT_CCS", 110, 10)
	untold := xdt
	untold.Overdraft = license.Count{}
	other := xdt
	other.Pool.Variant = "2025.1201 Retail"
	line := strings.SplitAfter(twinFile, "\n")
	for _, c := range []struct {
		name     string
		readings []license.Reading
		file     string
		proven   bool
	}{
		{"same serial and count", []license.Reading{xds, xdt}, twinFile, true},
		{"whichever comes first", []license.Reading{xdt, xds}, twinFile, true},
		{
			"two purchases of the same pair",
			[]license.Reading{reading("XDS_PLT_CCS", 125, 0), reading("XDT_PLT_CCS", 125, 0)},
			twinFile + strings.NewReplacer("100", "25", ":17", ":18").Replace(line[3]+line[4]), true,
		},
		{"no license file", []license.Reading{xds, xdt}, "", false},
		{"another serial", []license.Reading{xds, xdt}, strings.Replace(twinFile, "LA-0001:17 SIGN=\"00\"", "LA-0009:17 SIGN=\"00\"", 1), false},
		{"another count", []license.Reading{xds, xdt}, strings.Replace(twinFile, "permanent 100", "permanent 90", 1), false},
		{"no serial", []license.Reading{xds, xdt}, strings.ReplaceAll(twinFile, "SN=LA-0001:17", ""), false},
		{"the legacy feature has more than the pair", []license.Reading{xds, xdt}, twinFile + strings.Replace(line[3], ":17", ":18", 1), false},
		{"a file that the server has not read", []license.Reading{reading("XDS_PLT_CCS", 50, 0), reading("XDT_PLT_CCS", 50, 0)}, twinFile, false},
		{"overdraft is not told", []license.Reading{xds, untold}, twinFile, false},
		{"pools of different dates", []license.Reading{xds, other}, twinFile, false},
		{"only the legacy feature", []license.Reading{xds}, twinFile, false},
		{"a product without a twin", []license.Reading{reading("XDT_PLT_UD", 40, 0)}, twinFile, false},
	} {
		want := map[license.Pool]license.Pool{}
		if c.proven {
			want[xds.Pool] = xdt.Pool
		}
		got := citrix.Twins(c.readings, grantsOf(t, c.file), catalog.Twin)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: twins (-want +got):\n%s", c.name, d)
		}
	}
}
