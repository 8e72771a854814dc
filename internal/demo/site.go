package demo

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"headroom/internal/agent"
	"headroom/internal/sim"
)

// interval is how often the demo's agents read their servers. Those of Citrix
// are not read more often than their tables are made.
const (
	interval       = 5 * time.Minute
	citrixInterval = 15 * time.Minute
)

// A site is one license server with its agent, in a folder of their own.
type site struct {
	*sim.Server
	agent *agent.Agent
	dir   string
}

// site makes the agent beside a license server.
func (d *demo) site(server *sim.Server) (*site, error) {
	s := &site{Server: server, dir: filepath.Join(d.dir, server.Name)}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.licenseFile(), []byte(server.LicenseFile(d.estate.Now)), 0o600); err != nil {
		return nil, err
	}
	var err error
	if d.Program, err = installTools(d.Program, s.dir, server.Tools()); err != nil {
		return nil, err
	}
	config := agent.Config{
		Hub: d.hub.URL(), State: filepath.Join(s.dir, "state"), UploadEvery: agent.Duration(interval),
		Servers: []agent.ServerConfig{s.config()},
	}
	if err := config.Check(s.dir); err != nil {
		return nil, err
	}
	s.agent, err = agent.Open(config, agent.Options{
		Version: d.Version, Host: server.Name, Now: d.clock.Now, Log: d.log.With("agent", server.Name), HTTP: &http.Client{Timeout: time.Minute},
	})
	return s, err
}

func (s *site) licenseFile() string { return filepath.Join(s.dir, s.Daemon+".lic") }

func (s *site) log() string { return filepath.Join(s.dir, "debug.log") }

// config says how the license server is read: by its tools, as their readers
// are told to call them.
func (s *site) config() agent.ServerConfig {
	c := agent.ServerConfig{Name: s.Name, Reader: s.Manager, Interval: agent.Duration(interval), Zone: s.Zone.String()}
	tool := toolPath(s.dir, s.Tools()[0])
	switch s.Manager {
	case "citrix":
		c.Interval = agent.Duration(citrixInterval)
		c.Citrix = agent.CitrixConfig{PowerShell: toolPath(s.dir, "powershell"), Udadmin: toolPath(s.dir, "udadmin"), LicenseFolder: s.dir}
	case "flexnet":
		c.Tool, c.License, c.LicenseFile = tool, s.address(), s.licenseFile()
		if s.Logged {
			c.Log = s.log()
		}
	case "slurm":
		c.Tool = tool // squeue is beside it
	case "keygen-relay":
		c.Tool, c.Path = tool, filepath.Join(s.dir, "relay.sqlite")
	case "olicense", "generic":
		c.Command = []string{tool}
	case "sentinel", "mathlm":
		c.Tool, c.License = tool, s.Name
	default:
		c.Tool, c.License = tool, s.address()
	}
	return c
}

// address is where the license server listens.
func (s *site) address() string { return fmt.Sprintf("%d@%s", s.Port, s.Name) }

// firstReading waits until the agent, which runs, has read its server, but not
// for ever, and uploads what it read.
func (s *site) firstReading(ctx context.Context, patience time.Duration) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		st, err := s.agent.Status(ctx)
		if err != nil {
			return err
		}
		if !st.Servers[0].Tried.IsZero() {
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	_, err := s.agent.Upload(ctx)
	return err
}
