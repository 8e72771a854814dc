package console

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
	"headroom/internal/look"
)

// maxForm is the most that a form may send, but those that carry a text; what is
// refused is read up to maxRefused, so that the browser gets to see why.
const (
	maxForm    = 64 << 10
	maxRefused = 64 << 20
)

// A visit is one request: who asks, for which organisation, and how times are
// written for it. Before signing in there is no member.
type visit struct {
	member account.Member
	org    account.Organisation
	clock  look.Clock
	theme  string

	address string // from which the request came
}

// actor is who does what the request asks for.
func (v visit) actor() audit.Actor { return v.member.Actor(v.address) }

// page answers for a route: it finds out who asks, refuses those who may not,
// and turns an error into a page.
func (c *Console) page(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		body := r.Body
		r.Body = http.MaxBytesReader(w, body, rt.most())
		v, err := c.visit(r)
		if err == nil && rt.least != "" {
			err = allowed(v, rt.least)
		}
		if err == nil && rt.least != "" && c.wantsFactor(r, v) && !strings.Contains(rt.pattern, factorPath) {
			http.Redirect(w, r, factorPath, http.StatusSeeOther)
			return
		}
		if err == nil && r.Method == http.MethodPost {
			err = readForm(r, rt.most())
		}
		if fault.KindOf(err) == fault.TooLarge {
			_, _ = io.CopyN(io.Discard, body, maxRefused) // it is refused whatever comes
		}
		if err == nil {
			err = rt.handle(w, r, v)
		}
		if err != nil {
			c.fail(w, r, v, err)
		}
	})
}

// visit says who asks. Nobody is no error.
func (c *Console) visit(r *http.Request) (visit, error) {
	v := visit{clock: look.Clock{Now: c.Now(), Zone: time.UTC}, theme: look.Theme(r), address: peer(r)}
	m, err := c.Sessions.Member(r.Context())
	if fault.KindOf(err) == fault.Unauthorized {
		m, err = c.guest(), nil
	}
	if err != nil || m.ID == 0 {
		return v, err
	}
	v.org, err = c.Accounts.Organisation(r.Context(), m.Org)
	if err != nil {
		return v, err
	}
	v.member = m
	zone, err := time.LoadLocation(v.org.Zone)
	if err != nil {
		c.Log.Warn("time zone is not known; times are shown in UTC", "zone", v.org.Zone, "err", err)
		zone = time.UTC
	}
	v.clock.Zone = zone
	return v, nil
}

// guest is the member as whom everybody is let in, if there is one.
func (c *Console) guest() account.Member {
	if c.Guest == nil {
		return account.Member{}
	}
	return c.Guest()
}

// allowed refuses nobody's and too low a member's visit.
func allowed(v visit, least account.Role) error {
	if v.member.ID == 0 {
		return fault.Errorf(fault.Unauthorized, "sign in first")
	}
	if !v.member.Role.May(least) {
		return fault.Errorf(fault.Forbidden, "this needs the role %s; yours is %s. An administrator can change it.", least, v.member.Role)
	}
	return nil
}

// largeForms are those that carry a text.
var largeForms = map[string]bool{"POST /bench": true, "POST /bench/redacted": true}

// most is how much a form of the route may send.
func (rt route) most() int64 {
	if largeForms[rt.pattern] {
		return maxBenchForm
	}
	return maxForm
}

// readForm reads a form of at most so many bytes into memory.
func readForm(r *http.Request, most int64) error {
	err := r.ParseForm()
	if err == nil {
		if err = r.ParseMultipartForm(most); errors.Is(err, http.ErrNotMultipart) {
			err = nil
		}
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return fault.Wrap(fault.TooLarge, err, "the form is larger than what may be sent here: "+strconv.FormatInt(most>>10, 10)+" KiB")
	}
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the form could not be read; go back and send it again")
	}
	return nil
}

// statuses are what a kind of error is over HTTP.
var statuses = map[fault.Kind]int{
	fault.Internal:     http.StatusInternalServerError,
	fault.Invalid:      http.StatusUnprocessableEntity,
	fault.NotFound:     http.StatusNotFound,
	fault.Conflict:     http.StatusConflict,
	fault.Unauthorized: http.StatusUnauthorized,
	fault.Forbidden:    http.StatusForbidden,
	fault.TooLarge:     http.StatusRequestEntityTooLarge,
	fault.TooMany:      http.StatusTooManyRequests,
	fault.Unavailable:  http.StatusServiceUnavailable,
}

// A failurePage says what went wrong and where to go on.
type failurePage struct {
	Status  int
	Title   string
	Message string
	Back    string // address to go on from
	Where   string // what Back is called
}

var failureTitles = map[fault.Kind]string{
	fault.Internal:    "Something went wrong here",
	fault.Invalid:     "That cannot be done as asked",
	fault.NotFound:    "There is no such page",
	fault.Conflict:    "It has changed in the meantime",
	fault.Forbidden:   "You may not do this",
	fault.TooLarge:    "That is too large",
	fault.TooMany:     "Too many attempts",
	fault.Unavailable: "Not available at the moment",
}

