package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// products sums the features of each product. System features are none.
func (c *collector) products() ([]Product, error) {
	type group struct {
		Product
		rows []*row
	}
	byKey := map[string]*group{}
	var order []*group
	slices.SortFunc(c.rows, func(a, b *row) int { return byName(a.Feature, b.Feature) })
	for _, r := range c.rows {
		p := c.product(r.Feature)
		if p.System {
			continue
		}
		g := byKey[p.Key]
		if g == nil {
			g = &group{Product: Product{Key: p.Key, Name: p.Name, Model: p.Model, Daemon: cmp.Or(p.Daemon, r.Daemon)}}
			byKey[p.Key], order = g, append(order, g)
		}
		g.rows = append(g.rows, r)
		g.Features = appendNew(g.Features, r.Feature.Feature)
		g.Servers = appendNew(g.Servers, r.Server)
	}
	out := make([]Product, 0, len(order))
	for _, g := range order {
		g.Figures = sum(g.rows)
		g.Checks = checks(g.rows)
		if len(g.rows) > 1 {
			peak, err := c.commonPeak(g.rows)
			if err != nil {
				return nil, err
			}
			g.Peak = peak
		}
		g.finish()
		out = append(out, g.Product)
	}
	slices.SortFunc(out, func(a, b Product) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key)) })
	return out, nil
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// sum adds the figures of rows; one row's are its own. Installed sums counted
// pools only. People of several rows may be the same, so their number is then
// unknown.
func sum(rows []*row) Figures {
	if len(rows) == 1 {
		f := rows[0].Figures
		if f.State != license.StateCounted {
			f.Installed = license.Count{}
		}
		return f
	}
	total := Figures{}
	for _, r := range rows {
		total.First, total.Last = earliest(total.First, r.First), latest(total.Last, r.Last)
	}
	total.sumNow(finest(tellers(rows, func(r *row) bool { return r.told })))
	total.sumPast(tellers(rows, func(r *row) bool { return r.history != nil }))
	return total
}

// tellers leaves out rows that do not tell what others tell of the same
// licenses: a log may name a feature as a whole where a status names its
// variants, or the other way round.
func tellers(rows []*row, tells func(*row) bool) []*row {
	return slices.DeleteFunc(slices.Clone(rows), func(r *row) bool {
		return !tells(r) && slices.ContainsFunc(rows, func(other *row) bool {
			whole := r.Place
			whole.Variant = other.Variant
			return tells(other) && ((other.Variant == "") != (r.Variant == "") && whole.is(other.Place) || twoManagers(rows, r, other) || twoManagers(rows, other, r))
		})
	})
}

// twoManagers says that two rows are about the same licenses: those that lmstat, or
// the log of the vendor daemon, tells of a Citrix License Server, and those that
// Citrix's own sources do, by pool. Where one of them names no license server, they
// are the same if the report has no other of FlexNet's with the feature.
func twoManagers(rows []*row, flexnet, citrix *row) bool {
	if flexnet.Manager != flexnetName || citrix.Manager != citrixName || flexnet.Feature.Feature != citrix.Feature.Feature || !sameWord(flexnet.Daemon, citrix.Daemon) {
		return false
	}
	if flexnet.Server != "" && citrix.Server != "" {
		return sameHost(flexnet.Server, citrix.Server)
	}
	return !slices.ContainsFunc(rows, func(r *row) bool {
		return r != flexnet && r.Manager == flexnetName && r.Feature.Feature == flexnet.Feature.Feature
	})
}

// finest leaves out rows of whose licenses others tell pool by pool: a coarser
// source checks the sum of the finer pools and is never added to it (design
// section 3).
func finest(rows []*row) []*row {
	return slices.DeleteFunc(slices.Clone(rows), func(r *row) bool {
		return slices.ContainsFunc(rows, func(other *row) bool { return twoManagers(rows, r, other) })
	})
}

