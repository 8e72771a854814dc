package usage

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"headroom/internal/insight"
	"headroom/internal/series"
)

// A memory keeps what was read and computed: the pasts of organisations, the
// filters and the days of trends that were asked for lately. When it is full,
// what was used least recently goes first: blocks, which take most of it and are
// quickly read again, then trends and filters, then pasts; the past of the
// organisation that asks stays.
type memory struct {
	asked   atomic.Int64 // questions that found nothing new
	mu      sync.Mutex
	clock   int64
	changes int64 // of all pasts: no number stands for two, so that what an old past left is not taken for new
	pasts   map[int64]*past
	filters []*keptFilter // by the time of their last use
	trends  map[trendKey]*trend
	owns    map[ownKey]ownFigure
	size    int64 // of the trends
	free    []*insight.Scratch
}

// DefaultMemory is enough for 500 license servers with six pools each over 400
// days.
const DefaultMemory = 176 << 20

// past returns the past of an organisation. A new one draws in its share of a
// limit.
func (m *memory) past(org, limit int64) *past {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.pasts[org]
	if p == nil {
		if m.pasts == nil {
			m.pasts = make(map[int64]*past)
		}
		m.changes++
		p = &past{changes: changes{now: m.changes, all: m.changes}}
		p.blocks.room = insight.NewRoom(cmp.Or(limit, DefaultMemory) / drawnShare)
		m.pasts[org] = p
	}
	m.clock++
	p.used = m.clock
	return p
}

// Held returns about how many bytes of memory history and answers take.
func (s *Service) Held() int64 {
	m := &s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.size
	for _, p := range m.pasts {
		all += p.held()
	}
	for _, f := range m.filters {
		all += f.size
	}
	return all
}

// shrink gives memory back until no more than a limit is in use.
func (m *memory) shrink(limit int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	limit = cmp.Or(limit, DefaultMemory)
	var newest *past
	all := m.size
	for _, p := range m.pasts {
		all += p.held()
		if newest == nil || p.used > newest.used {
			newest = p
		}
	}
	for _, f := range m.filters {
		all += f.size
	}
	if all <= limit {
		return
	}
	over := m.shrinkBlocks(all-limit, limit/blockShare)
	for over > 0 && len(m.trends) > 1 {
		over -= m.forget()
	}
	for over > 0 && len(m.filters) > 1 {
		over -= m.filters[0].size
		m.filters = slices.Delete(m.filters, 0, 1)
	}
	over = m.shrinkBlocks(over, 0)
	for _, org := range m.oldest() {
		if p := m.pasts[org]; over > 0 && p != newest {
			over -= p.held()
			m.evict(org)
		}
	}
}

// blockShare says which share of the memory is left to blocks, before trends and
// filters have to go for them.
const blockShare = 8

// shrinkBlocks drops blocks that were used least recently until so many bytes are
// free that had to be, or no more than a floor of them is left. It returns how
// many still have to be.
func (m *memory) shrinkBlocks(over, floor int64) int64 {
	spare := -floor
	for _, p := range m.pasts {
		spare += p.blocks.bytes()
	}
	for _, org := range m.oldest() {
		if n := min(over, spare); n > 0 {
			freed := m.pasts[org].blocks.shrinkBy(n)
			over, spare = over-freed, spare-freed
		}
	}
	return over
}

// oldest lists the organisations by the last use of their pasts.
func (m *memory) oldest() []int64 {
	return slices.SortedFunc(maps.Keys(m.pasts), func(a, b int64) int { return cmp.Compare(m.pasts[a].used, m.pasts[b].used) })
}

// evict drops a past and all that was computed of it.
func (m *memory) evict(org int64) {
	delete(m.pasts, org)
	m.filters = slices.DeleteFunc(m.filters, func(f *keptFilter) bool { return f.org == org })
	for key, t := range m.trends {
		if key.org == org {
			m.size -= t.size
			delete(m.trends, key)
		}
	}
	maps.DeleteFunc(m.owns, func(key ownKey, _ ownFigure) bool { return key.org == org })
}

// drawnShare says which share of the memory the drawn days of an organisation may
// take.
const drawnShare = 4

// change returns the number of a change.
func (m *memory) change() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	return m.changes
}

// scratches lends memory for an answer, for so many goroutines.
func (m *memory) scratches(n int) []*insight.Scratch {
	m.mu.Lock()
	defer m.mu.Unlock()
	lent := min(n, len(m.free))
	out := slices.Clone(m.free[len(m.free)-lent:])
	m.free = m.free[:len(m.free)-lent]
	for len(out) < n {
		out = append(out, new(insight.Scratch))
	}
	return out
}

// freeScratches is how many are kept.
const freeScratches = 8

func (m *memory) giveBack(s []*insight.Scratch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, s[:min(len(s), freeScratches-len(m.free))]...)
}

// A keptFilter is a filter over closed days and the tracks that it has.
type keptFilter struct {
	org     int64
	product string
	span    insight.Span
	made    int64 // changes.now of the past
	filter  *insight.Filter
	tracks  []*insight.Track
	size    int64
}

// keptFilters is how many filters are kept at most, and nearFilters how many of
// them are looked at to find one that is near.
const (
	keptFilters = 8
	nearFilters = 4
)

// lag is by how much what is kept of closed days may end before they do: a day is
// closed at every midnight, and years are not searched again for it.
const lag = 7 * series.DaySeconds

// servesFor says whether what was found of a span of closed days is of use for
// another, together with what is behind it.
func servesFor(kept, wanted insight.Span) bool {
	return kept.From == wanted.From && kept.To <= wanted.To && wanted.To-kept.To <= lag
}

// takeFilter takes the filter whose choice differs least from one; nil if none
// is near to it. It may end a little before the span does, and days of it may have
// changed since it was made. Where all days have, filters are dropped.
func (m *memory) takeFilter(e *estate, product string, span insight.Span, tracks []*insight.Track) *keptFilter {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.filters = slices.DeleteFunc(m.filters, func(f *keptFilter) bool {
		return f.org == e.org.ID && e.reader.changes.all > f.made
	})
	chosen := make(map[*insight.Track]bool, len(tracks))
	for _, t := range tracks {
		chosen[t] = true
	}
	best, least, seen := -1, len(tracks)/8+1, 0
	for i, f := range slices.Backward(m.filters) {
		if f.org != e.org.ID || f.product != product || !servesFor(f.span, span) {
			continue
		}
		if seen++; seen > nearFilters {
			break
		}
		both := 0
		for _, t := range f.tracks {
			if chosen[t] {
				both++
			}
		}
		if n := len(f.tracks) + len(tracks) - 2*both; n < least || n == 0 {
			best, least = i, n
		}
	}
	if best < 0 {
		return nil
	}
	f := m.filters[best]
	m.filters = slices.Delete(m.filters, best, best+1)
	return f
}

// keepFilter keeps a filter that nobody uses.
func (m *memory) keepFilter(e *estate, f *keptFilter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pasts[f.org] != e.reader.past {
		return // it was evicted meanwhile
	}
	f.size = f.filter.Size() + 8*int64(cap(f.tracks))
	if len(m.filters) >= keptFilters {
		m.filters = slices.Delete(m.filters, 0, 1)
	}
	m.filters = append(m.filters, f)
}