// fail answers with an error: the sign-in page where signing in helps, else a
// page that says what is wrong.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, v visit, err error) {
	kind := fault.KindOf(err)
	if kind == fault.Unauthorized {
		http.Redirect(w, r, loginFor(r), http.StatusSeeOther)
		return
	}
	page := failurePage{Status: statuses[kind], Title: failureTitles[kind], Message: look.Sentence(fault.Message(err)), Back: "/", Where: "Usage"}
	if kind == fault.Internal {
		c.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		page.Message = "The hub could not make this page. What happened stands in its log."
	}
	if v.member.ID == 0 {
		page.Where = "Sign in"
	}
	retryAfter(w, err)
	if err := show(c, w, r, v, look.Shell{Title: page.Title}, c.pages.failure, page.Status, page); err != nil {
		c.Log.Error("error page failed", "path", r.URL.Path, "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}

// foreign answers to a form that another site sent.
func (c *Console) foreign(w http.ResponseWriter, r *http.Request) {
	v := visit{clock: look.Clock{Now: c.Now(), Zone: time.UTC}, theme: look.Theme(r)}
	page := failurePage{
		Status: http.StatusForbidden, Title: "This came from another site", Back: "/", Where: "Usage",
		Message: "The form was not sent from a page of this hub, so nothing was done. Open the hub and try again.",
	}
	if err := show(c, w, r, v, look.Shell{Title: page.Title}, c.pages.failure, page.Status, page); err != nil {
		c.Log.Error("error page failed", "path", r.URL.Path, "err", err)
	}
}

func (c *Console) notFound(http.ResponseWriter, *http.Request, visit) error {
	return fault.Errorf(fault.NotFound, "the address may be mistyped, or what it showed was removed")
}

// retryAfter tells when asking again makes sense, where that is known.
func retryAfter(w http.ResponseWriter, err error) {
	if after := waitOf(err); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
	}
}

// show renders a page within the shell of a visit and writes it. Nothing is
// written if the page cannot be made.
func show[T any](c *Console, w http.ResponseWriter, r *http.Request, v visit, s look.Shell, p look.Page[T], status int, data T) error {
	s.Theme, s.Demo, s.Footer = v.theme, c.Demo, c.footer(v)
	s.Bare = v.member.ID == 0
	if !s.Bare {
		s.Nav = navOf(v.member.Role)
		s.Owner = v.org.Name
		s.User = look.User{Name: v.member.Name, Email: v.member.Email, Role: string(v.member.Role)}
		s.SignOut = "/logout"
		s.Notes = append(s.Notes, c.takeNotes(r)...)
	}
	body, err := p.Render(s, data)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err = w.Write(body)
	if err != nil {
		c.Log.Debug("page not delivered", "path", r.URL.Path, "err", err)
	}
	return nil
}

// nav lists what there is, and who may open it at least.
var nav = []struct {
	look.NavItem
	least account.Role
}{
	{look.NavItem{Key: "usage", Label: "Usage", Icon: "chart-column", Href: "/"}, account.Viewer},
	{look.NavItem{Key: "servers", Label: "License Servers", Icon: "server", Href: "/servers"}, account.Viewer},
	{look.NavItem{Key: "registrations", Label: "Product Registrations", Icon: "key-round", Href: "/registrations"}, account.Viewer},
	{look.NavItem{Key: "settings", Label: "Settings", Icon: "user", Href: "/settings"}, account.Viewer},
	{look.NavItem{Key: "audit", Label: "Audit log", Icon: "shield-check", Href: "/audit"}, account.Admin},
}

// navOf is the navigation for a role.
func navOf(role account.Role) (items []look.NavItem) {
	for _, n := range nav {
		if role.May(n.least) {
			items = append(items, n.NavItem)
		}
	}
	return items
}

func (c *Console) footer(v visit) string {
	s := "Headroom"
	if c.Version != "" {
		s += " " + c.Version
	}
	if v.member.ID != 0 {
		s += ". Times are in " + v.clock.ZoneText() + ". Page made " + v.clock.Text(v.clock.Now) + "."
	}
	return s
}

// The session's keys for what the next page tells.
const (
	keyTone = "note-tone"
	keyNote = "note"
)

// tell has the next page of this session say what was done.
func (c *Console) tell(r *http.Request, tone look.Tone, text string) {
	c.Sessions.Put(r.Context(), keyTone, string(tone))
	c.Sessions.Put(r.Context(), keyNote, text)
}

func (c *Console) takeNotes(r *http.Request) []look.Note {
	text := c.Sessions.PopString(r.Context(), keyNote)
	tone := c.Sessions.PopString(r.Context(), keyTone)
	if text == "" {
		return nil
	}
	return []look.Note{{Tone: look.Tone(tone), Text: text}}
}

// loginFor returns the sign-in page that leads back to what was asked for.
func loginFor(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == "/" {
		return "/login"
	}
	return "/login?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
}

// localPath returns next if it is a page of this hub, else the first page.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// peer returns the address at the other end of the connection.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
