package rlm

import (
	"regexp"
	"strconv"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A failure is an error that rlmutil prints instead of a status, on up to
// three lines with blank ones between them:
//
//	Error connecting to "rlm" server
//	Connection attempted to host: "lic01" on port 5053
//	Connection refused
type failure struct {
	text    string
	server  license.Server
	awaited int // lines that may follow
}

var failedHost = regexp.MustCompile(`^Connection attempted to host: "([^"]*)" on port (\d+)`)

// failure reads the lines of an error.
func (p *statusParser) failure(t string) bool {
	if strings.HasPrefix(t, "Error ") || strings.HasPrefix(t, "ERROR") {
		p.fail(t)
		return true
	}
	f := p.failing
	switch {
	case f == nil:
		return false
	case f.awaited == 2:
		m := failedHost.FindStringSubmatch(t)
		if m == nil {
			p.failing = nil
			return false
		}
		f.server.Port, _ = strconv.Atoi(m[2]) // 0 if it is none
		if m[1] != "" {
			f.server.Hosts = []string{m[1]}
		}
		f.awaited--
		f.add(t)
		return true
	}
	p.failing = nil
	if _, ok := readHeading(t); ok || isRule(t) || isPreamble(t) {
		return false
	}
	if t != "No error" { // what Windows has to say of a connection that timed out
		f.add(t)
	}
	return true
}

// fail begins an error. One that names a vendor's server costs only the part
// of it.
func (p *statusParser) fail(t string) {
	f := &failure{server: license.Server{Manager: manager}, awaited: 2}
	if p.srv != nil && !strings.Contains(t, `"rlm"`) {
		p.srv.failures = append(p.srv.failures, f)
	} else {
		p.closeServer()
		p.failures = append(p.failures, f)
	}
	f.add(t)
	p.failing = f
}

func (f *failure) add(t string) {
	f.text = strings.TrimSpace(facts.Shorten(f.text+" "+t, facts.MaxText))
}

// textOf returns the texts of failures, each once.
func textOf(failures []*failure) string {
	all := ""
	for _, f := range failures {
		switch {
		case all == "":
			all = f.text
		case len(all) > facts.MaxText:
			return all
		case !strings.Contains(all, f.text):
			all = facts.Shorten(all+"; "+f.text, facts.MaxText)
		}
	}
	return all
}
