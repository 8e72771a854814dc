package console

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"headroom/internal/catalog"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/look"
)

// A usagePage is the first page: the estate at a glance.
type usagePage struct {
	Trust  trustView
	Needs  []needView // the first of them
	More   []needView // the others
	Risks  []riskCount
	Cards  []cardView
	Hidden []hiddenView
	Start  bool // there is no license server yet: how to begin
	HubURL string
}

// A hiddenView is a product that has no card.
type hiddenView struct{ Name, Href string }

// A trustView says what the numbers of a page rest on.
type trustView struct {
	Reporting, Total int
	Tone             look.Tone
	Oldest           template.HTML
	Coverage         template.HTML
	Silent           []silentView
	More             int // silent servers that are not named
}

type silentView struct {
	Name   string
	Status template.HTML
	Since  template.HTML // empty: never
}

// A riskCount is how many products have a risk.
type riskCount struct {
	Tone  look.Tone
	Words string
}

// A cardView is one product on the Usage page.
type cardView struct {
	productView
	nowView
	Href  string
	Risk  template.HTML
	Peaks peaksView
	Spark template.HTML
	Foot  template.HTML
}

// A productView says what a product is called.
type productView struct {
	Name, Sub, Model string
	UseWord          string // "in use" or "assigned"
}

// A nowView is the present use of a product.
type nowView struct {
	InUse, Installed template.HTML
	Limited          bool   // there is a number installed, or one that is not known
	Limit            string // said where there is none
	Available        template.HTML
	Purchased        template.HTML // and overdraft; empty where the servers do not tell
	Bar              template.HTML
	Facts            []factView
}

// A factView is a figure with its name.
type factView struct {
	Name  string
	Value template.HTML
	Note  string
	Tone  look.Tone // empty: nothing to heed
}

func (c *Console) getUsage(w http.ResponseWriter, r *http.Request, v visit) error {
	o, err := c.Usage.Overview(r.Context(), v.member.Org)
	if err != nil {
		return err
	}
	return show(c, w, r, v, look.Shell{Title: "Usage", Section: "usage"}, c.pages.usage, http.StatusOK,
		newUsagePage(v.clock, o, c.HubURL))
}

func newUsagePage(clock look.Clock, o usage.Overview, hubURL string) usagePage {
	p := usagePage{
		Trust: newTrust(clock, o.Trust), Risks: riskCounts(o.Cards),
		Start: o.Trust.Total == 0 && len(o.Cards) == 0, HubURL: hubURL,
	}
	for _, h := range o.Hidden {
		p.Hidden = append(p.Hidden, hiddenView{h.Name, productPath(h.Key)})
	}
	p.Needs = newNeeds(clock, o)
	if len(p.Needs) > shownNeeds {
		p.Needs, p.More = p.Needs[:shownNeeds], p.Needs[shownNeeds:]
	}
	names := map[string]string{}
	for _, card := range o.Cards {
		names[card.Product.Key] = card.Product.Name
	}
	for _, card := range o.Cards {
		v := newCard(clock, card)
		if card.Twin != "" {
			v.Facts = append(v.Facts, twinFact(card.Twin, names))
		}
		p.Cards = append(p.Cards, v)
	}
	return p
}

// twinFact warns that a product may be the same purchase as another.
func twinFact(twin string, names map[string]string) factView {
	name, ok := names[twin]
	if !ok {
		name = twin
	}
	return factView{
		Name: "Possible twin of", Value: template.HTML(template.HTMLEscapeString(name)),
		Note: "both are counted in full", Tone: look.Warn,
	}
}

// namedSilent is how many silent servers the trust line names.
const namedSilent = 4

func newTrust(clock look.Clock, t usage.Trust) trustView {
	v := trustView{
		Reporting: t.Reporting, Total: t.Total, Tone: look.Good,
		Oldest: clock.Age(t.Oldest), Coverage: coverageText(t.Coverage),
	}
	if t.Reporting < t.Total {
		v.Tone = look.Warn
	}
	if t.Reporting == 0 && t.Total > 0 {
		v.Tone = look.Bad
	}
	for i, s := range t.Silent {
		if i == namedSilent {
			v.More = len(t.Silent) - namedSilent
			break
		}
		silent := silentView{Name: s.Name, Status: statusMark(s)}
		if !s.LastReported.IsZero() {
			silent.Since = clock.Age(s.LastReported)
		}
		v.Silent = append(v.Silent, silent)
	}
	return v
}

func coverageText(c insight.Coverage) template.HTML {
	share, ok := c.Share()
	if !ok {
		return look.None("nothing to know yet")
	}
	return template.HTML(look.Percent(100 * share))
}

var riskTones = map[usage.Risk]look.Tone{
	usage.RiskOver: look.Bad, usage.RiskTight: look.Warn, usage.RiskFine: look.Good, usage.RiskUnknown: look.Mute,
}

