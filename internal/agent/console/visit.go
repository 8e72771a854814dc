package console

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"headroom/internal/look"
)

const (
	cookieName  = "headroom-agent"
	idleTime    = 30 * time.Minute // without a page, then a session ends
	sessionTime = 12 * time.Hour   // after which it ends in any case
	maxSessions = 16               // the one that was used least lately makes room
	maxForm     = 16 << 10
)

// A session is a browser that was let in.
type session struct {
	begun, seen time.Time
	note        look.Note // what the next page tells
}

// A visit is one request: of which session, and how it is answered.
type visit struct {
	session *session // nil: of nobody who was let in
	clock   look.Clock
	theme   string
}

// page answers for a route: it finds out who asks, and turns an error into a
// note on the page from which a form came.
func (c *Console) page(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		v := c.visit(r)
		if !rt.open && v.session == nil {
			c.lock(w, r, v, http.StatusUnauthorized)
			return
		}
		if err := r.ParseForm(); err != nil {
			http.Error(w, "the form could not be read", http.StatusBadRequest)
			return
		}
		err := rt.handle(w, r, v)
		if err == nil {
			return
		}
		c.Log.Warn("the console could not do what it was asked for", "method", r.Method, "path", r.URL.Path, "err", err)
		if r.Method == http.MethodGet {
			http.Error(w, "the page could not be made; the agent's log says why", http.StatusInternalServerError)
			return
		}
		c.done(w, r, v, look.Bad, look.Sentence(err.Error()))
	})
}

// visit says who asks.
func (c *Console) visit(r *http.Request) visit {
	now := c.Now()
	v := visit{clock: look.Clock{Now: now, Zone: time.Local}, theme: look.Theme(r)}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessions[cookie.Value]
	if s == nil {
		return v
	}
	if now.Sub(s.seen) >= idleTime || now.Sub(s.begun) >= sessionTime {
		delete(c.sessions, cookie.Value)
		return v
	}
	s.seen = now
	v.session = s
	return v
}

// getEnter lets in who comes with a link of headroom agent console.
func (c *Console) getEnter(w http.ResponseWriter, r *http.Request, v visit) error {
	if !c.entry.take(r.FormValue("token"), v.clock.Now) {
		if v.session != nil { // the link was used here already
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return nil
		}
		c.lock(w, r, v, http.StatusForbidden)
		return nil
	}
	value := rand.Text() + rand.Text()
	c.mu.Lock()
	c.makeRoom()
	c.sessions[value] = &session{begun: v.clock.Now, seen: v.clock.Now}
	c.mu.Unlock()
	// Not Secure: there is no TLS on loopback, and not every browser takes such
	// a cookie there.
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// makeRoom ends the session that was used least lately, if there are too many.
func (c *Console) makeRoom() {
	if len(c.sessions) < maxSessions {
		return
	}
	var oldest string
	for value, s := range c.sessions {
		if oldest == "" || s.seen.Before(c.sessions[oldest].seen) {
			oldest = value
		}
	}
	delete(c.sessions, oldest)
}

// postLeave ends the session.
func (c *Console) postLeave(w http.ResponseWriter, r *http.Request, _ visit) error {
	if cookie, err := r.Cookie(cookieName); err == nil {
		c.mu.Lock()
		delete(c.sessions, cookie.Value)
		c.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// A lockedPage says how to get in.
type lockedPage struct {
	Command string
	Used    bool // a link was used up, or too old
}

func (c *Console) lock(w http.ResponseWriter, _ *http.Request, v visit, status int) {
	p := lockedPage{Command: c.command("console"), Used: status == http.StatusForbidden}
	if err := show(c, w, v, look.Shell{Title: "Closed", Bare: true}, c.pages.locked, status, p); err != nil {
		c.Log.Error("the console's page of entry failed", "err", err)
		http.Error(w, "not allowed", status)
	}
}

// command is what the command line is told for the same.
func (c *Console) command(words string) string {
	file := c.File
	if strings.ContainsAny(file, " \t") {
		file = `"` + file + `"`
	}
	return "headroom agent " + words + " --config " + file
}

// done goes back to the page that the form came from, which then tells what was done.
func (c *Console) done(w http.ResponseWriter, r *http.Request, v visit, tone look.Tone, text string) {
	c.mu.Lock()
	v.session.note = look.Note{Tone: tone, Text: text}
	c.mu.Unlock()
	back := "/"
	for _, n := range nav[1:] {
		if strings.HasPrefix(r.URL.Path, n.Href) {
			back = n.Href
		}
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// nav lists what there is.
var nav = []look.NavItem{
	{Key: "overview", Label: "Overview", Icon: "server", Href: "/"},
	{Key: "registration", Label: "Registration", Icon: "key-round", Href: "/registration"},
	{Key: "connection", Label: "Connection", Icon: "shield-check", Href: "/connection"},
	{Key: "payload", Label: "What was sent", Icon: "eye", Href: "/payload"},
}

// show renders a page and writes it.
func show[T any](c *Console, w http.ResponseWriter, v visit, s look.Shell, p look.Page[T], status int, data T) error {
	s.Theme, s.Product, s.Owner, s.Nav = v.theme, "Headroom agent", c.Host, nav
	s.Footer = "Headroom agent " + c.Version + ". Times are in this machine's zone. Page made " + v.clock.Text(v.clock.Now) + "."
	if v.session != nil {
		s.SignOut, s.User = "/leave", look.User{Name: "Administrator", Email: "of this machine"}
		c.mu.Lock()
		if v.session.note.Text != "" {
			s.Notes = append(s.Notes, v.session.note)
			v.session.note = look.Note{}
		}
		c.mu.Unlock()
	}
	body, err := p.Render(s, data)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err = w.Write(body); err != nil {
		c.Log.Debug("page not delivered", "err", err)
	}
	return nil
}

func (c *Console) notFound(w http.ResponseWriter, r *http.Request, _ visit) error {
	http.NotFound(w, r)
	return nil
}
