package generic_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"headroom/internal/format/facts"
	"headroom/internal/format/generic"
)

var docs = filepath.Join("..", "..", "..", "docs", "format")

// examples are the documents in generic.md, in their order.
func examples(t testing.TB) []string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(docs, "generic.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	text := strings.ReplaceAll(string(page), "\r\n", "\n")
	for _, block := range strings.Split(text, "\n```json\n")[1:] {
		example, _, closed := strings.Cut(block, "\n```\n")
		if !closed {
			t.Fatalf("an example has no end: %.60q", block)
		}
		all = append(all, example)
	}
	if len(all) != 3 {
		t.Fatalf("%d examples in generic.md, want 3", len(all))
	}
	return all
}

// schema is the JSON Schema beside the page. Formats are checked too.
func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docs, "generic.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("generic.schema.json", value(t, string(text))); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("generic.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if s.DraftVersion != 2020 {
		t.Errorf("the schema is of draft %d, want 2020-12", s.DraftVersion)
	}
	return s
}

func value(t testing.TB, text string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %.80q", err, text)
	}
	return v
}

func TestExamplesAreValidAndRead(t *testing.T) {
	s := schema(t)
	for i, example := range examples(t) {
		if err := s.Validate(value(t, example)); err != nil {
			t.Errorf("example %d: %v", i+1, err)
		}
		d := parse(t, example)
		if said := strings.Contains(example, `"error":`); d.Output.Unread.Total != 0 || (d.Output.Error != "") != said {
			t.Errorf("example %d: error %q, unread %+v", i+1, d.Output.Error, d.Output.Unread.First)
		}
	}
}

// meanings are what a schema cannot say.
var meanings = []string{
	"is more than", "is not after from", "is outside of the time", "is before", "contains a NUL",
}

// TestSchemaAndReaderAgree puts odd values into every place of the example.
func TestSchemaAndReaderAgree(t *testing.T) {
	s := schema(t)
	odd := []string{
		"null", "true", "0", "7", "-1", "1.5", "7.0", "1e3", "1000000000001", `""`, `"x"`, `"counted"`, `"queued"`,
		`"2026-03-03T09:12:00Z"`, `"2026-03-03T09:12:00"`, "[]", "{}", "[7]", `[""]`,
	}
	tried := 0
	for _, path := range places(value(t, examples(t)[2]), nil) {
		for _, o := range odd {
			v := value(t, examples(t)[2])
			put(v, path, value(t, o))
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			invalid := s.Validate(value(t, string(text)))
			complaint := complaintOf(t, text)
			byMeaning := false
			for _, m := range meanings {
				byMeaning = byMeaning || strings.Contains(complaint, m)
			}
			if (invalid == nil) != (complaint == "") && !(invalid == nil && byMeaning) {
				t.Errorf("%v = %s: the reader says %q, the schema %v", path, o, complaint, invalid)
			}
			tried++
		}
	}
	if tried < 1000 {
		t.Errorf("%d documents tried, want more than 1000", tried)
	}
}

// complaintOf is the first thing that the reader has against a document.
func complaintOf(t *testing.T, text []byte) string {
	t.Helper()
	d, err := generic.Parse(bytes.NewReader(text), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Output.Unread.Total > 0 {
		return d.Output.Unread.First[0].Text
	}
	return d.Output.Error
}

// places are the ways to every value inside of v.
func places(v any, way []any) [][]any {
	var all [][]any
	add := func(key any, inner any) {
		path := append(append([]any{}, way...), key)
		all = append(append(all, path), places(inner, path)...)
	}
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			add(k, inner)
		}
	case []any:
		for i, inner := range v {
			add(i, inner)
		}
	}
	return all
}

// put replaces the value at the end of a way.
func put(v any, way []any, by any) {
	for _, key := range way[:len(way)-1] {
		v = inner(v, key)
	}
	switch key := way[len(way)-1].(type) {
	case string:
		v.(map[string]any)[key] = by
	case int:
		v.([]any)[key] = by
	}
}

func inner(v, key any) any {
	if k, ok := key.(string); ok {
		return v.(map[string]any)[k]
	}
	return v.([]any)[key.(int)]
}
