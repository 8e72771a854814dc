package dsls

import (
	"regexp"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
)

// sessionLabels are the labels of the lines about a server that we use.
var sessionLabels = regexp.MustCompile(`(?:^|\s)(Server name|Server id|Licensing port|Administration port|Software version|Ready)\s*:`)

// readSession reads what the tool says about itself and about the server that
// it is connected to.
func (p *statusParser) readSession(t string) bool {
	switch {
	case strings.HasPrefix(t, "License Administration Tool"):
		p.openSection()
	case strings.HasPrefix(t, "Software version:"):
		if s := p.section(); s.server.Version != "" || s.listed {
			p.openSection()
		}
		p.sec.server.Version = labelled(t, sessionLabels)["Software version"]
	case strings.HasPrefix(t, "Server name:"):
		p.section().addServer(labelled(t, sessionLabels))
	case strings.HasPrefix(t, "Ready:"):
		p.section().ready = strings.HasPrefix(labelled(t, sessionLabels)["Ready"], "yes")
	case strings.HasPrefix(t, "Licensing port:"):
		port, ok := text.ParseCount(labelled(t, sessionLabels)["Licensing port"])
		if ok && port <= 65535 {
			p.section().server.Port = int(port)
		}
	case strings.HasPrefix(t, "Server configuration"):
		p.section()
		p.config = true
	case isFailure(t):
		return p.section().fail(t)
	default:
		return isNoise(t)
	}
	return true
}

// isNoise recognises lines about the session that we have no use for.
func isNoise(t string) bool {
	for _, prefix := range []string{"Build date:", "Standalone mode", "Failover", "Warning:"} {
		if strings.HasPrefix(t, prefix) {
			return true
		}
	}
	return false
}

// commands are those that the tool echoes behind its prompt.
var commands = map[string]bool{
	"connect": true, "c": true, "disconnect": true, "getlicenseusage": true, "glu": true, "getlicenseinfo": true, "gli": true,
	"getserverconfig": true, "getserverinfo": true, "help": true, "quit": true, "q": true, "exit": true,
}

func isCommand(t string) bool {
	word, _, _ := strings.Cut(strings.TrimRight(t, ";"), " ")
	return commands[strings.ToLower(word)]
}

// isFailure recognises the tool's complaints.
func isFailure(t string) bool {
	return strings.HasPrefix(t, "Cannot ") || strings.HasPrefix(strings.ToLower(t), "error")
}

// notReached is the complaint that names the server.
var notReached = regexp.MustCompile(`^Cannot connect to server (\S+) on port (\d+)`)

// fail keeps why a server told nothing. What comes after a list was begun is
// not kept but left unread: the list may be cut.
func (s *section) fail(t string) bool {
	if s.listed {
		return false
	}
	if s.failure == "" {
		s.failure = facts.Shorten(t, facts.MaxText)
	}
	if m := notReached.FindStringSubmatch(t); m != nil && len(s.hosts) == 0 {
		s.hosts = []string{m[1]}
		if port, ok := text.ParseCount(m[2]); ok && port <= 65535 {
			s.server.Port = int(port)
		}
	}
	return true
}

// addServer keeps one machine. A failover cluster has three of them.
func (s *section) addServer(l map[string]string) {
	host, _, _ := strings.Cut(l["Server name"], " ")
	if host == "" || len(s.hosts) >= maxServers {
		return
	}
	s.hosts = append(s.hosts, host)
	s.server.HostID, _, _ = strings.Cut(l["Server id"], " ")
	if len(s.hosts) > 1 {
		s.server.HostID = "" // there is one for each
	}
}

// maxServers is more than any cluster has.
const maxServers = 10

// labelled divides "LABEL: VALUE LABEL: VALUE" at the labels that the pattern
// finds. The first of two equal labels counts.
func labelled(t string, labels *regexp.Regexp) map[string]string {
	found := labels.FindAllStringSubmatchIndex(t, -1)
	values := make(map[string]string, len(found))
	for i, f := range found {
		end := len(t)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		label := strings.TrimRight(t[f[2]:f[3]], ": \t")
		if _, again := values[label]; !again {
			values[label] = strings.TrimSpace(t[f[1]:end])
		}
	}
	return values
}
