package flexnet

import (
	"bytes"
	"strings"
)

// process reads a line that is not about one checkout: a date, the life of a
// server or daemon, lists of features, noise. It reports whether that is an
// event.
func (r *LogReader) process(w *logWriter, line, text []byte, rec *logRecord) bool {
	if date, ok := logDateOf(text); ok {
		rec.at = r.anchor(date)
		rec.wall = r.clock.wall
		return r.dated(w, line, date, rec)
	}
	s := r.text(text)
	r.tally.shared = r.tally.shared || strings.Contains(s, "DUP_GROUP")
	if rec.kind = r.life(w, s, rec); rec.kind != 0 {
		w.listing = false
		r.vouch(rec)
		return true
	}
	if r.quiet = r.lists(w, text, s) || logNoise(s); !r.quiet {
		r.unread(line)
	}
	return false
}

// dated makes an event of a line that tells the date: of a start block a
// start of everything, else a mark.
func (r *LogReader) dated(w *logWriter, line []byte, date logDate, rec *logRecord) bool {
	rec.kind = LogMark
	if w.lmgrd {
		rec.process = nil
	}
	if date.start {
		rec.kind = LogStart
		if r.file.StartLine == "" && bytes.Contains(line, []byte(" started on ")) {
			r.file.StartLine = r.text(line)
		}
	}
	r.vouch(rec)
	return true
}

// life reads what processes say of themselves and lmgrd of its daemons. It
// returns 0 if the text is something else. What ends a fork ends only that.
func (r *LogReader) life(w *logWriter, s string, rec *logRecord) LogKind {
	if kind, ok := r.reread(s, rec); ok {
		return kind
	}
	kind := LogKind(0)
	rec.reason = s
	switch {
	case strings.Contains(s, "hutdown requested"):
		kind = LogShutdown
	case hasAnyPrefix(s, "EXITING DUE TO SIGNAL", "EXITING WITH CODE", "EXITING with code"):
		kind = LogExit
	case w.lmgrd:
		return r.child(s, rec)
	case hasAnyPrefix(s, "FlexNet Licensing version ", "FLEXnet Licensing version ", "FLEXlm version "):
		kind = LogStart
	}
	if w.fork {
		return 0
	}
	if w.lmgrd {
		rec.process = nil
	}
	return kind
}

// child reads what lmgrd says of one daemon: that it was started, is being
// shut down, or has ended. Only a start may name a daemon that is not known.
func (r *LogReader) child(s string, rec *logRecord) LogKind {
	word, rest, _ := strings.Cut(s, " ")
	name, more, _ := strings.Cut(rest, " ")
	kind := LogKind(0)
	w := r.writers.byName[word]
	switch {
	case (word == "Started" || word == "REStarted" || word == "Restarted") && strings.HasPrefix(more, "("):
		kind, w = LogStart, r.writers.get([]byte(name))
	case word == "Shutting" && name == "down":
		kind, w = LogShutdown, r.writers.byName[logWord(strings.TrimPrefix(more, "vendor daemon "))]
	case name == "exited" || name == "died":
		kind = LogExit
	}
	if kind == 0 || w == nil || w.lmgrd || w.fork {
		return 0
	}
	rec.process = w.logProcess
	return kind
}

// reread reads what a change of the license or options file does.
func (r *LogReader) reread(s string, rec *logRecord) (LogKind, bool) {
	switch {
	case strings.HasPrefix(s, "Rereading "):
		if rec.process.lmgrd {
			rec.process = nil
		} else {
			rec.process.listing, rec.process.listed = true, r.clock.tod
		}
		rec.reason = s
		return LogReread, true
	case strings.HasPrefix(s, "Updating feature "):
		rec.feature = logWord(strings.TrimPrefix(s, "Updating feature "))
		rec.reason = s
		return LogUpdated, rec.feature != ""
	case strings.HasPrefix(s, "Disabling "):
		count, feature, _ := strings.Cut(strings.TrimPrefix(s, "Disabling "), " license")
		_, feature, _ = strings.Cut(feature, " from feature ")
		n, ok := logNumber(count)
		rec.feature, rec.licenses, rec.reason = logWord(feature), n, s
		return LogDisabled, ok && rec.feature != ""
	}
	return 0, false
}

// logWord returns the first word, without quotes, a key in parentheses or a
// full stop behind it.
func logWord(s string) string {
	s = strings.TrimSpace(s)
	if quoted, ok := strings.CutPrefix(s, `"`); ok {
		s, _, _ = strings.Cut(quoted, `"`)
		return s
	}
	if i := strings.IndexAny(s, " \t("); i >= 0 {
		s = s[:i]
	}
	return strings.TrimRight(s, ".,")
}

// lists reads the features that a daemon serves. The list follows the line
// "Server started on HOST for:", or a reread, with the same time.
func (r *LogReader) lists(w *logWriter, text []byte, s string) bool {
	if _, names, ok := strings.Cut(s, " for:"); ok && hasAnyPrefix(s, "Server started", "New Server started", "NEW Server started") {
		w.listing, w.listed, w.inside = true, r.clock.tod, nil
		w.list(names)
		return true
	}
	if strings.Contains(s, " (consisting of:") {
		w.listing, w.listed = true, r.clock.tod
		w.list(s)
		return true
	}
	if logNoise(s) {
		w.listing, w.inside = false, nil
		return false
	}
	if !w.listing || r.clock.tod-w.listed > 1 || r.clock.tod < w.listed {
		w.listing, w.inside = false, nil
		last := text[len(text)-1]
		inList := last == ' ' || last == '\t' || bytes.IndexByte(text, '\t') >= 0
		return inList && logLooksListed(text) // the file was cut there
	}
	if w.inside == nil && !logLooksListed(text) {
		return false
	}
	w.listed = r.clock.tod
	w.list(s)
	return true
}

// logLooksListed tells a line of a list: a few words, all of them names.
func logLooksListed(text []byte) bool {
	words := bytes.Fields(text)
	for _, word := range words {
		for _, c := range bytes.TrimSuffix(word, []byte{')'}) {
			if c <= ' ' || strings.IndexByte("()[]{},;:\"'<>=", c) >= 0 {
				return false
			}
		}
	}
	return len(words) <= 4
}

// raw reads a line without time and name. It reports whether that is an event.
func (r *LogReader) raw(line []byte, rec *logRecord) bool {
	s := r.text(line)
	if s == "" {
		return false
	}
	if rest, ok := strings.CutPrefix(s, "Shut down FlexNet "); ok {
		w := r.writers.byName[logWord(rest)]
		if w != nil && !w.lmgrd && r.prefixed {
			*rec = logRecord{kind: LogShutdown, line: r.file.Lines, at: r.clock.last, wall: r.clock.wall, process: w.logProcess, reason: s}
			r.vouch(rec)
			r.file.Events++
			return true
		}
		return false
	}
	if r.quiet && s[0] == ' ' || logRawNoise(s) {
		return false
	}
	r.unread(line)
	return false
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
