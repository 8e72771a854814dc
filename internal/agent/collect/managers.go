package collect

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/format/dsls"
	"headroom/internal/format/facts"
	"headroom/internal/format/lmx"
	"headroom/internal/format/lsdyna"
	"headroom/internal/format/mathlm"
	"headroom/internal/format/olicense"
	"headroom/internal/format/rlm"
	"headroom/internal/format/sentinel"
)

// A Manager is a license manager that is read by one run of its status tool.
type Manager struct {
	Name    string // as readers and license servers are named
	Tool    string // an example of where its tool is
	License string // an example of how the tool is told which server is meant; empty: the tool knows
	GMT     bool   // its times are GMT, whatever the zone of the machine is

	parse func(io.Reader, facts.Options) (facts.Output, error)
	// call returns how the tool is called; nil where nobody told us.
	call func(tool, license string) (args, env []string, err error)
}

// Managers lists those that are read like this.
var Managers = []Manager{
	{Name: "rlm", Tool: "/opt/rlm/rlmutil", License: "5053@localhost", parse: rlm.ParseStatus, call: callRLM},
	{Name: "lmx", Tool: "/opt/lmx/lmxendutil", License: "6200@localhost", parse: lmx.ParseStatus, call: callLMX},
	{Name: "dsls", Tool: "/opt/ds/DSLicSrv", License: "4084@localhost", parse: dsls.ParseStatus, call: callDSLS},
	{Name: "sentinel", Tool: "/opt/sentinel/lsmon", License: "localhost", parse: sentinel.ParseStatus, call: callSentinel},
	{Name: "mathlm", Tool: "/opt/mathlm/monitorlm", License: "localhost", GMT: true, parse: mathlm.ParseStatus, call: callMathLM},
	{Name: "lsdyna", Tool: "/opt/lstc/lstc_qrun", License: "31010@localhost", parse: lsdyna.ParseStatus, call: callLSDyna},
	{Name: "olicense", Tool: "/opt/olicense/olixtool", parse: olicense.ParseStatus},
}

// ManagerOf returns the manager of that name.
func ManagerOf(name string) (Manager, bool) {
	i := slices.IndexFunc(Managers, func(m Manager) bool { return m.Name == name })
	if i < 0 {
		return Manager{}, false
	}
	return Managers[i], true
}

// Command returns how the manager's tool is called for a license server. The
// error says what is wrong with the setting.
func (m Manager) Command(tool, license string) (Command, error) {
	if m.call == nil {
		return Command{}, fmt.Errorf("how the tool of %s is called depends on the site: write command = [%q, ...] instead of tool", m.Name, m.Tool)
	}
	if !filepath.IsAbs(tool) {
		return Command{}, fmt.Errorf("tool is %q: name it with its whole path, such as %s", tool, m.Tool)
	}
	args, env, err := m.call(tool, license)
	if err != nil {
		return Command{}, fmt.Errorf("license is %q: %w, such as %s", license, err, m.License)
	}
	return Command{Path: tool, Args: args, Env: env}, nil
}

// toolName is what a tool is called on every system.
func toolName(path string) string {
	return strings.TrimSuffix(strings.ToLower(filepath.Base(path)), ".exe")
}

func callRLM(tool, license string) (args, _ []string, err error) {
	if license == "" || strings.HasPrefix(license, "-") {
		return nil, nil, errors.New("write port@host or a license file")
	}
	args = []string{"rlmstat", "-a", "-c", license}
	if toolName(tool) == "rlmstat" {
		args = args[1:]
	}
	return args, nil, nil
}

func callLMX(_, license string) (args, _ []string, err error) {
	port, host, err := address(license)
	return []string{"-licstatxml", "-host", host, "-port", port}, nil, err
}

// callDSLS opens a restricted session, which reads and changes nothing. The text
// of the session is ours but for the address.
func callDSLS(_, license string) (args, _ []string, err error) {
	port, host, err := address(license)
	if err != nil {
		return nil, nil, err
	}
	return []string{"-admin", "-run", "connect " + host + " " + port + " -restricted; getLicenseUsage -csv"}, nil, nil
}

func callSentinel(_, license string) (args, _ []string, err error) {
	if !isHost(license) {
		return nil, nil, errNoHost
	}
	return []string{license}, nil, nil
}

func callMathLM(_, license string) (args, _ []string, err error) {
	if !isHost(license) {
		return nil, nil, errNoHost
	}
	return []string{license, "-format", "text"}, nil, nil
}

var errNoHost = errors.New("write the name of a host")

func callLSDyna(_, license string) (args, env []string, err error) {
	if license == "" {
		return []string{"-r"}, nil, nil
	}
	if _, _, err := address(license); err != nil {
		return nil, nil, err
	}
	return []string{"-r"}, []string{"LSTC_LICENSE_SERVER=" + license}, nil
}

// address divides port@host.
func address(license string) (port, host string, err error) {
	port, host, ok := strings.Cut(license, "@")
	n, wrong := strconv.ParseUint(port, 10, 16)
	if !ok || wrong != nil || n == 0 || !isHost(host) {
		return "", "", errors.New("write port@host")
	}
	return port, host, nil
}

// isHost says whether a text can be the name or the address of a host, and is
// nothing else to any tool.
func isHost(s string) bool {
	return s != "" && s[0] != '-' && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_:[]", r)
	})
}
