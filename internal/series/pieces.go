package series

import (
	"math"
	"slices"

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
// The days are those of the pool's server, ascending. They begin with the last
// day before that of From which the server has, so that what holds over
// midnight and what was told last is known; earlier days change nothing as
// long as that day has a complete reading.
//
// What counts at an instant (design section 4, rules 6 and 16):
//
//   - Events count over samples, within the spans for which their log vouches.
//     A log tells the use by people; so where the sample in effect says that
//     licenses are reserved, the sample counts, and without a sample the log
//     is a lower bound.
//   - A sample holds until the next sample of the pool, at most for the Hold of
//     its round. A sample that does not tell the use makes it Unknown.
//   - While a live sample holds, imported ones do not count.
//   - A pool that had a record and is missing from a complete round has Ended.
//     It stays so until it has a record again.
func Pieces(days []Day, pool PoolID, f Frame) []Piece { return AppendPieces(nil, days, pool, f) }

// AppendPieces appends the Pieces of a pool to a slice, so that memory can be
// used again.
func AppendPieces(to []Piece, days []Day, pool PoolID, f Frame) []Piece {
	w := walk{frame: f, at: f.From, before: len(to)}
	records := 0
	for i := range days {
		p := days[i].pool(pool)
		records += len(p.Samples) + len(p.Steps)
	}
	w.out = slices.Grow(to, records+2)
	for i := range days {
		if DayStart(days[i].Number) >= f.To {
			break
		}
		w.day(&days[i], pool)
	}
	w.advance(f.To)
	return w.out
}

// A held reading is in effect up to an instant. Its sample is nil where the
// pool was missing from a complete round.
type held struct {
	sample *Sample
	until  int64
}

// A walk goes through the records of a pool in order of time and writes the
// pieces between them.
type walk struct {
	frame Frame
	out   []Piece
	at    int64 // all before it is written

	before int // pieces of others in out

	live, imported held
	span           Span // the span walked through; empty if To <= at
	step           Step // the last one in it
	ended          bool // the newest record says that the pool is gone
	reserved       bool // the newest sample says that licenses are reserved
	told           Piece
}

// day walks through one day of the pool's server.
func (w *walk) day(d *Day, pool PoolID) {
	p := d.pool(pool)
	rounds, samples, spans, steps := d.Rounds, p.Samples, p.Spans, p.Steps
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
	w.ended = false
	w.live, w.imported = unlessGone(w.live), unlessGone(w.imported)
}

func unlessGone(h held) held {
	if h.sample == nil {
		return held{}
	}
	return h
}

// sample applies a reading that has the pool.
func (w *walk) sample(r Round, s *Sample) {
	w.advance(r.At)
	h := held{s, r.At + r.Hold}
	if r.Imported {
		w.imported = h
	} else {
		w.live, w.imported = h, held{}
	}
	w.ended = false
	w.reserved = reserves(s)
	w.told = Piece{State: s.State, Installed: s.Installed, Overdraft: s.Overdraft}
}

func reserves(s *Sample) bool { return s.Reserved.Known && s.Reserved.N > 0 }

// missing applies a reading that does not have the pool. A log that vouches for
// the pool at that instant keeps it from ending.
func (w *walk) missing(r Round) {
	if !r.Complete || r.At <= w.frame.First {
		return
	}
	w.advance(r.At)
	vouched := w.span.To > r.At
	h := held{nil, r.At + r.Hold}
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
	w.told = Piece{}
	if vouched {
		w.told = Piece{State: license.StateCounted, Installed: license.Of(0)}
	}
}

// advance writes the pieces before the instant to.
func (w *walk) advance(to int64) {
	to = min(to, w.frame.To)
	for w.at < to {
		p := w.now()
		p.From, p.To = w.at, to
		for _, end := range [...]int64{w.live.until, w.imported.until, w.span.To, w.frame.First, w.frame.UpTo} {
			if end > w.at {
				p.To = min(p.To, end)
			}
		}
		w.write(p)
		w.at = p.To
	}
}

// now says what holds at the instant w.at.
func (w *walk) now() Piece {
	t := w.at
	reading, reads := w.reading()
	switch {
	case t < w.frame.First:
		return Piece{Kind: Absent}
	case w.span.To > t && (reading == nil || !reading.InUse.Known || !reserves(reading)):
		return w.fromLog(reading)
	case reads && reading == nil, !reads && w.ended:
		return Piece{Kind: Ended}
	case reads:
		return fromSample(reading)
	case t >= w.frame.UpTo && w.frame.After == Absent:
		return Piece{Kind: Absent}
	}
	p := w.told
	if t >= w.frame.UpTo {
		p.Kind = w.frame.After
		if p.Kind == Unknown { // a silent server vouches for no license
			p.Installed, p.Overdraft = license.Count{}, license.Count{}
		}
	}
	return p
}

// reading returns the sample that is in effect at w.at; it is nil where the
// reading in effect does not have the pool.
func (w *walk) reading() (s *Sample, ok bool) {
	switch {
	case w.live.until > w.at:
		return w.live.sample, true
	case w.imported.until > w.at:
		return w.imported.sample, true
	}
	return nil, false
}

func fromSample(s *Sample) Piece {
	p := Piece{State: s.State, Installed: s.Installed, Overdraft: s.Overdraft}
	if s.InUse.Known {
		p.Kind, p.Basis = Known, license.BasisSampled
		p.InUse, p.High = s.InUse.N, s.InUse.N
		p.Reserved, p.Borrowed = s.Reserved, s.Borrowed
	}
	return p
}

// fromLog says what a log says at w.at, with the attributes of the reading in
// effect, or else those that were told last.
func (w *walk) fromLog(reading *Sample) Piece {
	p, reserved := w.told, w.reserved
	if reading != nil {
		p, reserved = fromSample(reading), reserves(reading)
	}
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

// write appends a piece, or makes the last one longer where nothing changes.
func (w *walk) write(p Piece) {
	if n := len(w.out); n > w.before && p.High == p.InUse && alike(&w.out[n-1], &p) {
		w.out[n-1].To = p.To
		return
	}
	w.out = append(w.out, p)
}

// alike says whether nothing but the time and the first second differs.
func alike(p, q *Piece) bool {
	return p.InUse == q.InUse && p.Kind == q.Kind && p.State == q.State && p.Basis == q.Basis &&
		p.Installed == q.Installed && p.Reserved == q.Reserved && p.Borrowed == q.Borrowed && p.Overdraft == q.Overdraft
}
