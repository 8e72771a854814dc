package usage

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

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
	wanted  map[int64][]Pool // by Server.ID: the pools that are to have tracks
	reading sync.Mutex       // the store's sequences are read one after the other
	full    map[int32]*insight.Blocks
	builder insight.Builder // of the day that is being read
}

// run brings the past up to date. It is called with past.sync and past.lock held.
func (y *syncer) run() error {
	changed, all := y.changed()
	if len(changed) == 0 && y.pack == y.mark.Pack && !y.lacks() {
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
	if len(y.servers) > 0 && (y.pack != y.mark.Pack || len(patch) > 0) {
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

// lacks says whether a pool that is to have a track has none.
func (y *syncer) lacks() bool {
	for server, pools := range y.wanted {
		if s := y.servers[server]; s != nil && len(s.lacking(pools)) > 0 {
			return true
		}
	}
	return false
}

// lacking returns those of some pools that have no track.
func (s *serverPast) lacking(pools []Pool) (out []Pool) {
	for _, p := range pools {
		if s.track(p.ID) == nil {
			out = append(out, p)
		}
	}
	return out
}

// keeps says whether the tracks of a server can be changed to what it is now:
// no pool is gone or began earlier than was known.
func (y *syncer) keeps(s *serverPast, r Record) bool {
	if r.Version < y.mark.Servers[r.ID] {
		return false
	}
	for _, was := range s.pools {
		if !slices.ContainsFunc(y.pools[r.ID], func(p Pool) bool { return p.ID == was.ID && p.First == was.First }) {
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
	s.pools = y.pools[r.ID]
	upTo, after := standing(r, y.e)
	tail := y.tailDay(s, upTo)
	if len(list) == 0 && s.upTo == upTo && s.after == after {
		return true, nil
	}
	if s.upTo != upTo || s.after != after {
		y.changes.noteFrom(tail)
	}
	s.upTo, s.after = upTo, after
	for _, t := range s.tracks {
		if len(list) > 0 && t.End() == 0 && series.DayOf(t.First) < list[0].day {
			return false, nil
		}
		if err := y.patchTrack(s, t, tail, list); err != nil {
			return false, err
		}
	}
	return true, y.readLatest(r.ID, s)
}

// tailDay returns the day from which on tracks depend on what is the newest
// record of their server.
func (y *syncer) tailDay(s *serverPast, upTo int64) int32 {
	if s.upTo == upTo {
		return series.DayOf(upTo)
	}
	return series.DayOf(min(s.upTo, upTo))
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
	for block, err := range y.store.Blocks(y.ctx, y.e.org.ID, day) {
		if err != nil {
			return nil, err
		}
		if err := checked(day, block, y.builder.Add); err != nil {
			return nil, err
		}
	}
	if y.full == nil {
		y.full = make(map[int32]*insight.Blocks)
	}
	y.full[day] = y.builder.Take()
	return y.full[day], nil
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
