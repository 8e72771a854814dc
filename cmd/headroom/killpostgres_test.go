//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// How often PostgreSQL is killed: D-02 wants 20 backends and 3 times the whole server,
// which are for HEADROOM_LONG.
const (
	backends, servers         = 4, 1
	backendsLong, serversLong = 20, 3
)

// D-02: kill -9 of a process of PostgreSQL that serves the hub, and of PostgreSQL itself,
// at random instants of an upload: nothing is lost, nothing counted twice, and the hub
// goes on without a restart.
func TestKillsOfPostgresLoseAndDoubleNothing(t *testing.T) {
	kills, whole := backends, servers
	if os.Getenv("HEADROOM_LONG") != "" {
		kills, whole = backendsLong, serversLong
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kills of a backend, %d of the server", seed, kills, whole)
	random := rand.New(rand.NewPCG(seed, 0))
	p := startPostgres(t)
	w := newWorld(t, build(t), p.url())
	h := w.startHub()
	killed := 0
	for i := range kills + whole {
		w.fill(topUp)
		sender := w.start("agent", "upload", "--config", w.config)
		select {
		case <-sender.ended:
		case <-time.After(time.Duration(random.Int64N(int64(400 * time.Millisecond)))):
		}
		if i%(kills/whole+1) == kills/whole {
			p.killServer()
		} else {
			killed += p.killBackend(random)
		}
		<-sender.ended
	}
	select {
	case <-h.ended:
		t.Fatalf("the hub ended: %v\n%s", h.err, h.printed())
	default:
	}
	h.kill()
	w.sendAll()
	w.compare()
	t.Logf("D-02: %d backends killed, PostgreSQL %d times; %d batches, %d values", killed, whole, w.batches, len(w.want))
}

// A postgres is a PostgreSQL server of a test's own, that may be killed.
type postgres struct {
	t   *testing.T
	bin string
	dir string
}

func startPostgres(t *testing.T) *postgres {
	t.Helper()
	bin, err := exec.CommandContext(t.Context(), "../../scripts/postgres-bin.sh").Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no PostgreSQL: %v", err)
		}
		t.Skip("no PostgreSQL on this machine")
	}
	p := &postgres{t: t, bin: strings.TrimSpace(string(bin))}
	// Not TMPDIR: the path of a Unix socket may have 107 bytes and no more.
	p.dir = strings.TrimSpace(p.must("mktemp", "-d", "/tmp/headroom-postgres.XXXXXX"))
	t.Cleanup(func() {
		// It may be dead already.
		_, _ = p.run(filepath.Join(p.bin, "pg_ctl"), "--pgdata="+p.data(), "--mode=immediate", "--silent", "stop")
		if err := os.RemoveAll(p.dir); err != nil {
			t.Error(err)
		}
	})
	p.must(filepath.Join(p.bin, "initdb"), "--pgdata="+p.data(), "--username=postgres", "--auth=trust",
		"--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	p.start()
	return p
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

func (p *postgres) url() string { return "postgres://postgres@/postgres?host=" + p.dir }

// start starts the server. What a killed one has left must have ended first. Kills
// of processes lose nothing that was written: fsync would only take time.
func (p *postgres) start() {
	p.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		said, err := p.run(filepath.Join(p.bin, "pg_ctl"), "--pgdata="+p.data(), "--log="+filepath.Join(p.dir, "log"), "--silent", "--wait",
			"--options=-c listen_addresses='' -c unix_socket_directories='"+p.dir+"' -c fsync=off", "start")
		if err == nil {
			return
		}
		if time.Since(began) > time.Minute {
			p.t.Fatalf("PostgreSQL does not start: %v\n%s", err, said)
		}
	}
}

// killServer kills the whole server and starts it again.
func (p *postgres) killServer() {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.data(), "postmaster.pid"))
	if err != nil {
		p.t.Fatal(err)
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	pid, err := strconv.Atoi(string(first))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	p.start()
}

// killBackend kills one of the processes that serve the hub, if there is one, and
// waits until the server is there again: it ends all others too.
func (p *postgres) killBackend(random *rand.Rand) int {
	p.t.Helper()
	db, err := sql.Open("pgx", p.url())
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	var pids []int
	rows, err := db.QueryContext(context.Background(), `
		SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid`)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			p.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if err := rows.Err(); err != nil {
		p.t.Fatal(err)
	}
	if len(pids) == 0 {
		return 0
	}
	if err := syscall.Kill(pids[random.IntN(len(pids))], syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		if err := db.PingContext(context.Background()); err == nil {
			return 1
		} else if time.Since(began) > time.Minute {
			p.t.Fatalf("PostgreSQL does not come back: %v", err)
		}
	}
}

func (p *postgres) must(name string, args ...string) string {
	p.t.Helper()
	said, err := p.run(name, args...)
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", name, err, said)
	}
	return said
}

// run runs a program as a user that PostgreSQL accepts: it refuses to run as root.
func (p *postgres) run(name string, args ...string) (string, error) {
	if os.Getuid() == 0 {
		name, args = "runuser", append([]string{"-u", "postgres", "--", name}, args...)
	}
	c := exec.CommandContext(context.Background(), name, args...)
	c.Dir = "/"
	out, err := c.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%w: %s", err, out)
	}
	return string(out), nil
}
