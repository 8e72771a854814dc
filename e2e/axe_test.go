package e2e

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe/axe.min.js
var axeScript string

// What axe is asked for. Colours are all that differs in the dark, and sizes and
// scrolling on a phone: to ask for everything four times a page would take the
// tests most of their time.
const (
	allOfAxe      = `{type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}`
	contrastOfAxe = `{type: "rule", values: ["color-contrast"]}`
	sizesOfAxe    = `{type: "rule", values: ["target-size", "scrollable-region-focusable", "color-contrast"]}`
)

// axeRun asks axe for rules, with all unfolded that is folded up. Of long tables and
// of the many cards it looks at the first: the others are made by the same template.
const axeRun = `(async () => {
	const folded = [...document.querySelectorAll("details:not([open])")];
	for (const d of folded) d.open = true;
	const found = await axe.run({exclude: [["tbody tr:nth-child(n+12)"], [".cards > :nth-child(n+13)"]]}, {runOnly: %s, resultTypes: ["violations"], preload: false});
	for (const d of folded) d.open = false;
	return found.violations.flatMap((v) => v.nodes.slice(0, 5).map((n) => v.id + " at " + n.target.join(" ") + ": " + n.failureSummary));
})()`

// axe fails where axe finds fault with the page, and says with what and where.
func (b *browser) axe(name, rules string) {
	b.t.Helper()
	if !eval[bool](b, `typeof axe === "object"`) {
		eval[bool](b, axeScript+"; true")
	}
	for _, fault := range eval[[]string](b, fmt.Sprintf(axeRun, rules), chromedp.EvalAwaitPromise) {
		b.t.Errorf("axe on %s: %s", name, strings.ReplaceAll(fault, "\n", " "))
	}
}
