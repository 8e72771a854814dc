package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// What somebody sees who starts the demo: Citrix first, license servers of every
// manager, to whom licenses are assigned, and who has them.
func TestTheDemoShowsEveryManagerAndPeople(t *testing.T) {
	b := newBrowser(t)
	home := ready(t, demo)

	b.open(home)
	b.see("Demo data", "18 of 19 reporting", "User/Device", "Autodesk AutoCAD 2026", "LS-DYNA")
	page := b.text("main")
	first := "Citrix Virtual Apps and Desktops Premium"
	if citrix, other := strings.LastIndex(page, first), strings.Index(page, "MATLAB"); citrix < 0 || citrix > other {
		t.Errorf("%s stands at %d, MATLAB at %d; want Citrix first", first, citrix, other)
	}
	b.look("demo-usage")

	b.open(home + "/usage/citrix.XDT_PLT_UD")
	b.see("assigned", "Overdraft used", "License activity", "Last license request", "Lease at least until")
	b.look("demo-user-device")
	b.open(home + "/usage/ugslmd.NX13100N")
	b.see("Checkouts", "Reserved 4", "PUN-WS")
	b.look("demo-concurrent")
	b.open(home + "/usage/ugslmd.NX13100N?how=reserved")
	b.see("GROUP ENGINEERING")
	b.open(home + "/usage/adskflex.87594ACD_2026_0F?span=31")
	b.see("its log agrees with its status", "Denials", "true", "refusals in all", "Licensed number of users already reached")
	b.look("demo-denials")

	b.open(home + "/servers")
	b.see("Citrix", "FlexNet", "RLM", "LM-X", "DSLS", "Sentinel", "MathLM", "LS-DYNA", "OLicense", "Slurm", "Keygen Relay", "codemeter", "Not Reporting")
	if page := b.text("main"); strings.Contains(page, "Failing") {
		t.Errorf("a license server of the demo is not read:\n%s", page)
	}
	b.look("demo-servers")
	b.open(home + "/servers")
	b.submit(`a[href^="/servers/"][href*="-"]:not([href*="delete"])`)
	b.see("How it stands", "Site and tags", "Pools", "Uploads", "None was declared", "What was done to it")
	b.fill("tags", "test, production")
	b.submit(`form[action$="/place"] button`)
	b.see("Site and tags are set", "production, test")
	b.look("demo-server")

	b.open(home + "/usage/ugslmd.NX13100N/week?span=31")
	b.see("By weekday and hour", "The highest hour is", "Monday", "Sunday")
	b.look("demo-week")

	b.open(home + "/settings/members")
	b.fill("email", "bob@example.com")
	b.submit(".form-card .button.primary")
	b.see("Send this link to bob@example.com", "/invite/", "Invited")
	b.look("demo-members")
	b.open(home + "/settings/organisation")
	b.see("Europe/Berlin", "Not Reporting after")
	b.look("demo-organisation")
	b.open(home + "/settings/tokens")
	b.fill("name", "Grafana")
	b.submit(".form-card .button.primary")
	b.see("It is shown only now", "headroom_")

	// Usage data of one license server go for good; it reports on.
	b.open(home + "/servers")
	b.do("tick the first license server", chromedp.Click(chromedp.CSS(`input[name="server"]`)))
	b.submit("#erase-form .button")
	name := b.text("legend")
	b.see("Delete usage data", "stays registered", name)
	b.look("demo-erase")
	b.do("type its name", chromedp.SetValue(chromedp.CSS(`.erase-row input[type="text"]`), name))
	b.submit(".button.danger")
	b.see("are deleted for good", "were deleted by demo@example.com")
	b.open(home + "/audit?act=usage.delete")
	b.see("Usage data deleted", name)

	b.open(home + "/audit?act=registration.approve")
	b.see("Audit log", "Registration approved", "from 127.0.0.1")
	b.look("demo-audit")

	for _, path := range []string{"/registrations", "/registrations/register", "/settings", "/ui/kit"} {
		b.open(home + path)
		b.look("demo" + strings.ReplaceAll(path, "/", "-"))
	}
	b.expect("404")
	b.open(home + "/nowhere")
	b.see("There is no such page")
	b.look("demo-nowhere")
}
