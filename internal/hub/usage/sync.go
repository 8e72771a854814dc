package usage

import (
	"context"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/insight"
	"headroom/internal/series"
)

// A syncer brings a past up to a state of the store.
type syncer struct {
	*past
	ctx     context.Context
	store   Store
	e       *estate
	pack    int64
	memory  *memory
	reading sync.Mutex // the store's sequences are read one after the other
	full    map[int32]*insight.Blocks
}

// roomDays is for how many days to come a track gets room when it is loaded.
const roomDays = 16

// loadDays is how many days of heads are held at a time while servers are
// loaded.
const loadDays = 64

// run brings the past up to date. It is called with past.sync and past.lock held.
func (y *syncer) run() error {
	changed, all := y.changed()
	if len(changed) == 0 && y.pack == y.mark.Pack {
		return nil
	}
	y.changes.now = y.memory.change()
	var load []Record
	patch := make(map[int64]*serverPast)
	for _, r := range changed {
		if s := y.servers[r.ID]; s != nil && y.keeps(s, r) {
			patch[r.ID] = s
			continue
		}
		load = append(load, r)
	}
	if y.pack != y.mark.Pack || len(patch) > 0 {
		more, err := y.patch(patch, load)
		if err != nil {
			return y.fail(err)
		}
		load = append(load, more...)
	}
	if err := y.load(load); err != nil {
		return y.fail(err)
	}
	if all {
		y.changes.all = y.changes.now
	}
	return y.finish()
}

// fail forgets everything: what was half changed must not be asked.
func (y *syncer) fail(err error) error {
	y.mark, y.servers, y.stamp, y.past.estate = Mark{}, nil, Stamp{}, nil
	y.size.Store(0)
	y.changes.all = y.changes.now
	y.blocks.clear()
	return err
}

// changed lists the servers that the past does not have as they are now. All
// says that so many are new that nothing computed before is worth a look.
func (y *syncer) changed() (out []Record, all bool) {
	for _, r := range y.records {
		s := y.servers[r.ID]
		upTo, after := standing(r, y.e)
		if s == nil || y.mark.Servers[r.ID] != r.Version || s.upTo != upTo || s.after != after {
			out = append(out, r)
			all = all || s == nil
		}
	}
	return out, all
}

// standing says up to when a server has told anything, and what follows.
func standing(r Record, e *estate) (upTo int64, after series.Kind) {
	for _, t := range []time.Time{r.LastReading, r.FailedAt} {
		if !t.IsZero() {
			upTo = max(upTo, t.Unix())
		}
	}
	return upTo, StatusOf(r, e.org.Thresholds, e.now).after()
}

// keeps says whether the tracks of a server can be changed to what it is now:
// no pool is gone or began earlier than was known.
func (y *syncer) keeps(s *serverPast, r Record) bool {
	if r.Version < y.mark.Servers[r.ID] {
		return false
	}
	pools := y.pools[r.ID]
	for _, t := range s.tracks {
		i := slices.IndexFunc(pools, func(p Pool) bool { return p.ID == t.Pool })
		if i < 0 || pools[i].First != t.First {
			return false
		}
	}
	return true
}

// A change is a block that has changed.
type change struct {
	day     int32
	version int64
}

// patchDays is how many days of a server may have changed for its tracks to be
// changed; where more have, they are loaded.
const patchDays = 40

