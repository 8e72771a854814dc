package insight

import (
	"slices"
	"sync"

	"headroom/internal/series"
)

// Blocks are the blocks of many license servers of one UTC day. They take as
// much memory as their bytes and twenty more for each, and about a hundred more
// for each pool that was searched. Once all are added, they may be asked by many
// goroutines.
type Blocks struct {
	servers []int64  // ascending
	at      []uint32 // where the head of each begins in data
	body    []uint32 // and its body, which ends where the next one begins
	data    []byte

	mu   sync.Mutex
	fine map[series.PoolID]*fine // made when searches ask for it

	draws      *Room                       // nil: nothing is drawn
	drawn      map[series.PoolID]*drawings // made as fine is
	drawnBytes int64
}

// A Builder takes blocks of one day after another. Its memory is used for each of
// them again.
type Builder struct{ Blocks }

// builderRoom is for how many bytes a builder has room from the start: those of a
// thousand license servers. What is not touched of it costs nothing.
const builderRoom = 512 << 10

// NewBuilder returns a builder that has nothing.
func NewBuilder() *Builder {
	return &Builder{Blocks{data: make([]byte, 0, builderRoom)}}
}

// Take returns what was added, in as much memory as it needs, and the builder has
// nothing again.
func (b *Builder) Take() *Blocks {
	out := &Blocks{servers: slices.Clone(b.servers), at: slices.Clone(b.at), body: slices.Clone(b.body), data: slices.Clone(b.data)}
	b.servers, b.at, b.body, b.data = b.servers[:0], b.at[:0], b.body[:0], b.data[:0]
	return out
}

// Add adds a block that was checked. Servers are added ascending, each once;
// one that does not fit is not added. Head and body are copied.
func (b *Blocks) Add(server int64, head, body []byte) bool {
	return b.add(server, head, body, func(to, head []byte) []byte { return append(to, head...) })
}

func (b *Blocks) add(server int64, head, body []byte, appendHead func(to, head []byte) []byte) bool {
	if n := len(b.servers); n > 0 && b.servers[n-1] >= server || uint64(len(b.data)+len(head)+len(body)) > maxBlocks {
		return false
	}
	b.servers = append(b.servers, server)
	b.at = append(b.at, uint32(len(b.data)))
	b.data = appendHead(b.data, head)
	b.body = append(b.body, uint32(len(b.data)))
	b.data = append(b.data, body...)
	return true
}

// maxBlocks is how many bytes of blocks a day may have: 4 GiB less one.
const maxBlocks = 1<<32 - 1

// AddLean is Add without what the sweeps of ordinary days do not need of a block:
// only where Track.Ordinary says so of that day of all pools of the server.
func (b *Blocks) AddLean(server int64, head, body []byte) bool {
	return b.add(server, head, body, series.AppendLean)
}

// Lean returns the blocks with what sweeps need of them. Whole says which
// servers' blocks are needed whole.
func (b *Blocks) Lean(whole func(server int64) bool) *Blocks {
	var out Builder
	for i, server := range b.servers {
		head, body := b.block(i)
		if whole(server) {
			out.Add(server, head, body)
		} else {
			out.AddLean(server, head, body)
		}
	}
	return out.Take()
}

// block returns the head and the body of a block.
func (b *Blocks) block(i int) (head, body []byte) {
	end := len(b.data)
	if i+1 < len(b.at) {
		end = int(b.at[i+1])
	}
	return b.data[b.at[i]:b.body[i]], b.data[b.body[i]:end]
}

// Size returns about how many bytes of memory the blocks take.
func (b *Blocks) Size() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int64(cap(b.data)+16*cap(b.servers)+fineMemory*len(b.fine)*len(b.servers)) + b.drawnBytes
}

// soon is how far from the one before a server is looked for one by one.
const soon = 8

// find returns the place of a server, which is often soon after the one that was
// found before.
func (b *Blocks) find(server int64, before int) (place int, ok bool) {
	for place = max(before, 0); place < min(before+soon, len(b.servers)); place++ {
		if b.servers[place] == server {
			return place, true
		}
	}
	return slices.BinarySearch(b.servers, server)
}

// open makes v the view of a server's block; false where there is none or it
// cannot be read.
func (b *Blocks) open(server int64, v *series.View) bool {
	i, ok := slices.BinarySearch(b.servers, server)
	return ok && b.openAt(i, v)
}

// openAt makes v the view of the block at a place; false where it cannot be read.
func (b *Blocks) openAt(place int, v *series.View) bool {
	head, body := b.block(place)
	return v.Open(head, body) == nil
}

// Source returns a server's block as Track.Grow reads it for a pool; nil where
// there is none.
func (b *Blocks) Source(server int64, pool series.PoolID) (*Source, error) {
	var v series.View
	if !b.open(server, &v) {
		return nil, nil
	}
	s := &Source{View: &v, Read: v.PoolOf}
	pools := v.Summaries()
	for pools.Next() && pools.Place.Pool < pool {
		continue
	}
	if err := pools.Err(); err != nil {
		return nil, err
	}
	if pools.Place.Pool == pool {
		if s.Has = true; pools.Place.Plain {
			s.Summary = &pools.Summary
		}
	}
	return s, nil
}

// Newest returns a pool's newest values of the day (series.Latest), where the head
// of its server's block tells them.
func (b *Blocks) Newest(server int64, pool series.PoolID) (newest series.Sample, ok bool) {
	var v series.View
	if !b.open(server, &v) {
		return series.Sample{}, false
	}
	return v.Newest(pool)
}

// Read decodes what a server's block says of a pool. It is a day of nothing
// where there is no block.
func (b *Blocks) Read(server int64, pool series.PoolID) (series.Day, error) {
	var v series.View
	if !b.open(server, &v) {
		return series.Day{}, nil
	}
	return v.PoolOf(pool)
}
