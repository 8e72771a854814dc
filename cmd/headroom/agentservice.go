package main

import (
	"fmt"
	"os"
	"path/filepath"

	"headroom/internal/report"
	"headroom/internal/service"
)

type agentServiceCmd struct {
	Install   serviceInstallCmd   `cmd:"" help:"Have the machine run the agent, with few rights, from its start on."`
	Start     serviceStartCmd     `cmd:"" help:"Start it now."`
	Stop      serviceStopCmd      `cmd:"" help:"Stop it."`
	Restart   serviceRestartCmd   `cmd:"" help:"Stop and start it, so that it reads its configuration again."`
	Status    serviceStatusCmd    `cmd:"" help:"Say whether it runs."`
	Uninstall serviceUninstallCmd `cmd:"" help:"Stop it and remove the service. Configuration and state folder stay."`
}

type serviceInstallCmd struct {
	agentFlags
	User   string   `placeholder:"NAME" help:"Account to run under. Without it one is made for the agent; on macOS it is _headroom."`
	Groups []string `placeholder:"NAME" help:"systemd: groups that may read the license servers' logs and files."`
	Print  bool     `help:"Show what would be written, and write nothing."`
	Force  bool     `help:"Replace a definition that Headroom did not write."`
}

// Run installs the service, or shows its unit.
func (c *serviceInstallCmd) Run(std streams) error {
	config, _, err := c.load(std)
	if err != nil {
		return err
	}
	s := service.Settings{State: config.State, User: c.User, Groups: c.Groups}
	if s.Config, err = filepath.Abs(c.Config); err != nil {
		return err
	}
	if s.Program, err = os.Executable(); err != nil {
		return err
	}
	if c.Print {
		text, err := service.Text(s)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(std.out, text)
		return err
	}
	if err := service.Install(s, c.Force); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "Installed: %s. The agent starts with the machine, and now by: headroom agent service start\n", service.Where())
	fmt.Fprintf(std.out, "Its account must be able to read %s.\n", report.Plain(s.Config))
	return nil
}

type serviceStartCmd struct{}

// Run starts the service.
func (serviceStartCmd) Run() error { return service.Start() }

type serviceStopCmd struct{}

// Run stops the service.
func (serviceStopCmd) Run() error { return service.Stop() }

type serviceRestartCmd struct{}

// Run restarts the service.
func (serviceRestartCmd) Run() error { return service.Restart() }

type serviceStatusCmd struct{}

// Run says how the service stands.
func (serviceStatusCmd) Run(std streams) error {
	state, err := service.Status()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, state)
	return err
}

type serviceUninstallCmd struct {
	Force bool `help:"Remove a definition that Headroom did not write."`
}

// Run removes the service.
func (c serviceUninstallCmd) Run(std streams) error {
	if err := service.Uninstall(c.Force); err != nil {
		return err
	}
	_, err := fmt.Fprintln(std.out, "Removed. The configuration and the state folder are still there.")
	return err
}
