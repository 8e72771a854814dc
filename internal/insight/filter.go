package insight

import (
	"math"
	"slices"

	"headroom/internal/license"
	"headroom/internal/series"
)

// A Reader gives the blocks of a UTC day: all that tracks may ask for.
type Reader interface {
	Blocks(day int32) (*Blocks, error)
}

// A Scratch is the memory that answers are computed in: about 400 kB. It may be
// used for one answer after the other.
type Scratch struct {
	sheet   sheet
	account account
	fine    fineAdder
	rest    [quarters]int64 // bounds of what is not added yet
}

// A Filter is an open choice of tracks over a span, and finds the peak of their
// sum. It remembers what it found: when few tracks come and go it looks into
// few days again.
//
// It searches by branch and bound. The sum of the highest use of each track
// bounds a day from above; the sum of their highest use per hour bounds an
// hour. The day with the highest bound is looked at first: at its hours, and
// when these still leave it at the top, into the blocks of those hours; until no
// bound exceeds the highest sum that was found. When a
// track is added, its hours are added to all bounds and to all sums that were
// found, which are bounds then; when one is taken away, what was found stays a
// bound. The sums of quarters of hours, and what was added up of the hours at the
// top, second by second, follow the tracks that come and go (lookFine, laid), so
// that a click decodes the blocks of days that were not looked into before.
//
// A Filter is for one goroutine at a time.
type Filter struct {
	span     Span
	tracks   []*Track
	steps    []step // in which they came and went, as far as days have sums of before
	days     []day
	parts    []int // the days of which the span has a part only: the first and the last, if any
	from, to int32 // the others
	coverage Coverage
}

// A day is what is known of the sum on a UTC day.
type day struct {
	number  int32
	part    Span     // of it that the filter's span has
	high    int64    // the sum is no more than this
	hours   []hour   // 24, once the day was looked at
	fine    bool     // found is no more than the quarters of the tracks tell
	sum     *fineSum // of the quarters, once they were looked at
	laid    *laid    // of hours that were looked into
	key     int64    // its place in a search: bound when it was put there
	bounded int      // tracks of which a maximum counts in the day
}

// An hour is what is known of the sum in an hour of a day.
type hour struct {
	bound int64 // the highest use of the tracks added up: the sum is no more
	found int64 // nor is it more than this, which comes of what was found
	at    int64 // the earliest second in which it is found, where it is just that; else 0
}

// high returns what the sum is no more than.
func (h *hour) high() int64 { return min(h.bound, h.found) }

// NewFilter opens a choice of no tracks.
func NewFilter(s Span) *Filter {
	f := &Filter{span: s}
	for number := series.DayOf(s.From); series.DayStart(number) < s.To; number++ {
		start := series.DayStart(number)
		d := day{number: number, part: Span{max(s.From, start), min(s.To, start+series.DaySeconds)}}
		switch {
		case d.part.To-d.part.From < series.DaySeconds:
			f.parts = append(f.parts, len(f.days))
		case f.from == f.to:
			f.from, f.to = number, number+1
		default:
			f.to = number + 1
		}
		f.days = append(f.days, d)
	}
	return f
}

// Reset takes all tracks away, and forgets what was found. The memory of the
// filter is used again.
func (f *Filter) Reset() {
	f.tracks, f.steps, f.coverage = f.tracks[:0], f.steps[:0], Coverage{}
	for i := range f.days {
		d := &f.days[i]
		d.high, d.hours, d.bounded, d.fine, d.sum, d.laid = 0, nil, 0, false, nil, nil
	}
}

// Size returns about how many bytes of memory the filter takes.
func (f *Filter) Size() int64 {
	n := int64(256 + 8*cap(f.tracks) + 16*cap(f.steps) + 104*len(f.days))
	for i := range f.days {
		d := &f.days[i]
		if n += 24 * int64(cap(d.hours)); d.sum != nil {
			n += 8 * (quarters + 1)
		}
		if d.laid != nil {
			n += 256 + 8*int64(len(d.laid.changes))
		}
	}
	return n
}

