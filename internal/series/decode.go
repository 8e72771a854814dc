package series

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"headroom/internal/license"
)

// Decode returns the day of a block. It checks the checksum and every rule
// that the comments of Day and its parts state, so that a day which it returns
// can be relied on. Its memory is bounded by MaxSamples and a multiple of the
// length of the block. The block is not kept.
func Decode(block []byte) (Day, error) {
	d, err := decode(block)
	if err != nil {
		return Day{}, fmt.Errorf("day block of %d bytes: %w", len(block), err)
	}
	return d, nil
}

func decode(block []byte) (Day, error) {
	n := len(block) - crc32.Size
	switch {
	case n < 1:
		return Day{}, errors.New("too short")
	case block[0] != blockVersion:
		return Day{}, fmt.Errorf("version %d is not known; a newer hub wrote it", block[0])
	case crc32.Checksum(block[:n], castagnoli) != binary.LittleEndian.Uint32(block[n:]):
		return Day{}, errors.New("checksum does not match: the block is damaged")
	}
	r := decoder{rest: block[1:n]}
	day := r.day()
	if r.err == nil && len(r.rest) > 0 {
		r.fail("%d bytes behind the end", len(r.rest))
	}
	return day, r.err
}

// A decoder reads a block from its start. After the first error it reads
// zeros.
type decoder struct {
	rest   []byte
	err    error
	start  int64 // first second of the day
	items  int   // samples and steps so far
	column []license.Count
}

// spend counts samples or steps against MaxSamples and tells whether there
// are any to be read.
func (r *decoder) spend(n int) bool {
	r.items += n
	if r.items > MaxSamples {
		r.fail("more than %d samples and steps", MaxSamples)
	}
	return n > 0 && r.err == nil
}

func (r *decoder) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.rest = nil
}

func (r *decoder) uvarint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		x := r.rest[0]
		r.rest = r.rest[1:]
		return uint64(x)
	}
	x, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail("ends within a number")
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *decoder) varint() int64 { return unzigzag(r.uvarint()) }

// count reads a number of things, at most limit.
func (r *decoder) count(what string, limit int) int {
	n := r.uvarint()
	if limit < 0 || n > uint64(limit) {
		r.fail("%d %s, want at most %d", n, what, limit)
		return 0
	}
	return int(n)
}

// values reads a column. The slice is overwritten by the next column.
func (r *decoder) values(n int) []license.Count {
	if cap(r.column) < n {
		r.column = make([]license.Count, n)
	}
	out := r.column[:n]
	last := int64(0)
	for i := 0; i < n; {
		token := r.uvarint()
		var v license.Count
		switch token >> 1 {
		case tokenUnknown:
		case tokenRaw:
			v = license.Of(r.raw())
		default:
			v = license.Of(last + unzigzag(token>>1-tokenDelta))
		}
		run := 1
		if token&1 != 0 {
			run = r.count("more values of a run", n-i-2) + 2
		}
		if r.err != nil {
			clear(out[i:])
			return out
		}
		filled := out[i : i+run]
		for k := range filled {
			filled[k] = v
		}
		if v.Known {
			last = v.N
		}
		i += run
	}
	return out
}

func (r *decoder) raw() int64 {
	if len(r.rest) < 8 {
		r.fail("ends within a number")
		return 0
	}
	x := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return int64(x)
}

// within reads a column of numbers from low to high and hands each to f.
func (r *decoder) within(what string, n int, low, high int64, f func(i int, v int64)) {
	for i, v := range r.values(n) {
		if r.err != nil {
			return
		}
		if !v.Known || v.N < low || v.N > high {
			r.fail("%s %s, want %d to %d", what, v, low, high)
			return
		}
		f(i, v.N)
	}
}

