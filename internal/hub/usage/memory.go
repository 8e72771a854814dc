package usage

import (
	"cmp"
	"context"
	"sync"

	"headroom/internal/insight"
)

// A memory keeps what was computed: for each server its list of days and its
// newest values, and for each product and choice of servers the buckets of
// local days. Each carries what it was computed from; where that has changed it
// does not count. A bucket stays valid while no block of its day or its reach
// changes, so an upload empties nothing but the days that it touches or that
// hang on them.
type memory struct {
	mu      sync.Mutex
	servers map[serverKey]*server
	trends  map[trendKey]*trend
	size    int64
	clock   int64
	busy    map[int64]chan struct{} // organisations whose days are being computed; closed when done
}

// enter waits until nobody computes days of the organisation, and returns the
// function that lets the next one in.
func (m *memory) enter(ctx context.Context, org int64) (done func(), err error) {
	for {
		m.mu.Lock()
		wait, busy := m.busy[org]
		if !busy {
			if m.busy == nil {
				m.busy = make(map[int64]chan struct{})
			}
			mine := make(chan struct{})
			m.busy[org] = mine
			m.mu.Unlock()
			return func() {
				m.mu.Lock()
				delete(m.busy, org)
				m.mu.Unlock()
				close(mine)
			}, nil
		}
		m.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

type serverKey struct{ org, server int64 }

// A trendKey names a product on chosen servers.
type trendKey struct {
	org     int64
	product string
	servers string
}

// A trend is what is kept of one trendKey.
type trend struct {
	used    int64 // the memory's clock when it was used last
	buckets map[insight.Span]kept
}

type kept struct {
	stamp  uint64
	bucket insight.Bucket
}

// defaultMemory is enough for the trends of about 400 products on one choice
// of servers over a year.
const defaultMemory = 64 << 20

// keptServers is how many servers' lists of days are kept at most.
const keptServers = 10_000

// keptSize is about what a kept bucket takes, its place in the map included.
const keptSize = 400

// server fills in what is kept of a server; false if it is not or has changed.
func (m *memory) server(org int64, s *server) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.servers[serverKey{org, s.ID}]
	if old == nil || old.version != s.version {
		return false
	}
	s.days, s.carries, s.latest = old.days, old.carries, old.latest
	return true
}

func (m *memory) keepServer(org int64, s *server) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.servers[serverKey{org, s.ID}]; old != nil {
		s.inherit(old)
	}
	if m.servers == nil || len(m.servers) >= keptServers {
		m.servers = make(map[serverKey]*server)
	}
	m.servers[serverKey{org, s.ID}] = s
}

// buckets looks spans up; found[i] is false where span i has to be computed.
func (m *memory) buckets(key trendKey, spans []insight.Span, stamps []uint64) (out []insight.Bucket, found []bool) {
	out, found = make([]insight.Bucket, len(spans)), make([]bool, len(spans))
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.trends[key]
	if t == nil {
		return out, found
	}
	m.clock++
	t.used = m.clock
	for i, s := range spans {
		if k, ok := t.buckets[s]; ok && k.stamp == stamps[i] {
			out[i], found[i] = k.bucket, true
		}
	}
	return out, found
}

// keep keeps a bucket, and forgets the trends that were used least recently
// when the limit in bytes is reached.
func (m *memory) keep(limit int64, key trendKey, stamp uint64, b insight.Bucket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.trends[key]
	if t == nil {
		if m.trends == nil {
			m.trends = make(map[trendKey]*trend)
		}
		m.clock++
		t = &trend{used: m.clock, buckets: make(map[insight.Span]kept)}
		m.trends[key] = t
	}
	if _, ok := t.buckets[b.Span]; !ok {
		m.size += keptSize
	}
	t.buckets[b.Span] = kept{stamp, b}
	for m.size > cmp.Or(limit, defaultMemory) && len(m.trends) > 1 {
		m.forget()
	}
}

// forget drops the trend that was used least recently.
func (m *memory) forget() {
	var oldest trendKey
	least := int64(-1)
	for key, t := range m.trends {
		if least < 0 || t.used < least {
			oldest, least = key, t.used
		}
	}
	m.size -= keptSize * int64(len(m.trends[oldest].buckets))
	delete(m.trends, oldest)
}

// A stamper makes stamps: numbers that change with what a bucket is computed
// from.
type stamper map[stampKey]uint64

type stampKey struct {
	server int64
	span   insight.Span
}

// of returns the stamp of the lines over a span.
func (m stamper) of(lines []line, s insight.Span) uint64 {
	h := newHash()
	for _, l := range lines {
		key := stampKey{l.server.ID, s}
		stamp, ok := m[key]
		if !ok {
			stamp = l.server.stamp(s)
			m[key] = stamp
		}
		h = h.add(stamp).add(uint64(l.pool.ID)).add(uint64(clip(l.pool.First, s)))
	}
	return uint64(h)
}

// stamp says what a span of the server's time is computed from: its blocks,
// those of its reach, and where they end. Where the reach is not known yet, the
// stamp is none that a bucket was kept with.
func (s *server) stamp(span insight.Span) uint64 {
	h := newHash().add(uint64(s.ID)).add(uint64(clip(s.upTo, span)))
	if s.upTo < span.To {
		h = h.add(uint64(s.after))
	}
	from, to := s.place(span)
	first, end := s.reach(from)
	if end == untold {
		h = h.add(uint64(end))
	}
	for _, d := range s.days[first:to] {
		h = h.add(uint64(d.Day)).add(uint64(d.Version))
	}
	return uint64(h)
}

func clip(at int64, s insight.Span) int64 { return min(max(at, s.From), s.To) }

// A hash is FNV-1a over 64-bit words, with the upper half folded in.
type hash uint64

func newHash() hash { return hash(14695981039346656037) }

func (h hash) add(x uint64) hash {
	h = (h ^ hash(x)) * 1099511628211
	return h ^ h>>32
}
