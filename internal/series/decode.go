package series

import (
	"encoding/binary"
	"fmt"
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
	head, body, err := Split(block)
	if err != nil {
		return Day{}, err
	}
	if err := checkSum(head, body); err != nil {
		return Day{}, err
	}
	var v View
	if err := v.Open(head, body); err != nil {
		return Day{}, err
	}
	r := decoder{start: DayStart(v.day)}
	day := r.day(&v)
	return day, r.err
}

// A decoder reads bytes from their start. After the first error it reads
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
		r.failShort()
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *decoder) failShort() { r.fail("ends within a number") }

func (r *decoder) varint() int64 { return unzigzag(r.uvarint()) }

// count reads a number of things, at most limit.
func (r *decoder) count(what string, limit int) int {
	n := r.uvarint()
	if limit < 0 || n > uint64(limit) {
		r.failCount(n, what, limit)
		return 0
	}
	return int(n)
}

func (r *decoder) failCount(n uint64, what string, limit int) {
	r.fail("%d %s, want at most %d", n, what, limit)
}

// take reads bytes; nil where there are not so many.
func (r *decoder) take(n int) []byte {
	if n < 0 || len(r.rest) < n {
		r.failShort()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// packed reads packed numbers: of n those from number lo on, which is a multiple
// of group, as many as out has room for. Unless these are the last, nothing can be
// read behind them.
func (r *decoder) packed(out []uint32, lo, n int) {
	rest, ok := unpack(out, lo, n, r.rest)
	if !ok {
		clear(out)
		r.failShort()
		return
	}
	r.rest = rest
}

// end fails where bytes are left.
func (r *decoder) end() {
	if len(r.rest) > 0 {
		r.fail("%d bytes behind the end", len(r.rest))
	}
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
	b := r.take(8)
	if b == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b))
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

// day reads the whole block.
func (r *decoder) day(v *View) Day {
	d := Day{Number: v.day, Rounds: r.roundsOf(v)}
	r.checkHead(v, d.Rounds)
	if v.pools > 0 {
		d.Pools = make([]PoolDay, 0, v.pools)
	}
	s := v.Summaries()
	for r.err == nil && s.Next() {
		if n := len(d.Pools); n > 0 && s.Place.Pool <= d.Pools[n-1].Pool {
			r.fail("pool %d stands after pool %d", s.Place.Pool, d.Pools[n-1].Pool)
			break
		}
		d.Pools = append(d.Pools, r.poolOf(v, d.Rounds, &s))
	}
	if r.err == nil {
		r.err = s.Err()
	}
	if r.err == nil && len(s.own.rest) > 0 {
		r.fail("%d bytes behind the summaries", len(s.own.rest))
	}
	if end := max(s.Place.to, v.rounds); r.err == nil && end != len(v.body)-4 {
		r.fail("%d bytes behind the end", len(v.body)-4-end)
	}
	return d
}

// checkHead checks what the head says of the readings.
func (r *decoder) checkHead(v *View, rounds []Round) {
	if r.err != nil {
		return
	}
	complete := slices.ContainsFunc(rounds, func(r Round) bool { return r.Complete })
	if complete != v.complete || isEven(rounds) != v.even || v.even && spreadOf(rounds) != v.spread {
		r.fail("the head says something else of the readings than the body")
	}
}

// roundsOf reads the readings of a block.
func (r *decoder) roundsOf(v *View) []Round {
	if v.rounds > len(v.body) {
		r.failShort()
		return nil
	}
	r.rest = v.body[:v.rounds]
	n := v.n
	if !v.even {
		n = r.count("rounds", DaySeconds)
	}
	if n == 0 || !r.spend(n) {
		r.end()
		return nil
	}
	r.items -= n
	at := make([]uint32, n)
	r.instants(at, 0, n)
	if r.err != nil {
		return nil
	}
	out := make([]Round, n)
	for i, t := range at {
		out[i] = Round{At: r.start + int64(t), Hold: v.hold, Complete: v.complete}
		if i > 0 && at[i] <= at[i-1] || t >= DaySeconds {
			r.fail("instant number %d is out of order or out of the day", i)
			return nil
		}
	}
	if !v.even {
		r.within("hold", n, 1, MaxHold, func(i int, v int64) { out[i].Hold = v })
		r.within("flags", n, 0, 3, func(i int, v int64) {
			out[i].Complete = v&flagComplete != 0
			out[i].Imported = v&flagImported != 0
		})
	}
	r.end()
	return out
}

// instants reads instants as seconds of the day: of n those from number lo on, as
// many as out has room for. Lo is a multiple of group. Whether they are in order
// and within the day is for the caller to check.
func (r *decoder) instants(out []uint32, lo, n int) {
	if len(out) == 0 {
		return
	}
	base := r.varint()
	period := r.count("seconds between two rounds", DaySeconds)
	regular := r.count("as the kind of a grid", 1) == 0
	if base < -DaySeconds || base > DaySeconds {
		r.fail("a grid that begins at %d", base)
	}
	at, step := uint32(base), uint32(period)
	if regular {
		r.packed(out, lo, n)
		at += step * uint32(lo)
		for i := range out {
			out[i] += at
			at += step
		}
		return
	}
	places := r.runs(n - 1)
	r.packed(out, lo, n)
	for range lo {
		at += step * uint32(places.next())
	}
	for i := range out {
		out[i] += at
		at += step * uint32(places.next())
	}
}

// runs begins to read a column of n known numbers run by run, and goes on behind
// it.
func (r *decoder) runs(n int) runs {
	out := runs{decoder: decoder{rest: r.rest}, left: n}
	skip := out
	for skip.left > 0 && skip.err == nil {
		skip.run()
	}
	r.rest = skip.rest
	if skip.err != nil && r.err == nil {
		r.err, r.rest = skip.err, nil
	}
	return out
}

// A runs is a column that is read run by run. What is unknown in it is 0.
type runs struct {
	decoder
	left  int // values that were not begun yet
	last  int64
	value int64
	more  int // values of the run at hand
}

// next returns the next value; 0 behind the last one.
func (u *runs) next() int64 {
	if u.more == 0 {
		if u.left == 0 {
			return 0
		}
		u.run()
	}
	u.more--
	return u.value
}

// run begins a run.
func (u *runs) run() {
	token := u.uvarint()
	u.value = 0
	switch token >> 1 {
	case tokenUnknown:
	case tokenRaw:
		u.last = u.raw()
		u.value = u.last
	default:
		u.last += unzigzag(token>>1 - tokenDelta)
		u.value = u.last
	}
	u.more = 1
	if token&1 != 0 {
		u.more = u.count("more values of a run", u.left-2) + 2
	}
	u.left -= u.more
	if u.err != nil {
		u.left = 0
	}
}

// inUse reads the use of a plain pool at its first readings of n: as many as out
// has room for.
func (r *decoder) inUse(out []uint32, n int, steady bool) {
	if len(out) == 0 {
		return
	}
	value := uint32(r.count("in use", maxPlain))
	out[0] = value
	rest := out[1:]
	if steady {
		for i := range rest {
			rest[i] = value
		}
		return
	}
	r.packed(rest, 0, n-1)
	for i, delta := range rest {
		value += delta>>1 ^ -(delta & 1)
		rest[i] = value
	}
}

// poolOf reads a pool and checks that what the head says of it is true.
func (r *decoder) poolOf(v *View, rounds []Round, s *Summaries) PoolDay {
	p := PoolDay{Pool: s.Place.Pool}
	if s.Place.to > len(v.body)-4 {
		r.failShort()
		return p
	}
	r.rest = v.body[s.Place.from:s.Place.to]
	switch {
	case s.Place.Plain && !v.even:
		r.fail("pool %d is plain on a day that is not even", p.Pool)
	case s.Place.Plain:
		r.plain(v, rounds, s, &p)
	default:
		if s.Place.mask != 0 {
			r.fail("pool %d: mask %d", p.Pool, s.Place.mask)
		}
		p.Samples, p.Spans = r.samples(rounds), r.spans()
		p.Steps = r.steps(p.Spans)
		p.Maxima = r.maxima()
		if r.err == nil && p.empty() {
			r.fail("pool %d is empty", p.Pool)
		}
	}
	r.end()
	return p
}

// plain reads a plain pool.
func (r *decoder) plain(v *View, rounds []Round, s *Summaries, p *PoolDay) {
	if !r.spend(len(rounds)) {
		return
	}
	p.Samples = make([]Sample, len(rounds))
	t := s.Summary.Terms
	one := Sample{State: t.State, Installed: t.Installed, Reserved: t.Reserved, Overdraft: t.Overdraft}
	for i := range p.Samples {
		p.Samples[i] = one
		p.Samples[i].At = rounds[i].At
	}
	use := make([]uint32, len(rounds))
	r.inUse(use, len(use), s.Summary.steady)
	for i, n := range use {
		if n > maxPlain {
			r.fail("%d in use", n)
		}
		p.Samples[i].InUse = license.Of(int64(n))
	}
	for i, field := range plainFields {
		code := s.Place.mask >> (maskFields + 2*i) & 3
		if i < plainTerms && code == codeColumn {
			r.fail("pool %d: mask %d", p.Pool, s.Place.mask)
		}
		r.plainField(code, s, i, p.Samples, field)
	}
	if r.err != nil {
		return
	}
	own := summaryOf(rounds, p.Samples)
	told := summary{max: s.Summary.Max, last: s.Summary.Last, steady: s.Summary.steady, hours: s.Summary.hours}
	if own != told {
		r.fail("the head says something else of pool %d than its values", p.Pool)
	}
}

// plainField sets one of the last fields of a plain pool.
func (r *decoder) plainField(code uint64, s *Summaries, i int, samples []Sample, field func(*Sample) *license.Count) {
	if i < plainTerms || code == codeUnknown {
		return
	}
	if code == codeColumn {
		for k, v := range r.values(len(samples)) {
			*field(&samples[k]) = v
		}
		return
	}
	for k := range samples {
		*field(&samples[k]) = s.Summary.others[i-plainTerms]
	}
}

func (r *decoder) samples(rounds []Round) []Sample {
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
	at := r.start
	r.within("time since the step before", len(out), 0, DaySeconds-1, func(i int, v int64) {
		at += v
		if i > 0 && v == 0 || at >= r.start+DaySeconds {
			r.fail("step number %d is out of order or out of the day", i)
		}
		out[i].At = at
	})
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

// maxima reads the maxima of a pool.
func (r *decoder) maxima() []Maximum {
	n := r.count("maxima", DaySeconds)
	if !r.spend(n) {
		return nil
	}
	out := make([]Maximum, n)
	r.within("time since the maximum before", n, 0, DaySeconds, func(i int, v int64) { out[i].From = v })
	r.within("length of a maximum", n, 1, DaySeconds, func(i int, v int64) { out[i].To = v })
	r.within("value of a maximum", n, math.MinInt64, math.MaxInt64, func(i int, v int64) { out[i].InUse = v })
	r.within("flags of a maximum", n, 0, 3, func(i int, v int64) {
		out[i].Whole, out[i].Imported = v&flagWhole != 0, v&flagImported != 0
	})
	end := r.start
	for i := range out {
		m := &out[i]
		m.From += end
		m.To += m.From
		if end = m.To; end > r.start+DaySeconds {
			r.fail("maximum number %d is out of the day", i)
			return nil
		}
	}
	return out
}
