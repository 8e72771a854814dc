package mathlm

import (
	"regexp"
	"strings"
	"time"

	"headroom/internal/format/text"
	"headroom/internal/license"
)

// readHeading reads the headings of the two tables.
func (p *statusParser) readHeading(t string) bool {
	switch words := strings.Join(strings.Fields(t), " "); {
	case words == "License Usage Summary:":
		p.part = summary
	case words == "Licenses in Use:":
		p.part, p.ended = inUse, true
	case words == "License", words == "License Total Total", strings.HasPrefix(words, "Program Class "), strings.HasPrefix(words, "Program Version "):
	case strings.HasPrefix(t, "-----") && strings.Trim(t, "- ") == "":
	default:
		return false
	}
	return true
}

// readHead reads what stands above the tables.
func (p *statusParser) readHead(t string) bool {
	if v, ok := strings.CutPrefix(t, "MathLM Version "); ok {
		p.server.Version = strings.TrimSpace(v)
		return true
	}
	if h, ok := strings.CutPrefix(t, "MathLM Server "); ok {
		p.server.Hosts = []string{strings.TrimSpace(h)}
		return true
	}
	if key, date, _ := strings.Cut(t, ":"); strings.TrimSpace(key) == "Date" {
		at, ok := readDate(date, p.zone)
		if ok {
			p.snapshot.At, p.ref = at, at
		}
		return ok
	}
	return isHelp(t)
}

// isHelp recognises the two lines above all else.
func isHelp(t string) bool {
	return strings.HasPrefix(t, "Online help is available at") || strings.HasPrefix(t, "http://") || strings.HasPrefix(t, "https://")
}

// readDate reads "Thursday, August 29 2017 14:11:59". The weekday is not
// looked at.
func readDate(s string, zone *time.Location) (time.Time, bool) {
	w := strings.Fields(s)
	if len(w) < 4 {
		return time.Time{}, false
	}
	at, err := time.ParseInLocation("January 2 2006 15:04:05", strings.Join(w[len(w)-4:], " "), zone)
	if err != nil || at.Year() < 1970 {
		return time.Time{}, false
	}
	return at.Truncate(time.Second).UTC(), true
}

// readTotals reads "PROGRAM CLASS INUSE AUTHORIZED" from the right: names of
// programs have blanks.
func (p *statusParser) readTotals(t string) bool {
	w := strings.Fields(t)
	if len(w) < 4 {
		return false
	}
	n := len(w)
	used, ok1 := text.ParseCount(w[n-2])
	authorized, ok2 := text.ParseCount(w[n-1])
	if !ok1 || !ok2 {
		return false
	}
	r := license.Reading{
		Pool:  license.Pool{Feature: strings.Join(w[:n-3], " "), Variant: w[n-3]},
		InUse: license.Of(used),
	}
	r.State, r.Installed = license.StateOf(authorized)
	p.addPool(r)
	return true
}

// process divides "PROGRAM VERSION CLASS USER HOST DURATION" at its columns
// without blanks: the version, which begins with a digit, the class and the
// duration.
var process = regexp.MustCompile(`^(\D+?)\s+(\d\S*)\s+(\S+)\s+(\S.*?)\s+(\d+:\d\d)$`)

func (p *statusParser) readHolder(t string) bool {
	m := process.FindStringSubmatch(t)
	if m == nil {
		return false
	}
	ran, ok := readDuration(m[5])
	if !ok {
		return false
	}
	program := strings.Join(strings.Fields(m[1]), " ")
	user, host := divideNames(m[4], wide.MatchString(t))
	p.addHolder(license.Holder{Pool: license.Pool{Feature: program, Variant: m[3]}, User: user, Host: host}, ran)
	return true
}

// wide is the space between two columns.
var wide = regexp.MustCompile(`\s{2,}|\t`)

// divideNames divides "USER HOST". The host can be missing, and a user can have
// blanks. In a line that still has the space between its columns, single blanks
// belong to the user, unless the last word looks like a full host name: then
// the user filled the column.
func divideNames(s string, columns bool) (user, host string) {
	if at := wide.FindStringIndex(s); at != nil {
		return s[:at[0]], strings.TrimSpace(s[at[1]:])
	}
	i := strings.LastIndexAny(s, " \t")
	if i < 0 || columns && !strings.Contains(s[i:], ".") {
		return s, ""
	}
	return s[:i], s[i+1:]
}
