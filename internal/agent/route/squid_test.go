package route_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// squidLib is where Debian keeps Squid's helpers.
const squidLib = "/usr/lib/squid/"

// A squid is a real Squid, on a port of loopback.
type squid struct {
	Addr string
	stop func()
	log  string // of its accesses
}

// URL is the proxy's address.
func (s *squid) URL() string { return "http://" + s.Addr }

// requests counts what Squid was asked.
func (s *squid) requests(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(s.log)
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	check(t, err)
	return bytes.Count(text, []byte("\n"))
}

// logged waits until Squid's log has a line with all words.
func (s *squid) logged(t testing.TB, words ...string) {
	t.Helper()
	wait(t, fmt.Sprintf("Squid logs %q", words), func() bool {
		text, _ := os.ReadFile(s.log)
		for line := range strings.Lines(string(text)) {
			all := true
			for _, w := range words {
				all = all && strings.Contains(line, w)
			}
			if all {
				return true
			}
		}
		return false
	})
}

// needs skips a test where a program is not installed; where CI is set it must be.
func needs(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		_, err := exec.LookPath(p)
		if err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed: run scripts/prepare.sh", p)
		}
		t.Skipf("%s is not installed: scripts/prepare.sh installs it", p)
	}
}

// startSquid starts a Squid with lines of its own. @DIR@ is its folder.
func startSquid(t testing.TB, port string, lines ...string) *squid {
	t.Helper()
	needs(t, "squid")
	dir := openDir(t)
	if port == "" {
		port = freePort(t)
	}
	config := strings.ReplaceAll(strings.Join(lines, "\n"), "@DIR@", dir)
	if !strings.Contains(config, "http_port") {
		config = "http_port 127.0.0.1:" + port + "\n" + config
	}
	config = strings.ReplaceAll(config, "@PORT@", port)
	if !strings.Contains(config, "http_access") {
		config += "\nhttp_access allow all"
	}
	write(t, filepath.Join(dir, "hosts"), "127.0.0.1 "+hubName+" lists.headroom.test\n")
	write(t, filepath.Join(dir, "squid.conf"), strings.Join([]string{
		config, "pid_filename none", "cache deny all", "coredump_dir " + dir, "shutdown_lifetime 0 seconds",
		"hosts_file " + dir + "/hosts", "access_log stdio:" + dir + "/access.log", "cache_log " + dir + "/cache.log",
		"logfile_rotate 0", "netdb_filename none", "pinger_enable off", "visible_hostname squid.headroom.test", "",
	}, "\n"))
	own(t, dir)
	s := &squid{Addr: "127.0.0.1:" + port, log: filepath.Join(dir, "access.log")}
	s.stop = daemon(t, s.Addr, "squid", "-N", "-n", "headroom"+port, "-f", filepath.Join(dir, "squid.conf"))
	return s
}

// own gives a folder to the account under which Squid runs if root starts it.
func own(t testing.TB, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	u, err := user.Lookup("proxy")
	check(t, err)
	uid, err := strconv.Atoi(u.Uid)
	check(t, err)
	gid, err := strconv.Atoi(u.Gid)
	check(t, err)
	check(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, uid, gid))
	}))
}

// daemon runs a program in the foreground until the test is over, or stop is
// called, and waits until it listens.
func daemon(t testing.TB, addr, program string, args ...string) (stop func()) {
	t.Helper()
	return daemonThat(t, func(*safeBuffer) bool {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, program, args...)
}

// A safeBuffer is what a program says, read while it runs.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// daemonThat is daemon of a program that tells by itself when it is ready.
func daemonThat(t testing.TB, ready func(said *safeBuffer) bool, program string, args ...string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, args...)
	var out safeBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	check(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-ended; err != nil && cmd.ProcessState == nil {
				t.Errorf("%s did not end: %v", program, err)
			}
		}
	}
	t.Cleanup(stop)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if ready(&out) {
			return stop
		}
		select {
		case err := <-ended:
			stopped = true
			t.Fatalf("%s %q ended: %v\n%s", program, args, err, out.String())
		case <-tick.C:
		}
	}
	t.Fatalf("%s %q is not ready; it says:\n%s", program, args, out.String())
	return nil
}

// freePort returns a port of loopback that nobody has now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	check(t, err)
	return port
}

// wait waits until something is so.
func wait(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(10 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

// run runs a program to its end.
func run(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// basicSquid is a Squid that wants a user and a password.
func basicSquid(t testing.TB, name, password string, lines ...string) *squid {
	t.Helper()
	needs(t, "squid", "openssl")
	users := filepath.Join(openDir(t), "users")
	write(t, users, name+":"+run(t, "openssl", "passwd", "-apr1", password))
	return startSquid(t, "", append([]string{
		"auth_param basic program " + squidLib + "basic_ncsa_auth " + users,
		"auth_param basic children 1", "auth_param basic realm headroom",
		"acl in proxy_auth REQUIRED", "http_access allow in", "http_access deny all",
	}, lines...)...)
}
