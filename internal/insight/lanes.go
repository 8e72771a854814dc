package insight

import "encoding/binary"

// laneRows is how many rows of bytes can be added up in lanes of 16 bits.
const laneRows = 1<<16/(1<<8-1) - 1

// evenBytes are the bytes of a word that go into the first of its two words of
// lanes.
const evenBytes = 0x00FF00FF00FF00FF

// Lanes add up rows of bytes, eight bytes at a time: for each word of a row there
// are two of four lanes each. They hold the sum of no more than laneRows rows.
type lanes [2]uint64

// add adds a row, whose length is eight bytes for each of the lanes.
func addRow(to []lanes, row []byte) {
	for k := range to {
		word := binary.LittleEndian.Uint64(row[8*k:])
		to[k][0] += word & evenBytes
		to[k][1] += word >> 8 & evenBytes
	}
}

// drain adds what is in the lanes to a sum, each multiplied, and empties them.
func drain(from []lanes, times int64, to []int64) {
	for k := range from {
		even, odd := from[k][0], from[k][1]
		for q := 8 * k; q < 8*k+8; q += 2 {
			to[q] += times * int64(even&0xFFFF)
			to[q+1] += times * int64(odd&0xFFFF)
			even, odd = even>>16, odd>>16
		}
		from[k] = lanes{}
	}
}
