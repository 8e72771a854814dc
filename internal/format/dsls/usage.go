package dsls

import (
	"strings"

	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A key tells licenses of one feature apart. The usage list repeats the totals
// of a license on the row of each user.
type key struct{ editor, feature, model, maxRelease, customer, expiration string }

// A grant is one license that the usage list has totals for.
type grant struct {
	key
	release string // number of the last release that it is good for
	state   license.State
	count   license.Count
	inUse   license.Count
	queued  license.Count // what its users wait for; unknown if the list has no queue
}

// A user is one that holds licenses of a grant or waits for them.
type user struct {
	grant   *grant
	name    string
	host    string
	session string
	tokens  license.Count // unknown if not told
	waits   bool
	since   string // as printed
	last    string
}

// add adds the tokens of one more process, if it tells any.
func (u *user) add(tokens license.Count) {
	switch {
	case !u.tokens.Known:
		u.tokens = tokens
	case tokens.Known:
		u.tokens = u.tokens.Plus(tokens)
	}
}

// licenses returns how many the user holds or waits for: one where it is not
// told.
func (u *user) licenses() int64 {
	if !u.tokens.Known {
		return 1
	}
	return u.tokens.N
}

// readTotals reads the totals of a license; count can be "unlimited". If it
// reports false, they are unknown.
func (g *grant) readTotals(count, inUse string) bool {
	used, ok := text.ParseCount(inUse)
	n, isNumber := text.ParseCount(count)
	switch {
	case !ok:
		return false
	case strings.EqualFold(count, "unlimited"):
		g.state = license.StateUnlimited
	case isNumber:
		g.state, g.count = license.StateOf(n)
	default:
		return false
	}
	g.inUse = license.Of(used)
	return true
}

// isNamed reports whether the license is assigned to people.
func (g *grant) isNamed() bool {
	return strings.EqualFold(strings.ReplaceAll(g.model, " ", ""), "NamedUser")
}

// hostOf returns the name in "NAME (ID)/ADDRESS".
func hostOf(s string) string {
	host, _, _ := strings.Cut(s, " (")
	host, _, _ = strings.Cut(host, "/")
	return strings.TrimSpace(host)
}
