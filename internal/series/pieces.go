package series

import (
	"math"

	"headroom/internal/license"
)

// A Frame is what Pieces needs to know beside the days.
type Frame struct {
	From, To int64 // the span that the pieces cover

	// First is the instant of the pool's first record, which may lie before the
	// days given. Before it the pool is Absent.
	First int64

	// UpTo is the instant of the server's newest record of any kind, a failed
	// reading included. Where nothing is known before it, the use is Unknown;
	// from it on, it is After.
	UpTo int64

	// After is Pending while the server reports, Unknown once it does not, and
	// Absent where its registration was removed.
	After Kind
}

// Pieces returns the use of a pool over [From, To) as pieces that are
// ascending, touch each other and cover the span.
//
// The days are those of the pool's server, ascending, from its first one on.
//
// What counts at an instant (design section 4, rules 6 and 16):
//
//   - Events count over samples, within the spans for which their log vouches.
//     A log tells the use by people; so where the sample in effect says that
//     licenses are reserved, the sample counts, and without a sample the log
//     is a lower bound.
//   - A sample holds until the next sample of the pool, at most for the Hold of
//     its round. A sample that does not tell the use makes it Unknown.
//   - While a live sample holds, imported ones do not count, and while it tells
//     the use, no imported log does.
//   - Where neither events nor samples tell the use, the maximum of a time
//     bounds it from above.
//   - A pool that had a record and is missing from a complete round has Ended.
//     It stays so until it has a record again.
func Pieces(days []Day, pool PoolID, f Frame) []Piece {
	w := walk{frame: f, at: f.From}
	records := 0
	for i := range days {
		p := days[i].pool(pool)
		records += len(p.Samples) + len(p.Steps)
	}
	w.out = make([]Piece, 0, records+2)
	for i := range days {
		if DayStart(days[i].Number) >= f.To {
			break
		}
		w.day(&days[i], pool)
	}
	w.advance(f.To)
	return w.out
}

// A State is what of a pool's past matters from a midnight on. The zero State
// is that before its first record. States are equal if nothing can tell them
// apart.
type State struct {
	live, imported held
	ended          bool  // the newest record says that the pool is gone
	reserved       bool  // the newest sample says that licenses are reserved
	told           Terms // last; Reserved is not told
}

// AppendDay appends the Pieces of one UTC day to a slice: the frame's span is
// the day or a part of its beginning. The State is that at the day's midnight;
// it becomes that of the next. The day may be nil where there is none; else it
// has the rounds of the whole server and at least the pool.
func (s *State) AppendDay(to []Piece, day *Day, pool PoolID, f Frame) []Piece {
	w := walk{frame: f, at: f.From, before: len(to), out: to, State: *s}
	end := DayStart(DayOf(f.From) + 1)
	if day != nil {
		w.day(day, pool)
	}
	w.advance(f.To)
	*s = w.State
	s.expire(end)
	return w.out
}

// expire forgets the readings that hold no more at an instant.
func (s *State) expire(at int64) {
	for _, h := range [...]*held{&s.live, &s.imported} {
		if h.until <= at {
			*h = held{}
		}
	}
}

// A held reading is in effect up to an instant. It is gone where the pool was
// missing from a complete round.
type held struct {
	terms Terms
	inUse license.Count
	gone  bool
	until int64
}

// A walk goes through the records of a pool in order of time and writes the
// pieces between them.
type walk struct {
	State
	frame Frame
	out   []Piece
	at    int64 // all before it is written

	before int // pieces of others in out

	span   Span      // the span walked through; empty if To <= at
	step   Step      // the last one in it
	maxima []Maximum // of the day, without those that are over
	begun  bool      // the first of maxima
}

