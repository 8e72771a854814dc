package insight

import (
	"cmp"
	"math"
	"slices"

	"headroom/internal/license"
	"headroom/internal/series"
)

// PeakOf returns the peak of the sum of the lines over a span.
func PeakOf(lines []Line, s Span) Peak { return TrendOf(lines, []Span{s})[0].Peak }

// TrendOf returns a bucket for each span. The spans are ascending and do not
// overlap; there may be holes between them. Where a line has no piece it is
// absent.
func TrendOf(lines []Line, spans []Span) []Bucket {
	out := make([]Bucket, len(spans))
	var s sweep
	for i, span := range spans {
		if i == 0 {
			s.start(lines, span.From)
		}
		out[i] = s.bucket(span)
	}
	setLow(out, lines)
	return out
}

// A sweep goes over the pieces of all lines at once in order of time. It keeps
// the sum of the pieces that are in effect at one instant, and changes it where
// a piece ends.
type sweep struct {
	at    int64
	sum   sum
	lines []cursor // a heap: the line whose piece ends first is at the top

	levels histogram
	runs   *[]low // where they are wanted: see lowest
}

// A cursor stands at a piece of a line; the pieces before it are done.
type cursor struct {
	until  int64 // end of the piece that is counted, or begin of the first
	inside bool  // the first piece is counted
	pieces []series.Piece
}

// start puts the sweep before the instant at.
func (s *sweep) start(lines []Line, at int64) {
	s.at = at
	for _, l := range lines {
		i, _ := slices.BinarySearchFunc(l.Pieces, at, func(p series.Piece, at int64) int {
			if p.To <= at {
				return -1
			}
			return 1
		})
		if i < len(l.Pieces) {
			s.lines = append(s.lines, cursor{until: max(at, l.Pieces[i].From), pieces: l.Pieces[i:]})
		}
	}
	slices.SortFunc(s.lines, func(a, b cursor) int { return cmp.Compare(a.until, b.until) }) // sorted is a heap
}

// next returns the instant of the next change.
func (s *sweep) next() int64 {
	if len(s.lines) == 0 {
		return math.MaxInt64
	}
	return s.lines[0].until
}

// to goes to the instant at and applies the changes up to and including it.
func (s *sweep) to(at int64) {
	if at > s.at {
		s.sum.extra = 0
		s.at = at
	}
	for s.next() <= at {
		s.step()
	}
}

// step moves the line at the top of the heap to its next piece.
func (s *sweep) step() {
	c := &s.lines[0]
	at := c.until
	var old, next *series.Piece
	if c.inside {
		old = &c.pieces[0]
		c.pieces = c.pieces[1:]
	}
	if len(c.pieces) > 0 {
		next = &c.pieces[0]
		c.inside = next.From <= at
		c.until = next.To
		if !c.inside {
			c.until, next = next.From, nil
		}
	}
	s.sum.replace(old, next)
	if next != nil && next.From == s.at && counts(next) {
		s.sum.extra += next.High - next.InUse
	}
	if len(c.pieces) == 0 {
		last := len(s.lines) - 1
		s.lines[0] = s.lines[last]
		s.lines = s.lines[:last]
	}
	s.sink()
}

// sink brings the top of the heap to its place.
func (s *sweep) sink() {
	i := 0
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s.lines); child++ {
			if s.lines[child].until < s.lines[least].until {
				least = child
			}
		}
		if least == i {
			return
		}
		s.lines[i], s.lines[least] = s.lines[least], s.lines[i]
		i = least
	}
}

func (s *sweep) bucket(span Span) Bucket {
	b := Bucket{Span: span}
	s.to(span.From)
	for s.at < span.To {
		end := min(s.next(), span.To)
		s.sum.account(&b, s.at, end-s.at, &s.levels)
		if s.runs != nil {
			*s.runs = append(*s.runs, low{at: s.at, sum: s.sum.inUse + s.sum.extra})
			if s.sum.extra != 0 && s.at+1 < end {
				*s.runs = append(*s.runs, low{at: s.at + 1, sum: s.sum.inUse})
			}
		}
		s.to(end)
	}
	b.Levels = s.levels.take()
	return b.finish()
}

// finish sets what follows from the rest.
func (b Bucket) finish() Bucket {
	b.P95, b.Least = b.Levels.Percentile(95), b.Levels.Percentile(0)
	b.Mean = math.NaN()
	if b.Seconds > 0 {
		b.Mean = float64(b.Integral) / float64(b.Seconds)
	}
	return b
}

// bases are the bases of a peak, weakest first.
var bases = [...]license.Basis{license.BasisBetween, license.BasisAtLeast, license.BasisSampled, license.BasisExact}

// A sum is what some pieces say together at one instant.
type sum struct {
	inUse int64
	extra int64 // what this one second has beyond inUse

	known   int64 // lines that are known, ended ones included
	unknown int64
	pending int64
	basis   [len(bases)]int64 // known lines by basis

	installed int64 // over the known and limited lines
	untold    int64 // how many of these do not tell it
	unlimited int64
	reserved  int64

	told          int64 // limited lines that tell installed, or told it last
	line          int64 // their installed
	overdraft     int64
	overdraftTold int64
}

// counts says whether the use of a piece counts.
func counts(p *series.Piece) bool {
	return p.Kind == series.Known && p.State != license.StateUncounted
}

