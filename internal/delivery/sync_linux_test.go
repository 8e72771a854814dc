package delivery_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent"
	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
)

// childEnv makes this test program an agent that keeps things in a folder, and says so
// of each.
const childEnv = "HEADROOM_DELIVERY_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := keepThings(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// rounds is how many readings D-15 wants to be kept.
const rounds = 20

func keepThings(dir string) error {
	sp, _, err := spool.Open(filepath.Join(dir, "spool"), spool.Options{Now: time.Now, Declare: upload.EncodeGap, Ballast: 64})
	if err != nil {
		return err
	}
	for i := range rounds {
		if err := sp.Append("server", time.Now(), []byte("a reading")); err != nil {
			return err
		}
		fmt.Println("kept reading", i)
	}
	if err := sp.Close(); err != nil {
		return err
	}
	config := filepath.Join(dir, "agent.toml")
	if err := os.WriteFile(config, []byte("hub = \"http://127.0.0.1:1\"\nstate = \"state\"\n[[server]]\nname = \"lic01\"\nreader = \"file\"\npath = \"none.txt\"\n"), 0o600); err != nil {
		return err
	}
	c, err := agent.LoadConfig(config)
	if err != nil {
		return err
	}
	a, err := agent.Open(c, agent.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	fmt.Println("kept key and state")
	if err := a.Share(context.Background(), true); err != nil {
		return err
	}
	fmt.Println("kept state")
	return a.Close()
}

// D-15: what the agent says is kept was synced, bytes before they got their name, and the
// name before it was said. The system is the witness: it tells every call.
func TestWhatIsKeptWasSyncedBeforeItWasSaid(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("strace is not installed")
		}
		t.Skip("strace is not installed")
	}
	dir, trace := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	c := exec.CommandContext(t.Context(), "strace", "-f", "-y", "-s", "64", "-o", trace,
		"-e", "trace=write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat", os.Args[0], "-test.run=^$")
	c.Env = append(os.Environ(), childEnv+"="+dir)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	said, syncs := checkTrace(t, dir, text)
	if said != rounds+2 {
		t.Errorf("%d things were said to be kept, want %d: is the trace read?\n%s", said, rounds+2, text)
	}
	t.Logf("D-15: %d things said to be kept, each after its syncs, %d in all", said, syncs)
}

var (
	onFile = regexp.MustCompile(`^\d+ +(write|pwrite64|fsync|fdatasync)\(\d+<([^>]*)>`)
	named  = regexp.MustCompile(`^\d+ +(rename|renameat|renameat2|mkdir|mkdirat)\(.*?"([^"]*)"(?:.*?"([^"]*)")?`)
)

// checkTrace goes through what a process did below a folder, and wants nothing unsynced
// whenever it says that something is kept.
func checkTrace(t *testing.T, dir string, trace []byte) (said, syncs int) {
	t.Helper()
	dirty := map[string]string{} // what is not on the disk yet: files, and folders with other names in them
	lines := bufio.NewScanner(bytes.NewReader(trace))
	for lines.Scan() {
		line := lines.Text()
		if strings.Contains(line, `"kept `) {
			said++
			for path, why := range dirty {
				t.Errorf("%s was said, and %s is not synced: %s", line, path, why)
			}
			clear(dirty)
			continue
		}
		if m := onFile.FindStringSubmatch(line); m != nil && strings.HasPrefix(m[2], dir) && filepath.Ext(m[2]) != ".toml" {
			if strings.HasSuffix(m[1], "sync") {
				syncs++
				delete(dirty, m[2])
				continue
			}
			dirty[m[2]] = line
			continue
		}
		m := named.FindStringSubmatch(line)
		if m == nil || !strings.HasPrefix(m[2], dir) || strings.Contains(line, "= -1") {
			continue
		}
		switch {
		case strings.HasPrefix(m[1], "rename"):
			if why, ok := dirty[m[2]]; ok {
				t.Errorf("renamed before it was synced: %s\n%s", line, why)
			}
			dirty[filepath.Dir(m[3])] = line
		case strings.HasPrefix(m[1], "mkdir"):
			dirty[filepath.Dir(m[2])] = line
		}
	}
	return said, syncs
}
