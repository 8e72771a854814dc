package sentinel

import (
	"io"
	"regexp"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// maxFacts bounds what one status may make us keep: lines about features,
// licenses and clients together, some ten for each of them.
const maxFacts = 1 << 18

// ParseStatus reads the output of lsmon. Labels are matched by their words, so
// that those of old versions are read too.
//
// Installed is the feature's own maximum, never a sum of its licenses, of
// which some can be inactive; Terms has those one by one, an inactive one as
// not served. InUse is what the server says is in use, reserved tokens
// included; clients are not counted, since they can share a token or hold
// several. Reserved is 0: tokens that are set aside and that nobody has are not
// in use here. The version that lsmon prints is its own, not the server's. The
// error is for reading r and for a code page that does not exist.
func ParseStatus(r io.Reader, o facts.Options) (facts.Output, error) {
	all, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return facts.Output{}, err
	}
	p := statusParser{zone: o.Zone}
	if p.zone == nil {
		p.zone = time.UTC
	}
	for all.Next() {
		p.next(strings.TrimSpace(all.Text()), all.Number(), all.Cut())
	}
	if all.Err() != nil && p.sec != nil {
		p.sec.torn = true
	}
	return p.finish(all.Number()), all.Err()
}

// A block is a part of a feature.
type block uint8

const (
	blockNone block = iota
	blockFeature
	blockLicense
	blockClient
	blockQueued
)

// A statusParser holds what is between two lines.
type statusParser struct {
	zone   *time.Location
	done   []section
	sec    *section
	block  block
	nobody bool // the block of a client has not told whom it is about
	marked bool // fields have the marker "|-"; without, features have no heading
	facts  int
	notes  []string // that stand before any server
	unread facts.UnreadLines
}

// next reads one line.
func (p *statusParser) next(t string, number int, cut bool) {
	if t == "" {
		return
	}
	if p.facts < maxFacts && !cut && p.read(t) {
		p.facts++
		return
	}
	p.unread.Add(number, t)
	p.note(t)
	if p.facts >= maxFacts && p.sec != nil {
		p.sec.torn = true
	}
}

// maxNotes is how many lines may become the text of an error.
const maxNotes = 5

// note keeps a text that may say why there is nothing else.
func (p *statusParser) note(t string) {
	notes := &p.notes
	if p.sec != nil {
		notes = &p.sec.notes
	}
	if len(*notes) < maxNotes {
		*notes = append(*notes, facts.Shorten(t, facts.MaxText))
	}
}

// contacting is "[Contacting Sentinel RMS Development Kit server on host "x"]".
var contacting = regexp.MustCompile(`^\[Contacting .*server on host "([^"]*)"`)

// read applies the rules to a line that is not empty, and reports whether one
// of them understood it.
func (p *statusParser) read(t string) bool {
	if m := contacting.FindStringSubmatch(t); m != nil {
		p.close()
		p.section().host = m[1]
		return true
	}
	bare, marked := strings.CutPrefix(t, "|-")
	bare = strings.TrimSpace(bare)
	if b := heading(bare); b != blockNone {
		return p.openBlock(b)
	}
	if p.failure(t) || isAround(t) || p.sec == nil && isBanner(t) {
		return true
	}
	if p.marked = p.marked || marked; p.marked && !marked {
		return false
	}
	all := fields(bare)
	understood := len(all) > 0
	for _, f := range all {
		understood = p.field(f) && understood
	}
	return understood
}

// heading recognises the lines that open a block.
func heading(t string) block {
	switch strings.ToLower(strings.TrimSpace(strings.TrimSuffix(t, ":"))) {
	case "feature information":
		return blockFeature
	case "license information", "license":
		return blockLicense
	case "client information", "users":
		return blockClient
	case "queued client information", "queued users":
		return blockQueued
	}
	return blockNone
}