// withoutTwins leaves out statuses of whose licenses another row tells more: a log
// of the vendor daemon tells more than either manager's statuses, and pools more
// than lmstat.
func withoutTwins(rows []*row) []*row {
	return slices.DeleteFunc(slices.Clone(rows), func(r *row) bool {
		return r.history == nil && slices.ContainsFunc(rows, func(other *row) bool { return twoManagers(rows, r, other) })
	})
}

// checks says how rows that are not added agree with those that are.
func checks(rows []*row) (out []string) {
	for _, r := range rows {
		if !r.told || !r.InUse.Known {
			continue
		}
		pools, sum := 0, license.Count{}
		for _, other := range rows {
			if other.told && twoManagers(rows, r, other) {
				pools++
				sum = added(sum, other.InUse)
			}
		}
		switch {
		case pools == 0 || !sum.Known:
		case sum == r.InUse:
			out = append(out, fmt.Sprintf("%s: lmstat and the license server's own pools agree that %d are in use; they count once", r.name(), sum.N))
		default:
			out = append(out, fmt.Sprintf("%s: lmstat tells %d in use, the license server's own pools %d; the pools count", r.name(), r.InUse.N, sum.N))
		}
	}
	return out
}

// sumNow adds what statuses and license files tell.
func (total *Figures) sumNow(rows []*row) {
	total.State = rows[0].State
	untold, unread := false, false // by a row: what is installed, what is in use
	for _, r := range rows {
		if r.State != license.StateUncounted {
			untold = untold || !r.Installed.Known && r.State != license.StateUnlimited
			unread = unread || !r.InUse.Known
		}
		if r.State != total.State {
			total.State = mixed(total.State, r.State)
		}
		if r.State == license.StateCounted {
			total.Installed = added(total.Installed, r.Installed)
		}
		total.InUse, total.Reserved = added(total.InUse, r.InUse), added(total.Reserved, r.Reserved)
		total.Borrowed, total.Queued = added(total.Borrowed, r.Borrowed), added(total.Queued, r.Queued)
		total.Overdraft, total.Refused = added(total.Overdraft, r.Overdraft), added(total.Refused, r.Refused)
	}
	if total.State != license.StateCounted || untold {
		total.Installed, total.Overdraft = license.Count{}, license.Count{}
	}
	if unread { // a sum with an unknown part is unknown
		total.InUse, total.Reserved, total.Borrowed, total.Queued = license.Count{}, license.Count{}, license.Count{}, license.Count{}
	}
}

// sumPast adds what logs tell, and the checkouts of statuses where no log does.
func (total *Figures) sumPast(rows []*row) {
	for _, r := range rows {
		for _, pair := range [][2]*license.Count{
			{&total.Checkouts, &r.Checkouts},
			{&total.CheckedOut, &r.CheckedOut},
			{&total.Out, &r.Out},
			{&total.In, &r.In},
			{&total.Denied, &r.Denied},
			{&total.Denials, &r.Denials},
			{&total.DenialsTrue, &r.DenialsTrue},
			{&total.DenialsFalse, &r.DenialsFalse},
			{&total.Unsupported, &r.Unsupported},
			{&total.Open, &r.Open},
			{&total.OpenCheckouts, &r.OpenCheckouts},
		} {
			*pair[0] = added(*pair[0], *pair[1])
		}
	}
}

// mixed is the state of a sum: unlimited takes in counted; otherwise counted
// pools are what can be summed.
func mixed(a, b license.State) license.State {
	if a == license.StateUnlimited || b == license.StateUnlimited {
		return license.StateUnlimited
	}
	if a == license.StateCounted || b == license.StateCounted {
		return license.StateCounted
	}
	return license.StateUnknown
}