// replace takes one piece away and adds another; each may be nil.
func (s *sum) replace(old, next *series.Piece) {
	if old != nil && next != nil && counts(old) && counts(next) && alike(old, next) {
		s.inUse += next.InUse - old.InUse
		return
	}
	if old != nil {
		s.add(old, -1)
	}
	if next != nil {
		s.add(next, +1)
	}
}

// alike says that two pieces differ in their use only, which is the common
// case.
func alike(p, q *series.Piece) bool {
	return p.State == q.State && p.Basis == q.Basis &&
		p.Installed == q.Installed && p.Reserved == q.Reserved && p.Overdraft == q.Overdraft
}

// add adds a piece, or with sign -1 takes it away again.
func (s *sum) add(p *series.Piece, sign int64) {
	if p.State == license.StateUncounted || p.Kind == series.Absent {
		return
	}
	switch p.Kind {
	case series.Ended:
		s.known += sign
		return
	case series.Pending:
		s.pending += sign
	case series.Unknown:
		s.unknown += sign
	case series.Known:
		s.addKnown(p, sign)
	}
	if p.State == license.StateUnlimited || !p.Installed.Known {
		return
	}
	s.told += sign
	s.line += sign * p.Installed.N
	if p.Overdraft.Known {
		s.overdraftTold += sign
		s.overdraft += sign * p.Overdraft.N
	}
}

func (s *sum) addKnown(p *series.Piece, sign int64) {
	s.known += sign
	s.inUse += sign * p.InUse
	for i, b := range bases {
		if b == p.Basis {
			s.basis[i] += sign
		}
	}
	if p.Reserved.Known {
		s.reserved += sign * p.Reserved.N
	}
	switch {
	case p.State == license.StateUnlimited:
		s.unlimited += sign
	case p.Installed.Known:
		s.installed += sign * p.Installed.N
	default:
		s.untold += sign
	}
}

// cover enters n seconds into the coverage of a bucket, and into what was
// installed.
func (s *sum) cover(b *Bucket, n int64) {
	b.Peak.Coverage.Known += s.known * n
	b.Peak.Coverage.Unknown += s.unknown * n
	if s.told > 0 && s.untold == 0 {
		b.Installed, b.Overdraft = license.Of(s.line), license.Count{}
		if s.overdraftTold == s.told {
			b.Overdraft = license.Of(s.overdraft)
		}
	}
}

// account enters n seconds from the instant at into a bucket.
func (s *sum) account(b *Bucket, at, n int64, levels *histogram) {
	s.cover(b, n)
	if s.known == 0 {
		return
	}
	b.Seconds += n
	b.Integral += s.inUse*n + s.extra
	if s.extra != 0 {
		levels.add(s.inUse+s.extra, 1)
		n--
	}
	if n > 0 {
		levels.add(s.inUse, n)
	}
	if value := s.inUse + s.extra; !b.Peak.Known || value > b.Peak.Value {
		b.Peak = s.peak(at, b.Peak.Coverage)
	}
}

func (s *sum) peak(at int64, c Coverage) Peak {
	return Peak{
		Known:     true,
		Value:     s.inUse + s.extra,
		Low:       s.inUse + s.extra,
		At:        at,
		Installed: s.installedThen(),
		Unlimited: s.unlimited > 0,
		Reserved:  s.reserved,
		Basis:     s.weakest(),
		Partial:   s.unknown+s.pending > 0,
		Coverage:  c,
	}
}

// installedThen is known where every known and limited line tells it and there
// is one.
func (s *sum) installedThen() license.Count {
	limited := -s.unlimited
	for _, n := range s.basis {
		limited += n
	}
	if limited == 0 || s.untold > 0 {
		return license.Count{}
	}
	return license.Of(s.installed)
}

// weakest returns the weakest basis of the lines. Where only ended ones are
// known, it is the readings that miss them.
func (s *sum) weakest() license.Basis {
	for i, n := range s.basis {
		if n > 0 {
			return bases[i]
		}
	}
	return license.BasisSampled
}

// Join returns the bucket of a longer span from the buckets of its parts,
// which are ascending and not empty in number. It is what TrendOf says of the
// whole: the peak is the highest of theirs, the earliest on ties, and no
// second is lost. Only Low may be lower: of a maximum that was told of a time
// in two parts, none knows that it was reached.
func Join(parts []Bucket) Bucket {
	out := parts[0]
	levels := make([]Levels, len(parts))
	for i, p := range parts {
		levels[i] = p.Levels
	}
	for _, p := range parts[1:] {
		coverage := out.Peak.Coverage.Plus(p.Peak.Coverage)
		out.Peak = higher(out.Peak, p.Peak)
		out.Peak.Coverage = coverage
		out.To = p.To
		out.Integral += p.Integral
		out.Seconds += p.Seconds
		if p.Installed.Known {
			out.Installed, out.Overdraft = p.Installed, p.Overdraft
		}
	}
	out.Levels = JoinLevels(levels...)
	return out.finish()
}

// higher returns the peak of two spans of which a is the earlier one, but for
// its coverage.
func higher(a, b Peak) Peak {
	low := max(a.Low, b.Low)
	if b.Known && (!a.Known || b.Value > a.Value) {
		a = b
	}
	a.Low = low
	return a
}
