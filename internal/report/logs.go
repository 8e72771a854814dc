package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"headroom/internal/format"
	"headroom/internal/format/denial"
	"headroom/internal/format/flexnet"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A debugLog is the debug log of one license server: one file or several.
type debugLog struct {
	server  string
	files   []*logFile // in order of time
	options flexnet.LogOptions
	totals  *flexnet.LogTotals
}

// A logFile is one file of a log.
type logFile struct {
	*input
	first time.Time // that a line tells; zero if none does
	last  time.Time // not known of a debug log
	host  string    // of a debug log: the license server that its start line names
}

// logs reads the debug logs, one history per license server.
func (c *collector) logs(inputs []*input) error {
	codePage, err := encodingOf(c.options.CodePage)
	if err != nil {
		return err
	}
	c.logOptions = flexnet.LogOptions{Zone: c.options.Zone, CodePage: codePage}
	histories, err := c.histories(of(inputs, format.FlexNetLog))
	if err != nil {
		return err
	}
	for _, h := range histories {
		h.totals = flexnet.NewLogTotals(c.logOptions)
		server := c.named(flexnetName, h.server)
		h.totals.OnDenial = func(d denial.Denial) { c.denied(server, d) }
		for _, f := range h.files {
			file, err := h.totals.Read(f.reader())
			if err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
			f.log(file, c.options)
		}
		h.totals.Flush()
		c.history(h)
	}
	return nil
}

// encodingOf returns the code page of that name; nil is the log's default.
func encodingOf(name string) (encoding.Encoding, error) {
	if name == "" {
		return nil, nil
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("there is no code page %q; the names are those of the WHATWG encoding standard, such as windows-1252", name)
	}
	return e, nil
}

// log fills in what the file says of itself.
func (in *input) log(f flexnet.LogFile, o Options) {
	in.file.Lines, in.file.Unread = f.Lines, f.UnreadLines
	in.file.First, in.file.Last = o.instant(f.First), o.instant(f.Last)
	in.file.Warnings = append(in.file.Warnings, f.Warnings...)
	for _, gap := range f.Gaps {
		in.warn("no line from %s to %s: use in that time is not vouched for", o.instant(gap.From), o.instant(gap.To))
	}
}

