package service

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// UnitPath is where the unit is written.
const UnitPath = "/etc/systemd/system/" + Name + ".service"

// mark stands in what we wrote.
const mark = "Written by headroom agent service install"

// stateRoot is where systemd keeps folders of services.
const stateRoot = "/var/lib/"

// accountName is the account that systemd makes, unless one of that name
// exists: then it is used.
const accountName = "headroom"

// unit is the text around what Settings say. What is not here is not by
// accident: status tools of license managers are programs of 32 bits, and some
// are Java, so neither their architecture nor writable code is forbidden.
// License files and logs may lie in a home folder, which can be read.
const unit = "# " + mark + `, which writes it again.
# Changes belong in: systemctl edit ` + Name + `
[Unit]
Description=Headroom agent: reads license servers and uploads their usage
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=%s agent run --config %s
Restart=on-failure
RestartSec=30
TimeoutStopSec=60

%s
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
`

// Unit returns the text of the systemd unit.
func Unit(s Settings) (string, error) {
	if err := plain(s); err != nil {
		return "", err
	}
	account, err := s.account()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(unit, argument(s.Program), argument(s.Config), account), nil
}

// plain refuses what would begin a line of its own.
func plain(s Settings) error {
	for _, text := range append([]string{s.Program, s.Config, s.State, s.User}, s.Groups...) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%q holds a control character, which cannot be written there", text)
		}
	}
	return nil
}

// account returns the lines that say under whom the agent runs, and where it
// may write.
func (s Settings) account() (string, error) {
	var lines []string
	folder, below := strings.CutPrefix(path.Clean(s.State), stateRoot)
	switch {
	case below && strings.ContainsAny(folder, ` "'\:`):
		return "", fmt.Errorf("state is %q: name a folder without spaces, quotes and colons", s.State)
	case s.User == "" && !below:
		return "", fmt.Errorf("state is %q: the account that systemd makes can only write below %s; move it there, or name an account that owns it with --user",
			s.State, stateRoot)
	case s.User == "":
		lines = append(lines, "User="+accountName, "DynamicUser=yes")
	case s.User == "root" || s.User == "0":
		return "", errors.New("the agent needs no root: name another account, or leave --user out")
	default:
		lines = append(lines, "User="+word(s.User))
	}
	if below {
		lines = append(lines, "StateDirectory="+word(folder), "StateDirectoryMode=0700")
	} else {
		lines = append(lines, "ReadWritePaths="+quoted(s.State))
	}
	for _, g := range s.Groups {
		lines = append(lines, "SupplementaryGroups="+word(g))
	}
	return strings.Join(lines, "\n"), nil
}

// argument writes one argument of a command, which systemd would also fill
// with variables.
func argument(s string) string { return strings.ReplaceAll(quoted(s), "$", "$$") }

// quoted writes a text with spaces as one.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(s) + `"`
}

// word writes a text that stands alone.
func word(s string) string { return strings.ReplaceAll(s, "%", "%%") }
