package series

import (
	"encoding/binary"
	"math/bits"
)

// group is how many packed numbers share a width.
const group = 16

// widths are the numbers of bits that a group may have for each of its values;
// a block names them by their index. They are such that a group is read in few
// words of eight bytes: eight values of up to 8 bits begin on a whole byte, as
// do four of up to 16 and two of the others.
var widths = [16]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32}

// widthIndex is the index of the smallest width that holds so many bits.
var widthIndex = func() (index [33]uint8) {
	for n := range index {
		for int(widths[index[n]]) < n {
			index[n]++
		}
	}
	return index
}()

// appendPacked appends numbers: the width indexes of the groups, two in a byte,
// lower half first, then the values of all groups, lowest bit first.
func appendPacked(buf []byte, values []uint32) []byte {
	at := len(buf)
	buf = append(buf, make([]byte, (groups(len(values))+1)/2)...)
	for g := 0; g*group < len(values); g++ {
		part := values[g*group : min((g+1)*group, len(values))]
		all := uint32(0)
		for _, v := range part {
			all |= v
		}
		index := widthIndex[bits.Len32(all)]
		buf[at+g/2] |= index << (g % 2 * 4)
		buf = appendBits(buf, part, widths[index])
	}
	return buf
}

func groups(n int) int { return (n + group - 1) / group }

func appendBits(buf []byte, values []uint32, width uint8) []byte {
	if width == 0 {
		return buf
	}
	word, filled := uint64(0), uint8(0)
	for _, v := range values {
		word |= uint64(v) << filled
		filled += width
		for filled >= 8 {
			buf = append(buf, byte(word))
			word >>= 8
			filled -= 8
		}
	}
	if filled > 0 {
		buf = append(buf, byte(word))
	}
	return buf
}

// unpack reads of n packed numbers those from number lo on, which is a multiple
// of group: as many as out has room for. It returns what follows them; ok is false
// where the bytes end before. What out has room for beyond its length, up to a
// whole group, is overwritten.
func unpack(out []uint32, lo, n int, src []byte) (rest []byte, ok bool) {
	table := (groups(n) + 1) / 2
	if len(src) < table {
		return nil, false
	}
	indexes, src := src[:table], src[table:]
	first := lo / group
	for g := range first + groups(len(out)) {
		width := int(widths[indexes[g/2]>>(g%2*4)&15])
		size := (min(group, n-g*group)*width + 7) / 8
		if len(src) < size {
			return nil, false
		}
		if to := (g - first) * group; g < first {
			// not asked for
		} else if to+group <= cap(out) {
			unpackGroup((*[group]uint32)(out[to:to+group]), src, width)
		} else {
			var part [group]uint32
			unpackGroup(&part, src, width)
			copy(out[to:], part[:])
		}
		src = src[size:]
	}
	return src, true
}

// unpackGroup reads the values of one group. Behind the end of src are zeros.
func unpackGroup(out *[group]uint32, src []byte, width int) {
	var tail [group*4 + 8]byte
	if len(src) < 2*width+8 { // a word must not reach beyond the end
		copy(tail[:], src)
		src = tail[:]
	}
	switch mask := uint64(1)<<width - 1; {
	case width == 0:
		*out = [group]uint32{}
	case width <= 8:
		unpackWord((*[8]uint32)(out[:8]), binary.LittleEndian.Uint64(src), mask, width)
		unpackWord((*[8]uint32)(out[8:]), binary.LittleEndian.Uint64(src[width:]), mask, width)
	case width <= 16:
		for i := range 4 {
			word := binary.LittleEndian.Uint64(src[i*width/2:])
			for k := range 4 {
				out[4*i+k] = uint32(word >> (k * width) & mask)
			}
		}
	default:
		for i := range 8 {
			word := binary.LittleEndian.Uint64(src[i*width/4:])
			out[2*i], out[2*i+1] = uint32(word&mask), uint32(word>>width&mask)
		}
	}
}

// unpackWord reads eight values of one word.
func unpackWord(out *[8]uint32, word, mask uint64, width int) {
	w := uint(width) & 63
	out[0] = uint32(word & mask)
	word >>= w
	out[1] = uint32(word & mask)
	word >>= w
	out[2] = uint32(word & mask)
	word >>= w
	out[3] = uint32(word & mask)
	word >>= w
	out[4] = uint32(word & mask)
	word >>= w
	out[5] = uint32(word & mask)
	word >>= w
	out[6] = uint32(word & mask)
	word >>= w
	out[7] = uint32(word & mask)
}

// zigzag makes small numbers of both signs small numbers.
func zigzag(x int64) uint64   { return uint64(x<<1) ^ uint64(x>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
