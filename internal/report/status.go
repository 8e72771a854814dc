package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/format"
	"headroom/internal/format/citrix"
	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/format/generic"
	"headroom/internal/license"
)

// A told is what one output says of one license server.
type told struct {
	facts.Status
	name string    // of the license server
	when time.Time // it was said, as far as that is known: what is newer counts
}

// statuses reads the output of every status tool. What a newer one says
// replaces what an older one said; the highest is kept as the peak.
func (c *collector) statuses(inputs []*input) error {
	var all []told
	var documents []generic.Document
	var past []citrix.Past
	for _, in := range inputs {
		if in.twin {
			continue
		}
		out, err := in.output(c.options)
		if err != nil {
			return fmt.Errorf("%s: %w", in.Path, err)
		}
		for _, s := range out.Servers {
			t := told{Status: s, name: serverName(s.Server), when: s.Snapshot.At}
			if t.when.IsZero() {
				t.when = in.At
			}
			all = append(all, t)
		}
		if in.document != nil {
			documents = append(documents, *in.document)
		}
		past = append(past, in.past...)
	}
	slices.SortStableFunc(all, func(a, b told) int { return a.when.Compare(b.when) })
	for i := range all {
		c.told(&all[i])
	}
	for _, t := range all { // once every pool is known: a list of names may name less of it
		c.assigned(t)
	}
	c.maxima(past)
	for _, r := range c.rows {
		r.sampled(c.options)
	}
	for _, d := range documents {
		c.document(d)
	}
	return nil
}

// output reads an input that is the output of a status tool, and fills in what
// the file says of itself; of any other it is empty.
func (in *input) output(o Options) (out facts.Output, err error) {
	switch parse := statusParsers[in.format]; {
	case in.format == format.FlexNetStatus:
		var s flexnet.Status
		s, err = flexnet.ParseStatus(in.reader(), flexnet.StatusOptions{Zone: o.Zone, CodePage: o.CodePage})
		out = flexnetOutput(s)
		in.doubts(s)
	case isCitrix(in.format):
		out, err = in.citrix(o)
	case in.format == format.GenericStatus:
		var d generic.Document
		d, err = generic.Parse(in.reader(), in.facts(o))
		out, in.document = d.Output, &d
	case parse != nil:
		out, err = parse(in.reader(), in.facts(o))
	default:
		return facts.Output{}, nil
	}
	if err != nil {
		return facts.Output{}, err
	}
	in.status(out, o)
	return out, nil
}

// status fills in what the file says of itself.
func (in *input) status(out facts.Output, o Options) {
	in.file.Lines, in.file.Unread = out.Lines, out.Unread.Total
	if out.Error != "" {
		in.warn("%s", out.Error)
	}
	for _, s := range out.Servers {
		in.spans(o.instant(s.Snapshot.At))
		if s.Snapshot.At.IsZero() && len(s.Snapshot.Readings) > 0 {
			in.warn("%s: no date: the time of the counts is unknown", shownName(s.Server))
		}
		if s.Error != "" {
			in.warn("%s: %s", shownName(s.Server), s.Error)
		}
		if s.Partial != "" {
			in.warn("%s: a part is missing: %s", shownName(s.Server), s.Partial)
		}
	}
}

// doubts says what is not sure about an lmstat output.
func (in *input) doubts(s flexnet.Status) {
	odd, guessed := 0, 0
	for _, section := range s.Sections {
		for _, f := range section.Features {
			for _, co := range f.Checkouts {
				odd += count(co.DateOdd)
				guessed += count(co.Guessed)
			}
		}
	}
	if odd > 0 {
		in.warn("%d checkouts have a weekday that fits no year near the status date", odd)
	}
	if guessed > 0 {
		in.warn("%d lines have names with blanks; user, host and display were divided by guess", guessed)
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// daemonsDown says which vendor daemons are down, and why.
func daemonsDown(daemons []flexnet.DaemonUp) string {
	var down []string
	for _, d := range daemons {
		if !d.Up {
			down = append(down, fmt.Sprintf("vendor daemon %s is down: %s", d.Name, d.Error))
		}
	}
	return strings.Join(down, "; ")
}

// serverName is what a license server goes by: its name if it has one, else its
// first host.
func serverName(s license.Server) string {
	if s.Name == "" && len(s.Hosts) > 0 {
		return s.Hosts[0]
	}
	return s.Name
}

func shownName(s license.Server) string { return cmp.Or(serverName(s), "the license server") }

// told takes over what a status says.
func (c *collector) told(t *told) {
	server := c.server(t.Server.Manager, append([]string{t.name}, t.Server.Hosts...)...)
	if sameHost(server.Name, t.name) && len(t.name) > len(server.Name) {
		server.Name = t.name // the full name
	}
	t.name = server.Name
	rows, said := map[license.Pool]*row{}, map[*row]bool{}
	people := tally(t.Snapshot.Holders)
	for _, n := range t.Snapshot.Readings {
		c.serves(t.Server.Manager, t.name, n.Daemon)
		r := c.row(t.place(n.Pool, n.Daemon))
		r.current(n, people[n.Pool], t.Snapshot.At, said[r], c.options)
		rows[n.Pool], said[r] = r, true
	}
	rowOf := func(p license.Pool) *row {
		if rows[p] == nil {
			rows[p] = c.row(t.place(p, ""))
		}
		return rows[p]
	}
	at := c.options.instant(t.Snapshot.At)
	for _, h := range t.Snapshot.Holders {
		r := rowOf(h.Pool)
		if h.Kind == license.HolderQueued || h.Kind == license.HolderReserved {
			continue
		}
		c.used(r, h.User, latest(at, c.options.instant(h.Since)), license.Count{})
	}
	for _, term := range t.Terms {
		rowOf(term.Pool)
	}
	for _, d := range t.Denied {
		rowOf(d.Pool).Refused = license.Of(d.Count)
	}
	server.hear(*t, rows, c.options)
}

// assigned takes over to whom licenses are assigned.
func (c *collector) assigned(t told) {
	if len(t.Assigned.List) == 0 {
		return
	}
	s, daemon := c.server(t.Server.Manager, t.name), ""
	if s.Manager == citrixName {
		daemon = citrix.Daemon
	}
	s.assigned = nil
	for _, a := range t.Assigned.List {
		r := c.assignedRow(t.place(a.Pool, daemon))
		s.assigned = append(s.assigned, Assigned{
			Place: r.Place, Kind: a.Kind, Name: a.Name,
			First: c.options.instant(a.First), Last: c.options.instant(a.Last), LastIs: t.Assigned.LastIs,
		})
		if a.Kind == license.AssignedUser {
			c.used(r, a.Name, c.options.instant(a.Last), license.Count{})
		}
	}
}

// assignedRow returns the row of which a list of names tells: Citrix's names a
// part of the variant, which is enough where it is of one row only.
func (c *collector) assignedRow(at Place) *row {
	var found []*row
	for _, r := range c.rows {
		part := at
		if strings.HasPrefix(r.Variant, at.Variant+" ") {
			part.Variant = r.Variant
		}
		if r.is(part) {
			found = append(found, r)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return c.row(at)
}

func (t *told) place(p license.Pool, daemon string) Place {
	return Place{Server: t.name, Manager: t.Server.Manager, Daemon: cmp.Or(p.Daemon, daemon), Feature: p.Feature, Variant: p.Variant}
}
