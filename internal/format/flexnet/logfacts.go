package flexnet

import (
	"io"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// LogFacts reads the events of a debug log in the shape that the logs of all
// license managers share. A question for a feature that the daemon does not have
// is a refusal that does not count. Where the log has no handles, Handle is the
// vendor data that an IN has in common with its OUT, and ends with a NUL: many
// checkouts can have it.
type LogFacts struct{ log *LogReader }

// NewLogFacts returns the events of the log in r.
func NewLogFacts(r io.Reader, o LogOptions) *LogFacts { return &LogFacts{NewLogReader(r, o)} }

// logFacts leads from kinds of event to those of all logs.
var logFacts = [...]facts.Kind{
	LogOut: facts.Out, LogIn: facts.In, LogDenied: facts.Refused, LogUnsupported: facts.Refused,
	LogQueued: facts.Queued, LogDequeued: facts.Dequeued,
	LogStart: facts.Start, LogShutdown: facts.Shutdown, LogExit: facts.Shutdown,
	LogReread: facts.Reread, LogDisabled: facts.Reread, LogUpdated: facts.Reread, LogMark: facts.Mark,
}

// Next returns the next event, in the order of the file. It returns io.EOF at
// the end and otherwise only errors of the underlying reader.
func (f *LogFacts) Next() (facts.Event, error) {
	e, err := f.log.Next()
	if err != nil {
		return facts.Event{}, err
	}
	out := facts.Event{
		Kind: logFacts[e.Kind], At: e.At, Daemon: e.Daemon, Pool: license.Pool{Feature: e.Feature},
		User: e.User, Host: e.Host, Licenses: e.Licenses, InUse: e.InUse, Total: e.OutOf,
		Handle: e.Handle, Reason: e.Reason, Code: e.Code, Again: e.Kind == LogUnsupported, Line: e.Line,
	}
	if e.Handle == "" && e.Extra != "" {
		out.Handle = e.Extra + "\x00"
	}
	return out, nil
}

// Offset returns how many bytes of the log were read as lines so far, less than
// that while the last line may go on in one that is not there yet.
func (f *LogFacts) Offset() int64 {
	if f.log.unsure {
		return f.log.lines.taken - 1
	}
	return f.log.lines.taken
}

// Loss returns how many events could not be read so far, and whether the log
// tells less than all by its nature: licenses are shared within duplicate
// groups, which it does not show.
func (f *LogFacts) Loss() (events int, always bool) { return f.log.tally.events, f.log.tally.shared }
