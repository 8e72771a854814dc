package usage

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"headroom/internal/insight"
	"headroom/internal/series"
)

// A query asks for the trend of some lines over spans that are ascending and
// do not overlap.
type query struct {
	key   trendKey
	lines []line
	spans []insight.Span
	keep  []bool // whole local days, which will be asked for again
}

// newQuery asks for lines of a product over [from, to), divided into local
// days.
func (e *estate) newQuery(p *product, lines []line, from, to int64) query {
	q := query{lines: lines, key: trendKey{org: e.org.ID, product: p.Key}}
	var ids []string
	for _, of := range perServer(lines) {
		ids = append(ids, strconv.FormatInt(of[0].server.ID, 10))
	}
	q.key.servers = strings.Join(ids, ",")
	q.spans = insight.Days(time.Unix(from, 0), time.Unix(to, 0), e.org.Zone)
	q.keep = make([]bool, len(q.spans))
	for i, s := range q.spans {
		// Only the first and the last can be cut.
		q.keep[i] = (i > 0 || e.dayStart(s.From) == s.From) && (i < len(q.spans)-1 || e.dayStart(s.To) == s.To)
	}
	return q
}

// dayStart returns the first second of the local day of an instant.
func (e *estate) dayStart(at int64) int64 {
	return insight.DayStart(time.Unix(at, 0), e.org.Zone).Unix()
}

// An open is a query that is being answered.
type open struct {
	query
	stamps  []uint64
	buckets []insight.Bucket
	found   []bool
}

// missing says whether the bucket of span i has yet to be computed.
func (o *open) missing(i int) bool { return !o.found[i] }

// answer returns the buckets of the queries, from memory as far as they are
// there.
func (s *Service) answer(ctx context.Context, e *estate, queries []query) ([][]insight.Bucket, error) {
	opens := make([]*open, len(queries))
	stamps := make(stamper)
	for i, q := range queries {
		o := &open{query: q, stamps: make([]uint64, len(q.spans))}
		for k, span := range q.spans {
			o.stamps[k] = stamps.of(q.lines, span)
		}
		opens[i] = o
	}
	if s.lookUp(opens) {
		// Whole days have to be computed. One request does it, so that many that
		// ask at the same time do not all do it.
		done, err := s.memory.enter(ctx, e.org.ID)
		if err != nil {
			return nil, err
		}
		defer done()
		s.lookUp(opens)
	}
	for _, c := range chunks(opens) {
		if err := s.compute(ctx, e, opens, c); err != nil {
			return nil, err
		}
	}
	out := make([][]insight.Bucket, len(opens))
	for i, o := range opens {
		out[i] = o.buckets
	}
	return out, nil
}

// lookUp takes buckets from memory and says whether whole days are missing.
func (s *Service) lookUp(opens []*open) (missing bool) {
	for _, o := range opens {
		o.buckets, o.found = s.memory.buckets(o.key, o.spans, o.stamps)
		for i, keep := range o.keep {
			missing = missing || keep && o.missing(i)
		}
	}
	return missing
}

// chunkBlocks bounds the blocks that are held decoded at a time, and chunkDays
// the days.
const (
	chunkBlocks = 600
	chunkDays   = 32
)

// chunks divides the time of all missing spans into stretches that can be
// computed at a time.
func chunks(opens []*open) []insight.Span {
	servers := make(map[int64]bool)
	var spans []insight.Span
	for _, o := range opens {
		for i, span := range o.spans {
			if o.missing(i) {
				spans = append(spans, span)
			}
		}
		for _, l := range o.lines {
			servers[l.server.ID] = true
		}
	}
	slices.SortFunc(spans, func(a, b insight.Span) int { return cmp.Compare(a.From, b.From) })
	longest := int64(min(chunkDays, chunkBlocks/max(1, len(servers))+1)) * series.DaySeconds
	var out []insight.Span
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To && s.To-out[n-1].From <= longest {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// compute computes the missing buckets whose spans begin in a chunk.
func (s *Service) compute(ctx context.Context, e *estate, opens []*open, chunk insight.Span) error {
	r := reader{service: s, org: e.org.ID, chunk: chunk, days: make(map[int64][]series.Day)}
	for _, o := range opens {
		var spans []insight.Span
		var places []int
		for i, span := range o.spans {
			if o.missing(i) && span.From >= chunk.From && span.To <= chunk.To {
				spans, places = append(spans, span), append(places, i)
			}
		}
		if len(spans) == 0 {
			continue
		}
		lines, err := r.lines(ctx, o.lines, insight.Span{From: spans[0].From, To: spans[len(spans)-1].To})
		if err != nil {
			return err
		}
		for k, b := range insight.TrendOf(lines, spans) {
			i := places[k]
			o.buckets[i], o.found[i] = b, true
			if o.keep[i] {
				s.memory.keep(s.Memory, o.key, o.stamps[i], b)
			}
		}
	}
	return nil
}

// A reader makes lines of the days of one chunk, which it reads once.
type reader struct {
	service *Service
	org     int64
	chunk   insight.Span
	days    map[int64][]series.Day // by server
	pieces  [][]series.Piece       // memory of the lines before, to be used again
}

// lines returns the pieces of the lines over a span. They are good until the
// next call.
func (r *reader) lines(ctx context.Context, lines []line, span insight.Span) ([]insight.Line, error) {
	out := make([]insight.Line, 0, len(lines))
	for i, l := range lines {
		if i == len(r.pieces) {
			r.pieces = append(r.pieces, nil)
		}
		days, err := r.daysOf(ctx, l.server)
		if err != nil {
			return nil, err
		}
		r.pieces[i] = series.AppendPieces(r.pieces[i][:0], relevant(days, span.From), l.pool.ID, series.Frame{
			From: span.From, To: span.To, First: l.pool.First, UpTo: l.server.upTo, After: l.server.after,
		})
		out = append(out, insight.Line{Server: l.server.ID, Pool: l.pool.ID, Pieces: r.pieces[i]})
	}
	return out, nil
}

func (r *reader) daysOf(ctx context.Context, s *server) ([]series.Day, error) {
	if days, ok := r.days[s.ID]; ok {
		return days, nil
	}
	var days []series.Day
	if known := s.daysOf(r.chunk); len(known) > 0 {
		var err error
		days, err = r.service.readDays(ctx, r.org, s.ID, known[0].Day, known[len(known)-1].Day+1)
		if err != nil {
			return nil, err
		}
	}
	r.days[s.ID] = days
	return days, nil
}

// relevant leaves out the days before the last one before the day of from.
func relevant(days []series.Day, from int64) []series.Day {
	n := 0
	for n+1 < len(days) && days[n+1].Number < series.DayOf(from) {
		n++
	}
	return days[n:]
}
