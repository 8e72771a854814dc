package collect_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent/collect"
	"headroom/internal/license"
)

// A call is how a manager's tool is called, and an output that it may print.
type call struct {
	manager, tool, license string
	args, env              []string
	out                    string // of the fixtures of format
	pools                  int
}

var calls = []call{
	{
		manager: "rlm", tool: "rlmutil", license: "5053@lic01", args: []string{"rlmstat", "-a", "-c", "5053@lic01"},
		out: "rlm/testdata/status/one-vendor.txt", pools: 2,
	},
	{
		manager: "rlm", tool: "rlmstat", license: "/opt/rlm/acme.lic", args: []string{"-a", "-c", "/opt/rlm/acme.lic"},
		out: "rlm/testdata/status/one-vendor.txt", pools: 2,
	},
	{
		manager: "lmx", tool: "lmxendutil", license: "6200@lic05", args: []string{"-licstatxml", "-host", "lic05", "-port", "6200"},
		out: "lmx/testdata/status/borrowed.xml", pools: 2,
	},
	{manager: "sentinel", tool: "lsmon", license: "lic06", args: []string{"lic06"}, out: "sentinel/testdata/status/rms.txt", pools: 2},
	{
		manager: "dsls", tool: "DSLicSrv", license: "4084@lic02",
		args: []string{"-admin", "-run", "connect lic02 4084 -restricted; getLicenseUsage -csv"},
		out:  "dsls/testdata/csv-failover.txt", pools: 6,
	},
	{
		manager: "mathlm", tool: "monitorlm", license: "lic03", args: []string{"lic03", "-format", "text"},
		out: "mathlm/testdata/status/text.txt", pools: 5,
	},
	{
		manager: "lsdyna", tool: "lstc_qrun", license: "31010@lic04", args: []string{"-r"}, env: []string{"LSTC_LICENSE_SERVER=31010@lic04"},
		out: "lsdyna/testdata/busy.txt", pools: 1,
	},
	{manager: "lsdyna", tool: "lstc_qrun", args: []string{"-r"}, out: "lsdyna/testdata/busy.txt", pools: 1},
}

// statusReader reads by a fake tool that gives one answer.
func statusReader(t *testing.T, c call, a answer) *collect.Status {
	t.Helper()
	a.Tool, a.Args, a.Env = c.tool, c.args, append(c.env, "LANG=C")
	m, ok := collect.ManagerOf(c.manager)
	if !ok {
		t.Fatalf("there is no manager %s", c.manager)
	}
	command, err := m.Command(exe(fake(t, a), c.tool), c.license)
	if err != nil {
		t.Fatal(err)
	}
	command.Timeout = 20 * time.Second
	return &collect.Status{Manager: m, Command: command, Now: func() time.Time { return now }}
}

// formatFixture returns a fixture of a package of format.
func formatFixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "format", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestStatusToolsAreCalledAsTheirManagersWant(t *testing.T) {
	t.Parallel()
	for _, c := range calls {
		res := read(t, statusReader(t, c, answer{Out: formatFixture(t, c.out)}))
		if res.Failure != "" || len(res.Snapshot.Readings) != c.pools || res.Server.Manager != c.manager {
			t.Errorf("%s %v: failure %q, %d pools of %q, want %d", c.tool, c.args, res.Failure, len(res.Snapshot.Readings), res.Server.Manager, c.pools)
		}
		if !res.Snapshot.At.Equal(now.Truncate(time.Second)) || !res.Own {
			t.Errorf("%s: at %s, own %v, want the reader's clock", c.tool, res.Snapshot.At, res.Own)
		}
	}
}

func TestStatusThatFailsIsUnknownAndNeverZero(t *testing.T) {
	t.Parallel()
	for _, c := range calls {
		for want, a := range map[string]answer{
			"(exit status 3)":    {Out: "Segmentation fault\n", Exit: 3},
			"did not end within": {Out: formatFixture(t, c.out), Hang: true},
		} {
			r := statusReader(t, c, a)
			if a.Hang {
				r.Command.Timeout = time.Second
			}
			if res := read(t, r); !strings.Contains(res.Failure, want) || res.HasSnapshot() {
				t.Errorf("%s: failure %q, snapshot %v, want %q and none", c.tool, res.Failure, res.HasSnapshot(), want)
			}
		}
	}
}

func TestStatusOfAServerThatIsPartlyDownSaysSo(t *testing.T) {
	t.Parallel()
	r := statusReader(t, calls[0], answer{Out: formatFixture(t, "rlm/testdata/status/part-down.txt")})
	if res := read(t, r); !strings.Contains(res.Failure, "say by the setting host") {
		t.Errorf("failure %q, want a choice of the license servers", res.Failure)
	}
	r.Host = "lic03"
	res := read(t, r)
	if res.Failure != "" || res.Snapshot.Complete || res.Note == "" {
		t.Errorf("failure %q, complete %v, note %q; want a part of the pools and why", res.Failure, res.Snapshot.Complete, res.Note)
	}
}

func TestNamedUsersAreAssignments(t *testing.T) {
	t.Parallel()
	for _, c := range calls {
		res := read(t, statusReader(t, c, answer{Out: formatFixture(t, c.out)}))
		a := res.Assignments
		if c.manager != "dsls" {
			if a != nil {
				t.Errorf("%s: assignments %+v, want none", c.manager, a)
			}
			continue
		}
		if a == nil || !a.At.Equal(res.Snapshot.At) || a.LastIs != license.LastUse || len(a.List) == 0 || a.List[0].Daemon == "" {
			t.Errorf("assignments %+v, want those of named users at %s", a, res.Snapshot.At)
		}
	}
}

func TestStatusIsReadFromAFile(t *testing.T) {
	t.Parallel()
	for _, c := range calls {
		path := filepath.Join(t.TempDir(), "status.txt")
		if err := os.WriteFile(path, []byte(formatFixture(t, c.out)), 0o600); err != nil {
			t.Fatal(err)
		}
		before := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, before, before); err != nil {
			t.Fatal(err)
		}
		m, _ := collect.ManagerOf(c.manager)
		res := read(t, &collect.Status{Manager: m, Path: path, Now: func() time.Time { return now }})
		if res.Failure != "" || len(res.Snapshot.Readings) != c.pools {
			t.Errorf("%s: failure %q, %d pools, want %d", c.manager, res.Failure, len(res.Snapshot.Readings), c.pools)
		}
	}
}

func TestWrongLicenseServersAreRefused(t *testing.T) {
	t.Parallel()
	tool := filepath.Join(t.TempDir(), "tool")
	for _, tt := range []struct{ manager, tool, license, want string }{
		{"rlm", tool, "", "5053@localhost"},
		{"rlm", tool, "-z", "port@host"},
		{"rlm", "rlmutil", "5053@localhost", "whole path"},
		{"dsls", tool, "lic01", "4084@localhost"},
		{"dsls", tool, "4084@a; setLicense", "port@host"},
		{"dsls", tool, "70000@a", "port@host"},
		{"lmx", tool, "lic01", "6200@localhost"},
		{"sentinel", tool, "-h", "name of a host"},
		{"mathlm", tool, "-v", "name of a host"},
		{"mathlm", tool, "", "name of a host"},
		{"lsdyna", tool, "a@b", "port@host"},
		{"olicense", tool, "lic01", "command = "},
	} {
		m, _ := collect.ManagerOf(tt.manager)
		if _, err := m.Command(tt.tool, tt.license); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, tool %q, license %q: %v, want %q", tt.manager, tt.tool, tt.license, err, tt.want)
		}
	}
}
