package insight

import (
	"sync"
	"sync/atomic"

	"headroom/internal/series"
)

// A drawing is a plain day of a pool as a sheet takes it: what is in use in its
// first second, and by how much that changes in which others, what is not known
// any more counted as nothing. Taking it is several times quicker than decoding
// the block again, and it has four bytes for each change; so drawings are made of
// days that are looked into, as long as there is Room.
type drawing struct {
	state   atomic.Uint32 // undrawn, drawn, undrawable
	base    int32
	changes []uint32 // ascending: the second of the day, and above the change
}

const (
	undrawn uint32 = iota
	drawn
	undrawable
)

// secondBits hold a second of a day; the bits above are for a change by less
// than maxDrawn up or down.
const (
	secondBits = 17
	maxDrawn   = 1 << (31 - secondBits)
)

// drawings are those of pools with a number on one day.
type drawings struct {
	rows []drawing // by the server's place in the blocks

	mu   sync.Mutex
	room []uint32 // where the changes of the next ones go

	// full says that room was refused. More never comes, as other drawings would
	// have to go for it: whoever draws on would decode each day twice.
	full atomic.Bool
}

// roomOnce is how many changes get room at a time.
const roomOnce = 4096

// A Room bounds how many bytes drawings take together. The zero Room is none.
type Room struct{ left atomic.Int64 }

// NewRoom returns room for some bytes.
func NewRoom(bytes int64) *Room {
	r := new(Room)
	r.left.Store(bytes)
	return r
}

// take takes room; false if there is not enough.
func (r *Room) take(bytes int64) bool {
	if r.left.Add(-bytes) >= 0 {
		return true
	}
	r.left.Add(bytes)
	return false
}

// Exhausted says whether there is no room for a day any more.
func (r *Room) Exhausted() bool { return r.left.Load() < 1<<20 }

// DrawIn lets searches and trends keep drawings of the blocks, in a room; nil: not
// any more. Those that there are go, and their room is free again: answers that
// are under way end with them.
func (b *Blocks) DrawIn(r *Room) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.draws != nil {
		b.draws.left.Add(b.drawnBytes)
	}
	b.draws, b.drawn, b.drawnBytes = r, nil, 0
}

// drawingsOf returns those of pools with a number; nil where there is no room for
// any.
func (b *Blocks) drawingsOf(pool series.PoolID) *drawings {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.drawn[pool]
	if d == nil && b.grow(drawingBytes*int64(len(b.servers))) {
		d = &drawings{rows: make([]drawing, len(b.servers))}
		if b.drawn == nil {
			b.drawn = make(map[series.PoolID]*drawings)
		}
		b.drawn[pool] = d
	}
	return d
}

const drawingBytes = 32

// grow takes room for drawings. It is called with mu held.
func (b *Blocks) grow(bytes int64) bool {
	if b.draws == nil || !b.draws.take(bytes) {
		return false
	}
	b.drawnBytes += bytes
	return true
}

// A drawer finds the drawings of tracks, one after the other.
type drawer struct {
	blocks *Blocks
	pool   series.PoolID
	of     *drawings
	place  int // of the server that was found last
}

// row returns where the drawing of a track is, or would be; nil where there is
// none and will be none.
func (d *drawer) row(t *Track, blocks *Blocks) *drawing {
	if d.blocks != blocks || d.pool != t.Pool {
		*d = drawer{blocks: blocks, pool: t.Pool, of: blocks.drawingsOf(t.Pool), place: -1}
	}
	if d.of == nil {
		return nil
	}
	var ok bool
	if d.place, ok = blocks.find(t.Server, d.place); !ok {
		return nil
	}
	return &d.of.rows[d.place]
}

// draw makes the drawing of a plain day of a track that counts. Where there is no
// room, or a change is too large, there is none. It needs the sheet's view.
func (s *sheet) draw(t *Track, i int, blocks *Blocks, row *drawing) error {
	from, to := s.from, s.to
	s.from, s.to, s.server = 0, series.DaySeconds, 0
	use, ok := s.usesOf(t, blocks)
	s.from, s.to, s.server = from, to, 0
	if !ok {
		return s.missing(t)
	}
	_, _, hold, _, _ := s.view.Readings()
	base, ok := s.strokes(t, i, int32(hold), use)
	s.drawer.of.put(row, blocks, base, s.drawn, ok)
	return nil
}

// strokes writes the changes of a day into s.drawn and returns what is in use in
// its first second; false where a change is too large.
func (s *sheet) strokes(t *Track, i int, hold int32, use []uint32) (base int32, ok bool) {
	s.drawn, ok = s.drawn[:0], true
	value, end := int32(0), int32(t.facts[i].until())
	if end > 0 {
		value = int32(t.carry[i])
	}
	base = value
	turn := func(at, to int32) {
		by := to - value
		value = to
		switch {
		case by == 0 || at >= series.DaySeconds:
		case at == 0:
			base += by
		case by >= maxDrawn || by < -maxDrawn:
			ok = false
		default:
			s.drawn = append(s.drawn, uint32(at)|uint32(by+maxDrawn)<<secondBits)
		}
	}
	for k, at := range s.at {
		if end < int32(at) {
			turn(end, 0)
		}
		turn(int32(at), int32(use[k]))
		end = int32(at) + hold
	}
	turn(end, 0)
	return base, ok
}

// put keeps a drawing, unless somebody has.
func (d *drawings) put(row *drawing, blocks *Blocks, base int32, changes []uint32, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if row.state.Load() != undrawn {
		return
	}
	if !ok {
		row.state.Store(undrawable)
		return
	}
	if len(d.room) < len(changes) {
		n := max(roomOnce, len(changes))
		blocks.mu.Lock()
		granted := blocks.grow(4 * int64(n))
		blocks.mu.Unlock()
		if !granted {
			d.full.Store(true)
			return
		}
		d.room = make([]uint32, n)
	}
	row.base, row.changes = base, d.room[:len(changes):len(changes)]
	copy(row.changes, changes)
	d.room = d.room[len(changes):]
	row.state.Store(drawn)
}

// take adds what is drawn.
func (s *sheet) take(d *drawing) {
	value, changes := int64(d.base), d.changes
	for len(changes) > 0 && int32(changes[0]&(1<<secondBits-1)) <= s.from {
		value += int64(changes[0]>>secondBits) - maxDrawn
		changes = changes[1:]
	}
	s.base += value
	for _, c := range changes {
		at := int32(c & (1<<secondBits - 1))
		if at >= s.to {
			break
		}
		s.change[at] += int32(c>>secondBits) - maxDrawn
		s.touched[at>>6] |= 1 << (at & 63)
	}
}
