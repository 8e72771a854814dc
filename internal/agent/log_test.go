package agent_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent"
)

// debugLog writes a debug log that began half an hour ago.
func debugLog(t *testing.T) string {
	t.Helper()
	start := time.Now().UTC().Add(-30 * time.Minute)
	clock := func(after time.Duration) string {
		at := start.Add(after)
		return fmt.Sprintf("%2d:%02d:%02d", at.Hour(), at.Minute(), at.Second())
	}
	text := fmt.Sprintf(`%s (lmgrd) FlexNet Licensing (v11.16.2.0 build 242994 x64_lsb) started on lic1 (linux) (%s)
%s (acmed) OUT: "DRAFT" mira@ws1  (3 licenses) 
`, clock(0), start.Format("1/2/2006"), clock(time.Minute))
	path := filepath.Join(t.TempDir(), "debug.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStatusAndLogOfOneServerAreReadTogether(t *testing.T) {
	h := newHub(t)
	both := fileServer(t, "cad")
	both.Log = debugLog(t)
	a := open(t, config(t, h.URL, both))
	run(t, a)
	read(t, a)
	join(t, h, a)
	send(t, a)
	said := strings.Join(slices.Sorted(slices.Values(h.said())), "\n")
	for _, want := range []string{"events DRAFT exact=true 0 [3]", "samples x1 file own=true DRAFT 3/20"} {
		if !strings.Contains(said, want) {
			t.Errorf("the hub was told\n%s\nwant %q in it", said, want)
		}
	}
}

func TestALogThatCannotBeReadIsToldOfBesideAGoodStatus(t *testing.T) {
	h := newHub(t)
	both := fileServer(t, "cad")
	both.Log = filepath.Join(t.TempDir(), "nowhere.log")
	a := open(t, config(t, h.URL, both))
	run(t, a)
	read(t, a)
	if st := status(t, a).Servers[0]; !st.OK || !strings.Contains(st.Reason, "nowhere.log") || st.LastGood.IsZero() {
		t.Errorf("status %+v, want a good reading that names the log", st)
	}
}

func TestLogIsReadBesideAStatusThatNamesPoolsAlike(t *testing.T) {
	for reader, want := range map[string]string{"flexnet-log": "log is ", "mathlm": "log is ", "mathlm-log": "log is ", "rlm-report-log": "log is "} {
		c := agent.Config{Hub: "https://hub.example.com", State: "s", Servers: []agent.ServerConfig{{Name: "cad", Reader: reader, Path: "a.log", Log: "b.log"}}}
		if err := c.Check(t.TempDir()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("log beside %s: got %v, want an error with %q", reader, err, want)
		}
	}
	c := agent.Config{Hub: "https://hub.example.com", State: "s", Servers: []agent.ServerConfig{{Name: "cad", Reader: "sentinel-log"}}}
	if err := c.Check(t.TempDir()); err == nil || !strings.Contains(err.Error(), "path is missing") {
		t.Errorf("a log without its path: got %v", err)
	}
}

func TestReportLogTellsUseAndWhatIsInstalled(t *testing.T) {
	h := newHub(t)
	start := time.Now().UTC().Add(-30 * time.Minute)
	text := fmt.Sprintf(`RLM Report Log Format 0, version 14.0, authenticated
ISV: acme, RLM version 14.0 BL1
START lic01 %s
PRODUCT solver 5.1 1 8 0 8 "" "" "" "" "" "" 0 0 0 0 0 0 0 0 0
OUT solver 5.1 1 kim ws1 "" 4 4 0 101 101 7b1 "" "" "" %s
`, start.Format("01/02/2006 15:04:05"), start.Add(time.Minute).Format("01/02 15:04:05"))
	path := filepath.Join(t.TempDir(), "acme.rl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := open(t, config(t, h.URL, agent.ServerConfig{Name: "sim", Reader: "rlm-report-log", Path: path, Zone: "UTC"}))
	run(t, a)
	read(t, a)
	join(t, h, a)
	send(t, a)
	said := strings.Join(slices.Sorted(slices.Values(h.said())), "\n")
	for _, want := range []string{"events solver", "exact=true 0 [4]", "rlm-report-log own=false solver 0/8"} {
		if !strings.Contains(said, want) {
			t.Errorf("the hub was told\n%s\nwant %q in it", said, want)
		}
	}
}