// openBlock opens a block. All but that of a feature are part of one.
func (p *statusParser) openBlock(b block) bool {
	s := p.section()
	switch {
	case b == blockFeature:
		s.features = append(s.features, feature{})
	case len(s.features) == 0:
		return false
	case b == blockLicense:
		s.last().licenses = append(s.last().licenses, term{})
	}
	p.block, p.nobody = b, true
	return true
}

// failures are what lsmon prints in the place of a status.
var failures = regexp.MustCompile(`(?i)unable to contact|cannot talk to|not responding|server name not set|failed to resolve|servers (are )?running on this subnet|LSHOST environment variable|no licensed features|no license in the server`)

// failure reads why there is no status.
func (p *statusParser) failure(t string) bool {
	if strings.HasPrefix(t, "|-") || !failures.MatchString(t) {
		return false
	}
	p.note(t)
	if p.sec != nil {
		p.sec.torn = true
		if len(p.sec.features) > 0 && p.sec.failure == "" {
			p.sec.failure = facts.Shorten(t, facts.MaxText)
		}
	}
	return true
}

// isAround recognises lines that stand around fields: the prompt at the end,
// and the head of a table of redundant servers.
func isAround(t string) bool {
	return strings.HasPrefix(t, "Press Enter to continue") || strings.Join(strings.Fields(t), " ") == "Allocation Issued Commuter"
}

// command is the call of the tool as the shell echoed it.
var command = regexp.MustCompile(`(?i)(^|[>$#%\\/]\s*)lsmon(\.exe)?"?(\s|$)`)

// isBanner recognises the name of the tool, its copyright and its call.
func isBanner(t string) bool {
	return strings.HasSuffix(t, "Application Monitor") || strings.Contains(t, "Copyright") || command.MatchString(t)
}

// field puts a field where it belongs.
func (p *statusParser) field(f field) bool {
	if p.opensFeature(f) {
		p.openBlock(blockFeature)
	}
	if p.sec == nil || len(p.sec.features) == 0 {
		return false
	}
	at := p.sec.last()
	switch {
	case f.label == labelUser:
		if p.block != blockQueued {
			p.block = blockClient
		}
		p.nobody = false
		return at.addClient(f.value, p.block)
	case p.block == blockClient, p.block == blockQueued:
		return p.nobody || at.clients[len(at.clients)-1].set(f, p.zone)
	case p.block == blockLicense:
		return at.licenses[len(at.licenses)-1].set(f, p.zone)
	}
	return at.set(f, p.zone)
}

// opensFeature reports whether a field begins a feature that has no heading, as
// in old versions: with its name or its license type, whichever comes first.
func (p *statusParser) opensFeature(f field) bool {
	if p.marked || f.label != labelLicenseType && f.label != labelFeature {
		return false
	}
	if p.sec == nil || len(p.sec.features) == 0 || p.block != blockFeature {
		return true
	}
	at := p.sec.last()
	return f.label == labelFeature && at.name != "" || f.label == labelLicenseType && at.typed
}

// section returns the license server at hand, and opens one if the output has
// not named it.
func (p *statusParser) section() *section {
	if p.sec == nil {
		p.sec = &section{}
	}
	return p.sec
}

func (p *statusParser) close() {
	if p.sec != nil {
		p.done = append(p.done, *p.sec)
	}
	p.sec, p.block = nil, blockNone
}

// finish turns what was read into an output.
func (p *statusParser) finish(lines int) facts.Output {
	p.close()
	out := facts.Output{Lines: lines, Unread: p.unread}
	for _, s := range p.done {
		out.Servers = append(out.Servers, s.status())
	}
	switch {
	case len(out.Servers) > 0:
	case len(p.notes) > 0:
		out.Error = strings.Join(p.notes, " ")
	case lines == 0:
		out.Error = "the output is empty"
	default:
		out.Error = "the output names no license server"
	}
	return out
}

// kindOf returns the way in which a client of a block stands in the status.
func (b block) kindOf() license.HolderKind {
	if b == blockQueued {
		return license.HolderQueued
	}
	return license.HolderActive
}
