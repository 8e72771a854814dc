package rest

import (
	"bytes"
	_ "embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsText string

var docsPage = template.Must(template.New("docs").Parse(docsText))

// A docsOperation is an operation as the page of the document shows it.
type docsOperation struct {
	Method, Path, Summary, Description, ID string
	Params                                 []docsParam
}

type docsParam struct {
	Name, In, Doc string
	Required      bool
}

// docs writes the OpenAPI document for people: no script, nothing from elsewhere.
func (s *Server) docs(w http.ResponseWriter, doc *huma.OpenAPI) {
	var all []docsOperation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		item := doc.Paths[path]
		for _, m := range []struct {
			method string
			op     *huma.Operation
		}{{http.MethodGet, item.Get}, {http.MethodPost, item.Post}, {http.MethodPut, item.Put}, {http.MethodDelete, item.Delete}} {
			if m.op == nil {
				continue
			}
			o := docsOperation{Method: m.method, Path: path, Summary: m.op.Summary, Description: m.op.Description, ID: m.op.OperationID}
			for _, p := range m.op.Parameters {
				doc := p.Description
				if p.Schema != nil && len(p.Schema.Enum) > 0 {
					doc = strings.TrimSpace(doc + " One of: " + enumText(p.Schema.Enum) + ".")
				}
				o.Params = append(o.Params, docsParam{p.Name, p.In, doc, p.Required})
			}
			all = append(all, o)
		}
	}
	var b bytes.Buffer
	if err := docsPage.Execute(&b, map[string]any{"Operations": all, "Prefix": Prefix, "URL": s.URL}); err != nil {
		s.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	_, _ = b.WriteTo(w) // the reader may be gone
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
