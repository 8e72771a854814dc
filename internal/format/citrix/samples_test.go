package citrix_test

import (
	"bytes"
	"encoding/csv"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/catalog"
	"headroom/internal/format"
	"headroom/internal/format/citrix"
	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	return formattest.Sample(t, "citrix/"+name)
}

// newYork is the zone in which the SDK's examples were printed: their midnights
// UTC stand as 7 PM of the day before.
func newYork(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func printed(t testing.TB, name string) citrix.Answer {
	t.Helper()
	a, err := citrix.ParsePrinted(bytes.NewReader(sample(t, name)), facts.Options{Zone: newYork(t)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// readBy says of every sample by which parser it is read, or why by none.
var readBy = map[string]string{
	"checkmk-citrix_licenses-section-testset.txt":           "printed",
	"checkmk-citrix_licenses-section-doccomment.txt":        "printed",
	"wmi-citrix_gt_license_pool-columns.txt":                "printed",
	"wmi-pool-report-get-ctxlicensereport.txt":              "printed",
	"wsl-sdk-Get-LicInventory.txt":                          "printed",
	"wsl-sdk-Get-LicHistoricalUsage.txt":                    "printed",
	"wsl-sdk-Get-LicUsageDetails.txt":                       "printed",
	"wsl-sdk-Get-LicLocalizedNames.txt":                     "printed",
	"wsl-sdk-Get-LicConfigUsageSamples.txt":                 "printed",
	"wsl-sdk-Get-LicServerInfo.txt":                         "printed",
	"wsl-sdk-Get-LicAlerts.txt":                             "printed, and tells nothing about licenses: texts of alerts about renewals",
	"wsl-sdk-Get-LicCEIPOption.txt":                         "printed, and tells nothing about licenses: how usage is shared with Citrix",
	"wsl-sdk-Get-LicSARenewalOptions.txt":                   "printed, and tells nothing about licenses: how renewals are announced",
	"wsl-sdk-Get-LicRenewals.txt":                           "printed, and tells nothing about licenses: renewals that could be had",
	"wsl-sdk-Get-LicEntitlements.txt":                       "printed, and tells nothing about licenses: what could be allocated and is not installed",
	"udadmin-list-times-CTX215674-TRUNCATED.txt":            "udadmin",
	"wmi-poll-5min-FAKE-citrixlicenseusage-head600.csv":     "history",
	"license-MPS_ENT_CCU-nfr-expiring-AP.lic":               "license file",
	"license-MPS_ENT_CCU-retail-permanent.lic":              "license file",
	"license-MPS_SMB_RN-named-user-NUDUR.lic":               "license file",
	"lmgrd_debug-startup-checkout-CTX114855.txt":            "FlexNet's log",
	"lmstat-a-citrix-docs-11.10-TRUNCATED.txt":              "FlexNet's status, in its own tests",
	"lmstat-feature-lines-citrixexporter-testset.txt":       "FlexNet's status, in its own tests",
	"pld-to-product-name-map.csv":                           "the catalog's tests",
	"increment-lines-XDS-XDT-pair-CTX130944.txt":            "beginnings of lines, with names only: see the test of twins",
	"checkmk-citrix_licenses-expected-totals.csv":           "what a check makes of another sample: see the test of sums",
	"license-parse-report-helgeklein-TRUNCATED.txt":         "what another program makes of a license file: see the test of that file",
	"checkmk-citrix_controller-section-testset.txt":         "none: a delivery controller, and no license server",
	"citrix-cloud-api-cvad-ud-current-response.json":        "none: Citrix Cloud about a service of its own, and no license server",
	"citrix-connector-appliance-registration-response.json": "none: how another product registers, no licenses",
	"license-server-telemetry-fields-TRUNCATED.tsv":         "none: a page about the fields of uploads; no upload was ever seen",
	"license-server-upload-manifest-fields.tsv":             "none: a page about the fields of uploads; no upload was ever seen",
}

// named finds the captures in their index, which lists all of them.
var named = regexp.MustCompile(`[\w.-]+\.(txt|csv|lic|tsv|json)\b`)

func TestEverySampleHasAParserOrAReason(t *testing.T) {
	left := maps.Clone(readBy)
	for _, name := range named.FindAllString(string(sample(t, "INDEX.md")), -1) {
		if name == "licdatafake.csv" {
			continue // what it is called where it comes from
		}
		if readBy[name] == "" {
			t.Errorf("%s: no parser and no reason", name)
		}
		delete(left, name)
	}
	for name := range left {
		t.Errorf("%s is not among the samples", name)
	}
}

func TestSamplesAreDetected(t *testing.T) {
	for name, how := range readBy {
		want, known := map[string]format.Format{
			"printed": format.CitrixPrinted, "udadmin": format.CitrixUsers, "history": format.CitrixHistory,
			"license file": format.LicenseFile, "FlexNet's log": format.FlexNetLog,
		}[how]
		got := format.Detect(sample(t, name))
		if known && got != want {
			t.Errorf("%s: detected as %s, want %s", name, got, want)
		}
		if !known && strings.HasPrefix(string(got), "citrix") {
			t.Errorf("%s: detected as %s, want none of Citrix's", name, got)
		}
	}
}

// What is unread in printed samples is the prose that their page put between
// the commands: it begins with three backquotes, or explains a unit.
func TestNothingButProseIsUnreadInPrintedSamples(t *testing.T) {
	for name, how := range readBy {
		if !strings.HasPrefix(how, "printed") {
			continue
		}
		a := printed(t, name)
		if a.Error != "" {
			t.Errorf("%s: %s", name, a.Error)
		}
		for _, u := range a.Unread.First {
			if !strings.HasPrefix(u.Text, "```") && !strings.HasSuffix(u.Text, ")") {
				t.Errorf("%s: line %d is unread: %q", name, u.Line, u.Text)
			}
		}
		tells := len(a.Pools)+len(a.Assigned)+len(a.Features) > 0 || a.Sampling.Told || a.Server.Version != "" || strings.Contains(name, "columns")
		if nothing := strings.Contains(how, "tells nothing"); nothing == tells || nothing && a.Other == 0 {
			t.Errorf("%s: %+v, want that it tells something: %v", name, a, !nothing)
		}
	}
}

// The sums of Checkmk's test set, per feature code.
func TestSamplePoolsOfOneFeatureAreAdded(t *testing.T) {
	want := map[string][2]int64{}
	rows, err := csv.NewReader(bytes.NewReader(sample(t, "checkmk-citrix_licenses-expected-totals.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		used, err1 := strconv.ParseInt(row[1], 10, 64)
		total, err2 := strconv.ParseInt(row[2], 10, 64)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		want[row[0]] = [2]int64{used, total}
	}
	a := printed(t, "checkmk-citrix_licenses-section-testset.txt")
	if len(a.Pools) != 8 {
		t.Errorf("%d rows, want 8", len(a.Pools))
	}
	got := map[string][2]int64{}
	for _, r := range citrix.Readings(a.Pools) {
		got[r.Pool.Feature] = [2]int64{r.InUse.N, r.Installed.N}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("in use and total (-want +got):\n%s", d)
	}
}

func TestSampleReportHasTwoPoolsOfOneProduct(t *testing.T) {
	a := printed(t, "wmi-pool-report-get-ctxlicensereport.txt")
	want := []license.Reading{{
		Pool: license.Pool{Feature: "XDT_PLT_UD", Variant: "RetailS"}, Daemon: "CITRIX", State: license.StateCounted,
		Installed: license.Of(600), InUse: license.Of(500),
	}}
	if d := cmp.Diff(want, citrix.Readings(a.Pools)); d != "" || len(a.Pools) != 2 {
		t.Errorf("%d rows; readings (-want +got):\n%s", len(a.Pools), d)
	}
}

func TestSampleInventory(t *testing.T) {
	a := printed(t, "wsl-sdk-Get-LicInventory.txt")
	want := []citrix.Pool{
		{
			Feature: "CITRIX", SADate: "2038.0101", Type: "SYS", Installed: license.Of(4000), Overdraft: license.Of(0), InUse: license.Of(0),
			Expiry: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), Name: "Citrix Start-up License",
		},
		{
			Feature: "MPS_PLT_CCU", SADate: "2001.1201", Type: "Retail", Installed: license.Of(0), Overdraft: license.Of(0), InUse: license.Of(0),
			Expiry: time.Date(2011, 12, 1, 0, 0, 0, 0, time.UTC), Name: "Citrix XenApp (Presentation Server) Platinum",
		},
	}
	if d := cmp.Diff(want, a.Pools); d != "" {
		t.Errorf("pools (-want +got):\n%s", d)
	}
	if p := catalog.Of("CITRIX", a.Pools[0].Feature); !p.System {
		t.Errorf("%s is a product: %+v", a.Pools[0].Feature, p)
	}
}

// The start-up and diagnostic features are left out by the catalog; all other
// codes that the license server names are products.
func TestSampleNames(t *testing.T) {
	a := printed(t, "wsl-sdk-Get-LicLocalizedNames.txt")
	var system []string
	for _, f := range a.Features {
		if catalog.Of("CITRIX", f.Code).System {
			system = append(system, f.Code)
		}
	}
	if len(a.Features) != 14 || !slices.Equal(system, []string{"CTXLSDIAG", "CITRIX"}) {
		t.Errorf("%d features, of which %v are of the system; want 14, and CTXLSDIAG and CITRIX", len(a.Features), system)
	}
	if want := (citrix.Name{Code: "XDS_PLT_CCS", Name: "Citrix XenDesktop Platinum", Model: "Concurrent (Legacy)"}); !slices.Contains(a.Features, want) {
		t.Errorf("features %+v, want %+v among them", a.Features, want)
	}
	var types []string
	for _, n := range a.Types {
		types = append(types, n.Code+"="+n.Name)
	}
	want := []string{
		"DE=Developer Edition", "TP=Technology Preview", "Eval=Evaluation", "RetailS=Expiring Retail", "Retail=Retail", "NFR=Not For Resale", "SYS=System",
	}
	if d := cmp.Diff(want, types); d != "" {
		t.Errorf("license types (-want +got):\n%s", d)
	}
}

// The overdraft is the server's own number: ODP=0 in the file says nothing.
func TestSampleHistory(t *testing.T) {
	a := printed(t, "wsl-sdk-Get-LicHistoricalUsage.txt")
	key := license.Pool{Feature: "XDT_ENT_UD", Variant: "2015.1201 Retail"}
	want := []license.Reading{{
		Pool: key, Daemon: "CITRIX", State: license.StateCounted, Installed: license.Of(100), Overdraft: license.Of(10),
	}}
	if d := cmp.Diff(want, citrix.Readings(a.Pools)); d != "" {
		t.Errorf("readings (-want +got):\n%s", d)
	}
	at := time.Date(2015, 2, 13, 11, 1, 40, 0, time.UTC)
	if d := cmp.Diff([]citrix.Past{{Pool: key, From: at, InUse: license.Of(0)}}, a.Past); d != "" {
		t.Errorf("past (-want +got):\n%s", d)
	}
	if a.Server.Version != "11.12.1.0 build 146690" || !a.Earliest.Equal(at) {
		t.Errorf("version %q, earliest sample %v", a.Server.Version, a.Earliest)
	}
}

func TestSampleUsageDetailsTellADevice(t *testing.T) {
	want := []license.Assignment{{
		Pool: license.Pool{Feature: "XDT_PLT_UD", Variant: "2015.1201"}, Daemon: citrix.Daemon, Kind: license.AssignedDevice, Name: "device00000001",
	}}
	if d := cmp.Diff(want, printed(t, "wsl-sdk-Get-LicUsageDetails.txt").Assigned); d != "" {
		t.Errorf("assigned (-want +got):\n%s", d)
	}
}

func TestSampleServerInfoAndSampling(t *testing.T) {
	s := printed(t, "wsl-sdk-Get-LicServerInfo.txt").Server
	if s.Version != "11.11.0.0 build 106800" || !slices.Equal(s.Hosts, []string{"mainls.xd.local"}) {
		t.Errorf("server %+v", s)
	}
	first, second, _ := bytes.Cut(sample(t, "wsl-sdk-Get-LicConfigUsageSamples.txt"), []byte("Note:"))
	for _, c := range []struct {
		text []byte
		want citrix.Sampling
	}{
		{first, citrix.Sampling{Told: true, Enabled: true, Every: 15 * time.Minute, Retention: 180 * 24 * time.Hour}},
		{second, citrix.Sampling{Told: true}},
	} {
		a, err := citrix.ParsePrinted(bytes.NewReader(c.text), facts.Options{})
		if err != nil || a.Sampling != c.want {
			t.Errorf("sampling %+v, %v, want %+v", a.Sampling, err, c.want)
		}
	}
}

func TestSampleUsers(t *testing.T) {
	u, err := citrix.ParseUsers(bytes.NewReader(sample(t, "udadmin-list-times-CTX215674-TRUNCATED.txt")), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !u.Told || u.Error != "" || u.Age != 0 || u.Next != 15*time.Minute || !citrix.Truncated(u.Assigned) {
		t.Errorf("told %v, error %q, age %v, next %v, truncated %v", u.Told, u.Error, u.Age, u.Next, citrix.Truncated(u.Assigned))
	}
	if len(u.Assigned) != 6 {
		t.Fatalf("%d rows, want 6", len(u.Assigned))
	}
	at := time.Date(2017, 9, 14, 13, 41, 7, 0, time.UTC)
	want := license.Assignment{Pool: license.Pool{Feature: "XDT_ENT_UD", Variant: "2017.1201"}, Daemon: citrix.Daemon, Kind: license.AssignedUser, Name: "u01.01", Last: at}
	if d := cmp.Diff(want, u.Assigned[0]); d != "" {
		t.Errorf("first row (-want +got):\n%s", d)
	}
	// The capture breaks off within the last stamp.
	if last := u.Assigned[5]; last.Name != "u01.13" || !last.Last.IsZero() || u.Unread.Total != 1 || u.Unread.First[0].Line != 10 {
		t.Errorf("last row %+v, unread %+v; want it kept without its stamp, and line 10 unread", last, u.Unread)
	}
}

func TestSamplePollIsSamplesAndTheirTotals(t *testing.T) {
	text := sample(t, "wmi-poll-5min-FAKE-citrixlicenseusage-head600.csv")
	h, err := citrix.ParseHistory(bytes.NewReader(text), "XDT_PLT_UD", facts.Options{})
	if err != nil || h.Error != "" || h.Unread.Total != 0 {
		t.Fatalf("%v, error %q, unread %+v", err, h.Error, h.Unread)
	}
	if len(h.Past) != 598 {
		t.Errorf("%d samples, want 598", len(h.Past))
	}
	at := time.Date(2017, 9, 5, 21, 20, 0, 0, time.UTC)
	for i, want := range []int64{503, 2164, 2674} {
		p := h.Past[i]
		if p.InUse != license.Of(want) || p.Installed != license.Of(3000) || !p.From.Equal(at) || !p.To.IsZero() {
			t.Errorf("sample %d: %+v, want %d of 3000 at %v", i, p, want, at)
		}
		at = at.Add(5 * time.Minute)
	}
	if h, _ := citrix.ParseHistory(bytes.NewReader(text), "", facts.Options{}); h.Error == "" || len(h.Past) != 0 {
		t.Errorf("without a feature: %d samples, error %q, want an error", len(h.Past), h.Error)
	}
}

func grants(t testing.TB, name string) []citrix.Grant {
	t.Helper()
	f, err := flexnet.ParseLicenseFile(bytes.NewReader(sample(t, name)), "")
	if err != nil {
		t.Fatal(err)
	}
	return citrix.Grants(f)
}

func TestSampleLicenseFiles(t *testing.T) {
	for name, want := range map[string]citrix.Grant{
		"license-MPS_ENT_CCU-retail-permanent.lic": {
			Feature: "MPS_ENT_CCU", SADate: "2010.0121", Type: "Retail", Serial: "LA-0000000000-00000:123", Count: license.Of(25),
		},
		"license-MPS_ENT_CCU-nfr-expiring-AP.lic": {
			Feature: "MPS_ENT_CCU", SADate: "2008.0206", Type: "NFR", Serial: "OR146610:845390", Count: license.Of(5),
			Expiry: time.Date(2009, 2, 6, 0, 0, 0, 0, time.UTC),
		},
		"license-MPS_SMB_RN-named-user-NUDUR.lic": {
			Feature: "MPS_SMB_RN", SADate: "2005.0914", Type: "Retail", Serial: "LA-9999365386-09664:244383", Count: license.Of(5),
		},
	} {
		if d := cmp.Diff([]citrix.Grant{want}, grants(t, name)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// Another program's reading of a license file says the same as ours.
func TestSampleLicenseFileIsReadAsByAnotherProgram(t *testing.T) {
	g := grants(t, "license-MPS_ENT_CCU-nfr-expiring-AP.lic")[0]
	report := string(sample(t, "license-parse-report-helgeklein-TRUNCATED.txt"))
	for _, line := range []string{
		"Expiration date: " + strings.ToLower(g.Expiry.Format("02-Jan-2006")),
		"No. of licenses: " + g.Count.String(),
		"Software assurance expiry: " + g.SADate[:4] + "-" + g.SADate[5:7] + "-" + g.SADate[7:],
		"Serial number: " + g.Serial,
	} {
		if !strings.Contains(report, line) {
			t.Errorf("the other program does not say %q", line)
		}
	}
}

func TestSampleVendorStrings(t *testing.T) {
	for name, want := range map[string]citrix.VendorString{
		"license-MPS_ENT_CCU-retail-permanent.lic": {
			Type: "Retail", Grace: 30 * 24 * time.Hour, Compatible: []string{"ENT", "ADV", "STD", "AST"}, Subscribed: true,
			Other: map[string]string{"ODP": "0"},
		},
		"license-MPS_ENT_CCU-nfr-expiring-AP.lic": {
			Type: "NFR", Grace: 30 * 24 * time.Hour, Compatible: []string{"ENT", "ADV", "STD", "AST"},
			Other: map[string]string{"ODP": "0", "AP": "ADMIN/LOGON/-28D:NONADMIN/LOGON/ALW"},
		},
		"license-MPS_SMB_RN-named-user-NUDUR.lic": {
			Type: "Retail", Grace: 30 * 24 * time.Hour, Compatible: []string{"SMB"},
			Other: map[string]string{"ODP": "0", "MLC": "75", "NUDURMIN": "2880", "NUDURMAX": "525600"},
		},
	} {
		f, err := flexnet.ParseLicenseFile(bytes.NewReader(sample(t, name)), "")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, citrix.ParseVendorString(f.Entries[0].VendorString)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if f.Entries[0].DupGroup != "V" {
			t.Errorf("%s: duplicate group %q, want V", name, f.Entries[0].DupGroup)
		}
	}
	// The vendor string of a user/device pool in the SDK's example.
	v := citrix.ParseVendorString(";LT=Retail;GP=720;CL=VDS,VDA,VDE;SA=0;LP=90;ODP=0;NUDURMIN=2880;NUDURMAX=525600")
	if v.Lease != 90*24*time.Hour || v.Type != "Retail" || v.Subscribed {
		t.Errorf("vendor string %+v, want a lease of 90 days", v)
	}
}

func TestSamplePairsAreTwinsByName(t *testing.T) {
	var names []string
	for line := range strings.Lines(string(sample(t, "increment-lines-XDS-XDT-pair-CTX130944.txt"))) {
		names = append(names, strings.TrimSpace(strings.TrimPrefix(line, "INCREMENT ")))
	}
	if len(names) != 4 {
		t.Fatalf("%d lines, want 4", len(names))
	}
	for i := 0; i < len(names); i += 2 {
		if current, ok := catalog.Twin(names[i]); !ok || current != names[i+1] {
			t.Errorf("the twin of %s is %q, want %s", names[i], current, names[i+1])
		}
	}
}

func TestSampleDebugLogIsFlexNets(t *testing.T) {
	r := flexnet.NewLogReader(bytes.NewReader(sample(t, "lmgrd_debug-startup-checkout-CTX114855.txt")), flexnet.LogOptions{})
	e, err := r.Next()
	if err != nil || e.Kind != flexnet.LogOut || e.Feature != "CITRIX" || e.User != "USER15" || e.Host != "GENE-VM-2K3" {
		t.Errorf("event %+v, %v; want CITRIX taken by USER15 on GENE-VM-2K3", e, err)
	}
}

func TestSampleColumnsOfWMIAreAHeader(t *testing.T) {
	text := string(sample(t, "wmi-citrix_gt_license_pool-columns.txt"))
	header := strings.TrimRight(text, "\n")
	column := func(row *[]byte, name, value string) {
		copy((*row)[strings.Index(header, " "+name+" ")+1:], value)
	}
	row := []byte(strings.Repeat(" ", len(header)))
	copy(row, "250")
	for name, value := range map[string]string{"InUseCount": "184", "Overdraft": "25", "PLD": "XDT", "LicenseType": "Retail", "SubscriptionDate": "2026.1201"} {
		column(&row, name, value)
	}
	a, err := citrix.ParsePrinted(strings.NewReader(text+string(row)+"\n"), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []citrix.Pool{{
		Feature: "XDT", SADate: "2026.1201", Type: "Retail", Installed: license.Of(250), Overdraft: license.Of(25), InUse: license.Of(184),
	}}
	if d := cmp.Diff(want, a.Pools); d != "" {
		t.Errorf("pools (-want +got):\n%s", d)
	}
}
