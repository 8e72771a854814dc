package series

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"headroom/internal/license"
)

// MaxSamples is the highest number of samples, steps and maxima in a day that
// Decode takes: a server of 2,900 pools that is read every minute.
const MaxSamples = 1 << 22

// blockVersion is the first byte of a block; docs/format/dayblock.md tells
// what follows.
const blockVersion = 2

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The bits of a round's, a span's and a maximum's flags.
const (
	flagComplete = 1 // of a round
	flagExact    = 1 // of a span
	flagWhole    = 1 // of a maximum
	flagImported = 2 // of all three
)

// The values of a column's token; what is above them is a difference.
const (
	tokenUnknown = 0
	tokenRaw     = 1
	tokenDelta   = 2
)

// Encode returns the block of a day: a version, the head, the body and a
// checksum. Equal days have equal blocks. The day must be as a Builder, Merge
// or Decode gives it.
func Encode(d Day) []byte {
	e := encoder{day: &d, start: DayStart(d.Number), even: isEven(d.Rounds)}
	rounds := e.rounds()
	e.directory.uvarint(uint64(len(d.Pools)))
	before := PoolID(0)
	for i := range d.Pools {
		e.pool(&d.Pools[i], before)
		before = d.Pools[i].Pool
	}
	head := e.head(rounds)
	out := make(buffer, 0, len(head)+len(e.body)+crc32.Size+4)
	out = append(out, blockVersion)
	out.uvarint(uint64(len(head)))
	out = append(append(out, head...), e.body...)
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// isEven says whether all readings of a day are alike: live, with one hold,
// and all of them complete or none.
func isEven(rounds []Round) bool {
	for _, r := range rounds {
		if r.Imported || r.Hold != rounds[0].Hold || r.Complete != rounds[0].Complete {
			return false
		}
	}
	return len(rounds) > 0
}

type encoder struct {
	day       *Day
	start     int64 // first second of the day
	even      bool
	directory buffer
	summaries buffer
	body      buffer
	numbers   []uint32 // to be packed
}

// A buffer is bytes that grow.
type buffer []byte

func (b *buffer) uvarint(x uint64) { *b = binary.AppendUvarint(*b, x) }
func (b *buffer) varint(x int64)   { *b = binary.AppendVarint(*b, x) }

// head puts the head together; rounds is the length of the rounds in the body.
func (e *encoder) head(rounds int) []byte {
	var h buffer
	h.varint(int64(e.day.Number))
	flags := uint64(0)
	if e.even {
		flags |= headEven
	}
	if slices.ContainsFunc(e.day.Rounds, func(r Round) bool { return r.Complete }) {
		flags |= headComplete
	}
	h.uvarint(flags)
	if e.even {
		s := spreadOf(e.day.Rounds)
		h.uvarint(uint64(s.n))
		h.uvarint(uint64(s.hold))
		h.uvarint(uint64(s.first - e.start))
		h.uvarint(uint64(s.last - s.first))
		h.uvarint(uint64(s.lost))
	}
	h.uvarint(uint64(rounds))
	return slices.Concat(h, e.directory, e.summaries)
}

// rounds writes the instants, holds and flags of the readings, and returns how
// long that is.
func (e *encoder) rounds() int {
	rounds := e.day.Rounds
	n := len(rounds)
	if !e.even {
		e.body.uvarint(uint64(n))
	}
	if n == 0 {
		return len(e.body)
	}
	e.instants()
	if !e.even {
		e.body.column(n, func(i int) license.Count { return license.Of(rounds[i].Hold) })
		e.body.column(n, func(i int) license.Count { return license.Of(flags(rounds[i].Complete, rounds[i].Imported)) })
	}
	return len(e.body)
}

// instants writes when the readings were: a grid of instants, which of its
// places have one where some are missing, and how long after its place each
// is.
func (e *encoder) instants() {
	rounds := e.day.Rounds
	first, period := rounds[0].At, e.period()
	places, even := make([]int64, len(rounds)), true
	early := int64(0)
	for i, r := range rounds {
		places[i] = (r.At - first + period/2) / period
		even = even && places[i] == int64(i)
		early = min(early, r.At-first-places[i]*period)
	}
	e.body.varint(first + early - e.start)
	e.body.uvarint(uint64(period))
	if even {
		e.body.uvarint(0)
	} else {
		e.body.uvarint(1)
		e.body.column(len(rounds)-1, func(i int) license.Count { return license.Of(places[i+1] - places[i]) })
	}
	late := e.numbers[:0]
	for i, r := range rounds {
		late = append(late, uint32(r.At-first-early-places[i]*period))
	}
	e.body = appendPacked(e.body, late)
	e.numbers = late
}

// period returns the median of the times between two readings.
func (e *encoder) period() int64 {
	rounds := e.day.Rounds
	if len(rounds) < 2 {
		return 1
	}
	gaps := e.numbers[:0]
	for i := range rounds[1:] {
		gaps = append(gaps, uint32(rounds[i+1].At-rounds[i].At))
	}
	slices.Sort(gaps)
	e.numbers = gaps
	return int64(gaps[len(gaps)/2])
}

// flags returns the flags of a round, span or maximum. Each has its own
// meaning in the first bit.
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

// pool writes one pool; before is the one before it.
func (e *encoder) pool(p *PoolDay, before PoolID) {
	e.directory.varint(int64(p.Pool - before))
	mask, start := uint64(0), len(e.body)
	if e.even && isPlain(p, len(e.day.Rounds)) {
		mask = e.plain(p)
	} else {
		e.general(p)
	}
	e.directory.uvarint(mask)
	e.directory.uvarint(uint64(len(e.body) - start))
}

// plain writes a plain pool: its constants and its summary into the head, its
// use into the body. It returns its mask.
func (e *encoder) plain(p *PoolDay) uint64 {
	samples := p.Samples
	first := &samples[0]
	mask := uint64(maskPlain)
	if first.State != license.StateCounted {
		mask |= maskState
		e.summaries.uvarint(uint64(first.State))
	}
	var columns []func(*Sample) *license.Count
	for i, field := range plainFields {
		code, n := codeOf(samples, field)
		mask |= code << (maskFields + 2*i)
		switch code {
		case codeValue:
			e.summaries.uvarint(uint64(n))
		case codeColumn:
			columns = append(columns, field)
		}
	}
	s := summaryOf(e.day.Rounds, samples)
	if s.steady {
		mask |= maskSteady
	}
	e.summaries.summary(&s)
	e.body.uvarint(uint64(first.InUse.N))
	if !s.steady {
		deltas := e.numbers[:0]
		for i := range samples[1:] {
			deltas = append(deltas, uint32(zigzag(samples[i+1].InUse.N-samples[i].InUse.N)))
		}
		e.body = appendPacked(e.body, deltas)
		e.numbers = deltas
	}
	for _, field := range columns {
		e.body.column(len(samples), func(i int) license.Count { return *field(&samples[i]) })
	}
	return mask
}

// general writes all that is known of a pool into the body.
func (e *encoder) general(p *PoolDay) {
	e.samples(p.Samples)
	e.body.uvarint(uint64(len(p.Spans)))
	before := e.start
	for _, s := range p.Spans {
		e.body.uvarint(uint64(s.From - before))
		e.body.uvarint(uint64(s.To - s.From))
		e.body.uvarint(uint64(flags(s.Exact, s.Imported)))
		before = s.To
	}
	e.steps(p.Steps)
	e.maxima(p.Maxima)
}

// samples writes at which rounds the pool has a sample, and its fields.
func (e *encoder) samples(samples []Sample) {
	n := len(samples)
	e.body.uvarint(uint64(n))
	if n == 0 {
		return
	}
	rounds := e.day.Rounds
	places := make([]int, n)
	round := -1
	for i, s := range samples {
		before := round
		for round++; rounds[round].At != s.At; round++ {
			continue
		}
		places[i] = round - before
	}
	e.body.column(n, func(i int) license.Count { return license.Of(int64(places[i])) })
	e.body.column(n, func(i int) license.Count { return license.Of(int64(samples[i].State)) })
	for _, field := range fields {
		e.body.column(n, func(i int) license.Count { return *field(&samples[i]) })
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

func (e *encoder) steps(steps []Step) {
	e.body.uvarint(uint64(len(steps)))
	e.body.column(len(steps), func(i int) license.Count {
		if i == 0 {
			return license.Of(steps[0].At - e.start)
		}
		return license.Of(steps[i].At - steps[i-1].At)
	})
	e.body.column(len(steps), func(i int) license.Count { return license.Of(steps[i].InUse) })
	e.body.column(len(steps), func(i int) license.Count { return license.Of(steps[i].High - steps[i].InUse) })
}

func (e *encoder) maxima(maxima []Maximum) {
	n := len(maxima)
	e.body.uvarint(uint64(n))
	e.body.column(n, func(i int) license.Count {
		if i == 0 {
			return license.Of(maxima[0].From - e.start)
		}
		return license.Of(maxima[i].From - maxima[i-1].To)
	})
	e.body.column(n, func(i int) license.Count { return license.Of(maxima[i].To - maxima[i].From) })
	e.body.column(n, func(i int) license.Count { return license.Of(maxima[i].InUse) })
	e.body.column(n, func(i int) license.Count { return license.Of(flags(maxima[i].Whole, maxima[i].Imported)) })
}

// column writes n values as runs: a token with the difference to the last
// known value, and the length of the run where it is more than one.
func (b *buffer) column(n int, value func(i int) license.Count) {
	last := int64(0)
	for i := 0; i < n; {
		v := value(i)
		run := 1
		for i+run < n && value(i+run) == v {
			run++
		}
		b.token(v, last, run)
		if v.Known {
			last = v.N
		}
		i += run
	}
}

func (b *buffer) token(v license.Count, last int64, run int) {
	more := uint64(0)
	if run > 1 {
		more = 1
	}
	diff := zigzag(v.N - last)
	switch {
	case !v.Known:
		b.uvarint(tokenUnknown<<1 | more)
	case diff >= 1<<60:
		b.uvarint(tokenRaw<<1 | more)
		*b = binary.LittleEndian.AppendUint64(*b, uint64(v.N))
	default:
		b.uvarint((diff+tokenDelta)<<1 | more)
	}
	if run > 1 {
		b.uvarint(uint64(run - 2))
	}
}
