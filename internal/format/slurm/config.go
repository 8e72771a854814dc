package slurm

import (
	"io"
	"strconv"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// ParseConfig reads what `scontrol show config` says about the controller: its
// hosts, the first one before its backups, port and version. What is not told
// stays empty. The error is the reader's, or says that there is no such code
// page.
func ParseConfig(r io.Reader, o facts.Options) (license.Server, error) {
	s := license.Server{Manager: Manager}
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return s, err
	}
	for lines.Next() {
		key, value, _ := strings.Cut(lines.Text(), "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if value == "" || value == "(null)" {
			continue
		}
		key, _, _ = strings.Cut(key, "[")
		switch key {
		case "SlurmctldHost", "ControlMachine": // the latter until 18.08
			host, _, _ := strings.Cut(value, "(")
			s.Hosts = append(s.Hosts, host)
		case "SlurmctldPort":
			s.Port = port(value)
		case "SLURM_VERSION":
			s.Version = value
		}
	}
	return s, lines.Err()
}

// port reads a port, or the first of a range.
func port(s string) int {
	s, _, _ = strings.Cut(s, "-")
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}
