package insight

import (
	"slices"
	"sync"

	"headroom/internal/series"
)

// quarter is how many seconds a fine bound is for, and quarters how many there
// are in a day and in an hour.
const (
	quarter    = 900
	quarters   = series.DaySeconds / quarter
	ofAnHour   = 3600 / quarter
	fineMemory = quarters + 8 // bytes of a row
)

// A fine bounds the use of one pool of each license server in every quarter of an
// hour of a day. Its rows come of blocks that were decoded once, and so leave the
// next choice of servers fewer days to look into.
type fine struct {
	mu   sync.Mutex
	rows []fineRow // by the server's place in the blocks
}

// A fineRow says that the use in a quarter is at most low + above << shift.
type fineRow struct {
	known bool
	shift uint8
	low   int32
	above [quarters]uint8
}

// fineOf returns the fine bounds of pools with a number; they are empty at first.
func (b *Blocks) fineOf(pool series.PoolID) *fine {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.fine[pool]
	if f == nil {
		f = &fine{rows: make([]fineRow, len(b.servers))}
		if b.fine == nil {
			b.fine = make(map[series.PoolID]*fine)
		}
		b.fine[pool] = f
	}
	return f
}

// lookFine bounds the hours of a day from first to last by their quarters.
func (f *Filter) lookFine(from Reader, s *Scratch, d *day) error {
	d.fine = true
	blocks, err := from.Blocks(d.number)
	if err != nil {
		return err
	}
	var sum [quarters]int64
	for _, t := range f.tracks {
		if i := int(d.number - t.start); i >= 0 && i < len(t.facts) {
			if err := t.addFine(s, i, blocks, &sum); err != nil {
				return err
			}
		}
	}
	for h := range d.hours {
		if x := &d.hours[h]; x.at == 0 {
			x.found = min(x.found, slices.Max(sum[h*ofAnHour:(h+1)*ofAnHour]))
		}
	}
	return nil
}

// addFine adds the fine bounds of day number i of a track. Of a day that is not
// an ordinary one, its hours stand in.
func (t *Track) addFine(s *Scratch, i int, blocks *Blocks, sum *[quarters]int64) error {
	place, ok := slices.BinarySearch(blocks.servers, t.Server)
	if !ok || t.facts[i].class() != plain {
		high, shift := int64(t.highest[i]), t.facts[i].shift()
		for h, below := range &t.hours[i] {
			for q := h * ofAnHour; q < (h+1)*ofAnHour; q++ {
				sum[q] += high - int64(below)<<shift
			}
		}
		return nil
	}
	f := blocks.fineOf(t.Pool)
	f.mu.Lock()
	defer f.mu.Unlock()
	row := &f.rows[place]
	if !row.known {
		if err := s.sheet.makeFine(t, i, blocks, row); err != nil {
			return err
		}
	}
	low, shift := int64(row.low), row.shift
	for q, above := range &row.above {
		sum[q] += low + int64(above)<<shift
	}
	return nil
}

// makeFine makes a row of a plain day.
func (s *sheet) makeFine(t *Track, i int, blocks *Blocks, row *fineRow) error {
	s.begin(t.start+int32(i), Span{series.DayStart(t.start + int32(i)), series.DayStart(t.start + int32(i) + 1)}, true)
	if !s.counts(t, t.facts[i]) {
		*row = fineRow{known: true}
		return nil
	}
	use, ok := s.usesOf(t, blocks)
	if !ok {
		return s.missing(t)
	}
	_, _, hold, _, _ := s.view.Readings()
	var high [quarters]int32
	raise := func(from, to, value int32) {
		for q := from / quarter; q*quarter < min(to, series.DaySeconds); q++ {
			high[q] = max(high[q], value)
		}
	}
	value, begin, end := int32(t.carry[i]), int32(0), int32(t.facts[i].until())
	for k, at := range s.at {
		raise(begin, min(end, int32(at)), value)
		value, begin, end = int32(use[k]), int32(at), int32(at)+int32(hold)
	}
	raise(begin, end, value)
	row.set(&high)
	return nil
}

// set rounds the bounds of a row up to what it has room for.
func (r *fineRow) set(high *[quarters]int32) {
	*r = fineRow{known: true, low: slices.Min(high[:])}
	most := slices.Max(high[:]) - r.low
	for (most+1<<r.shift-1)>>r.shift > 255 {
		r.shift++
	}
	for q, v := range high {
		r.above[q] = uint8((v - r.low + 1<<r.shift - 1) >> r.shift)
	}
}