// riskCounts counts the products of each risk, worst first.
func riskCounts(cards []usage.Card) []riskCount {
	var counts []riskCount
	for _, risk := range []usage.Risk{usage.RiskOver, usage.RiskTight, usage.RiskUnknown, usage.RiskFine} {
		n := 0
		for _, c := range cards {
			if c.Risk == risk {
				n++
			}
		}
		if n > 0 {
			counts = append(counts, riskCount{riskTones[risk], look.Number(int64(n)) + " " + string(risk)})
		}
	}
	return counts
}

func newCard(clock look.Clock, c usage.Card) cardView {
	p := newProduct(c.Product)
	v := cardView{
		productView: p, nowView: newNow(c.Now, c.Tightest, p), Href: productPath(c.Product.Key),
		Risk:  look.Badge(riskTones[c.Risk], firstUpper(string(c.Risk))),
		Peaks: newPeaks(clock, c.Peaks, p.UseWord), Foot: cardFoot(clock, c),
		Spark: look.Spark(points(c.Spark), p.Name+": highest "+p.UseWord+" per day of the last 90 days, with installed as a line"),
	}
	if uncounted(c.Now) {
		v.Spark = `<p class="spark-none">Nobody counts it</p>`
	}
	return v
}

// uncounted reports whether all there is of a product is free for anybody.
func uncounted(n usage.Now) bool {
	return n.Uncounted > 0 && !n.InUse.Known && !n.Installed.Known && n.Untold == 0
}

func newProduct(p catalog.Product) productView {
	return productView{Name: p.Name, Sub: productSub(p), Model: modelWord(p.Model), UseWord: useWord(p.Model)}
}

func newNow(n usage.Now, tightest string, p productView) nowView {
	if uncounted(n) {
		const why = "Anybody may use it, and the license server does not count who does."
		return nowView{
			InUse: template.HTML(`<span class="unknown" title="` + why + `">not counted</span>`), Limit: "free for anybody",
			Facts: nowFacts(n, ""),
		}
	}
	if n.SharedWith != "" && !n.Installed.Known && !n.Unlimited {
		return nowView{
			InUse: look.Count(n.InUse, whyNoUse(n)), Limit: "shared with " + n.SharedWith, Installed: sharedText(n), Available: look.None("it is counted there"),
			Facts: nowFacts(n, ""),
		}
	}
	return nowView{
		Limit: "no limit", InUse: look.Count(n.InUse, whyNoUse(n)), Installed: installedText(n), Limited: !n.Unlimited,
		Available: availableText(n), Purchased: purchasedText(n), Bar: nowBar(n, p), Facts: nowFacts(n, tightest),
	}
}

// useWord is what use is called: User/Device licenses are assigned.
func useWord(m catalog.Model) string {
	if m == catalog.UserDevice {
		return "assigned"
	}
	return "in use"
}

func modelWord(m catalog.Model) string {
	switch m {
	case catalog.UserDevice:
		return "User/Device"
	case catalog.Unknown, "":
		return "Model unknown"
	}
	return firstUpper(string(m))
}

// productSub says what else a product is called and who serves it.
func productSub(p catalog.Product) string {
	var parts []string
	if p.OldName != "" {
		parts = append(parts, "formerly "+p.OldName)
	}
	if p.Code != "" {
		parts = append(parts, "feature "+p.Code)
	}
	if p.Edition != "" && !strings.Contains(p.Name, p.Edition) {
		parts = append(parts, "edition "+p.Edition)
	}
	if p.Hidden {
		parts = append(parts, "hidden on the Usage page by your catalog")
	}
	switch word := managerWord(p.Daemon); {
	case p.Daemon == "":
	case word != p.Daemon: // the manager stands for it
		parts = append(parts, word)
	default:
		parts = append(parts, "vendor daemon "+p.Daemon)
	}
	return strings.Join(parts, ", ")
}

func productPath(key string) string { return "/usage/" + url.PathEscape(key) }

func whyNoUse(n usage.Now) string {
	if n.Counted == 0 {
		return "No license server that has this product reports."
	}
	return "A license server did not tell it at its last reading."
}

// sharedText stands where licenses are installed with another product.
func sharedText(n usage.Now) template.HTML {
	return template.HTML(`<span title="License files prove that both are one purchase: it is counted there.">shared with ` + template.HTMLEscapeString(n.SharedWith) + `</span>`)
}

func installedText(n usage.Now) template.HTML {
	if n.Unlimited {
		return "unlimited"
	}
	if n.SharedWith != "" && !n.Installed.Known {
		return sharedText(n)
	}
	return look.Count(n.Installed, "The license servers do not tell how many are installed.")
}

