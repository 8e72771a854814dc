package lmx

import (
	"bytes"
	"regexp"
	"strings"

	"headroom/internal/format/text"
	"headroom/internal/license"
)

// readText reads the output of -licstat.
func (p *parser) readText(b []byte) {
	all, err := text.NewLines(bytes.NewReader(b), "")
	if err != nil {
		return // there is such a code page
	}
	for all.Next() {
		p.number = all.Number()
		t := strings.TrimSpace(all.Text())
		if t == "" || !all.Cut() && p.readLine(t) {
			continue
		}
		p.unread.Add(p.number, t)
		p.note(t)
		if p.open && strings.HasPrefix(t, "Feature") {
			p.server().torn = true
		}
	}
	for i := range p.servers {
		p.servers[i].tear()
	}
}

// tear notes that the output ends, or goes on, before all of a feature is told.
func (s *server) tear() {
	for i := range s.features {
		s.torn = s.torn || s.features[i].state == license.StateUnknown
	}
}

// readLine applies the rules to a line that is not empty, and reports whether
// one of them understood it.
func (p *parser) readLine(t string) bool {
	switch {
	case isRuler(t), strings.HasPrefix(t, "Key type:"), strings.HasPrefix(t, "Shared on "):
		return true
	case strings.HasPrefix(t, "Feature:"):
		return p.readFeature(t)
	case strings.HasPrefix(t, "Server version:"):
		return p.readVersion(t)
	case strings.HasPrefix(t, "Start date:"):
		return p.readDates(t)
	}
	return p.readCounts(t) || p.readUser(t) || p.readTimes(t) || p.readServer(t) || p.readPreamble(t)
}

// isRuler recognises the lines between servers and between features.
func isRuler(t string) bool {
	return len(t) >= 5 && (strings.Trim(t, "-") == "" || strings.Trim(t, "+") == "")
}

// serverLine is "LM-X License Server on 6200@host:", with three addresses in a
// high-availability setup.
var serverLine = regexp.MustCompile(`(?i)\blicense server on (.+?):?$`)

func (p *parser) readServer(t string) bool {
	m := serverLine.FindStringSubmatch(t)
	if m == nil {
		return false
	}
	p.open = false
	p.server().address(m[1])
	return true
}

func (p *parser) readVersion(t string) bool {
	words := strings.Fields(strings.TrimPrefix(t, "Server version:"))
	if len(words) == 0 {
		return false
	}
	p.server().version = bareVersion(words[0])
	return true
}

// bareVersion returns a version without the "v" before it.
func bareVersion(t string) string {
	if len(t) > 1 && (t[0] == 'v' || t[0] == 'V') {
		return t[1:]
	}
	return t
}

// readFeature reads "Feature: NAME Version: 21.0 Vendor: ALTAIR", from the
// right, since a name can have blanks.
func (p *parser) readFeature(t string) bool {
	name, vendor, ok1 := cutLast(strings.TrimPrefix(t, "Feature:"), " Vendor:")
	name, version, ok2 := cutLast(name, " Version:")
	if !ok1 || !ok2 || name == "" {
		return false
	}
	s := p.server()
	s.features = append(s.features, feature{name: name, version: version, vendor: vendor})
	return true
}

// cutLast divides t at the last sep, and takes the blanks off both parts.
func cutLast(t, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(t, sep)
	if i < 0 {
		return "", "", false
	}
	return strings.TrimSpace(t[:i]), strings.TrimSpace(t[i+len(sep):]), true
}

// readDates reads "Start date: 2022-02-17 Expire date: 2023-01-31".
func (p *parser) readDates(t string) bool {
	start, end, ok := cutLast(strings.TrimPrefix(t, "Start date:"), "Expire date:")
	f := p.feature()
	if !ok || f == nil {
		return false
	}
	f.start, f.end = start, end
	return isTime(start, p.zone) && isTime(end, p.zone)
}

// countsLine is "40000 of 1000003 license(s) used:".
var countsLine = regexp.MustCompile(`(?i)^(\S+) of (\S+) licenses?(?:\(s\))? used:?$`)

func (p *parser) readCounts(t string) bool {
	m, f := countsLine.FindStringSubmatch(t), p.feature()
	return m != nil && f != nil && f.counts(m[1], m[2])
}

// userLine is "15000 license(s) used by USER@HOST [10.0.0.1]".
var userLine = regexp.MustCompile(`(?i)^(\d+) licenses?(?:\(s\))? (?:used|borrowed) by (.+?)(?: +\[[^\]]*\])?$`)

func (p *parser) readUser(t string) bool {
	m, f := userLine.FindStringSubmatch(t), p.feature()
	if m == nil || f == nil {
		return false
	}
	n, user, host := number(m[1]), m[2], ""
	if i := strings.LastIndexByte(user, '@'); i >= 0 {
		user, host = user[:i], user[i+1:]
	}
	if !n.Known || user == "" {
		return false
	}
	f.users = append(f.users, license.Holder{User: user, Host: host, Licenses: n.N, Kind: license.HolderActive})
	return true
}

// timeLabel finds the times below a user's line.
var timeLabel = regexp.MustCompile(`(?i)(login|checkout|borrow[a-z ]*) time:`)

// readTimes reads "Login time: 2022-02-18 09:26   Checkout time: 2022-02-18 09:29"
// and "Borrow expire time: 2022-03-01 18:00".
func (p *parser) readTimes(t string) bool {
	labels, u := timeLabel.FindAllStringSubmatchIndex(t, -1), p.feature().user()
	if len(labels) == 0 || labels[0][0] != 0 || u == nil {
		return false
	}
	understood := true
	for i, l := range labels {
		end := len(t)
		if i+1 < len(labels) {
			end = labels[i+1][0]
		}
		value := strings.TrimSpace(t[l[1]:end])
		understood = p.userTime(u, strings.ToLower(t[l[2]:l[3]]), value) && understood
	}
	return understood
}

// userTime sets what one of a user's times says: the checkout is since when
// licenses are held, the login stands in where there is none.
func (p *parser) userTime(u *license.Holder, label, value string) bool {
	at := readTime(value, p.zone)
	switch {
	case strings.HasPrefix(label, "borrow"):
		u.Kind = license.HolderBorrowed
	case at.IsZero():
	case label == "checkout", u.Since.IsZero():
		u.Since = at
	}
	return isTime(value, p.zone)
}

// denialsLine is how often a feature was refused lately. It is no count since
// the start of the server, so it is not kept.
var denialsLine = regexp.MustCompile(`(?i)^\d+ .*\blast 24 hours\b`)

// readPreamble reads what the tool prints about itself, and what it prints in
// the place of all else.
func (p *parser) readPreamble(t string) bool {
	switch {
	case denialsLine.MatchString(t):
		return p.feature() != nil
	case strings.Contains(t, "There are no license server(s) available"):
		p.fail(t)
		return true
	case strings.EqualFold(t, "LM-X license server(s):"):
		p.open = false
		return true
	}
	return len(p.servers) == 0 && isBanner(t)
}

// fail notes why there is nothing.
func (p *parser) fail(t string) {
	if p.open && len(p.server().features) == 0 {
		p.server().failure = t
		return
	}
	p.note(t)
}

// isBanner recognises the name of the tool, its copyright and the command as
// the shell echoed it.
func isBanner(t string) bool {
	return strings.Contains(t, "Utility") || strings.Contains(t, "Copyright") || strings.Contains(t, "-licstat")
}
