package citrix

import (
	"io"
	"regexp"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
)

// Lines of printed objects.
var (
	listLine  = regexp.MustCompile(`^\s*([A-Za-z]\S*)\s+:(?:\s+(.*?))?\s*$`)
	ruler     = regexp.MustCompile(`^\s*-+(\s+-+)*\s*$`)
	prompt    = regexp.MustCompile(`^\s*(PS\s+[A-Za-z]:|[A-Za-z]:)\\.*>|^\s*(Output|Note|Notes):\s*$`)
	checkHead = regexp.MustCompile(`^<<<citrix_licenses(:[^>]*)?>>>$`)
	checkRow  = regexp.MustCompile(`^([A-Za-z0-9_]+)\s+(\d+)\s+(\d+)$`)
)

// ParsePrinted reads objects of WMI and of the licensing SDK as PowerShell
// prints them, as a list of properties or as a table, as wmic prints
// Citrix_GT_License_Pool, and as Checkmk's agent section lists pools; several
// of them in one text. Times without a zone are those of o.Zone; such whose
// day and month cannot be told apart are not read. The error is the reader's,
// or names a code page that does not exist.
func ParsePrinted(r io.Reader, o facts.Options) (Answer, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return Answer{}, err
	}
	p := printedParser{options: o}
	for lines.Next() {
		p.next(strings.TrimRight(lines.Text(), " \t"), lines.Number())
	}
	p.endObject()
	p.endTable()
	p.notHeader()
	a := p.answer
	a.Lines = lines.Number()
	if p.objects == 0 {
		a.Error = "the text has no objects of a Citrix License Server"
	}
	return a, lines.Err()
}

type printedParser struct {
	answer  Answer
	options facts.Options
	objects int

	object properties // the list under way; nil if there is none
	last   string     // its last property
	line   int        // where it began

	header     string // a line that may be the header of a table
	headerLine int
	columns    []column // of the table under way
	section    bool     // Checkmk's section is under way
}

// A column is one of a printed table: its name, and where it begins and ends in
// the header.
type column struct {
	name  string
	start int
}

func (p *printedParser) next(s string, number int) {
	switch {
	case strings.TrimSpace(s) == "":
		p.endObject()
		p.endTable()
		p.notHeader()
	case checkHead.MatchString(s):
		p.endObject()
		p.endTable()
		p.section, p.objects = true, p.objects+1
	case prompt.MatchString(s):
		p.endObject()
		p.endTable()
		p.notHeader()
	case p.section && checkRow.MatchString(s):
		m := checkRow.FindStringSubmatch(s)
		p.take(properties{"pld": m[1], "count": m[2], "inusecount": m[3]}, number)
	case p.columns != nil && p.row(s, number):
	default:
		p.endTable()
		p.outside(s, number)
	}
}

// outside reads a line that belongs to no table.
func (p *printedParser) outside(s string, number int) {
	if m := listLine.FindStringSubmatch(s); m != nil && !p.wrapped() {
		p.notHeader()
		p.property(m[1], m[2], number)
		return
	}
	if p.wrapped() {
		p.object[p.last] += " " + strings.TrimSpace(s)
		return
	}
	p.endObject()
	switch {
	case p.header != "" && ruler.MatchString(s):
		p.columns, p.header = columnsOf(p.header, wordStarts(s)), ""
		p.objects++
	case isWMICHeader(s):
		p.notHeader()
		p.columns = columnsOf(s, wordStarts(s))
		p.objects++
	default:
		p.notHeader()
		p.header, p.headerLine = s, number
	}
}

// wrapped reports whether the value of the last property goes on: PowerShell
// breaks lists in braces.
func (p *printedParser) wrapped() bool {
	v := p.object[p.last]
	return strings.Count(v, "{") > strings.Count(v, "}") && len(v) < text.MaxLine
}

// property adds one line of a list. A name that the object has already begins
// the next object.
func (p *printedParser) property(name, value string, number int) {
	name = strings.ToLower(name)
	if _, seen := p.object[name]; seen {
		p.endObject()
	}
	if p.object == nil {
		p.object, p.line = properties{}, number
	}
	p.object[name], p.last = value, name
}

func (p *printedParser) endObject() {
	if p.object == nil {
		return
	}
	p.take(p.object, p.line)
	p.object, p.last = nil, ""
}

func (p *printedParser) take(o properties, number int) {
	p.objects++
	if !p.answer.take(o, p.options.Zone) {
		p.answer.Unread.Add(number, o.String())
	}
}

func (p *printedParser) endTable() { p.columns, p.section = nil, false }

// notHeader tells of a line that was kept as the header of a table that did
// not come.
func (p *printedParser) notHeader() {
	if p.header != "" {
		p.answer.Unread.Add(p.headerLine, strings.TrimSpace(p.header))
		p.header = ""
	}
}

// row reads a line of a table. It returns false for one that has less than two
// values where the table has more columns: that is what stands behind it.
func (p *printedParser) row(s string, number int) bool {
	if listLine.MatchString(s) {
		return false
	}
	o := properties{}
	filled := 0
	runes := []rune(s)
	for i, c := range p.columns {
		end := len(runes)
		if i+1 < len(p.columns) {
			end = boundary(runes, p.columns[i+1].start)
		}
		v := strings.TrimSpace(string(runes[min(boundary(runes, c.start), end):end]))
		if v != "" {
			filled++
		}
		o[strings.ToLower(c.name)] = v
	}
	if filled < min(2, len(p.columns)) {
		return false
	}
	p.take(o, number)
	return true
}

// boundary returns where a column begins that begins at start in the header: a
// number that is wider than its header reaches to the left.
func boundary(s []rune, start int) int {
	if start >= len(s) {
		return len(s)
	}
	for start > 0 && s[start] != ' ' && s[start-1] != ' ' {
		start--
	}
	return start
}

// isWMICHeader recognises the header that wmic prints for pools. It has no
// ruler.
func isWMICHeader(s string) bool {
	words := strings.Fields(s)
	found := 0
	for _, w := range words {
		if w == "PLD" || w == "Count" || w == "InUseCount" {
			found++
		}
	}
	return found == 3
}

// wordStarts returns where the words of a line begin, in runes.
func wordStarts(s string) []int {
	var all []int
	before := ' '
	for i, r := range []rune(s) {
		if r != ' ' && before == ' ' {
			all = append(all, i)
		}
		before = r
	}
	return all
}

// columnsOf names the columns of a header.
func columnsOf(header string, starts []int) []column {
	runes := []rune(header)
	var all []column
	for i, start := range starts {
		end := len(runes)
		if i+1 < len(starts) {
			end = min(end, starts[i+1])
		}
		name := ""
		if start < end {
			name = strings.TrimSpace(string(runes[start:end]))
		}
		all = append(all, column{name, start})
	}
	return all
}
