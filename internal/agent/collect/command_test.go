package collect_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent/collect"
)

func run(t *testing.T, c collect.Command, args ...string) (string, error) {
	t.Helper()
	c.Path, c.Args = tool, append([]string{"lmstat"}, args...)
	out, err := c.Run(t.Context())
	return string(out.Text), err
}

//
func TestArgumentsReachTheToolAsTheyAre(t *testing.T) {
	t.Parallel()
	odd := []string{"a b", `c"d`, "e'f", "; touch /tmp/x", "$(id)", "`id`", "*", "%PATH%", "args"}
	got, err := run(t, collect.Command{}, odd...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"a b"`, `"c\"d"`, `"e'f"`, `"; touch /tmp/x"`, `"$(id)"`, "\"`id`\"", `"*"`, `"%PATH%"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the tool got %s, want %s in it", got, want)
		}
	}
}

func TestEnvironmentIsOursAlone(t *testing.T) {
	t.Setenv("LM_LICENSE_FILE", "27000@elsewhere")
	t.Setenv("LANG", "de_DE.UTF-8")
	got, err := run(t, collect.Command{Env: []string{"TZ=UTC"}}, "env")
	if err != nil {
		t.Fatal(err)
	}
	vars := strings.Fields(got)
	for _, want := range []string{"LANG=C", "LC_ALL=C", "TZ=UTC"} {
		if !slices.Contains(vars, want) {
			t.Errorf("the tool's environment %q lacks %s", vars, want)
		}
	}
	if strings.Contains(got, "elsewhere") || strings.Contains(got, "HOME=") {
		t.Errorf("the tool's environment %q has something of ours", vars)
	}
}

func TestStandardInputIsEmpty(t *testing.T) {
	t.Parallel()
	got, err := run(t, collect.Command{}, "stdin")
	if want := "0 bytes, <nil>\n"; err != nil || got != want {
		t.Errorf("the tool read %q, %v, want %q", got, err, want)
	}
}

func TestExitStatusIsReportedAndCostsNothing(t *testing.T) {
	out, err := collect.Command{Path: tool, Args: []string{"lmstat", "exit1"}}.Run(t.Context())
	if err != nil || out.Exit != 1 || string(out.Text) != status {
		t.Errorf("exit %d, %d bytes, %v; want exit 1 and the whole text", out.Exit, len(out.Text), err)
	}
}

// TestTimeLimitEndsTheWholeFamily starts a tool that hangs together with a
// child, and sees the child's end by its connection. X-08, of a tool that hangs.
func TestTimeLimitEndsTheWholeFamily(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = run(t, collect.Command{Timeout: 3 * time.Second}, "family@"+l.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "did not end within 3s") {
		t.Errorf("Run = %v, want the time limit", err)
	}
	childHasEnded(t, l)
}

// TestChildLeftBehindIsEnded lets the tool go and leave a child that keeps its
// output open: the text is there, soon, and the child is gone.
func TestChildLeftBehindIsEnded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got, err := run(t, collect.Command{Timeout: time.Minute}, "orphan@"+l.Addr().String())
	if err != nil || got != status {
		t.Errorf("the text has %d bytes, %v; want %d", len(got), err, len(status))
	}
	childHasEnded(t, l)
}

func childHasEnded(t *testing.T, l net.Listener) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	if err := l.(*net.TCPListener).SetDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatalf("the child never lived: %v", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(conn) // ends with the child
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the child lives on")
	}
	if string(said) != "alive" {
		t.Errorf("the child said %q, want that it was alive", said)
	}
}

// X-08, of a tool that does not end.
func TestOutputLimitEndsTheTool(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := run(t, collect.Command{MaxOutput: 1 << 20}, "flood")
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "more than 1 MiB") {
		t.Errorf("Run = %v, want the output limit", err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("a limit of 1 MiB cost %d MiB", grown>>20)
	}
}

func TestCallerCanGiveUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := collect.Command{Path: tool, Args: []string{"lmstat", "half"}}.Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
}

func TestToolIsNamedByItsWholePath(t *testing.T) {
	for path, want := range map[string]string{
		"lmutil":                             "no absolute path",
		filepath.Join(t.TempDir(), "lmutil"): "could not be run",
	} {
		if _, err := (collect.Command{Path: path}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run of %s = %v, want %q", path, err, want)
		}
	}
}