func availableText(n usage.Now) template.HTML {
	if n.Unlimited {
		return look.None("no limit, so no share is available")
	}
	p, ok := n.Available()
	if !ok {
		return look.Unknown("It takes installed and in use to say what is available.")
	}
	return template.HTML(look.Percent(p))
}

// purchased is installed without overdraft.
func purchased(installed, overdraft license.Count) license.Count {
	if !installed.Known || !overdraft.Known {
		return license.Count{}
	}
	return license.Of(installed.N - overdraft.N)
}

const whyNoOverdraft = "Not every license server tells which part of installed is overdraft."

// purchasedText says how installed is made up, where there is overdraft.
func purchasedText(n usage.Now) template.HTML {
	switch p := bought(n); {
	case !n.Overdraft.Known || n.Overdraft.N == 0 || !n.Installed.Known:
		return ""
	case !p.Known:
		return template.HTML("at least " + look.Number(n.Overdraft.N) + " of it overdraft")
	default:
		return template.HTML(look.Number(p.N) + " purchased and " + look.Number(n.Overdraft.N) + " overdraft")
	}
}

// bought is what was purchased now; it is known where every license server
// tells its overdraft.
func bought(n usage.Now) license.Count {
	if !n.Over.Known {
		return license.Count{}
	}
	return purchased(n.Installed, n.Overdraft)
}

// nowBar draws use against installed; a product without limit has no bar.
func nowBar(n usage.Now, p productView) template.HTML {
	if n.Unlimited {
		return ""
	}
	return look.Bar{
		InUse: n.InUse, Reserved: n.Reserved, Installed: n.Installed, Purchased: bought(n),
		Over:  n.Over.Known && n.Over.N > 0,
		Label: p.Name + ": " + n.InUse.String() + " " + p.UseWord + " of " + n.Installed.String() + " installed",
	}.HTML()
}

// nowFacts are the figures beside in use and installed. Overdraft used is among
// them where there is overdraft.
func nowFacts(n usage.Now, tightest string) []factView {
	var facts []factView
	switch over := (factView{Name: "Overdraft used", Value: look.Count(n.Over, whyNoOverdraft)}); {
	case n.Unlimited, n.SharedWith != "" && !n.Installed.Known:
	case n.Over.Known && n.Over.N > 0:
		over.Tone = look.Bad
		if tightest != "" {
			over.Note = "most on " + tightest
		}
		facts = append(facts, over)
	default:
		if n.Overdraft.Known && n.Overdraft.N > 0 {
			facts = append(facts, over)
		}
		if tightest != "" && n.Counted > 1 {
			facts = append(facts, factView{Name: "Tightest", Value: template.HTML(template.HTMLEscapeString(tightest))})
		}
	}
	if n.SharedWith != "" {
		facts = append(facts, factView{Name: "Shared with", Value: template.HTML(template.HTMLEscapeString(n.SharedWith)), Note: "one purchase, by license files; installed counts there"})
	}
	if n.Echoes > 0 {
		facts = append(facts, factView{
			Name: "Counted once", Value: template.HTML(look.Plural(n.Echoes, "pool", "pools")),
			Note: "of an entitlement that another license server reports too; the largest report counts",
		})
	}
	if n.Untold > 0 {
		facts = append(facts, factView{Name: "Without", Value: template.HTML(look.Plural(n.Untold, "pool", "pools")), Note: "that never told its use", Tone: look.Warn})
	}
	if n.Uncounted > 0 {
		facts = append(facts, factView{Name: "Uncounted", Value: template.HTML(look.Plural(n.Uncounted, "pool", "pools")), Note: "free for anybody, in no sum"})
	}
	for _, part := range []struct {
		name  string
		count license.Count
		note  string
	}{
		{"Reserved", n.Reserved, "part of in use"},
		{"Borrowed", n.Borrowed, "part of in use"},
		{"Waiting", n.Queued, "not in use"},
	} {
		if part.count.Known && part.count.N > 0 {
			facts = append(facts, factView{Name: part.name, Value: look.Count(part.count, ""), Note: part.note})
		}
	}
	return facts
}

// cardFoot says how many servers are counted, and how old the oldest reading
// among them is.
func cardFoot(clock look.Clock, c usage.Card) template.HTML {
	s := template.HTMLEscapeString(countedText(c.Now, c.Servers))
	if !c.Now.Oldest.IsZero() {
		s += ", oldest reading " + string(clock.Age(c.Now.Oldest))
	}
	return template.HTML(s)
}

// countedText says which servers the current figures count and leave out.
func countedText(n usage.Now, servers int) string {
	s := look.Plural(n.Counted, "license server", "license servers")
	if n.Counted < servers {
		s = look.Number(int64(n.Counted)) + " of " + look.Plural(servers, "license server", "license servers")
	}
	if len(n.LeftOut) > 0 {
		s += ", without " + strings.Join(n.LeftOut, ", ")
	}
	return s
}

func firstUpper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