// day walks through one day of the pool's server.
func (w *walk) day(d *Day, pool PoolID) {
	p := d.pool(pool)
	rounds, samples, spans, steps := d.Rounds, p.Samples, p.Spans, p.Steps
	if len(p.Maxima) > 0 {
		w.advance(DayStart(d.Number))
		w.maxima = p.Maxima
	}
	for {
		round, step := int64(math.MaxInt64), int64(math.MaxInt64)
		if len(rounds) > 0 {
			round = rounds[0].At
		}
		if len(steps) > 0 {
			step = steps[0].At
		}
		switch {
		case len(rounds) == 0 && len(steps) == 0:
			if len(p.Maxima) > 0 {
				w.advance(DayStart(d.Number + 1))
			}
			return
		case step <= round:
			if len(spans) > 0 && spans[0].From == step {
				w.enter(spans[0])
				spans = spans[1:]
			}
			w.advance(step)
			w.step, steps = steps[0], steps[1:]
		case len(samples) > 0 && samples[0].At == round:
			w.sample(rounds[0], &samples[0])
			rounds, samples = rounds[1:], samples[1:]
		default:
			w.missing(rounds[0])
			rounds = rounds[1:]
		}
	}
}

// enter begins a span. A log that goes on saying something of a pool is a
// record of it.
func (w *walk) enter(s Span) {
	w.advance(s.From)
	w.span = s
	w.recorded()
}

// recorded ends that the pool is gone.
func (w *walk) recorded() {
	w.ended = false
	w.live, w.imported = unlessGone(w.live), unlessGone(w.imported)
}

func unlessGone(h held) held {
	if h.gone {
		return held{}
	}
	return h
}

// sample applies a reading that has the pool.
func (w *walk) sample(r Round, s *Sample) {
	w.advance(r.At)
	h := held{terms: termsOf(s), inUse: s.InUse, until: r.At + r.Hold}
	if r.Imported {
		w.imported = h
	} else {
		w.live, w.imported = h, held{}
	}
	w.ended = false
	w.reserved = h.terms.Reserves()
	w.told = h.terms.Told()
}

func termsOf(s *Sample) Terms {
	return Terms{State: s.State, Installed: s.Installed, Reserved: s.Reserved, Overdraft: s.Overdraft}
}

// Reserves says that licenses are reserved.
func (t *Terms) Reserves() bool { return t.Reserved.Known && t.Reserved.N > 0 }

// Told returns the terms that are remembered when their reading holds no more.
func (t *Terms) Told() Terms {
	return Terms{State: t.State, Installed: t.Installed, Overdraft: t.Overdraft}
}

// missing applies a reading that does not have the pool. A log that vouches for
// the pool at that instant keeps it from ending.
func (w *walk) missing(r Round) {
	if !r.Complete || r.At <= w.frame.First {
		return
	}
	w.advance(r.At)
	vouched := w.span.To > r.At
	h := held{gone: true, until: r.At + r.Hold}
	if vouched {
		h = held{}
	}
	w.ended = !vouched
	if r.Imported {
		w.imported = h
		if w.live.until > r.At {
			return
		}
	} else {
		w.live, w.imported = h, held{}
	}
	w.reserved = false
	w.told = Terms{}
	if vouched {
		w.told = Terms{State: license.StateCounted, Installed: license.Of(0)}
	}
}

// advance writes the pieces before the instant to. Where a maximum begins it is
// a record of the pool.
func (w *walk) advance(to int64) {
	for len(w.maxima) > 0 && w.maxima[0].From < to {
		if !w.begun {
			w.stretch(w.maxima[0].From)
			w.recorded()
			w.begun = true
		}
		w.stretch(min(to, w.maxima[0].To))
		if w.maxima[0].To > to {
			return
		}
		w.maxima, w.begun = w.maxima[1:], false
	}
	w.stretch(to)
}

// stretch writes the pieces before the instant to, in which no maximum begins.
func (w *walk) stretch(to int64) {
	to = min(to, w.frame.To)
	for w.at < to {
		p := w.now()
		p.From, p.To = w.at, to
		for _, end := range [...]int64{w.live.until, w.imported.until, w.span.To, w.frame.First, w.frame.UpTo} {
			if end > w.at {
				p.To = min(p.To, end)
			}
		}
		if p.Basis == license.BasisBetween {
			m := &w.maxima[0]
			p.Reached = m.Whole && p.From == m.From && p.To == m.To
		}
		w.write(p)
		w.at = p.To
	}
}