// patch changes the tracks of servers where their blocks have changed. It
// returns those that are to be loaded instead.
func (y *syncer) patch(servers map[int64]*serverPast, loading []Record) (load []Record, err error) {
	changes := make(map[int64][]change)
	for h, err := range y.store.Heads(y.ctx, y.e.org.ID, math.MinInt32, math.MaxInt32, y.mark) {
		if err != nil {
			return nil, err
		}
		s := y.servers[h.Server]
		if s != nil && s.version(h.Day) != h.Version && len(changes[h.Server]) <= patchDays {
			changes[h.Server] = append(changes[h.Server], change{h.Day, h.Version})
		}
	}
	for _, r := range loading {
		delete(changes, r.ID)
	}
	for id, list := range changes {
		for _, c := range list {
			y.blocks.drop(c.day)
			y.servers[id].setVersion(c.day, c.version)
		}
		servers[id] = y.servers[id]
	}
	for _, r := range y.records {
		s := servers[r.ID]
		if s == nil {
			continue
		}
		ok, err := y.patchServer(s, r, changes[r.ID])
		if err != nil {
			return nil, fmt.Errorf("license server %d: %w", r.ID, err)
		}
		if !ok {
			load = append(load, r)
		}
	}
	return load, nil
}

// patchServer changes the tracks of a server; false if they have to be loaded.
func (y *syncer) patchServer(s *serverPast, r Record, list []change) (ok bool, err error) {
	if len(list) > patchDays {
		return false, nil
	}
	upTo, after := standing(r, y.e)
	tail := y.tailDay(s, upTo)
	if len(list) == 0 && s.upTo == upTo && s.after == after {
		return true, y.addTracks(s, r)
	}
	if s.upTo != upTo || s.after != after {
		y.changes.noteFrom(tail)
	}
	s.upTo, s.after = upTo, after
	if err := y.addTracks(s, r); err != nil {
		return false, err
	}
	for _, t := range s.tracks {
		if len(list) > 0 && t.End() == 0 && series.DayOf(t.First) < list[0].day {
			return false, nil
		}
		if err := y.patchTrack(s, t, tail, list); err != nil {
			return false, err
		}
	}
	return true, y.readLatest(s)
}

// tailDay returns the day from which on tracks depend on what is the newest
// record of their server.
func (y *syncer) tailDay(s *serverPast, upTo int64) int32 {
	if s.upTo == upTo {
		return series.DayOf(upTo)
	}
	return series.DayOf(min(s.upTo, upTo))
}

// addTracks adds tracks for pools that are new.
func (y *syncer) addTracks(s *serverPast, r Record) error {
	for _, p := range y.pools[r.ID] {
		if s.track(p.ID) == nil {
			s.tracks = append(s.tracks, &insight.Track{Server: r.ID, Pool: p.ID, First: p.First})
			slices.SortFunc(s.tracks, func(a, b *insight.Track) int { return int(a.Pool - b.Pool) })
		}
	}
	return nil
}

// patchTrack makes the days anew that have changed, and all from the tail on.
func (y *syncer) patchTrack(s *serverPast, t *insight.Track, tail int32, list []change) error {
	t.UpTo, t.After = s.upTo, s.after
	for _, c := range list {
		if c.day >= min(tail, t.End()) {
			y.changes.noteFrom(c.day)
			break
		}
		if c.day < series.DayOf(t.First) {
			continue
		}
		last, err := t.Renew(c.day, func(day int32) (*insight.Source, error) { return y.source(t, day) })
		if err != nil {
			return err
		}
		y.changes.note(c.day, last)
		if last+1 == t.End() {
			y.changes.noteFrom(last)
		}
	}
	t.Cut(tail)
	i, _ := s.place(max(t.End(), series.DayOf(t.First)))
	for _, d := range s.days[i:] {
		source, err := y.source(t, d.day)
		if err != nil {
			return err
		}
		if err := t.Grow(d.day, source); err != nil {
			return err
		}
	}
	return t.Finish()
}

// source returns a day's block of a track's server; nil if there is none.
func (y *syncer) source(t *insight.Track, day int32) (*insight.Source, error) {
	blocks, err := y.blocksOf(day)
	if err != nil {
		return nil, err
	}
	return blocks.Source(t.Server, t.Pool)
}

