package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"headroom/internal/format"
	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// statuses reads every lmstat output. What a newer one says replaces what an
// older one said; the highest is kept as the peak.
func (c *collector) statuses(inputs []*input) error {
	type seen struct {
		in      *input
		section flexnet.Section
	}
	var all []seen
	for _, in := range of(inputs, format.FlexNetStatus) {
		status, err := flexnet.ParseStatus(in.reader(), flexnet.StatusOptions{Zone: c.options.Zone, CodePage: c.options.CodePage})
		if err != nil {
			return fmt.Errorf("%s: %w", in.Path, err)
		}
		in.status(status, c.options)
		for _, section := range status.Sections {
			all = append(all, seen{in, section})
		}
	}
	slices.SortStableFunc(all, func(a, b seen) int { return a.section.At.Compare(b.section.At) })
	for _, s := range all {
		c.section(s.section)
	}
	for _, r := range c.rows {
		r.sampled(c.options)
	}
	return nil
}

// status fills in what the file says of itself.
func (in *input) status(s flexnet.Status, o Options) {
	in.file.Lines, in.file.Unread = s.Lines, s.UnreadTotal
	in.file.First, in.file.Last = o.instant(s.At), o.instant(s.At)
	if s.At.IsZero() {
		in.warn("no status date: years of checkouts and the time of the counts are unknown")
	}
	if s.Error != "" {
		in.warn("%s", s.Error)
	}
	for _, section := range s.Sections {
		if section.Error != "" {
			in.warn("%s: %s", serverName(section), section.Error)
		}
		for _, d := range section.Daemons {
			if !d.Up {
				in.warn("%s: vendor daemon %s is down: %s", serverName(section), d.Name, d.Error)
			}
		}
	}
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

// serverName is the license server of a section: its master, else the first
// that is up, else the first.
func serverName(s flexnet.Section) string {
	best := ""
	for _, up := range s.Servers {
		if up.Master {
			return up.Host
		}
		if best == "" && up.Up {
			best = up.Host
		}
	}
	switch {
	case best != "":
		return best
	case len(s.Hosts) > 0:
		return s.Hosts[0].Host
	case len(s.Servers) > 0:
		return s.Servers[0].Host
	}
	return ""
}

func (c *collector) section(s flexnet.Section) {
	server := serverName(s)
	for _, d := range s.Daemons {
		c.serves(server, d.Name)
	}
	named := map[*row]bool{}
	for _, f := range s.Features {
		r := c.row(server, f.Daemon, f.Name)
		r.current(f, s.At, named[r], c.options)
		named[r] = true
	}
}

// current takes over what a status says. Two blocks of one row in one status
// are added; where one of them tells nothing, nothing is known of the sum.
func (r *row) current(f flexnet.Feature, at time.Time, again bool, o Options) {
	r.First, r.Last = earliest(r.First, o.instant(at)), latest(r.Last, o.instant(at))
	broken := f.State == license.StateError || f.State == license.StateUnknown
	if again && (r.State == license.StateError || r.State == license.StateUnknown) {
		return
	}
	if again && broken && r.InUse.Known {
		r.samples = r.samples[:len(r.samples)-1] // it was a part
	}
	if !again || broken {
		r.Installed, r.InUse, r.Reserved, r.Queued = license.Count{}, license.Count{}, license.Count{}, license.Count{}
		r.Checkouts, r.CheckedOut, r.Users, r.Hosts = license.Count{}, license.Count{}, license.Count{}, license.Count{}
	}
	r.State, r.Error = f.State, f.Error
	if broken {
		return
	}
	r.Installed = added(r.Installed, f.Installed)
	r.InUse = added(r.InUse, f.InUse)
	t := tally(f.Checkouts)
	r.Reserved = added(r.Reserved, license.Of(t.reserved))
	r.Queued = added(r.Queued, license.Of(t.queued))
	r.Checkouts = added(r.Checkouts, license.Of(t.lines))
	r.CheckedOut = added(r.CheckedOut, license.Of(t.licenses))
	r.Users = added(r.Users, license.Of(int64(len(t.users))))
	r.Hosts = added(r.Hosts, license.Of(int64(len(t.hosts))))
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

type tallied struct {
	lines, licenses, reserved, queued int64
	users, hosts                      map[string]bool
}

func tally(checkouts []flexnet.Checkout) tallied {
	t := tallied{users: map[string]bool{}, hosts: map[string]bool{}}
	for _, co := range checkouts {
		switch co.Kind {
		case license.HolderReserved:
			t.reserved += co.Licenses
		case license.HolderQueued:
			t.queued += co.Licenses
		default:
			t.lines++
			t.licenses += co.Licenses
			t.users[license.FoldName(co.User)] = true
			t.hosts[license.FoldName(co.Host)] = true
		}
	}
	return t
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
