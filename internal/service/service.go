// Package service makes the agent a service of this machine: the unit that
// systemd runs, with no more rights than reading license servers takes, and
// the acts on it. Other service managers are not known yet.
package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/kardianos/service"
)

// Name is what the service manager calls the agent.
const Name = "headroom-agent"

// UnitPath is where the unit is written.
const UnitPath = "/etc/systemd/system/" + Name + ".service"

// states are the words for what the service manager says.
var states = map[service.Status]string{
	service.StatusRunning: "running",
	service.StatusStopped: "stopped",
}

// Install writes the unit of s and has it started with the machine. A unit
// that we did not write is replaced only with force.
func Install(s Settings, force bool) error {
	text, err := Unit(s)
	if err != nil {
		return err
	}
	// The library's template knows no way to write its own brackets.
	if strings.Contains(text, "{{") {
		return errors.New("a path holds {{, which cannot be written into the unit")
	}
	svc, err := open(service.KeyValue{"SystemdScript": text})
	if err != nil {
		return err
	}
	if err := makeRoom(UnitPath, force); err != nil {
		return err
	}
	return svc.Install()
}

// Uninstall stops the agent and removes its unit. What it has kept stays. A
// unit that we did not write is removed only with force.
func Uninstall(force bool) error {
	svc, err := open(nil)
	if err != nil {
		return err
	}
	switch ours, err := written(UnitPath); {
	case err != nil:
		return err
	case !ours && !force:
		return notOurs(UnitPath)
	}
	if err := svc.Stop(); err != nil {
		return err
	}
	return svc.Uninstall()
}

// Start starts the agent.
func Start() error { return act(service.Service.Start) }

// Stop stops the agent until it is started again, or the machine.
func Stop() error { return act(service.Service.Stop) }

// Restart stops the agent and starts it again.
func Restart() error { return act(service.Service.Restart) }

// Status says in one word whether the agent runs. Everybody may ask.
func Status() (string, error) {
	svc, err := manager(nil)
	if err != nil {
		return "", err
	}
	st, err := svc.Status()
	if errors.Is(err, service.ErrNotInstalled) {
		return "not installed", nil
	}
	if err != nil {
		return "", err
	}
	return states[st], nil
}

func act(do func(service.Service) error) error {
	svc, err := open(nil)
	if err != nil {
		return err
	}
	return do(svc)
}

// open returns the service for who may change it.
func open(options service.KeyValue) (service.Service, error) {
	svc, err := manager(options)
	if err == nil && os.Geteuid() != 0 {
		return nil, errors.New("this takes root: run it again with sudo; service install --print shows what would be written, and needs no rights")
	}
	return svc, err
}

// manager returns the service as systemd has it.
func manager(options service.KeyValue) (service.Service, error) {
	if runtime.GOOS != "linux" || service.Platform() != "linux-systemd" {
		return nil, errors.New("there is no systemd here, and Headroom installs itself under no other service manager yet; let yours start: headroom agent run")
	}
	return service.New(nil, &service.Config{Name: Name, Option: options})
}

// makeRoom removes the unit at path, if there is one, so that a new one can be
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

// written reports whether we wrote the unit at path.
func written(path string) (bool, error) {
	text, err := os.ReadFile(path)
	return strings.HasPrefix(string(text), mark), err
}

func notOurs(path string) error {
	return fmt.Errorf("%s was not written by Headroom: it is left alone without --force", path)
}
