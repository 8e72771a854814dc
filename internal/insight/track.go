package insight

import (
	"fmt"
	"slices"

	"headroom/internal/license"
	"headroom/internal/series"
)

// A Track is one pool of a license server and what is known of it day by day:
// for each UTC day from its first record on a few numbers that bound its use
// and tell how much is known, and how to read the day's block. It is what
// answers stay quick with: a choice of servers over years looks into the
// blocks of those days only that can matter.
//
// A track is made by Grow, day after day. It may be asked by many goroutines
// while none makes it longer.
type Track struct {
	// A search goes over thousands of tracks day after day. What it asks each of
	// them stands together: in one line of the processor's cache.
	Server  int64 // the hub's number of the license server
	Pool    series.PoolID
	start   int32 // first UTC day
	facts   []fact
	highest []uint32 // per day, what was carried into it included

	First int64 // instant of the pool's first record (series.Frame)
	UpTo  int64 // instant of the server's newest record, by which the last day is made
	After series.Kind

	hours  [][24]uint8
	carry  []uint32       // what holds at midnight
	terms  []series.Terms // those that facts name
	states map[int32]series.State

	state    series.State // at the midnight at which the track ends, unless ordinary stands for it
	ordinary ordinary
	saidTo   int64 // end of what a record says anything of; 0 where that is not after UpTo
	tail     tail
	odd      bool // something is known after UpTo that began after it
	echo     bool // its licenses are counted with another track
}

// Echo returns a track with the use of this one and no licenses of its own: what
// it tells of installed and of overdraft is counted with another track, and as 0
// here. It stays as this one is now: see Follow.
func (t *Track) Echo() *Track {
	e := *t
	e.echo = true
	return &e
}

// Echoes says whether the track was made by Echo.
func (t *Track) Echoes() bool { return t.echo }

// Follow makes an echo that of a track that has grown or changed.
func (t *Track) Follow(of *Track) { *t = *of.Echo() }

// own takes from a piece of the track what is counted with another one.
func (t *Track) own(p *series.Piece) {
	if !t.echo {
		return
	}
	for _, c := range [...]*license.Count{&p.Installed, &p.Overdraft} {
		if c.Known {
			c.N = 0
		}
	}
}

// An ordinary state is that after a plain day: series.HeldState of these terms.
// It is quicker to handle than a series.State.
type ordinary struct {
	is         bool
	terms      int // an index
	use, until int64
}

// settle makes the state, which is that at a day's midnight, a series.State.
func (t *Track) settle(day int32) {
	if o := t.ordinary; o.is {
		t.state = series.HeldState(t.terms[o.terms], o.use, o.until)
		t.state.Expire(series.DayStart(day))
		t.ordinary.is = false
	}
}

// A tail is what follows the days of a track.
type tail struct {
	ended bool
	from  int64        // first second of which nothing is known, and that is not before UpTo
	piece series.Piece // from then on, if it has not ended; its Kind is for After to say
}

// tooHigh is the highest use of a day that a track can tell. A sum with it is
// for the slow way.
const tooHigh = 1<<32 - 1

// maxUse is the highest use, and the highest sum, that the quick way counts.
const maxUse = 1<<31 - 1

// A class says how a day of a track is read.
type class uint8

const (
	plain   class = iota // what holds at midnight, then the samples of a plain pool
	still                // what holds at midnight; no record of the day changes anything
	general              // anything else: by series.State.AppendDay
)

// A fact is what is known of a day beside its use, in the bits of a number.
type fact uint64

func newFact(c class, known, unknown, until int64, shift uint8, terms int, bounded bool) fact {
	f := fact(known) | fact(unknown)<<17 | fact(until)<<34 | fact(c)<<51 | fact(shift)<<53 | fact(terms)<<58
	if bounded {
		f |= 1 << 63
	}
	return f
}

func (f fact) known() int64   { return int64(f & (1<<17 - 1)) }       // seconds
func (f fact) unknown() int64 { return int64(f >> 17 & (1<<17 - 1)) } // seconds before UpTo
func (f fact) until() int64   { return int64(f >> 34 & (1<<17 - 1)) } // for how many seconds carry holds
func (f fact) class() class   { return class(f >> 51 & 3) }
func (f fact) shift() uint8   { return uint8(f >> 53 & 31) }
func (f fact) terms() int     { return int(f >> 58 & 31) } // an index; see noTerms
func (f fact) bounded() bool  { return f>>63 != 0 }        // a maximum counts in the day

// The last indexes of terms are none.
const (
	maxTerms   = 29
	endedTerms = 30 // the pool has ended
	noTerms    = 31 // the state at the day's midnight is kept in states
)

