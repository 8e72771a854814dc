package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"headroom/internal/format"
	"headroom/internal/format/denial"
	"headroom/internal/format/flexnet"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A history is the debug log of one license server: one file or several.
type history struct {
	server string
	files  []*logFile // in order of time
	totals *flexnet.LogTotals
}

type logFile struct {
	*input
	head flexnet.LogFile
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
		h.totals.OnDenial = func(d denial.Denial) { c.denied(h.server, d) }
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
func (c *collector) histories(inputs []*input) ([]*history, error) {
	var files []*logFile
	hosts := map[string]string{}
	for _, in := range inputs {
		head, err := flexnet.LogHead(in.reader(), c.logOptions)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.Path, err)
		}
		f := &logFile{in, head}
		if host := f.head.Host(); host != "" {
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
		return cmp.Or(a.head.First.Compare(b.head.First), cmp.Compare(b.Size, a.Size))
	})
	var out []*history
	for _, f := range files {
		server := cmp.Or(f.head.Host(), only)
		i := slices.IndexFunc(out, func(h *history) bool { return strings.EqualFold(h.server, server) })
		if i < 0 {
			out = append(out, &history{server: server})
			i = len(out) - 1
		}
		if err := out[i].add(f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// add appends a file to the history, less what it has in common with the end
// of an earlier one: a log that was copied twice while it grew, or rotated by
// copying, has the same lines in two files.
func (h *history) add(f *logFile) error {
	for _, before := range slices.Backward(h.files) {
		shared, err := text.Overlap(before.whole(), f.whole())
		if err != nil {
			return err
		}
		if shared == 0 {
			continue
		}
		if shared >= f.Size {
			f.twin = true
			f.warn("all of it stands in %s: counted once", before.Path)
			return nil
		}
		f.skip = shared
		f.warn("the first %d bytes stand in %s too: counted once", shared, before.Path)
		break
	}
	h.files = append(h.files, f)
	return nil
}

// history makes the rows of one log.
func (c *collector) history(h *history) {
	for _, d := range h.totals.Daemons() {
		c.serves(h.server, d.Name)
	}
	for _, f := range h.totals.Features() {
		if f.Out+f.In+f.Denied+f.Unsupported+f.Queued == 0 {
			continue
		}
		r := c.row(h.server, f.Daemon, f.Feature)
		r.history = h
		r.events(f, c.options)
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
