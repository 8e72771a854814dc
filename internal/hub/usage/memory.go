package usage

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"headroom/internal/insight"
	"headroom/internal/series"
)

// A memory keeps what was read and computed: the pasts of organisations, the
// filters and the days of trends that were asked for lately. When it is full,
// what was used least recently goes first: blocks, which take most of it and are
// quickly read again, then trends and filters, then pasts; the past of the
// organisation that asks stays.
type memory struct {
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

// past returns the past of an organisation.
func (m *memory) past(org int64) *past {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.pasts[org]
	if p == nil {
		if m.pasts == nil {
			m.pasts = make(map[int64]*past)
		}
		m.changes++
		p = &past{changes: changes{now: m.changes, all: m.changes}}
		m.pasts[org] = p
	}
	m.clock++
	p.used = m.clock
	return p
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
// is near to it. It may end a little before the span does. Filters of days that
// have changed are dropped.
func (m *memory) takeFilter(e *estate, product string, span insight.Span, tracks []*insight.Track) *keptFilter {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.filters = slices.DeleteFunc(m.filters, func(f *keptFilter) bool {
		return f.org == e.org.ID && e.reader.changes.since(f.made, f.span)
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

// A trendKey names lines of a product.
type trendKey struct {
	org     int64
	product string
	lines   uint64
}

// A trend is what is kept of one trendKey.
type trend struct {
	used    int64 // the memory's clock when it was used last
	size    int64
	buckets map[insight.Span]kept
}

type kept struct {
	made   int64          // changes.now of the past
	bucket insight.Bucket // without its levels
	levels insight.PackedLevels
}

// buckets looks spans up. Missing are the indexes of those that have to be
// computed.
func (m *memory) buckets(e *estate, key trendKey, spans []insight.Span) (out []insight.Bucket, missing []int) {
	out = make([]insight.Bucket, len(spans))
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.trends[key]
	if t != nil {
		m.clock++
		t.used = m.clock
	}
	for i, s := range spans {
		if t != nil {
			if k, ok := t.buckets[s]; ok && !e.reader.changes.since(k.made, s) {
				out[i] = k.bucket
				out[i].Levels = k.levels.Levels()
				continue
			}
		}
		missing = append(missing, i)
	}
	return out, missing
}

// size is about what a kept bucket takes, its place in the map included.
func (k *kept) size() int64 { return 400 + int64(cap(k.levels)) }

// trendShare says which share of the memory trends may take: those of 1,000
// license servers take 40 kB a day.
const trendShare = 3

// keep keeps a bucket, and forgets the trends that were used least recently when
// they have their share of the limit.
func (m *memory) keep(e *estate, limit int64, key trendKey, b insight.Bucket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pasts[key.org] != e.reader.past {
		return // it was evicted meanwhile
	}
	t := m.trends[key]
	if t == nil {
		if m.trends == nil {
			m.trends = make(map[trendKey]*trend)
		}
		m.clock++
		t = &trend{used: m.clock, buckets: make(map[insight.Span]kept)}
		m.trends[key] = t
	}
	k := kept{made: e.reader.changes.now, bucket: b, levels: b.Levels.Pack()}
	k.bucket.Levels = nil
	if old, ok := t.buckets[b.Span]; ok {
		t.size -= old.size()
		m.size -= old.size()
	}
	t.buckets[b.Span] = k
	t.size += k.size()
	m.size += k.size()
	for m.size > cmp.Or(limit, DefaultMemory)/trendShare && len(m.trends) > 1 {
		m.forget()
	}
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
