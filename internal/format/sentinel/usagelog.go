package sentinel

import (
	"io"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A UsageLog reads the events of a usage log, one after the other. It keeps
// one line in memory and up to 1000 unread ones.
//
// Times are the seconds since 1970 that stand in every line. InUse is the
// log's own count of the pool after the event. There is no handle: an In pairs
// with an Out of the same pool, user, host and number. Entries whose numbers
// are encrypted, as an administrator or vendor can set it, are unread.
type UsageLog struct {
	lines   *text.Lines
	zone    *time.Location
	pending []facts.Event // of the line at hand
	before  int64         // where the line at hand begins
	unread  facts.UnreadLines
}

// NewUsageLog returns a reader of the usage log in r, or of what was added to
// it since Offset. The error says that there is no such code page.
func NewUsageLog(r io.Reader, o facts.Options) (*UsageLog, error) {
	lines, err := text.NewLines(r, o.CodePage)
	if err != nil {
		return nil, err
	}
	l := &UsageLog{lines: lines, zone: o.Zone}
	if l.zone == nil {
		l.zone = time.UTC
	}
	return l, nil
}

// Next returns the next event in the order of the log. At the end it returns
// io.EOF, else only errors of the underlying reader.
func (l *UsageLog) Next() (facts.Event, error) {
	for len(l.pending) == 0 {
		l.before = l.lines.Offset()
		if !l.lines.Next() {
			if err := l.lines.Err(); err != nil {
				return facts.Event{}, err
			}
			return facts.Event{}, io.EOF
		}
		l.read(strings.TrimSpace(l.lines.Text()))
	}
	e := l.pending[0]
	l.pending = l.pending[1:]
	return e, nil
}

// Offset returns how many bytes hold the events that Next returned: the place
// from which a further reader goes on. It is always behind the end of a line;
// a last line without an end is read, and read again from there. It is 0 for a
// log in UTF-16.
func (l *UsageLog) Offset() int64 {
	if len(l.pending) > 0 {
		return l.before
	}
	return l.lines.Offset()
}

// Lines returns how many lines were read.
func (l *UsageLog) Lines() int { return l.lines.Number() }

// Unread returns the lines so far that no rule understood.
func (l *UsageLog) Unread() facts.UnreadLines { return l.unread }

// read makes events of a line.
func (l *UsageLog) read(t string) {
	if t == "" {
		return
	}
	var ok bool
	if !l.lines.Cut() {
		if comment, isComment := strings.CutPrefix(t, "#"); isComment {
			ok = l.readComment(strings.Fields(comment))
		} else {
			ok = l.readEntry(strings.Fields(t))
		}
	}
	if !ok {
		l.unread.Add(l.lines.Number(), t)
	}
}

// add adds an event of the line at hand.
func (l *UsageLog) add(e facts.Event) {
	e.Line = l.lines.Number()
	l.pending = append(l.pending, e)
}

// readComment reads "Startup PRODUCT v7.00 DATE SECONDS HOST ..." and
// "Shutdown ...".
func (l *UsageLog) readComment(words []string) bool {
	if len(words) == 0 {
		return false
	}
	kind, ok := map[string]facts.Kind{"startup": facts.Start, "shutdown": facts.Shutdown}[strings.ToLower(words[0])]
	at, rest := l.readStamp(words, 1, len(words))
	if !ok || at.IsZero() {
		return false
	}
	e := facts.Event{Kind: kind, At: at}
	if len(rest) > 0 {
		e.Host = rest[0]
	}
	l.add(e)
	return true
}

// stampWords are the words of a date and the seconds behind it.
const stampWords = 6

// readStamp finds "Fri Aug 13 17:33:33 1999 934590813" where it begins with one
// of the words from first to before end, and returns what comes behind it. The
// date counts only where the seconds are none.
func (l *UsageLog) readStamp(words []string, first, end int) (time.Time, []string) {
	for i := first; i < min(end, len(words)-stampWords+1); i++ {
		if _, ok := text.Weekday(words[i]); !ok {
			continue
		}
		date := readTime(strings.Join(words[i:i+stampWords-1], " "), l.zone)
		seconds := number(words[i+stampWords-1])
		if date.IsZero() || !seconds.Known {
			continue
		}
		rest := words[i+stampWords:]
		if at := time.Unix(seconds.N, 0).UTC(); at.Year() > firstYear && at.Year() <= lastYear {
			return at, rest
		}
		return date, rest
	}
	return time.Time{}, nil
}

// An entry is a line about a pool.
type entry struct {
	pool     license.Pool
	what     int64
	inUse    int64
	user     string
	host     string
	licenses int64
}

// readEntry reads "2 0 MTI1 DATE SECONDS FEATURE VERSION TYPE IN-USE LIFETIME
// USER HOST 7.00 LICENSES COMMENT ...", where the first two words are levels of
// encryption and the third is not known.
func (l *UsageLog) readEntry(words []string) bool {
	if len(words) < 2 || !number(words[0]).Known || !number(words[1]).Known {
		return false
	}
	at, rest := l.readStamp(words, 2, 4)
	if at.IsZero() {
		return false
	}
	n, ok := divide(rest)
	if !ok {
		return false
	}
	l.addEntry(n, at)
	return true
}

// maxBlanks is how many blanks a feature's name or a user's may have.
const maxBlanks = 4

// divide finds the fields of an entry. Names can have blanks and a version can
// be empty, but most have neither: that is tried first.
func divide(words []string) (entry, bool) {
	for blanks := range maxBlanks + 1 {
		for _, what := range []int{2, 1, 3, 4, 5, 6} {
			if n, ok := divideAt(words, what, blanks); ok {
				return n, true
			}
		}
	}
	return entry{}, false
}

// divideAt divides an entry whose type is the word at what, and whose user has
// so many blanks.
func divideAt(words []string, what, blanks int) (entry, bool) {
	manager := what + 5 + blanks // the version of the license manager
	if manager+1 >= len(words) || len(words[what]) > 2 || !isVersion(words[manager]) {
		return entry{}, false
	}
	kind, inUse, life := number(words[what]), number(words[what+1]), number(words[what+2])
	licenses := number(words[manager+1])
	if !kind.Known || !inUse.Known || !life.Known || !licenses.Known {
		return entry{}, false
	}
	n := entry{
		what: kind.N, inUse: inUse.N, licenses: licenses.N,
		user: name(words[what+3 : manager-1]), host: name(words[manager-1 : manager]),
	}
	n.pool.Feature = words[0]
	if what > 1 {
		n.pool.Feature, n.pool.Variant = strings.Join(words[:what-1], " "), words[what-1]
	}
	return n, true
}

// isVersion recognises "7.00" and "9.7.0".
func isVersion(t string) bool {
	parts := strings.Split(t, ".")
	for _, p := range parts {
		if !number(p).Known {
			return false
		}
	}
	return len(parts) > 1
}

// name joins the words of a name; a dash stands for none.
func name(words []string) string {
	if t := strings.Join(words, " "); t != "-" {
		return t
	}
	return ""
}

// An entryKind is what an entry of one type says.
type entryKind struct {
	kinds  []facts.Kind
	reason string
}

// entryKinds are the types of entries. Those above 9 are about license managers
// that stand in for each other; of those that are not in the list no more is
// sure than that the license manager was alive.
var entryKinds = map[int64]entryKind{
	0:  {[]facts.Kind{facts.Out}, ""},
	1:  {[]facts.Kind{facts.Refused}, "the license was denied"},
	2:  {[]facts.Kind{facts.In}, ""},
	3:  {[]facts.Kind{facts.Queued}, ""},
	4:  {[]facts.Kind{facts.Refused}, "the request could not be queued"},
	5:  {[]facts.Kind{facts.Out}, ""}, // instead of a place in the queue
	6:  {[]facts.Kind{facts.Dequeued, facts.Out}, ""},
	7:  {[]facts.Kind{facts.Dequeued}, ""},
	8:  {[]facts.Kind{facts.Out}, ""}, // to be taken off line
	9:  {[]facts.Kind{facts.In}, "a license that was taken off line came back"},
	10: {[]facts.Kind{facts.In}, "the license manager shut down"},
	14: {[]facts.Kind{facts.Out}, ""}, // the client came from another license manager
	16: {[]facts.Kind{facts.In}, "the client went to another license manager"},
}

// addEntry adds the events of an entry.
func (l *UsageLog) addEntry(n entry, at time.Time) {
	says, ok := entryKinds[n.what]
	if !ok {
		l.add(facts.Event{Kind: facts.Mark, At: at})
		return
	}
	for _, kind := range says.kinds {
		l.add(facts.Event{
			Kind: kind, At: at, Pool: n.pool, User: n.user, Host: n.host,
			Licenses: n.licenses, InUse: license.Of(n.inUse), Reason: says.reason,
		})
	}
}
