package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	concurrent = "/usage/citrix.XDT_PLT_CCS"
	assigned   = "/usage/citrix.XDT_PLT_UD"
)

// F7, F14, F15: one view over all license servers says what it rests on, what needs
// somebody, and which figures lack a license server that is silent.
func TestTheFirstPageSaysWhatNeedsSomebody(t *testing.T) {
	b, home := newBrowser(t), ready(t, demo)
	b.open(home)
	b.see("reporting", "Coverage this month", "Needs you", "more in use than purchased, most on ctx-lic-01.ham.example.com",
		"not reporting, last reported 9 days ago; current figures of 1 product are without it", "Overdraft used", "without ctx-lic-02.lon.example.com")
	b.submit(`.needs li:first-child a`)
	b.see("License server breakdown", "Overdraft used")
}

// F8, F18: a peak has its instant, what was installed then and its basis, and its dot
// opens the page that says what the number is made of.
func TestAPeakIsOpenedAndExplained(t *testing.T) {
	b, home := newBrowser(t), ready(t, demo)
	b.open(home + concurrent)
	b.see("Last 7 days", "This month", "All time", "since 24 Oct 2025", "sampled", "Coverage")
	peak := strings.Fields(b.text(".peaks tbody tr:last-child b"))[0]
	b.submit(`.trend-dots a`)
	b.see("Explain this number", peak+" in use", "It is sampled", "ctx-lic-01.ham.example.com", "ctx-lic-01.lon.example.com")
	b.look("demo-explain")
}

// F9, F10, F13: a product has its breakdown, which is sorted by a click, and its
// trend by day, month and year.
func TestTheTrendAndTheBreakdownAreWalkedThrough(t *testing.T) {
	b, home := newBrowser(t), ready(t, demo)
	b.open(home + concurrent)
	b.see("Usage trend", "From the lowest to the highest", "Purchased", "Duration curve", "License server breakdown", "Own peak", "At common peak")
	b.submit(`nav[aria-label="Span"] a[href$="span=all"]`)
	b.submit(`nav[aria-label="Step"] a[href*="step=year"]`)
	eval[int](b, `[...document.querySelectorAll("details.explain")].map((d) => { d.open = true; }).length`)
	b.see("Year", "2025", "2026")
	const rows = `[...document.querySelectorAll('[aria-labelledby="servers-title"] tbody tr')].map((r) => Number(r.cells[3].dataset.value)).join()`
	b.do("sort by what is in use", chromedp.Click(chromedp.CSS(`[aria-labelledby="servers-title"] th:nth-child(4) button`)))
	falling := eval[string](b, rows)
	b.do("and the other way", chromedp.Click(chromedp.CSS(`[aria-labelledby="servers-title"] th:nth-child(4) button`)))
	if rising := eval[string](b, rows); rising == falling {
		t.Errorf("both ways of sorting show %s", rising)
	}
	b.open(home + assigned)
	b.see("assigned", "Highest assigned")
}

// F11: license servers are chosen one by one, or by site, and the choice stands in
// the address.
func TestFiguresAreFilteredByLicenseServerAndSite(t *testing.T) {
	b, home := newBrowser(t), ready(t, demo)
	b.open(home + assigned)
	b.see("All license servers", "1\u202f635 assigned")
	b.do("open the choice", chromedp.Click(chromedp.CSS(`details.menu summary`)))
	b.look("demo-choice")
	b.do("choose none", chromedp.Click(chromedp.CSS(`[data-all="off"]`)))
	b.do("choose the first", chromedp.Click(chromedp.CSS(`#server-choice input`)))
	b.submit(`.menu-foot .primary`)
	b.see("1 of 2 license servers")
	if at, err := url.Parse(b.address()); err != nil || len(at.Query()["server"]) != 1 {
		t.Errorf("the address is %s, want one server in it", b.address())
	}
	b.do("open the choice", chromedp.Click(chromedp.CSS(`details.menu summary`)))
	b.submit(`.menu-places a[href$="site=London"]`)
	b.see("London: 1 of 2 license servers", "ctx-lic-01.lon.example.com")
	if page := b.text("main"); strings.Contains(page, "ctx-lic-01.ham.example.com\n") {
		t.Error("the page of London counts a license server of Hamburg")
	}
	b.submit(`.details-tools > a.quiet`)
	b.see("All license servers")
}

// F12: people are found by a part of their names, with when they were first and last
// seen, and how many have not come for long.
func TestPeopleAreFoundInTheLicenseActivity(t *testing.T) {
	b, home := newBrowser(t), ready(t, demo)
	b.open(home + assigned)
	b.see("License activity", "different people", "How long ago they were used last", "over 90 days", "First seen", "Last license request")
	b.fill("who", "AMIT.B")
	b.submit(`form.find button`)
	b.see("amit.bauer")
	if page := b.text("main"); strings.Contains(page, "amit.adler") {
		t.Error("somebody is shown who was not looked for")
	}
}

// F5, F6: license servers stand with the rule of their status, and an update is asked
// for.
func TestLicenseServersHaveTheirStatusAndAreAskedForAnUpdate(t *testing.T) {
	b, home := newBrowser(t), ready(t, demo)
	b.open(home + "/servers")
	b.see("Not Reporting", "9 days ago", "the hub received a reading within the last 3 days", "more than 3 days and up to 30 days old", "Silent and removed")
	b.submit(`form[action$="/update"] button`)
	b.see("An update is asked for", "update asked for")
}

// F16: a registration is removed, and what the license server has told stays.
func TestARegistrationIsRemovedAndItsHistoryStays(t *testing.T) {
	b, home := newBrowser(t), ready(t, demo)
	b.open(home + "/registrations")
	b.do("ask to remove one", chromedp.Click(chromedp.CSS(`tr:last-child [data-dialog]`)))
	b.look("demo-remove")
	name := b.text("tbody tr:last-child th")
	b.submit(`dialog[open] .danger`)
	b.open(home + "/servers?view=silent")
	b.see(strings.Fields(name)[0], "Removed")
}
