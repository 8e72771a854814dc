// Package generic reads our own JSON, in which anything can say how licenses
// are used: docs/format/generic.md has the format, and a JSON Schema beside it.
//
// What is wrong is named by its path, such as pools[2].in_use, and costs only
// itself: a pool whose numbers are wrong has an unknown state with that reason.
package generic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// Manager is the name of the license manager where the document tells none.
const Manager = "generic"

// Version is the version of the format that this package reads, and mark the
// field that tells it.
const (
	Version = 1
	mark    = "headroom_usage"
)

// A Document is what one document says.
type Document struct {
	// Output tells of one license server, or why nothing is told. The snapshot
	// is empty where the document has no pools.
	Output  facts.Output
	Said    bool // the error is the document's own, not one of reading it
	Holders bool // it is told who holds licenses, even if that is nobody
	Uses    []facts.Use
	Denials []Denial
}

// A Denial is a request that was refused.
type Denial struct {
	Pool   license.Pool
	At     time.Time
	User   string
	Host   string
	Reason string
	Count  int64 // retries folded into it, at least 1
}

// limit bounds a document, in bytes.
const limit = 64 << 20

// Parse reads a document in UTF-8, in UTF-16 with a byte order mark, or else in
// the options' code page. Times have their offset in the text: the other
// options are not asked. The error is the reader's, or says that there is no
// such code page.
func Parse(r io.Reader, o facts.Options) (Document, error) {
	b, more, err := text.ReadAll(r, o.CodePage, limit)
	if err != nil {
		return Document{}, err
	}
	if more {
		return Document{Output: facts.Output{Error: fmt.Sprintf("the document has more than %d MiB", limit>>20)}}, nil
	}
	p := parser{text: b, top: object{fields: map[string]any{}}, parts: map[string]part{}}
	p.doc.Output.Lines = bytes.Count(b, []byte("\n")) + 1
	if err := p.split(); err != nil {
		p.doc.Output.Error = facts.Shorten(err.Error(), facts.MaxText)
		return p.doc, nil
	}
	p.read()
	return p.doc, nil
}

// A parser takes a document apart and reads the parts.
type parser struct {
	text   []byte
	top    object          // the fields that are no lists of the format
	parts  map[string]part // the lists, by name
	doc    Document
	offset int // up to here line ends were counted: before it there are lines
	lines  int
}

// A part is one of the document's lists.
type part struct {
	told     bool // it is there, even if empty
	elements []element
}

// An element is one entry of a list.
type element struct {
	path  string
	line  int
	value any
}

// lists are the fields whose entries are read one by one.
var lists = []string{"pools", "holders", "denials", "events"}

// split takes the document apart. The error says why it is no such document.
func (p *parser) split() error {
	d := json.NewDecoder(bytes.NewReader(p.text))
	d.UseNumber()
	if err := p.fields(d); err != nil {
		return p.syntax(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("line %d: something follows the document", p.lineAt(d.InputOffset()))
	}
	version := p.top.whole(mark)
	switch {
	case p.top.err != nil:
		return p.top.err
	case !version.Known:
		return fmt.Errorf("%s: is missing: it says the version of the format, %d", mark, Version)
	case version.N != Version:
		return fmt.Errorf("%s: version %d is not known: this program reads version %d", mark, version.N, Version)
	}
	return nil
}

func (p *parser) fields(d *json.Decoder) error {
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('{') {
		return errors.New("the document is no JSON object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if err := p.field(d, name.(string)); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

func (p *parser) field(d *json.Decoder, name string) error {
	_, twice := p.top.fields[name]
	if _, list := p.parts[name]; list || twice {
		return fmt.Errorf("%s: stands twice", name)
	}
	if slices.Contains(lists, name) {
		return p.list(d, name)
	}
	var v any
	err := d.Decode(&v)
	p.top.fields[name] = v
	return err
}

// list reads a list entry by entry, because each is told by its line.
func (p *parser) list(d *json.Decoder, name string) error {
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open == nil {
		p.parts[name] = part{}
		return nil
	}
	if open != json.Delim('[') {
		return fmt.Errorf("%s: must be a list", name)
	}
	all := part{told: true}
	for d.More() {
		e := element{path: fmt.Sprintf("%s[%d]", name, len(all.elements)), line: p.lineAt(d.InputOffset())}
		if err := d.Decode(&e.value); err != nil {
			return err
		}
		all.elements = append(all.elements, e)
	}
	p.parts[name] = all
	_, err = d.Token()
	return err
}

// lineAt returns the line of what comes next after an offset. Offsets only grow.
func (p *parser) lineAt(offset int64) int {
	rest := p.text[offset:]
	next := int(offset) + len(rest) - len(bytes.TrimLeft(rest, ", \t\r\n"))
	p.lines += bytes.Count(p.text[p.offset:next], []byte("\n"))
	p.offset = next
	return p.lines + 1
}

// syntax adds the line to an error of the JSON decoder.
func (p *parser) syntax(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if len(bytes.TrimSpace(p.text)) == 0 {
			return errors.New("the document is empty")
		}
		return errors.New("the document ends before its end")
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		at := min(max(0, wrong.Offset-1), int64(len(p.text)))
		return fmt.Errorf("line %d: %w", bytes.Count(p.text[:at], []byte("\n"))+1, wrong)
	}
	return err
}
