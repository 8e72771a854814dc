package agent

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"headroom/internal/agent/collect"
	"headroom/internal/agent/route"
	"headroom/internal/license"
)

// A Config is the agent's TOML file.
type Config struct {
	Hub         string         `toml:"hub"`          // address of the hub, such as https://hub.example.com
	State       string         `toml:"state"`        // folder for key, spool and what must not be forgotten
	UploadEvery Duration       `toml:"upload_every"` // default 24h
	Proxy       route.Proxy    `toml:"proxy"`
	TLS         route.TLS      `toml:"tls"`
	Console     ConsoleConfig  `toml:"console"`
	Servers     []ServerConfig `toml:"server"`
}

// A ConsoleConfig says where the agent's own console is.
type ConsoleConfig struct {
	Listen string `toml:"listen"` // address and port of loopback, or none; default 127.0.0.1:27400
}

// NoConsole is what Listen is where there is no console.
const NoConsole = "none"

const defaultConsole = "127.0.0.1:27400"

// check fills in the default, and lets nothing but this machine in.
func (c *ConsoleConfig) check() error {
	switch c.Listen {
	case NoConsole:
		return nil
	case "":
		c.Listen = defaultConsole
	}
	at, err := netip.ParseAddrPort(c.Listen)
	if err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("console.listen is %q: write an address and a port of this machine alone, such as %s, or %s", c.Listen, defaultConsole, NoConsole)
	}
	return nil
}

// A ServerConfig says how one license server is read.
type ServerConfig struct {
	Name        string   `toml:"name"`   // what people call it; its identity in the state folder hangs on it
	Reader      string   `toml:"reader"` // what reads it: see readers
	Interval    Duration `toml:"interval"`
	AllowFast   bool     `toml:"allow_fast"`   // citrix: an interval below its default
	Tool        string   `toml:"tool"`         // absolute path of the manager's status tool; keygen-relay: relay, to be asked instead of its database
	License     string   `toml:"license"`      // which license server: port@host, or what the tool takes
	LicenseFile string   `toml:"license_file"` // flexnet, file: tells how much of a count is overdraft
	Path        string   `toml:"path"`         // readers of logs: the log, or a pattern of all its files; file: the capture; slurm: slurm.conf, if scontrol does not find it; keygen-relay: its database; others: a file with what the tool prints, instead of tool
	Log         string   `toml:"log"`          // flexnet, file, rlm, sentinel: the server's log, or a pattern of its files, read beside the status
	Command     []string `toml:"command"`      // a program by its absolute path and its arguments, instead of tool and license
	Replay      bool     `toml:"replay"`       // file: its status date is the instant of the reading
	Host        string   `toml:"host"`         // which server is meant, where the text tells of several
	Zone        string   `toml:"zone"`         // of times in the text; default: this machine's
	CodePage    string   `toml:"code_page"`    // of text that is not UTF-8; default windows-1252
	Timeout     Duration `toml:"timeout"`      // of one run of a tool, one look into a database; default 1m
	Names       string   `toml:"names"`        // of users and devices, as they leave this site: clear (default), pseudonyms or none
	NamesKey    string   `toml:"names_key"`    // file with the key that makes the pseudonyms

	Citrix CitrixConfig `toml:"citrix"`
}

// A Duration is written like 15m or 24h.
type Duration time.Duration

// UnmarshalText reads a duration with its unit.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration; write 15m or 24h", text)
	}
	*d = Duration(v)
	return nil
}

// Defaults and bounds of a Config.
const (
	defaultUploadEvery = 24 * time.Hour
	minUploadEvery     = 5 * time.Minute
	maxUploadEvery     = 24 * time.Hour
	defaultInterval    = 5 * time.Minute
	minInterval        = 10 * time.Second
	maxInterval        = 12 * time.Hour
	minTimeout         = time.Second
)