// Toggle takes tracks away that are in the choice, and adds those that are not.
// After an error the filter is of no use any more.
func (f *Filter) Toggle(from Reader, s *Scratch, tracks ...*Track) error {
	for _, t := range tracks {
		sign := int64(1)
		if i := slices.Index(f.tracks, t); i >= 0 {
			f.tracks = slices.Delete(f.tracks, i, i+1)
			sign = -1
		} else {
			f.tracks = append(f.tracks, t)
		}
		if err := f.change(from, s, t, sign); err != nil {
			return err
		}
	}
	return nil
}

// Add adds tracks that are not in the choice. After an error the filter is of
// no use any more.
func (f *Filter) Add(from Reader, s *Scratch, tracks ...*Track) error {
	f.tracks = append(f.tracks, tracks...)
	for _, t := range tracks {
		if err := f.change(from, s, t, 1); err != nil {
			return err
		}
	}
	return nil
}

// change adds a track to all sums, or with sign -1 takes it away.
func (f *Filter) change(from Reader, s *Scratch, t *Track, sign int64) error {
	if len(t.facts) == 0 || len(f.days) == 0 {
		return nil
	}
	f.changeBounds(t, sign)
	f.note(step{t, sign})
	return f.cover(from, s, t, sign)
}

// Renew makes up for days of which something has changed in the tracks of the
// choice, after they were added: what was found of these days is forgotten, and
// the others keep theirs. After an error the filter is of no use any more.
func (f *Filter) Renew(from Reader, s *Scratch, changed func(day int32) bool) error {
	for i := range f.days {
		d := &f.days[i]
		if !changed(d.number) {
			continue
		}
		*d = day{number: d.number, part: d.part}
		for _, t := range f.tracks {
			if i := int(d.number - t.start); i >= 0 && i < len(t.facts) {
				d.change(t, i, 1)
			}
		}
	}
	f.coverage = Coverage{}
	for _, t := range f.tracks {
		if len(t.facts) == 0 {
			continue
		}
		if err := f.cover(from, s, t, 1); err != nil {
			return err
		}
	}
	return nil
}

func (f *Filter) changeBounds(t *Track, sign int64) {
	first := f.days[0].number
	lo, hi := max(first, t.start), min(first+int32(len(f.days)), t.End())
	if lo >= hi {
		return
	}
	days, at := f.days[lo-first:hi-first], int(lo-t.start)
	for i := range days {
		d := &days[i]
		d.change(t, at+i, sign)
		if d.hours != nil {
			t.changeHours(at+i, sign, d.hours)
			d.fine = false
		}
	}
}

// change adds day number i of a track to the bound of the day, or with sign -1
// takes it away.
func (d *day) change(t *Track, i int, sign int64) {
	if d.high += sign * int64(t.highest[i]); t.facts[i].bounded() {
		d.bounded += int(sign)
	}
}

// note keeps a step for the sums of quarters that were made before it.
func (f *Filter) note(c step) {
	if len(f.steps) == maxSteps {
		for i := range f.days {
			f.days[i].sum, f.days[i].laid = nil, nil
		}
		f.steps = f.steps[:0]
	}
	f.steps = append(f.steps, c)
}

// changeHours adds the hours of day number i to those of the sum.
func (t *Track) changeHours(i int, sign int64, hours []hour) {
	high, shift := int64(t.highest[i]), t.facts[i].shift()
	for h, below := range &t.hours[i] {
		use := high - int64(below)<<shift
		x := &hours[h]
		x.at = 0
		x.bound += sign * use
		if sign > 0 && x.found < math.MaxInt64 {
			x.found += use
		}
	}
}

// cover adds what a track covers of the span. Whole days are in its facts; of a
// part of one its block has to be read.
func (f *Filter) cover(from Reader, s *Scratch, t *Track, sign int64) error {
	c := t.whole(f.from, f.to)
	for _, i := range f.parts {
		part, err := s.covered(from, t, &f.days[i])
		if err != nil {
			return err
		}
		c = c.Plus(part)
	}
	f.coverage.Known += sign * c.Known
	f.coverage.Unknown += sign * c.Unknown
	return nil
}

