// Package lmx reads what the license manager LM-X prints, under its own name
// or that of a vendor (almutil of Altair): the status as text (-licstat) and
// as XML (-licstatxml). It turns bytes into facts and returns every line that
// it could not read with its number and text. It knows no clock, no process
// and no network.
//
// Counts are those of the license server, as printed. Altair sells units and
// lets its server count a thousand for each, but not for every feature, and
// totals are no whole thousands: what a unit is, is a matter of products.
// Features are never added to each other: of Altair's, a GlobalZone feature is
// the pool that the others are drawn from, so one user of a product holds
// licenses of three features at once.
package lmx

import (
	"bytes"
	"io"
	"regexp"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
)

// maxOutput is how much of an output is read. 50,000 checkouts have 10 MiB.
const maxOutput = 16 << 20

// xmlSign tells the XML from the text.
var xmlSign = regexp.MustCompile(`<(\?xml|LM-X|LICENSE_PATH)\b`)

// ParseStatus reads the output of -licstat or -licstatxml; the text says which
// of them it is. An output can tell of several license servers. The up to
// three of a high-availability setup have the same licenses and are one: they
// are recognised by that, where at least two of them answer.
//
// Rows of one feature are added, since they differ in version or expiry only;
// Terms has them one by one, where Start and Expiry are midnight UTC of the day
// that is printed. Who shares a license stands in Holders as often as the
// server says, so holders can have more licenses together than are in use.
// Reserved and Queued are not told by LM-X. The error is for reading r and for
// a code page that does not exist.
func ParseStatus(r io.Reader, o facts.Options) (facts.Output, error) {
	b, more, err := text.ReadAll(r, o.CodePage, maxOutput)
	p := parser{zone: o.Zone}
	if p.zone == nil {
		p.zone = time.UTC
	}
	if xmlSign.Match(b) {
		p.readXML(b)
	} else {
		p.readText(b)
	}
	if more || err != nil {
		p.breakOff()
	}
	return p.finish(), err
}

// A parser holds what was read so far.
type parser struct {
	zone    *time.Location
	servers []server
	open    bool     // the last of servers is not finished
	notes   []string // that stand before any server
	number  int      // of the line at hand
	unread  facts.UnreadLines
}

// server returns the license server at hand, and opens one if the output has
// not named it.
func (p *parser) server() *server {
	if !p.open {
		p.servers = append(p.servers, server{})
		p.open = true
	}
	return &p.servers[len(p.servers)-1]
}

// feature returns the feature at hand, or nil.
func (p *parser) feature() *feature {
	if !p.open {
		return nil
	}
	return p.server().last()
}

// maxNotes is how many lines may become the text of an error.
const maxNotes = 5

// note keeps a text that may say why there is nothing else.
func (p *parser) note(s string) {
	notes := &p.notes
	if p.open {
		notes = &p.server().notes
	}
	if len(*notes) < maxNotes {
		*notes = append(*notes, facts.Shorten(s, facts.MaxText))
	}
}

// breakOff notes that the output goes on and was not read to its end.
func (p *parser) breakOff() {
	if len(p.servers) > 0 {
		p.servers[len(p.servers)-1].torn = true
	}
}

// lines counts the lines of b.
func lines(b []byte) int {
	n := bytes.Count(b, []byte("\n"))
	if len(b) > 0 && b[len(b)-1] != '\n' {
		n++
	}
	return n
}
