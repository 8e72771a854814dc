//go:build unix

package collect

import (
	"errors"
	"os/exec"
	"syscall"
)

// baseEnv is the environment of every tool: English texts, and nothing of
// ours, such as a license path that would add servers to the answer.
func baseEnv() []string {
	return []string{"LANG=C", "LC_ALL=C", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
}

// runFamily runs a tool in a process group of its own and kills the group
// when it is told to stop, and also at the end: what the tool left behind has
// nothing more to tell. A child that leaves the group escapes.
func runFamily(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	kill := func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return nil // all of them have ended
		}
		return err
	}
	cmd.Cancel = kill
	if err := cmd.Start(); err != nil {
		return err
	}
	err := cmd.Wait()
	if kerr := kill(); err == nil {
		// Some systems refuse the signal where only ended processes are left.
		if !errors.Is(kerr, syscall.EPERM) {
			return kerr
		}
	}
	return err
}
