package insight

import (
	"container/heap"
	"errors"
	"math"
	"sync"

	"golang.org/x/sync/errgroup"

	"headroom/internal/series"
)

// A search is looking for the highest sum: by several goroutines, which take
// from it the day that may be the highest of all, and look closer at it.
type search struct {
	mu   sync.Mutex
	days queue // those that may still have the highest sum
	sum  int64 // the highest that was found so far
	at   int64 // the earliest second in which it was; 0: none was found
}

// beats says whether a sum is higher than the highest found, or as high and
// earlier.
func (b *search) beats(sum, at int64) bool {
	return sum > b.sum || sum == b.sum && (b.at == 0 || at < b.at)
}

// A queue has the day with the highest bound at its top, the earliest of them
// on ties.
type queue []*day

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].key > q[j].key || q[i].key == q[j].key && q[i].number < q[j].number
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*day)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// search finds the peak on the days that the quick way counts right.
func (f *Filter) search(from Reader, than Peak, scratches []*Scratch) (Peak, error) {
	b := search{days: make(queue, 0, len(f.days))}
	if than.Known && than.Value > 0 {
		b.sum, b.at = than.Value, than.At
	}
	for i := range f.days {
		if d := &f.days[i]; !d.isSlow() {
			if d.key = d.bound(); d.key > 0 {
				b.days = append(b.days, d)
			}
			b.found(d)
		}
	}
	if f.lookAhead(len(scratches), b.sum) {
		for _, d := range b.days {
			d.key = d.bound()
		}
	}
	heap.Init(&b.days)
	if f.isLittle(b.mayBeatOf(b.days)) {
		scratches = scratches[:1]
	}
	var g errgroup.Group
	for _, s := range scratches[1:] {
		g.Go(func() error { return f.searchOn(from, s, &b) })
	}
	if err := errors.Join(f.searchOn(from, scratches[0], &b), g.Wait()); err != nil {
		return Peak{}, err
	}
	f.dropSheets()
	switch {
	case b.at == 0:
		return f.idle(from, scratches[0])
	case than.Known && b.at == than.At:
		return Peak{}, nil
	}
	return Peak{Known: true, Value: b.sum, Low: b.sum, At: b.at}, nil
}

// little is how many tracks on days are looked at without help: before another
// goroutine has woken up, half of them are done.
const little = 4000

// isLittle says whether days are not worth a second goroutine: a week, or what is
// left after a click.
func (f *Filter) isLittle(days int) bool { return days*len(f.tracks) <= little }

// mayBeatOf counts the days whose bounds may beat what was found.
func (b *search) mayBeatOf(days queue) (n int) {
	for _, d := range days {
		if d.key > 0 && d.key >= b.sum {
			n++
		}
	}
	return n
}

// found takes over what is known of the hours of a day.
func (b *search) found(d *day) {
	for i := range d.hours {
		if x := &d.hours[i]; x.at != 0 && b.beats(x.found, x.at) {
			b.sum, b.at = x.found, x.at
		}
	}
}

// searchOn looks closer at days until none can be the highest any more.
func (f *Filter) searchOn(from Reader, s *Scratch, b *search) error {
	for {
		b.mu.Lock()
		if len(b.days) == 0 || b.days[0].key == 0 || b.days[0].key < b.sum {
			b.mu.Unlock()
			return nil
		}
		d := heap.Pop(&b.days).(*day)
		hopeless := !b.mayBeat(d)
		b.mu.Unlock()
		if hopeless {
			continue
		}
		var err error
		switch {
		case d.hours == nil:
			f.lookAtHours(d)
		case !d.fine:
			err = f.lookFine(from, s, d)
		default:
			err = f.lookInto(from, s, d, b)
		}
		if err != nil {
			return err
		}
		b.mu.Lock()
		b.found(d)
		if d.key = d.open(b); d.key > 0 {
			heap.Push(&b.days, d)
		}
		b.mu.Unlock()
	}
}

