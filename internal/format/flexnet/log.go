package flexnet

import (
	"regexp"
	"time"

	"golang.org/x/text/encoding"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A LogKind says what a line of the debug log reports.
type LogKind uint8

// The kinds of event. The first group is about features, the second about the
// processes that serve them.
const (
	LogOut         LogKind = iota + 1 // licenses were checked out
	LogIn                             // licenses came back
	LogDenied                         // a request was refused
	LogUnsupported                    // a client asked for a feature that the daemon does not have
	LogQueued                         // a request waits
	LogDequeued                       // a waiting request was served or given up

	LogStart    // a process came up: nothing is checked out before it
	LogShutdown // a shutdown was asked for: everything is given back
	LogExit     // a process ended: everything is given back
	LogReread   // the license or options file was read again; checkouts go on
	LogDisabled // reread took Licenses away from Feature
	LogUpdated  // reread changed the counts of Feature
	LogMark     // TIMESTAMP: the process was alive and the date is sure
)

// String returns the kind's name in lower case.
func (k LogKind) String() string {
	if k < LogOut || int(k) >= len(logKindNames) {
		return "unknown"
	}
	return logKindNames[k]
}

var logKindNames = [...]string{
	LogOut: "out", LogIn: "in", LogDenied: "denied", LogUnsupported: "unsupported",
	LogQueued: "queued", LogDequeued: "dequeued",
	LogStart: "start", LogShutdown: "shutdown", LogExit: "exit", LogReread: "reread",
	LogDisabled: "disabled", LogUpdated: "updated", LogMark: "mark",
}

// A LogEvent is one line of the debug log that says something happened.
type LogEvent struct {
	Kind LogKind
	// At is the instant in UTC; zero when no line of the log tells a date.
	At time.Time
	// Wall is what the log's own clock showed, written as if it were UTC. In an
	// undated log its day counts from 1 January of year 1.
	Wall time.Time
	// Daemon is the vendor daemon that the event belongs to, a fork under the
	// name of its parent. Empty: lmgrd and with it every daemon.
	Daemon   string
	Feature  string
	User     string // as printed, decoded
	Host     string
	Extra    string // vendor data in brackets, such as the product inside a token license
	Key      string // of UNSUPPORTED: which license the client asked for
	Licenses int64  // 1 where the line tells none
	// Reason is the text in the last parentheses: INACTIVE or SHUTDOWN on a
	// LogIn, the error text of a refusal, who asked for a shutdown.
	Reason string
	Code   int // the major error code of a refusal, such as -4; 0 if there is none
	// Handle, InUse and OutOf stand only in the verbose form of the log.
	Handle string
	InUse  license.Count // of the feature, as the daemon counts it
	OutOf  license.Count
	Line   int // counted from 1
}

// LogOptions say what a debug log does not tell about itself.
type LogOptions struct {
	// Zone is where the license server's clock stands; nil means UTC.
	Zone *time.Location
	// CodePage decodes names that are no valid UTF-8; nil means Windows-1252.
	CodePage encoding.Encoding
}

// A LogFile is what one file of a debug log was.
type LogFile struct {
	Lines  int
	Bytes  int64
	Events int // events that Next returned, marks included
	// First and Last are the earliest and latest instant of its lines: of the
	// first and last line, unless the clock was set back. Zero if undated.
	First, Last time.Time
	// Started says that the file begins with the start of a server or daemon:
	// nothing was checked out before its first line.
	Started bool
	// FirstLine and StartLine identify the log whatever the file is called:
	// its first line that is not blank, and the first "started on" line of
	// lmgrd (empty if there is none).
	FirstLine, StartLine string
	// Gaps are the spans of more than 7 hours without a line; a running
	// license server writes at least every 6. At most 1000 are kept.
	Gaps []LogGap
	// UnreadLines counts the lines that no rule understood; Unread holds the
	// first 1000 of them.
	UnreadLines int
	Unread      []facts.Unread
	// Warnings are sentences about the file as a whole.
	Warnings []string
}

// Host is the license server that the start line names; empty if there is none.
func (f LogFile) Host() string {
	if m := logStarted.FindStringSubmatch(f.StartLine); m != nil {
		return m[1]
	}
	return ""
}

var logStarted = regexp.MustCompile(` started on (\S+) \(`)

// A LogGap is a span in which the log says nothing.
type LogGap struct {
	From, To time.Time
}

// A LogDaemon is what the start block of a vendor daemon says.
type LogDaemon struct {
	Name     string
	Features []string     // served features, packages included, in order of the log
	Packages []LogPackage // in order of the log
}

// A LogPackage is a feature that stands for others. A checkout of a member is
// logged twice, for the member and for the package; the two are never added.
type LogPackage struct {
	Name    string
	Members []string
}
