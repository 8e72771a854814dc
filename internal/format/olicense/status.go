// Package olicense reads what olixtool prints about an OLicense server: the
// licenses it grants, module by module, and who holds them. It turns bytes
// into facts and returns every line that it could not read with its number and
// text.
package olicense

import (
	"io"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// maxKept bounds what one status may make us keep: modules and holders.
const maxKept = 1 << 20

// ParseStatus reads the output of olixtool. A pool is a module: the same
// module in several licenses is added, and each license is a term. The output
// has no date of its own; expiries stand in o.Zone. The error is for reading r
// and for a code page that does not exist; what olixtool itself complains
// about stands in Output.Error.
func ParseStatus(r io.Reader, o facts.Options) (facts.Output, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return facts.Output{}, err
	}
	p := statusParser{zone: o.Zone, server: license.Server{Manager: "olicense"}}
	if p.zone == nil {
		p.zone = time.UTC
	}
	for lines.Next() {
		t := strings.TrimSpace(lines.Text())
		if t != "" && (lines.Cut() || !p.read(t)) {
			p.out.Unread.Add(lines.Number(), t)
		}
	}
	p.out.Lines = lines.Number()
	p.finish()
	return p.out, lines.Err()
}

// A statusParser holds what is between two lines.
type statusParser struct {
	zone    *time.Location
	out     facts.Output
	server  license.Server
	failure string // olixtool's own words

	block   block
	columns []string         // of the table of modules
	module  *license.Reading // the row at hand; nil before the first one of a block
	rows    facts.Readings
	holders []license.Holder
	terms   []facts.Term
	kept    int
}

// A block is the head of one license.
type block struct {
	application string
	versions    string
	licenser    string
}

// read applies the rules to a line that is not empty, and reports whether one
// of them understood it.
func (p *statusParser) read(t string) bool {
	switch {
	case isRuler(t, '='):
		p.flush()
		p.block = block{}
		return true
	case isRuler(t, '-'):
		return true
	case strings.HasPrefix(t, "OlComm "):
		p.failure = facts.Shorten(t, facts.MaxText)
		return true
	case strings.HasPrefix(t, "Server:"):
		return p.readServer(strings.TrimPrefix(t, "Server:"))
	}
	return isBanner(t) || p.readHead(t) || p.readRow(t) || p.readLocked(t) || p.readHolder(t)
}

func isRuler(t string, c byte) bool { return len(t) >= 5 && strings.Trim(t, string(c)) == "" }

func isBanner(t string) bool {
	return strings.HasPrefix(t, "olixtool ") || strings.HasPrefix(t, "Copyright (C)") || strings.HasPrefix(t, "List of requested licenses")
}

// readServer reads "<HOST:PORT:N> (Proxy: <>)".
func (p *statusParser) readServer(s string) bool {
	s, _, ok := strings.Cut(strings.TrimSpace(s), ">")
	w := strings.Split(strings.TrimPrefix(s, "<"), ":")
	if !ok || len(w) < 3 {
		return false
	}
	host := strings.Join(w[:len(w)-2], ":") // an IPv6 address has colons of its own
	port, ok := text.ParseCount(w[len(w)-2])
	if !ok || port > 65535 || host == "" {
		return false
	}
	p.server.Hosts, p.server.Port = []string{host}, int(port)
	return true
}

// readHead reads the lines that say whose license the modules below belong to.
func (p *statusParser) readHead(t string) bool {
	key, value, ok := strings.Cut(t, ":")
	value = strings.TrimSpace(value)
	switch {
	case !ok:
		return false
	case key == "Application":
		p.block.application = value
	case key == "VersionRange":
		p.block.versions = value
	case key == "Licenser":
		p.block.licenser = value
	case key == "Licensee", key == "License-ID", key == "Modules":
	default:
		return false
	}
	return true
}

// flush puts the row at hand to the others.
func (p *statusParser) flush() {
	if p.module != nil {
		p.rows.Add(*p.module)
		p.module = nil
	}
}

// finish puts together what was read, or says why there is nothing.
func (p *statusParser) finish() {
	p.flush()
	readings := p.rows.All()
	switch {
	case len(readings) > 0:
		s := facts.Status{Server: p.server, Terms: p.terms}
		s.Snapshot = license.Snapshot{
			Complete: p.failure == "" && p.out.Unread.Total == 0,
			Readings: readings, Holders: p.holders,
		}
		p.out.Servers = []facts.Status{s}
	case p.failure != "":
		p.out.Error = p.failure
	case p.out.Lines == 0:
		p.out.Error = "the output is empty"
	default:
		p.out.Error = "the output lists no modules of a license"
	}
}
