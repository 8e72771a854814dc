package rlm

import (
	"io"
	"slices"
	"strings"

	"headroom/internal/format/facts"
)

// maxRecord is how long a record is believed to be, in bytes.
const maxRecord = 4 << 10

// A ReportLog reads the report log of a vendor's server, in any of its three
// formats (std, detailed, small), one event after the other. One file can hold
// several runs of the server.
//
// InUse is what the log says is taken after the event, reservations that are
// taken included; Reserved those that are not. The small format has neither.
//
// Several checkouts can share the same licenses. One that takes none has zero
// Licenses, and so has a return after which others still hold them: what goes
// out less what comes back is what is in use, in every format.
//
// Held lists what is out at the beginning and at the end of a run. A handle
// that is out already is then only confirmed.
type ReportLog struct {
	logReader
	options  facts.Options
	words    []word // of the line at hand
	calendar calendar
	dated    bool // the calendar has a year
	minute   int  // of the day, of the last line that tells one
	vendor   string
	header   bool // what rlm says of the format is being told
	goesOn   bool // the file is a later part of a log
	listing  bool // the pools that come next are all there are
	pools    map[string]reportPool
	products map[string]reportProduct
	open     openCheckouts
	waiting  openCheckouts // requests that wait, by their handles
}

// NewReportLog returns a reader of the log in r. Dates are told without a year,
// but START and the stamps of every half hour have one; what stands before the
// first of them takes it from Options.At, and has no time without. Times are of
// Options.Zone: the record TIMEZONE is not used. The error says that there is
// no such code page.
func NewReportLog(r io.Reader, o facts.Options) (*ReportLog, error) {
	lines, err := newLogReader(r, o)
	if err != nil {
		return nil, err
	}
	return &ReportLog{
		logReader: lines, options: o,
		pools: map[string]reportPool{}, products: map[string]reportProduct{}, open: openCheckouts{}, waiting: openCheckouts{},
	}, nil
}

// Next returns the next event, in the order of the log. It returns io.EOF at
// the end and otherwise only errors of the underlying reader.
func (l *ReportLog) Next() (facts.Event, error) {
	for l.next() {
		if len(l.line) > maxRecord {
			l.miss()
			continue
		}
		l.words = words(l.words[:0], l.line)
		if len(l.words) == 0 {
			continue
		}
		e, ok := l.read(l.words)
		switch {
		case !ok:
			l.miss()
		case e.Kind != 0:
			l.header = false
			e.Line, e.Daemon = l.number, l.vendor
			return e, nil
		}
	}
	return facts.Event{}, l.end()
}

// read makes an event of a line, without a kind if it is none. It reports
// false if no rule understood the line.
func (l *ReportLog) read(w []word) (facts.Event, bool) {
	switch w[0].text {
	case "OUT":
		return l.out(w[1:])
	case "IN":
		return l.in(w[1:])
	case "DENY":
		return l.deny(w[1:])
	case "INUSE":
		return l.held(w[1:])
	case "QUE":
		return l.queued(w[1:])
	case "DEQUE":
		return l.dequeued(w[1:])
	case "PRODUCT":
		return l.product(w[1:])
	case "START":
		return l.start(w[1:])
	case "END":
		return l.fullStamp(w[1:])
	case "SHUTDOWN":
		clear(l.open)
		return l.request(facts.Shutdown, w[1:])
	case "REREAD":
		l.listing = true
		return l.request(facts.Reread, w[1:])
	}
	if e, ok := l.fullStamp(w); ok {
		return e, true
	}
	return facts.Event{}, l.aside(w)
}

// aside reads what is no event: the header and records that we need not know.
func (l *ReportLog) aside(w []word) bool {
	switch {
	case strings.HasPrefix(l.line, "RLM Report Log Format "):
		l.header, l.vendor = true, ""
		return true
	case w[0].text == "ISV:" && len(w) > 1:
		l.vendor = strings.TrimSuffix(w[1].text, ",")
		return true
	case strings.HasPrefix(l.line, "SWITCH from "):
		l.goesOn = true
		return true
	}
	return l.header || isReportNoise(w[0].text)
}

// reportNoise are keywords of records that say nothing about who has licenses.
var reportNoise = []string{
	"LICENSE", "TIMEZONE", "AUTH", "AUTH:", "BADAUTH", "REPROCESSED", "SWITCH", "LOG", "DYNRES", "ROAM_EXTEND", "SERVER",
}

func isReportNoise(keyword string) bool {
	return slices.Contains(reportNoise, keyword) || strings.HasPrefix(keyword, "METER") || strings.HasPrefix(keyword, "TEMP")
}
