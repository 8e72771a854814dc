package collect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/agent/collect"
	"headroom/internal/license"
)

// fakeCitrix is the program that stands for powershell.exe and udadmin.exe, built
// once; it lies beside the fake lmutil. Tests link to it: a copy that was just
// written may not be run while another test starts a process.
var fakeCitrix = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(tool), "fakecitrix"+filepath.Ext(tool))
	out, err := exec.Command("go", "build", "-o", path, "./testdata/fakecitrix").CombinedOutput()
	return path, errorWith(err, out)
})

// A citrixWorld is a license server that answers with files of a folder.
type citrixWorld struct {
	t      *testing.T
	dir    string
	reader *collect.Citrix
}

func newCitrix(t *testing.T, answers map[string]string) *citrixWorld {
	t.Helper()
	t.Parallel()
	program, err := fakeCitrix()
	if err != nil {
		t.Fatal(err)
	}
	w := &citrixWorld{t: t, dir: t.TempDir()}
	for _, name := range []string{"powershell", "udadmin"} {
		if err := os.Link(program, exe(w.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range answers {
		w.answer(name, text)
	}
	w.reader = &collect.Citrix{
		PowerShell: exe(w.dir, "powershell"), Udadmin: exe(w.dir, "udadmin"), Host: "lic01", Temp: t.TempDir(),
		Zone: time.UTC, Timeout: 20 * time.Second, Resume: "the past is read", Now: func() time.Time { return now },
	}
	return w
}

// answer lets a source say something: a whole line, or the rows of an answer.
func (w *citrixWorld) answer(source, text string) {
	w.t.Helper()
	if strings.HasPrefix(text, "[") {
		text = `headroom-citrix-1 {"source":"` + source + `","language":"FullLanguage","rows":` + text + `}` + "\r\n"
	} else if strings.HasPrefix(text, "{") {
		text = `headroom-citrix-1 {"source":"` + source + `",` + text[1:] + "\r\n"
	}
	if err := os.WriteFile(filepath.Join(w.dir, source+".txt"), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *citrixWorld) calls() []string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, "calls.txt"))
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// state returns how a source stands.
func state(t *testing.T, res collect.Result, name string) collect.SourceState {
	t.Helper()
	for _, s := range res.Sources {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("nothing is said of %s: %+v", name, res.Sources)
	return collect.SourceState{}
}

const (
	premiumPools = `[{"PLD":"XDT_PLT_UD","Count":"550","Overdraft":"50","InUseCount":"3","SubscriptionDate":"2026.1201","LicenseType":"Retail"},` +
		`{"PLD":"CITRIX","Count":"10000","Overdraft":"0","InUseCount":"2","SubscriptionDate":"2038.0101","LicenseType":"SYS"}]`
	noSDK     = `{"absent":true}`
	usersList = "Usage data is 12 minutes old. Next update in 3 minutes.\r\nUsers:\r\n anna XDT_PLT_UD 2026.1201 (Mon Mar  2 08:15:00 2026)\r\n" +
		" bob XDT_PLT_UD 2026.1201 (Tue Mar  3 08:15:00 2026)\r\nDevices:\r\n kiosk XDT_PLT_UD 2026.1201 (Tue Mar  3 09:00:00 2026)\r\n"
)

func localServer() map[string]string {
	return map[string]string{
		"wmi-pools": premiumPools, "wmi-licenses": `[]`, "sdk-inventory": noSDK, "sdk-las": noSDK,
		"sdk-info": `[{"SLVersion":"v11.17.2.0 build 54100 i86_n3","HostName":"lic01.example.com"}]`,
		"udadmin":  usersList,
	}
}

func TestCitrixIsReadBySeveralSources(t *testing.T) {
	w := newCitrix(t, localServer())
	res := read(t, w.reader)
	if res.Failure != "" {
		t.Fatal(res.Failure)
	}
	at := now.Truncate(time.Second)
	key := license.Pool{Feature: "XDT_PLT_UD", Variant: "2026.1201 Retail"}
	want := license.Snapshot{At: at, Complete: true, Readings: []license.Reading{
		{Pool: key, Daemon: "CITRIX", State: license.StateCounted, Installed: license.Of(550), InUse: license.Of(3), Overdraft: license.Of(50)},
		{
			Pool: license.Pool{Feature: "CITRIX", Variant: "2038.0101 SYS"}, Daemon: "CITRIX", State: license.StateCounted,
			Installed: license.Of(10000), InUse: license.Of(2), Overdraft: license.Of(0),
		},
	}}
	if d := cmp.Diff(want, res.Snapshot); d != "" || !res.Own {
		t.Errorf("own clock %v; snapshot (-want +got):\n%s", res.Own, d)
	}
	server := license.Server{Hosts: []string{"lic01.example.com"}, Manager: "citrix", Version: "11.17.2.0 build 54100"}
	if d := cmp.Diff(server, res.Server); d != "" {
		t.Errorf("server (-want +got):\n%s", d)
	}
	// Users and devices are as old as udadmin says, and theirs is the pool that
	// has their feature and date.
	assigned := func(kind license.AssigneeKind, name string, day, hour, minute int) license.Assignment {
		return license.Assignment{Pool: key, Daemon: "CITRIX", Kind: kind, Name: name, Last: time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC)}
	}
	people := &license.Assignments{
		At: at.Add(-12 * time.Minute), Complete: true, Truncated: true, Lease: 90 * 24 * time.Hour, LastIs: license.LastRequest,
		List: []license.Assignment{
			assigned(license.AssignedUser, "anna", 2, 8, 15), assigned(license.AssignedUser, "bob", 3, 8, 15), assigned(license.AssignedDevice, "kiosk", 3, 9, 0),
		},
	}
	if d := cmp.Diff(people, res.Assignments); d != "" {
		t.Errorf("assignments (-want +got):\n%s", d)
	}
	states := []collect.SourceState{
		{Name: "wmi-pools", At: at},
		{Name: "wmi-licenses", At: at},
		{Name: "sdk-info", At: at},
		{Name: "sdk-inventory", At: at, Absent: true},
		{Name: "sdk-las", At: at, Absent: true},
		{Name: "udadmin", At: at, Age: 12 * time.Minute},
	}
	if d := cmp.Diff(states, res.Sources); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
	if res.More {
		t.Error("there is more to be read, though the past is read")
	}
}

// Who may delete licenses with a tool must not be able to make us do it, and
// no shell sees any argument.
func TestCitrixToolsHaveFixedArguments(t *testing.T) {
	w := newCitrix(t, localServer())
	read(t, w.reader)
	want := []string{
		`powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File \S+citrix\.ps1 -Ask wmi-pools,wmi-licenses`,
		`powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File \S+citrix\.ps1 -Ask sdk-info,sdk-inventory,sdk-las`,
		`udadmin -list -a -times`,
	}
	calls := w.calls()
	for i, call := range calls {
		if i >= len(want) || !regexp.MustCompile("^"+want[i]+"$").MatchString(strings.TrimSpace(call)) {
			t.Errorf("call %d is %q", i, call)
		}
	}
	if len(calls) != len(want) {
		t.Errorf("%d calls, want %d", len(calls), len(want))
	}
	err := filepath.WalkDir(w.reader.Temp, func(path string, _ fs.DirEntry, err error) error {
		if path != w.reader.Temp {
			t.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCitrixElsewhereIsReadByItsAddress(t *testing.T) {
	w := newCitrix(t, map[string]string{
		"sdk-info": noSDK, "sdk-las": noSDK,
		"sdk-inventory": `[{"LicenseProductName":"XDT","LicenseEdition":"PLT","LicenseModel":"UD","LicensesAvailable":"550","LicenseOverdraft":"50","LicensesInUse":"1","LicenseType":"Retail","LicenseSubscriptionAdvantageDate":"2026-12-01T00:00:00Z"}]`,
		"sdk-usage":     `[{"PEM":"XDT_PLT_UD","SADate":"2026.1201","LicenseModelType":"User","Name":"CORP\\anna"}]`,
	})
	w.reader.AdminAddress, w.reader.CertHash, w.reader.Udadmin = "https://lic02.example.com:8083", "00ff", ""
	res := read(t, w.reader)
	if len(res.Snapshot.Readings) != 1 || res.Snapshot.Readings[0].Pool.String() != "XDT_PLT_UD (2026.1201 Retail)" || !res.Snapshot.Complete {
		t.Errorf("snapshot %+v, failure %q", res.Snapshot, res.Failure)
	}
	if a := res.Assignments; a == nil || len(a.List) != 1 || a.List[0].Name != `CORP\anna` || a.Truncated || !a.List[0].Last.IsZero() {
		t.Errorf("assignments %+v, want one of a user with a domain and no stamp", a)
	}
	if len(res.Server.Hosts) != 1 || res.Server.Hosts[0] != "lic01" {
		t.Errorf("hosts %v, want the one that was set", res.Server.Hosts)
	}
	calls := w.calls()
	if len(calls) != 1 || !strings.HasSuffix(calls[0], "-Ask sdk-info,sdk-inventory,sdk-las,sdk-usage -AdminAddress https://lic02.example.com:8083 -CertHash 00ff") {
		t.Errorf("calls %q", calls)
	}
}

func TestASourceThatFailsCostsNotTheOthers(t *testing.T) {
	w := newCitrix(t, localServer())
	w.answer("wmi-pools", `{"error":"Provider load failure ","error_id":"HRESULT 0x80041013,X"}`)
	w.answer("sdk-inventory", `[{"LicenseProductName":"XDT","LicenseEdition":"PLT","LicenseModel":"UD","LicensesAvailable":"550","LicensesInUse":"3","LicenseType":"Retail"}]`)
	w.answer("udadmin", "Access is denied.\r\n")
	res := read(t, w.reader)
	if res.Failure != "" || len(res.Snapshot.Readings) != 1 || res.Assignments != nil {
		t.Errorf("failure %q, readings %+v, assignments %+v", res.Failure, res.Snapshot.Readings, res.Assignments)
	}
	if res.Snapshot.Complete {
		t.Error("a source of pools failed, and the snapshot counts as complete: pools would end")
	}
	if s := state(t, res, "wmi-pools"); s.Failure != "Provider load failure" {
		t.Errorf("WMI: %+v", s)
	}
	if s := state(t, res, "udadmin"); s.Failure != "Access is denied." {
		t.Errorf("udadmin: %+v", s)
	}
}

func TestWithoutPoolsUseIsUnknownAndNeverZero(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string
		want    string
	}{
		"nothing is listed":    {map[string]string{"wmi-pools": `[]`, "sdk-inventory": `[]`, "sdk-las": `[]`, "sdk-info": noSDK}, "wmi-pools: lists nothing; sdk-inventory: lists nothing; sdk-las: lists nothing"},
		"no source is there":   {map[string]string{"wmi-pools": noSDK, "sdk-inventory": noSDK, "sdk-las": noSDK, "sdk-info": noSDK}, "wmi-pools: not there"},
		"PowerShell is silent": {map[string]string{}, "PowerShell printed no answer"},
		"it is not allowed": {
			map[string]string{"wmi-pools": `{"language":"ConstrainedLanguage","error":"Cannot invoke method.","error_id":"MethodInvocationNotSupportedInConstrainedLanguage"}`},
			"PowerShell is constrained on this machine (ConstrainedLanguage",
		},
		"scripts are not allowed": {
			map[string]string{"talk": "File C:\\x\\citrix.ps1 cannot be loaded because running scripts is disabled on this system.\r\n    + FullyQualifiedErrorId : UnauthorizedAccess\r\n"},
			"PowerShell's execution policy",
		},
		"the language is constrained": {map[string]string{"talk": "+ FullyQualifiedErrorId : DotSourceNotSupported, ConstrainedLanguage\r\n"}, "PowerShell is constrained on this machine"},
		"half an answer":              {map[string]string{"wmi-pools": "headroom-citrix-1 {\"source\":\"wmi-pools\",\"rows\":[{\"PLD\":\"A\"\r\n"}, "PowerShell printed no answer, but"},
	} {
		t.Run(name, func(t *testing.T) {
			res := read(t, newCitrix(t, c.answers).reader)
			if !strings.Contains(res.Failure, c.want) || strings.Contains(res.Failure, "\n") {
				t.Errorf("failure %q, want one line with %q", res.Failure, c.want)
			}
			if res.HasSnapshot() || len(res.Snapshot.Readings) > 0 {
				t.Errorf("a failed reading has %+v", res.Snapshot)
			}
		})
	}
}

func TestPowerShellThatHangsIsStopped(t *testing.T) {
	w := newCitrix(t, localServer())
	w.answer("sdk-info", "hang")
	w.reader.Timeout = time.Second
	res := read(t, w.reader)
	if res.Failure != "" || len(res.Snapshot.Readings) != 2 || res.Snapshot.Complete {
		t.Errorf("failure %q, %d readings, complete %v; want those of WMI, not complete", res.Failure, len(res.Snapshot.Readings), res.Snapshot.Complete)
	}
	if s := state(t, res, "sdk-las"); !strings.Contains(s.Failure, "did not end within") {
		t.Errorf("the SDK: %+v", s)
	}
}

func TestGivingUpACitrixReadingIsNoReading(t *testing.T) {
	w := newCitrix(t, localServer())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if res, err := w.reader.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %+v, %v, want context.Canceled", res, err)
	}
}

const lasRows = `[{"LicenseProductName":"XDT","LicenseEdition":"PLT","LicenseModel":"CCS","LicensesAvailable":"401","LicensesInUse":"120"},` +
	`{"LicenseProductName":"MPS","LicenseEdition":"PLT","LicenseModel":"CCU","LicensesAvailable":"400","LicensesInUse":"7"}]`

// With the License Activation Service WMI lists nothing, or only what is not
// activated.
func TestLicenseActivationServiceIsReadAsReported(t *testing.T) {
	w := newCitrix(t, localServer())
	w.answer("sdk-las", lasRows)
	res := read(t, w.reader)
	got := map[string]string{}
	for _, r := range res.Snapshot.Readings {
		got[r.Pool.String()] = r.Installed.String()
	}
	want := map[string]string{
		"XDT_PLT_UD (2026.1201 Retail)": "550", "CITRIX (2038.0101 SYS)": "10000", "XDT_PLT_CCS (LAS)": "401", "MPS_PLT_CCU (LAS)": "400",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("installed (-want +got):\n%s", d)
	}
	if s := state(t, res, "sdk-las"); !strings.Contains(s.Remark, "never verified") {
		t.Errorf("the source is not marked: %+v", s)
	}

	w.reader.LASTwice = true
	res = read(t, w.reader)
	for _, r := range res.Snapshot.Readings {
		if want, ok := map[string]int64{"XDT_PLT_CCS": 401, "MPS_PLT_CCU": 200}[r.Pool.Feature]; ok && r.Installed != license.Of(want) {
			t.Errorf("%s: installed %v, want %d: half of an even number", r.Pool, r.Installed, want)
		}
	}
	if s := state(t, res, "sdk-las"); !strings.Contains(s.Remark, "801 licenses are reported, and 601 counted") {
		t.Errorf("both numbers are not told: %+v", s)
	}
}

// A feature that two sources name counts by one of them.
func TestPoolsOfTwoSourcesAreNotAdded(t *testing.T) {
	w := newCitrix(t, localServer())
	w.answer("sdk-las", `[{"LicenseProductName":"XDT","LicenseEdition":"PLT","LicenseModel":"UD","LicensesAvailable":"1100","LicensesInUse":"3"}]`)
	w.answer("sdk-inventory", `[{"LicenseProductName":"XDT","LicenseEdition":"PLT","LicenseModel":"UD","LicensesAvailable":"550","LicensesInUse":"3"}]`)
	n := 0
	for _, r := range read(t, w.reader).Snapshot.Readings {
		if r.Pool.Feature == "XDT_PLT_UD" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d pools of one feature, want 1", n)
	}
}

func TestLASThatFailsEndsNoPool(t *testing.T) {
	w := newCitrix(t, localServer())
	w.answer("sdk-las", `{"error":"There was a problem communicating with the License Server.","error_id":"CommunicationError"}`)
	if res := read(t, w.reader); res.Failure != "" || res.Snapshot.Complete {
		t.Errorf("failure %q, complete %v; want a reading that is not complete", res.Failure, res.Snapshot.Complete)
	}
}

const twinPools = `[{"PLD":"XDS_PLT_CCS","Count":"110","Overdraft":"10","InUseCount":"4","SubscriptionDate":"2026.1201","LicenseType":"Retail"},` +
	`{"PLD":"XDT_PLT_CCS","Count":"110","Overdraft":"10","InUseCount":"60","SubscriptionDate":"2026.1201","LicenseType":"Retail"}]`

const twinFile = `INCREMENT XDS_PLT_CCS CITRIX 2026.1201 permanent 100 VENDOR_STRING=;LT=Retail;LP=60 SN=LA-1:7 SIGN="00"
INCREMENT XDT_PLT_CCS CITRIX 2026.1201 permanent 100 VENDOR_STRING=;LT=Retail;LP=60 SN=LA-1:7 SIGN="01"
`

func TestTwinsCountOnceWhereFilesProveThem(t *testing.T) {
	shared := license.Reading{
		Pool: license.Pool{Feature: "XDS_PLT_CCS", Variant: "2026.1201 Retail"}, Daemon: "CITRIX", State: license.StateCounted,
		InUse: license.Of(4),
	}
	full := license.Reading{
		Pool: shared.Pool, Daemon: "CITRIX", State: license.StateCounted, InUse: license.Of(4), Installed: license.Of(110), Overdraft: license.Of(10),
	}
	lines := `[{"PLD":"XDS_PLT_CCS","SerialNumber":"LA-1:7","Count":"100","SubscriptionDate":"2026.1201","LicenseType":"Retail"},` +
		`{"PLD":"XDT_PLT_CCS","SerialNumber":"LA-1:7","Count":"100","SubscriptionDate":"2026.1201","LicenseType":"Retail"}]`
	for name, c := range map[string]struct {
		file, wmi string
		want      license.Reading
	}{
		"by license files":       {twinFile, `[]`, shared},
		"by WMI's license lines": {"", lines, shared},
		"by nothing":             {"", `[]`, full},
		"files go before WMI":    {strings.Replace(twinFile, "LA-1:7", "LA-2:7", 1), lines, full},
	} {
		t.Run(name, func(t *testing.T) {
			answers := localServer()
			answers["wmi-pools"], answers["wmi-licenses"] = twinPools, c.wmi
			w := newCitrix(t, answers)
			if c.file != "" {
				w.reader.Licenses = t.TempDir()
				if err := os.WriteFile(filepath.Join(w.reader.Licenses, "site.LIC"), []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			res := read(t, w.reader)
			if d := cmp.Diff(c.want, res.Snapshot.Readings[0]); d != "" {
				t.Errorf("legacy feature (-want +got):\n%s", d)
			}
			want := map[license.Pool]string{}
			if !c.want.Installed.Known {
				want[shared.Pool] = "XDT_PLT_CCS"
			}
			if d := cmp.Diff(want, res.Shared); d != "" {
				t.Errorf("shared (-want +got):\n%s", d)
			}
			if r := res.Snapshot.Readings[1]; r.Installed != license.Of(110) || r.InUse != license.Of(60) {
				t.Errorf("current feature %+v, want it as reported", r)
			}
			if days := res.Assignments.Lease.Hours() / 24; (days == 60) != (c.file != "") {
				t.Errorf("lease of %v days", days)
			}
		})
	}
}

func TestLicenseFolderThatCannotBeReadIsSaid(t *testing.T) {
	w := newCitrix(t, localServer())
	w.reader.Licenses = filepath.Join(t.TempDir(), "MyFiles")
	if s := state(t, read(t, w.reader), "license-files"); !strings.Contains(s.Failure, "MyFiles") {
		t.Errorf("license files: %+v, want a failure that names the folder", s)
	}
}

func TestADifferenceBetweenSourcesIsShown(t *testing.T) {
	w := newCitrix(t, localServer())
	w.answer("wmi-pools", strings.Replace(premiumPools, `"InUseCount":"3"`, `"InUseCount":"5"`, 1))
	if s := state(t, read(t, w.reader), "udadmin"); !strings.Contains(s.Remark, "XDT_PLT_UD: 3 are assigned, and the license server says 5 in use") {
		t.Errorf("udadmin: %+v", s)
	}
}

// pastRows is what the license server recorded in one part: a sample at the
// end of it.
func pastRows(earliest string, at time.Time, inUse int) string {
	return fmt.Sprintf(`{"about":{"EarliestDateOfSample":"%s"},"rows":[{"ProductEditionModel":"XDT_PLT_UD","CustomerSuccessServicesDate":"2026.1201","LicenseType":"Retail","TotalLicensesIncludingOverDraft":"550","at":[%d],"count":[%d]}]}`,
		earliest, at.Unix(), inUse)
}

func TestThePastIsReadOncePartByPart(t *testing.T) {
	w := newCitrix(t, localServer())
	w.reader.Resume = ""
	w.answer("sdk-sampling", `[{"Enabled":"True","PollingInterval":"5","RetentionPeriod":"180"}]`)
	w.answer("sdk-history", pastRows("2026-01-10T00:00:00Z", now.Add(-time.Hour), 2))
	res := read(t, w.reader)
	if !res.HasSnapshot() || !res.More || len(res.History) != 0 {
		t.Fatalf("the present comes first: %+v", res)
	}
	var resumes []string
	for res.More {
		res = read(t, w.reader)
		resumes = append(resumes, res.Resume)
		if res.HasSnapshot() || res.Failure != "" || len(res.History) != 1 || res.HistoryEvery != 5*time.Minute {
			t.Fatalf("a part of the past: %+v", res)
		}
		r := res.History[0].Readings[0]
		if r.Pool.String() != "XDT_PLT_UD (2026.1201 Retail)" || r.InUse != license.Of(2) || r.Installed.Known || res.History[0].Complete {
			t.Errorf("sample %+v, want 2 in use with installed unknown", r)
		}
	}
	if want := []string{"past before 2026-02-01T09:15:42Z", "the past is read"}; !slices.Equal(resumes, want) {
		t.Errorf("resumed at %q, want %q", resumes, want)
	}
	calls := strings.Join(w.calls(), "\n")
	for _, span := range []string{"-From 2026-02-01T09:15:42Z -To 2026-03-03T09:15:42Z", "-From 2026-01-02T09:15:42Z -To 2026-02-01T09:15:42Z"} {
		if !strings.Contains(calls, "-Ask sdk-sampling,sdk-history "+span) {
			t.Errorf("the past was not asked for %q:\n%s", span, calls)
		}
	}
	if res = read(t, w.reader); res.More {
		t.Error("the past is read again")
	}
}

func TestThePastGoesOnWhereItWasLeft(t *testing.T) {
	w := newCitrix(t, localServer())
	w.reader.Resume = "past before 2025-06-01T00:00:00Z"
	w.answer("sdk-history", `{"error":"There was a problem communicating.","error_id":"CommunicationError"}`)
	read(t, w.reader)
	res := read(t, w.reader)
	if s := state(t, res, "sdk-history"); s.Failure == "" || res.More || res.Resume != "" {
		t.Errorf("a part that failed: %+v, more %v, resume %q; want it tried again with the next reading", s, res.More, res.Resume)
	}
	w.answer("sdk-history", pastRows("2025-05-20T00:00:00Z", time.Date(2025, 5, 21, 0, 0, 0, 0, time.UTC), 1))
	if res := read(t, w.reader); !res.HasSnapshot() {
		t.Fatalf("%+v, want the present", res)
	}
	if res := read(t, w.reader); len(res.History) != 1 || res.Resume != "the past is read" {
		t.Errorf("%d samples, resume %q", len(res.History), res.Resume)
	}
}

func TestWithoutTheSDKThereIsNoPast(t *testing.T) {
	w := newCitrix(t, localServer())
	w.reader.Resume = ""
	w.answer("sdk-history", noSDK)
	read(t, w.reader)
	if res := read(t, w.reader); res.Resume != "the past is read" || res.More || res.Failure != "" {
		t.Errorf("%+v, want nothing more to read", res)
	}
}

// Only commands that read may stand in the script.
func TestTheScriptChangesNothing(t *testing.T) {
	text, err := os.ReadFile("citrix.ps1")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`(?m)#.*$`).ReplaceAll(text, nil)
	allowed := []string{"Add-PSSnapin", "New-Object", "ForEach-Object", "Where-Object", "Select-Object", "ConvertTo-Json"}
	commands := regexp.MustCompile(`\b[A-Z][A-Za-z]+-[A-Z][A-Za-z]+\b`).FindAllString(string(code), -1)
	if len(commands) < 20 {
		t.Fatalf("%d commands: this test does not see them", len(commands))
	}
	for _, c := range commands {
		if !strings.HasPrefix(c, "Get-") && !slices.Contains(allowed, c) {
			t.Errorf("the script uses %s", c)
		}
	}
	for _, word := range []string{"Invoke-", "iex ", "& $Ask", "Start-Process"} {
		if bytes.Contains(code, []byte(word)) {
			t.Errorf("the script has %q", word)
		}
	}
}
