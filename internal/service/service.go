// Package service makes the agent a service of this machine, with no more
// rights than reading license servers takes: of systemd by a unit, of launchd by
// a property list, of Windows by its service control manager. It does the acts
// on it, and is what runs the agent where the manager wants to be talked to.
package service

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/kardianos/service"
)

// Name is what the service manager calls the agent.
const Name = "headroom-agent"

// Settings are what the service depends on. Paths are absolute.
type Settings struct {
	Program string
	Config  string
	State   string
	User    string   // account to run under; empty: one that is made for it
	Groups  []string // systemd: further groups, for files that only they may read
}

// states are the words for what the service manager says.
var states = map[service.Status]string{
	service.StatusRunning: "running",
	service.StatusStopped: "stopped",
}

// Start starts the agent.
func Start() error { return act(service.Service.Start) }

// Stop stops the agent until it is started again, or the machine.
func Stop() error { return act(service.Service.Stop) }

// Restart stops the agent and starts it again.
func Restart() error { return act(service.Service.Restart) }

// Status says in one word whether the agent runs. Everybody may ask.
func Status() (string, error) {
	svc, err := manager(service.Config{})
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
	svc, err := open(service.Config{})
	if err != nil {
		return err
	}
	return do(svc)
}

// open returns the service for who may change it.
func open(c service.Config) (service.Service, error) {
	svc, err := manager(c)
	if err == nil {
		err = mayChange()
	}
	return svc, err
}

// platforms are the service managers that are known, as the library calls them.
var platforms = map[string]string{"linux": "linux-systemd", "darwin": "darwin-launchd", "windows": "windows-service"}

// manager returns the service as the manager of this machine has it.
func manager(c service.Config) (service.Service, error) {
	if p := platforms[runtime.GOOS]; p == "" || service.Platform() != p {
		return nil, fmt.Errorf("the service manager here is %q, and Headroom installs itself under systemd, launchd and Windows only; let yours start: headroom agent run", service.Platform())
	}
	c.Name = Name
	return service.New(nil, &c)
}
