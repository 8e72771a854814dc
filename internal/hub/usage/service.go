package usage

import (
	"context"
	"slices"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/insight"
)

// A Service answers questions. It may be used from many goroutines and must
// not be copied. It writes nothing to the store, and every method gives
// fault.NotFound for an organisation that does not exist.
type Service struct {
	Store  Store
	Now    func() time.Time
	Memory int64 // bytes of history and answers that are held, about (see memory); 0: DefaultMemory

	// Product says to which product a feature belongs; nil: catalog.Served.
	Product func(daemon, feature string) catalog.Product

	memory memory
}

// Servers lists all license servers with their status, removed ones included,
// by name.
func (s *Service) Servers(ctx context.Context, org int64) ([]Server, error) {
	o, err := s.Store.Organisation(ctx, org)
	if err != nil {
		return nil, err
	}
	records, err := s.Store.Servers(ctx, org)
	if err != nil {
		return nil, err
	}
	sources, err := s.Store.Sources(ctx, org)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	sorted := make([]*server, len(records))
	for i, r := range records {
		sorted[i] = &server{Server: stated(r, o.Thresholds, now)}
		sorted[i].Sources = sources[r.ID]
	}
	slices.SortFunc(sorted, byName)
	out := make([]Server, len(sorted))
	for i, one := range sorted {
		out[i] = one.Server
	}
	return out, nil
}

// sparkDays is how many local days a card's sparkline has.
const sparkDays = 90

// Overview answers the Usage page: a card for each product that a reporting
// server has, or one that lately stopped reporting. A product that only silent
// or removed servers had has no card; Details still answers for it.
func (s *Service) Overview(ctx context.Context, org int64) (out Overview, err error) {
	err = s.ask(ctx, org, everything, func(e *estate) error {
		out = Overview{Organisation: e.org, At: e.now, Trust: trustOf(e.servers), Failing: failing(e.servers)}
		out.Forked, out.Clocks = forked(e.servers, e.now), wrongClocks(e.servers)
		denied, err := e.denied(ctx)
		if err != nil {
			return err
		}
		for _, p := range e.products {
			if p.Hidden {
				if p.current() {
					out.Hidden = append(out.Hidden, p.Product)
				}
				continue
			}
			peaks, err := s.peaks(e, p.Key, p.lines)
			if err != nil {
				return err
			}
			out.Trust.Coverage = out.Trust.Coverage.Plus(peaks.Month.Coverage)
			if !p.current() {
				continue
			}
			c := Card{Product: p.Product, Now: currentOf(p.lines), Peaks: peaks, Tightest: tightest(p.lines), Denied: denied[p.Key]}
			c.Risk = riskOf(c.Now, peaks.Last7)
			from := e.dayStart(e.now.AddDate(0, 0, 1-sparkDays).Unix())
			days, err := s.trend(e, p.Key, p.lines, from, e.now.Unix())
			if err != nil {
				return err
			}
			c.Spark = dayLevels(days)
			c.Servers = p.servers()
			c.Twin = e.twin(p)
			out.Cards = append(out.Cards, c)
		}
		slices.SortFunc(out.Cards, byRisk)
		return nil
	})
	return out, err
}

// failing are the servers whose newest reading failed.
func failing(servers []*server) (out []Server) {
	for _, one := range servers {
		if one.Status != Removed && !one.FailedAt.IsZero() {
			out = append(out, one.Server)
		}
	}
	return out
}

// current says whether a server that reports, or lately did, has the product.
func (p *product) current() bool {
	return slices.ContainsFunc(p.lines, func(l *line) bool {
		return l.has() && (l.server.Status == Reporting || l.server.Status == NotReporting)
	})
}

// servers counts the servers that have the product.
func (p *product) servers() int {
	n := 0
	for _, of := range perServer(p.lines) {
		if of[0].server.Status != Removed && hasAny(of) {
			n++
		}
	}
	return n
}

// twin returns the key of a product whose pools stand beside those of p on one
// server under twin names: it may be the same purchase (design section 4, rule
// 2). Where that is proven, nothing has to be flagged.
func (e *estate) twin(p *product) string {
	for _, other := range e.products {
		for _, l := range p.lines {
			for _, m := range other.lines {
				if other != p && l.server == m.server && l.has() && m.has() && l.sharedWith() == "" && m.sharedWith() == "" && twins(l.pool.Key.Feature, m.pool.Key.Feature) {
					return other.Key
				}
			}
		}
	}
	return ""
}

func twins(a, b string) bool {
	of := func(legacy, current string) bool {
		twin, ok := catalog.Twin(legacy)
		return ok && twin == current
	}
	return of(a, b) || of(b, a)
}

// peaks returns the three windows of design F8.
func (s *Service) peaks(e *estate, product string, lines []*line) (out Peaks, err error) {
	last7, month := insight.Windows(e.now, e.org.Zone)
	all := insight.Span{To: e.now.Unix()}
	if f := first(lines); f > 0 {
		out.Since = time.Unix(f, 0).UTC()
		all.From = e.dayStart(f)
	} else {
		all.From = all.To
	}
	for _, w := range []struct {
		peak *insight.Peak
		span insight.Span
	}{{&out.Last7, last7}, {&out.Month, month}, {&out.All, all}} {
		if *w.peak, err = s.peak(e, product, lines, w.span); err != nil {
			return out, err
		}
	}
	return out, nil
}

// joined joins buckets; there may be none, at the first second of a window.
func joined(buckets []insight.Bucket) insight.Bucket {
	if len(buckets) == 0 {
		return insight.Bucket{}
	}
	return insight.Join(buckets)
}