// covered returns what a track covers of a part of a day.
func (s *Scratch) covered(from Reader, t *Track, d *day) (Coverage, error) {
	b, err := s.play(from, []*Track{t}, d.number, d.part)
	return b.Peak.Coverage, err
}

// whole returns what a track covers of the UTC days from <= day < to.
func (t *Track) whole(from, to int32) (c Coverage) {
	if from == to {
		return c
	}
	lo, hi := max(from, t.start), min(to, t.End())
	if lo < hi {
		for _, f := range t.facts[lo-t.start : hi-t.start] {
			c.Known += f.known()
			c.Unknown += f.unknown()
		}
	}
	switch {
	case t.tail.ended:
		c.Known += max(0, series.DayStart(to)-series.DayStart(max(from, t.End())))
	case t.After == series.Unknown && t.tail.piece.State != license.StateUncounted:
		c.Unknown += max(0, series.DayStart(to)-max(t.tail.from, series.DayStart(from)))
	}
	return c
}

// Peak returns the peak of the sum over the span. It works with as many
// goroutines as there are scratches, at least one.
func (f *Filter) Peak(from Reader, s ...*Scratch) (Peak, error) {
	p, err := f.Highest(from, Peak{}, s...)
	if err != nil {
		return Peak{}, err
	}
	return p, Describe(from, s[0], f.tracks, &p)
}

// Highest is Peak without the description, which Describe adds: the rest of what
// was so at that second. It looks no further than it must to tell a peak that is
// higher than the one given, of another time; where there is none, what it
// returns is not known, and only its coverage is of use.
func (f *Filter) Highest(from Reader, than Peak, s ...*Scratch) (Peak, error) {
	if slices.ContainsFunc(f.tracks, (*Track).isOdd) {
		return f.slowDays(from, Peak{}, func(*day) bool { return true })
	}
	if f.coverage.Known == 0 {
		return Peak{Coverage: f.coverage}, nil
	}
	if than.Low < than.Value {
		than = Peak{} // a lower peak may have a higher Low
	}
	peak, err := f.search(from, than, s)
	if err == nil {
		peak, err = f.slowDays(from, peak, (*day).isSlow)
	}
	peak.Coverage = f.coverage
	return peak, err
}

// isSlow says that only the slow way counts a day right: a maximum counts in it,
// or the sum is too high.
func (d *day) isSlow() bool { return d.bounded > 0 || d.high > maxUse }

// slowDays returns the peak of some days, day by day, and of another time.
func (f *Filter) slowDays(from Reader, peak Peak, which func(*day) bool) (Peak, error) {
	for i := range f.days {
		if d := &f.days[i]; which(d) {
			p, err := f.slowDay(from, d)
			if err != nil {
				return Peak{}, err
			}
			peak = JoinPeaks(peak, p)
		}
	}
	return peak, nil
}

// Describe completes a peak that Highest has found for the sum of these tracks.
func Describe(from Reader, s *Scratch, tracks []*Track, p *Peak) error {
	if !p.Known || p.Basis != license.BasisNone {
		return nil // nothing to say, or said
	}
	all, err := s.describe(from, tracks, p)
	all.Low, all.Coverage = p.Low, p.Coverage
	*p = all
	return err
}

// describe is At of a second whose sum is known: what is known all day, as nearly
// all is, is not read again to say on what terms.
func (s *Scratch) describe(from Reader, tracks []*Track, p *Peak) (Peak, error) {
	number := series.DayOf(p.At)
	if isSlow(tracks, number) {
		return At(from, s, tracks, p.At)
	}
	blocks, err := from.Blocks(number)
	if err != nil {
		return Peak{}, err
	}
	part := Span{p.At, p.At + 1}
	s.sheet.begin(number, part, false)
	for _, t := range tracks {
		if s.sheet.addTerms(t, number) {
			continue
		}
		if err := s.sheet.add(t, blocks); err != nil {
			s.sheet.clear()
			return Peak{}, err
		}
	}
	s.sheet.base = p.Value
	for i := range s.sheet.events {
		s.sheet.events[i].extra = 0 // it is in the value
	}
	s.account.begin(part)
	play := s.sheet.player()
	play.to(s.sheet.to, &s.account)
	return s.account.done().Peak, nil
}

