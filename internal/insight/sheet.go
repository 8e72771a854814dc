package insight

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"headroom/internal/license"
	"headroom/internal/series"
)

// A sheet is one UTC day, second by second, on which the use of many tracks is
// added up: in each second the change of the sum, and beside it what else
// changes of it, which is little. It is used again for day after day and then
// needs no new memory.
type sheet struct {
	start    int64 // first second of the day
	from, to int32 // the seconds that are looked at
	peakOnly bool  // nothing but the use is asked for

	base    int64 // use in the second from
	change  [series.DaySeconds]int32
	touched [(series.DaySeconds + 63) / 64]uint64 // seconds that have a change, perhaps of 0
	events  []event                               // of the seconds from `from` on, unsorted until play
	sum     sum                                   // but for the use

	view    series.View
	server  int64 // whose block view is of, and whose readings at has; 0: nobody's
	place   int   // of that block among the others, about
	first   int   // number of the reading with which at begins
	at, use []uint32
	pieces  []series.Piece // those that events point at
	terms   []pair         // the same, of plain days
	said    series.Piece   // what addKnown adds

	drawer drawer
	drawn  []uint32 // the changes of a day that is being drawn
}

// An event is a change of the sum beside its use: old goes and next comes.
// Where there is neither, the second has extra beyond its use.
type event struct {
	at        int32
	old, next *series.Piece
	extra     int64
}

// A pair is how terms count while the use is known, and while it is not.
type pair struct{ known, unknown series.Piece }

// pair returns that of a day's terms.
func (t *Track) pair(f fact) (p pair) {
	terms := &t.terms[f.terms()]
	p.unknown = series.Piece{State: terms.State, Installed: terms.Installed, Overdraft: terms.Overdraft}
	t.own(&p.unknown)
	p.known = p.unknown
	p.known.Kind, p.known.Basis, p.known.Reserved = series.Known, license.BasisSampled, terms.Reserved
	return p
}

// begin empties the sheet for a part of a UTC day.
func (s *sheet) begin(day int32, part Span, peakOnly bool) {
	s.start = series.DayStart(day)
	s.from = int32(max(part.From-s.start, 0))
	s.to = int32(min(part.To-s.start, series.DaySeconds))
	s.peakOnly = peakOnly
	s.server = 0
	s.drawer = drawer{}
	s.base, s.sum = 0, sum{}
	s.events, s.pieces, s.terms = s.events[:0], s.pieces[:0], s.terms[:0]
}

// clear empties a sheet that is not played.
func (s *sheet) clear() {
	for w, word := range s.touched {
		for ; word != 0; word &= word - 1 {
			s.change[w<<6+bits.TrailingZeros64(word)] = 0
		}
		s.touched[w] = 0
	}
}

// add adds what a track says of the day.
func (s *sheet) add(t *Track, blocks *Blocks) error {
	row := s.drawer.row(t, blocks)
	if row != nil && s.peakOnly && row.state.Load() == drawn {
		s.take(row)
		return nil
	}
	i := int(series.DayOf(s.start) - t.start)
	if i < 0 || len(t.facts) == 0 {
		return nil
	}
	if i >= len(t.facts) {
		s.addTail(t)
		return nil
	}
	f := t.facts[i]
	switch f.class() {
	case plain:
		return s.addPlain(t, i, blocks, row)
	case still:
		s.addStill(t, i)
		return nil
	}
	return s.addGeneral(t, i, blocks)
}

// addTail adds a day that lies after all that is known of a track.
func (s *sheet) addTail(t *Track) {
	if s.peakOnly {
		return
	}
	p := series.Piece{Kind: series.Ended}
	if !t.tail.ended {
		p = after(t.tail.piece, t.After)
		t.own(&p)
	}
	s.sum.add(s.keep(p), 1)
}

// after is the piece that follows a server's last record, where told was told
// last.
func after(told series.Piece, kind series.Kind) series.Piece {
	if kind == series.Absent {
		return series.Piece{Kind: series.Absent}
	}
	if told.Kind = kind; kind == series.Unknown {
		told.Installed, told.Overdraft = license.Count{}, license.Count{}
	}
	return told
}

// keep keeps a piece as long as events may point at it.
func (s *sheet) keep(p series.Piece) *series.Piece {
	s.pieces = append(s.pieces, p)
	return &s.pieces[len(s.pieces)-1]
}