// A Source is a day's block as Grow reads it.
type Source struct {
	View    *series.View
	Summary *series.Summary // of the pool, if it is plain; nil if the block has nothing of it, or it is not plain
	Has     bool            // the block has something of the pool
	// Read decodes what the block says of the pool.
	Read func(pool series.PoolID) (series.Day, error)
}

// Grow makes the track longer by a day: the days between are such that have no
// block, and so is this one where the source is nil.
func (t *Track) Grow(day int32, s *Source) error {
	if len(t.facts) == 0 {
		t.start = min(day, series.DayOf(t.First))
	}
	if day < t.End() {
		return fmt.Errorf("day %d of a track that goes on to %d", day, t.End())
	}
	for t.End() < day {
		if err := t.grow(nil); err != nil {
			return err
		}
	}
	if s == nil {
		return nil
	}
	return t.grow(s)
}

// Expect makes room for the days up to one, so that growing there takes no more
// memory than it must.
func (t *Track) Expect(day int32) {
	n := int(day - series.DayOf(t.First))
	if n <= cap(t.facts) {
		return
	}
	t.highest, t.carry = slices.Grow(t.highest, n), slices.Grow(t.carry, n)
	t.facts, t.hours = slices.Grow(t.facts, n), slices.Grow(t.hours, n)
}

// Renew makes days anew of which the block has changed, from a day on, until what
// holds at the next midnight is as it was. It returns the last day that it made
// anew. A day that the track does not have changes nothing of it.
func (t *Track) Renew(day int32, of func(day int32) (*Source, error)) (last int32, err error) {
	if day < t.start || day >= t.End() {
		return day, nil
	}
	t.settle(t.End())
	end := t.state
	t.state = t.stateAt(int(day - t.start))
	for ; ; day++ {
		s, err := of(day)
		if err != nil {
			return day, err
		}
		e, err := t.entry(day, s)
		if err != nil {
			return day, err
		}
		t.put(&e)
		t.settle(day + 1)
		if day+1 == t.End() {
			return day, nil
		}
		if t.state == t.stateAt(int(day+1-t.start)) {
			t.state = end
			return day, nil
		}
	}
}

// End returns the number of the UTC day with which the track ends.
func (t *Track) End() int32 { return t.start + int32(len(t.facts)) }

// Ordinary says that a sweep of a day needs no more of its block than a lean one
// has (Blocks.AddLean).
func (t *Track) Ordinary(day int32) bool {
	i := int(day - t.start)
	return i < 0 || i >= len(t.facts) || t.facts[i].class() != general
}

// Size returns about how many bytes of memory the track takes.
func (t *Track) Size() int64 {
	return 512 + int64(cap(t.facts))*(4+4+8+24) + int64(cap(t.terms))*56 + int64(len(t.states))*256
}

// Cut makes the track end before a day, so that it can grow anew from there.
func (t *Track) Cut(day int32) {
	n := max(0, int(day-t.start))
	if n >= len(t.facts) {
		return
	}
	t.state, t.ordinary.is = t.stateAt(n), false
	t.highest, t.carry, t.facts = t.highest[:n], t.carry[:n], t.facts[:n]
	t.hours = t.hours[:n]
	t.saidTo = 0 // what holds over midnight tells it again
	for d := range t.states {
		if d >= day {
			delete(t.states, d)
		}
	}
}

// Finish ends the growth: the track gets the days up to UpTo, and as far as a
// reading holds, and knows what follows.
func (t *Track) Finish() error {
	t.settle(t.End())
	until := max(t.UpTo, t.saidTo, t.state.Until())
	for last := series.DayOf(until - 1); len(t.facts) > 0 && t.End() <= last; {
		if err := t.grow(nil); err != nil {
			return err
		}
	}
	t.settle(t.End())
	t.tail = tail{from: until}
	t.tail.ended, t.tail.piece = t.state.Told()
	return nil
}

// isOdd says that only the slow way counts the track right.
func (t *Track) isOdd() bool { return t.odd && t.After == series.Unknown }

// stateAt returns the state at the midnight of day number i.
func (t *Track) stateAt(i int) series.State {
	f := t.facts[i]
	day := t.start + int32(i)
	start := series.DayStart(day)
	state := t.states[day]
	switch n := f.terms(); n {
	case noTerms:
	case endedTerms:
		state = series.EndedState(start + f.until())
	default:
		state = series.HeldState(t.terms[n], int64(t.carry[i]), start+f.until())
	}
	state.Expire(start)
	return state
}

// An entry is a day that is being made.
type entry struct {
	start                 int64 // its midnight
	class                 class
	highest, carry        int64
	known, unknown, until int64
	saidTo                int64     // end of what a record says anything of
	each                  [24]int64 // highest per hour, unless bound
	bound                 bool      // below and shift tell it
	below                 [24]uint8
	shift                 uint8
	terms                 int
	bounded               bool
}

