package flexnet

import (
	"crypto/sha256"
	"io"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
)

// ParseLicenseFile reads a license file. codePage is that of StatusOptions;
// the error is as for ParseStatus.
func ParseLicenseFile(r io.Reader, codePage string) (LicenseFile, error) {
	lines, err := text.NewLines(r, codePage)
	if err != nil {
		return LicenseFile{}, err
	}
	p := fileParser{seen: map[[sha256.Size]byte]bool{}}
	for lines.Next() {
		p.next(lines.Text(), lines.Number(), lines.Cut())
	}
	p.flush()
	p.file.Lines = lines.Number()
	p.file.Unread, p.file.UnreadTotal = p.unread.First, p.unread.Total
	return p.file, lines.Err()
}

// A fileParser puts physical lines together and reads the whole ones.
type fileParser struct {
	file   LicenseFile
	whole  strings.Builder // a line as far as it is known
	start  int             // where it began; 0 if none is open
	joined bool            // a backslash promised that it goes on
	open   bool            // a quote of it is not closed
	cut    bool            // it is longer than text.MaxLine
	facts  int
	seen   map[[sha256.Size]byte]bool // hashes of the entries so far
	unread facts.UnreadLines
}

// next reads one physical line. A line goes on after a backslash, and while a
// quote is open; a keyword ends a quote that nobody closed.
func (p *fileParser) next(s string, number int, cut bool) {
	t := strings.TrimSpace(s)
	if p.start > 0 && !p.joined && startsLine(t) {
		p.flush()
	}
	if p.start == 0 {
		if t == "" || strings.HasPrefix(t, "#") {
			return
		}
		p.start = number
	}
	t, p.joined = strings.CutSuffix(t, `\`)
	p.open = p.open != (strings.Count(t, `"`)%2 == 1)
	p.whole.WriteString(strings.TrimRight(t, " \t"))
	p.whole.WriteByte(' ')
	p.cut = cut || p.whole.Len() > text.MaxLine
	if p.cut || !p.joined && !p.open {
		p.flush()
	}
}

// startsLine reports whether t can only be the start of a line.
func startsLine(t string) bool {
	if strings.HasPrefix(t, "#") {
		return true
	}
	word, _, _ := strings.Cut(t, " ")
	switch strings.ToUpper(word) {
	case "SERVER", "VENDOR", "DAEMON", "USE_SERVER", "FEATURE", "INCREMENT", "PACKAGE", "UPGRADE":
		return true
	}
	return false
}

// flush reads the whole line.
func (p *fileParser) flush() {
	if p.start == 0 {
		return
	}
	s := strings.TrimSpace(p.whole.String())
	if p.cut || p.facts >= maxFacts || !p.read(s) {
		p.unread.Add(p.start, redact(s))
	}
	p.facts++
	p.whole.Reset()
	p.start, p.joined, p.open, p.cut = 0, false, false, false
}

func (p *fileParser) read(s string) bool {
	tokens := tokenize(scrub(s))
	if len(tokens) == 0 {
		return false
	}
	keyword, args := strings.ToUpper(tokens[0].value), tokens[1:]
	switch keyword {
	case "SERVER":
		return p.server(args)
	case "VENDOR", "DAEMON":
		return p.vendor(args)
	case "USE_SERVER":
		p.file.UseServer = true
		return true
	case "FEATURE", "INCREMENT", "PACKAGE", "UPGRADE":
		return p.entry(EntryKind(keyword), args, s)
	}
	return false
}

// server reads "SERVER host hostid [port]".
func (p *fileParser) server(args []token) bool {
	if len(args) < 2 || args[0].key != "" {
		return false
	}
	n := FileServer{Host: args[0].value, HostID: args[1].String(), Line: p.start}
	if len(args) > 2 && args[2].key == "" {
		n.Port = readPort(args[2].value)
	}
	p.file.Servers = append(p.file.Servers, n)
	return true
}

// vendor reads "VENDOR name [path [options [port]]] [options=path] [port=n]".
func (p *fileParser) vendor(args []token) bool {
	if len(args) < 1 || args[0].key != "" {
		return false
	}
	v := FileVendor{Name: args[0].value, Line: p.start}
	for _, a := range args[1:] {
		switch strings.ToUpper(a.key) {
		case "PORT":
			v.Port = readPort(a.value)
		case "OPTIONS":
			v.Options = a.value
		case "":
			switch {
			case v.Path == "":
				v.Path = a.value
			case v.Options == "":
				v.Options = a.value
			default:
				v.Port = readPort(a.value)
			}
		}
	}
	p.file.Vendors = append(p.file.Vendors, v)
	return true
}

// entry reads what grants licenses. An entry whose count or expiry cannot be
// read is kept without them, and its line is unread.
func (p *fileParser) entry(kind EntryKind, args []token, s string) bool {
	e := Entry{Kind: kind, Line: p.start}
	fields := []*string{&e.Name, &e.Vendor, &e.Version}
	count := ""
	switch kind {
	case EntryPackage:
	case EntryUpgrade:
		fields = []*string{&e.Name, &e.Vendor, &e.FromVersion, &e.Version, &e.Expiry, &count}
	default:
		fields = append(fields, &e.Expiry, &count)
	}
	for i, f := range fields {
		if i >= len(args) || args[i].key != "" {
			if kind == EntryPackage && i == 2 { // its version may be left out
				fields = fields[:i]
				break
			}
			return false
		}
		*f = args[i].value
	}
	understood := true
	if kind != EntryPackage {
		e.State, e.Count, understood = readGranted(count)
		if _, err := ParseExpiry(e.Expiry); err != nil {
			e.Expiry, understood = "", false
		}
	}
	if isLicenseKey(e.Version) {
		e.Version = "" // left out; a key took its place
	}
	for _, a := range args[len(fields):] {
		e.set(a)
	}
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(s), " ")))
	e.Repeat = p.seen[sum]
	p.seen[sum] = true
	p.file.Entries = append(p.file.Entries, e)
	return understood
}

// set keeps one KEY=value pair. Keys of the license and words without a key,
// among which old files have theirs, are dropped.
func (e *Entry) set(a token) {
	key := strings.ToUpper(a.key)
	switch key {
	case "":
	case "VENDOR_STRING":
		e.VendorString = a.value
	case "HOSTID":
		e.HostID = a.value
	case "SN":
		e.Serial = a.value
	case "NOTICE":
		e.Notice = a.value
	case "ISSUED":
		e.Issued = a.value
	case "START":
		e.Start = a.value
	case "DUP_GROUP":
		e.DupGroup = a.value
	case "COMPONENTS":
		e.Components = readComponents(a.value)
	default:
		if isSecret(key) {
			return
		}
		if e.Attrs == nil {
			e.Attrs = map[string]string{}
		}
		e.Attrs[key] = a.value
	}
}

// readComponents reads "a b:1.0 c:1.0:2".
func readComponents(s string) []Component {
	var all []Component
	for w := range strings.FieldsSeq(s) {
		name, rest, _ := strings.Cut(w, ":")
		version, count, _ := strings.Cut(rest, ":")
		n, _ := statusCount(count) // 0 where it is not given
		all = append(all, Component{Name: name, Version: version, Count: n})
	}
	return all
}