// histories sorts the files of each license server by time and leaves out
// what stands in two of them. A file without a start line belongs to the only
// server that the others name; where there is no such one, to a server that
// nothing is known of.
func (c *collector) histories(inputs []*input) ([]*debugLog, error) {
	var files []*logFile
	hosts := map[string]string{}
	for _, in := range inputs {
		head, err := flexnet.LogHead(in.reader(), c.logOptions)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.Path, err)
		}
		f := &logFile{input: in, first: head.First, host: head.Host()}
		if host := f.host; host != "" {
			hosts[license.FoldName(host)] = host
		}
		files = append(files, f)
	}
	only := ""
	if len(hosts) == 1 {
		for _, only = range hosts {
			break
		}
	}
	slices.SortStableFunc(files, func(a, b *logFile) int {
		return cmp.Or(a.first.Compare(b.first), cmp.Compare(b.Size, a.Size))
	})
	var out []*debugLog
	for _, f := range files {
		server := cmp.Or(f.host, only)
		i := slices.IndexFunc(out, func(h *debugLog) bool { return strings.EqualFold(h.server, server) })
		if i < 0 {
			out = append(out, &debugLog{server: server, options: c.logOptions})
			i = len(out) - 1
		}
		if err := out[i].add(f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// add appends a file to the history, less what stands in an earlier one.
func (h *debugLog) add(f *logFile) error {
	if _, err := f.leaveOut(h.files); err != nil || f.twin {
		return err
	}
	h.files = append(h.files, f)
	return nil
}

// leaveOut leaves out what the file has in common with the end of an earlier
// one: a log that was copied twice while it grew, or rotated by copying, has the
// same lines in two files. It reports whether there is such an earlier file.
func (f *logFile) leaveOut(earlier []*logFile) (found bool, err error) {
	for _, before := range slices.Backward(earlier) {
		shared, err := text.Overlap(before.whole(), f.whole())
		if err != nil {
			return false, err
		}
		if shared == 0 {
			continue
		}
		if shared >= f.Size {
			f.twin = true
			f.warn("all of it stands in %s: counted once", before.Path)
			return true, nil
		}
		f.skip = shared
		f.warn("the first %d bytes stand in %s too: counted once", shared, before.Path)
		return true, nil
	}
	return false, nil
}

// history makes the rows of one log.
func (c *collector) history(h *debugLog) {
	server := c.named(flexnetName, h.server)
	for _, d := range h.totals.Daemons() {
		c.serves(flexnetName, server, d.Name)
	}
	rows := map[[2]string]*row{}
	for _, f := range h.totals.Features() {
		if f.Out+f.In+f.Denied+f.Unsupported+f.Queued == 0 {
			continue
		}
		r := c.logRow(Place{Server: server, Manager: flexnetName, Daemon: f.Daemon, Feature: f.Feature}, h)
		r.events(f, c.options)
		rows[[2]string{f.Daemon, f.Feature}] = r
	}
	for _, p := range h.totals.People() {
		c.used(rows[[2]string{p.Daemon, p.Feature}], p.User, c.options.instant(p.Last), license.Of(p.Out))
	}
}

// events takes over what a log says of a feature.
func (r *row) events(f flexnet.LogFeature, o Options) {
	r.Out, r.In = license.Of(f.Out), license.Of(f.In)
	r.Denied, r.Denials, r.Unsupported = license.Of(f.Denied), license.Of(f.DeniedFolded), license.Of(f.Unsupported)
	r.DenialsTrue, r.DenialsFalse = license.Of(f.DeniedTrue), license.Of(f.DeniedFalse)
	r.Checkouts, r.CheckedOut = license.Of(f.Out), license.Of(f.OutLicenses)
	r.Users, r.Hosts = license.Of(int64(f.Users)), license.Of(int64(f.Hosts))
	r.Open, r.OpenCheckouts = license.Of(f.Open), license.Of(int64(f.OpenCheckouts))
	r.First, r.Last = earliest(r.First, o.instant(f.First)), latest(r.Last, o.instant(f.Last))
	r.Members, r.MemberOf = f.Members, f.MemberOf
	if f.Installed.Known && !r.Installed.Known {
		r.State, r.Installed = license.StateCounted, f.Installed
	}
	// Events know more than samples. Only where a log was cut at its start may
	// a status have seen more than the log shows.
	if f.Peak.Basis == license.BasisExact || !r.Peak.Value.Known || f.Peak.Value >= r.Peak.Value.N {
		r.Peak = Peak{Value: license.Of(f.Peak.Value), At: o.instant(f.Peak.At), Basis: f.Peak.Basis}
	}
}

// steps reads the log a second time, for the changes of one feature only.
func (h *debugLog) steps(r *row, each func(at, inUse, high int64)) (last int64, gaps []gap, err error) {
	totals := flexnet.NewLogTotals(h.options)
	totals.OnStep = func(s flexnet.LogStep) {
		if s.Feature == r.Feature.Feature && sameWord(s.Daemon, r.Daemon) && !s.At.IsZero() {
			each(s.At.Unix(), s.InUse, s.High)
		}
	}
	var end time.Time
	var silent []flexnet.LogGap
	for _, f := range h.files {
		file, err := totals.Read(f.reader())
		if err != nil {
			return 0, nil, fmt.Errorf("%s: %w", f.Path, err)
		}
		silent = append(silent, file.Gaps...)
		if !end.IsZero() && file.First.Sub(end) > silence {
			silent = append(silent, flexnet.LogGap{From: end, To: file.First})
		}
		if file.Last.After(end) {
			end = file.Last
		}
	}
	totals.Flush()
	for _, g := range silent {
		gaps = append(gaps, gap{g.From.Add(silence).Unix(), g.To.Unix()})
	}
	return end.Unix(), gaps, nil
}

// silence is how long a debug log vouches for its last value without a line.
const silence = 7 * time.Hour
