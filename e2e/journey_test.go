package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// capture is the real status that the agent replays: a compute cluster's.
const capture = "lmstat-a-v11.14-matlab-hpc-51features-375checkouts.txt"

// The way of a real license server's words to the console: a fresh hub is set
// up in the browser, an agent that replays a capture registers with its code,
// uploads, and its figures stand there.
func TestAnAgentRegistersInTheBrowserAndItsFiguresAreShown(t *testing.T) {
	t.Parallel() // with those that have a hub of their own
	text, err := os.ReadFile(filepath.Join(samples(t), "flexnet", capture))
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	program := ready(t, program)
	dir := t.TempDir()

	hub := start(t, program, "hub", "run", "--addr", "127.0.0.1:0", "--store", filepath.Join(dir, "hub.db"))
	link := hub.line(`(http://\S+/setup/\S+)`)
	home := link[:strings.Index(link, "/setup/")]

	b.open(link)
	b.look("setup")
	b.fill("organisation", "Example Corp")
	b.fill("zone", "Europe/Berlin")
	b.fill("name", "Anna Admin")
	b.fill("email", "anna@example.com")
	b.fill("password", "four unrelated violins")
	b.submit("main form button")
	b.see("Your organisation is set up", "Example Corp")
	b.look("empty")

	status := filepath.Join(dir, "status.txt")
	write(t, status, text)
	config := filepath.Join(dir, "agent.toml")
	write(t, config, fmt.Appendf(nil, "hub = %q\nstate = \"state\"\n\n[[server]]\nname = \"cluster\"\nreader = \"file\"\npath = %q\n", home, status))
	start(t, program, "agent", "run", "--config", config).line(`agent runs`)
	if out := run(t, program, "agent", "share", "on", "--config", config); !strings.Contains(out, "Nothing is sent before") {
		t.Errorf("share on says:\n%s", out)
	}

	register := start(t, program, "agent", "register", "--config", config)
	code := register.line(`Code\s+(\S{5}-\S{5})`)
	words := strings.Fields(register.line(`Words\s+(.+)`))
	if len(words) != 6 {
		t.Fatalf("%d words, want 6: %v", len(words), words)
	}
	b.open(home + "/registrations/register")
	b.look("register")
	b.fill("code", strings.ToLower(strings.ReplaceAll(code, "-", " ")))
	b.submit(`form[action="/registrations/review"] button`)
	b.see(append(words, "cluster", "127.0.0.1")...)
	b.look("review")
	b.submit(`form[action="/registrations/approve"] button`)
	b.see("Waiting for the license server to confirm")

	register.line(`Register with Example Corp .* Approved by anna@example.com`)
	register.say("y\n")
	register.line(`Registered with Example Corp`)
	if out := run(t, program, "agent", "upload", "--config", config); !strings.Contains(out, "Sent 1 batches") {
		t.Errorf("upload says:\n%s", out)
	}

	b.open(home + "/servers")
	b.see("cluster", "Reporting")
	b.look("servers")
	b.open(home + "/")
	b.see("1 of 1 reporting", "MATLAB")
	b.look("usage")
	b.open(home + "/usage/mlm.MATLAB")
	b.see("MATLAB", "10\u202f000", "sampled")
	b.look("details")

	b.open(home + "/settings")
	b.see("Where you are signed in", "This one", "Change password")
	b.look("account")
}

// samples returns the folder of real captures.
func samples(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("HEADROOM_SAMPLES")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "samples")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no samples: %v", err)
		}
		t.Skipf("no samples: %v", err)
	}
	return dir
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	// A status file that was written just now counts as being written.
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