// commonPeak is the highest sum of rows at one instant. It reads the logs of
// the rows a second time, for their changes only.
func (c *collector) commonPeak(rows []*row) (Peak, error) {
	var lines []insight.Line
	missing := false // a row that tells nothing: the true peak may be higher
	span := insight.Span{From: 1<<63 - 1, To: -1 << 63}
	for i, r := range withoutTwins(tellers(rows, func(r *row) bool { return r.history != nil })) {
		pieces, err := piecesOf(r)
		if err != nil {
			return Peak{}, err
		}
		if len(pieces) == 0 {
			idle := r.history != nil && r.Peak.Basis == license.BasisExact
			missing = missing || !idle && r.State != license.StateUncounted
			continue
		}
		span.From, span.To = min(span.From, pieces[0].From), max(span.To, pieces[len(pieces)-1].To)
		lines = append(lines, insight.Line{Server: int64(i), Pieces: pieces})
	}
	if len(lines) == 0 {
		return Peak{}, nil
	}
	for i := range lines {
		lines[i].Pieces = cover(lines[i].Pieces, span)
	}
	p := insight.PeakOf(lines, span)
	if !p.Known {
		return Peak{}, nil
	}
	if missing || p.Partial {
		p.Basis = license.BasisAtLeast
	}
	return Peak{Value: license.Of(p.Value), At: c.options.instant(time.Unix(p.At, 0)), Basis: p.Basis}, nil
}

// cover fills the time before and after a row's pieces: nothing was recorded
// of it there.
func cover(pieces []series.Piece, span insight.Span) []series.Piece {
	if first := pieces[0].From; span.From < first {
		pieces = append([]series.Piece{{From: span.From, To: first, Kind: series.Absent}}, pieces...)
	}
	if last := pieces[len(pieces)-1].To; last < span.To {
		pieces = append(pieces, series.Piece{From: last, To: span.To, Kind: series.Unknown})
	}
	return pieces
}

// hold is for how many seconds a status stands where nothing says how often
// it was taken (design section 4, rule 6).
const hold = 30 * 60

// piecesOf is the step function of a row: its log's, else that of its statuses.
func piecesOf(r *row) ([]series.Piece, error) {
	if r.history == nil {
		return samplePieces(r.samples), nil
	}
	var pieces []series.Piece
	last, gaps, err := r.history.steps(r, func(at, inUse, high int64) {
		if n := len(pieces); n > 0 {
			pieces[n-1].To = at
		}
		pieces = append(pieces, series.Piece{
			From: at, To: at + 1, Kind: series.Known, InUse: inUse, High: high,
			State: license.StateCounted, Basis: r.Peak.Basis,
		})
	})
	if err != nil {
		return nil, err
	}
	if n := len(pieces); n > 0 {
		pieces[n-1].To = max(pieces[n-1].To, last+1)
	}
	return silenced(pieces, gaps), nil
}

// silenced makes unknown what lies in a gap.
func silenced(pieces []series.Piece, gaps []gap) []series.Piece {
	for _, g := range gaps {
		from, to := g.from, g.to
		var out []series.Piece
		for _, p := range pieces {
			if p.To <= from || p.From >= to {
				out = append(out, p)
				continue
			}
			before, after := p, p
			before.To, after.From = max(from, p.From), min(to, p.To)
			after.High = after.InUse // what was higher was its first second
			if before.From < before.To {
				out = append(out, before)
			}
			out = append(out, series.Piece{From: before.To, To: after.From, Kind: series.Unknown})
			if after.From < after.To {
				out = append(out, after)
			}
		}
		pieces = out
	}
	return pieces
}

// samplePieces lets each status hold until the next one, at most for hold.
func samplePieces(samples []sampleAt) []series.Piece {
	var pieces []series.Piece
	for _, s := range samples {
		if s.at.IsZero() {
			continue
		}
		at := s.at.Unix()
		if n := len(pieces); n > 0 {
			last := &pieces[n-1]
			switch {
			case last.From == at: // two statuses of one second
				last.InUse = max(last.InUse, s.inUse)
				last.High = last.InUse
				continue
			case last.To > at:
				last.To = at
			case last.To < at:
				pieces = append(pieces, series.Piece{From: last.To, To: at, Kind: series.Unknown})
			}
		}
		pieces = append(pieces, series.Piece{
			From: at, To: at + hold, Kind: series.Known, InUse: s.inUse, High: s.inUse,
			State: license.StateCounted, Basis: license.BasisSampled,
		})
	}
	return pieces
}
