package flexnet

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"time"

	"headroom/internal/format/denial"
	"headroom/internal/license"
)

// A LogFeature is the sum of a history for one feature of one vendor daemon.
// Lines are counted in Out, In, Denied, Unsupported, Queued, OpenCheckouts;
// licenses in OutLicenses, InLicenses, Open and Peak.
type LogFeature struct {
	Daemon, Feature string

	Out, OutLicenses int64
	In, InLicenses   int64
	// InUnmatched is the part of In whose checkout the log does not show: it
	// began before the log, or ended with a shutdown. It changes no count.
	InUnmatched int64
	Denied      int64 // lines
	// DeniedFolded counts a refusal once when the same user on the same host
	// asks again within 5 minutes of the last refusal. Shortages is the part
	// of it that was refused because no license was free (code -4).
	DeniedFolded, Shortages int64
	// DeniedTrue and DeniedFalse are the parts of DeniedFolded of which the log
	// tells how they ended (denial.Rule); complete after Flush.
	DeniedTrue, DeniedFalse int64
	Unsupported             int64
	Queued                  int64

	// Users and Hosts count who checked out or in, case folded.
	Users, Hosts int

	Open          int64 // licenses checked out at the end
	OpenCheckouts int   // checkouts that hold them
	Peak          LogPeak
	// Installed is what the verbose form told last; unknown otherwise.
	Installed license.Count

	First, Last time.Time // of the feature's events; zero where undated

	Members  []string // what the feature consists of, if it is a package
	MemberOf []string // the packages that it belongs to
}

// A LogPeak is the highest number of licenses of one feature that were checked
// out at one time, and the first second in which they were.
type LogPeak struct {
	Value int64
	At    time.Time // zero where undated, or where Value is 0
	// Basis is exact where the history begins with the start of its server and
	// every event could be read, else at least.
	Basis license.Basis
}

// A LogStep says what one second did to one feature.
type LogStep struct {
	Daemon, Feature string
	At              time.Time // a whole second
	InUse           int64     // licenses checked out at its end, and until the next step
	High            int64     // the highest value that any event of the second left
}

// A LogCheckout is a checkout that is open at the end of a history.
type LogCheckout struct {
	Daemon, Feature string
	User, Host      string
	Extra           string
	Licenses        int64
	Since           time.Time // zero where undated
}

// A LogPerson is somebody who checked a feature out or in.
type LogPerson struct {
	Daemon, Feature string
	User            string    // as it was written first: case does not tell people apart
	Out             int64     // lines
	Last            time.Time // of the last OUT or IN; zero where undated
}

// LogTotals add up a history that may be spread over several files: Read them
// in order of time. What is checked out at the end of one file is checked out
// at the start of the next, unless more than 7 hours without a line lie between
// them and the next does not begin with a start: then a file is missing, all
// counts begin again at 0 and no peak is exact.
//
// An IN belongs to the oldest OUT that is open with the same daemon, feature,
// user, host, vendor data and number of licenses, users and hosts case folded.
// One without such an OUT changes nothing. A start or end of a daemon gives
// back all that is open on it; one of lmgrd, on every daemon.
type LogTotals struct {
	// OnStep, if set, is given every change of every feature, in order of
	// time. A second is reported when a later one begins or at Flush. A second
	// has the order of the file; a line that goes back in time counts in the
	// second that was reached before it. Undated changes are not reported.
	OnStep func(LogStep)

	// OnDenial, if set, is given every denial with a date once it is known how it
	// ended, or at Flush.
	OnDenial func(denial.Denial)

	options LogOptions
	writers *logWriters
	books   []*logBooks // of the daemons, in order of the log

	files int
	last  int64 // the last instant that a file vouched for
	now   int64
	exact bool // the history begins with the start of the server
	lossy bool // something is missing or could not be read
	users map[string]bool
	hosts map[string]bool
	dirty []*logAccounts // changed in this second
	watch denial.Watch
}

// NewLogTotals returns totals of an empty history.
func NewLogTotals(o LogOptions) *LogTotals {
	t := &LogTotals{
		options: o, writers: newLogWriters(), last: logUndated, now: logUndated,
		users: map[string]bool{}, hosts: map[string]bool{},
	}
	t.watch.Tell = t.denied
	return t
}

