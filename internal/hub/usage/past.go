package usage

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/insight"
	"headroom/internal/series"
)

// A past is what is held in memory of an organisation's history: for each pool
// of the products that were asked for a track (insight.Track), and the blocks of
// days that were asked for lately. It follows the store: before a question is
// answered the tracks that it is the first to need are made, and of the others
// the days that have changed, in one state of the database, and so several hub
// processes agree.
type past struct {
	// sync is held by whoever compares the past with the store. Tracks are
	// changed under lock and read under its read lock.
	sync sync.Mutex
	lock sync.RWMutex

	mark    Mark
	servers map[int64]*serverPast
	changes changes
	echoes  echoes
	asked   map[string]bool // by key: the products that were asked for

	overrides catalog.Overrides

	// What was read last, while the stamp stays the same; under sync.
	stamp   Stamp
	read    time.Time
	records []Record
	pools   map[int64][]Pool
	estate  *estate

	used   int64        // the memory's clock when it was used last
	size   atomic.Int64 // of the tracks in bytes, about
	blocks blockShelf
}

// held returns about how many bytes of memory the past takes.
func (p *past) held() int64 { return p.size.Load() + p.blocks.bytes() }

// A serverPast is the past of a license server.
type serverPast struct {
	upTo   int64 // instant of its newest record
	after  series.Kind
	pools  []Pool                   // all that it had when its blocks were read last
	days   []dayVersion             // ascending
	tracks []*insight.Track         // of the pools of products that were asked for, ascending
	latest map[series.PoolID]latest // of all pools
}

// A dayVersion says which content of a day the past was made of.
type dayVersion struct {
	day     int32
	version int64
}

// track returns the track of a pool; nil if nobody has asked for it.
func (s *serverPast) track(pool series.PoolID) *insight.Track {
	i, ok := slices.BinarySearchFunc(s.tracks, pool, func(t *insight.Track, id series.PoolID) int { return int(t.Pool - id) })
	if !ok {
		return nil
	}
	return s.tracks[i]
}

// version returns the version of a day that the past was made of, 0 if there
// was none.
func (s *serverPast) version(day int32) int64 {
	i, ok := s.place(day)
	if !ok {
		return 0
	}
	return s.days[i].version
}

func (s *serverPast) place(day int32) (int, bool) {
	return slices.BinarySearchFunc(s.days, day, func(d dayVersion, n int32) int { return int(d.day) - int(n) })
}

func (s *serverPast) setVersion(day int32, version int64) {
	i, ok := s.place(day)
	if !ok {
		s.days = slices.Insert(s.days, i, dayVersion{day: day})
	}
	s.days[i].version = version
}

// changes remember when something of a UTC day changed, so that what was
// computed of other days is still good.
type changes struct {
	now   int64 // the number of the last change
	all   int64 // when all days changed
	first int32
	days  []int64
	after int64 // when those behind days changed
}

// note notes that days from <= day <= to have changed.
func (c *changes) note(from, to int32) {
	if len(c.days) == 0 {
		c.first = from
	}
	if n := int(c.first - from); n > 0 {
		c.days = slices.Concat(make([]int64, n), c.days)
		c.first = from
	}
	for range int(to-c.first) + 1 - len(c.days) {
		c.days = append(c.days, c.after)
	}
	for day := from; day <= to; day++ {
		c.days[day-c.first] = c.now
	}
}

// noteFrom notes that all days from one on have changed.
func (c *changes) noteFrom(day int32) {
	c.note(day, max(day, c.first+int32(len(c.days))-1))
	c.after = c.now
}

// of returns when something of a day changed last.
func (c *changes) of(day int32) int64 {
	switch {
	case day < c.first:
		return c.all
	case day-c.first < int32(len(c.days)):
		return max(c.all, c.days[day-c.first])
	}
	return max(c.all, c.after)
}

// since says whether something of a span has changed after a time.
func (c *changes) since(at int64, s insight.Span) bool {
	if c.all > at || c.after > at && series.DayOf(s.To-1) >= c.first+int32(len(c.days)) {
		return true
	}
	from, to := max(series.DayOf(s.From), c.first), min(series.DayOf(s.To-1), c.first+int32(len(c.days))-1)
	for day := from; day <= to; day++ {
		if c.days[day-c.first] > at {
			return true
		}
	}
	return false
}
