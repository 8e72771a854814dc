package flexnet_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"headroom/internal/format/flexnet"
	"headroom/internal/format/text"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

func parseLicenseFile(t testing.TB, in string) flexnet.LicenseFile {
	t.Helper()
	f, err := flexnet.ParseLicenseFile(strings.NewReader(in), "")
	if err != nil {
		t.Fatalf("ParseLicenseFile: %v", err)
	}
	return f
}

func TestLicenseFileGolden(t *testing.T) {
	for _, path := range formattest.Fixtures(t, "testdata/license/*.lic") {
		f := parseLicenseFile(t, string(formattest.Fixture(t, path)))
		formattest.Golden(t, path, struct {
			File         flexnet.LicenseFile
			Entitlements []flexnet.Entitlement
		}{f, f.Entitlements()})
	}
}

// secrets are the parts of keys in our own license file; ck values are too
// short to look for.
var secrets = regexp.MustCompile(`(?i)1A2B|3C4D|5E6F|7788|0A0B|0C0D|2222|3333|ABCDEF|\d123456789|7a7b7c7d|AA11|CC33|1234|5678|5566|DEAD|BEEF|4567|89AB`)

func TestLicenseKeysAreDropped(t *testing.T) {
	in := string(formattest.Fixture(t, "testdata/license/mixed.lic"))
	if len(secrets.FindAllString(in, -1)) < 20 {
		t.Fatal("the fixture has hardly any key; the test shows nothing")
	}
	for name, in := range map[string]string{"LF": in, "CRLF": strings.ReplaceAll(in, "\n", "\r\n")} {
		b, err := json.Marshal(parseLicenseFile(t, in))
		if err != nil {
			t.Fatal(err)
		}
		if found := secrets.FindAll(b, -1); found != nil {
			t.Errorf("%s: keys in the result: %q", name, found)
		}
	}
}

