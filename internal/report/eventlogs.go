package report

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"headroom/internal/format"
	"headroom/internal/format/denial"
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// An eventHistory is the log of one license server: one file or several.
type eventHistory struct {
	format  logFormat
	options Options
	files   []*logFile // in order of time
	last    time.Time
}

// eventLogs reads the logs that are read event by event.
func (c *collector) eventLogs(inputs []*input) error {
	for _, f := range format.All {
		lf, ok := logFormats[f]
		if !ok {
			continue
		}
		histories, err := c.eventHistories(of(inputs, f), lf)
		if err != nil {
			return err
		}
		for _, h := range histories {
			server := c.only(lf.manager)
			t := newEventTotals(lf.silence, nil)
			t.onDenial = func(d denial.Denial) { c.denied(server, d) }
			if err := h.read(t); err != nil {
				return err
			}
			c.events(h, t, server)
		}
	}
	return nil
}

// eventHistories sorts the files of each license server by time and leaves out
// what stands in two of them. These logs do not name their license server: a
// file goes on where another has ended, and one that tells of the same time is
// another server's.
func (c *collector) eventHistories(inputs []*input, lf logFormat) ([]*eventHistory, error) {
	var files []*logFile
	for _, in := range inputs {
		f := &logFile{input: in}
		if err := f.look(lf, c.options); err != nil {
			return nil, fmt.Errorf("%s: %w", in.Path, err)
		}
		files = append(files, f)
	}
	slices.SortStableFunc(files, func(a, b *logFile) int {
		return cmp.Or(a.first.Compare(b.first), cmp.Compare(b.Size, a.Size))
	})
	var out []*eventHistory
	for _, f := range files {
		h, err := historyOf(out, f)
		if err != nil {
			return nil, err
		}
		if h == nil {
			h = &eventHistory{format: lf, options: c.options}
			out = append(out, h)
		}
		if !f.twin {
			h.files = append(h.files, f)
			h.last = later(h.last, f.last)
		}
	}
	return out, nil
}

// historyOf returns the history that a file belongs to, or nil.
func historyOf(all []*eventHistory, f *logFile) (*eventHistory, error) {
	for _, h := range all {
		if found, err := f.leaveOut(h.files); err != nil || found {
			return h, err
		}
	}
	for _, h := range all {
		if !f.first.Before(h.last) {
			return h, nil
		}
	}
	return nil, nil
}

// look reads the file for what it says of itself.
func (f *logFile) look(lf logFormat, o Options) error {
	log, err := f.each(lf, o, func(e facts.Event) {
		if !e.At.IsZero() && (f.first.IsZero() || e.At.Before(f.first)) {
			f.first = e.At
		}
		f.last = later(f.last, e.At)
	})
	if err != nil {
		return err
	}
	f.file.Lines, f.file.Unread = log.Lines(), log.Unread().Total
	f.spans(o.instant(f.first))
	f.spans(o.instant(f.last))
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// each calls use with the file's events.
func (in *input) each(lf logFormat, o Options, use func(facts.Event)) (eventLog, error) {
	log, err := lf.open(in.reader(), in.facts(o))
	if err != nil {
		return nil, err
	}
	for {
		e, err := log.Next()
		if errors.Is(err, io.EOF) {
			return log, nil
		}
		if err != nil {
			return nil, err
		}
		use(e)
	}
}

// read adds up the history.
func (h *eventHistory) read(t *eventTotals) error {
	for _, f := range h.files {
		log, err := f.each(h.format, h.options, t.add)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		t.end(log.Unread().Total > 0)
	}
	t.finish()
	return nil
}

// steps reads the history a second time, for the changes of one row only.
func (h *eventHistory) steps(r *row, each func(at, inUse, high int64)) (last int64, gaps []gap, err error) {
	t := newEventTotals(h.format.silence, func(p *eventPool, at time.Time) {
		if p.feature == r.Feature.Feature && p.variant == r.Variant && sameWord(p.daemon, r.Daemon) {
			each(at.Unix(), p.use, p.high)
		}
	})
	if err := h.read(t); err != nil {
		return 0, nil, err
	}
	return t.now.Unix(), t.gaps, nil
}

// events makes the rows of one history.
func (c *collector) events(h *eventHistory, t *eventTotals, server string) {
	for _, g := range t.gaps {
		h.warnOf(g)
	}
	for _, p := range t.list {
		c.serves(h.format.manager, server, p.daemon)
		r := c.logRow(Place{Server: server, Manager: h.format.manager, Daemon: p.daemon, Feature: p.feature, Variant: p.variant}, h)
		r.counted(p, t.basis(p), c.options)
		for _, u := range p.users {
			c.used(r, u.name, c.options.instant(u.last), license.Of(u.out))
		}
	}
}

// warnOf says in the file before a gap that there is one.
func (h *eventHistory) warnOf(g gap) {
	for _, f := range slices.Backward(h.files) {
		if f.first.Unix() < g.to {
			f.warn("no line from %s to %s: use in that time is not vouched for",
				h.options.instant(time.Unix(g.from, 0).Add(-h.format.silence)), h.options.instant(time.Unix(g.to, 0)))
			return
		}
	}
}

// counted takes over what a log says of a pool.
func (r *row) counted(p *eventPool, basis license.Basis, o Options) {
	r.First, r.Last = earliest(r.First, o.instant(p.first)), latest(r.Last, o.instant(p.last))
	if p.installed.Known && !r.told {
		r.State, r.Installed = license.StateOf(p.installed.N)
	}
	r.Out, r.In = license.Of(p.out), license.Of(p.in)
	r.Denied, r.Denials, r.Unsupported = license.Of(p.denied), license.Of(p.denials), license.Of(p.unsupported)
	r.DenialsTrue, r.DenialsFalse = license.Of(p.unserved), license.Of(p.served)
	r.Checkouts, r.CheckedOut = license.Of(p.out), license.Of(p.outLicenses)
	r.Users, r.Hosts = license.Of(int64(len(p.users))), license.Of(int64(len(p.hosts)))
	r.Open, r.OpenCheckouts = license.Of(p.use), license.Of(int64(p.holdings()))
	if basis == license.BasisExact || !r.Peak.Value.Known || p.peak >= r.Peak.Value.N {
		r.Peak = Peak{Value: license.Of(p.peak), At: o.instant(p.peakAt), Basis: basis}
	}
}