func (r *decoder) day() Day {
	number := r.varint()
	if number < math.MinInt32 || number > math.MaxInt32 {
		r.fail("day %d does not exist", number)
		return Day{}
	}
	d := Day{Number: int32(number)}
	r.start = DayStart(d.Number)
	d.Rounds = r.rounds()
	n := r.count("pools", len(r.rest))
	if n > 0 {
		d.Pools = make([]PoolDay, 0, n)
	}
	before := PoolID(0)
	for i := 0; i < n && r.err == nil; i++ {
		id := before + PoolID(r.varint())
		if i > 0 && id <= before {
			r.fail("pool %d stands after pool %d", id, before)
			break
		}
		before = id
		p := PoolDay{Pool: id, Samples: r.poolSamples(d.Rounds), Spans: r.spans()}
		p.Steps = r.steps(p.Spans)
		if len(p.Samples)+len(p.Spans) == 0 {
			r.fail("pool %d is empty", id)
		}
		d.Pools = append(d.Pools, p)
	}
	return d
}

func (r *decoder) rounds() []Round {
	n := r.count("rounds", DaySeconds)
	if n == 0 {
		return nil
	}
	out := make([]Round, n)
	r.instants(n, func(i int, at int64) { out[i].At = at })
	r.within("hold", n, 1, MaxHold, func(i int, v int64) { out[i].Hold = v })
	r.within("flags", n, 0, 3, func(i int, v int64) {
		out[i].Complete = v&flagComplete != 0
		out[i].Imported = v&flagImported != 0
	})
	return out
}

// instants reads n ascending instants of the day.
func (r *decoder) instants(n int, f func(i int, at int64)) {
	at := r.start
	r.within("time since the instant before", n, 0, DaySeconds-1, func(i int, v int64) {
		at += v
		if i > 0 && v == 0 || at >= r.start+DaySeconds {
			r.fail("instant number %d is out of order or out of the day", i)
		}
		f(i, at)
	})
}

func (r *decoder) poolSamples(rounds []Round) []Sample {
	n := r.count("samples", len(rounds))
	if !r.spend(n) {
		return nil
	}
	out := make([]Sample, n)
	round := int64(-1)
	r.within("rounds since the sample before", n, 1, int64(len(rounds)), func(i int, v int64) {
		round += v
		if round >= int64(len(rounds)) {
			r.fail("sample number %d belongs to no round", i)
			return
		}
		out[i].At = rounds[round].At
	})
	r.within("state", n, 0, int64(license.StateError), func(i int, v int64) { out[i].State = license.State(v) })
	for _, field := range fields {
		values := r.values(n)
		if !slices.ContainsFunc(values, func(v license.Count) bool { return v.Known }) {
			continue
		}
		for i, v := range values {
			*field(&out[i]) = v
		}
	}
	return out
}

func (r *decoder) spans() []Span {
	n := r.count("spans", len(r.rest))
	if n == 0 {
		return nil
	}
	out := make([]Span, 0, min(n, DaySeconds))
	end := r.start
	for i := 0; i < n && r.err == nil; i++ {
		gap, length, flags := r.uvarint(), r.uvarint(), r.uvarint()
		if gap > DaySeconds || length == 0 || length > DaySeconds || end+int64(gap+length) > r.start+DaySeconds || flags > 3 {
			r.fail("span number %d is empty or out of the day", i)
			break
		}
		from := end + int64(gap)
		end = from + int64(length)
		out = append(out, Span{From: from, To: end, Exact: flags&flagExact != 0, Imported: flags&flagImported != 0})
	}
	return out
}

// steps reads the steps of a pool and checks that they are those of its spans.
func (r *decoder) steps(spans []Span) []Step {
	n := r.count("steps", DaySeconds)
	var out []Step
	if r.spend(n) {
		out = make([]Step, n)
	}
	r.instants(len(out), func(i int, at int64) { out[i].At = at })
	r.within("value of a step", len(out), math.MinInt64, math.MaxInt64, func(i int, v int64) { out[i].InUse = v })
	r.within("height of a step", len(out), 0, math.MaxInt64, func(i int, v int64) {
		out[i].High = out[i].InUse + v
		if out[i].High < out[i].InUse {
			r.fail("the height of step number %d is too large", i)
		}
	})
	r.checkSteps(spans, out)
	return out
}

// checkSteps checks that every step is in a span and every span begins with
// one.
func (r *decoder) checkSteps(spans []Span, rest []Step) {
	for _, s := range spans {
		if len(rest) == 0 || rest[0].At != s.From {
			r.fail("the span from %d has no step in its first second", s.From)
			return
		}
		for len(rest) > 0 && rest[0].At < s.To {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		r.fail("the step at %d is in no span", rest[0].At)
	}
}
