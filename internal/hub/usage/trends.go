package usage

import (
	"cmp"
	"slices"
	"time"

	"headroom/internal/insight"
)

// trend returns the buckets of the local days of a span. Whole days are kept
// until something in them changes. Of a calendar month that the span has whole,
// the first day has the levels of all, and the others have none: a month's take
// no more memory than a day's, and what is joined of them is the same.
func (s *Service) trend(e *estate, product string, lines []*line, from, to int64) ([]insight.Bucket, error) {
	t := asked{
		key: trendKey{e.org.ID, product, identity(tracksOf(lines))}, reader: e.reader,
		days: insight.Days(time.Unix(from, 0), time.Unix(to, 0), e.org.Zone),
	}
	t.months = e.wholeMonths(from, to, t.days)
	out, missing := s.memory.recall(&t)
	if len(missing) > 0 {
		wanted := make([]insight.Span, len(missing))
		for i, k := range missing {
			wanted[i] = t.days[k]
		}
		e.reader.blocks.drawFor(product)
		month := t.monthOf()
		computed, err := insight.JoinedTrend(e.reader, tracksOf(lines), wanted, func(i int) bool {
			of := month[missing[i]]
			return of != 0 && of == month[missing[i-1]]
		})
		if err != nil {
			return nil, err
		}
		for i, k := range missing {
			out[k] = computed[i]
		}
		// Only the first and the last day can be cut.
		cut := func(k int) bool {
			return k == 0 && e.dayStart(t.days[k].From) != t.days[k].From || k == len(t.days)-1 && e.dayStart(t.days[k].To) != t.days[k].To
		}
		s.memory.keep(s.Memory, &t, out, slices.DeleteFunc(missing, cut))
	}
	return out, nil
}

// dayLevels takes the levels away from the days of a trend: they are not of one
// day each.
func dayLevels(days []insight.Bucket) []insight.Bucket {
	for i := range days {
		days[i].Levels = nil
	}
	return days
}

// A trendKey names lines of a product.
type trendKey struct {
	org     int64
	product string
	lines   uint64
}

// A trend is what is kept of one trendKey.
type trend struct {
	used   int64 // the memory's clock when it was used last
	size   int64
	days   map[insight.Span]keptDay
	months map[insight.Span]keptLevels
}

// A keptDay is a day of a trend.
type keptDay struct {
	bucket insight.Bucket // without its levels
	keptLevels
}

// keptLevels are those of a day or a month.
type keptLevels struct {
	made   int64 // changes.now of the past; 0: they are those of a month
	levels insight.PackedLevels
}

// asked is a trend that is wanted.
type asked struct {
	key    trendKey
	reader reader
	days   []insight.Span
	months []wholeMonth
}

// A wholeMonth is a calendar month of which a span has all days.
type wholeMonth struct {
	insight.Span
	first, end int // its days are first <= i < end
}

// wholeMonths lists the months of which all days are among some.
func (e *estate) wholeMonths(from, to int64, days []insight.Span) (out []wholeMonth) {
	k := 0
	for _, m := range insight.Months(time.Unix(from, 0), time.Unix(to, 0), e.org.Zone) {
		first := k
		for k < len(days) && days[k].To <= m.To {
			k++
		}
		begins := func(at int64) bool { return insight.MonthStart(time.Unix(at, 0), e.org.Zone).Unix() == at }
		if begins(m.From) && begins(m.To) {
			out = append(out, wholeMonth{m, first, k})
		}
	}
	return out
}

// monthOf returns the number of the whole month of each day, from 1 on; 0 where
// there is none.
func (a *asked) monthOf() []int {
	out := make([]int, len(a.days))
	for n, m := range a.months {
		for i := m.first; i < m.end; i++ {
			out[i] = n + 1
		}
	}
	return out
}

