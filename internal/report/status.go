package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/format"
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
	}
	slices.SortStableFunc(all, func(a, b told) int { return a.when.Compare(b.when) })
	for _, t := range all {
		c.told(t)
	}
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
func (c *collector) told(t told) {
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
	for _, a := range t.Assigned.List {
		if r := rowOf(a.Pool); a.Kind == license.AssignedUser {
			c.used(r, a.Name, c.options.instant(a.Last), license.Count{})
		}
	}
	for _, term := range t.Terms {
		rowOf(term.Pool)
	}
	for _, d := range t.Denied {
		rowOf(d.Pool).Refused = license.Of(d.Count)
	}
	server.hear(t, rows, c.options)
}

func (t told) place(p license.Pool, daemon string) Place {
	return Place{Server: t.name, Manager: t.Server.Manager, Daemon: cmp.Or(p.Daemon, daemon), Feature: p.Feature, Variant: p.Variant}
}

// current takes over what a status says. Two readings of one row in one status
// are added; where one of them tells nothing, nothing is known of the sum.
func (r *row) current(n license.Reading, t tallied, at time.Time, again bool, o Options) {
	r.First, r.Last = earliest(r.First, o.instant(at)), latest(r.Last, o.instant(at))
	r.told = true
	broken := n.State == license.StateError || n.State == license.StateUnknown
	if again && (r.State == license.StateError || r.State == license.StateUnknown) {
		return
	}
	if again && broken && r.InUse.Known {
		r.samples = r.samples[:len(r.samples)-1] // it was a part
	}
	if !again || broken {
		r.forget()
	}
	r.State, r.Error = n.State, n.Reason
	if broken {
		return
	}
	if n.State == license.StateCounted {
		r.Installed = added(r.Installed, n.Installed)
	}
	r.InUse = added(r.InUse, n.InUse)
	r.Reserved, r.Borrowed = added(r.Reserved, n.Reserved), added(r.Borrowed, n.Borrowed)
	r.Queued, r.Overdraft = added(r.Queued, n.Queued), added(r.Overdraft, n.Overdraft)
	if t.lines > 0 || n.InUse == license.Of(0) {
		r.Checkouts, r.CheckedOut = added(r.Checkouts, license.Of(t.lines)), added(r.CheckedOut, license.Of(t.licenses))
		r.Users, r.Hosts = added(r.Users, license.Of(int64(len(t.users)))), added(r.Hosts, license.Of(int64(len(t.hosts))))
	}
	r.sample(at, again)
}

// forget makes unknown what an older status said.
func (r *row) forget() {
	for _, c := range []*license.Count{
		&r.Installed, &r.InUse, &r.Reserved, &r.Borrowed, &r.Queued, &r.Overdraft, &r.Checkouts, &r.CheckedOut, &r.Users, &r.Hosts,
	} {
		*c = license.Count{}
	}
}

// sample keeps what is in use now.
func (r *row) sample(at time.Time, again bool) {
	if !r.InUse.Known {
		return
	}
	if n := len(r.samples); again && n > 0 && r.samples[n-1].at.Equal(at) {
		r.samples[n-1].inUse = r.InUse.N
		return
	}
	r.samples = append(r.samples, sampleAt{at, r.InUse.N})
}

// added is the sum of what is known of two.
func added(a, b license.Count) license.Count {
	switch {
	case !a.Known:
		return b
	case !b.Known:
		return a
	}
	return a.Plus(b)
}

// tallied are those who hold licenses of a pool.
type tallied struct {
	lines, licenses int64
	users, hosts    map[string]bool
}

func tally(holders []license.Holder) map[license.Pool]tallied {
	all := map[license.Pool]tallied{}
	for _, h := range holders {
		if h.Kind == license.HolderReserved || h.Kind == license.HolderQueued {
			continue
		}
		t, ok := all[h.Pool]
		if !ok {
			t = tallied{users: map[string]bool{}, hosts: map[string]bool{}}
		}
		t.lines++
		t.licenses += h.Licenses
		note(t.users, h.User)
		note(t.hosts, h.Host)
		all[h.Pool] = t
	}
	return all
}

// note adds a name to those that are told, whatever its case.
func note(names map[string]bool, name string) {
	if name != "" {
		names[license.FoldName(name)] = true
	}
}

// sampled sets the row's peak to the highest status.
func (r *row) sampled(o Options) {
	if len(r.samples) == 0 {
		return
	}
	high := slices.MaxFunc(r.samples, func(a, b sampleAt) int { return cmp.Compare(a.inUse, b.inUse) })
	r.Peak = Peak{Value: license.Of(high.inUse), At: o.instant(high.at), Basis: license.BasisSampled}
}

func earliest(a, b Instant) Instant {
	if a.IsZero() || !b.IsZero() && b.Before(a.Time) {
		return b
	}
	return a
}

func latest(a, b Instant) Instant {
	if a.IsZero() || b.After(a.Time) {
		return b
	}
	return a
}
