package report

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"headroom/internal/format"
	"headroom/internal/license"
)

// A nameIn is a name in a text. A host's parts are names of their own, and so
// are the parts of a user with a domain.
type nameIn struct {
	text  string
	host  bool
	must  bool   // it stands in a fact as a user or host
	after string // the display of a host begins with its name
}

// notNames are words that stand where a name could and are nobody's.
var notNames = map[string]bool{
	"localhost": true, "localhost.localdomain": true, "this_host": true, "any": true, "unknown": true, "none": true,
	"local": true, "javadisplay": true, "console": true, "automatic": true, "midnight": true, "": true, "-": true,
}

// reservedFor are the words before the name in a FlexNet reservation.
var reservedFor = regexp.MustCompile(`^(USER|HOST|GROUP|USER_GROUP|HOST_GROUP|INTERNET|DISPLAY|PROJECT) `)

// namesIn returns the names in a text, those that must be replaced first.
func namesIn(u understanding, d *document) []nameIn {
	if u.file.Format == string(format.RelayStatus) {
		return nil // its nodes are numbers
	}
	seen := map[nameIn]bool{}
	var all []nameIn
	add := func(n nameIn) {
		n.text = strings.TrimSpace(n.text)
		if !notNames[license.FoldName(n.text)] && !seen[n] {
			seen[n] = true
			all = append(all, n)
		}
	}
	for _, f := range u.facts {
		user := f.User
		if f.Kind == string(license.HolderReserved) {
			user = reservedFor.ReplaceAllString(user, "")
		}
		add(nameIn{text: user, must: true})
		add(nameIn{text: f.Host, host: true, must: true})
		addDisplay(f, add)
	}
	for _, line := range d.lines {
		addPlaces(string(line.text), add)
	}
	slices.SortStableFunc(all, func(a, b nameIn) int { return cmp.Compare(count(b.must), count(a.must)) })
	return all
}

// screen is the end of an X display.
var screen = regexp.MustCompile(`:\d+(\.\d+)?$`)

// addDisplay takes the display for the name of a host, unless it is a device.
func addDisplay(f Fact, add func(nameIn)) {
	d := screen.ReplaceAllString(f.Display, "")
	switch {
	case d == "" || strings.HasPrefix(d, "/"):
	case f.Host != "" && len(d) > len(f.Host) && strings.EqualFold(d[:len(f.Host)], f.Host):
		add(nameIn{text: d, host: true, after: f.Host})
	default:
		add(nameIn{text: d, host: true})
	}
}

// A place is where names stand in lines that say nothing by themselves, or
// beside the names of a fact.
type place struct {
	has   string // that a line with it has
	at    *regexp.Regexp
	users int // so many of its groups are users, the others hosts
}

// places are those that are known, of all formats.
var places = []place{
	{"@", regexp.MustCompile(`\b(?:from|by|to|user) ([^\s"@]+)@([\pL\d][\w.-]*)`), 1},
	{"@", regexp.MustCompile(`\b\d+@([\pL\d][\w.-]*)`), 0},
	{"tarted on ", regexp.MustCompile(`\b[Ss]tarted on (\S+) (?:\(|for:)`), 0},
	{" (port", regexp.MustCompile(`\b(?:status|servers?) on (\S+) \(port`), 0},
	{" on machine ", regexp.MustCompile(`license server system on machine (\S+)`), 0},
	{"Host used in", regexp.MustCompile(`Host used in license file: (\S+)`), 0},
	{"(s) on ", regexp.MustCompile(`\(s\) on ([^\s:)]+)`), 0},
	{"status (on ", regexp.MustCompile(`daemon status \(on ([^\s:)]+)`), 0},
	{"/", regexp.MustCompile(`\(([^\s()/]+)/\S+ \d+\)`), 0},
	{",(", regexp.MustCompile(`,\(([^(),]+),([^(),]+),\d+\)\s*$`), 1},
	{" for ", regexp.MustCompile(` for (?:USER|GROUP|USER_GROUP|HOST_GROUP|PROJECT) (\S+)`), 1},
	{" for ", regexp.MustCompile(` for (?:HOST|INTERNET|DISPLAY) (\S+)`), 0},
	{"Checkin failed", regexp.MustCompile(`Checkin failed feature "[^"]*": (\S+) (\S+)`), 1},
	{"name:", regexp.MustCompile(`\b(?:Computer|Server) name:\s+(\S+)`), 0},
	{`"Hostname"`, regexp.MustCompile(`"Hostname" "([^"]+)"`), 0},
	{"HOSTNAME=", regexp.MustCompile(`\bHOSTNAME=([\w.-]+)`), 0},
	{"START ", regexp.MustCompile(`^START (\S+) \d`), 0},
	{"Licensee:", regexp.MustCompile(`^Licensee:\s*(\S.*?)\s*$`), 1},
	{".", regexp.MustCompile(`(?:[\[/@<]|IP=")(\d{1,3}(?:\.\d{1,3}){3})\b`), 0},
}

// addPlaces takes the names at known places of a line.
func addPlaces(line string, add func(nameIn)) {
	for _, p := range places {
		if !strings.Contains(line, p.has) {
			continue
		}
		for _, m := range p.at.FindAllStringSubmatch(line, -1) {
			for i, text := range m[1:] {
				if len(text) > 1 && strings.Trim(text, "0123456789") != "" {
					add(nameIn{text: text, host: i >= p.users})
				}
			}
		}
	}
}
