package agent_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"headroom/internal/agent"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// fakeCitrixServer is a Citrix License Server whose tools print what is written
// here.
func fakeCitrixServer(t *testing.T) agent.ServerConfig {
	t.Helper()
	dir := t.TempDir()
	suffix := ""
	if runtime.GOOS == "windows" {
		suffix = ".exe"
	}
	shell, udadmin := filepath.Join(dir, "powershell"+suffix), filepath.Join(dir, "udadmin"+suffix)
	if out, err := exec.Command("go", "build", "-o", shell, "./collect/testdata/fakecitrix").CombinedOutput(); err != nil {
		t.Fatalf("build the fake tool: %v\n%s", err, out)
	}
	if err := os.Link(shell, udadmin); err != nil {
		t.Fatal(err)
	}
	hour := time.Now().Add(-time.Hour).Unix()
	for source, text := range map[string]string{
		"wmi-pools":     `"rows":[{"PLD":"XDT_PLT_UD","Count":"550","Overdraft":"50","InUseCount":"1","SubscriptionDate":"2026.1201","LicenseType":"Retail"}]`,
		"wmi-licenses":  `"rows":[]`,
		"sdk-info":      `"rows":[{"SLVersion":"v11.17.2.0 build 54100","HostName":"lic01"}]`,
		"sdk-inventory": `"absent":true`,
		"sdk-las":       `"absent":true`,
		"sdk-sampling":  `"absent":true`,
		"sdk-history":   fmt.Sprintf(`"about":{"EarliestDateOfSample":"%s"},"rows":[{"ProductEditionModel":"XDT_PLT_UD","CustomerSuccessServicesDate":"2026.1201","LicenseType":"Retail","at":[%d],"count":[7]}]`, time.Now().UTC().Format(time.RFC3339), hour),
	} {
		line := `headroom-citrix-1 {"source":"` + source + `",` + text + "}\n"
		if err := os.WriteFile(filepath.Join(dir, source+".txt"), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	users := "Usage data is 3 minutes old.\nUsers:\n anna XDT_PLT_UD 2026.1201 (Mon Nov  2 08:15:00 2020)\n"
	if err := os.WriteFile(filepath.Join(dir, "udadmin.txt"), []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	return agent.ServerConfig{
		Name: "ctx", Reader: "citrix", Zone: "UTC", Citrix: agent.CitrixConfig{PowerShell: shell, Udadmin: udadmin},
	}
}

func TestCitrixLicenseServerReachesTheHub(t *testing.T) {
	h := newHub(t)
	a := open(t, config(t, h.URL, fakeCitrixServer(t)))
	run(t, a)
	eventually(t, "the past is read", func() bool {
		s := status(t, a).Servers[0]
		return len(s.Sources) > 0 && s.Sources[len(s.Sources)-1].Name == "sdk-history"
	})
	join(t, h, a)
	send(t, a)
	var live, past *wire.Samples
	var people *wire.Assignments
	var sources *wire.Sources
	h.with(func() {
		for _, b := range h.batches {
			for _, line := range b.Records {
				switch r := line.Record.(type) {
				case *wire.Samples:
					if r.Imported {
						past = r
					} else {
						live = r
					}
				case *wire.Assignments:
					people = r
				case *wire.Sources:
					sources = r
				}
			}
		}
	})
	if live == nil || past == nil || people == nil || sources == nil {
		t.Fatalf("samples %v, past %v, assignments %v, sources %v: want all", live, past, people, sources)
	}
	if live.Interval != 900 || !live.Complete || live.Source != "citrix" || live.Pools[0].Variant != "2026.1201 Retail" || live.Pools[0].Vendor != "CITRIX" {
		t.Errorf("samples %+v", live)
	}
	if len(past.At) != 1 || past.Pools[0].InUse[0] != license.Of(7) || past.Pools[0].Installed != nil || past.Pools[0].PoolKey != live.Pools[0].PoolKey {
		t.Errorf("past %+v, want 7 in use of the same pool with installed unknown", past)
	}
	if !people.Complete || people.LastIs != license.LastRequest || people.Lease != 90*24*3600 || live.At[0]-people.At != 180 ||
		len(people.Assigned) != 1 || people.Assigned[0].Names[0] != "anna" || people.Assigned[0].PoolKey != live.Pools[0].PoolKey {
		t.Errorf("assignments %+v of samples at %d", people, live.At[0])
	}
	if n := len(sources.Sources); n != 7 {
		t.Errorf("%d sources, want 7: %+v", n, sources.Sources)
	}
	s := status(t, a).Servers[0]
	if !s.OK || s.Interval != 15*time.Minute || len(s.Sources) != 7 {
		t.Errorf("status %+v", s)
	}
}