// mayBeat says whether a day may have a sum that beats what was found by now. A pool
// that is used up has the same highest use on many days, of which only the first
// matters.
func (b *search) mayBeat(d *day) bool {
	if d.hours == nil {
		return b.beats(d.high, series.DayStart(d.number))
	}
	return d.open(b) > 0
}

// open returns the highest bound of those hours that may still beat what was
// found; 0 if there is none.
func (d *day) open(b *search) (high int64) {
	start := series.DayStart(d.number)
	for h := range d.hours {
		if x := &d.hours[h]; x.at == 0 && x.high() > high && b.beats(x.high(), start+int64(h)*3600) {
			high = x.high()
		}
	}
	return high
}

// bound returns what the sum of the day is no more than.
func (d *day) bound() int64 {
	if d.hours == nil {
		return d.high
	}
	high := int64(0)
	for i := range d.hours {
		high = max(high, d.hours[i].high())
	}
	return min(high, d.high)
}

// ahead is the share of the highest day's bound, in sixteenths, from which on a
// day's hours are bounded before anybody knows that it matters. The sum of many
// license servers is about two thirds of its bound.
const ahead = 9

// lookAhead bounds the hours of the days with high bounds, track by track: that is
// much quicker than day by day. Days that cannot reach what was found are left
// out. It reports whether there were any.
func (f *Filter) lookAhead(goroutines int, found int64) bool {
	high := int64(0)
	for i := range f.days {
		high = max(high, f.days[i].high)
	}
	var days []*day
	for i := range f.days {
		if d := &f.days[i]; d.hours == nil && !d.isSlow() && d.high >= max(1, found) && 16*d.high >= ahead*high {
			days = append(days, d)
		}
	}
	if f.isLittle(len(days)) {
		f.lookAtHours(days...)
		return len(days) > 0
	}
	var g sync.WaitGroup
	for k := range goroutines {
		g.Go(func() { f.lookAtHours(days[k*len(days)/goroutines : (k+1)*len(days)/goroutines]...) })
	}
	g.Wait()
	return true
}

// lookAtHours bounds the hours of days, which ascend.
func (f *Filter) lookAtHours(days ...*day) {
	if len(days) == 0 {
		return
	}
	sums := make([]hourSum, len(days))
	for _, t := range f.tracks {
		for k, d := range days {
			if i := int(d.number - t.start); i >= 0 && i < len(t.facts) {
				sums[k].add(t, i)
			}
		}
	}
	for k, d := range days {
		d.hours = make([]hour, 24)
		sums[k].drain()
		start := series.DayStart(d.number)
		for h := range d.hours {
			x := &d.hours[h]
			x.bound, x.found = sums[k].high+sums[k].sum[h], math.MaxInt64
			if at := start + int64(h)*3600; at >= d.part.To || at+3600 <= d.part.From {
				x.found = 0
			}
		}
	}
}

// An hourSum adds up the highest use of tracks in the hours of a day.
type hourSum struct {
	high  int64
	lanes [24 / 8]lanes // how far rows of one shift are below high
	rows  int           // how many are in the lanes
	shift uint8
	sum   [24]int64 // what is not in high and lanes
}

// add adds day number i of a track.
func (a *hourSum) add(t *Track, i int) {
	if shift := t.facts[i].shift(); shift != a.shift || a.rows == laneRows {
		a.drain()
		a.shift = shift
	}
	a.high += int64(t.highest[i])
	a.rows++
	addRow(a.lanes[:], t.hours[i][:])
}

func (a *hourSum) drain() {
	drain(a.lanes[:], -1<<a.shift, a.sum[:])
	a.rows = 0
}

// worthwhile is the share of the highest bound, in sixteenths, that an hour has at
// least to be looked into together with the hour that has it.
const worthwhile = 15