// addStill adds a day on which nothing happens but that a reading ends.
func (s *sheet) addStill(t *Track, i int) {
	f := t.facts[i]
	if f.terms() == endedTerms {
		if !s.peakOnly {
			s.sum.add(s.keep(series.Piece{Kind: series.Ended}), 1)
		}
		return
	}
	if !s.counts(t, f) {
		return
	}
	s.run(t, i, 0, nil, nil)
}

// counts says whether the terms of a track count on a day.
func (s *sheet) counts(t *Track, f fact) bool {
	return t.terms[f.terms()].State != license.StateUncounted
}

// addPlain adds the samples of a plain pool: what is drawn of them, where that
// says all that is asked.
func (s *sheet) addPlain(t *Track, i int, blocks *Blocks, row *drawing) error {
	f := t.facts[i]
	if !s.counts(t, f) {
		return nil
	}
	if row != nil && (s.peakOnly || f.known() == series.DaySeconds) {
		if row.state.Load() == undrawn && !s.drawer.of.full.Load() {
			if err := s.draw(t, i, blocks, row); err != nil {
				return err
			}
		}
		if row.state.Load() == drawn {
			if !s.peakOnly {
				s.addKnown(t, f)
			}
			s.take(row)
			return nil
		}
	}
	use, ok := s.usesOf(t, blocks)
	if !ok {
		return s.missing(t)
	}
	_, _, hold, _, _ := s.view.Readings()
	s.run(t, i, int32(hold), s.at, use)
	return nil
}

// addTerms adds a track without its use; false where it is not known all day, or
// not a plain one.
func (s *sheet) addTerms(t *Track, number int32) bool {
	i := int(number - t.start)
	if i < 0 || i >= len(t.facts) {
		return false
	}
	f := t.facts[i]
	if f.class() != plain || f.known() != series.DaySeconds || !s.counts(t, f) {
		return false
	}
	s.addKnown(t, f)
	return true
}

// addKnown adds the terms of a plain day that is known to its end: pair.known, with
// nothing in use.
func (s *sheet) addKnown(t *Track, f fact) {
	terms, p := &t.terms[f.terms()], &s.said
	p.Kind, p.Basis, p.State = series.Known, license.BasisSampled, terms.State
	p.Installed, p.Overdraft, p.Reserved = terms.Installed, terms.Overdraft, terms.Reserved
	t.own(p)
	s.sum.add(p, 1)
}

// usesOf reads the samples of a plain pool: when they were into s.at, and what was
// in use, which is good until the next one is read.
func (s *sheet) usesOf(t *Track, blocks *Blocks) (use []uint32, ok bool) {
	if s.server != t.Server && !s.open(t.Server, blocks) {
		return nil, false
	}
	place, ok := s.view.Find(t.Pool)
	if !ok || !place.Plain {
		return nil, false
	}
	if s.use, ok = s.view.InUse(place, s.use, s.first+len(s.at)); !ok {
		return nil, false
	}
	return s.use[s.first:], true
}

// open opens the block of a server and reads when its readings were. The next
// track is often one of the same server.
func (s *sheet) open(server int64, blocks *Blocks) (ok bool) {
	s.server = 0
	if s.place, ok = blocks.find(server, s.place); !ok || !blocks.openAt(s.place, &s.view) {
		return false
	}
	if s.at, s.first, ok = s.view.Instants(s.at, int64(s.from), int64(s.to)); !ok || len(s.at) == 0 || !areInstants(s.at) {
		return false
	}
	s.server = server
	return true
}

// areInstants says whether seconds of a day ascend.
func areInstants(at []uint32) bool {
	before := at[0]
	for _, t := range at[1:] {
		if t <= before {
			return false
		}
		before = t
	}
	return before < series.DaySeconds
}

func (s *sheet) missing(t *Track) error {
	return fmt.Errorf("license server %d, pool %d: its block of UTC day %d is not what its days were made of",
		t.Server, t.Pool, series.DayOf(s.start))
}