// LoadConfig reads and checks a file. What is wrong is said with its line or
// its key. Relative paths are those of the file's folder.
func LoadConfig(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	var c Config
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
			return Config{}, fmt.Errorf("%s: these keys are not known:\n%s", path, strict.String())
		}
		if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
			return Config{}, fmt.Errorf("%s:\n%s", path, wrong.String())
		}
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	base, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Config{}, err
	}
	if err := c.Check(base); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Check fills in defaults and says what is wrong. Relative paths are those of
// the folder base.
func (c *Config) Check(base string) error {
	if err := checkHub(c.Hub); err != nil {
		return err
	}
	c.Hub = strings.TrimRight(c.Hub, "/")
	if c.State == "" {
		return errors.New(`state is missing: name a folder that only the agent's account can read, such as "/var/lib/headroom"`)
	}
	c.State = within(base, c.State)
	if c.UploadEvery == 0 {
		c.UploadEvery = Duration(defaultUploadEvery)
	}
	if d := time.Duration(c.UploadEvery); d < minUploadEvery || d > maxUploadEvery {
		return fmt.Errorf("upload_every is %s: it must be from %s to %s", d, minUploadEvery, maxUploadEvery)
	}
	c.Proxy.PasswordFile, c.TLS.CAFile = within(base, c.Proxy.PasswordFile), within(base, c.TLS.CAFile)
	if err := c.way().Check(); err != nil {
		return err
	}
	if err := c.Console.check(); err != nil {
		return err
	}
	if len(c.Servers) == 0 {
		return errors.New("no license server to read: add a [[server]]")
	}
	names := map[string]bool{}
	for i := range c.Servers {
		s := &c.Servers[i]
		if err := s.check(base); err != nil {
			return fmt.Errorf("server %d (%s): %w", i+1, s.Name, err)
		}
		if names[license.FoldName(s.Name)] {
			return fmt.Errorf("server %d: the name %s stands twice", i+1, s.Name)
		}
		names[license.FoldName(s.Name)] = true
	}
	return nil
}

// way is how the hub is reached.
func (c *Config) way() route.Settings { return route.Settings{Proxy: c.Proxy, TLS: c.TLS} }

func checkHub(hub string) error {
	u, err := url.Parse(hub)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("hub is %q: write the address of the hub, such as https://hub.example.com", hub)
	}
	if host := u.Hostname(); u.Scheme == "http" && host != "localhost" && host != "127.0.0.1" && host != "::1" {
		return fmt.Errorf("hub is %q: plain http is for this machine only; use https", hub)
	}
	if u.User != nil {
		return errors.New("hub names a user: leave that out, the agent signs with its key")
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("hub is %q: leave out what follows the host; a hub has an address of its own", hub)
	}
	return nil
}

