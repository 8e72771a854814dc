package usage

import (
	"context"
	"slices"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/insight"
	"headroom/internal/series"
)

// A Service answers questions. It may be used from many goroutines and must
// not be copied. It writes nothing to the store, and every method gives
// fault.NotFound for an organisation that does not exist.
type Service struct {
	Store  Store
	Now    func() time.Time
	Memory int64 // bytes of computed days that are kept, about; 0: 64 MiB

	// Product says to which product a feature belongs; nil: catalog.Of.
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
	now := s.Now()
	sorted := make([]*server, len(records))
	for i, r := range records {
		sorted[i] = &server{Server: stated(r, o.Thresholds, now)}
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
func (s *Service) Overview(ctx context.Context, org int64) (Overview, error) {
	e, err := s.estate(ctx, org)
	if err != nil {
		return Overview{}, err
	}
	out := Overview{Organisation: e.org, At: e.now, Trust: trustOf(e.servers)}
	var queries []query
	for _, p := range e.products {
		queries = append(queries, e.windowQueries(p, p.lines)...)
	}
	answers, err := s.answer(ctx, e, queries)
	if err != nil {
		return Overview{}, err
	}
	for i, p := range e.products {
		w := windows{e: e, days: answers[2*i], first: answers[2*i+1]}
		peaks := w.peaks(p.lines)
		out.Trust.Coverage = out.Trust.Coverage.Plus(peaks.Month.Coverage)
		if !p.current() {
			continue
		}
		c := Card{Product: p.Product, Now: currentOf(p.lines), Peaks: peaks, Tightest: tightest(p.lines)}
		c.Risk = riskOf(c.Now, peaks.Last7)
		c.Spark = w.days[max(0, len(w.days)-sparkDays):]
		c.Servers = p.servers()
		c.Twin = e.twin(p)
		out.Cards = append(out.Cards, c)
	}
	slices.SortFunc(out.Cards, byRisk)
	return out, nil
}

// current says whether a server that reports, or lately did, has the product.
func (p *product) current() bool {
	return slices.ContainsFunc(p.lines, func(l line) bool {
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
// 2).
func (e *estate) twin(p *product) string {
	for _, other := range e.products {
		for _, l := range p.lines {
			for _, m := range other.lines {
				if other != p && l.server == m.server && l.has() && m.has() && twins(l.pool.Key.Feature, m.pool.Key.Feature) {
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

// windows are the answers from which the peaks of some lines are put together.
type windows struct {
	e     *estate
	days  []insight.Bucket // local days up to now
	first []insight.Bucket // the part of a day with which the last 168 hours begin
}

// windowQueries asks for what windows needs: every local day from the first
// record on, or enough for a sparkline, and the part of a day.
func (e *estate) windowQueries(p *product, lines []line) []query {
	now := e.now.Unix()
	from := e.dayStart(e.now.AddDate(0, 0, 1-sparkDays).Unix())
	if f := first(lines); f > 0 {
		from = min(from, e.dayStart(f))
	}
	last7, _ := insight.Windows(e.now, e.org.Zone)
	part := e.newQuery(p, lines, last7.From, last7.From+2*series.DaySeconds)
	part.spans, part.keep = part.spans[:1], part.keep[:1]
	return []query{e.newQuery(p, lines, from, now), part}
}

// peaks returns the three windows of design F8.
func (w windows) peaks(lines []line) Peaks {
	_, month := insight.Windows(w.e.now, w.e.org.Zone)
	out := Peaks{
		Last7: joined(append(slices.Clip(w.first), since(w.days, w.first[0].To)...)).Peak,
		Month: joined(since(w.days, month.From)).Peak,
		All:   joined(w.days).Peak,
	}
	if f := first(lines); f > 0 {
		out.Since = time.Unix(f, 0).UTC()
	}
	return out
}

// since returns the buckets that begin at an instant or later.
func since(buckets []insight.Bucket, at int64) []insight.Bucket {
	n := 0
	for n < len(buckets) && buckets[n].From < at {
		n++
	}
	return buckets[n:]
}

// joined joins buckets; there may be none, at the first second of a window.
func joined(buckets []insight.Bucket) insight.Bucket {
	if len(buckets) == 0 {
		return insight.Bucket{}
	}
	return insight.Join(buckets)
}
