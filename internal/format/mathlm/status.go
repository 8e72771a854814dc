// Package mathlm reads what Wolfram's license manager MathLM tells: the status
// that monitorlm prints, as text or with our own template, and the log of the
// server. It turns bytes into facts and returns every line that it could not
// read with its number and text.
//
// MathLM counts processes of four programs. The text counts them apart by
// license class, which is the variant of a pool. The template tells sums over
// the classes, and the log no class, so their pools have no variant.
package mathlm

import (
	"io"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// maxKept bounds what one status may make us keep: pools and holders.
const maxKept = 1 << 20

// ParseStatus reads the output of monitorlm, either with -format text or with
// -template and our Template. The date in the text is GMT unless monitorlm ran
// with -localtime: o.Zone is for that. Holders stand with how long they have
// held; that is taken off the date in the text, else off o.At. The error is
// for reading r and for a code page that does not exist; why monitorlm told
// nothing stands in Output.Error.
func ParseStatus(r io.Reader, o facts.Options) (facts.Output, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return facts.Output{}, err
	}
	p := statusParser{zone: o.Zone, ref: o.At.UTC().Truncate(time.Second), server: license.Server{Manager: "mathlm"}}
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
	zone   *time.Location
	ref    time.Time // what durations are taken off
	out    facts.Output
	server license.Server

	part     part
	snapshot license.Snapshot // without its readings
	rows     facts.Readings
	pools    map[license.Pool]bool
	ended    bool // the last part was reached
	kept     int
}

// A part is where in the output the parser is.
type part int

const (
	head part = iota
	summary
	inUse
	templated
)

// read applies the rules to a line that is not empty, and reports whether one
// of them understood it.
func (p *statusParser) read(t string) bool {
	if p.kept >= maxKept {
		return false
	}
	if t == templateStart {
		p.part = templated
		return true
	}
	if p.part == templated {
		return p.readTemplated(t)
	}
	if p.readHeading(t) || p.readHead(t) {
		return true
	}
	switch p.part {
	case summary:
		return p.readTotals(t)
	case inUse:
		return p.readHolder(t)
	}
	return false
}

// addPool keeps one row of counts.
func (p *statusParser) addPool(r license.Reading) {
	if p.pools == nil {
		p.pools = map[license.Pool]bool{}
	}
	p.kept++
	p.pools[r.Pool] = true
	p.rows.Add(r)
}

// addHolder keeps a process that has run for a duration.
func (p *statusParser) addHolder(h license.Holder, ran time.Duration) {
	if !p.ref.IsZero() {
		h.Since = p.ref.Add(-ran)
	}
	h.Licenses, h.Kind = 1, license.HolderActive
	p.kept++
	p.snapshot.Holders = append(p.snapshot.Holders, h)
}

// finish puts together what was read, or says why there is nothing.
func (p *statusParser) finish() {
	for _, h := range p.snapshot.Holders {
		if !p.pools[h.Pool] {
			p.addPool(license.Reading{Pool: h.Pool, Reason: "the summary does not list it"})
		}
	}
	p.snapshot.Readings = p.rows.All()
	if len(p.snapshot.Readings) == 0 {
		p.out.Error = p.whyNothing()
		return
	}
	p.snapshot.Complete = p.ended && p.out.Unread.Total == 0
	p.out.Servers = []facts.Status{{Server: p.server, Snapshot: p.snapshot}}
}

// whyNothing returns what monitorlm said instead of the usage. Its words for
// that are not known, so they are the first line that is nothing else.
func (p *statusParser) whyNothing() string {
	switch {
	case p.out.Lines == 0:
		return "the output is empty"
	case p.out.Unread.Total > 0:
		return "the output has no license usage: " + p.out.Unread.First[0].Text
	}
	return "the output has no license usage"
}

// readDuration reads "08:49", hours and minutes.
func readDuration(s string) (time.Duration, bool) {
	h, m, ok := strings.Cut(s, ":")
	hours, ok1 := text.ParseCount(h)
	minutes, ok2 := text.ParseCount(m)
	const century = 24 * 365 * 100
	if !ok || !ok1 || !ok2 || len(m) != 2 || minutes > 59 || hours > century {
		return 0, false
	}
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute, true
}
