package sentinel

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html"
	"io"
	"regexp"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// managerLDK is the name of the license manager.
const managerLDK = "sentinel-ldk"

const (
	maxAnswer = 16 << 20 // of an answer that is read
	maxObject = 64 << 10 // of one object in it
	// maxLost is how much may be looked at for the ends of objects that have
	// none. Each begins anew behind its first line.
	maxLost = 8 << 20
)

// ParseLDK reads what the Admin Control Center of Sentinel LDK answers when it
// is asked for features (tab_feat.html) and, behind that in the same text, for
// sessions (tab_sessions.html): objects of JSON between comments. A feature
// without a name is told by its number. Rows of one feature are added: it can
// be on several keys and in several products.
//
// The answer does not name the license server. It can be one page of several;
// the snapshot is complete if it has as many features as the answer says there
// are. The error is for reading r and for a code page that does not exist.
func ParseLDK(r io.Reader, o facts.Options) (facts.Output, error) {
	b, more, err := text.ReadAll(r, o.CodePage, maxAnswer)
	p := ldkParser{zone: o.Zone, spoilt: map[int]bool{}, torn: more || err != nil, out: facts.Output{Lines: bytes.Count(b, []byte("\n"))}}
	if p.zone == nil {
		p.zone = time.UTC
	}
	if len(b) > 0 && b[len(b)-1] != '\n' {
		p.out.Lines++
	}
	p.read(b)
	return p.finish(), err
}

// An ldkRow is a feature, a session, or what the question was.
type ldkRow struct {
	Vendor   loose `json:"ven"`
	VendorID loose `json:"vendorid"` // in sessions
	Feature  loose `json:"fid"`
	Name     loose `json:"fn"`
	License  loose `json:"lic"`
	Logins   loose `json:"logc"`
	Limit    loose `json:"logl"`

	Session loose `json:"sid"`
	User    loose `json:"usr"`
	Machine loose `json:"mch"`
	Address loose `json:"cli"`
	Seats   loose `json:"seats"`
	Since   loose `json:"lt"`

	Question loose `json:"fhaspid"`
	Rows     loose `json:"cnt"` // in answer to the question

	line int
}

// A loose value is a text or a number.
type loose string

// UnmarshalJSON takes any value as text.
func (l *loose) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		s = string(b)
	}
	*l = loose(strings.TrimSpace(html.UnescapeString(s)))
	return nil
}

type ldkParser struct {
	zone     *time.Location
	torn     bool
	features []ldkRow
	sessions []ldkRow
	rows     loose // how many features there are, as the answer says
	failure  string
	lost     int          // bytes of objects without an end
	spoilt   map[int]bool // lines that are unread
	out      facts.Output
}

// adminStatus is in the comment at the end of an answer.
var adminStatus = regexp.MustCompile(`(?s)<code>\s*(\d+)\s*</code>(?:\s*<text>\s*([^<]*?)\s*</text>)?`)

// read finds the objects and the comments between them.
func (p *ldkParser) read(b []byte) {
	line := 1
	for len(b) > 0 {
		i := bytes.IndexAny(b, "{/")
		if i < 0 {
			return
		}
		line += bytes.Count(b[:i], []byte("\n"))
		b = b[i:]
		n := 1
		switch {
		case bytes.HasPrefix(b, []byte("/*")):
			n = len(b)
			if end := bytes.Index(b, []byte("*/")); end >= 0 {
				n = end + 2
			}
			p.comment(b[:n])
		case b[0] == '{':
			n = p.objectEnd(b)
			p.object(b[:n], line)
		}
		if p.lost > maxLost {
			return
		}
		line += bytes.Count(b[:n], []byte("\n"))
		b = b[n:]
	}
}

// objectEnd returns where the object ends that b begins with; if it has no end,
// where its line ends, so that the rest is not lost with it.
func (p *ldkParser) objectEnd(b []byte) int {
	b = b[:min(len(b), maxObject)]
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	p.lost += len(b)
	if end := bytes.IndexByte(b, '\n'); end >= 0 {
		return end
	}
	return len(b)
}

func (p *ldkParser) comment(b []byte) {
	m := adminStatus.FindSubmatch(b)
	if m == nil || string(m[1]) == "0" {
		return
	}
	p.failure = cmp.Or(string(m[2]), "the Admin Control Center says code "+string(m[1]))
}

func (p *ldkParser) object(b []byte, line int) {
	row := ldkRow{line: line}
	err := json.Unmarshal(b, &row)
	switch {
	case err != nil:
		p.lose(b, line)
	case row.Question != "":
		if p.rows == "" {
			p.rows = row.Rows
		}
	case row.Session != "" && row.Feature != "":
		p.sessions = append(p.sessions, row)
	case row.Feature != "" && (row.Logins != "" || row.Limit != ""):
		p.features = append(p.features, row)
	default:
		p.lose(b, line)
	}
}

