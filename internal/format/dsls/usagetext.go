package dsls

import (
	"regexp"
	"strings"
)

var (
	// featureLabels are those of a feature's line, and any other word of that
	// kind. "pricing structure" can lack its colon.
	featureLabels = regexp.MustCompile(`(?:^|\s)([a-z]+(?:[A-Z][a-z]+)*\s*:|pricing structure\s*:?)`)
	// userLabels are those of the lines of users and their processes.
	userLabels = regexp.MustCompile(`(?:^|[\s\[])(internal Id|granted since|granted at|last used at|by user|on host|queue position|tokens)\s*:`)
	// editorLine is the name of an editor and its id.
	editorLine = regexp.MustCompile(`^([^:]*[^:\s])\s+\([0-9A-Fa-f][0-9A-Fa-f-]{7,}\)$`)
)

// readText reads the list that getLicenseUsage -all prints: editors, their
// features, the users of each and their processes.
func (p *statusParser) readText(t string) bool {
	switch {
	case strings.Contains(t, "maxReleaseNumber"):
		return p.readFeature(t)
	case strings.Contains(t, "internal Id"):
		return p.readUser(t)
	case strings.Contains(t, "granted since"):
		return p.readProcess(t)
	}
	m := editorLine.FindStringSubmatch(t)
	if m == nil {
		return false
	}
	p.section().editor = m[1]
	p.open = nil
	return true
}

// readFeature reads "FEATURE maxReleaseNumber: N ... count: N inuse: N ...".
func (p *statusParser) readFeature(t string) bool {
	p.open = nil
	name, _, _ := strings.Cut(t, "maxReleaseNumber")
	l := labelled(t, featureLabels)
	s := p.section()
	g := &grant{
		key:     key{s.editor, strings.TrimSpace(name), l["type"], l["maxReleaseDate"], l["customerId"], l["expirationDate"]},
		release: l["maxReleaseNumber"],
	}
	if g.feature == "" {
		return false
	}
	understood := g.readTotals(l["count"], l["inuse"])
	if p.csv != nil {
		return understood // the same list once more
	}
	s.listed = true
	p.repeat = s.index[g.key] != nil
	p.open = p.addGrant(g)
	return understood
}

// readUser reads "internal Id: U granted since: D last used at: D by user: U
// on host: H (ID)/IP".
func (p *statusParser) readUser(t string) bool {
	if p.open == nil {
		return p.csv != nil
	}
	if p.repeat {
		return true
	}
	l := labelled(t, userLabels)
	return p.addUser(user{
		grant: p.open, name: either(l["by user"], l["internal Id"]), host: hostOf(l["on host"]),
		tokens: tokensOf(strings.TrimSuffix(l["tokens"], "]")), waits: isPosition(l["queue position"]),
		since: either(l["granted since"], l["granted at"]), last: l["last used at"],
	})
}

// readProcess reads a process of the user above it. Only its tokens matter:
// those of all processes are the user's.
func (p *statusParser) readProcess(t string) bool {
	if p.open == nil || p.repeat {
		return p.open != nil || p.csv != nil
	}
	l := labelled(t, userLabels)
	users := p.sec.users
	if len(users) == 0 || users[len(users)-1].grant != p.open {
		return false
	}
	users[len(users)-1].add(tokensOf(strings.TrimSuffix(l["tokens"], "]")))
	return true
}
