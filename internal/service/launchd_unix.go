//go:build !windows

package service

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// makeMacFolder makes the state folder for the agent's account alone.
func makeMacFolder(s Settings) error {
	account, err := user.Lookup(s.macUser())
	if err != nil {
		return fmt.Errorf("%w: docs/service.md says how it is made; or name another with --user", err)
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.State, 0o700); err != nil {
		return err
	}
	return os.Chown(s.State, uid, gid)
}