// grow appends one day; s is nil where it has no block.
func (t *Track) grow(s *Source) error {
	e, err := t.entry(t.End(), s)
	if err != nil {
		return err
	}
	t.highest, t.carry, t.facts = append(t.highest, 0), append(t.carry, 0), append(t.facts, 0)
	t.hours = append(t.hours, [24]uint8{})
	t.put(&e)
	return nil
}

// entry makes a day, and brings the state to its end.
func (t *Track) entry(day int32, s *Source) (e entry, err error) {
	e.start = series.DayStart(day)
	t.hold(s, &e)
	if e.terms == noTerms {
		if t.states == nil {
			t.states = make(map[int32]series.State)
		}
		t.states[day] = t.state
	} else if t.states != nil {
		delete(t.states, day)
	}
	switch e.class = t.classOf(s, &e); e.class {
	case plain:
		t.growPlain(s, &e)
	case still:
		t.growStill(s, &e)
	default:
		if t.isPlainUse(s, &e) {
			t.growPlain(s, &e)
		} else {
			err = t.growGeneral(s, &e)
		}
	}
	if t.saidTo = max(t.saidTo, e.saidTo); err == nil && (e.known < 0 || e.unknown < 0 || e.known+e.unknown > series.DaySeconds) {
		err = fmt.Errorf("license server %d, pool %d, UTC day %d: %d seconds known and %d unknown", t.Server, t.Pool, day, e.known, e.unknown)
	}
	return e, err
}

// classOf says how a day with a state at its midnight is read.
func (t *Track) classOf(s *Source, e *entry) class {
	switch {
	case e.terms == noTerms || t.First > e.start:
		return general
	case s == nil, !s.Has && !s.View.Complete():
		return still
	case !s.Has && e.terms == endedTerms && s.even():
		return still
	case s.Summary != nil && e.terms != endedTerms && t.terms[e.terms] == s.Summary.Terms && t.UpTo >= s.last():
		return plain
	}
	return general
}

// isPlainUse says whether a general day is one for what is played of it only: the
// use and the seconds of a plain pool, with other terms than what holds at its
// midnight, or on the pool's first day. Then its head tells what it grows by.
func (t *Track) isPlainUse(s *Source, e *entry) bool {
	alike := false
	switch {
	case s == nil || s.Summary == nil || t.UpTo < s.last() || e.terms == endedTerms:
	case e.terms == noTerms:
		alike = len(t.facts) == 0 && t.First == s.first()
	default:
		alike = t.First <= e.start && t.terms[e.terms].State == s.Summary.Terms.State
	}
	if !alike {
		return false
	}
	_, ok := t.indexOf(s.Summary.Terms)
	return ok
}

func (s *Source) first() int64 {
	first, _, _, _, _ := s.View.Readings()
	return first
}

func (s *Source) last() int64 {
	_, last, _, _, _ := s.View.Readings()
	return last
}

func (s *Source) even() bool {
	_, _, _, _, even := s.View.Readings()
	return even
}

// hold notes what holds at midnight: the terms that stand for the state of the
// track, and its use. Terms are noTerms where the state is not so simple.
func (t *Track) hold(s *Source, e *entry) {
	e.terms = noTerms
	if o := t.ordinary; o.is && o.until > e.start {
		e.terms, e.carry, e.until = o.terms, o.use, min(o.until-e.start, series.DaySeconds)
		return
	}
	t.settle(series.DayOf(e.start))
	if until, ok := t.state.Ended(); ok {
		e.terms, e.until = endedTerms, max(0, until-e.start)
		return
	}
	terms, use, until, ok := t.state.Held()
	if !ok || use > maxUse || use < 0 {
		return
	}
	if until <= e.start {
		use, until = 0, e.start
		// Where no reading holds, only what was told matters of the terms, and
		// those of the day may stand for them.
		if s != nil && s.Summary != nil && s.Summary.Terms.Told() == terms.Told() && !s.Summary.Terms.Reserves() {
			terms = s.Summary.Terms
		}
	}
	if i, ok := t.indexOf(terms); ok {
		e.terms, e.carry, e.until = i, use, min(until-e.start, series.DaySeconds)
	}
}

// indexOf returns the index of terms, which it may give to them; false where there
// is none left.
func (t *Track) indexOf(terms series.Terms) (i int, ok bool) {
	if i = slices.Index(t.terms, terms); i >= 0 {
		return i, true
	}
	if len(t.terms) > maxTerms {
		return 0, false
	}
	t.terms = append(t.terms, terms)
	return len(t.terms) - 1, true
}

