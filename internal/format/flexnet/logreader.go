package flexnet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"headroom/internal/format/facts"
)

const (
	// logSilence is the longest that a running license server writes nothing:
	// lmgrd puts down the date every 6 hours.
	logSilence = 7 * 60 * 60
	// logKeptUnread, logKeptGaps and logKeptText bound what is kept of a file
	// that is not what it was taken for.
	logKeptUnread = 1000
	logKeptGaps   = 1000
	logKeptText   = 1000
)

// A LogReader reads the events of one debug log, one after the other. Memory
// is bounded whatever the log's length: one buffer, the names in use, and what
// LogFile keeps.
//
// A log tells the date of few lines. Those before the first date are dated by
// walking back from it, so the reader looks ahead for it before it returns the
// first event: at most 16 MiB, which is far more than the 6 hours that lie
// between two dates. That needs no second pass and works on a pipe. Events of
// a log that tells no date within that much have a zero At until one comes.
type LogReader struct {
	lines   logLines
	options LogOptions
	clock   logClock
	writers *logWriters
	writer  *logWriter // of the line before
	file    LogFile
	err     error // what ended the log
	unsure  bool  // the line at hand may go on

	looked   bool
	day      int64 // of the first line, found by looking ahead
	dayKnown bool
	prefixed bool  // a line with a time has been read
	quiet    bool  // the raw line to come belongs to what was printed before
	seen     int64 // the last instant; goes back when the date does
	first    int64 // the earliest and latest instant
	latest   int64
	scratch  []byte
	tally    logTally
}

// A logTally counts what becomes a warning about the whole file.
type logTally struct {
	checkouts bool // there were events of features
	undated   int
	moved     int // dates that did not fit the lines before them
	back      int // times that the clock was set back
	backLine  int
	events    int // lines with an event's keyword that could not be read
	shared    bool
}

// A logRecord is an event as the reader finds it and the totals take it.
type logRecord struct {
	kind     LogKind
	line     int
	at, wall int64       // seconds; see logUndated
	process  *logProcess // nil: every daemon
	subject  *logSubject // of an event of a feature
	verbose  logVerbose
	feature  string // of LogDisabled and LogUpdated
	licenses int64
	reason   string
}

// NewLogReader returns a reader of the log in r.
func NewLogReader(r io.Reader, o LogOptions) *LogReader {
	return newLogReader(r, o, newLogWriters())
}

func newLogReader(r io.Reader, o LogOptions, ws *logWriters) *LogReader {
	return &LogReader{
		lines: logLines{r: r}, options: o, clock: newLogClock(o.Zone),
		writers: ws, writer: &logWriter{}, seen: logUndated, first: math.MaxInt64, latest: logUndated,
	}
}

// Next returns the next event, in the order of the file. It returns io.EOF at
// the end and otherwise only errors of the underlying reader.
func (r *LogReader) Next() (LogEvent, error) {
	var rec logRecord
	if err := r.next(&rec); err != nil {
		return LogEvent{}, err
	}
	return rec.event(), nil
}

// event returns the record for the outside.
func (rec *logRecord) event() LogEvent {
	e := LogEvent{
		Kind: rec.kind, At: logInstant(rec.at), Wall: logWall(rec), Feature: rec.feature,
		Licenses: rec.licenses, Reason: rec.reason, Line: rec.line,
		Handle: rec.verbose.handle, InUse: rec.verbose.inUse, OutOf: rec.verbose.outOf,
	}
	if rec.process != nil {
		e.Daemon = rec.process.name
	}
	if s := rec.subject; s != nil {
		e.Feature, e.User, e.Host, e.Extra, e.Key = s.feature, s.user, s.host, s.extra, s.key
		e.Licenses, e.Reason, e.Code = s.licenses, s.reason, s.code
	}
	return e
}

// logInstant returns a second as a time; zero if it is undated.
func logInstant(at int64) time.Time {
	if at < 0 {
		return time.Time{}
	}
	return time.Unix(at, 0).UTC()
}

