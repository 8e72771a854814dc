package store

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
)

// docs/format/store.md tells the bytes of a pack.
const (
	packVersion = 1
	partBits    = 8             // of a server's number that do not name the part
	partServers = 1 << partBits // license servers of a part
	maxPacked   = 64 << 10      // bytes of a packed block: a pack saves nothing on larger ones
	entrySize   = 4             // bytes of a block's entry in a pack at least
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errDamaged is of bytes that this program did not write like that.
var errDamaged = errors.New("damaged")

// A block is a day block of a license server, wherever it is kept.
type block struct {
	day             int32
	server, version int64
	head, body      []byte
	size            int // bytes of its body, which may not be read
}

// compare orders blocks by day and then server.
func (b *block) compare(o *block) int {
	return cmp.Or(cmp.Compare(b.day, o.day), cmp.Compare(b.server, o.server))
}

// partOf returns the part to whose packs a server's blocks belong.
func partOf(server int64) int64 { return server >> partBits }

// A packKey names a pack.
type packKey struct {
	org  int64
	day  int32
	part int64
}

// fail says which pack an error is about.
func (k packKey) fail(err error) error {
	return fmt.Errorf("pack of organisation %d, day %d, part %d: %w", k.org, k.day, k.part, err)
}

// encode returns the heads and the bodies of the pack of some blocks, which
// are of the key's day and part and ascend by server.
func (k packKey) encode(blocks []block) (heads, bodies []byte) {
	heads = binary.AppendUvarint([]byte{packVersion}, uint64(len(blocks)))
	before := k.part << partBits
	for i := range blocks {
		b := &blocks[i]
		heads = binary.AppendUvarint(heads, uint64(b.server-before))
		heads = binary.AppendUvarint(heads, uint64(b.version))
		heads = binary.AppendUvarint(heads, uint64(len(b.head)))
		heads = binary.AppendUvarint(heads, uint64(len(b.body)))
		before = b.server
	}
	for i := range blocks {
		heads = append(heads, blocks[i].head...)
		bodies = append(bodies, blocks[i].body...)
	}
	return binary.LittleEndian.AppendUint32(heads, crc32.Checksum(heads, castagnoli)), bodies
}

// decode appends the blocks of a pack to some others. Their bodies are left
// out; their heads are slices of heads.
func (k packKey) decode(blocks []block, heads []byte) ([]block, error) {
	n := len(heads) - crc32.Size
	switch {
	case n < 1:
		return nil, k.fail(fmt.Errorf("%w: %d bytes are too few", errDamaged, len(heads)))
	case heads[0] != packVersion:
		return nil, k.fail(fmt.Errorf("version %d is not known; a newer hub wrote it", heads[0]))
	case crc32.Checksum(heads[:n], castagnoli) != binary.LittleEndian.Uint32(heads[n:]):
		return nil, k.fail(fmt.Errorf("%w: the checksum does not match", errDamaged))
	}
	r := packReader{rest: heads[1:n]}
	count := int(r.number(min(partServers, uint64(n)/entrySize)))
	blocks = slices.Grow(blocks, count)
	var sizes [partServers]int // of the heads
	first := len(blocks)
	before := k.part << partBits
	for i := range count {
		b := block{day: k.day, server: before + int64(r.number(partServers-1)), version: int64(r.number(math.MaxInt64))}
		sizes[i], b.size = int(r.number(maxPacked)), int(r.number(maxPacked))
		r.bad = r.bad || partOf(b.server) != k.part || i > 0 && b.server == before
		before = b.server
		blocks = append(blocks, b)
	}
	for i := range count {
		blocks[first+i].head = r.cut(sizes[i])
	}
	if r.bad || len(r.rest) > 0 {
		return nil, k.fail(fmt.Errorf("%w: its blocks are not as its entries say", errDamaged))
	}
	return blocks, nil
}

// fill gives blocks that decode has returned their bodies, which become slices
// of bodies.
func (k packKey) fill(blocks []block, bodies []byte) error {
	r := packReader{rest: bodies}
	for i := range blocks {
		blocks[i].body = r.cut(blocks[i].size)
	}
	if r.bad || len(r.rest) > 0 {
		return k.fail(fmt.Errorf("%w: %d bytes of bodies are not what its entries say", errDamaged, len(bodies)))
	}
	return nil
}

// A packReader reads a pack from its start. Once something is bad it reads
// nothing more.
type packReader struct {
	rest []byte
	bad  bool
}

// number reads a number of at most limit.
func (r *packReader) number(limit uint64) uint64 {
	x, n := binary.Uvarint(r.rest)
	if n <= 0 || x > limit {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *packReader) cut(n int) []byte {
	if n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	out := r.rest[:n:n]
	r.rest = r.rest[n:]
	return out
}