// blocksOf returns the blocks of a day as they are in the syncer's state of
// the database.
func (y *syncer) blocksOf(day int32) (*insight.Blocks, error) {
	y.reading.Lock()
	defer y.reading.Unlock()
	if b := y.full[day]; b != nil {
		return b, nil
	}
	b := new(insight.Blocks)
	for block, err := range y.store.Blocks(y.ctx, y.e.org.ID, day) {
		if err != nil {
			return nil, err
		}
		if err := checked(day, block, b.Add); err != nil {
			return nil, err
		}
	}
	if y.full == nil {
		y.full = make(map[int32]*insight.Blocks)
	}
	y.full[day] = b
	return b, nil
}

// whole says whether sweeps need all of a server's block of a day.
func (p *past) whole(server int64, day int32) bool {
	s := p.servers[server]
	return s == nil || slices.ContainsFunc(s.tracks, func(t *insight.Track) bool { return !t.Ordinary(day) })
}

// checked hands a block on to add.
func checked(day int32, block Block, add func(server int64, head, body []byte) bool) error {
	if err := series.Check(block.Head, block.Body); err != nil {
		return fmt.Errorf("license server %d, UTC day %d: %w", block.Server, day, err)
	}
	if !add(block.Server, block.Head, block.Body) {
		return fmt.Errorf("license server %d, UTC day %d: its block is out of order, or too much for one day", block.Server, day)
	}
	return nil
}

// load makes the tracks of servers from their first day on.
func (y *syncer) load(records []Record) error {
	if len(records) == 0 {
		return nil
	}
	y.blocks.clear() // they may lack these servers
	since := Mark{Servers: maps.Clone(y.mark.Servers)}
	if since.Servers == nil {
		since.Servers = make(map[int64]int64)
	}
	first := int32(math.MaxInt32)
	loaded := make(map[int64]*serverPast, len(records))
	for _, r := range records {
		delete(since.Servers, r.ID)
		s := &serverPast{}
		s.upTo, s.after = standing(r, y.e)
		if err := y.addTracks(s, r); err != nil {
			return err
		}
		for _, t := range s.tracks {
			t.UpTo, t.After = s.upTo, s.after
			t.Expect(series.DayOf(y.e.now.Unix()) + roomDays)
			first = min(first, series.DayOf(t.First))
		}
		loaded[r.ID] = s
	}
	if y.servers == nil {
		y.servers = make(map[int64]*serverPast)
	}
	maps.Copy(y.servers, loaded)
	if err := y.loadAll(first, since, loaded); err != nil {
		return err
	}
	for id, s := range loaded {
		for _, t := range s.tracks {
			if err := t.Finish(); err != nil {
				return fmt.Errorf("license server %d: %w", id, err)
			}
		}
		if err := y.readLatest(s); err != nil {
			return fmt.Errorf("license server %d: %w", id, err)
		}
	}
	y.changes.all = y.changes.now
	return nil
}