// run plays what holds at midnight and then samples: when they were and what
// was in use.
func (s *sheet) run(t *Track, i int, hold int32, ats, uses []uint32) {
	f := t.facts[i]
	var p *pair
	if !s.peakOnly {
		s.terms = append(s.terms, t.pair(f))
		p = &s.terms[len(s.terms)-1]
	}
	value, end := int32(t.carry[i]), int32(f.until())
	// What happens up to the second from decides what is there in it.
	k := 0
	for k < len(ats) && int32(ats[k]) <= s.from {
		k++
	}
	if k > 0 {
		value, end = int32(uses[k-1]), int32(ats[k-1])+hold
	}
	known := end > s.from
	if known {
		s.base += int64(value)
	} else {
		value = 0
	}
	if p != nil {
		s.sum.add(p.piece(known), 1)
	}
	ats = ats[k:]
	uses = uses[k:][:len(ats)]
	for n, at := range ats {
		a := int32(at)
		if a >= s.to {
			break
		}
		if known && end < a {
			s.turn(end, -value, p, false)
			value, known = 0, false
		}
		v := int32(uses[n])
		s.change[a] += v - value
		s.touched[a>>6] |= 1 << (a & 63)
		if !known {
			s.turn(a, 0, p, true)
			known = true
		}
		value, end = v, a+hold
	}
	if known && end < s.to {
		s.turn(end, -value, p, false)
	}
	if tail := max(t.UpTo-s.start, int64(end)); p != nil && tail < int64(s.to) {
		s.addAfter(t, int32(max(tail, int64(s.from))), p)
	}
}

func (p *pair) piece(known bool) *series.Piece {
	if known {
		return &p.known
	}
	return &p.unknown
}

// turn changes the use, and whether it is known, at a second.
func (s *sheet) turn(at, change int32, p *pair, known bool) {
	s.change[at] += change
	s.touched[at>>6] |= 1 << (at & 63)
	if p != nil {
		s.events = append(s.events, event{at: at, old: p.piece(!known), next: p.piece(known)})
	}
}

// addAfter adds what follows the last record of a track.
func (s *sheet) addAfter(t *Track, at int32, p *pair) {
	next := s.keep(after(p.unknown, t.After))
	if at <= s.from {
		s.sum.add(&p.unknown, -1)
		s.sum.add(next, 1)
		return
	}
	s.events = append(s.events, event{at: at, old: &p.unknown, next: next})
}

// addGeneral adds a day that has to be played.
func (s *sheet) addGeneral(t *Track, i int, blocks *Blocks) error {
	first := len(s.pieces)
	var err error
	s.server = 0
	if s.pieces, err = t.play(s.pieces, i, blocks, &s.view); err != nil {
		return err
	}
	var old *series.Piece
	value := int32(0)
	for n := first; n < len(s.pieces); n++ {
		p := &s.pieces[n]
		if p.To-s.start <= int64(s.from) {
			continue
		}
		if p.From-s.start >= int64(s.to) {
			break
		}
		at := int32(max(p.From-s.start, int64(s.from)))
		use := int32(0)
		if counts(p) {
			use = int32(p.InUse)
		}
		extra := int64(0)
		if counts(p) && p.From-s.start == int64(at) {
			extra = p.High - p.InUse
		}
		s.replace(at, use-value, old, p, extra)
		old, value = p, use
	}
	return nil
}

// replace changes the sum from one piece to the next.
func (s *sheet) replace(at, change int32, old, next *series.Piece, extra int64) {
	if at == s.from {
		s.base += int64(change)
		if !s.peakOnly {
			s.sum.add(next, 1)
		}
		old, next = nil, nil
	} else if change != 0 {
		s.change[at] += change
		s.touched[at>>6] |= 1 << (at & 63)
	}
	if old != nil && next != nil && (s.peakOnly || alike(old, next) && old.Kind == next.Kind) {
		old, next = nil, nil
	}
	if extra != 0 || old != nil {
		s.events = append(s.events, event{at: at, old: old, next: next, extra: extra})
	}
}

// play appends the pieces of day number i of a track.
func (t *Track) play(to []series.Piece, i int, blocks *Blocks, v *series.View) ([]series.Piece, error) {
	number := t.start + int32(i)
	var day *series.Day
	if blocks.open(t.Server, v) {
		d, err := t.day(i, v)
		if err != nil {
			return to, fmt.Errorf("license server %d, UTC day %d: %w", t.Server, number, err)
		}
		day = &d
	}
	state, first := t.stateAt(i), len(to)
	to = state.AppendDay(to, day, t.Pool, t.frame(series.DayStart(number), t.After))
	for n := first; n < len(to); n++ {
		t.own(&to[n])
	}
	return to, nil
}