// lose gives up an object.
func (p *ldkParser) lose(b []byte, line int) {
	p.torn = true
	p.unread(line, strings.Join(strings.Fields(string(b)), " "))
}

// unread notes what was not understood, once for each line.
func (p *ldkParser) unread(line int, t string) {
	if !p.spoilt[line] {
		p.spoilt[line] = true
		p.out.Unread.Add(line, t)
	}
}

// finish turns what was read into an output.
func (p *ldkParser) finish() facts.Output {
	switch {
	case p.failure != "":
		p.out.Error = facts.Shorten(p.failure, facts.MaxText)
		return p.out
	case len(p.features) == 0:
		p.out.Error = "the answer has no features"
		return p.out
	}
	st := facts.Status{Server: license.Server{Manager: managerLDK}}
	keys := newLDKKeys(p.features)
	var rows facts.Readings
	for _, row := range p.features {
		r := row.reading(keys.pool(row))
		rows.Add(r)
		st.Terms = append(st.Terms, row.term(r, p.zone))
	}
	st.Snapshot.Readings = rows.All()
	for _, row := range p.sessions {
		pool := keys.pool(row)
		switch {
		case !keys.has(pool):
			p.unread(row.line, "session of feature "+string(row.name())+", which is not listed")
		case row.User == "":
			p.unread(row.line, "session "+string(row.Session)+" of nobody")
		default:
			st.Snapshot.Holders = append(st.Snapshot.Holders, row.holder(pool, p.zone))
		}
	}
	st.Snapshot.Complete = !p.torn && number(string(p.rows)) == license.Of(int64(len(p.features)))
	p.out.Servers = []facts.Status{st}
	return p.out
}

func (r ldkRow) name() loose { return cmp.Or(r.Name, r.Feature) }

func (r ldkRow) vendor() loose { return cmp.Or(r.Vendor, r.VendorID) }

// ldkKeys are the pools of an answer. The vendor is part of the key of a name
// that two have.
type ldkKeys struct {
	vendors map[loose]map[loose]bool // by name
	pools   map[license.Pool]bool
}

func newLDKKeys(features []ldkRow) ldkKeys {
	k := ldkKeys{vendors: map[loose]map[loose]bool{}, pools: map[license.Pool]bool{}}
	for _, row := range features {
		if k.vendors[row.name()] == nil {
			k.vendors[row.name()] = map[loose]bool{}
		}
		k.vendors[row.name()][row.vendor()] = true
	}
	for _, row := range features {
		k.pools[k.pool(row)] = true
	}
	return k
}

func (k ldkKeys) pool(row ldkRow) license.Pool {
	pool := license.Pool{Feature: string(row.name())}
	if len(k.vendors[row.name()]) > 1 {
		pool.Daemon = string(row.vendor())
	}
	return pool
}

func (k ldkKeys) has(pool license.Pool) bool { return k.pools[pool] }

func (r ldkRow) reading(pool license.Pool) license.Reading {
	n := license.Reading{Pool: pool, Daemon: string(r.vendor())}
	if n.State, n.Installed = limit(string(r.Limit)); r.Limit == "-1" || r.Limit == "∞" {
		n.State = license.StateUnlimited
	}
	if n.State == license.StateUnknown {
		n.Reason = "the answer does not tell how many logins there can be"
		return n
	}
	n.InUse = number(string(r.Logins))
	return n
}

// markup is what the texts for people are dressed in.
var markup = regexp.MustCompile(`<[^>]*>`)

// ldkDate is "Fri Jun 5, 2026 19:55".
var ldkDate = regexp.MustCompile(`\w{3} \w{3} +\d{1,2}, \d{4} \d{1,2}:\d\d(:\d\d)?`)

// ldkTime finds the time in a text; zero if there is none.
func ldkTime(t string, zone *time.Location) time.Time {
	found := ldkDate.FindString(t)
	for _, layout := range []string{"Mon Jan 2, 2006 15:04", "Mon Jan 2, 2006 15:04:05"} {
		if at := readLayout(layout, found, zone); !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

func (r ldkRow) term(n license.Reading, zone *time.Location) facts.Term {
	words := strings.Join(strings.Fields(markup.ReplaceAllString(string(r.License), " ")), " ")
	return facts.Term{
		Pool: n.Pool, State: n.State, Count: n.Installed, Vendor: n.Daemon,
		Expiry: ldkTime(words, zone), Permanent: strings.EqualFold(words, "perpetual"), Text: words,
	}
}

func (r ldkRow) holder(pool license.Pool, zone *time.Location) license.Holder {
	h := license.Holder{
		Pool: pool, User: string(r.User), Host: string(cmp.Or(r.Machine, r.Address)), Licenses: 1,
		Since: ldkTime(string(r.Since), zone), Kind: license.HolderActive, Handle: string(r.Session),
	}
	if n := number(string(r.Seats)); n.Known && n.N > 0 {
		h.Licenses = n.N
	}
	return h
}