func logWall(rec *logRecord) time.Time {
	if rec.at < 0 {
		return time.Time{}.Add(time.Duration(max(0, rec.wall)) * time.Second)
	}
	return time.Unix(rec.wall, 0).UTC()
}

// File returns what is known of the file so far; complete after io.EOF.
func (r *LogReader) File() LogFile {
	f := r.file
	f.Bytes = r.lines.taken
	if r.latest >= 0 {
		f.First, f.Last = logInstant(r.first), logInstant(r.latest)
	}
	f.Warnings = r.warnings()
	return f
}

// Daemons returns what the start blocks read so far say, sorted by name.
func (r *LogReader) Daemons() []LogDaemon { return r.writers.all() }

// LogHead reads as much of a log as is needed to date its first line, and
// returns File with First, FirstLine, StartLine and Started set: enough to sort
// the files of one history and to recognise two copies of one log. StartLine is
// looked for in the first 20,000 lines. First is the earliest instant of what was
// read: where the clock is set back further down, File has an earlier one.
func LogHead(r io.Reader, o LogOptions) (LogFile, error) {
	const far = 20_000
	log := NewLogReader(r, o)
	var rec logRecord
	for log.file.Lines < far {
		err := log.next(&rec)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return LogFile{}, err
		}
		if log.file.StartLine != "" && rec.kind != LogStart {
			break
		}
	}
	f := log.File()
	return LogFile{First: f.First, FirstLine: f.FirstLine, StartLine: f.StartLine, Started: f.Started}, nil
}

// next reads on to the next event.
func (r *LogReader) next(rec *logRecord) error {
	if r.err != nil {
		return r.err
	}
	if !r.looked {
		r.lookAhead()
	}
	for {
		line, ok := r.lines.next()
		if !ok {
			return r.end()
		}
		r.file.Lines++
		if r.file.FirstLine == "" {
			r.file.FirstLine = r.text(line)
		}
		if r.lines.cut {
			r.unread(line)
			continue
		}
		w, tod, text, ok := r.prefix(line)
		if !ok {
			if r.raw(line, rec) {
				return nil
			}
			continue
		}
		at := r.clock.tick(tod)
		if !r.prefixed {
			at = r.begin(at)
		}
		if len(text) > 2 && text[0] == '(' && text[1] == '@' {
			r.statistics(text, at)
			continue
		}
		*rec = logRecord{line: r.file.Lines, at: at, wall: r.clock.wall, process: w.logProcess}
		if r.takes(w, line, text, rec) {
			r.file.Events++
			return nil
		}
	}
}

// takes makes an event of a line, if it is one.
func (r *LogReader) takes(w *logWriter, line, text []byte, rec *logRecord) bool {
	if kind, rest := logKeyword(text); kind != 0 {
		rec.kind = kind
		return r.event(w, line, rest, rec)
	}
	return len(text) > 0 && r.process(w, line, text, rec)
}

// prefix reads " H:MM:SS (name) " at the front of a line.
func (r *LogReader) prefix(line []byte) (w *logWriter, tod int32, text []byte, ok bool) {
	i := 0
	if len(line) > 0 && line[0] == ' ' {
		i = 1
	}
	tod, n := logTimeOfDay(line[i:])
	i += n
	if n == 0 || len(line) < i+4 || line[i] != ' ' || line[i+1] != '(' {
		return nil, 0, nil, false
	}
	i += 2
	if n := len(r.writer.printed); n > 0 && len(line) > i+n && line[i+n] == ')' && string(line[i:i+n]) == r.writer.printed {
		w, i = r.writer, i+n
	} else {
		end := bytes.IndexByte(line[i:], ')')
		if end <= 0 || bytes.IndexByte(line[i:i+end], ' ') >= 0 {
			return nil, 0, nil, false
		}
		if w = r.writers.get(line[i : i+end]); w == nil {
			return nil, 0, nil, false
		}
		r.writer, i = w, i+end
	}
	text = line[i+1:]
	if len(text) > 0 && text[0] == ' ' {
		text = text[1:]
	}
	return w, tod, text, true
}

