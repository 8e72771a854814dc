package service

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// PlistPath is where the property list is written.
const PlistPath = "/Library/LaunchDaemons/" + Name + ".plist"

// macAccount is the account that the agent runs under on macOS, where nothing
// makes one for a service: docs/service.md says how.
const macAccount = "_headroom"

// plist is the text around what Settings say. launchd starts the agent with the
// machine, and again where it ended by itself.
const plist = `<?xml version="1.0" encoding="UTF-8"?>
<!-- ` + mark + `, which writes it again. -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>` + Name + `</string>
	<key>ProgramArguments</key>
	<array>
		<string>%s</string>
		<string>agent</string>
		<string>run</string>
		<string>--config</string>
		<string>%s</string>
	</array>
	<key>UserName</key>
	<string>%s</string>
	<key>WorkingDirectory</key>
	<string>%s</string>
	<key>Umask</key>
	<integer>63</integer>
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<dict>
		<key>SuccessfulExit</key>
		<false/>
	</dict>
	<key>ThrottleInterval</key>
	<integer>30</integer>
	<key>ExitTimeOut</key>
	<integer>60</integer>
	<key>ProcessType</key>
	<string>Background</string>
	<key>StandardErrorPath</key>
	<string>%s</string>
</dict>
</plist>
`

var xmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Plist returns the text of the property list for launchd. Its log lies in the
// state folder, where the account may write.
func Plist(s Settings) (string, error) {
	if err := plain(s); err != nil {
		return "", err
	}
	if s.User == "root" {
		return "", errors.New("the agent needs no root: name another account, or leave --user out")
	}
	if len(s.Groups) > 0 {
		return "", errors.New("launchd knows no further groups: put the account into them")
	}
	x := xmlText.Replace
	return fmt.Sprintf(plist, x(s.Program), x(s.Config), x(s.macUser()), x(s.State), x(path.Join(s.State, "agent.log"))), nil
}

func (s Settings) macUser() string {
	if s.User == "" {
		return macAccount
	}
	return s.User
}
