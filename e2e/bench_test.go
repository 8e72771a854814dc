package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A person pastes a status, reads what was understood of it, drops a log,
// turns its pages, and gets a copy without names: on the real hub, as it is
// seen.
func TestTheParserBenchIsUsedInTheBrowser(t *testing.T) {
	t.Parallel() // with those that have a hub of their own
	status, err := os.ReadFile(filepath.Join(samples(t), "flexnet", capture))
	if err != nil {
		t.Fatal(err)
	}
	log, err := filepath.Abs(filepath.Join(samples(t), "flexnet", "debuglog-v11.14-autodesk-14days-full.log"))
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	program := ready(t, program)
	hub := start(t, program, "hub", "run", "--addr", "127.0.0.1:0", "--store", filepath.Join(t.TempDir(), "hub.db"))
	link := hub.line(`(http://\S+/setup/\S+)`)
	home := link[:strings.Index(link, "/setup/")]
	b.open(link)
	for name, value := range map[string]string{
		"organisation": "Example Corp", "zone": "Europe/Berlin", "name": "Anna Admin", "email": "anna@example.com", "password": "four unrelated violins",
	} {
		b.fill(name, value)
	}
	b.submit("main form button")

	b.open(home + "/servers")
	b.submit(`a[href="/bench"]`)
	b.look("bench-empty")
	b.fill("text", string(status)+"\nnobody knows this line\n")
	b.submit(`button[value="facts:1"]`)
	b.see("flexnet-status", "MATLAB", "31 Jan 2018")
	b.look("bench-facts")
	b.submit(`button[value="all:1"]`)
	b.see("1 to 100 of ", "License server status")
	b.look("bench-lines")
	b.submit(`button[value="unread:1"]`)
	b.see("1 to 1 of 1", "nobody knows this line")
	b.submit(`button[value="redacted:1"]`)
	b.see("made up", "MATLAB")
	b.look("bench-redacted")

	b.do("choose a file", chromedp.SetUploadFiles(chromedp.CSS(`input[name="file"]`), []string{log}))
	b.submit(`button[value="all:1"]`)
	b.see("flexnet-log", "Shown is debuglog")
	b.submit(`button[value="all:2"]`)
	b.see("101 to 200 of ")
	b.look("bench-log")
}
