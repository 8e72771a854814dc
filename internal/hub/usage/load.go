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
const loadDays = 8

// headRoom is for how many bytes of heads a part has room from the start: more
// than most need, since what is not touched costs nothing, and growing does.
const headRoom = 2 << 20

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
		s := &serverPast{pools: y.pools[r.ID], days: make([]dayVersion, 0, y.daysOf(r.ID))}
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

// mostDays is for how many days room is made before they are seen: a license
// server's clock may be decades off.
const mostDays = 4000

// daysOf returns for how many days a new past gets room.
func (y *syncer) daysOf(server int64) int {
	today := series.DayOf(y.e.now.Unix())
	first := today
	for _, p := range y.pools[server] {
		first = min(first, series.DayOf(p.First))
	}
	return min(int(today-first), mostDays) + roomDays
}

// addTracks adds tracks without days to a past, and returns them, ascending as
// the pools are.
func (y *syncer) addTracks(s *serverPast, pools []Pool) []*insight.Track {
	added := make([]*insight.Track, 0, len(pools))
	for _, p := range pools {
		t := &insight.Track{Server: p.Server, Pool: p.ID, First: p.First, UpTo: s.upTo, After: s.after}
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
	hands := make([]*hand, runtime.GOMAXPROCS(0))
	for i := range hands {
		hands[i] = y.newHand()
	}
	parts, free := make(chan *headPart), make(chan *headPart, 2)
	for range cap(free) {
		free <- &headPart{bytes: make([]byte, 0, headRoom)}
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
			if err := y.loadHeads(part.heads, loads, hands); err != nil {
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
// Tracks were made of them, and what was lean of them may not be enough any more.
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
// one hand, in the order of the heads.
func (y *syncer) loadHeads(heads []Head, loads map[int64]*loading, hands []*hand) error {
	var g errgroup.Group
	for part, hand := range hands {
		g.Go(func() error {
			for i := range heads {
				h := &heads[i]
				if int(h.Server)%len(hands) != part {
					continue
				}
				if err := hand.loadDay(h, loads[h.Server]); err != nil {
					return fmt.Errorf("license server %d, UTC day %d: %w", h.Server, h.Day, err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// A hand makes tracks longer, in memory that is used again for each day: there
// are hundreds of thousands.
type hand struct {
	y      *syncer
	view   series.View
	pools  series.Summaries
	source insight.Source
	head   *Head // that is being read
}

// newHand returns a hand that reads of the syncer's store what heads do not tell.
func (y *syncer) newHand() *hand {
	d := &hand{y: y}
	d.source = insight.Source{View: &d.view, Read: func(pool series.PoolID) (series.Day, error) {
		blocks, err := y.blocksOf(d.head.Day)
		if err != nil {
			return series.Day{}, err
		}
		return blocks.Read(d.head.Server, pool)
	}}
	return d
}

// loadDay makes the new tracks of a server longer by a day.
func (d *hand) loadDay(h *Head, l *loading) error {
	if l.isNew {
		l.days = append(l.days, dayVersion{h.Day, h.Version})
	}
	if len(l.tracks) == 0 {
		return nil
	}
	d.head = h
	if err := d.view.Open(h.Data, nil); err != nil {
		return err
	}
	d.pools = d.view.Summaries()
	more := d.pools.Next()
	for _, t := range l.tracks {
		place := &d.pools.Place
		for more && place.Pool < t.Pool {
			more = d.pools.Next()
		}
		if series.DayOf(t.First) > h.Day {
			continue
		}
		if t.End() == 0 { // the hands make room, each for its own: memory that is touched first is slow
			t.Expect(series.DayOf(d.y.e.now.Unix()) + roomDays)
		}
		d.source.Has, d.source.Summary = more && place.Pool == t.Pool, nil
		if d.source.Has && place.Plain {
			d.source.Summary = &d.pools.Summary
		}
		if err := t.Grow(h.Day, &d.source); err != nil {
			return err
		}
		if !t.Ordinary(h.Day) {
			d.y.blocks.drop(h.Day) // what was lean of it is not enough any more
		}
	}
	return d.pools.Err()
}
