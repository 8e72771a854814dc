package usage

import (
	"fmt"

	"headroom/internal/insight"
)

// OwnFigures finds the peaks of single license servers over a span, and how their
// logs agree with their readings. Those of the closed days are remembered, until
// something in them changes: a page that lists a thousand servers would read their
// history again and again.
type ownFigures struct {
	s       *Service
	e       *estate
	scratch *insight.Scratch

	to       int64        // end of the span
	closed   insight.Span // its closed days; may be empty
	ofClosed *insight.Filter
	rest     insight.Span // what ofRest is about
	ofRest   *insight.Filter
}

func (s *Service) ownFigures(e *estate, span insight.Span, scratch *insight.Scratch) *ownFigures {
	o := &ownFigures{s: s, e: e, scratch: scratch, to: span.To}
	o.closed = insight.Span{From: span.From, To: min(max(e.closedTo(), span.From), span.To)}
	o.ofClosed = insight.NewFilter(o.closed)
	return o
}

// of returns the peak of the sum of a server's pools, and the check of them.
func (o *ownFigures) of(lines []*line) (insight.Peak, Check, error) {
	tracks := tracksOf(lines)
	closed, err := o.ofClosedDays(lines, tracks)
	if err != nil || closed.to == o.to {
		return closed.peak, closed.check, err
	}
	if rest := (insight.Span{From: closed.to, To: o.to}); o.ofRest == nil || rest != o.rest {
		o.rest, o.ofRest = rest, insight.NewFilter(rest)
	}
	o.ofRest.Reset()
	if err := o.ofRest.Add(o.e.reader, o.scratch, tracks...); err != nil {
		return insight.Peak{}, Check{}, err
	}
	rest, err := o.ofRest.Highest(o.e.reader, closed.peak, o.scratch)
	if err != nil {
		return insight.Peak{}, Check{}, err
	}
	peak := insight.JoinPeaks(closed.peak, rest)
	if err := insight.Describe(o.e.reader, o.scratch, tracks, &peak); err != nil {
		return insight.Peak{}, Check{}, err
	}
	check, err := checkOf(o.e.reader, lines, o.rest)
	return peak, closed.check.join(check), err
}

// ofClosedDays returns the figures of the closed days, the peak described; what
// was kept may end a little before they do.
func (o *ownFigures) ofClosedDays(lines []*line, tracks []*insight.Track) (ownFigure, error) {
	if o.closed.From == o.closed.To {
		return ownFigure{to: o.closed.To}, nil
	}
	server := lines[0].server.ID
	key := ownKey{o.e.org.ID, server, identity(tracks), o.closed.From}
	if f, ok := o.s.memory.own(o.e, key, o.closed); ok {
		return f, nil
	}
	from := &ownReader{reader: o.e.reader, server: server}
	found := ownFigure{made: o.e.reader.changes.now, to: o.closed.To}
	o.ofClosed.Reset()
	err := o.ofClosed.Add(from, o.scratch, tracks...)
	if err != nil {
		return ownFigure{}, err
	}
	if found.peak, err = o.ofClosed.Peak(from, o.scratch); err != nil {
		return ownFigure{}, err
	}
	if found.check, err = checkOf(from, lines, o.closed); err != nil {
		return ownFigure{}, err
	}
	o.s.memory.keepOwn(o.e, key, found)
	return found, nil
}

// An ownReader gives the blocks of one license server. A day that nobody has
// asked for lately is read of that server alone, and not kept.
type ownReader struct {
	reader
	server int64
	day    int32 // of blocks
	blocks *insight.Blocks
}

// Blocks implements insight.Reader.
func (r *ownReader) Blocks(day int32) (*insight.Blocks, error) {
	if r.blocks != nil && r.day == day {
		return r.blocks, nil
	}
	if b := r.past.blocks.get(day); b != nil {
		return b, nil
	}
	defer r.take()()
	block, err := r.store.Block(r.ctx, r.org, r.server, day)
	if err != nil {
		return nil, err
	}
	if r.servers[r.server].version(day) != block.Version {
		return nil, errMoved
	}
	b := new(insight.Blocks)
	if block.Server != 0 {
		if err := checked(day, block, b.Add); err != nil {
			return nil, fmt.Errorf("read a day of one license server: %w", err)
		}
	}
	r.day, r.blocks = day, b
	return b, nil
}

// An ownKey names the tracks of a server over closed days from an instant on.
type ownKey struct {
	org    int64
	server int64
	tracks uint64
	from   int64
}

// An ownFigure is what was found of them.
type ownFigure struct {
	made  int64 // the number of the last change then
	to    int64 // end of the days
	peak  insight.Peak
	check Check
}

// maxOwn is how many servers' figures are kept: about 10 MB.
const maxOwn = 1 << 15

// own returns figures that are kept.
func (m *memory) own(e *estate, key ownKey, closed insight.Span) (ownFigure, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.owns[key]
	span := insight.Span{From: key.from, To: o.to}
	if !ok || !servesFor(span, closed) || m.pasts[key.org] != e.reader.past || e.reader.changes.since(o.made, span) {
		return ownFigure{}, false
	}
	return o, true
}

// keepOwn keeps figures.
func (m *memory) keepOwn(e *estate, key ownKey, f ownFigure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pasts[key.org] != e.reader.past {
		return // it was evicted meanwhile
	}
	if m.owns == nil || len(m.owns) >= maxOwn {
		m.owns = make(map[ownKey]ownFigure)
	}
	m.owns[key] = f
}