// lookAhead finds the first date and walks back from it to the first line.
func (r *LogReader) lookAhead() {
	r.looked = true
	clock := newLogClock(nil)
	for pos := 0; ; {
		line, next, ok := r.lines.peek(pos, logLookAhead)
		if !ok {
			return
		}
		pos = next
		_, tod, text, ok := r.prefix(line)
		if !ok {
			continue
		}
		clock.tick(tod)
		if len(text) == 0 {
			continue
		}
		if date, ok := logDateOf(text); ok {
			r.day, r.dayKnown = dayAt(date.day, date.at, tod)-clock.day, true
			return
		}
	}
}

// begin dates the first line that has a time.
func (r *LogReader) begin(at int64) int64 {
	r.prefixed = true
	if r.dayKnown {
		at, _ = r.clock.anchor(r.day, -1)
		r.alive(at)
	}
	return at
}

// alive notes that the log vouches for an instant.
func (r *LogReader) alive(at int64) {
	if at < 0 {
		return
	}
	r.first, r.latest = min(r.first, at), max(r.latest, at)
	if at <= r.seen {
		return
	}
	if r.seen >= 0 && at-r.seen > logSilence && len(r.file.Gaps) < logKeptGaps {
		r.file.Gaps = append(r.file.Gaps, LogGap{From: logInstant(r.seen), To: logInstant(at)})
	}
	r.seen = at
}

// statistics skips a line of a statistics block, most lines of most logs. Only
// the date in some of them matters.
func (r *LogReader) statistics(text []byte, at int64) {
	if date, ok := logStatisticsDate(text); ok {
		at = r.anchor(date)
	}
	r.alive(at)
}

// anchor takes the date from the line that was just read.
func (r *LogReader) anchor(date logDate) int64 {
	at, wrong := r.clock.anchor(date.day, date.at)
	if wrong != 0 && !date.start { // a server may start after days
		r.tally.moved++
	}
	if wrong < 0 {
		r.seen = min(r.seen, at)
	}
	return at
}

// end notes what is known at the end of the log.
func (r *LogReader) end() error {
	r.err = r.lines.err
	if r.err == nil {
		r.err = io.EOF
	}
	if r.prefixed && r.clock.dated {
		r.alive(r.clock.last)
	}
	return r.err
}

// unread counts a line that no rule understood.
func (r *LogReader) unread(line []byte) {
	r.file.UnreadLines++
	if len(r.file.Unread) < logKeptUnread {
		r.file.Unread = append(r.file.Unread, facts.Unread{Line: r.file.Lines, Text: r.text(line)})
	}
}

// text returns a line for people to read, not too much of it.
func (r *LogReader) text(line []byte) string {
	if len(line) > logKeptText {
		line = line[:logKeptText]
	}
	return strings.TrimRight(logName(string(line), r.options.CodePage), " \t")
}

// warnings returns the sentences about the file as a whole.
func (r *LogReader) warnings() []string {
	var all []string
	warn := func(say bool, format string, args ...any) {
		if say {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	t := r.tally
	switch {
	case t.undated > 0 && r.clock.dated:
		warn(true, "%s more than %d MiB before the first date in the log: the time is unknown", logMany(t.undated, "event stands", "events stand"), logLookAhead>>20)
	case t.undated > 0:
		warn(true, "no line of the log tells a date: the time of its %s is unknown", logMany(t.undated, "event", "events"))
	}
	warn(t.checkouts && !r.file.Started, "the log begins while the license server runs: what was checked out before is not in it")
	warn(t.moved > 0, "%s not follow from the lines before: lines are missing, or the clock was set", logMany(t.moved, "date does", "dates do"))
	warn(t.back > 0, "the clock of the log goes back %s without midnight, first at line %d: it was set, or its zone is not %s", logMany(t.back, "time", "times"), t.backLine, r.clock.zone)
	warn(t.events > 0, "%s like events and could not be read: counts and peaks may be too low", logMany(t.events, "line looks", "lines look"))
	warn(t.shared, "the log has duplicate grouping: some checkouts share licenses, so counts from its lines may be too high")
	return all
}

// logMany returns a number with the words that go with it.
func logMany(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
