package look

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
)

//go:embed parts/*.html
var parts embed.FS

// A Shell is what surrounds the content of every page.
type Shell struct {
	Title   string // of the page
	Product string // stands beside the mark; default "Headroom"
	Section string // Key of the current entry of Nav
	Nav     []NavItem
	Theme   string // "light" or "dark"; else the browser decides
	Owner   string // whose page it is: the organisation, or the machine
	User    User   // who is signed in; zero: nobody
	SignOut string // address that a sign-out form posts to
	Demo    bool   // the page shows made-up data and says so
	Notes   []Note
	Bare    bool   // no navigation: before signing in
	Footer  string // small print at the foot: version, zone
}

// A User is who is signed in.
type User struct{ Name, Email, Role string }

// A NavItem is an entry of the navigation.
type NavItem struct {
	Key, Label, Icon, Href string
	Count                  int // of what needs somebody; 0: nothing is shown
}

// A Note tells the outcome of what was done, on the page that follows.
type Note struct {
	Tone Tone
	Text string
}

// A Field is an input of a form with its label.
type Field struct {
	Name, Label string
	Type        string // "text" if empty
	Value       string
	Hint        string // under the label
	Error       string // what is wrong with Value
	Complete    string // autocomplete token
	Max, Min    int    // length in characters; 0: any
	Optional    bool
	Focus       bool // gets the focus when the page opens
	Mono        bool // a code: wide letters of one width, upper case
	Zone        bool // a time zone: the script offers those that the browser knows, its own first
}

// A Page renders pages that show a T.
type Page[T any] struct{ tmpl *template.Template }

// NewPage reads the templates of a page: those of all pages (this package's
// parts) and the named files of fsys, one of which defines "main" for a T.
func NewPage[T any](a *Assets, fsys fs.FS, files ...string) (Page[T], error) {
	t, err := template.New("shell").Funcs(a.Funcs()).ParseFS(parts, "parts/*.html")
	if err != nil {
		return Page[T]{}, fmt.Errorf("parts of pages: %w", err)
	}
	if t, err = t.ParseFS(fsys, files...); err != nil {
		return Page[T]{}, err
	}
	if t.Lookup("main") == nil {
		return Page[T]{}, fmt.Errorf("%v define no template main", files)
	}
	return Page[T]{t.Option("missingkey=error")}, nil
}

// Render returns the whole page. It is made in memory, so that a page that
// fails halfway is never sent.
func (p Page[T]) Render(s Shell, data T) ([]byte, error) {
	if s.Product == "" {
		s.Product = "Headroom"
	}
	var b bytes.Buffer
	err := p.tmpl.ExecuteTemplate(&b, "shell", struct {
		Shell
		Data T
	}{s, data})
	return b.Bytes(), err
}

// Funcs are the functions that templates may call.
func (a *Assets) Funcs() template.FuncMap {
	return template.FuncMap{
		"asset":   a.URL,
		"icon":    a.Icon,
		"number":  Number,
		"decimal": Decimal,
		"percent": Percent,
		"count":   Count,
		"unknown": Unknown,
		"none":    None,
		"plural":  Plural,
		"badge":   Badge,
		"status":  Status,
		"shape":   Shape,
		"spark":   Spark,
		"strip":   Strip,
	}
}
