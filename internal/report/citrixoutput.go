package report

import (
	"slices"
	"strings"
	"time"

	"headroom/internal/format"
	"headroom/internal/format/citrix"
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// citrixName is how a Citrix License Server stands in a license.Server.
const citrixName = "citrix"

func isCitrix(f format.Format) bool {
	return slices.Contains([]format.Format{format.CitrixAnswers, format.CitrixPrinted, format.CitrixUsers, format.CitrixHistory}, f)
}

// citrix is what a text tells of a Citrix License Server in the shape that all
// statuses share. Samples of the past are statuses of their time; what is only
// known as the highest of a time stays in in.past.
func (in *input) citrix(o Options) (out facts.Output, err error) {
	var answers []citrix.Answer
	switch in.format {
	case format.CitrixAnswers:
		answers, out.Unread, err = citrix.ParseAnswers(in.reader(), in.facts(o))
		out.Lines = len(answers) + out.Unread.Total
		for _, a := range answers {
			out.Unread.Total += a.Unread.Total
		}
	case format.CitrixPrinted:
		var a citrix.Answer
		a, err = citrix.ParsePrinted(in.reader(), in.facts(o))
		answers, out.Lines, out.Unread, out.Error = []citrix.Answer{a}, a.Lines, a.Unread, a.Error
	case format.CitrixUsers:
		var u citrix.Users
		u, err = citrix.ParseUsers(in.reader(), in.facts(o))
		answers, out.Lines, out.Unread, out.Error = []citrix.Answer{{Assigned: u.Assigned}}, u.Lines, u.Unread, u.Error
	case format.CitrixHistory:
		var h citrix.History
		h, err = citrix.ParseHistory(in.reader(), "", in.facts(o))
		answers, out.Lines, out.Unread, out.Error = []citrix.Answer{{Past: h.Past}}, h.Lines, h.Unread, h.Error
	}
	if err != nil {
		return facts.Output{}, err
	}
	out.Servers = in.citrixStatuses(answers)
	return out, nil
}

// citrixStatuses makes one status of now of all answers, and one for each sample
// of the past.
func (in *input) citrixStatuses(answers []citrix.Answer) []facts.Status {
	now := facts.Status{Server: license.Server{Manager: citrixName}, Assigned: license.Assignments{LastIs: license.LastRequest}}
	var missing []string
	for _, a := range answers {
		if a.Server.Version != "" || len(a.Server.Hosts) > 0 {
			now.Server.Hosts, now.Server.Version = a.Server.Hosts, a.Server.Version
		}
		switch {
		case a.Absent:
			missing = append(missing, a.Source+" is not there")
		case a.Error != "":
			missing = append(missing, strings.TrimPrefix(a.Source+": "+a.Error, ": "))
		}
		now.Assigned.List = append(now.Assigned.List, a.Assigned...)
		now.Snapshot.At = later(now.Snapshot.At, a.At)
		in.past = append(in.past, a.Past...)
	}
	pools := citrixPools(answers)
	now.Partial = strings.Join(missing, "; ")
	now.Snapshot.Readings, now.Terms = citrix.Readings(pools), citrix.Terms(pools)
	var all []facts.Status
	for _, s := range citrix.Snapshots(in.past) {
		all = append(all, facts.Status{Server: now.Server, Snapshot: s})
	}
	if len(now.Snapshot.Readings)+len(now.Assigned.List) > 0 || now.Server.Version != "" || now.Partial != "" {
		all = append(all, now)
	}
	return all
}

// citrixPools returns the rows that count: two sources are never added for one
// feature, and the first that names it tells.
func citrixPools(answers []citrix.Answer) []citrix.Pool {
	order := []string{citrix.SourcePools, citrix.SourceInventory, citrix.SourceLAS, ""}
	sorted := slices.SortedStableFunc(slices.Values(answers), func(a, b citrix.Answer) int {
		return slices.Index(order, a.Source) - slices.Index(order, b.Source)
	})
	var pools []citrix.Pool
	by := map[string]int{} // the answer that tells of a feature
	for i, a := range sorted {
		for _, p := range a.Pools {
			if k, named := by[p.Feature]; named && k != i {
				continue
			}
			by[p.Feature] = i
			pools = append(pools, p)
		}
	}
	return pools
}

// maxima takes what tables of the past tell as the highest of a time. When in
// that time it was is not told.
func (c *collector) maxima(past []citrix.Past) {
	for _, p := range past {
		if p.To.IsZero() || !p.InUse.Known {
			continue
		}
		r := c.assignedRow(Place{Manager: citrixName, Daemon: citrix.Daemon, Feature: p.Pool.Feature, Variant: p.Pool.Variant})
		r.First, r.Last = earliest(r.First, c.options.instant(p.From)), latest(r.Last, c.options.instant(p.To.Add(-time.Second)))
		if !r.most.Value.Known || p.InUse.N > r.most.Value.N {
			r.most = Peak{Value: p.InUse, Basis: license.BasisBetween}
		}
	}
}
