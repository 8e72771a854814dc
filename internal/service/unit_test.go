package service

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var usual = Settings{Program: "/usr/local/bin/headroom", Config: "/etc/headroom/agent.toml", State: "/var/lib/headroom"}

func TestUnitIsThis(t *testing.T) {
	own := Settings{
		Program: "/opt/head room/headroom", Config: `/etc/a "b" $c 100%/agent.toml`, State: "/srv/head room",
		User: "licenses", Groups: []string{"flexlm", "adm"},
	}
	for name, s := range map[string]Settings{"usual": usual, "own": own} {
		got, err := Unit(s)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", name+".service"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s.service (-want +got):\n%s", name, diff)
		}
	}
}

func TestUnitIsRefused(t *testing.T) {
	for why, change := range map[string]func(*Settings){
		"control character":    func(s *Settings) { s.Config = "/etc/a\nExecStartPre=/bin/true" },
		"can only write below": func(s *Settings) { s.State = "/srv/headroom" },
		"needs no root":        func(s *Settings) { s.User = "root" },
		"without spaces":       func(s *Settings) { s.State = "/var/lib/head room" },
	} {
		s := usual
		change(&s)
		if _, err := Unit(s); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("error is %v, want one with %q", err, why)
		}
	}
}

// systemd itself is asked about the unit: whether it understands every line,
// and how much it leaves the agent. 10 is everything.
func TestSystemdUnderstandsTheUnitAndFindsItSafe(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("systemd-analyze is not installed: scripts/prepare.sh installs it")
		}
		t.Skip("systemd-analyze is not installed: scripts/prepare.sh installs it")
	}
	s := usual
	s.Program = "/bin/true" // it looks whether the program is there
	text, err := Unit(s)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), Name+".service")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// What it says of other units of this machine is not ours.
	said, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", file).CombinedOutput()
	if err != nil || strings.Contains(string(said), Name) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, said)
	}
	said, err = exec.CommandContext(t.Context(), analyze, "security", "--offline=yes", "--no-pager", file).CombinedOutput()
	if err != nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, said)
	}
	found := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`).FindSubmatch(said)
	if found == nil {
		t.Fatalf("systemd-analyze security says no level:\n%s", said)
	}
	if level, err := strconv.ParseFloat(string(found[1]), 64); err != nil || level > 2 {
		t.Errorf("exposure is %s, want at most 2:\n%s", found[1], said)
	}
}