// recall looks a trend up. Missing are the indexes of the days that have to be
// computed, with their levels.
func (m *memory) recall(a *asked) (out []insight.Bucket, missing []int) {
	out = make([]insight.Bucket, len(a.days))
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.trends[a.key]
	if t == nil {
		for i := range a.days {
			missing = append(missing, i)
		}
		return out, missing
	}
	m.clock++
	t.used = m.clock
	levelled := make([]bool, len(a.days)) // the levels of their month are there
	for _, month := range a.months {
		k, ok := t.months[month.Span]
		if !ok || a.reader.changes.since(k.made, month.Span) {
			continue
		}
		out[month.first].Levels = k.levels.Levels()
		for i := month.first; i < month.end; i++ {
			levelled[i] = true
		}
	}
	for i, s := range a.days {
		k, ok := t.days[s]
		switch {
		case ok && levelled[i]:
			k.bucket.Levels = out[i].Levels
			out[i] = k.bucket
		case ok && k.made > 0 && !a.reader.changes.since(k.made, s):
			out[i] = k.bucket
			out[i].Levels = k.levels.Levels()
		default:
			missing = append(missing, i)
		}
	}
	return out, missing
}

// trendShare says which share of the memory trends may take.
const trendShare = 6

// keep keeps the days of a trend that were computed, and the levels of its
// months. It forgets the trends that were used least recently when they have
// their share of the limit.
func (m *memory) keep(limit int64, a *asked, days []insight.Bucket, computed []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pasts[a.key.org] != a.reader.past {
		return // it was evicted meanwhile
	}
	t := m.trends[a.key]
	if t == nil {
		if m.trends == nil {
			m.trends = make(map[trendKey]*trend)
		}
		m.clock++
		t = &trend{used: m.clock, days: make(map[insight.Span]keptDay), months: make(map[insight.Span]keptLevels)}
		m.trends[a.key] = t
	}
	m.size -= t.size
	t.keep(a, days, computed)
	m.size += t.size
	for m.size > cmp.Or(limit, DefaultMemory)/trendShare && len(m.trends) > 1 {
		m.forget()
	}
}

func (t *trend) keep(a *asked, days []insight.Bucket, computed []int) {
	now := a.reader.changes.now
	inMonth := make([]bool, len(days))
	for _, month := range a.months {
		of := days[month.first:month.end]
		for i := range of {
			inMonth[month.first+i] = true
		}
		i, ok := slices.BinarySearch(computed, month.first)
		if !ok && (i == len(computed) || computed[i] >= month.end) {
			continue // all of it was there
		}
		levels := insight.Join(of).Levels
		dayLevels(of)
		of[0].Levels = levels
		t.putMonth(month.Span, keptLevels{now, levels.Pack()})
		for i := range of {
			t.putDay(a.days[month.first+i], of[i], keptLevels{})
		}
	}
	for _, i := range computed {
		if !inMonth[i] {
			t.putDay(a.days[i], days[i], keptLevels{now, days[i].Levels.Pack()})
		}
	}
}

// What a kept day takes beside its levels, its place in the map included.
const keptDaySize = 400

func (t *trend) putDay(s insight.Span, b insight.Bucket, l keptLevels) {
	if old, ok := t.days[s]; ok {
		t.size -= keptDaySize + int64(cap(old.levels))
	}
	b.Levels = nil
	t.days[s] = keptDay{b, l}
	t.size += keptDaySize + int64(cap(l.levels))
}

func (t *trend) putMonth(s insight.Span, l keptLevels) {
	t.size += int64(cap(l.levels)) - int64(cap(t.months[s].levels))
	t.months[s] = l
}

// forget drops the trend that was used least recently and returns its size.
func (m *memory) forget() int64 {
	var oldest trendKey
	least := int64(-1)
	for key, t := range m.trends {
		if least < 0 || t.used < least {
			oldest, least = key, t.used
		}
	}
	size := m.trends[oldest].size
	m.size -= size
	delete(m.trends, oldest)
	return size
}
