package rlm

import (
	"io"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
)

// maxFacts bounds what one status may make us keep.
const maxFacts = 1 << 20

// A statusPart is what the lines of a status are about.
type statusPart int

const (
	partServer  statusPart = iota // rlm or a vendor's server itself
	partVendors                   // the table of vendors' servers
	partPools
	partUsage
)

// A statusParser holds what is between two lines.
type statusParser struct {
	out      facts.Output
	zone     *time.Location
	at       time.Time // when the text was taken
	path     string    // of licenses, as rlmutil was given it
	srv      *openServer
	part     statusPart
	failures []*failure
	failing  *failure // whose text may go on
	kept     int
}

// ParseStatus reads the output of rlmutil rlmstat -a, with or without -i. The
// error is for reading r and for a code page that does not exist; everything
// else that is wrong stands in Output.Error, in Status.Error and Status.Partial,
// and in the unread lines.
//
// A snapshot is complete if the output lists the vendors' servers, all of them
// run, and the pools of each were reached and read; with -i it never is. In use
// is what the pool says: checkouts that share one license stand on lines of
// their own among the holders. Refusals are counted by vendor and not by pool,
// so that Denied is empty.
func ParseStatus(r io.Reader, o facts.Options) (facts.Output, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return facts.Output{}, err
	}
	p := statusParser{zone: zoneOf(o), at: o.At}
	for lines.Next() {
		p.next(lines.Text(), lines.Number(), lines.Cut())
	}
	p.out.Lines = lines.Number()
	p.finish()
	return p.out, lines.Err()
}

func zoneOf(o facts.Options) *time.Location {
	if o.Zone == nil {
		return time.UTC
	}
	return o.Zone
}

// next reads one line.
func (p *statusParser) next(s string, number int, cut bool) {
	t := strings.TrimSpace(s)
	if t == "" {
		return
	}
	if !cut && p.kept < maxFacts && p.read(t) {
		p.kept++
		return
	}
	p.out.Unread.Add(number, strings.TrimRight(s, " \t"))
	if p.srv != nil && p.part >= partPools {
		p.srv.torn = true
	}
}

// read applies the rules to a line that is not empty, and reports whether one
// of them understood it.
func (p *statusParser) read(t string) bool {
	if p.failure(t) {
		return true
	}
	if p.heading(t) || p.preamble(t) {
		p.failing = nil
		return true
	}
	if p.srv == nil {
		return false
	}
	switch p.part {
	case partVendors:
		return p.srv.vendorRow(t)
	case partPools:
		return p.srv.poolLine(t)
	case partUsage:
		return p.usageLine(t)
	}
	return p.selfLine(t)
}

// preamble reads what rlmutil says before it asks a server.
func (p *statusParser) preamble(t string) bool {
	if !isPreamble(t) {
		return false
	}
	p.closeServer()
	if path, ok := strings.CutPrefix(t, setsPath); ok {
		p.path = path
	}
	return true
}

// heading reads the lines that divide an output.
func (p *statusParser) heading(t string) bool {
	if isRule(t) {
		p.part = partServer
		return true
	}
	if strings.HasPrefix(t, "---") && strings.Contains(t, " ISV servers ") {
		p.part = partVendors
		return true
	}
	h, ok := readHeading(t)
	if !ok {
		return false
	}
	switch h.of {
	case "":
		if h.name != "rlm" {
			return false
		}
		p.closeServer()
		p.server(h).whole = true
		p.part = partServer
	case "ISV server":
		p.server(h).vendor(h.name)
		p.part = partServer
	case "license pool":
		p.server(h).vendor(h.name).pools = true
		p.part = partPools
	case "license usage":
		p.server(h).vendor(h.name).usage = true
		p.part = partUsage
	}
	p.srv.current = h.name
	return true
}

// server returns the license server at hand. If there is none the heading is
// of a vendor's server, whose port is not that of the license server.
func (p *statusParser) server(h heading) *openServer {
	if p.srv != nil {
		return p.srv
	}
	port := h.port
	if h.of != "" {
		port = portInPath(p.path, h.host)
	}
	p.srv = newServer(h.host, port)
	return p.srv
}

// selfLine reads what rlm or a vendor's server says of itself.
func (p *statusParser) selfLine(t string) bool {
	if version, ok := readVersion(t); ok {
		if p.srv.server.Version == "" {
			p.srv.server.Version = version
		}
		return true
	}
	if at, ok := readMoment(t, p.zone); ok {
		if at.After(p.srv.at) {
			p.srv.at = at
		}
		return true
	}
	return isSelfNote(t)
}

// usageLine reads a checkout.
func (p *statusParser) usageLine(t string) bool {
	u, ok := readUse(t)
	if !ok {
		return false
	}
	u.vendor = p.srv.current
	ref := p.srv.at
	if ref.IsZero() {
		ref = p.at
	}
	if !ref.IsZero() {
		if since, _ := u.date.Resolve(ref, p.zone); !since.IsZero() {
			u.since = since.UTC()
		}
	}
	p.srv.uses = append(p.srv.uses, u)
	return true
}

func (p *statusParser) closeServer() {
	if p.srv != nil {
		p.out.Servers = append(p.out.Servers, p.srv.close())
	}
	p.srv, p.part = nil, partServer
}

// finish closes what is open and says why there is nothing, if so.
func (p *statusParser) finish() {
	p.closeServer()
	if len(p.out.Servers) > 0 {
		for _, f := range p.failures {
			p.out.Servers = append(p.out.Servers, facts.Status{Server: f.server, Error: f.text})
		}
		return
	}
	switch {
	case len(p.failures) > 0:
		p.out.Error = textOf(p.failures)
	case p.out.Lines == 0:
		p.out.Error = "the output is empty"
	default:
		p.out.Error = "the output names no license server"
	}
}
