package series

import (
	"math/bits"

	"headroom/internal/license"
)

// The bits of the flags of a head.
const (
	headEven     = 1 // see isEven
	headComplete = 2 // there is a complete reading
)

// The bits of a pool's mask. Without maskPlain there are no others.
const (
	maskPlain  = 1
	maskState  = 2 // the state is not Counted and is told
	maskFields = 2 // where the codes of plainFields begin, two bits each
	maskSteady = 1 << 12
)

// The codes of a field of a plain pool.
const (
	codeUnknown = iota // in all samples
	codeZero           // in all
	codeValue          // the same in all; the head has it
	codeColumn         // it differs; the body has it
)

// plainFields are the counts of a plain pool beside its use, in the order of
// the mask. All but the last two are the same all day: they are its terms.
var plainFields = [...]func(*Sample) *license.Count{
	func(s *Sample) *license.Count { return &s.Installed },
	func(s *Sample) *license.Count { return &s.Overdraft },
	func(s *Sample) *license.Count { return &s.Reserved },
	func(s *Sample) *license.Count { return &s.Borrowed },
	func(s *Sample) *license.Count { return &s.Queued },
}

// plainTerms is how many of plainFields are terms.
const plainTerms = 3

// maxPlain is the highest use and the highest count of a plain pool.
const maxPlain = 1<<31 - 1

// isPlain says whether a pool's day is an ordinary one: a sample at each of
// the day's readings, all of them with the same terms and a use that is told,
// and nothing else.
func isPlain(p *PoolDay, rounds int) bool {
	if len(p.Samples) != rounds || len(p.Spans)+len(p.Maxima) > 0 {
		return false
	}
	terms := termsOf(&p.Samples[0])
	for i := range p.Samples {
		s := &p.Samples[i]
		if !s.InUse.Known || !isSmall(s.InUse) || termsOf(s) != terms {
			return false
		}
	}
	return isSmall(terms.Installed) && isSmall(terms.Overdraft) && isSmall(terms.Reserved)
}

func isSmall(c license.Count) bool { return c.N >= 0 && c.N <= maxPlain }

// codeOf returns the code of a field and its value.
func codeOf(samples []Sample, field func(*Sample) *license.Count) (code uint64, n int64) {
	first := *field(&samples[0])
	for i := range samples {
		if *field(&samples[i]) != first {
			return codeColumn, 0
		}
	}
	switch {
	case !first.Known:
		return codeUnknown, 0
	case first.N == 0:
		return codeZero, 0
	case isSmall(first):
		return codeValue, first.N
	}
	return codeColumn, 0
}

// A spread says when the readings of an even day were.
type spread struct {
	n                 int
	hold, first, last int64
	lost              int64 // seconds between first and last in which no reading holds
}

func spreadOf(rounds []Round) spread {
	s := spread{n: len(rounds), hold: rounds[0].Hold, first: rounds[0].At, last: rounds[len(rounds)-1].At}
	for i := range rounds[1:] {
		s.lost += max(0, rounds[i+1].At-rounds[i].At-s.hold)
	}
	return s
}

// A summary is what a head says of a plain pool's use.
type summary struct {
	max, last int64
	steady    bool // it is max all the time
	hours     hours
}

// hours bound the use of a plain pool from above hour by hour: max less below
// << shift.
type hours struct {
	shift uint8
	below [24]uint8 // at most 31
}

const maxBelow = 31

// summaryOf sums up the use of a plain pool.
func summaryOf(rounds []Round, samples []Sample) summary {
	s := summary{last: samples[len(samples)-1].InUse.N, steady: true}
	for i := range samples {
		s.max = max(s.max, samples[i].InUse.N)
		s.steady = s.steady && samples[i].InUse == samples[0].InUse
	}
	start := DayStart(DayOf(rounds[0].At))
	var highest [24]int64
	for i, r := range rounds {
		until := min(r.At+r.Hold, start+DaySeconds)
		if i+1 < len(rounds) {
			until = min(until, rounds[i+1].At)
		}
		use := samples[i].InUse.N
		for h := (r.At - start) / 3600; h <= (until-1-start)/3600; h++ {
			highest[h] = max(highest[h], use)
		}
	}
	if !s.steady {
		s.hours = hoursOf(s.max, &highest)
	}
	return s
}

// hoursOf rounds the highest use of each hour up.
func hoursOf(highest int64, each *[24]int64) (h hours) {
	most := int64(0)
	for _, v := range each {
		most = max(most, highest-v)
	}
	h.shift = uint8(max(0, bits.Len64(uint64(most))-bits.Len8(maxBelow)))
	for i, v := range each {
		h.below[i] = uint8((highest - v) >> h.shift)
	}
	return h
}

// summary writes a summary.
func (b *buffer) summary(s *summary) {
	b.uvarint(uint64(s.max))
	if s.steady {
		return
	}
	b.uvarint(uint64(s.max - s.last))
	width := uint8(0)
	var below [24]uint32
	for i, v := range s.hours.below {
		width = max(width, uint8(bits.Len8(v)))
		below[i] = uint32(v)
	}
	*b = append(*b, s.hours.shift<<3|width)
	*b = appendBits(*b, below[:], width)
}
