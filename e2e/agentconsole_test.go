package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The same journey by the agent's own console: everything that the license
// server has to say is said in the browser.
func TestAnAgentJoinsByItsOwnConsole(t *testing.T) {
	t.Parallel() // with those that have a hub of their own
	text, err := os.ReadFile(filepath.Join(samples(t), "flexnet", capture))
	if err != nil {
		t.Fatal(err)
	}
	admin, b := newBrowser(t), newBrowser(t)
	program := ready(t, program)
	dir := t.TempDir()
	hub := start(t, program, "hub", "run", "--addr", "127.0.0.1:0", "--store", filepath.Join(dir, "hub.db"))
	link := hub.line(`(http://\S+/setup/\S+)`)
	home := link[:strings.Index(link, "/setup/")]
	admin.open(link)
	for name, value := range map[string]string{
		"organisation": "Example Corp", "zone": "Europe/Berlin", "name": "Anna Admin", "email": "anna@example.com", "password": "four unrelated violins",
	} {
		admin.fill(name, value)
	}
	admin.submit("main form button")

	status, config := filepath.Join(dir, "status.txt"), filepath.Join(dir, "agent.toml")
	write(t, status, text)
	write(t, config, fmt.Appendf(nil, "hub = %q\nstate = \"state\"\n\n[console]\nlisten = \"127.0.0.1:0\"\n\n[[server]]\nname = \"cluster\"\nreader = \"file\"\npath = %q\n", home, status))
	local := start(t, program, "agent", "run", "--config", config).line(`address=(http://\S+) link=`)

	b.expect("401") // the browser complains of a page that is closed
	b.open(local + "/")
	b.see("The console is closed", "headroom agent console --config "+config)
	b.look("agent-closed")
	b.expect("")
	b.open(strings.TrimSpace(run(t, program, "agent", "console", "--config", config)))
	b.see("Overview", "It is off: nothing is sent", "cluster")
	b.submit(`form[action="/share"] button`)
	b.see("Sharing is on. Nothing is sent before")
	b.open(local + "/registration")
	b.submit(`form[action="/registration"] button`)
	code := b.text("#code")
	b.look("agent-code")

	admin.open(home + "/registrations/register")
	admin.fill("code", code)
	admin.submit(`form[action="/registrations/review"] button`)
	admin.see(strings.Fields(b.text(".words"))...)
	admin.submit(`form[action="/registrations/approve"] button`)

	b.appear(`form[action="/registration/confirm"] button[value="yes"]`) // by itself
	b.see("Register with Example Corp?", "anna@example.com")
	b.look("agent-confirm")
	b.submit(`form[action="/registration/confirm"] button[value="yes"]`)
	b.see("Registered with Example Corp")
	b.look("agent-registered")
	b.open(local + "/")
	b.submit(`form[action="/upload"] button`)
	b.see("Sent 1 batch", "Usage is sent to Example Corp", "Approved")
	b.submit(`form[action="/upload"] button`)
	b.see("Done ", "s ago")
	b.look("agent-overview")
	b.open(local + "/payload")
	b.see("cluster", `"kind":"batch"`, "MATLAB")
	b.look("agent-payload")
	b.open(local + "/connection")
	b.submit(`form[action="/connection/doctor"] button`)
	b.appear(".section-head .badge")
	b.see("it runs", "Clock", "Registration")
	b.look("agent-connection")

	admin.open(home + "/servers")
	admin.see("cluster", "Reporting")
	b.open(local + "/registration")
	b.do("open the dialog", chromedp.Click(chromedp.CSS(`[data-dialog="remove"]`)))
	b.submit(`dialog form[action="/registration/remove"] button`)
	b.see("not registered any more", "Ask for a code")
}
