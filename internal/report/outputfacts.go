package report

import (
	"cmp"
	"fmt"
	"strings"

	"headroom/internal/format/facts"
	"headroom/internal/format/generic"
	"headroom/internal/license"
)

// outputFacts are those of an output in the shape that all statuses share.
func outputFacts(out facts.Output, o Options, each func(Fact) error) error {
	if err := hostFacts(out, o, each); err != nil {
		return err
	}
	for _, s := range out.Servers {
		for _, f := range statusFacts(s, o) {
			if err := each(f); err != nil {
				return err
			}
		}
	}
	return unreadFacts(out.Unread.First, each)
}

// hostFacts tell of the license servers, or why nothing is told.
func hostFacts(out facts.Output, o Options, each func(Fact) error) error {
	if out.Error != "" {
		if err := each(Fact{Kind: "error", Said: out.Error}); err != nil {
			return err
		}
	}
	for _, s := range out.Servers {
		hosts := s.Server.Hosts
		if len(hosts) == 0 {
			hosts = []string{""}
		}
		for _, host := range hosts {
			if err := each(hostFact(s, host, o)); err != nil {
				return err
			}
		}
	}
	return nil
}

func hostFact(s facts.Status, host string, o Options) Fact {
	parts := []string{s.Server.Manager}
	if s.Server.Version != "" {
		parts = append(parts, "version "+s.Server.Version)
	}
	if s.Server.Port != 0 {
		parts = append(parts, fmt.Sprintf("port %d", s.Server.Port))
	}
	if s.Snapshot.Complete {
		parts = append(parts, "every pool is told")
	}
	id := s.Server.HostID
	if id != "" {
		id = "host id " + id
	}
	return Fact{
		Kind: "server", At: o.instant(s.Snapshot.At), Host: host, Text: strings.Join(parts, ", "), Said: joined(id, s.Error, s.Partial),
	}
}

// statusFacts are what is told of one license server.
func statusFacts(s facts.Status, o Options) []Fact {
	var all []Fact
	for _, r := range s.Snapshot.Readings {
		all = append(all, readingFact(r))
	}
	for _, h := range s.Snapshot.Holders {
		f := Fact{
			Kind: string(h.Kind), At: o.instant(h.Since), Feature: h.Pool.String(), User: h.User, Host: h.Host, Display: h.Display,
			Licenses: h.Licenses,
		}
		if h.Handle != "" {
			f.Text = "handle " + h.Handle
		}
		all = append(all, f)
	}
	for _, t := range s.Terms {
		all = append(all, termFact(t))
	}
	for _, d := range s.Denied {
		all = append(all, Fact{Kind: "denied", Feature: d.Pool.String(), Text: fmt.Sprintf("%d times since the license server counts", d.Count)})
	}
	for _, a := range s.Assigned.List {
		f := Fact{Kind: "assigned", At: o.instant(a.Last), Feature: a.Pool.String(), User: a.Name}
		if a.Kind == license.AssignedDevice {
			f.User, f.Host = "", a.Name
		}
		if !a.First.IsZero() {
			f.Text = "first " + o.instant(a.First).String()
		}
		all = append(all, f)
	}
	return all
}

func readingFact(r license.Reading) Fact {
	parts := []string{r.State.String()}
	for _, n := range []struct {
		name  string
		count license.Count
		shown bool // even if it is unknown
	}{
		{"installed", r.Installed, r.State == license.StateCounted},
		{"in use", r.InUse, r.State == license.StateCounted || r.State == license.StateUnlimited},
		{"reserved", r.Reserved, false},
		{"borrowed", r.Borrowed, false},
		{"queued", r.Queued, false},
		{"overdraft", r.Overdraft, false},
	} {
		if n.shown || n.count.Known {
			parts = append(parts, n.name+" "+n.count.String())
		}
	}
	return Fact{Kind: "feature", Daemon: cmp.Or(r.Pool.Daemon, r.Daemon), Feature: r.Pool.String(), Text: strings.Join(parts, ", "), Said: r.Reason}
}

func termFact(t facts.Term) Fact {
	var parts []string
	if t.Version != "" {
		parts = append(parts, "version "+t.Version)
	}
	parts = append(parts, t.State.String())
	if !t.Start.IsZero() {
		parts = append(parts, "from "+Instant{t.Start}.day())
	}
	switch {
	case t.Permanent:
		parts = append(parts, "permanent")
	case !t.Expiry.IsZero():
		parts = append(parts, "expires "+Instant{t.Expiry}.day())
	}
	return Fact{Kind: "term", Daemon: t.Vendor, Feature: t.Pool.String(), Licenses: t.Count.N, Text: strings.Join(parts, ", "), Said: t.Text}
}

// documentFacts are those of our own JSON, which tells uses and denials too.
func documentFacts(in *input, o Options, each func(Fact) error) error {
	out, err := in.output(o)
	if err != nil {
		return err
	}
	for _, u := range in.document.Uses {
		text := fmt.Sprintf("in use %d, then %d changes until %s", u.Start, len(u.Steps), o.instant(u.To))
		if err := each(Fact{Kind: "use", At: o.instant(u.From), Daemon: u.Daemon, Feature: u.Pool.String(), Text: text}); err != nil {
			return err
		}
	}
	for _, d := range in.document.Denials {
		if err := each(denialFact(d, o)); err != nil {
			return err
		}
	}
	return outputFacts(out, o, each)
}

func denialFact(d generic.Denial, o Options) Fact {
	return Fact{
		Kind: facts.Refused.String(), At: o.instant(d.At), Feature: d.Pool.String(), User: d.User, Host: d.Host,
		Text: fmt.Sprintf("%d times", d.Count), Said: d.Reason,
	}
}

func daemonOf(e facts.Event) string { return cmp.Or(e.Pool.Daemon, e.Daemon) }

// featureOf names a pool; one without a feature has no name.
func featureOf(p license.Pool) string {
	if p.Feature == "" {
		return ""
	}
	return p.String()
}