func TestEntitlementsAddIncrementsAndTakeTheFirstFeature(t *testing.T) {
	got := parseLicenseFile(t, string(formattest.Fixture(t, "testdata/license/mixed.lic"))).Entitlements()
	counts := map[string]string{}
	for _, e := range got {
		counts[e.Name+"@"+e.Vendor] = fmt.Sprintf("%s %s", e.State, e.Count)
	}
	want := map[string]string{
		"SUITE@acme":   "counted 15", // 10 + 5; the third line is a repeat of the second
		"EDIT@acme":    "uncounted unknown",
		"VIEW@acme":    "uncounted unknown",
		"SOLVE@oldd":   "counted 10", // 8 of the first FEATURE + 2
		"SOLVE@acme":   "counted 1",
		"HUGE@acme":    "unlimited unknown",
		"ODD@acme":     "unknown unknown",
		"SHIFTED@acme": "counted 4", // its expiry cannot be read
		"QUOTE@acme":   "counted 3",
		"LAST@acme":    "counted 6",
	}
	if diff := diffOf(want, counts); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCountedAndUncountedEntriesOfOneName(t *testing.T) {
	for in, want := range map[string]flexnet.Entitlement{
		"INCREMENT A v 1 permanent uncounted\nINCREMENT A v 1 permanent 3\nINCREMENT A v 2 permanent 4": {Name: "A", Vendor: "v", State: license.StateCounted, Count: license.Of(7), Uncounted: true, Entries: []int{0, 1, 2}},
		"INCREMENT A v 1 permanent 3\nINCREMENT A v 1 permanent unlimited":                              {Name: "A", Vendor: "v", State: license.StateUnlimited, Entries: []int{0, 1}},
		"INCREMENT A v 1 permanent unlimited\nINCREMENT A v 1 permanent 3":                              {Name: "A", Vendor: "v", State: license.StateUnlimited, Entries: []int{0, 1}},
	} {
		if diff := diffOf([]flexnet.Entitlement{want}, parseLicenseFile(t, in).Entitlements()); diff != "" {
			t.Errorf("%s: -want +got\n%s", in, diff)
		}
	}
}

func TestOneBrokenLineDoesNotCostTheNext(t *testing.T) {
	const good = "INCREMENT GOOD v 1.0 permanent 7\n"
	for _, bad := range []string{
		"INCREMENT X v 1.0 permanent 1 NOTICE=\"open\n",
		"INCREMENT X v 1.0 permanent 1 NOTICE=\"open \\\n more of it\n",
		"INCREMENT X v 1.0 permanent 1 NOTICE=\"open\n#comment\n",
		"INCREMENT X v 1.0 permanent 1 VENDOR_STRING=" + strings.Repeat("x", 2*text.MaxLine) + "\n",
		"INCREMENT X \\\n" + strings.Repeat("y \\\n", text.MaxLine) + "\n",
		"\"\n",
		"=\n",
	} {
		f := parseLicenseFile(t, bad+good)
		if n := len(f.Entries); n == 0 || f.Entries[n-1].Name != "GOOD" || f.Entries[n-1].Count != license.Of(7) {
			t.Errorf("behind %.60q: %d entries, want GOOD as the last", bad, n)
		}
	}
}

func TestQuotedValuesMayEndInAnEqualsSign(t *testing.T) {
	e := parseLicenseFile(t, `INCREMENT A v 1 permanent 3 VENDOR_STRING="x y=" NOTICE="z" SIGN="AA"`).Entries[0]
	if e.VendorString != "x y=" || e.Notice != "z" {
		t.Errorf("vendor string %q, notice %q; want x y= and z", e.VendorString, e.Notice)
	}
}

func TestLicenseFileSamples(t *testing.T) {
	type row struct{ name, version, expiry, count, serial, notice string }
	tests := map[string][]row{
		"flexnet/licensefile-vmware-increment-lines.lic": {
			{"PROD_ESX_FULL", "2005.05", "permanent", "32", "", "FulfillmentId=1203"},
			{"VC_ESXHOST", "2005.05", "permanent", "32", "", "FulfillmentId=1203"},
			{"PROD_ESX_FULL", "2005.05", "permanent", "uncounted", "", "FulfillmentId=1234"},
			{"PROD_ESX_FULL", "2005.05", "permanent", "32", "", "FulfillmentId=1203"},
			{"PROD_ESX_FULL", "2005.05", "permanent", "uncounted", "", "FulfillmentId=1234"},
			{"ESX_FULL_BACKUP", "2005.05", "permanent", "uncounted", "", "FulfillmentId=5717"},
		},
		"citrix/license-MPS_ENT_CCU-nfr-expiring-AP.lic":    {{"MPS_ENT_CCU", "2008.0206", "06-feb-2009", "5", "OR146610:845390", "sepago GmbH"}},
		"citrix/license-MPS_ENT_CCU-retail-permanent.lic":   {{"MPS_ENT_CCU", "2010.0121", "permanent", "25", "LA-0000000000-00000:123", "Your Company’s Name"}},
		"citrix/license-MPS_SMB_RN-named-user-NUDUR.lic":    {{"MPS_SMB_RN", "2005.0914", "permanent", "5", "LA-9999365386-09664:244383", "Citrix"}},
		"citrix/increment-lines-XDS-XDT-pair-CTX130944.txt": nil,
	}
	for name, want := range tests {
		f := parseLicenseFile(t, string(formattest.Sample(t, name)))
		var got []row
		for _, e := range f.Entries {
			count := e.Count.String()
			if e.State == license.StateUncounted {
				count = "uncounted"
			}
			got = append(got, row{e.Name, e.Version, e.Expiry, count, e.Serial, e.Notice})
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
		if unread := map[bool]int{true: 4}[want == nil]; f.UnreadTotal != unread {
			t.Errorf("%s: unread %v, want %d", name, f.Unread, unread)
		}
		if b := fmt.Sprintf("%+v", f); strings.Contains(b, "XXXX") || strings.Contains(b, "0778") || strings.Contains(b, "C0FB") {
			t.Errorf("%s: a signature is in the result: %s", name, b)
		}
	}
}

func TestLicenseFileSampleServers(t *testing.T) {
	f := parseLicenseFile(t, string(formattest.Sample(t, "flexnet/licensefile-vmware-increment-lines.lic")))
	if diff := diffOf([]flexnet.FileServer{{Host: "this_host", HostID: "ANY", Port: 27000, Line: 2}}, f.Servers); diff != "" {
		t.Errorf("servers: -want +got\n%s", diff)
	}
	if diff := diffOf([]flexnet.FileVendor{{Name: "VMWARELM", Port: 27010, Line: 3}}, f.Vendors); diff != "" {
		t.Errorf("vendors: -want +got\n%s", diff)
	}
	if !f.UseServer {
		t.Error("USE_SERVER was not read")
	}
	f = parseLicenseFile(t, string(formattest.Sample(t, "citrix/license-MPS_ENT_CCU-nfr-expiring-AP.lic")))
	if got := f.Servers[0].HostID; got != "HOSTNAME=srv1" {
		t.Errorf("host id %q, want HOSTNAME=srv1", got)
	}
	if e := f.Entries[0]; !strings.HasSuffix(e.VendorString, "AP=ADMIN/LOGON/-28D:NONADMIN/LOGON/ALW") || e.DupGroup != "V" || e.Start != "6-feb-2007" || e.Issued != "07-Mar-2007" {
		t.Errorf("%+v", e)
	}
}
