package dsls

import (
	"slices"
	"strings"

	"headroom/internal/format/text"
	"headroom/internal/license"
)

// readCSV reads the list that getLicenseUsage -csv prints: its header, which
// gives the columns, and the rows. Rows of idle features are short, but a comma
// stands behind their last number: without it the number may be cut.
func (p *statusParser) readCSV(t string) bool {
	if strings.HasPrefix(t, "Editor,") && strings.Contains(t, ",Feature,") {
		s := p.section()
		p.csv, p.repeat, s.listed = columnsOf(t), s.listed, true
		return true
	}
	if p.csv == nil || strings.Count(t, ",") <= p.csv["Inuse"] {
		return false
	}
	f := p.fields(t)
	cell := func(column string) string {
		if i, ok := p.csv[column]; ok && i < len(f) {
			return f[i]
		}
		return ""
	}
	g := &grant{
		key:     key{cell("Editor"), cell("Feature"), cell("Model"), cell("Max Release Date"), cell("Customer ID"), cell("Expiration Date")},
		release: cell("Max Release Number"),
	}
	if g.feature == "" {
		return false
	}
	understood := g.readTotals(cell("Count"), cell("Inuse"))
	if p.repeat {
		return understood
	}
	if _, ok := p.csv["Queue Position"]; ok && understood {
		g.queued = license.Of(0)
	}
	g = p.addGrant(g)
	return understood && p.readRowUser(g, cell)
}

// readRowUser reads the user on a row, if there is one.
func (p *statusParser) readRowUser(g *grant, cell func(column string) string) bool {
	return cell("User")+cell("Internal ID")+cell("Host") == "" || p.addUser(user{
		grant: g, name: either(cell("User"), cell("Internal ID")), host: hostOf(cell("Host")), session: cell("Session ID"),
		tokens: tokensOf(cell("Tokens")), waits: isPosition(cell("Queue Position")),
		since: either(cell("Granted Since"), cell("Granted At")), last: cell("Last Used At"),
	})
}

func columnsOf(header string) map[string]int {
	columns := map[string]int{}
	for i, name := range strings.Split(strings.TrimSuffix(header, ","), ",") {
		columns[strings.TrimSpace(name)] = i
	}
	return columns
}

// fields divides a row. The path of an active process is the one cell that can
// have commas of its own: as many cells belong to it as it takes to find the
// dates behind it in their columns.
func (p *statusParser) fields(t string) []string {
	f := strings.Split(t, ",")
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	process, since, at := p.csv["Active Process"], p.csv["Granted Since"], p.csv["Granted At"]
	if process == 0 || since < process || at < since {
		return f
	}
	for more := 0; more <= maxCommas && at+more < len(f); more++ {
		if areDates(f[since+more], f[at+more]) {
			end := process + 1 + more
			return slices.Concat(f[:process], []string{strings.Join(f[process:end], ",")}, f[end:])
		}
	}
	return f
}

// maxCommas is more than the path of a process has.
const maxCommas = 20

// areDates reports whether two cells can be the dates of one user: both are
// dates, or both are empty.
func areDates(a, b string) bool {
	_, ok1 := readStamp(a)
	_, ok2 := readStamp(b)
	return ok1 && ok2 || a+b == ""
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// tokensOf reads how many licenses a user holds.
func tokensOf(s string) license.Count {
	n, ok := text.ParseCount(s)
	if !ok {
		return license.Count{}
	}
	return license.Of(n)
}

// isPosition reports whether a place in the queue is filled in.
func isPosition(s string) bool {
	n, ok := text.ParseCount(s)
	return ok && n > 0
}
