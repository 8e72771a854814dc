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
	buckets []insight.Bucket
	found   []bool
}

// missing says whether the bucket of span i has yet to be computed.
func (o *open) missing(i int) bool { return !o.found[i] }

// answer returns the buckets of the queries, from memory as far as they are
// there.
func (s *Service) answer(ctx context.Context, e *estate, queries []query) ([][]insight.Bucket, error) {
	opens := make([]*open, len(queries))
	for i, q := range queries {
		opens[i] = &open{query: q}
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
	stamper := make(stamper)
	for _, o := range opens {
		stamps := make([]uint64, len(o.spans))
		for i, span := range o.spans {
			stamps[i] = stamper.of(o.lines, span)
		}
		o.buckets, o.found = s.memory.buckets(o.key, o.spans, stamps)
		for i, keep := range o.keep {
			missing = missing || keep && o.missing(i)
		}
	}
	return missing
}

// chunkBlocks bounds the blocks that are held decoded at a time, and chunkDays
// the days; what the first day of a chunk reaches back to is added.
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
	stamper := make(stamper)
	for _, o := range opens {
		var spans []insight.Span
		var places []int
		for i, span := range o.spans {
			if o.missing(i) && span.From >= chunk.From && span.To <= chunk.To {
				spans, places = append(spans, span), append(places, i)
			}
		}
		buckets, err := r.trend(ctx, o.lines, spans)
		if err != nil {
			return err
		}
		for k, b := range buckets {
			i := places[k]
			o.buckets[i], o.found[i] = b, true
			if o.keep[i] {
				s.memory.keep(s.Memory, o.key, stamper.of(o.lines, b.Span), b)
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

// trend returns the buckets of the lines. Spans are played in one go as far as
// each gets what it would get alone.
func (r *reader) trend(ctx context.Context, lines []line, spans []insight.Span) ([]insight.Bucket, error) {
	if len(spans) == 0 {
		return nil, nil
	}
	if err := r.read(ctx, lines); err != nil {
		return nil, err
	}
	servers := perServer(lines)
	var out []insight.Bucket
	for len(spans) > 0 {
		n := 1
		for n < len(spans) && together(servers, spans[0], spans[n]) {
			n++
		}
		out = append(out, insight.TrendOf(r.lines(lines, insight.Span{From: spans[0].From, To: spans[n-1].To}), spans[:n])...)
		spans = spans[n:]
	}
	return out, nil
}

func together(servers [][]line, one, later insight.Span) bool {
	return !slices.ContainsFunc(servers, func(of []line) bool { return !of[0].server.together(one, later) })
}

// lines returns the pieces of the lines over a span. They are good until the
// next call.
func (r *reader) lines(lines []line, span insight.Span) []insight.Line {
	out := make([]insight.Line, 0, len(lines))
	for i, l := range lines {
		if i == len(r.pieces) {
			r.pieces = append(r.pieces, nil)
		}
		r.pieces[i] = series.AppendPieces(r.pieces[i][:0], l.server.relevant(r.days[l.server.ID], span.From), l.pool.ID, series.Frame{
			From: span.From, To: span.To, First: l.pool.First, UpTo: l.server.upTo, After: l.server.after,
		})
		out = append(out, insight.Line{Server: l.server.ID, Pool: l.pool.ID, Pieces: r.pieces[i]})
	}
	return out
}

// read reads the days of the lines' servers, unless they have been read.
func (r *reader) read(ctx context.Context, lines []line) error {
	for _, l := range lines {
		if _, ok := r.days[l.server.ID]; ok {
			continue
		}
		days, err := r.readDays(ctx, l.server)
		if err != nil {
			return err
		}
		r.days[l.server.ID] = days
	}
	return nil
}

// readDays reads the days that say something of the chunk. As a rule that is
// known, or the day before turns out to be enough; if not, it reads on.
func (r *reader) readDays(ctx context.Context, s *server) ([]series.Day, error) {
	own, to := s.place(r.chunk)
	first, end := s.begin(own)
	days, err := r.readPart(ctx, s, first, to)
	if err != nil || end != untold {
		return days, err
	}
	if _, end = s.begin(own); end != untold {
		return days, nil
	}
	earlier, err := r.readPart(ctx, s, max(0, own-reachDays), first)
	return append(earlier, days...), err
}

// readPart reads the days with the indexes from <= i < to.
func (r *reader) readPart(ctx context.Context, s *server, from, to int) ([]series.Day, error) {
	if from >= to {
		return nil, nil
	}
	days, err := r.service.readDays(ctx, r.org, s.ID, s.days[from].Day, s.days[to-1].Day+1)
	if err != nil {
		return nil, err
	}
	s.learn(days, from, to)
	return days, nil
}

// relevant leaves out the days before those that say something of a span that
// begins at from.
func (s *server) relevant(days []series.Day, from int64) []series.Day {
	first, _ := s.begin(s.index(series.DayOf(from)))
	if first == len(s.days) {
		return nil
	}
	n := 0
	for n < len(days) && days[n].Number < s.days[first].Day {
		n++
	}
	return days[n:]
}
