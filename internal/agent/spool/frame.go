package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A file holds a frame: four bytes of magic, the length of the content and
// its CRC-32C, both little-endian, and the content.
const (
	magic     = "HSP1"
	frameHead = 12
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errDamaged means that a file is not what was written.
var errDamaged = errors.New("damaged on disk")

func frame(content []byte) []byte {
	b := make([]byte, frameHead, frameHead+len(content))
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(content)))
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(content, castagnoli))
	return append(b, content...)
}

// unframe returns the content, which shares memory with b.
func unframe(b []byte) ([]byte, error) {
	if len(b) < frameHead || string(b[:4]) != magic {
		return nil, errDamaged
	}
	content := b[frameHead:]
	if binary.LittleEndian.Uint32(b[4:]) != uint32(len(content)) ||
		binary.LittleEndian.Uint32(b[8:]) != crc32.Checksum(content, castagnoli) {
		return nil, errDamaged
	}
	return content, nil
}