// lookInto finds the highest sum of those hours of a day that have its highest
// bounds, as far as it may beat what was found.
func (f *Filter) lookInto(from Reader, s *Scratch, d *day, b *search) error {
	high, ok := d.worthwhile(b)
	if !ok {
		return nil
	}
	if high.part.From >= high.part.To { // hours that the span does not have
		for i := range high.ends {
			d.hours[high.first+i].found = 0
		}
		return nil
	}
	if ok, err := f.relayed(from, s, d, high); ok || err != nil {
		return err
	}
	hopeless, err := f.add(from, s, d, high, b)
	if err != nil {
		return err
	}
	if hopeless {
		s.sheet.clear()
		return nil
	}
	d.laid = s.sheet.lay(high, len(f.steps))
	d.play(s, high)
	return nil
}

// worthwhile returns the hours that are looked into together; false if there are
// none that may beat what was found.
func (d *day) worthwhile(b *search) (out hours, ok bool) {
	start := series.DayStart(d.number)
	first, last := 24, -1
	b.mu.Lock()
	high := d.open(b)
	for h := range d.hours {
		x := &d.hours[h]
		if x.at == 0 && 16*x.high() >= worthwhile*high && b.beats(x.high(), start+int64(h)*3600) {
			first, last = min(first, h), h
		}
	}
	b.mu.Unlock()
	if last < 0 {
		return out, false
	}
	out.first = first
	out.part = Span{max(d.part.From, start+int64(first)*3600), min(d.part.To, start+int64(last+1)*3600)}
	for h := first; h <= last; h++ {
		out.ends = append(out.ends, int32(min(start+int64(h+1)*3600, out.part.To)-start))
	}
	return out, true
}

// play finds the highest sums of the hours that are on the sheet.
func (d *day) play(s *Scratch, h hours) {
	p := s.sheet.player()
	for i, end := range h.ends {
		x := &d.hours[h.first+i]
		x.found, x.at = p.highest(end)
	}
}

// checks is how often it is checked on the way whether a day has any hope left.
const checks = 8

// add adds all tracks up on the sheet. It stops when what was added, and the
// bounds of the rest, cannot beat what was found any more: then it is hopeless,
// and the bounds of the hours are lower. The day has its sums of quarters.
func (f *Filter) add(from Reader, s *Scratch, d *day, looked hours, b *search) (hopeless bool, err error) {
	blocks, err := from.Blocks(d.number)
	if err != nil {
		return false, err
	}
	s.sheet.begin(d.number, looked.part, true)
	s.fine.begin(blocks)
	s.rest = d.sum.quarters
	rest := s.rest[looked.first*ofAnHour : (looked.first+len(looked.ends))*ofAnHour]
	every := len(f.tracks)/checks + 1
	for n, t := range f.tracks {
		if err := s.sheet.add(t, blocks); err != nil {
			s.sheet.clear()
			return false, err
		}
		s.fine.takeFrom(rest, looked.first, t, d)
		if n%every == every-1 && f.isHopeless(s, d, looked, rest, b) {
			return true, nil
		}
	}
	return false, nil
}

// isHopeless lowers the bounds of hours to what was added and the bounds of the
// rest, which are of their quarters, and says whether none of them can beat what
// was found.
func (f *Filter) isHopeless(s *Scratch, d *day, looked hours, rest []int64, b *search) bool {
	if len(s.sheet.events) > 0 {
		return false // single seconds may be higher than highestSoFar tells
	}
	start := series.DayStart(d.number)
	hopeless := true
	b.mu.Lock()
	defer b.mu.Unlock()
	all := d.sum.quarters[looked.first*ofAnHour:]
	for q := range rest {
		if (7*all[q]+rest[q])/8 > b.sum {
			return false // what was added had to be less than seven eighths of its bound
		}
	}
	p := s.sheet.player()
	for k, end := range looked.ends {
		high := int64(0)
		for q := k * ofAnHour; q < (k+1)*ofAnHour; q++ {
			if until := min(int32(looked.first*ofAnHour+q+1)*quarter, end); until > p.at {
				high = max(high, p.highestSoFar(until)+rest[q])
			}
		}
		x := &d.hours[looked.first+k]
		x.found = min(x.found, high)
		hopeless = hopeless && !b.beats(x.high(), start+int64(looked.first+k)*3600)
	}
	return hopeless
}
