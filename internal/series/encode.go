package series

import (
	"encoding/binary"
	"hash/crc32"

	"headroom/internal/license"
)

// MaxSamples is the highest number of samples and steps in a day that Decode
// takes: a server of 2,900 pools that is read every minute.
const MaxSamples = 1 << 22

// blockVersion is the first byte of a block; docs/format/dayblock.md tells
// what follows.
const blockVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The bits of a round's and of a span's flags.
const (
	flagComplete = 1 // of a round
	flagExact    = 1 // of a span
	flagImported = 2 // of both
)

// The values of a column's token; what is above them is a difference.
const (
	tokenUnknown = 0
	tokenRaw     = 1
	tokenDelta   = 2
)

// Encode returns the block of a day: a version, the content and a checksum.
// Equal days have equal blocks. The day must be as a Builder, Merge or Decode
// gives it.
func Encode(d Day) []byte {
	e := encoder{buf: []byte{blockVersion}, start: DayStart(d.Number)}
	e.varint(int64(d.Number))
	e.rounds(d.Rounds)
	e.uvarint(uint64(len(d.Pools)))
	before := PoolID(0)
	for _, p := range d.Pools {
		e.varint(int64(p.Pool - before))
		before = p.Pool
		e.samples(d.Rounds, p.Samples)
		e.spans(p.Spans)
		e.steps(p.Steps)
	}
	return binary.LittleEndian.AppendUint32(e.buf, crc32.Checksum(e.buf, castagnoli))
}

type encoder struct {
	buf   []byte
	start int64 // first second of the day
}

func (e *encoder) uvarint(x uint64) { e.buf = binary.AppendUvarint(e.buf, x) }
func (e *encoder) varint(x int64)   { e.buf = binary.AppendVarint(e.buf, x) }

// column writes n values as runs: a token with the difference to the last
// known value, and the length of the run where it is more than one.
func (e *encoder) column(n int, value func(i int) license.Count) {
	last := int64(0)
	for i := 0; i < n; {
		v := value(i)
		run := 1
		for i+run < n && value(i+run) == v {
			run++
		}
		e.token(v, last, run)
		if v.Known {
			last = v.N
		}
		i += run
	}
}

func (e *encoder) token(v license.Count, last int64, run int) {
	more := uint64(0)
	if run > 1 {
		more = 1
	}
	diff := zigzag(v.N - last)
	switch {
	case !v.Known:
		e.uvarint(tokenUnknown<<1 | more)
	case diff >= 1<<60:
		e.uvarint(tokenRaw<<1 | more)
		e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(v.N))
	default:
		e.uvarint((diff+tokenDelta)<<1 | more)
	}
	if run > 1 {
		e.uvarint(uint64(run - 2))
	}
}

func zigzag(x int64) uint64   { return uint64(x<<1) ^ uint64(x>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

func (e *encoder) rounds(rounds []Round) {
	n := len(rounds)
	e.uvarint(uint64(n))
	e.column(n, func(i int) license.Count {
		if i == 0 {
			return license.Of(rounds[0].At - e.start)
		}
		return license.Of(rounds[i].At - rounds[i-1].At)
	})
	e.column(n, func(i int) license.Count { return license.Of(rounds[i].Hold) })
	e.column(n, func(i int) license.Count {
		return license.Of(flags(rounds[i].Complete, rounds[i].Imported))
	})
}

// flags returns the flags of a round or span. Both have their own meaning in
// the first bit.
func flags(first, imported bool) int64 {
	f := int64(0)
	if first {
		f |= flagComplete
	}
	if imported {
		f |= flagImported
	}
	return f
}

// samples writes at which rounds the pool has a sample, and its fields.
func (e *encoder) samples(rounds []Round, samples []Sample) {
	n := len(samples)
	e.uvarint(uint64(n))
	if n == 0 {
		return
	}
	places := make([]int, n)
	round := -1
	for i, s := range samples {
		before := round
		for round++; rounds[round].At != s.At; round++ {
			continue
		}
		places[i] = round - before
	}
	e.column(n, func(i int) license.Count { return license.Of(int64(places[i])) })
	e.column(n, func(i int) license.Count { return license.Of(int64(samples[i].State)) })
	for _, field := range fields {
		e.column(n, func(i int) license.Count { return *field(&samples[i]) })
	}
}

// fields are the counts of a sample in the order of the block.
var fields = []func(*Sample) *license.Count{
	func(s *Sample) *license.Count { return &s.InUse },
	func(s *Sample) *license.Count { return &s.Installed },
	func(s *Sample) *license.Count { return &s.Reserved },
	func(s *Sample) *license.Count { return &s.Borrowed },
	func(s *Sample) *license.Count { return &s.Queued },
	func(s *Sample) *license.Count { return &s.Overdraft },
}

func (e *encoder) spans(spans []Span) {
	e.uvarint(uint64(len(spans)))
	before := e.start
	for _, s := range spans {
		e.uvarint(uint64(s.From - before))
		e.uvarint(uint64(s.To - s.From))
		e.uvarint(uint64(flags(s.Exact, s.Imported)))
		before = s.To
	}
}

func (e *encoder) steps(steps []Step) {
	e.uvarint(uint64(len(steps)))
	e.column(len(steps), func(i int) license.Count {
		if i == 0 {
			return license.Of(steps[0].At - e.start)
		}
		return license.Of(steps[i].At - steps[i-1].At)
	})
	e.column(len(steps), func(i int) license.Count { return license.Of(steps[i].InUse) })
	e.column(len(steps), func(i int) license.Count { return license.Of(steps[i].High - steps[i].InUse) })
}
