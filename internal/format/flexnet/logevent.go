package flexnet

import (
	"bytes"
)

// logKeyword tells what a line says happened to a feature and returns what
// follows the keyword.
func logKeyword(text []byte) (LogKind, []byte) {
	if len(text) < 4 {
		return 0, nil
	}
	var kind LogKind
	var word string
	switch text[0] {
	case 'O':
		kind, word = LogOut, "OUT:"
	case 'I':
		kind, word = LogIn, "IN:"
	case 'D':
		kind, word = LogDenied, "DENIED:"
		if text[2] == 'Q' {
			kind, word = LogDequeued, "DEQUEUED:"
		}
	case 'U':
		kind, word = LogUnsupported, "UNSUPPORTED:"
	case 'Q':
		kind, word = LogQueued, "QUEUED:"
	default:
		return 0, nil
	}
	if len(text) < len(word) || string(text[:len(word)]) != word {
		return 0, nil
	}
	return kind, text[len(word):]
}

// event reads an event of a feature. Text with the keyword of one that it
// cannot read is unread.
func (r *LogReader) event(w *logWriter, line, rest []byte, rec *logRecord) bool {
	s := w.subjects(rec.kind)[string(rest)]
	if s == nil || s.loose {
		if s = r.learn(w, rest, rec); s == nil {
			r.tally.events++
			r.unread(line)
			return false
		}
	}
	rec.subject = s
	r.tally.checkouts = true
	r.vouch(rec)
	return true
}

// vouch notes what an event says of the file.
func (r *LogReader) vouch(rec *logRecord) {
	r.quiet = false
	if r.file.Events == 0 {
		r.file.Started = rec.kind == LogStart
	}
	if rec.at < 0 {
		r.tally.undated++
		return
	}
	if r.clock.back {
		r.clock.back = false
		if r.tally.back++; r.tally.back == 1 {
			r.tally.backLine = rec.line
		}
	}
	r.alive(rec.at)
}

// learn reads the text of an event that was not seen before, or that may go on
// in the next line, and keeps it.
func (r *LogReader) learn(w *logWriter, rest []byte, rec *logRecord) *logSubject {
	if plain, marked, ok := bytes.Cut(rest, logVerboseMark); ok {
		marked, _, _ = bytes.Cut(marked, logVerboseMark)
		r.verbose(parseLogVerbose(marked), rec)
		rest = plain
	}
	s := r.parse(w, rec.kind, rest)
	if s != nil && !s.loose {
		return s
	}
	if whole := r.unwrap(w, rec.kind, rest, s); whole != nil {
		return whole
	}
	return s
}

// parse reads the text of an event, unless it is known.
func (r *LogReader) parse(w *logWriter, kind LogKind, rest []byte) *logSubject {
	if s := w.subjects(kind)[string(rest)]; s != nil {
		return s
	}
	line := string(rest)
	s, ok := parseLogSubject(kind, line, r.options.CodePage)
	if !ok {
		return nil
	}
	w.keep(kind, line, s)
	return s
}

func (r *LogReader) verbose(v logVerbose, rec *logRecord) {
	rec.verbose = v
	r.tally.shared = r.tally.shared || v.shared && !v.inUse.Known
	if v.dated {
		rec.at = r.anchor(logDate{day: v.day, at: -1})
		rec.wall = r.clock.wall
	}
}

// unwrap reads an event that an old daemon has divided into several lines, and
// takes those lines. It returns nil if the lines that follow are none of it.
func (r *LogReader) unwrap(w *logWriter, kind LogKind, rest []byte, alone *logSubject) *logSubject {
	const most = 3
	r.scratch = append(r.scratch[:0], bytes.TrimRight(rest, " \t")...)
	tod, pos := r.clock.tod, 0
	r.unsure = true
	defer func() { r.unsure = false }()
	for n := 1; n <= most; n++ {
		line, next, ok := r.lines.peek(pos, logBuffer)
		if !ok || !r.goesOn(w, tod, &line, alone == nil) || len(r.scratch)+len(line) > logMaxLine {
			return nil
		}
		pos = next
		r.scratch = append(append(r.scratch, ' '), line...)
		s := r.parse(w, kind, r.scratch)
		if s == nil {
			continue
		}
		for range n {
			r.lines.next()
		}
		r.file.Lines += n
		if !s.loose {
			return s
		}
		whole := *s // what is complete by its second line does not go on
		whole.loose = false
		w.keep(kind, string(r.scratch), &whole)
		return &whole
	}
	return nil
}

// goesOn tells whether a line continues the event before it, and cuts its
// prefix off: it has none, or the same, and begins in the middle of an event.
// If the event is incomplete any line without prefix will do.
func (r *LogReader) goesOn(w *logWriter, tod int32, line *[]byte, incomplete bool) bool {
	text := *line
	next, nextTod, rest, prefixed := r.prefix(text)
	r.writer = w
	if prefixed {
		if next != w || nextTod != tod {
			return false
		}
		text = rest
	}
	inner := bytes.TrimSpace(text)
	if len(inner) == 0 {
		return false
	}
	*line = inner
	indented := prefixed && len(inner) < len(text) && (text[0] == ' ' || text[0] == '\t')
	opens := inner[0] == '[' || inner[0] == '(' && !bytes.HasPrefix(inner, []byte("(@"))
	return opens || incomplete && (indented || !prefixed)
}
