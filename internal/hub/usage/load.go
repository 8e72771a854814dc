package usage

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"headroom/internal/insight"
	"headroom/internal/series"
)

// roomDays is for how many days to come a track gets room when it is loaded.
const roomDays = 16

// loadDays is how many days of heads are read at a time while servers are loaded.
const loadDays = 16

// A headPart is the heads of some days, and what they are made of. It is used
// again for later days.
type headPart struct {
	heads []Head
	bytes []byte
}

// A loading is a server that gets tracks: all that it is to have if the server
// is new here, else those that it lacks.
type loading struct {
	*serverPast
	isNew  bool
	tracks []*insight.Track
}

// load makes the pasts of servers from their first day on, and the tracks that
// others lack.
func (y *syncer) load(records []Record) error {
	if y.servers == nil {
		y.servers = make(map[int64]*serverPast)
	}
	loads := make(map[int64]*loading)
	for _, r := range records {
		s := &serverPast{pools: y.pools[r.ID]}
		s.upTo, s.after = standing(r, y.e)
		y.servers[r.ID] = s
		loads[r.ID] = &loading{serverPast: s, isNew: true}
	}
	for _, r := range y.records {
		s := y.servers[r.ID]
		pools := s.lacking(y.wanted[r.ID])
		if len(pools) == 0 {
			continue
		}
		if loads[r.ID] == nil {
			loads[r.ID] = &loading{serverPast: s}
		}
		loads[r.ID].tracks = y.addTracks(s, pools)
	}
	if len(loads) == 0 {
		return nil
	}
	if len(records) > 0 {
		y.blocks.clear() // they may lack these servers
		y.changes.all = y.changes.now
	}
	if err := y.loadAll(loads); err != nil {
		return err
	}
	for id, l := range loads {
		if err := y.finishLoading(id, l); err != nil {
			return fmt.Errorf("license server %d: %w", id, err)
		}
	}
	return nil
}

// addTracks adds tracks without days to a past, and returns them, ascending as
// the pools are.
func (y *syncer) addTracks(s *serverPast, pools []Pool) []*insight.Track {
	added := make([]*insight.Track, 0, len(pools))
	for _, p := range pools {
		t := &insight.Track{Server: p.Server, Pool: p.ID, First: p.First, UpTo: s.upTo, After: s.after}
		t.Expect(series.DayOf(y.e.now.Unix()) + roomDays)
		added = append(added, t)
	}
	s.tracks = append(s.tracks, added...)
	slices.SortFunc(s.tracks, func(a, b *insight.Track) int { return int(a.Pool - b.Pool) })
	return added
}

// finishLoading ends the growth of a server's new tracks.
func (y *syncer) finishLoading(id int64, l *loading) error {
	for _, t := range l.tracks {
		if err := t.Finish(); err != nil {
			return err
		}
	}
	if l.isNew {
		return y.readLatest(id, l.serverPast)
	}
	return nil
}

// loadAll makes new tracks longer by all their days. While the days of one part
// are made, the heads of the next are read.
func (y *syncer) loadAll(loads map[int64]*loading) error {
	since := Mark{Servers: maps.Clone(y.mark.Servers)}
	if since.Servers == nil {
		since.Servers = make(map[int64]int64)
	}
	// Agents may be ahead of this clock by a day.
	last := series.DayOf(y.e.now.Unix()) + 2
	first, anyNew := last, false
	for id, l := range loads {
		delete(since.Servers, id)
		anyNew = anyNew || l.isNew
		for _, t := range l.tracks {
			first = min(first, series.DayOf(t.First))
		}
	}
	from, to := first, first+loadDays
	if anyNew { // a block may be older than every pool: of readings that had none
		from, to = math.MinInt32, first
	}
	parts, free := make(chan *headPart), make(chan *headPart, 2)
	for range cap(free) {
		free <- new(headPart)
	}
	g, ctx := errgroup.WithContext(y.ctx)
	g.Go(func() error {
		defer close(parts)
		for ; from <= last; from, to = to, to+loadDays {
			if to > last {
				to = math.MaxInt32
			}
			part := <-free
			if err := y.readHeads(part, from, to, since, loads); err != nil {
				return err
			}
			select {
			case parts <- part:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	g.Go(func() error {
		for part := range parts {
			if err := y.loadHeads(part.heads, loads); err != nil {
				return err
			}
			free <- part
			y.drop()
		}
		return nil
	})
	return g.Wait()
}

// drop forgets the blocks that were read so far: a load may look into all days.
// What was lean of them may not be enough any more.
func (y *syncer) drop() {
	y.reading.Lock()
	defer y.reading.Unlock()
	for day := range y.full {
		y.blocks.drop(day)
	}
	y.full = nil
}

// readHeads reads the heads of some days, of servers that are being loaded. All
// of them are read before any is looked at: a day that is not an ordinary one
// takes another look into the store.
func (y *syncer) readHeads(to *headPart, first, end int32, since Mark, loads map[int64]*loading) error {
	y.reading.Lock()
	defer y.reading.Unlock()
	to.heads, to.bytes = to.heads[:0], to.bytes[:0]
	for h, err := range y.store.Heads(y.ctx, y.e.org.ID, first, end, since) {
		if err != nil {
			return err
		}
		if loads[h.Server] == nil {
			continue
		}
		at := len(to.bytes)
		to.bytes = append(to.bytes, h.Data...)
		h.Data = to.bytes[at:len(to.bytes):len(to.bytes)] // good even where the bytes move: the old ones stay
		to.heads = append(to.heads, h)
	}
	return nil
}

// loadHeads makes the tracks longer by the days of some heads: each server by
// one goroutine, in the order of the heads.
func (y *syncer) loadHeads(heads []Head, loads map[int64]*loading) error {
	var g errgroup.Group
	parts := runtime.GOMAXPROCS(0)
	for part := range parts {
		g.Go(func() error {
			for i := range heads {
				h := &heads[i]
				if int(h.Server)%parts != part {
					continue
				}
				if err := y.loadDay(h, loads[h.Server]); err != nil {
					return fmt.Errorf("license server %d, UTC day %d: %w", h.Server, h.Day, err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// loadDay makes the new tracks of a server longer by a day.
func (y *syncer) loadDay(h *Head, l *loading) error {
	if l.isNew {
		l.days = append(l.days, dayVersion{h.Day, h.Version})
	}
	if len(l.tracks) == 0 {
		return nil
	}
	var v series.View
	if err := v.Open(h.Data, nil); err != nil {
		return err
	}
	pools := v.Summaries()
	more := pools.Next()
	for _, t := range l.tracks {
		for more && pools.Place.Pool < t.Pool {
			more = pools.Next()
		}
		if series.DayOf(t.First) > h.Day {
			continue
		}
		source := insight.Source{View: &v, Read: func(pool series.PoolID) (series.Day, error) {
			blocks, err := y.blocksOf(h.Day)
			if err != nil {
				return series.Day{}, err
			}
			return blocks.Read(t.Server, pool)
		}}
		if more && pools.Place.Pool == t.Pool {
			if source.Has = true; pools.Place.Plain {
				source.Summary = &pools.Summary
			}
		}
		if err := t.Grow(h.Day, &source); err != nil {
			return err
		}
	}
	return pools.Err()
}
