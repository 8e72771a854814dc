package usage

import (
	"runtime"
	"slices"
	"time"

	"headroom/internal/insight"
	"headroom/internal/series"
)

// dayStart returns the first second of the local day of an instant.
func (e *estate) dayStart(at int64) int64 {
	return insight.DayStart(time.Unix(at, 0), e.org.Zone).Unix()
}

// tracksOf returns the tracks of lines.
func tracksOf(lines []*line) []*insight.Track {
	out := make([]*insight.Track, len(lines))
	for i, l := range lines {
		out[i] = l.track
	}
	return out
}

// recentDays is how many UTC days before today are not closed: uploads still
// change them again and again.
const recentDays = 2

// closedTo is the end of the UTC days that are closed.
func (e *estate) closedTo() int64 { return series.DayStart(series.DayOf(e.now.Unix()) - recentDays) }

// peak returns the peak of the sum of lines of a product over a span. The whole
// UTC days that are closed are searched by a filter, which is kept for the same
// span and a choice that differs a little, and of which only days that change are
// searched again; the rest is searched each time.
func (s *Service) peak(e *estate, product string, lines []*line, span insight.Span) (insight.Peak, error) {
	if span.From >= span.To {
		return insight.Peak{}, nil
	}
	tracks := tracksOf(lines)
	from := series.DayStart(series.DayOf(span.From + series.DaySeconds - 1))
	to := min(e.closedTo(), series.DayStart(series.DayOf(span.To)))
	if from >= to {
		return s.search(e, tracks, span)
	}
	out, to, err := s.closed(e, product, tracks, insight.Span{From: from, To: to})
	if err != nil {
		return insight.Peak{}, err
	}
	scratch := s.memory.scratches(1)
	defer s.memory.giveBack(scratch)
	for _, part := range [...]insight.Span{{From: span.From, To: from}, {From: to, To: span.To}} {
		if part.From >= part.To {
			continue
		}
		f := insight.NewFilter(part)
		if err := f.Add(e.reader, scratch[0], tracks...); err != nil {
			return insight.Peak{}, err
		}
		p, err := f.Highest(e.reader, out, scratch...)
		if err != nil {
			return insight.Peak{}, err
		}
		out = insight.JoinPeaks(out, p)
	}
	return out, insight.Describe(e.reader, scratch[0], tracks, &out)
}

// search returns the peak of the sum of tracks by a filter of its own.
func (s *Service) search(e *estate, tracks []*insight.Track, span insight.Span) (insight.Peak, error) {
	scratch := s.memory.scratches(1)
	defer s.memory.giveBack(scratch)
	f := insight.NewFilter(span)
	if err := f.Add(e.reader, scratch[0], tracks...); err != nil {
		return insight.Peak{}, err
	}
	return f.Peak(e.reader, scratch...)
}

// closed returns the peak over closed days, not described, by a filter that is
// kept, and where these days end: it may be a little before the span does.
func (s *Service) closed(e *estate, product string, tracks []*insight.Track, span insight.Span) (p insight.Peak, to int64, err error) {
	scratch := s.memory.scratches(runtime.GOMAXPROCS(0))
	defer s.memory.giveBack(scratch)
	kept := s.memory.takeFilter(e, product, span, tracks)
	if kept == nil {
		kept = &keptFilter{
			org: e.org.ID, product: product, span: span, made: e.reader.changes.now,
			filter: insight.NewFilter(span), tracks: slices.Clone(tracks),
		}
		err = kept.filter.Add(e.reader, scratch[0], tracks...)
	} else {
		err = follow(e, kept, tracks, scratch[0])
	}
	if err != nil {
		return insight.Peak{}, 0, err
	}
	if p, err = kept.filter.Highest(e.reader, insight.Peak{}, scratch...); err == nil {
		s.memory.keepFilter(e, kept)
	}
	return p, kept.span.To, err
}

// follow brings a filter up to what is known by now and to a choice of tracks.
func follow(e *estate, f *keptFilter, tracks []*insight.Track, scratch *insight.Scratch) error {
	if changes := &e.reader.changes; changes.since(f.made, f.span) {
		changed := func(day int32) bool { return changes.of(day) > f.made }
		if err := f.filter.Renew(e.reader, scratch, changed); err != nil {
			return err
		}
		f.made = changes.now
	}
	err := f.filter.Toggle(e.reader, scratch, difference(f.tracks, tracks)...)
	f.tracks = slices.Clone(tracks)
	return err
}

// difference returns the tracks that are in one of two lists only.
func difference(a, b []*insight.Track) (out []*insight.Track) {
	in := make(map[*insight.Track]bool, len(a))
	for _, t := range a {
		in[t] = true
	}
	for _, t := range b {
		if in[t] {
			delete(in, t)
		} else {
			out = append(out, t)
		}
	}
	for _, t := range a { // in the order of a, so that an answer does not depend on a map
		if in[t] {
			out = append(out, t)
		}
	}
	return out
}

// identity is a number for a choice of tracks in their order.
func identity(tracks []*insight.Track) uint64 {
	h := newHash()
	for _, t := range tracks {
		h = h.add(uint64(t.Server)).add(uint64(t.Pool)).add(uint64(t.First))
		if t.Echoes() {
			h = h.add(1)
		}
	}
	return uint64(h)
}

// A hash is FNV-1a over 64-bit words, with the upper half folded in.
type hash uint64

func newHash() hash { return hash(14695981039346656037) }

func (h hash) add(x uint64) hash {
	h = (h ^ hash(x)) * 1099511628211
	return h ^ h>>32
}
