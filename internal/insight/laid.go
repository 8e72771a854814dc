package insight

import (
	"cmp"
	"math/bits"
	"slices"
)

// A laid sheet is what the tracks of a filter added up to in some hours of a day,
// without a second that has anything extra. When few tracks come and go, they are
// added to it and taken from it, and the others' blocks are not decoded again.
type laid struct {
	hours
	base    int64 // use in the first second
	changes []change
	steps   int // of the filter's, that are in it
}

// Hours are some hours of a day that are looked into together.
type hours struct {
	part  Span
	first int     // the number of the first one
	ends  []int32 // second of the day in which each ends
}

// have says whether others are among the hours.
func (h *hours) have(others hours) bool {
	return h.first <= others.first && h.first+len(h.ends) >= others.first+len(others.ends)
}

// A change is what the sum changes by in a second of the day.
type change struct{ at, by int32 }

// keptSheets is how many days a filter keeps the sheets of between searches: as
// many as a click may bring to the top.
const keptSheets = 8

// lay writes down what is on the sheet, before it is played. It returns nil where
// there is more than changes of the use.
func (s *sheet) lay(h hours, steps int) *laid {
	if len(s.events) > 0 {
		return nil
	}
	n := 0
	for _, word := range s.touched[s.from>>6 : (s.to+63)>>6] {
		n += bits.OnesCount64(word)
	}
	l := &laid{hours: h, base: s.base, changes: make([]change, 0, n), steps: steps}
	for w := s.from >> 6; w < (s.to+63)>>6; w++ {
		for word := s.touched[w]; word != 0; word &= word - 1 {
			at := w<<6 + int32(bits.TrailingZeros64(word))
			l.changes = append(l.changes, change{at, s.change[at]})
		}
	}
	return l
}

// relay puts on an empty sheet what was laid down, with what came and went since.
func (s *sheet) relay(l *laid, day int32, steps []step, blocks *Blocks) error {
	s.begin(day, l.part, true)
	if err := s.addSteps(steps, -1, blocks); err != nil {
		return err
	}
	s.negate()
	s.base += l.base
	for _, c := range l.changes {
		s.change[c.at] += c.by
		s.touched[c.at>>6] |= 1 << (c.at & 63)
	}
	return s.addSteps(steps, 1, blocks)
}

// addSteps adds the tracks of the steps with a sign.
func (s *sheet) addSteps(steps []step, sign int64, blocks *Blocks) error {
	for _, c := range steps {
		if c.sign != sign {
			continue
		}
		if err := s.add(c.track, blocks); err != nil {
			return err
		}
	}
	return nil
}

// negate turns all on the sheet round.
func (s *sheet) negate() {
	s.base = -s.base
	for w, word := range s.touched {
		for ; word != 0; word &= word - 1 {
			at := w<<6 + bits.TrailingZeros64(word)
			s.change[at] = -s.change[at]
		}
	}
}

// relayed looks into hours of a day with what was laid down of them; false where
// that is not enough.
func (f *Filter) relayed(from Reader, s *Scratch, d *day, wanted hours) (ok bool, err error) {
	l := d.laid
	if l == nil || !l.have(wanted) || len(f.steps)-l.steps > len(f.tracks)/2 {
		return false, nil
	}
	blocks, err := from.Blocks(d.number)
	if err != nil {
		return false, err
	}
	if err := s.sheet.relay(l, d.number, f.steps[l.steps:], blocks); err != nil {
		s.sheet.clear()
		return false, err
	}
	if len(s.sheet.events) > 0 {
		s.sheet.clear()
		d.laid = nil
		return false, nil
	}
	d.laid = s.sheet.lay(l.hours, len(f.steps))
	d.play(s, l.hours)
	return true, nil
}

// dropSheets keeps those of the days with the highest sums.
func (f *Filter) dropSheets() {
	var all []*day
	for i := range f.days {
		if f.days[i].laid != nil {
			all = append(all, &f.days[i])
		}
	}
	if len(all) <= keptSheets {
		return
	}
	slices.SortFunc(all, func(a, b *day) int { return cmp.Compare(b.bound(), a.bound()) })
	for _, d := range all[keptSheets:] {
		d.laid = nil
	}
}