func (s *ServerConfig) check(base string) error {
	if s.Name == "" {
		return errors.New("name is missing: it keeps the server's history together")
	}
	if s.Interval == 0 {
		s.Interval = Duration(intervalOf(s.Reader))
	}
	if d := time.Duration(s.Interval); d < minInterval || d > maxInterval {
		return fmt.Errorf("interval is %s: it must be from %s to %s", d, minInterval, maxInterval)
	} else if d%time.Second != 0 {
		return fmt.Errorf("interval is %s: it must be whole seconds", d)
	}
	if d := time.Duration(s.Timeout); d != 0 && d < minTimeout {
		return fmt.Errorf("timeout is %s: it must be at least %s", d, minTimeout)
	}
	if _, err := s.zone(); err != nil {
		return err
	}
	if err := s.checkNames(base); err != nil {
		return err
	}
	s.LicenseFile, s.Path, s.Log = within(base, s.LicenseFile), within(base, s.Path), within(base, s.Log)
	if s.Log != "" && statusLogs[s.Reader] == "" {
		return fmt.Errorf("log is %q: the reader %s reads no log beside a status", s.Log, s.Reader)
	}
	switch s.Reader {
	case "flexnet":
		if !filepath.IsAbs(s.Tool) {
			return fmt.Errorf("tool is %q: name lmutil with its whole path, such as /opt/flexnet/lmutil", s.Tool)
		}
		if s.License == "" {
			return errors.New("license is missing: write port@host, such as 27000@localhost")
		}
	case "file":
		if s.Path == "" {
			return errors.New("path is missing: name the file to read")
		}
	case "slurm":
		if !filepath.IsAbs(s.Tool) {
			return fmt.Errorf("tool is %q: name scontrol with its whole path, such as /usr/bin/scontrol", s.Tool)
		}
	case "keygen-relay":
		if s.Path == "" {
			return errors.New("path is missing: name the database of Keygen Relay, such as /var/lib/relay/relay.sqlite")
		}
		if s.Tool != "" && !filepath.IsAbs(s.Tool) {
			return fmt.Errorf("tool is %q: name relay with its whole path, such as /usr/local/bin/relay", s.Tool)
		}
	case "generic":
		return s.checkGeneric()
	case "citrix":
		return s.checkCitrix(base)
	default:
		if collect.LogReaders[s.Reader] != nil {
			if s.Path == "" {
				return errors.New("path is missing: name the log, or a pattern of all its files")
			}
			return nil
		}
		if m, ok := collect.ManagerOf(s.Reader); ok {
			return s.checkManager(m)
		}
		return fmt.Errorf("reader is %q: it must be one of %s", s.Reader, strings.Join(readers(), ", "))
	}
	return nil
}

// readers lists the names of all readers.
func readers() []string {
	all := []string{"flexnet", "file", "slurm", "keygen-relay", "generic", "citrix"}
	for name := range collect.LogReaders {
		all = append(all, name)
	}
	for _, m := range collect.Managers {
		all = append(all, m.Name)
	}
	slices.Sort(all)
	return all
}

// checkManager checks the settings of a manager's status tool: a tool and a
// license server, a whole command, or a file with the output.
func (s *ServerConfig) checkManager(m collect.Manager) error {
	set := 0
	for _, is := range []bool{s.Tool != "", len(s.Command) > 0, s.Path != ""} {
		if is {
			set++
		}
	}
	switch {
	case set == 0:
		return fmt.Errorf("tool is missing: name it with its whole path, such as %s", m.Tool)
	case set > 1:
		return errors.New("tool, command and path are three ways to the same output: leave one")
	case s.Path != "":
		return nil
	}
	_, err := s.command(m)
	return err
}

// command returns how the status tool is called.
func (s *ServerConfig) command(m collect.Manager) (c collect.Command, err error) {
	switch {
	case len(s.Command) > 0 && !filepath.IsAbs(s.Command[0]):
		return c, fmt.Errorf("command begins with %q: name the program with its whole path", s.Command[0])
	case len(s.Command) > 0:
		c = collect.Command{Path: s.Command[0], Args: s.Command[1:]}
	default:
		c, err = m.Command(s.Tool, s.License)
	}
	c.Timeout = time.Duration(s.Timeout)
	return c, err
}

func (s *ServerConfig) checkGeneric() error {
	switch {
	case len(s.Command) == 0 && s.Path == "":
		return errors.New("command or path is missing: name a program that prints our JSON, or a file that holds it")
	case len(s.Command) > 0 && s.Path != "":
		return errors.New("there are a command and a path: leave one of them out")
	case len(s.Command) > 0 && !filepath.IsAbs(s.Command[0]):
		return fmt.Errorf("command begins with %q: name the program with its whole path", s.Command[0])
	}
	return nil
}

// intervalOf is the default interval of a reader.
func intervalOf(reader string) time.Duration {
	if reader == "citrix" {
		return citrixInterval
	}
	return defaultInterval
}

// zone returns the configured zone; nil is the machine's.
func (s *ServerConfig) zone() (*time.Location, error) {
	if s.Zone == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return nil, fmt.Errorf("zone is %q: there is no such time zone; use a name such as Europe/Berlin", s.Zone)
	}
	return zone, nil
}

func within(base, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}