// loadAll makes tracks longer by all days from a first one on. While the days of
// one part are made, the heads of the next are read.
func (y *syncer) loadAll(first int32, since Mark, loaded map[int64]*serverPast) error {
	// Agents may be ahead of this clock by a day.
	last := series.DayOf(y.e.now.Unix()) + 2
	parts := make(chan []Head)
	g, ctx := errgroup.WithContext(y.ctx)
	g.Go(func() error {
		defer close(parts)
		// A block may be older than every pool: of readings that had none.
		for from, to := int32(math.MinInt32), min(first, last); from <= last; from, to = to, to+loadDays {
			if to > last {
				to = math.MaxInt32
			}
			heads, err := y.readHeads(from, to, since, loaded)
			if err != nil {
				return err
			}
			select {
			case parts <- heads:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	g.Go(func() error {
		for heads := range parts {
			if err := y.loadHeads(heads, loaded); err != nil {
				return err
			}
			y.drop()
		}
		return nil
	})
	return g.Wait()
}

// drop forgets the blocks that were read so far: a load may look into all days.
func (y *syncer) drop() {
	y.reading.Lock()
	defer y.reading.Unlock()
	y.full = nil
}

// readHeads reads the heads of some days, of servers that are being loaded. All
// of them are read before any is looked at: a day that is not an ordinary one
// takes another look into the store.
func (y *syncer) readHeads(from, to int32, since Mark, loaded map[int64]*serverPast) ([]Head, error) {
	y.reading.Lock()
	defer y.reading.Unlock()
	var heads []Head
	var bytes []byte
	for h, err := range y.store.Heads(y.ctx, y.e.org.ID, from, to, since) {
		if err != nil {
			return nil, err
		}
		if loaded[h.Server] == nil {
			continue
		}
		if len(bytes)+len(h.Data) > cap(bytes) {
			bytes = make([]byte, 0, 1<<18+len(h.Data)) // what was handed on stays where it is
		}
		at := len(bytes)
		bytes = append(bytes, h.Data...)
		h.Data = bytes[at:len(bytes):len(bytes)]
		heads = append(heads, h)
	}
	return heads, nil
}

// loadHeads makes the tracks longer by the days of some heads: each server by
// one goroutine, in the order of the heads.
func (y *syncer) loadHeads(heads []Head, loaded map[int64]*serverPast) error {
	var g errgroup.Group
	parts := runtime.GOMAXPROCS(0)
	for part := range parts {
		g.Go(func() error {
			for i := range heads {
				h := &heads[i]
				if int(h.Server)%parts != part {
					continue
				}
				if err := y.loadDay(h, loaded[h.Server]); err != nil {
					return fmt.Errorf("license server %d, UTC day %d: %w", h.Server, h.Day, err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// loadDay makes the tracks of a server longer by a day.
func (y *syncer) loadDay(h *Head, s *serverPast) error {
	s.days = append(s.days, dayVersion{h.Day, h.Version})
	var v series.View
	if err := v.Open(h.Data, nil); err != nil {
		return err
	}
	pools := v.Summaries()
	more := pools.Next()
	for _, t := range s.tracks {
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

// finish notes what is known now.
func (y *syncer) finish() error {
	y.mark = Mark{Pack: y.pack, Servers: make(map[int64]int64, len(y.records))}
	size := int64(0)
	known := make(map[int64]bool, len(y.records))
	for _, r := range y.records {
		y.mark.Servers[r.ID] = r.Version
		known[r.ID] = true
	}
	for id, s := range y.servers {
		if !known[id] {
			delete(y.servers, id)
			y.changes.all = y.changes.now
			continue
		}
		size += 16 * int64(cap(s.days))
		for _, t := range s.tracks {
			size += t.Size()
		}
	}
	y.size.Store(size)
	for day, b := range y.full {
		y.blocks.put(day, b.Lean(func(server int64) bool { return y.whole(server, day) }))
	}
	return nil
}

// A latest is a pool's newest good values, however old.
type latest struct {
	series.Sample
	ok, gone bool
}

// latestDays is how far back a pool's newest good value is looked for: at
// first in few days, then in more, counted in days with data.
var latestDays = [...]int{2, 31}

// readLatest reads the newest values of a server's pools.
func (y *syncer) readLatest(s *serverPast) error {
	s.latest = make(map[series.PoolID]latest, len(s.tracks))
	for _, t := range s.tracks {
		for _, n := range latestDays {
			known := s.days[max(0, len(s.days)-n):]
			days := make([]series.Day, 0, len(known))
			for _, d := range known {
				blocks, err := y.blocksOf(d.day)
				if err != nil {
					return err
				}
				day, err := blocks.Read(t.Server, t.Pool)
				if err != nil {
					return err
				}
				days = append(days, day)
			}
			var l latest
			l.Sample, l.ok, l.gone = series.Latest(days, t.Pool, math.MaxInt64)
			s.latest[t.Pool] = l
			if l.ok || l.gone || len(known) == len(s.days) {
				break
			}
		}
	}
	return nil
}
