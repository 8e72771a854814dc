package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sameBlocks are two lists of blocks told apart by what a pack keeps.
var sameBlocks = cmp.Options{cmp.AllowUnexported(block{}), cmp.Transformer("text", func(b []byte) string { return string(b) })}

var packedKey = packKey{org: 7, day: 20_500, part: 3}

func packedBlocks() []block {
	blocks := []block{
		{server: 768, version: 1, head: []byte("first"), body: []byte("body")},
		{server: 769, version: 1 << 40, head: nil, body: []byte("no head")},
		{server: 1023, version: 0, head: bytes.Repeat([]byte("long"), maxPacked/4), body: nil},
	}
	for i := range blocks {
		blocks[i].day, blocks[i].size = packedKey.day, len(blocks[i].body)
	}
	return blocks
}

func TestPackIsReadAsItWasWritten(t *testing.T) {
	for n := range len(packedBlocks()) + 1 {
		want := packedBlocks()[:n]
		heads, bodies := packedKey.encode(want)
		got, err := packedKey.decode(nil, heads)
		if err == nil {
			err = packedKey.fill(got, bodies)
		}
		if err != nil {
			t.Fatalf("%d blocks: %v", n, err)
		}
		if d := cmp.Diff(got, want, sameBlocks); n > 0 && d != "" {
			t.Errorf("%d blocks (-got +want):\n%s", n, d)
		}
	}
}

func TestDamagedPackIsRefusedByName(t *testing.T) {
	blocks := packedBlocks()[:2]
	heads, bodies := packedKey.encode(blocks)
	check := func(what string, heads, bodies []byte) {
		t.Helper()
		got, err := packedKey.decode(nil, heads)
		if err == nil {
			err = packedKey.fill(got, bodies)
		}
		if !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "organisation 7, day 20500, part 3") {
			t.Errorf("%s: error %v, want errDamaged with organisation, day and part", what, err)
		}
	}
	for n := range heads {
		check("heads cut", heads[:n], bodies)
	}
	for n := range bodies {
		check("bodies cut", heads, bodies[:n])
	}
	check("a byte more of bodies", heads, append(bytes.Clone(bodies), 0))
	for i := 1; i < len(heads); i++ {
		bad := bytes.Clone(heads)
		bad[i] ^= 4
		check("a bit changed", bad, bodies)
	}
	for what, content := range map[string][]byte{
		"more blocks than a part has": {packVersion, 0x81, 2},
		"more blocks than bytes":      {packVersion, 9, 0, 0, 0, 0},
		"server out of its part":      {packVersion, 2, 255, 1, 0, 0, 0, 1, 0, 0, 0},
		"server twice":                {packVersion, 2, 1, 0, 0, 0, 0, 0, 0, 0},
		"head longer than the pack":   {packVersion, 1, 1, 0, 5, 0},
		"body longer than a block":    {packVersion, 1, 1, 0, 0, 0x81, 0x80, 4},
		"a byte too much":             {packVersion, 0, 0},
	} {
		check(what, sum(content), nil)
	}
}

// sum appends the checksum of heads.
func sum(heads []byte) []byte {
	return binary.LittleEndian.AppendUint32(heads, crc32.Checksum(heads, castagnoli))
}

// Whatever the bytes are, reading them ends, and what is read says the same
// when it is written again.
func FuzzPack(f *testing.F) {
	heads, bodies := packedKey.encode(packedBlocks()[:2])
	f.Add(heads[:len(heads)-crc32.Size], bodies)
	f.Add([]byte{packVersion, 0}, []byte{})
	f.Fuzz(func(t *testing.T, heads, bodies []byte) {
		blocks, err := packedKey.decode(nil, sum(bytes.Clone(heads)))
		if err != nil || packedKey.fill(blocks, bodies) != nil {
			return
		}
		heads, bodies = packedKey.encode(blocks)
		again, err := packedKey.decode(nil, heads)
		if err == nil {
			err = packedKey.fill(again, bodies)
		}
		if d := cmp.Diff(again, blocks, sameBlocks); err != nil || d != "" {
			t.Errorf("read again: %v (-got +want):\n%s", err, d)
		}
	})
}