// JoinPeaks returns the peak of two times that do not overlap, in any order,
// as Join does of buckets.
func JoinPeaks(a, b Peak) Peak {
	coverage := a.Coverage.Plus(b.Coverage)
	if b.Known && (!a.Known || b.At < a.At) {
		a, b = b, a
	}
	a = higher(a, b)
	a.Coverage = coverage
	return a
}

// slowDay returns the peak of a day the slow way.
func (f *Filter) slowDay(from Reader, d *day) (Peak, error) {
	lines, err := linesOf(from, f.tracks, d.part)
	if err != nil {
		return Peak{}, err
	}
	return PeakOf(lines, d.part), nil
}

// At returns what the sum of tracks was in one second, as a peak.
func At(from Reader, s *Scratch, tracks []*Track, second int64) (Peak, error) {
	b, err := s.play(from, tracks, series.DayOf(second), Span{second, second + 1})
	return b.Peak, err
}

// idle finds the first second in which something is known, where nothing is in
// use.
func (f *Filter) idle(from Reader, s *Scratch) (Peak, error) {
	for i := range f.days {
		d := &f.days[i]
		if d.isSlow() {
			continue
		}
		b, err := s.play(from, f.tracks, d.number, d.part)
		if err != nil || b.Peak.Known {
			return b.Peak, err
		}
	}
	return Peak{}, nil
}

// play returns the bucket of a part of a UTC day.
func (s *Scratch) play(from Reader, tracks []*Track, number int32, part Span) (Bucket, error) {
	if isSlow(tracks, number) {
		lines, err := linesOf(from, tracks, part)
		if err != nil {
			return Bucket{}, err
		}
		return TrendOf(lines, []Span{part})[0], nil
	}
	p, err := s.load(from, tracks, number, part, false)
	if err != nil {
		return Bucket{}, err
	}
	s.account.begin(part)
	p.to(s.sheet.to, &s.account)
	return s.account.done(), nil
}

// linesOf plays tracks over a span, piece by piece: the slow way.
func linesOf(from Reader, tracks []*Track, s Span) ([]Line, error) {
	lines := make([]Line, len(tracks))
	for i, t := range tracks {
		lines[i] = Line{Server: t.Server, Pool: t.Pool}
	}
	var v series.View
	for number := series.DayOf(s.From); series.DayStart(number) < s.To; number++ {
		blocks, err := from.Blocks(number)
		if err != nil {
			return nil, err
		}
		for i, t := range tracks {
			if lines[i].Pieces, err = t.piecesOf(lines[i].Pieces, number, blocks, &v); err != nil {
				return nil, err
			}
		}
	}
	return lines, nil
}

// piecesOf appends the pieces of a UTC day.
func (t *Track) piecesOf(to []series.Piece, number int32, blocks *Blocks, v *series.View) ([]series.Piece, error) {
	switch {
	case len(t.facts) == 0 || number < t.start:
		return to, nil
	case number < t.End():
		return t.play(to, int(number-t.start), blocks, v)
	}
	p := series.Piece{Kind: series.Ended}
	if !t.tail.ended {
		p = after(t.tail.piece, t.After)
		t.own(&p)
	}
	p.From, p.To = series.DayStart(number), series.DayStart(number+1)
	return append(to, p), nil
}

// CoverageByDay returns what some tracks cover of each of the UTC days
// from <= day < to, without a look into a block. Of a silent server of which
// something is known after its newest record, it misses the seconds between the two.
func CoverageByDay(tracks []*Track, from, to int32) []Coverage {
	out := make([]Coverage, max(0, to-from))
	for _, t := range tracks {
		if t == nil {
			continue
		}
		for i := range out {
			day := from + int32(i)
			out[i] = out[i].Plus(t.whole(day, day+1))
		}
	}
	return out
}
