package flexnet

import "io"

// A LogReader reads the events of one debug log, one after the other. Memory
// is bounded whatever the log's length.
type LogReader struct {
	file LogFile
}

// NewLogReader returns a reader of the log in r.
func NewLogReader(r io.Reader, o LogOptions) *LogReader { return &LogReader{} }

// Next returns the next event, in the order of the file. It returns io.EOF at
// the end and otherwise only errors of the underlying reader.
func (r *LogReader) Next() (LogEvent, error) { return LogEvent{}, io.EOF }

// File returns what is known of the file so far; complete after io.EOF.
func (r *LogReader) File() LogFile { return r.file }

// Daemons returns what the start blocks read so far say, sorted by name.
func (r *LogReader) Daemons() []LogDaemon { return nil }

// LogHead reads as much of a log as is needed to date its first line, and
// returns File with First, FirstLine, StartLine and Started set: enough to sort
// the files of one history and to recognise two copies of one log.
func LogHead(r io.Reader, o LogOptions) (LogFile, error) { return LogFile{}, nil }
