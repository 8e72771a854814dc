package insight

import (
	"slices"
	"sync"
	"sync/atomic"

	"headroom/internal/series"
)

// quarter is how many seconds a fine bound is for, and quarters how many there
// are in a day and in an hour.
const (
	quarter    = 900
	quarters   = series.DaySeconds / quarter
	ofAnHour   = 3600 / quarter
	fineMemory = quarters + 12 // bytes of a row
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
	known atomic.Bool
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

// A fineSum is the fine bounds of a day's tracks added up. Since it was, tracks
// may have come and gone.
type fineSum struct {
	quarters [quarters]int64
	steps    int // of the filter's, that are in it
}

// maxSteps is how many steps a filter remembers: more than anybody clicks.
const maxSteps = 1 << 14

// A step is a track that came to a filter or left it.
type step struct {
	track *Track
	sign  int64
}

// lookFine bounds the hours of a day by their quarters.
func (f *Filter) lookFine(from Reader, s *Scratch, d *day) error {
	blocks, err := from.Blocks(d.number)
	if err != nil {
		return err
	}
	a := &s.fine
	a.begin(blocks)
	if d.sum == nil || len(f.steps)-d.sum.steps >= len(f.tracks) {
		d.sum = new(fineSum)
		err = a.addAll(s, d, f.tracks)
	} else {
		err = a.addSteps(s, d, f.steps[d.sum.steps:])
	}
	if err != nil {
		return err
	}
	a.addTo(&d.sum.quarters)
	d.sum.steps, d.fine = len(f.steps), true
	for h := range d.hours {
		if x := &d.hours[h]; x.at == 0 {
			x.found = min(x.found, slices.Max(d.sum.quarters[h*ofAnHour:(h+1)*ofAnHour]))
		}
	}
	return nil
}

// A fineAdder adds the fine bounds of tracks on a day up.
type fineAdder struct {
	blocks *Blocks
	pool   series.PoolID
	of     *fine // the rows of the pool
	place  int   // of the server that was found last

	low   int64
	lanes [quarters / 8]lanes // what rows of one sign and one shift have above low
	rows  int                 // how many are in the lanes
	sign  int64
	shift uint8
	sum   [quarters]int64 // what is not in low and lanes
}

// begin makes the adder empty, for the rows of some blocks.
func (a *fineAdder) begin(blocks *Blocks) {
	*a = fineAdder{blocks: blocks, place: -1}
}

// addAll adds tracks.
func (a *fineAdder) addAll(s *Scratch, d *day, tracks []*Track) error {
	for _, t := range tracks {
		if err := a.add(s, d, step{t, 1}); err != nil {
			return err
		}
	}
	return nil
}

// addSteps adds tracks that came, and takes those away that left.
func (a *fineAdder) addSteps(s *Scratch, d *day, steps []step) error {
	for _, c := range steps {
		if err := a.add(s, d, c); err != nil {
			return err
		}
	}
	return nil
}

// add adds a track's day. Where it is not a plain one, its hours stand in.
func (a *fineAdder) add(s *Scratch, d *day, c step) error {
	t := c.track
	i := int(d.number - t.start)
	if i < 0 || i >= len(t.facts) {
		return nil
	}
	row := a.row(t)
	if row != nil && !row.known.Load() && t.facts[i].class() == plain {
		if err := a.of.make(s, t, i, a.blocks, row); err != nil {
			return err
		}
	}
	if row != nil && row.known.Load() {
		a.addRow(row, c.sign)
		return nil
	}
	high, shift := int64(t.highest[i]), t.facts[i].shift()
	for h, below := range &t.hours[i] {
		for q := h * ofAnHour; q < (h+1)*ofAnHour; q++ {
			a.sum[q] += c.sign * (high - int64(below)<<shift)
		}
	}
	return nil
}

// takeFrom takes what add added of a track's day away from the quarters of some
// hours.
func (a *fineAdder) takeFrom(quarters []int64, firstHour int, t *Track, d *day) {
	i := int(d.number - t.start)
	if i < 0 || i >= len(t.facts) {
		return
	}
	if row := a.row(t); row != nil && row.known.Load() {
		for q, above := range row.above[firstHour*ofAnHour:][:len(quarters)] {
			quarters[q] -= int64(row.low) + int64(above)<<row.shift
		}
		return
	}
	high, shift := int64(t.highest[i]), t.facts[i].shift()
	for q := range quarters {
		quarters[q] -= high - int64(t.hours[i][firstHour+q/ofAnHour])<<shift
	}
}

// row returns the row of a track; nil where its server has no block. Mostly it is
// soon after the one before.
func (a *fineAdder) row(t *Track) *fineRow {
	if a.of == nil || a.pool != t.Pool {
		a.of, a.pool = a.blocks.fineOf(t.Pool), t.Pool
	}
	var ok bool
	if a.place, ok = a.blocks.find(t.Server, a.place); !ok {
		return nil
	}
	return &a.of.rows[a.place]
}

// addRow adds a row to those before.
func (a *fineAdder) addRow(r *fineRow, sign int64) {
	if r.shift != a.shift || sign != a.sign || a.rows == laneRows {
		a.drain()
		a.shift, a.sign = r.shift, sign
	}
	a.low += sign * int64(r.low)
	a.rows++
	addRow(a.lanes[:], r.above[:])
}

func (a *fineAdder) drain() {
	drain(a.lanes[:], a.sign<<a.shift, a.sum[:])
	a.rows = 0
}

// addTo adds all to quarters.
func (a *fineAdder) addTo(sum *[quarters]int64) {
	a.drain()
	for q := range sum {
		sum[q] += a.low + a.sum[q]
	}
}

// make makes a row of a plain day, if nobody has.
func (f *fine) make(s *Scratch, t *Track, i int, blocks *Blocks, row *fineRow) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if row.known.Load() {
		return nil
	}
	high, err := s.sheet.quartersOf(t, i, blocks)
	if err == nil {
		row.set(&high)
		row.known.Store(true)
	}
	return err
}

// quartersOf returns the highest use of a plain day in each quarter.
func (s *sheet) quartersOf(t *Track, i int, blocks *Blocks) (high [quarters]int32, err error) {
	start := series.DayStart(t.start + int32(i))
	s.begin(t.start+int32(i), Span{start, start + series.DaySeconds}, true)
	if !s.counts(t, t.facts[i]) {
		return high, nil
	}
	use, ok := s.usesOf(t, blocks)
	if !ok {
		return high, s.missing(t)
	}
	_, _, hold, _, _ := s.view.Readings()
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
	return high, nil
}

// set rounds the bounds of a row up to what it has room for.
func (r *fineRow) set(high *[quarters]int32) {
	r.low = slices.Min(high[:])
	most := slices.Max(high[:]) - r.low
	for (most+1<<r.shift-1)>>r.shift > 255 {
		r.shift++
	}
	for q, v := range high {
		r.above[q] = uint8((v - r.low + 1<<r.shift - 1) >> r.shift)
	}
}
