package insight

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"headroom/internal/license"
)

// A Level is for how many seconds a sum was at one value.
type Level struct{ Value, Seconds int64 }

// Levels say for how long a sum was at each of its values, ascending by value.
// They are what a duration curve is drawn of. Only seconds count in which
// something is known.
type Levels []Level

// Seconds returns how many seconds there are.
func (l Levels) Seconds() (n int64) {
	for _, level := range l {
		n += level.Seconds
	}
	return n
}

// Percentile returns the lowest value that was not exceeded for at least
// percent of the time; unknown where there is no time.
func (l Levels) Percentile(percent int64) license.Count {
	need := percent * l.Seconds()
	seconds := int64(0)
	for _, level := range l {
		if seconds += level.Seconds; 100*seconds >= need {
			return license.Of(level.Value)
		}
	}
	return license.Count{}
}

// A PackedLevels is Levels in few bytes: two or three for each as a rule.
type PackedLevels []byte

// Pack returns the levels in few bytes.
func (l Levels) Pack() PackedLevels {
	var out PackedLevels
	before := int64(0)
	for _, level := range l {
		out = binary.AppendVarint(out, level.Value-before)
		out = binary.AppendUvarint(out, uint64(level.Seconds))
		before = level.Value
	}
	return out
}

// Levels is the inverse of Pack.
func (p PackedLevels) Levels() (out Levels) {
	ends := 0 // of numbers: their last byte is below 0x80
	for _, b := range p {
		ends += int(^b >> 7)
	}
	if ends > 0 {
		out = make(Levels, 0, ends/2)
	}
	value := int64(0)
	for len(p) > 0 {
		more, n := binary.Varint(p)
		seconds, k := binary.Uvarint(p[n:])
		value += more
		out = append(out, Level{value, int64(seconds)})
		p = p[n+k:]
	}
	return out
}

// JoinLevels returns the levels of all of some times together.
func JoinLevels(parts ...Levels) Levels {
	if len(parts) == 1 {
		return parts[0]
	}
	var h histogram
	for _, l := range parts {
		for _, level := range l {
			h.add(level.Value, level.Seconds)
		}
	}
	return h.take()
}

// A histogram counts seconds by value. Small values have a place each, which
// is quick; the others are in a map.
type histogram struct {
	small     []int64
	low, high int64 // of the places that are in use; low > high: none
	large     map[int64]int64
}

// smallValues is how many values have a place of their own.
const smallValues = 1 << 17

func (h *histogram) add(value, seconds int64) {
	if uint64(value) >= uint64(len(h.small)) && !h.grow(value) {
		if h.large == nil {
			h.large = make(map[int64]int64)
		}
		h.large[value] += seconds
		return
	}
	h.low, h.high = min(h.low, value), max(h.high, value)
	h.small[value] += seconds
}

// grow makes room for a value; false if it is not a small one.
func (h *histogram) grow(value int64) bool {
	if value < 0 || value >= smallValues {
		return false
	}
	if h.small == nil {
		h.low, h.high = smallValues, -1
	}
	size := max(1024, len(h.small))
	for int64(size) <= value {
		size *= 2
	}
	h.small = append(h.small, make([]int64, size-len(h.small))...)
	return true
}

// any says whether anything was counted.
func (h *histogram) any() bool { return h.low <= h.high && h.small != nil || len(h.large) > 0 }

// moveTo adds all to another histogram and empties this one.
func (h *histogram) moveTo(to *histogram) {
	if h.small != nil && h.low <= h.high {
		if h.high >= int64(len(to.small)) {
			to.grow(h.high)
		}
		to.low, to.high = min(to.low, h.low), max(to.high, h.high)
		from := h.small[h.low : h.high+1]
		for i, seconds := range from {
			to.small[h.low+int64(i)] += seconds
		}
		clear(from)
		h.low, h.high = smallValues, -1
	}
	for v, seconds := range h.large {
		to.add(v, seconds)
	}
	clear(h.large)
}

// percentile is Levels.Percentile of what is counted, which is of so many seconds
// in all.
func (h *histogram) percentile(percent, all int64) license.Count {
	if all == 0 {
		return license.Count{}
	}
	// The lowest value of those that less than the rest of the time is above.
	above, out := int64(0), int64(0)
	fits := func(value, seconds int64) bool {
		if seconds == 0 {
			return true
		}
		if 100*above > (100-percent)*all {
			return false
		}
		above, out = above+seconds, value
		return true
	}
	for _, v := range slices.Backward(slices.Sorted(maps.Keys(h.large))) {
		if !fits(v, h.large[v]) {
			return license.Of(out)
		}
	}
	for v := h.high; v >= h.low && h.small != nil && fits(v, h.small[v]); v-- {
		continue
	}
	return license.Of(out)
}

// least returns the lowest value that was counted; unknown if there is none.
func (h *histogram) least() (out license.Count) {
	for v := h.low; v <= h.high && h.small != nil; v++ {
		if h.small[v] > 0 {
			out = license.Of(v)
			break
		}
	}
	for v, seconds := range h.large {
		if seconds > 0 && (!out.Known || v < out.N) {
			out = license.Of(v)
		}
	}
	return out
}

// take returns the levels and empties the histogram.
func (h *histogram) take() Levels {
	n := len(h.large)
	for v := h.low; v <= h.high && h.small != nil; v++ {
		if h.small[v] > 0 {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	out := make(Levels, 0, n)
	for v := h.low; v <= h.high && h.small != nil; v++ {
		if h.small[v] > 0 {
			out = append(out, Level{v, h.small[v]})
			h.small[v] = 0
		}
	}
	h.low, h.high = smallValues, -1
	if len(h.large) > 0 {
		for _, v := range slices.Sorted(maps.Keys(h.large)) {
			out = append(out, Level{v, h.large[v]})
		}
		slices.SortFunc(out, func(a, b Level) int { return cmp.Compare(a.Value, b.Value) })
		clear(h.large)
	}
	return out
}
