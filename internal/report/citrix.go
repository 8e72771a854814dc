package report

import (
	"fmt"
	"strings"

	"headroom/internal/format/citrix"
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// These are what a Citrix License Server tells, as facts. The lines of printed
// objects are not kept: their facts have none.

func (o Options) formatOptions() facts.Options {
	return facts.Options{Zone: o.Zone, CodePage: o.CodePage}
}

func citrixAnswerFacts(in *input, o Options, each func(Fact) error) error {
	answers, noise, err := citrix.ParseAnswers(in.reader(), o.formatOptions())
	if err != nil {
		return err
	}
	in.file.Lines, in.file.Unread = len(answers)+noise.Total, noise.Total
	for _, a := range answers {
		switch {
		case a.Absent:
			in.warn("%s: it is not there", a.Source)
		case a.Error != "":
			in.warn("%s: %s", a.Source, a.Error)
		}
		in.file.Unread += a.Unread.Total
		if err := citrixFacts(a, o, each); err != nil {
			return err
		}
		if err := unreadFacts(a.Unread.First, each); err != nil {
			return err
		}
	}
	return unreadFacts(noise.First, each)
}

func citrixPrintedFacts(in *input, o Options, each func(Fact) error) error {
	a, err := citrix.ParsePrinted(in.reader(), o.formatOptions())
	if err != nil {
		return err
	}
	in.file.Lines, in.file.Unread = a.Lines, a.Unread.Total
	if a.Error != "" {
		in.warn("%s", a.Error)
	}
	if err := citrixFacts(a, o, each); err != nil {
		return err
	}
	return unreadFacts(a.Unread.First, each)
}

func citrixFacts(a citrix.Answer, o Options, each func(Fact) error) error {
	for _, r := range citrix.Readings(a.Pools) {
		text := fmt.Sprintf("%s, installed %s, of it overdraft %s, in use %s", r.State, r.Installed, r.Overdraft, r.InUse)
		if err := each(Fact{Kind: "pool", At: o.instant(a.At), Daemon: r.Daemon, Feature: r.Pool.String(), Text: text}); err != nil {
			return err
		}
	}
	for _, g := range a.Grants {
		fact := Fact{Kind: "grant", Daemon: citrix.Daemon, Feature: g.Feature, Licenses: g.Count.N, Text: g.SADate + " " + g.Type + ", serial " + g.Serial}
		if err := each(fact); err != nil {
			return err
		}
	}
	for _, n := range append(a.Features, a.Types...) {
		if err := each(Fact{Kind: "name", Daemon: citrix.Daemon, Feature: n.Code, Text: n.Name}); err != nil {
			return err
		}
	}
	if a.Server.Version != "" || len(a.Server.Hosts) > 0 {
		if err := each(Fact{Kind: "server", Host: strings.Join(a.Server.Hosts, " "), Text: "version " + a.Server.Version}); err != nil {
			return err
		}
	}
	if err := assignedFacts(a.Assigned, o, each); err != nil {
		return err
	}
	return pastFacts(a.Past, o, each)
}

func citrixUserFacts(in *input, o Options, each func(Fact) error) error {
	u, err := citrix.ParseUsers(in.reader(), o.formatOptions())
	if err != nil {
		return err
	}
	in.file.Lines, in.file.Unread = u.Lines, u.Unread.Total
	if u.Error != "" {
		in.warn("%s", u.Error)
	}
	if err := assignedFacts(u.Assigned, o, each); err != nil {
		return err
	}
	return unreadFacts(u.Unread.First, each)
}

// assignedFacts tells to whom licenses are assigned, with the last stamp that
// the source tells.
func assignedFacts(assigned []license.Assignment, o Options, each func(Fact) error) error {
	for _, a := range assigned {
		fact := Fact{Kind: "assigned", At: o.instant(a.Last), Daemon: citrix.Daemon, Feature: a.Pool.String(), Licenses: 1, User: a.Name}
		if a.Kind == license.AssignedDevice {
			fact.User, fact.Host = "", a.Name
		}
		if err := each(fact); err != nil {
			return err
		}
	}
	return nil
}

func citrixHistoryFacts(in *input, o Options, each func(Fact) error) error {
	h, err := citrix.ParseHistory(in.reader(), "", o.formatOptions())
	if err != nil {
		return err
	}
	in.file.Lines, in.file.Unread = h.Lines, h.Unread.Total
	if h.Error != "" {
		in.warn("%s", h.Error)
	}
	if err := pastFacts(h.Past, o, each); err != nil {
		return err
	}
	return unreadFacts(h.Unread.First, each)
}

func pastFacts(past []citrix.Past, o Options, each func(Fact) error) error {
	for _, p := range past {
		kind := "sample"
		if !p.To.IsZero() {
			kind = "highest of the day"
		}
		text := fmt.Sprintf("installed %s, of it overdraft %s", p.Installed, p.Overdraft)
		fact := Fact{Line: p.Line, Kind: kind, At: o.instant(p.From), Feature: p.Pool.String(), Licenses: p.InUse.N, Text: text}
		if err := each(fact); err != nil {
			return err
		}
	}
	return nil
}
