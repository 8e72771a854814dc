package flexnet

import (
	"io"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// maxFacts bounds what one status may make us keep: features, pools, lines of
// users and the rest together.
const maxFacts = 1 << 20

// ParseStatus reads the output of lmstat -a, -f, -s or -v. The error is for
// reading r and for a code page that does not exist; everything else that is
// wrong stands in Status.Error, in Section.Error and in the unread lines.
func ParseStatus(r io.Reader, o StatusOptions) (Status, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return Status{}, err
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	p := statusParser{o: o, ref: o.Collected}
	for lines.Next() {
		p.next(lines.Text(), lines.Number(), lines.Cut())
	}
	p.st.Lines = lines.Number()
	p.finish()
	return p.st, lines.Err()
}

// A statusParser holds what is between two lines.
type statusParser struct {
	o       StatusOptions
	st      Status
	ref     time.Time // what the years of starts are found by
	sec     *openSection
	number  int // of the line at hand
	began   bool
	table   bool // within the table of lmstat -i
	failing bool // an error text goes on over several lines
	unread  facts.UnreadLines
	facts   int
}

// next reads one line.
func (p *statusParser) next(s string, number int, cut bool) {
	p.number = number
	t := strings.TrimSpace(s)
	if t == "" {
		p.failing = false
		return
	}
	if p.facts >= maxFacts {
		p.overflow()
	} else if !cut && p.read(t) {
		p.facts++
		return
	}
	p.unread.Add(number, strings.TrimRight(s, " \t"))
	if p.sec != nil && (strings.HasPrefix(t, "Users of") || strings.HasPrefix("Users of", t)) {
		p.sec.torn = true
	}
}

func (p *statusParser) overflow() {
	s := p.section()
	s.torn = true
	s.fail("the status has too many lines; the rest was not kept")
}

// read applies the rules to a line that is not empty, and reports whether one
// of them understood it.
func (p *statusParser) read(t string) bool {
	if p.table {
		if isTermsLine(t) {
			return true
		}
		p.table = false
	}
	if name, rest, ok := splitFeatureLine(t); ok {
		p.failing = false
		return p.feature(name, rest)
	}
	if p.detail(t) || p.heading(t) || p.preamble(t) || p.component(t) {
		p.failing = false
		return true
	}
	return p.failure(t)
}

// detail reads what stands below a feature line.
func (p *statusParser) detail(t string) bool {
	f := p.sec.lastFeature()
	if f == nil {
		return false
	}
	if vs, ok := strings.CutPrefix(t, "vendor_string:"); ok && len(f.Pools) > 0 {
		f.Pools[len(f.Pools)-1].VendorString = strings.TrimSpace(vs)
		return true
	}
	if u, ok := readUserLine(t); ok {
		p.addCheckout(f, u)
		return true
	}
	if pool, ok := readPoolLine(t); ok {
		f.Pools = append(f.Pools, pool)
		return true
	}
	if len(f.Pools) > 0 && isPoolKind(t) {
		f.Pools[len(f.Pools)-1].Kind = t
		return true
	}
	return false
}

// addCheckout finds the year and the names of u and keeps it.
func (p *statusParser) addCheckout(f *Feature, u userLine) {
	c := u.Checkout
	c.Line, c.Pool = p.number, len(f.Pools)-1
	if c.StartText != "" && !p.ref.IsZero() {
		start, odd := u.date.Resolve(p.ref, p.o.Zone)
		if !start.IsZero() {
			c.Start = start.UTC()
		}
		c.DateOdd = odd
	}
	if c.Kind != license.HolderReserved {
		if divideNames(u.names, &c) {
			p.sec.book.learn(c.User, c.Host)
		} else {
			c.Guessed = true
			p.sec.doubts = append(p.sec.doubts, doubt{len(p.sec.Features) - 1, len(f.Checkouts), u.names})
		}
	}
	f.Checkouts = append(f.Checkouts, c)
}

// feature opens a feature. One whose counts cannot be read is kept as unknown.
func (p *statusParser) feature(name, rest string) bool {
	f := Feature{Name: name, Line: p.number}
	understood := readFeatureCounts(&f, rest)
	p.section().addFeature(f)
	return understood
}

// heading reads the lines that divide a section.
func (p *statusParser) heading(t string) bool {
	switch {
	case strings.HasPrefix(t, "License server status:"):
		p.closeSection()
		p.section().Hosts = readHosts(strings.TrimPrefix(t, "License server status:"))
		p.facts += len(p.sec.Hosts)
	case strings.HasPrefix(t, "License file(s) on "), strings.HasPrefix(t, "License files on "):
		s := p.section()
		_, files, _ := strings.Cut(t, ":")
		s.Files, s.zone = strings.TrimSpace(files), zoneFiles
	case strings.HasPrefix(t, "Vendor daemon status"):
		p.section().openPart()
	case strings.HasPrefix(t, "Feature usage info"):
		s := p.section()
		s.zone, s.listed = zoneFeatures, true
	case len(t) >= 5 && strings.Trim(t, "-") == "":
		p.closeSection()
	case isTermsHeader(t):
		p.table = true
	default:
		return false
	}
	return true
}

// preamble reads what lmutil prints about itself, and notes.
func (p *statusParser) preamble(t string) bool {
	date, isDate := strings.CutPrefix(t, "Flexible License Manager status on ")
	if at, ok := readStatusDate(date, p.o.Zone); ok && (isDate || p.sec == nil) {
		if p.sec != nil && p.sec.zone != zoneNone {
			p.closeSection() // the next of several outputs in one file
		}
		p.began, p.ref = true, at
		if p.st.At.IsZero() {
			p.st.At = at
		}
		return true
	}
	if isBanner(t) {
		p.began = true
		return true
	}
	if v, ok := strings.CutPrefix(t, "lmstat v"); ok {
		p.st.Version = v
		return true
	}
	switch {
	case t == "lmstat", t == "lmutil", strings.HasPrefix(t, "[Detecting "), isTermsNote(t):
		return true
	}
	// The command as the shell echoed it.
	return !p.began && p.sec == nil && strings.Contains(t, "lmstat")
}

func isBanner(t string) bool {
	return strings.Contains(t, "Copyright (c)") && (strings.HasPrefix(t, "lmutil") || strings.HasPrefix(t, "lmstat"))
}

// component reads the lines of servers and vendor daemons.
func (p *statusParser) component(t string) bool {
	if s, ok := readServerLine(t); ok {
		return p.section().addServer(s)
	}
	if d, ok := readNamedState(t); ok {
		s := p.section()
		if s.zone < zoneDaemons && !strings.Contains(d.Error, "vendor daemon") {
			return s.addServer(ServerUp{Host: d.Name, Up: d.Up, Version: d.Version, Error: d.Error})
		}
		return s.addDaemon(d)
	}
	if p.sec != nil && p.sec.zone == zoneFiles && strings.HasSuffix(t, ":") {
		p.sec.Files = facts.Shorten(p.sec.Files+t, text.MaxLine)
		return true
	}
	return false
}

// failure reads error texts, which may go on over several lines.
func (p *statusParser) failure(t string) bool {
	starts := strings.HasPrefix(t, "Error getting status") || strings.HasPrefix(t, "No socket connection")
	if !starts && !hasErrorCode(t) && !p.failing {
		return false
	}
	p.failing = !hasErrorCode(t)
	p.began = true
	if p.sec == nil && len(p.st.Sections) == 0 {
		p.st.Error = joinErrors(p.st.Error, t)
		return true
	}
	p.section().fail(t)
	return true
}

// maxErrorText is how much text the error of one section may have.
const maxErrorText = 1000

// joinErrors puts a further error behind those before. A repeat adds nothing:
// some errors are printed once per feature.
func joinErrors(all, next string) string {
	next = strings.Join(strings.Fields(next), " ")
	switch {
	case all == "":
		return facts.Shorten(next, maxErrorText)
	case strings.Contains(all, next) || len(all) >= maxErrorText:
		return all
	}
	return facts.Shorten(all+" "+next, maxErrorText)
}

// section returns the section at hand, and opens one if there is none: the
// output of lmstat -f has no heading for it.
func (p *statusParser) section() *openSection {
	if p.sec == nil {
		p.sec = &openSection{
			Section: Section{At: p.ref.UTC()},
			book:    newNameBook(p.o.Users, p.o.Hosts),
		}
	}
	return p.sec
}

func (p *statusParser) closeSection() {
	if p.sec == nil {
		return
	}
	p.st.Sections = append(p.st.Sections, p.sec.close())
	p.sec = nil
}

// finish closes what is open and says why there is nothing, if so.
func (p *statusParser) finish() {
	p.closeSection()
	p.st.Unread, p.st.UnreadTotal = p.unread.First, p.unread.Total
	if len(p.st.Sections) > 0 {
		if p.st.Error != "" { // of a server that was named by nothing else
			failed := Section{At: p.st.At, Error: p.st.Error}
			p.st.Sections = append([]Section{failed}, p.st.Sections...)
			p.st.Error = ""
		}
		return
	}
	switch {
	case p.st.Error != "":
	case p.st.Lines == 0:
		p.st.Error = "the output is empty"
	default:
		p.st.Error = "the output names no license server"
	}
}