// now says what holds at the instant w.at.
func (w *walk) now() Piece {
	t := w.at
	reading := w.reading()
	bounded := w.begun
	switch {
	case t < w.frame.First:
		return Piece{Kind: Absent}
	case w.span.To > t && !w.over(reading):
		return w.fromLog(reading)
	case bounded && (reading == nil || reading.gone || !reading.inUse.Known):
		return w.fromMaximum(reading)
	case reading != nil && reading.gone, reading == nil && w.ended:
		return Piece{Kind: Ended}
	case reading != nil:
		return reading.piece()
	case t >= w.frame.UpTo && w.frame.After == Absent:
		return Piece{Kind: Absent}
	}
	p := w.told.piece()
	if t >= w.frame.UpTo {
		p.Kind = w.frame.After
		if p.Kind == Unknown { // a silent server vouches for no license
			p.Installed, p.Overdraft = license.Count{}, license.Count{}
		}
	}
	return p
}

// over says whether a reading in effect counts over the log: where licenses are
// reserved, and where it is live and the log imported.
func (w *walk) over(reading *held) bool {
	if reading == nil || reading.gone || !reading.inUse.Known {
		return false
	}
	return reading.terms.Reserves() || w.span.Imported && reading == &w.live
}

// reading returns the reading that is in effect at w.at, nil if none is.
func (w *walk) reading() *held {
	switch {
	case w.live.until > w.at:
		return &w.live
	case w.imported.until > w.at:
		return &w.imported
	}
	return nil
}

// piece returns the terms as those of a time of which nothing else is known.
func (t *Terms) piece() Piece {
	return Piece{State: t.State, Installed: t.Installed, Overdraft: t.Overdraft}
}

func (h *held) piece() Piece {
	p := h.terms.piece()
	if h.inUse.Known {
		p.Kind, p.Basis = Known, license.BasisSampled
		p.InUse, p.High = h.inUse.N, h.inUse.N
		p.Reserved = h.terms.Reserved
	}
	return p
}

// attributes returns a piece with the attributes of the reading in effect, or
// else those that were told last, and whether licenses are reserved.
func (w *walk) attributes(reading *held) (p Piece, reserved bool) {
	if reading == nil || reading.gone {
		return w.told.piece(), w.reserved
	}
	return reading.piece(), reading.terms.Reserves()
}

// fromLog says what a log says at w.at.
func (w *walk) fromLog(reading *held) Piece {
	p, reserved := w.attributes(reading)
	p.Kind, p.Basis = Known, license.BasisAtLeast
	if w.span.Exact && !reserved {
		p.Basis = license.BasisExact
	}
	p.InUse, p.High = w.step.InUse, w.step.InUse
	if w.step.At == w.at {
		p.High = w.step.High
	}
	return p
}

// fromMaximum says what the maximum of a time says at w.at.
func (w *walk) fromMaximum(reading *held) Piece {
	p, _ := w.attributes(reading)
	p.Kind, p.Basis = Known, license.BasisBetween
	p.InUse, p.High = w.maxima[0].InUse, w.maxima[0].InUse
	return p
}

// write appends a piece, or makes the last one longer where nothing changes.
func (w *walk) write(p Piece) {
	if n := len(w.out); n > w.before && p.High == p.InUse && alike(&w.out[n-1], &p) {
		w.out[n-1].To = p.To
		return
	}
	w.out = append(w.out, p)
}

// alike says whether nothing but the time and the first second differs. Two
// maxima are never alike: each was reached by itself.
func alike(p, q *Piece) bool {
	return p.InUse == q.InUse && p.Kind == q.Kind && p.State == q.State && p.Basis == q.Basis && p.Basis != license.BasisBetween &&
		p.Installed == q.Installed && p.Reserved == q.Reserved && p.Overdraft == q.Overdraft
}
