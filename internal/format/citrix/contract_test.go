package citrix_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/citrix"
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

func answers(t testing.TB, text string) ([]citrix.Answer, facts.UnreadLines) {
	t.Helper()
	all, noise, err := citrix.ParseAnswers(strings.NewReader(text), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return all, noise
}

// one returns the only answer of a text.
func one(t testing.TB, text string) citrix.Answer {
	t.Helper()
	all, noise := answers(t, citrix.Prefix+text+"\n")
	if len(all) != 1 || noise.Total != 0 {
		t.Fatalf("%d answers, unread %+v, want one and nothing else: %s", len(all), noise, text)
	}
	return all[0]
}

const poolRow = `{"PLD":"XDT_PLT_UD","PLDFullName":"Premium","Count":"550","Overdraft":"50","InUseCount":"512","SubscriptionDate":"2026.1201","LicenseType":"Retail","HOSTID":null,"DUP_GROUP":{"x":1}}`

func TestAnswerOfWMIIsPools(t *testing.T) {
	a := one(t, `{"source":"wmi-pools","at":"2026-11-26T04:10:00Z","language":"FullLanguage","rows":[`+poolRow+`]}`)
	want := citrix.Answer{
		Source: "wmi-pools", At: time.Date(2026, 11, 26, 4, 10, 0, 0, time.UTC), Language: "FullLanguage", Lines: 1,
		Pools: []citrix.Pool{{
			Feature: "XDT_PLT_UD", SADate: "2026.1201", Type: "Retail", Name: "Premium",
			Installed: license.Of(550), Overdraft: license.Of(50), InUse: license.Of(512),
		}},
	}
	if d := cmp.Diff(want, a, cmp.AllowUnexported(citrix.Answer{})); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
}

// Windows PowerShell writes lists of one, and numbers and times, in several
// ways.
func TestFormsOfPowerShellAreOneAnswer(t *testing.T) {
	want := one(t, `{"source":"wmi-pools","rows":[`+poolRow+`]}`).Pools
	for _, text := range []string{
		`{"source":"wmi-pools","rows":` + poolRow + `}`,
		`{"source":"wmi-pools","rows":{"value":[` + poolRow + `],"Count":1}}`,
		strings.NewReplacer(`"550"`, `550`, `"50"`, `50.0`).Replace(`{"source":"wmi-pools","rows":[` + poolRow + `]}`),
		strings.Replace(`{"source":"wmi-pools","rows":[`+poolRow+`]}`, `2026.1201`, `2026-12-01T00:00:00Z`, 1),
		strings.Replace(`{"source":"wmi-pools","rows":[`+poolRow+`]}`, `2026.1201`, `\/Date(1796083200000)\/`, 1),
		strings.Replace(`{"source":"wmi-pools","rows":[`+poolRow+`]}`, `2026.1201`, `20261130190000.000000-300`, 1),
	} {
		if d := cmp.Diff(want, one(t, text).Pools); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
	}
}

func TestConsoleMayTalkAndBreakLines(t *testing.T) {
	line := citrix.Prefix + `{"source":"wmi-pools","rows":[` + poolRow + `]}`
	broken := line[:len(citrix.Prefix)+40] + "\r\n" + line[len(citrix.Prefix)+40:90] + "\r\n" + line[90:]
	all, noise := answers(t, "\ufeffWARNING: something\r\n"+broken+"\r\nmore talk\r\n"+citrix.Prefix+`{"source":"sdk-las","absent":true}`+"\r\n")
	if len(all) != 2 || len(all[0].Pools) != 1 || all[0].Pools[0].Feature != "XDT_PLT_UD" || !all[1].Absent {
		t.Errorf("answers %+v, want the pool, and a source that is not there", all)
	}
	if noise.Total != 2 || noise.First[0].Text != "WARNING: something" || noise.First[1].Text != "more talk" {
		t.Errorf("unread %+v, want PowerShell's talk", noise)
	}
}

func TestAnswerThatIsCutOffIsNone(t *testing.T) {
	line := citrix.Prefix + `{"source":"wmi-pools","rows":[` + poolRow + `]}`
	for cut := range len(line) {
		if all, _ := answers(t, line[:cut]); len(all) != 0 {
			t.Fatalf("cut at %d: %+v", cut, all)
		}
	}
}

func TestErrorOfASourceIsNoAnswer(t *testing.T) {
	a := one(t, `{"source":"sdk-inventory","error":"The user is\r\n not authorized.","error_id":"Citrix.Licensing.UserNotAuthorized,X","rows":[`+poolRow+`]}`)
	if a.Error != "The user is not authorized." || a.ErrorID != "Citrix.Licensing.UserNotAuthorized,X" || len(a.Pools) != 0 {
		t.Errorf("answer %+v, want the error on one line, its name, and no pools", a)
	}
}

func TestRowThatNobodyKnowsCostsNotTheRest(t *testing.T) {
	a := one(t, `{"source":"wmi-pools","rows":[7,{"PLD":""},`+poolRow+`,{},{"Weather":"fine"}]}`)
	if len(a.Pools) != 1 || a.Unread.Total != 3 || a.Other != 1 {
		t.Errorf("%d pools, %d unread, %d of something else; want 1, 3, 1", len(a.Pools), a.Unread.Total, a.Other)
	}
}

func TestNumbersThatAreNoneAreUnknown(t *testing.T) {
	a := one(t, `{"source":"wmi-pools","rows":[{"PLD":"A","Count":"-1","InUseCount":"3"},{"PLD":"B","Count":"many","InUseCount":null},{"PLD":"C","Count":"4294967294","InUseCount":"9","Overdraft":"0"}]}`)
	want := []license.Reading{
		{Pool: license.Pool{Feature: "A"}, Daemon: "CITRIX", State: license.StateCounted, InUse: license.Of(3)},
		{Pool: license.Pool{Feature: "B"}, Daemon: "CITRIX", State: license.StateUnknown, Reason: "the license server told no numbers for it"},
		{Pool: license.Pool{Feature: "C"}, Daemon: "CITRIX", State: license.StateUnlimited, InUse: license.Of(9)},
	}
	if d := cmp.Diff(want, citrix.Readings(a.Pools)); d != "" {
		t.Errorf("readings (-want +got):\n%s", d)
	}
}

// Pools that differ in their Subscription Advantage date or their type stay
// apart; rows that differ in nothing that a pool is named by are added, and
// keep their dates of expiry as terms.
func TestPoolsAreApartByDateAndType(t *testing.T) {
	pool := func(date, kind string, installed, inUse int64, day int) citrix.Pool {
		return citrix.Pool{
			Feature: "XDT_PLT_CCS", SADate: date, Type: kind, Installed: license.Of(installed), Overdraft: license.Of(0), InUse: license.Of(inUse),
			Expiry: time.Date(2027, 1, day, 0, 0, 0, 0, time.UTC),
		}
	}
	pools := []citrix.Pool{
		pool("2026.1201", "Retail", 100, 90, 1), pool("2026.1201", "Eval", 10, 1, 2), pool("2025.1201", "Retail", 50, 50, 3), pool("2026.1201", "Retail", 5, 0, 4),
	}
	got := map[string][2]int64{}
	for _, r := range citrix.Readings(pools) {
		got[r.Pool.Variant] = [2]int64{r.Installed.N, r.InUse.N}
	}
	want := map[string][2]int64{"2026.1201 Retail": {105, 90}, "2026.1201 Eval": {10, 1}, "2025.1201 Retail": {50, 50}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("installed and in use (-want +got):\n%s", d)
	}
	if terms := citrix.Terms(pools); len(terms) != 4 || terms[3].Expiry.Day() != 4 || terms[0].Pool != terms[3].Pool {
		t.Errorf("terms %+v, want four, the first and the last of one pool", terms)
	}
}

func TestASumWithAnUnknownPartIsUnknown(t *testing.T) {
	a := one(t, `{"source":"wmi-pools","rows":[{"PLD":"A","Count":"5","InUseCount":"1"},{"PLD":"A","Count":"x","InUseCount":"2"}]}`)
	r := citrix.Readings(a.Pools)
	if len(r) != 1 || r[0].Installed.Known || r[0].InUse != license.Of(3) {
		t.Errorf("readings %+v, want installed unknown and 3 in use", r)
	}
}

// How Get-LicLasInventory answers was never seen: its properties are looked for
// under several names, and quantities are as reported.
func TestLASInventoryIsReadTolerantly(t *testing.T) {
	for _, row := range []string{
		`{"LicenseProductName":"XDT","LicenseEdition":"PLT","LicenseModel":"CCS","LicensesAvailable":"400","LicensesInUse":"120","LicenseType":"Retail","LicenseSubscriptionAdvantageDate":"2027-06-30T00:00:00Z"}`,
		`{"ProductEditionModel":"XDT_PLT_CCS","Quantity":400,"InUse":120,"LicenseType":"Retail","SADate":"2027.0630"}`,
		`{"FeatureName":"XDT_PLT_CCS","LicenseQuantity":"400","LicensesUsed":"120","Type":"Retail","CustomerSuccessServicesDate":"2027-06-30T00:00:00Z"}`,
	} {
		want := []citrix.Pool{{
			Feature: "XDT_PLT_CCS", SADate: "2027.0630", Type: "Retail", LAS: true, Installed: license.Of(400), InUse: license.Of(120),
		}}
		a := one(t, `{"source":"sdk-las","rows":[`+row+`]}`)
		if d := cmp.Diff(want, a.Pools); d != "" {
			t.Errorf("%s (-want +got):\n%s", row, d)
		}
		if key := a.Pools[0].Key(); key.Variant != "LAS 2027.0630 Retail" {
			t.Errorf("pool %v, want one that shows where it comes from", key)
		}
	}
	a := one(t, `{"source":"sdk-las","rows":[{"EntitlementName":"Universal Hybrid Multi-Cloud","Weather":"fine"},{"Weather":"fine"}]}`)
	if len(a.Pools) != 1 || a.Pools[0].Installed.Known || a.Unread.Total != 1 {
		t.Errorf("answer %+v, want a pool without numbers, and one row unread", a)
	}
}

func TestHistoryIsSamplesPerPool(t *testing.T) {
	a := one(t, `{"source":"sdk-history","about":{"LSVersion":"v11.12.1.0 build 146690 (ipv6) i86_n3","EarliestDateOfSample":"2026-05-30T06:00:00Z"},"rows":[`+
		`{"ProductEditionModel":"XDT_PLT_CCS","CustomerSuccessServicesDate":"2026.1201","LicenseType":"Retail","TotalLicensesIncludingOverDraft":"110","OverdraftLicenses":"10","at":[1780000000,1780000900],"count":[7,9]},`+
		`{"ProductEditionModel":"XDT_PLT_CCS","CustomerSuccessServicesDate":"2026.1201","LicenseType":"Retail","at":[1780000900],"count":[1]},`+
		`{"ProductEditionModel":"MPS_ENT_CCU","CustomerSuccessServicesDate":"2025.1201","LicenseType":"Retail","at":[1780000000],"count":[3]},`+
		`{"ProductEditionModel":"BAD","at":[1780000000,5],"count":[3]},{"ProductEditionModel":"WORSE","at":[1780000000,-5],"count":[-3,4]}]}`)
	if a.Server.Version != "11.12.1.0 build 146690" || !a.Earliest.Equal(time.Date(2026, 5, 30, 6, 0, 0, 0, time.UTC)) || a.Unread.Total != 3 {
		t.Errorf("version %q, earliest %v, unread %+v", a.Server.Version, a.Earliest, a.Unread)
	}
	reading := func(feature, variant string, n int64) license.Reading {
		return license.Reading{
			Pool: license.Pool{Feature: feature, Variant: variant}, Daemon: "CITRIX", State: license.StateCounted, InUse: license.Of(n),
		}
	}
	want := []license.Snapshot{
		{At: time.Unix(1780000000, 0).UTC(), Readings: []license.Reading{reading("MPS_ENT_CCU", "2025.1201 Retail", 3), reading("XDT_PLT_CCS", "2026.1201 Retail", 7)}},
		{At: time.Unix(1780000900, 0).UTC(), Readings: []license.Reading{reading("XDT_PLT_CCS", "2026.1201 Retail", 10)}},
	}
	// Installed is what the server has now, and says nothing about then.
	if d := cmp.Diff(want, citrix.Snapshots(a.Past)); d != "" {
		t.Errorf("snapshots (-want +got):\n%s", d)
	}
}

func TestWMILicensesAreGrants(t *testing.T) {
	a := one(t, `{"source":"wmi-licenses","rows":[{"PLD":"XDT_PLT_CCS","SerialNumber":"LA-1:2","ExpirationDate":"20270630000000.000000+000","Count":"25","SubscriptionDate":"2026.1201","LicenseType":"Retail"},{"PLD":"","SerialNumber":"x"}]}`)
	want := []citrix.Grant{{
		Feature: "XDT_PLT_CCS", SADate: "2026.1201", Type: "Retail", Serial: "LA-1:2", Count: license.Of(25),
		Expiry: time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC),
	}}
	if d := cmp.Diff(want, a.Grants); d != "" || a.Unread.Total != 1 {
		t.Errorf("unread %d; grants (-want +got):\n%s", a.Unread.Total, d)
	}
}
