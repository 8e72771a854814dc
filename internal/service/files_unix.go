//go:build !windows

package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"github.com/kardianos/service"
)

// A definition is the file that tells a service manager of the agent.
type definition struct {
	path   string
	option string // under which the library takes its text
	text   func(Settings) (string, error)
	before func(Settings) error // what must be there first
}

// definitions are by system.
var definitions = map[string]definition{
	"linux":  {UnitPath, "SystemdScript", Unit, func(Settings) error { return nil }},
	"darwin": {PlistPath, "LaunchdConfig", Plist, makeMacFolder},
}

// here is the definition of this system. Where there is none, the manager is
// not known either, and says so.
func here() definition { return definitions[runtime.GOOS] }

// Text returns what Install would write.
func Text(s Settings) (string, error) {
	if _, err := manager(service.Config{}); err != nil && here().text == nil {
		return "", err
	}
	return here().text(s)
}

// Where says where the service stands.
func Where() string { return here().path }

// Install writes the definition and has the agent started with the machine. One
// that we did not write is replaced only with force.
func Install(s Settings, force bool) error {
	text, err := Text(s)
	if err != nil {
		return err
	}
	// The library's template knows no way to write its own brackets.
	if strings.Contains(text, "{{") {
		return errors.New("a path holds {{, which cannot be written there")
	}
	svc, err := open(service.Config{Option: service.KeyValue{here().option: text}})
	if err != nil {
		return err
	}
	if err := here().before(s); err != nil {
		return err
	}
	if err := makeRoom(here().path, force); err != nil {
		return err
	}
	return svc.Install()
}

// Uninstall stops the agent and removes its definition. What it has kept stays.
// A definition that we did not write is removed only with force.
func Uninstall(force bool) error {
	svc, err := open(service.Config{})
	if err != nil {
		return err
	}
	switch ours, err := written(here().path); {
	case err != nil:
		return err
	case !ours && !force:
		return notOurs(here().path)
	}
	if err := svc.Stop(); err != nil {
		return err
	}
	return svc.Uninstall()
}

// mayChange refuses who may not change services.
func mayChange() error {
	if os.Geteuid() != 0 {
		return errors.New("this takes root: run it again with sudo; service install --print shows what would be written, and needs no rights")
	}
	return nil
}

// makeRoom removes the file at path, if there is one, so that a new one can be
// written.
func makeRoom(path string, force bool) error {
	switch ours, err := written(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !ours && !force:
		return notOurs(path)
	}
	return os.Remove(path)
}

// written reports whether we wrote the file at path.
func written(path string) (bool, error) {
	text, err := os.ReadFile(path)
	return strings.Contains(string(text), mark), err
}

func notOurs(path string) error {
	return fmt.Errorf("%s was not written by Headroom: it is left alone without --force", path)
}

// Run runs the agent: systemd and launchd stop it by a signal, as a person does.
func Run(ctx context.Context, run func(context.Context) error) error { return run(ctx) }

// Log returns nothing: systemd and launchd keep what a service prints.
func Log(slog.Level) slog.Handler { return nil }
