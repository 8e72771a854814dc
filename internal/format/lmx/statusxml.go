package lmx

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"headroom/internal/license"
)

const (
	// maxToken is how long a tag, a comment or a text between tags can be.
	maxToken = 64 << 10
	// maxHurt is how many bytes of tokens are given up at most. Reading is taken
	// up again in the line behind the start of each, so they are read twice.
	maxHurt = 4 << 20
)

// readXML reads the output of -licstatxml. What stands before the first tag is
// a banner. Nesting means nothing: a feature belongs to the LICENSE_PATH before
// it and a user to the feature before it, whatever stands around them. So the
// depth of a hostile text costs nothing, and declared entities are not
// expanded.
func (p *parser) readXML(b []byte) {
	start := bytes.IndexByte(b, '<')
	for line := range bytes.Lines(b[:start]) {
		if t := string(bytes.TrimSpace(line)); t != "" && !isBanner(t) {
			p.note(t)
		}
	}
	x := xmlReader{parser: p, b: b, line: 1}
	for from := start; from >= 0; {
		from = x.readFrom(from)
		if x.hurt > maxHurt {
			p.breakOff()
			break
		}
	}
	p.number = lines(b)
	for i := range p.servers {
		s := &p.servers[i]
		s.torn = s.torn || !s.closed
		s.tear()
	}
}

// An xmlReader is at some place of the XML.
type xmlReader struct {
	*parser
	b       []byte
	line    int // of the byte at counted, from 1
	counted int
	hurt    int // bytes of tokens that were given up
	missed  int // the last line that is unread
}

// at says in which line the byte at i is. Places must come in order.
func (x *xmlReader) at(i int) int {
	x.line += bytes.Count(x.b[x.counted:i], []byte("\n"))
	x.counted = i
	return x.line
}

// readFrom reads from a place on, to the end or to something that is no XML.
// Of that it loses the line, and returns where the next one begins; -1 at the
// end.
func (x *xmlReader) readFrom(from int) int {
	in := &portioned{b: x.b[from:]}
	d := xml.NewDecoder(in)
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	for {
		place := from + int(d.InputOffset())
		in.limit = in.next + maxToken
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return -1
		}
		if err != nil {
			x.hurt += from + in.next - place
			return x.lose(place)
		}
		x.readToken(token, place)
	}
}

// lose gives up the line at a place.
func (x *xmlReader) lose(place int) int {
	line, _, more := bytes.Cut(x.b[place:], []byte("\n"))
	next := place + len(line) + 1
	x.miss(place)
	if x.open && bytes.Contains(line, []byte("FEATURE")) {
		x.server().torn = true
	}
	if !more {
		return -1
	}
	return next
}

// miss notes that the line at a place was not understood, once for each line.
func (x *xmlReader) miss(place int) {
	line, _, _ := bytes.Cut(x.b[place:], []byte("\n"))
	line = bytes.TrimSpace(line)
	if n := x.at(place); len(line) > 0 && n != x.missed {
		x.missed = n
		x.unread.Add(n, string(line))
	}
}

func (x *xmlReader) readToken(token xml.Token, place int) {
	switch t := token.(type) {
	case xml.StartElement:
		if !x.readElement(strings.ToUpper(t.Name.Local), attributes(t.Attr)) {
			x.miss(place)
		}
	case xml.EndElement:
		if x.open && strings.EqualFold(t.Name.Local, "LICENSE_PATH") {
			x.server().closed, x.open = true, false
		}
	case xml.CharData:
		if text := strings.Join(strings.Fields(string(t)), " "); text != "" {
			x.note(text)
		}
	}
}

// attributes returns the attributes of a tag by their names in upper case.
// Values have stray blanks.
func attributes(all []xml.Attr) map[string]string {
	m := make(map[string]string, len(all))
	for _, a := range all {
		m[strings.ToUpper(a.Name.Local)] = strings.TrimSpace(a.Value)
	}
	return m
}

// readElement reads a tag, and reports whether it could. Tags of other names
// mean nothing.
func (p *parser) readElement(name string, attr map[string]string) bool {
	switch name {
	case "LICENSE_PATH":
		p.open = false
		s := p.server()
		s.address(attr["HOST"])
		s.version = bareVersion(attr["SERVER_VERSION"])
		if status := attr["STATUS"]; status != "" && !strings.EqualFold(status, "SUCCESS") {
			s.failure = status
		}
		return true
	case "FEATURE":
		return p.readFeatureTag(attr)
	case "USER":
		return p.readUserTag(attr)
	}
	return true
}

func (p *parser) readFeatureTag(attr map[string]string) bool {
	s := p.server()
	if attr["NAME"] == "" {
		s.torn = true
		return false
	}
	f := feature{
		name: attr["NAME"], version: attr["VERSION"], vendor: attr["VENDOR"],
		start: attr["START"], end: attr["END"], denied: number(attr["DENIED_LICENSES"]),
	}
	understood := f.counts(attr["USED_LICENSES"], attr["TOTAL_LICENSES"])
	s.features = append(s.features, f)
	return understood
}

func (p *parser) readUserTag(attr map[string]string) bool {
	f, n := p.feature(), number(attr["USED_LICENSES"])
	if f == nil || attr["NAME"] == "" || !n.Known {
		return false
	}
	h := license.Holder{
		User: attr["NAME"], Host: attr["HOST"], Licenses: n.N, Kind: license.HolderActive,
		Since: readTime(attr["CHECKOUT_TIME"], p.zone),
	}
	if h.Since.IsZero() {
		h.Since = readTime(attr["LOGIN_TIME"], p.zone)
	}
	for name, value := range attr {
		if strings.HasPrefix(name, "BORROW") && value != "" {
			h.Kind = license.HolderBorrowed
		}
	}
	f.users = append(f.users, h)
	return true
}

// A portioned reader ends with an error at limit, so that no token is longer
// than that.
type portioned struct {
	b           []byte
	next, limit int
}

var errTooLong = errors.New("the token is too long")

func (r *portioned) ReadByte() (byte, error) {
	switch {
	case r.next >= len(r.b):
		return 0, io.EOF
	case r.next >= r.limit:
		return 0, errTooLong
	}
	r.next++
	return r.b[r.next-1], nil
}

// Read makes it a reader for the decoder, which takes single bytes.
func (r *portioned) Read(to []byte) (int, error) {
	if len(to) == 0 {
		return 0, nil
	}
	c, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	to[0] = c
	return 1, nil
}