// day decodes day number i. Of an ordinary one, the block may lack what the
// track has.
func (t *Track) day(i int, v *series.View) (series.Day, error) {
	f := t.facts[i]
	switch f.class() {
	case still:
		return series.Day{Number: v.Day()}, nil // nothing of it matters
	case general:
		return v.PoolOf(t.Pool)
	}
	place, ok := v.Find(t.Pool)
	at, _, atRead := v.Instants(nil, 0, series.DaySeconds)
	use, useRead := v.InUse(place, nil, len(at))
	if !ok || !place.Plain || !atRead || !useRead {
		return series.Day{}, errors.New("its block is not what its days were made of")
	}
	terms := t.terms[f.terms()]
	_, _, hold, _, _ := v.Readings()
	d := series.Day{Number: v.Day(), Pools: []series.PoolDay{{Pool: t.Pool}}}
	for k := range at {
		s := series.Sample{
			At: series.DayStart(v.Day()) + int64(at[k]), State: terms.State, InUse: license.Of(int64(use[k])),
			Installed: terms.Installed, Reserved: terms.Reserved, Overdraft: terms.Overdraft,
		}
		d.Rounds = append(d.Rounds, series.Round{At: s.At, Hold: hold})
		d.Pools[0].Samples = append(d.Pools[0].Samples, s)
	}
	return d, nil
}

// A player goes through the seconds of a sheet and empties what it has played.
type player struct {
	*sheet
	at    int32
	value int64
	event int
}

// player begins at the first second of the sheet.
func (s *sheet) player() player {
	slices.SortStableFunc(s.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return player{sheet: s, at: s.from, value: s.base}
}

// to goes on to a second of the day, and tells the account of all before it.
func (p *player) to(end int32, a *account) {
	for p.at < end {
		next, extra := p.next(end)
		a.stretch(&p.sum, int64(next-p.at))
		p.value += extra
		for w := p.at >> 6; w <= (next-1)>>6; w++ {
			for word := p.take(w, next); word != 0; word &= word - 1 {
				at := w<<6 + int32(bits.TrailingZeros64(word))
				if at > p.at {
					a.use(p.value, p.start+int64(p.at), int64(at-p.at))
					p.at = at
				}
				p.value += int64(p.change[at])
				p.change[at] = 0
			}
		}
		if next > p.at {
			a.use(p.value, p.start+int64(p.at), int64(next-p.at))
			p.at = next
		}
		p.value -= extra
		a.end(&p.sum)
	}
}

// next applies the events up to where the player is. It returns the second
// before which nothing changes but the use, at most end, and what comes to the
// use until then.
func (p *player) next(end int32) (next int32, extra int64) {
	for ; p.event < len(p.events) && p.events[p.event].at <= p.at; p.event++ {
		e := &p.events[p.event]
		extra += e.extra
		if e.old != nil {
			p.sum.replace(e.old, e.next)
		}
	}
	next = end
	if extra != 0 {
		next = min(next, p.at+1)
	}
	if p.event < len(p.events) {
		next = min(next, p.events[p.event].at)
	}
	return next, extra
}

// take takes those seconds of a word of touched that are not before the player
// and before end.
func (p *player) take(w, end int32) uint64 {
	word := p.touched[w]
	if word == 0 {
		return 0
	}
	mask := ^uint64(0)
	if w == p.at>>6 {
		mask <<= p.at & 63
	}
	if w == end>>6 {
		mask &= 1<<(end&63) - 1
	}
	p.touched[w] &^= mask
	return word & mask
}

// highestSoFar returns the highest use before a second of the day on a sheet that
// is not complete, and leaves all on it. The sheet has no events.
func (p *player) highestSoFar(end int32) (use int64) {
	value, from := p.value, p.at
	for w := p.at >> 6; w <= (end-1)>>6 && end > p.at; w++ {
		word := p.touched[w]
		if w == p.at>>6 {
			word &= ^uint64(0) << (p.at & 63)
		}
		if w == end>>6 {
			word &= 1<<(end&63) - 1
		}
		for ; word != 0; word &= word - 1 {
			at := w<<6 + int32(bits.TrailingZeros64(word))
			if at > from {
				use = max(use, value)
			}
			from = at
			value += int64(p.change[at])
		}
	}
	if end > from {
		use = max(use, value)
	}
	p.value, p.at = value, max(p.at, end)
	return use
}

// highest goes on to a second of the day and returns the highest use before it
// and the earliest second that has it; 0 and 0 where nothing is in use.
func (p *player) highest(end int32) (use, second int64) {
	for p.at < end {
		next, extra := p.next(end)
		value, from := p.value+extra, p.at
		for w := p.at >> 6; w <= (next-1)>>6; w++ {
			for word := p.take(w, next); word != 0; word &= word - 1 {
				at := w<<6 + int32(bits.TrailingZeros64(word))
				if value > use && at > from {
					use, second = value, p.start+int64(from)
				}
				from = at
				value += int64(p.change[at])
				p.change[at] = 0
			}
		}
		if value > use && next > from {
			use, second = value, p.start+int64(from)
		}
		p.value, p.at = value-extra, next
	}
	return use, second
}