// Read adds one file. The error is that of r; what was read before it counts.
func (t *LogTotals) Read(r io.Reader) (LogFile, error) {
	log := newLogReader(r, t.options, t.writers)
	var rec logRecord
	missing := false
	err := log.next(&rec)
	if err == nil {
		missing = t.join(log, &rec)
	}
	for ; err == nil; err = log.next(&rec) {
		t.add(&rec)
	}
	t.files++
	t.last = max(t.last, log.latest)
	t.lossy = t.lossy || log.tally.events > 0 || log.tally.shared
	file := log.File()
	if missing {
		file.Warnings = append(file.Warnings, "more than 7 hours without a line lie between this file and the one before it: a file is missing, and what was checked out then is not known")
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return file, err
}

// join decides what the first event of a file means for what came before. It
// reports whether there is a file missing between them.
func (t *LogTotals) join(log *LogReader, rec *logRecord) (missing bool) {
	if rec.kind == LogStart {
		switch {
		case t.files > 0:
		case rec.process == nil:
			t.exact = true
		default:
			t.booksOf(rec.process).exact = true
		}
		return false
	}
	if t.files == 0 || log.latest < 0 || t.last < 0 || log.first-t.last <= logSilence {
		return false
	}
	t.lossy = true
	t.watch.End()
	at := t.advance(log.first)
	for _, b := range t.books {
		t.reset(b, at)
	}
	return true
}

// Flush ends the history: it reports the last second to OnStep, and the denials of
// which it is not known how they ended to OnDenial.
func (t *LogTotals) Flush() {
	t.flush()
	if t.last >= 0 {
		t.watch.Advance(logInstant(t.last))
	}
	t.watch.End()
}

// denied takes a denial of which it is known how it ended.
func (t *LogTotals) denied(d denial.Denial) {
	i := slices.IndexFunc(t.books, func(b *logBooks) bool { return b.process.name == d.Pool.Daemon })
	a := t.books[i].of(d.Pool.Feature)
	a.denials--
	switch d.Outcome {
	case denial.Unserved:
		a.sum.DeniedTrue++
	case denial.Served:
		a.sum.DeniedFalse++
	}
	if t.OnDenial != nil {
		t.OnDenial(d)
	}
}

// flush reports the second that is over.
func (t *LogTotals) flush() {
	for _, a := range t.dirty {
		a.dirty = false
		if t.OnStep != nil {
			t.OnStep(LogStep{
				Daemon: a.books.process.name, Feature: a.feature,
				At: logInstant(t.now), InUse: a.open, High: a.high,
			})
		}
	}
	t.dirty = t.dirty[:0]
}

// Features returns the sums by daemon and feature, sorted: every feature with
// an event.
func (t *LogTotals) Features() []LogFeature {
	var all []LogFeature
	for _, b := range t.books {
		for _, a := range b.list {
			all = append(all, a.total(t.basis(b)))
		}
	}
	slices.SortFunc(all, func(a, b LogFeature) int {
		return cmp.Or(cmp.Compare(a.Daemon, b.Daemon), cmp.Compare(a.Feature, b.Feature))
	})
	return all
}

// Lossy reports that the events do not tell all: a file is missing, an event
// could not be read, or licenses are shared within duplicate groups. Counts
// are then no exact ones.
func (t *LogTotals) Lossy() bool { return t.lossy }

func (t *LogTotals) basis(b *logBooks) license.Basis {
	if (t.exact || b.exact) && !t.lossy {
		return license.BasisExact
	}
	return license.BasisAtLeast
}

// Open returns the checkouts that are open, by daemon, feature and start.
func (t *LogTotals) Open() []LogCheckout {
	var all []LogCheckout
	for _, b := range t.books {
		for _, k := range b.checkouts {
			all = k.appendOpen(all)
		}
	}
	slices.SortFunc(all, func(a, b LogCheckout) int {
		return cmp.Or(
			cmp.Compare(a.Daemon, b.Daemon), cmp.Compare(a.Feature, b.Feature), a.Since.Compare(b.Since),
			cmp.Compare(a.User, b.User), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Extra, b.Extra), cmp.Compare(a.Licenses, b.Licenses),
		)
	})
	return all
}

// People returns who checked out or in, by daemon, feature and user.
func (t *LogTotals) People() []LogPerson {
	var all []LogPerson
	for _, b := range t.books {
		for _, a := range b.list {
			for _, u := range a.users {
				all = append(all, LogPerson{Daemon: b.process.name, Feature: a.feature, User: u.name, Out: u.out, Last: logInstant(u.last)})
			}
		}
	}
	slices.SortFunc(all, func(a, b LogPerson) int {
		return cmp.Or(cmp.Compare(a.Daemon, b.Daemon), cmp.Compare(a.Feature, b.Feature), cmp.Compare(a.User, b.User))
	})
	return all
}

// Daemons returns the vendor daemons of the history, sorted by name.
func (t *LogTotals) Daemons() []LogDaemon { return t.writers.all() }

// Users returns how many people checked out or in any feature, case folded.
func (t *LogTotals) Users() int { return len(t.users) }

// Hosts returns how many hosts they did it from, case folded.
func (t *LogTotals) Hosts() int { return len(t.hosts) }
