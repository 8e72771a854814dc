package console

import (
	"slices"
	"strings"

	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

// A needView is something that needs somebody, with the one thing to do.
type needView struct {
	Tone      look.Tone
	What, Why string
	Act, Href string
}

// shownNeeds is how many are shown at once; the others are folded up.
const shownNeeds = 5

// newNeeds lists what needs somebody, worst first: more in use than purchased, agents
// that may not be who they say, license servers that are silent or cannot be read, clocks
// that are wrong, people who were refused.
func newNeeds(clock look.Clock, o usage.Overview) (needs []needView) {
	for _, c := range o.Cards {
		if c.Now.Over.Known && c.Now.Over.N > 0 && !c.Now.Unlimited {
			n := needView{Tone: look.Bad, What: c.Product.Name, Act: "See where", Href: productPath(c.Product.Key) + "#servers-title"}
			n.Why = look.Number(c.Now.Over.N) + " more " + useWord(c.Product.Model) + " than purchased"
			if c.Tightest != "" {
				n.Why += ", most on " + c.Tightest
			}
			needs = append(needs, n)
		}
	}
	for _, s := range o.Forked {
		needs = append(needs, needView{
			Tone: look.Bad, What: s.Name, Act: "Look at it", Href: serverPath(s.GUID),
			Why: "two have used the identity of its agent, last " + clock.AgeText(s.Forked) + ": its machine was cloned, or restored from a backup",
		})
	}
	for _, s := range o.Trust.Silent {
		n := needView{Tone: look.Warn, What: s.Name, Act: "Look at it", Href: serverPath(s.GUID), Why: strings.ToLower(statusWord(s))}
		if !s.LastReported.IsZero() {
			n.Why += ", last reported " + clock.AgeText(s.LastReported)
		}
		if effect := effectOf(s.Name, o.Cards); effect != "" {
			n.Why += "; " + effect
		}
		needs = append(needs, n)
	}
	for _, s := range o.Failing {
		needs = append(needs, needView{Tone: look.Warn, What: s.Name, Why: "its reader fails: " + s.Failure, Act: "Look at it", Href: serverPath(s.GUID)})
	}
	for _, s := range o.Clocks {
		needs = append(needs, needView{Tone: look.Warn, What: s.Name, Why: "the clock of its agent's machine is " + clockError(s), Act: "Look at it", Href: serverPath(s.GUID)})
	}
	for _, c := range o.Cards {
		if c.Denied.True > 0 {
			needs = append(needs, needView{
				Tone: look.Warn, What: c.Product.Name, Act: "See who", Href: productPath(c.Product.Key) + "?span=7#denials-title",
				Why: look.Plural(int(c.Denied.True), "denial", "denials") + " in the last 7 days: somebody went without",
			})
		}
	}
	return needs
}

// effectOf says which figures lack what a license server has.
func effectOf(server string, cards []usage.Card) string {
	n := 0
	for _, c := range cards {
		if slices.Contains(c.Now.LeftOut, server) {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return "current figures of " + look.Plural(n, "product", "products") + " are without it"
}