// growPlain adds what a plain pool's samples say to what holds at midnight.
func (t *Track) growPlain(s *Source, e *entry) {
	first, last, hold, lost, _ := s.View.Readings()
	terms, _ := t.indexOf(s.Summary.Terms)
	t.ordinary = ordinary{true, terms, s.Summary.Last, last + hold}
	if s.Summary.Terms.State == license.StateUncounted {
		return
	}
	end := min(last+hold, e.start+series.DaySeconds)
	carried := min(e.until, first-e.start)
	e.know(carried+end-first-lost, end, t.UpTo)
	if t.First > e.start {
		e.unknown -= first - e.start // the pool is absent before
	}
	if e.highest = s.Summary.Max; carried > 0 && e.carry > e.highest {
		e.each = s.Summary.Hours()
		e.carried(carried)
		return
	}
	// The hours are as the block bounds them, but for the first ones.
	e.below, e.shift = s.Summary.Below()
	e.bound = true
	for h := int64(0); h*3600 < carried; h++ {
		e.below[h] = min(e.below[h], uint8(min((e.highest-e.carry)>>e.shift, 255)))
	}
}

// growStill is a day on which nothing happens.
func (t *Track) growStill(s *Source, e *entry) {
	switch {
	case e.terms == endedTerms:
		e.known = series.DaySeconds
		if s != nil && s.View.Complete() { // it is told once more that the pool is gone
			_, last, hold, _, _ := s.View.Readings()
			t.state = series.EndedState(last + hold)
		}
	case t.terms[e.terms].State != license.StateUncounted:
		e.carried(e.until)
		e.know(e.until, e.start+e.until, t.UpTo)
	}
	t.settle(series.DayOf(e.start) + 1)
	t.state.Expire(e.start + series.DaySeconds)
}

// carried adds what holds at midnight for so many seconds.
func (e *entry) carried(seconds int64) {
	if seconds == 0 {
		return
	}
	e.highest = max(e.highest, e.carry)
	for h := int64(0); h*3600 < seconds; h++ {
		e.each[h] = max(e.each[h], e.carry)
	}
}

// know sets how much is known. Nothing is known after the instant end, and what
// comes after upTo is not unknown yet.
func (e *entry) know(known, end, upTo int64) {
	midnight := e.start + series.DaySeconds
	e.known = known
	if known > 0 {
		e.saidTo = end
	}
	e.unknown = series.DaySeconds - known - max(0, midnight-max(end, upTo))
}

// growGeneral plays the day.
func (t *Track) growGeneral(s *Source, e *entry) error {
	t.settle(series.DayOf(e.start))
	var day *series.Day
	if s != nil {
		read, err := s.Read(t.Pool)
		if err != nil {
			return err
		}
		day = &read
	}
	before := series.Known
	if e.until == 0 {
		before = series.Absent
	}
	for _, p := range t.state.AppendDay(nil, day, t.Pool, t.frame(e.start, series.Absent)) {
		e.count(&p)
		t.odd = t.odd || p.Kind != series.Absent && before == series.Absent && p.From > t.UpTo
		before = p.Kind
	}
	return nil
}

// frame returns the frame of a UTC day.
func (t *Track) frame(start int64, after series.Kind) series.Frame {
	return series.Frame{From: start, To: start + series.DaySeconds, First: t.First, UpTo: t.UpTo, After: after}
}

// count adds a piece to a day.
func (e *entry) count(p *series.Piece) {
	if p.Kind != series.Absent {
		e.saidTo = p.To
	}
	switch {
	case p.State == license.StateUncounted:
	case p.Kind == series.Ended:
		e.known += p.To - p.From
	case p.Kind == series.Unknown:
		e.unknown += p.To - p.From
	case p.Kind == series.Known:
		e.known += p.To - p.From
		e.bounded = e.bounded || p.Basis == license.BasisBetween
		use, high := p.InUse, p.High
		if use < 0 {
			use, high = tooHigh, tooHigh
		}
		e.highest = max(e.highest, high)
		h := (p.From - e.start) / 3600
		e.each[h] = max(e.each[h], high)
		for h++; e.start+h*3600 < p.To; h++ {
			e.each[h] = max(e.each[h], use)
		}
	}
}

// put notes a day that was made.
func (t *Track) put(e *entry) {
	highest := min(e.highest, tooHigh)
	if highest > maxUse {
		highest = tooHigh
	}
	if !e.bound {
		e.bounds()
	}
	i := series.DayOf(e.start) - t.start
	t.highest[i], t.carry[i], t.hours[i] = uint32(highest), uint32(e.carry), e.below
	t.facts[i] = newFact(e.class, e.known, e.unknown, e.until, min(e.shift, 31), e.terms, e.bounded)
}

// bounds rounds the highest use of each hour up, to what a byte holds.
func (e *entry) bounds() {
	most := int64(0)
	for _, v := range e.each {
		most = max(most, e.highest-v)
	}
	for most>>e.shift > 255 {
		e.shift++
	}
	for h, v := range e.each {
		e.below[h] = uint8((e.highest - v) >> e.shift)
	}
}
