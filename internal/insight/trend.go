package insight

import (
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"headroom/internal/series"
)

// TrackTrend returns a bucket for each span, as TrendOf does of the pieces of
// the tracks. The spans are ascending and do not overlap; there may be holes
// between them. It plays every second of the spans, on as many processors as
// there are: the reader is asked by several goroutines.
func TrackTrend(from Reader, tracks []*Track, spans []Span) ([]Bucket, error) {
	return JoinedTrend(from, tracks, spans, func(int) bool { return false })
}

// JoinedTrend is TrackTrend where nobody asks for the levels of single spans. Joins
// says whether those of a span are wanted together with those of the span before
// it only: then any of the two may have them. It is asked by several goroutines.
func JoinedTrend(from Reader, tracks []*Track, spans []Span, joins func(i int) bool) ([]Bucket, error) {
	out := make([]Bucket, len(spans))
	if len(spans) == 0 {
		return out, nil
	}
	slow := slowDays(tracks, series.DayOf(spans[0].From), series.DayOf(spans[len(spans)-1].To-1))
	var g errgroup.Group
	n := min(runtime.GOMAXPROCS(0), (len(spans)+minPart-1)/minPart)
	for k := range n {
		lo, hi := k*len(spans)/n, (k+1)*len(spans)/n
		g.Go(func() error {
			t := trend{
				Scratch: new(Scratch), from: from, tracks: tracks, slow: slow, first: series.DayOf(spans[0].From),
				joins: joins, at: lo,
			}
			return t.fill(spans[lo:hi], out[lo:hi])
		})
	}
	return out, g.Wait()
}

// minPart is how many spans are worth a goroutine.
const minPart = 4

// slowDays says of each UTC day from first to last whether only the slow way
// counts it right: a maximum counts, a sum would be too high, or something is
// known after a silent server's newest record.
func slowDays(tracks []*Track, first, last int32) []bool {
	slow := make([]bool, last-first+1)
	high := make([]int64, len(slow))
	for _, t := range tracks {
		for number := max(first, t.start); number < min(last+1, t.End()); number++ {
			i := number - first
			high[i] += int64(t.highest[number-t.start])
			slow[i] = slow[i] || high[i] > maxUse || t.isOdd() || t.facts[number-t.start].bounded()
		}
	}
	return slow
}

// isSlow is slowDays of one day.
func isSlow(tracks []*Track, number int32) bool {
	high := int64(0)
	for _, t := range tracks {
		if number < t.start || number >= t.End() {
			continue
		}
		high += int64(t.highest[number-t.start])
		if high > maxUse || t.isOdd() || t.facts[number-t.start].bounded() {
			return true
		}
	}
	return false
}

// A trend is a part of a trend that is being computed.
type trend struct {
	*Scratch
	from   Reader
	tracks []*Track
	slow   []bool // per UTC day
	first  int32  // day of slow
	joins  func(i int) bool
	at     int       // number of the next span
	joined histogram // of the spans before it, as far as they are joined
}

// fill fills in the buckets of spans. Spans that touch each other are played
// in one go.
func (t *trend) fill(spans []Span, out []Bucket) error {
	for len(spans) > 0 {
		n := 1
		var err error
		if t.isSlow(spans[0]) {
			var lines []Line
			if lines, err = linesOf(t.from, t.tracks, spans[0]); err == nil {
				copy(out, TrendOf(lines, spans[:1]))
			}
			t.at++
		} else {
			for n < len(spans) && spans[n].From == spans[n-1].To && !t.isSlow(spans[n]) {
				n++
			}
			err = t.play(spans[:n], out[:n])
		}
		if err != nil {
			return err
		}
		spans, out = spans[n:], out[n:]
	}
	return nil
}

func (t *trend) isSlow(s Span) bool {
	return slices.Contains(t.slow[series.DayOf(s.From)-t.first:series.DayOf(s.To-1)-t.first+1], true)
}

// play fills in the buckets of spans that touch each other, UTC day by UTC day.
func (t *trend) play(spans []Span, out []Bucket) error {
	all := Span{spans[0].From, spans[len(spans)-1].To}
	t.account.begin(spans[0])
	for number := series.DayOf(all.From); len(spans) > 0; number++ {
		end := series.DayStart(number + 1)
		p, err := t.load(t.from, t.tracks, number, all, false)
		if err != nil {
			return err
		}
		for len(spans) > 0 && spans[0].From < end {
			p.to(int32(min(spans[0].To, end)-p.start), &t.account)
			if spans[0].To > end {
				break
			}
			out[0] = t.done(len(spans) == 1)
			if spans, out = spans[1:], out[1:]; len(spans) > 0 {
				t.account.begin(spans[0])
			}
		}
	}
	return nil
}

// done returns the bucket that was played. Last says that the next is not played
// together with it.
func (t *trend) done(last bool) Bucket {
	t.at++
	if more := !last && t.joins(t.at); more || t.joined.any() {
		return t.account.join(&t.joined, more)
	}
	return t.account.done()
}

// load adds tracks up on the sheet of a UTC day, as far as a span has it.
func (s *Scratch) load(from Reader, tracks []*Track, number int32, part Span, peakOnly bool) (player, error) {
	blocks, err := from.Blocks(number)
	if err != nil {
		return player{}, err
	}
	s.sheet.begin(number, part, peakOnly)
	for _, t := range tracks {
		if err := s.sheet.add(t, blocks); err != nil {
			s.sheet.clear()
			return player{}, err
		}
	}
	return s.sheet.player(), nil
}
