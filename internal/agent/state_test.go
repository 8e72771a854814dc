package agent_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent"
)

// capture is our status, in a folder of its own and old enough to be whole.
func capture(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "status.txt"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "status.txt")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	return path
}

// fileServer is a license server that is read by a capture.
func fileServer(t *testing.T, name string) agent.ServerConfig {
	t.Helper()
	return agent.ServerConfig{Name: name, Reader: "file", Path: capture(t), Zone: "UTC"}
}

// config is a checked configuration with a state folder of its own.
func config(t *testing.T, hub string, servers ...agent.ServerConfig) agent.Config {
	t.Helper()
	c := agent.Config{Hub: hub, State: filepath.Join(t.TempDir(), "state"), Servers: servers}
	if err := c.Check(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return c
}

// options are those of an agent that tells the test's log what it does.
func options(t *testing.T) agent.Options {
	t.Helper()
	return agent.Options{
		Version: "1.2.3", Host: "lic1", HTTP: &http.Client{Timeout: 10 * time.Second},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// open opens an agent until the test ends. Closing it earlier does no harm.
func open(t *testing.T, c agent.Config) *agent.Agent {
	t.Helper()
	a, err := agent.Open(c, options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, a) })
	return a
}

func shut(t *testing.T, a *agent.Agent) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func status(t *testing.T, a agent.Control) agent.Status {
	t.Helper()
	st, err := a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// A hub that no test speaks with.
const noHub = "https://hub.invalid"

func TestOnlyTheOwnerReadsTheState(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	c := config(t, noHub, fileServer(t, "cad"))
	shut(t, open(t, c))
	for name, want := range map[string]fs.FileMode{".": 0o700, "key.pem": 0o600, "agent.json": 0o600} {
		info, err := os.Stat(filepath.Join(c.State, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has the mode %04o, want %04o", name, got, want)
		}
	}
}

// a key that others may read is refused.
func TestKeyThatOthersCanReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o644} {
		c := config(t, noHub, fileServer(t, "cad"))
		shut(t, open(t, c))
		path := filepath.Join(c.State, "key.pem")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		a, err := agent.Open(c, options(t))
		if err == nil {
			shut(t, a)
			t.Errorf("a key with the mode %04o is taken", mode)
			continue
		}
		for _, want := range []string{path, "chmod 600"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("mode %04o: the error does not say %q: %v", mode, want, err)
			}
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		shut(t, open(t, c)) // the refusal has let go of the folder
	}
}

func TestDamagedStateIsAClearErrorAndStays(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"half a state", "agent.json", `{"guid": "5b`, "is damaged"},
		{"an empty state", "agent.json", "", "is damaged"},
		{"zeros for a state", "agent.json", "\x00\x00\x00\x00", "is damaged"},
		{"an empty key", "key.pem", "", "holds no key"},
		{"another key", "key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "key.pem"},
	} {
		config := config(t, noHub, fileServer(t, "cad"))
		shut(t, open(t, config))
		path := filepath.Join(config.State, c.file)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := agent.Open(config, options(t))
		if err == nil {
			shut(t, a)
			t.Errorf("%s is taken", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error that names %s and says %q", c.name, err, path, c.want)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != c.text {
			t.Errorf("%s was changed to %q (%v): a person may want to mend it", c.name, text, err)
		}
	}
}

func TestAKeyThatIsGoneIsNotReplacedSilently(t *testing.T) {
	c := config(t, noHub, fileServer(t, "cad"))
	shut(t, open(t, c))
	path := filepath.Join(c.State, "key.pem")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	a, err := agent.Open(c, options(t))
	if err == nil {
		shut(t, a)
		t.Fatal("a state without its key is taken")
	}
	if !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
}

func TestIdentitiesSurviveAReopen(t *testing.T) {
	c := config(t, noHub, fileServer(t, "cad"), fileServer(t, "cae"))
	first := open(t, c)
	before := status(t, first)
	shut(t, first)
	key, err := os.ReadFile(filepath.Join(c.State, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}

	c.Servers = []agent.ServerConfig{c.Servers[1], c.Servers[0]} // another order
	c.Servers[1].Name = "CAD"                                    // the same name
	after := status(t, open(t, c))
	want := map[string]string{"CAD": before.Servers[0].GUID, "cae": before.Servers[1].GUID}
	for _, s := range after.Servers {
		if s.GUID == "" || s.GUID != want[s.Name] {
			t.Errorf("%s has the GUID %q, want %q", s.Name, s.GUID, want[s.Name])
		}
	}
	if before.Servers[0].GUID == before.Servers[1].GUID {
		t.Errorf("two servers have the GUID %s", before.Servers[0].GUID)
	}
	again, err := os.ReadFile(filepath.Join(c.State, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(key, again) {
		t.Error("the key has changed")
	}
}

func TestSharingSurvivesAReopen(t *testing.T) {
	c := config(t, noHub, fileServer(t, "cad"))
	first := open(t, c)
	if status(t, first).Sharing {
		t.Error("sharing is on at first")
	}
	if err := first.Share(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	shut(t, first)
	if !status(t, open(t, c)).Sharing {
		t.Error("sharing is off after a reopen")
	}
}

func TestTwoAgentsDoNotShareAStateFolder(t *testing.T) {
	c := config(t, noHub, fileServer(t, "cad"))
	open(t, c)
	a, err := agent.Open(c, options(t))
	if err == nil {
		shut(t, a)
		t.Fatal("two agents have one state folder open")
	}
	for _, want := range []string{"another agent runs", c.State} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	// A command says the same, since nothing answers it.
	if _, _, err := agent.Connect(t.Context(), c, options(t)); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("Connect: %v, want an error that says that the agent does not answer", err)
	}
}
