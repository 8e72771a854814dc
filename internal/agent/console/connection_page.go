package console

import (
	"context"
	"html/template"
	"net/http"
	"strings"
	"time"

	"headroom/internal/agent"
	"headroom/internal/look"
)

// A connectionPage is the way to the hub: how it is set, and what was found
// when it was tried.
type connectionPage struct {
	Hub, File string
	Settings  []settingView
	Lines     string // that set the way, as they could stand in the file
	Running   bool
	Looked    template.HTML
	Verdict   template.HTML
	Found     []foundView
	Command   string
}

type settingView struct{ Name, Value string }

// A foundView is what was found at one place.
type foundView struct {
	Place, Target, Found, Mend string
	Health                     template.HTML
}

// An examination is what was found the last time, or is being found.
type examination struct {
	running bool
	at      time.Time
	found   []agent.Diagnosis
}

func (c *Console) getConnection(w http.ResponseWriter, _ *http.Request, v visit) error {
	c.mu.Lock()
	last := c.found
	c.mu.Unlock()
	p := connectionPage{
		Hub: c.Config.Hub, File: c.File, Settings: settings(c.Config), Lines: proxyLines, Running: last.running, Command: c.command("doctor"),
	}
	if !last.at.IsZero() {
		p.Looked = v.clock.Age(last.at)
	}
	worst := agent.Green
	for _, d := range last.found {
		if rank[d.Health] > rank[worst] {
			worst = d.Health
		}
		p.Found = append(p.Found, foundView{Place: sentenceCase(d.Place), Target: d.Target, Found: d.Found, Mend: d.Mend, Health: healthMark(d.Health)})
	}
	if !last.running && len(last.found) > 0 {
		p.Verdict = verdicts[worst]
	}
	return show(c, w, v, look.Shell{Title: "Connection", Section: "connection"}, c.pages.connection, http.StatusOK, p)
}

// rank orders healths by how much they matter.
var rank = map[agent.Health]int{agent.Green: 0, agent.Unknown: 1, agent.Amber: 2, agent.Red: 3}

var verdicts = map[agent.Health]template.HTML{
	agent.Green:   look.Badge(look.Good, "All is well"),
	agent.Unknown: look.Badge(look.Mute, "Nothing fails; something is not known yet"),
	agent.Amber:   look.Badge(look.Warn, "Nothing fails; look at the warnings"),
	agent.Red:     look.Badge(look.Bad, "Something fails"),
}

func healthMark(h agent.Health) template.HTML {
	switch h {
	case agent.Green:
		return look.Status(look.Good, "Ok")
	case agent.Amber:
		return look.Status(look.Warn, "Warning")
	case agent.Red:
		return look.Status(look.Bad, "Fails")
	}
	return look.Status(look.Mute, "Unknown")
}

// settings are those of the way. The password is in a file that is only named.
func settings(c agent.Config) (out []settingView) {
	add := func(name, value string) {
		if value != "" {
			out = append(out, settingView{name, value})
		}
	}
	mode := c.Proxy.Mode
	if mode == "" {
		mode = "system"
	}
	add("Proxy", mode)
	add("Address", c.Proxy.Address)
	add("Signs in as", c.Proxy.User)
	add("Password in", c.Proxy.PasswordFile)
	add("Scheme", c.Proxy.Scheme)
	add("Without proxy", strings.Join(c.Proxy.Bypass, ", "))
	add("Trusted certificates", c.TLS.CAFile)
	add("Pinned keys", strings.Join(c.TLS.Pins, ", "))
	revocation := c.TLS.Revocation
	if revocation == "" {
		revocation = "warn"
	}
	add("Revocation", revocation)
	return out
}

// proxyLines are a manual proxy, whole.
const proxyLines = `[proxy]
mode = "manual"                 # system, environment, none, manual
address = "http://proxy.example.com:3128"
user = 'DOMAIN\name'            # where the proxy wants a sign-in
password_file = "proxy-password" # one line; only the agent's account may read it
bypass = [".example.com", "10.0.0.0/8"]
`

// postDoctor has everything looked at. It takes a while; the page shows what
// is found as it is found.
func (c *Console) postDoctor(w http.ResponseWriter, r *http.Request, _ visit) error {
	c.mu.Lock()
	if !c.found.running {
		c.found = examination{running: true, at: c.Now()}
		c.ask <- struct{}{} // there is room: nobody is looking
	}
	c.mu.Unlock()
	http.Redirect(w, r, "/connection#doctor", http.StatusSeeOther)
	return nil
}

// examine looks at everything whenever somebody asks, until ctx is done.
func (c *Console) examine(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.ask:
		}
		c.Doctor(ctx, func(d agent.Diagnosis) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.found.found = append(c.found.found, d)
		})
		c.mu.Lock()
		c.found.running = false
		c.mu.Unlock()
	}
}

// sentenceCase gives a word a capital.
func sentenceCase(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
