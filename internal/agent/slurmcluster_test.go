//go:build linux

package agent_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A cluster is a real Slurm on this machine, of one node that runs jobs: munged,
// slurmctld and slurmd as this account, in a folder of their own.
type cluster struct {
	t      *testing.T
	folder string
	conf   string // slurm.conf
	tools  string // folder of scontrol and its like
}

// patience bounds every wait for the cluster.
const patience = time.Minute

// slurmConf has what the defaults do not: no cgroups, more processors than the
// machine may have, and a scheduler that looks at once. The counts are for the
// test's three jobs.
const slurmConf = `ClusterName=headroom
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=%[1]s
SlurmdUser=%[1]s
SlurmctldPort=%[2]d
AuthType=auth/munge
AuthInfo=socket=%[4]s/munge/socket
StateSaveLocation=%[4]s/state
SlurmdSpoolDir=%[4]s/spool
SlurmctldPidFile=%[4]s/slurmctld.pid
SlurmdPidFile=%[4]s/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_min_interval=0,sched_interval=1
Licenses=mesher:10,solver:5
NodeName=node1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=%[3]d CPUs=8
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE
`

// newCluster starts a cluster. Where Slurm is not installed the test is
// skipped, and fails in CI: a cluster that nobody asked is not a tested one.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	programs := map[string]string{}
	for _, name := range []string{"munged", "slurmctld", "slurmd", "scontrol", "squeue", "sbatch", "scancel"} {
		path, err := program(name)
		if err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%v; make test installs slurm-wlm and munge on Debian", err)
			}
			t.Skipf("%v; on Debian, install slurm-wlm and munge", err)
		}
		programs[name] = path
	}
	// Not the test's own folder: the path of a socket has few bytes.
	folder, err := os.MkdirTemp("/tmp", "headroom-slurm")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, folder: folder, conf: filepath.Join(folder, "slurm.conf"), tools: filepath.Dir(programs["scontrol"])}
	t.Cleanup(func() {
		if t.Failed() {
			c.logs()
		}
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	c.configure(programs["slurmctld"])
	munge := func(name string) string { return filepath.Join(folder, "munge", name) }
	c.start(programs["munged"], "--foreground", "--force", "--socket="+munge("socket"), "--key-file="+munge("key"),
		"--pid-file="+munge("pid"), "--log-file="+munge("log"), "--seed-file="+munge("seed"))
	c.wait("munged listens", func() bool { _, err := os.Stat(munge("socket")); return err == nil })
	c.start(programs["slurmctld"], "-D", "-i", "-f", c.conf)
	c.wait("the controller answers", func() bool { return strings.Contains(c.try("scontrol", "ping"), "UP") })
	c.start(programs["slurmd"], "-D", "-N", "node1", "-f", c.conf)
	c.wait("the node is idle", func() bool {
		return strings.Contains(c.try("scontrol", "show", "node", "node1", "--oneliner"), "State=IDLE ")
	})
	t.Cleanup(func() { // before the daemons end: a job outlives them
		c.try("scancel", "--partition=main")
		c.wait("all jobs have ended", func() bool { return strings.TrimSpace(c.try("squeue", "--noheader")) == "" })
	})
	return c
}

// program finds a program, also where only root looks for it.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, name))
	}
	if err != nil {
		return "", fmt.Errorf("%s is not installed", name)
	}
	return path, nil
}

// configure writes what the daemons read.
func (c *cluster) configure(slurmctld string) {
	c.t.Helper()
	me, err := user.Current()
	if err != nil {
		c.t.Fatal(err)
	}
	key := make([]byte, 64)
	if _, err := rand.Read(key); err != nil {
		c.t.Fatal(err)
	}
	c.must(os.Chmod(c.folder, 0o711)) // munged wants its socket to be reachable by all
	for _, name := range []string{"munge", "state", "spool", "log"} {
		c.must(os.Mkdir(filepath.Join(c.folder, name), 0o711))
	}
	c.must(os.WriteFile(filepath.Join(c.folder, "munge", "key"), key, 0o600))
	c.must(os.WriteFile(c.conf, fmt.Appendf(nil, slurmConf, me.Username, freePort(c.t), freePort(c.t), c.folder), 0o644))
	version, err := exec.CommandContext(c.t.Context(), slurmctld, "-V").Output()
	if err != nil {
		c.t.Fatal(err)
	}
	// Since 23.11 slurmd wants cgroups unless it is told that there are none;
	// versions before do not know the word.
	if _, number, _ := strings.Cut(strings.TrimSpace(string(version)), " "); number >= "23.11" {
		c.must(os.WriteFile(filepath.Join(c.folder, "cgroup.conf"), []byte("CgroupPlugin=disabled\n"), 0o644))
	}
}

func (c *cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// freePort is a port that nobody uses now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs a daemon until the test ends.
func (c *cluster) start(path string, args ...string) {
	c.t.Helper()
	log, err := os.Create(filepath.Join(c.folder, "log", filepath.Base(path)))
	c.must(err)
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	c.must(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c.t.Cleanup(func() {
		defer log.Close()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			c.t.Error(err)
		}
		kill := time.AfterFunc(patience, func() {
			c.t.Errorf("%s does not end", filepath.Base(path))
			if err := cmd.Process.Kill(); err != nil {
				c.t.Error(err)
			}
		})
		defer kill.Stop()
		if err := <-ended; err != nil {
			c.t.Logf("%s ended with: %v", filepath.Base(path), err)
		}
	})
}

// try runs a client of Slurm and returns what it says, be it an error.
func (c *cluster) try(name string, args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(c.tools, name), args...)
	cmd.Env = append(os.Environ(), "SLURM_CONF="+c.conf)
	cmd.Dir = c.folder
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s%s: %v", out, name, err)
	}
	return string(out)
}

// submit gives the cluster a job that asks for licenses, waits until it runs,
// and returns its number.
func (c *cluster) submit(licenses string) string {
	c.t.Helper()
	said := c.try("sbatch", "--parsable", "--ntasks=1", "--output=/dev/null", "--licenses="+licenses, "--wrap=exec sleep 600")
	id := strings.TrimSpace(said)
	if id == "" || strings.Trim(id, "0123456789") != "" {
		c.t.Fatalf("sbatch of %s: %s", licenses, said)
	}
	c.wait("job "+id+" runs", func() bool {
		return strings.Contains(c.try("scontrol", "show", "job", id, "--oneliner"), "JobState=RUNNING ")
	})
	return id
}

// cancel ends a job and waits until it has ended.
func (c *cluster) cancel(id string) {
	c.t.Helper()
	if said := c.try("scancel", id); said != "" {
		c.t.Fatalf("scancel %s: %s", id, said)
	}
	c.wait("job "+id+" has ended", func() bool { return !strings.Contains("\n"+c.try("squeue", "--noheader", "--format=%i"), "\n"+id+"\n") })
}

// wait waits until something is so.
func (c *cluster) wait(what string, so func() bool) {
	c.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for !so() {
		select {
		case <-tick.C:
		case <-timeout:
			c.t.Fatalf("it never came to be that %s", what)
		}
	}
}

// logs shows the end of what the daemons have said.
func (c *cluster) logs() {
	paths, err := filepath.Glob(filepath.Join(c.folder, "log", "*"))
	if err != nil {
		c.t.Error(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			c.t.Error(err)
			continue
		}
		lines := bytes.Split(text, []byte("\n"))
		c.t.Logf("the end of %s:\n%s", filepath.Base(path), bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
	}
}
