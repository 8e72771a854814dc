package usage

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"headroom/internal/insight"
)

// A blockShelf holds the blocks of days of an organisation that were asked for
// lately.
type blockShelf struct {
	mu    sync.Mutex
	clock int64
	days  map[int32]*shelved
	free  []*insight.Builder // of nothing, for the next days

	room  *insight.Room // in which days are drawn
	drawn string        // the product that is drawn while room is short
}

type shelved struct {
	blocks *insight.Blocks
	used   int64
}

func (s *blockShelf) get(day int32) *insight.Blocks {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.days[day]
	if d == nil {
		return nil
	}
	s.clock++
	d.used = s.clock
	return d.blocks
}

func (s *blockShelf) put(day int32, b *insight.Blocks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(day)
	if s.days == nil {
		s.days = make(map[int32]*shelved)
	}
	s.clock++
	b.DrawIn(s.room)
	s.days[day] = &shelved{b, s.clock}
}

// builder lends what a day is built with.
func (s *blockShelf) builder() *insight.Builder {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.free)
	if n == 0 {
		return insight.NewBuilder()
	}
	b := s.free[n-1]
	s.free = s.free[:n-1]
	return b
}

// giveBack takes a builder back, which has nothing.
func (s *blockShelf) giveBack(b *insight.Builder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) < runtime.GOMAXPROCS(0) {
		s.free = append(s.free, b)
	}
}

func (s *blockShelf) drop(day int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(day)
}

func (s *blockShelf) remove(day int32) {
	if d := s.days[day]; d != nil {
		d.blocks.DrawIn(nil)
		delete(s.days, day)
	}
}

// drawFor makes room for the days of a product where the days of another one have
// taken all of it.
func (s *blockShelf) drawFor(product string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drawn == product || !s.room.Exhausted() {
		return
	}
	s.drawn = product
	for _, d := range s.days {
		d.blocks.DrawIn(s.room)
	}
}

func (s *blockShelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for day := range s.days {
		s.remove(day)
	}
}

// shrinkBy drops the days that were used least recently until some bytes are
// free, and returns how many are.
func (s *blockShelf) shrinkBy(bytes int64) (freed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for freed < bytes && len(s.days) > 0 {
		var oldest int32
		least := int64(-1)
		for day, d := range s.days {
			if least < 0 || d.used < least {
				oldest, least = day, d.used
			}
		}
		freed += s.days[oldest].blocks.Size()
		s.remove(oldest)
	}
	return freed
}

// bytes returns how many bytes the blocks take: more and more, when they are
// searched.
func (s *blockShelf) bytes() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.days {
		n += d.blocks.Size()
	}
	return n
}

// errMoved says that a block is not the one that the tracks were made of any
// more.
var errMoved = errors.New("the history changed while it was read")

// A reader gives the blocks that the tracks were made of. It may be used by
// many goroutines while past.lock is held to read.
type reader struct {
	*past
	ctx     context.Context
	service *Service
	org     int64
	store   Store
	turn    *sync.Mutex // held by who reads the store, where that must not be done at the same time; else nil
}

// take takes the store for a reading, and returns what gives it back.
func (r reader) take() (giveBack func()) {
	if r.turn == nil {
		return func() {}
	}
	r.turn.Lock()
	return r.turn.Unlock
}

// Blocks implements insight.Reader.
func (r reader) Blocks(day int32) (*insight.Blocks, error) {
	if b := r.blocks.get(day); b != nil {
		return b, nil
	}
	defer r.take()()
	builder := r.blocks.builder()
	for block, err := range r.store.Blocks(r.ctx, r.org, day) {
		if err != nil {
			return nil, err
		}
		s := r.servers[block.Server]
		if s == nil {
			continue
		}
		if s.version(day) != block.Version {
			return nil, errMoved
		}
		add := builder.AddLean
		if r.whole(block.Server, day) {
			add = builder.Add
		}
		if err := checked(day, block, add); err != nil {
			return nil, err
		}
	}
	b := builder.Take()
	r.blocks.giveBack(builder)
	r.blocks.put(day, b)
	r.service.memory.shrink(r.service.Memory)
	return b, nil
}
