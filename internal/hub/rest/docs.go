package rest

import (
	"cmp"
	"embed"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"headroom/internal/look"
)

//go:embed docs.html
var docsFiles embed.FS

// Styles are those of the page of the document, beside the look of every page.
//
//go:embed docs.css
var Styles []byte

// A docsPage is the OpenAPI document as people read it.
type docsPage struct {
	Prefix, URL string
	Groups      []docsGroup
}

// A docsGroup is the operations on one kind of thing.
type docsGroup struct {
	Name, ID   string
	Operations []docsOperation
}

// A docsOperation is an operation as the page shows it.
type docsOperation struct {
	Method, Path, Summary, Description, ID string
	Params, Body, Answer                   docsFields
}

type docsFields struct {
	Name   string
	Fields []docsField
}

type docsField struct {
	Name, Type, Doc string
	Required        bool
}

// docs makes the page of the document.
func (s *Server) docs(doc *huma.OpenAPI) (http.Handler, error) {
	page, err := look.NewPage[docsPage](s.Assets, docsFiles, "docs.html")
	if err != nil {
		return nil, err
	}
	data := newDocsPage(doc, s.URL)
	shell := look.Shell{Title: "REST API", Section: "docs", Footer: strings.TrimSpace("Headroom " + s.Version)}
	shell.Nav = []look.NavItem{{Key: "console", Label: "Console", Icon: "arrow-left", Href: "/"}, {Key: "docs", Label: "REST API", Icon: "table-2", Href: Prefix + "/docs"}}
	for _, g := range data.Groups {
		shell.Nav = append(shell.Nav, look.NavItem{Key: g.ID, Label: g.Name, Icon: "chevron-right", Href: "#" + g.ID})
	}
	return look.Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shell := shell
		shell.Theme = look.Theme(r)
		body, err := page.Render(shell, data)
		if err != nil {
			s.refuse(w, err)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(body) // the reader may be gone
	})), nil
}

func newDocsPage(doc *huma.OpenAPI, url string) docsPage {
	p := docsPage{Prefix: Prefix, URL: url}
	place := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		item := doc.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op == nil {
				continue
			}
			name := groupOf(path)
			i, ok := place[name]
			if !ok {
				i = len(p.Groups)
				place[name] = i
				p.Groups = append(p.Groups, docsGroup{Name: name, ID: "on-" + strings.ReplaceAll(strings.ToLower(name), " ", "-")})
			}
			p.Groups[i].Operations = append(p.Groups[i].Operations, newDocsOperation(doc, path, op))
		}
	}
	slices.SortStableFunc(p.Groups, func(a, b docsGroup) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

// groupNames are what the first words of addresses are about, where they do not say so
// themselves.
var groupNames = map[string]string{
	"servers": "License servers", "pending-servers": "Registrations", "approvals": "Registrations", "organisation": "Settings", "members": "Settings",
	"invitations": "Settings", "tokens": "Settings", "catalog": "Settings", "audit": "Audit log",
}

func groupOf(path string) string {
	word, _, _ := strings.Cut(strings.TrimPrefix(path, Prefix+"/"), "/")
	if name, ok := groupNames[word]; ok {
		return name
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

func newDocsOperation(doc *huma.OpenAPI, path string, op *huma.Operation) docsOperation {
	o := docsOperation{
		Method: op.Method, Path: path, Summary: op.Summary, Description: op.Description, ID: op.OperationID,
		Params: docsFields{Name: "In the address"}, Body: docsFields{Name: "In the body"}, Answer: docsFields{Name: "In the answer"},
	}
	for _, p := range op.Parameters {
		f := newDocsField(doc, p.Name, p.Schema, p.Required)
		if p.In == "header" {
			f.Type += ", a header"
		}
		if !strings.HasPrefix(f.Doc, p.Description) {
			f.Doc = strings.TrimSpace(p.Description + " " + f.Doc)
		}
		o.Params.Fields = append(o.Params.Fields, f)
	}
	if op.RequestBody != nil {
		o.Body.Fields = fieldsOf(doc, op.RequestBody.Content)
	}
	for _, status := range []string{"200", "201"} {
		if r := op.Responses[status]; r != nil {
			o.Answer.Fields = fieldsOf(doc, r.Content)
			for i := range o.Answer.Fields {
				o.Answer.Fields[i].Required = false // it is there or not: nobody needs to give it
			}
		}
	}
	return o
}

// fieldsOf lists the fields of a content in JSON: of a list, those of its items too.
func fieldsOf(doc *huma.OpenAPI, content map[string]*huma.MediaType) []docsField {
	c := content[jsonType]
	if c == nil {
		return nil
	}
	return schemaFields(doc, c.Schema, "")
}

func schemaFields(doc *huma.OpenAPI, s *huma.Schema, prefix string) (all []docsField) {
	s = resolved(doc, s)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		property := s.Properties[name]
		all = append(all, newDocsField(doc, prefix+name, property, prefix == "" && slices.Contains(s.Required, name)))
		if items := resolved(doc, property).Items; items != nil && prefix == "" {
			all = append(all, schemaFields(doc, items, name+"[].")...)
		}
	}
	return all
}

// resolved follows a reference.
func resolved(doc *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s == nil {
		return &huma.Schema{}
	}
	return s
}

func newDocsField(doc *huma.OpenAPI, name string, s *huma.Schema, required bool) docsField {
	to := resolved(doc, s)
	f := docsField{Name: name, Type: cmp.Or(to.Format, to.Type), Required: required}
	if to.Type == "array" {
		f.Type = "list"
	}
	if s != nil {
		f.Doc = s.Description
	}
	if words := enumText(to.Enum); words != "" {
		f.Doc = strings.TrimSpace(f.Doc + " One of: " + words + ".")
	}
	if to.Minimum != nil && to.Maximum != nil {
		f.Doc = strings.TrimSpace(f.Doc + fmt.Sprintf(" %g to %g.", *to.Minimum, *to.Maximum))
	}
	return f
}

func enumText(values []any) string {
	words := make([]string, 0, len(values))
	for _, v := range values {
		if w, ok := v.(string); ok {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}
