package series_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/series"
)

func TestDecodeReturnsWhatWasEncoded(t *testing.T) {
	check(t, func(t *rapid.T) {
		for _, d := range build(t, rapid.SliceOfN(records(), 0, 12).Draw(t, "records")) {
			got, err := series.Decode(series.Encode(d))
			if err != nil {
				t.Fatalf("Decode(Encode(%+v)): %v", d, err)
			}
			if diff := cmp.Diff(d, got); diff != "" {
				t.Fatalf("decoded (-want +got):\n%s", diff)
			}
		}
	})
}

func TestExtremeValuesSurviveTheBlock(t *testing.T) {
	at := series.DayStart(-5)
	var b series.Builder
	for i, n := range []int64{math.MaxInt64, math.MinInt64, 0, -1, math.MaxInt64} {
		b.AddRound(series.Round{At: at + int64(i), Hold: series.MaxHold}, []series.PoolSample{inUse(math.MaxInt64, n), inUse(math.MinInt64+1, -n)})
	}
	if err := b.AddSpan(math.MaxInt64, series.Span{From: at, To: at + series.DaySeconds}, math.MinInt64, nil); err != nil {
		t.Fatal(err)
	}
	want := b.Days()[0]
	got, err := series.Decode(series.Encode(want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

// oneDay is a day of a server with 8 pools, read every 15 minutes.
func oneDay(number int32) series.Day {
	var b series.Builder
	for i := range int64(96) {
		var values []series.PoolSample
		for pool := series.PoolID(1); pool <= 8; pool++ {
			s := inUse(pool, 20+(i*int64(pool)*7)%13)
			s.Installed = license.Of(100 * int64(pool))
			s.Overdraft = license.Of(10 * int64(pool))
			values = append(values, s)
		}
		b.AddRound(series.Round{At: series.DayStart(number) + 900*i + i%3, Hold: 1800, Complete: true}, values)
	}
	return b.Days()[0]
}

func TestBlockIsSmall(t *testing.T) {
	block := series.Encode(oneDay(day0))
	if perSample := float64(len(block)) / (96 * 8); perSample > 1.5 {
		t.Errorf("block of %d bytes: %.2f bytes for a sample, want at most 1.5", len(block), perSample)
	}
}

func TestDamageIsFound(t *testing.T) {
	block := series.Encode(oneDay(day0))
	for i := range block {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := append([]byte(nil), block...)
			bad[i] ^= flip
			if _, err := series.Decode(bad); err == nil {
				t.Fatalf("byte %d of %d changed by %#x: no error", i, len(block), flip)
			}
		}
		if _, err := series.Decode(block[:i]); err == nil {
			t.Fatalf("block cut to %d of %d bytes: no error", i, len(block))
		}
	}
}

// sealed adds the checksum to a block that was made by hand.
func sealed(content ...byte) []byte {
	return binary.LittleEndian.AppendUint32(content, crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)))
}

// divided makes a block by hand of its head and its body.
func divided(head, body string) []byte {
	return sealed(append([]byte{2, byte(len(head))}, head+body...)...)
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	const many = "\xff\xff\xff\xff\x0f"
	// The head of an even day with one reading in its first second that holds
	// for 8 seconds; its readings take 4 bytes of the body.
	const even, rounds = "\x00\x01\x01\x08\x00\x00\x00\x04", "\x00\x01\x00\x00"
	for _, c := range []struct {
		name  string
		block []byte
		want  string
	}{
		{"nothing", nil, "too short"},
		{"an older version", sealed(1, 0), "version 1"},
		{"a newer version", sealed(9, 0), "version 9"},
		{"a head cut off", []byte{2, 9, 0}, "within its head"},
		{"a wrong checksum", []byte{2, 1, 0, 0, 0, 0, 0, 0}, "damaged"},
		{"more behind the end", divided("\x00\x00\x01\x00", "\x00\x00"), "behind the end"},
		{"more behind the head", divided("\x00\x00\x01\x00\x00", "\x00"), "behind the summaries"},
		{"too many rounds", divided("\x00\x00\x05\x00", many), "rounds"},
		{"too many pools", divided("\x00\x00\x01"+many, "\x00"), "pools"},
		{"a number cut off", divided("\x80", ""), "ends within a number"},
		{"flags of another hub", divided("\x00\x05", ""), "flags 5"},
		{"an even day of no rounds", divided("\x00\x01\x00\x08\x00\x00\x00\x04\x00", ""), "without rounds"},
		{"another hold", divided("\x00\x01\x01\x08\x00\x01\x00\x04\x00", rounds), "something else of the readings"},
		{"a grid before the day", divided("\x00\x00\x06\x00", "\x01\x01\x01\x00\x00\x00"), "out of the day"},
		{"a hold of 0", divided("\x00\x00\x07\x00", "\x01\x00\x01\x00\x00\x04\x04"), "hold 0"},
		{"an unknown hold", divided("\x00\x00\x07\x00", "\x01\x00\x01\x00\x00\x00\x04"), "hold unknown"},
		{"a run past the end", divided("\x00\x00\x07\x00", "\x01\x00\x01\x00\x00\x05\x00"), "run"},
		{"an empty pool", divided("\x00\x00\x01\x01\x02\x00\x04", "\x00\x00\x00\x00\x00"), "empty"},
		{"a plain pool of an uneven day", divided("\x00\x00\x01\x01\x02\x81\x20\x00\x03", "\x00"), "not even"},
		{"a pool with values that the head denies", divided(even+"\x01\x02\x01\x02\x05\x00\x00\x00", rounds+"\x04\x00"), "its values"},
		{"a mask of another hub", divided("\x00\x00\x01\x01\x02\x02\x04", "\x00\x00\x00\x00\x00"), "mask 2"},
		{"pools out of order", divided("\x00\x00\x01\x02\x04\x00\x0a\x01\x00\x0a", "\x00"+strings.Repeat("\x00\x01\x00\x01\x00\x01\x04\x04\x04\x00", 2)), "stands after"},
		{"a span without a step", divided("\x00\x00\x01\x01\x02\x00\x07", "\x00\x00\x01\x00\x01\x00\x00\x00"), "no step"},
		{"a span of nothing", divided("\x00\x00\x01\x01\x02\x00\x07", "\x00\x00\x01\x00\x00\x00\x00\x00"), "span number 0"},
		{"a step in no span", divided("\x00\x00\x01\x01\x02\x00\x0d", "\x00\x00\x01\x00\x01\x00\x02\x04\x0c\x05\x00\x05\x00\x00"), "in no span"},
		{"a maximum of nothing", divided("\x00\x00\x01\x01\x02\x00\x08", "\x00\x00\x00\x00\x01\x04\x04\x04\x04"), "length of a maximum 0"},
	} {
		_, err := series.Decode(c.block)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// A decoded day can be relied on: it encodes to a block with the same day, and
// nothing that computes with it fails.
func FuzzDecode(f *testing.F) {
	f.Add(series.Encode(oneDay(day0))[1:])
	f.Add(series.Encode(series.Day{})[1:])
	var b series.Builder
	b.AddRound(series.Round{At: 5, Hold: 9, Complete: true, Imported: true}, []series.PoolSample{inUse(3, 4), {Pool: 4}})
	if err := b.AddSpan(3, series.Span{From: 3, To: 99, Exact: true}, 4, []series.Step{{At: 50, InUse: 2, High: 8}}); err != nil {
		f.Fatal(err)
	}
	f.Add(series.Encode(b.Days()[0])[1:])
	f.Fuzz(func(t *testing.T, content []byte) {
		// The checksum is made right: a fuzzer would hardly ever guess it.
		content = content[:max(0, len(content)-crc32.Size)]
		block := sealed(append([]byte{2}, content...)...)
		look(block)
		d, err := series.Decode(block)
		if err != nil {
			return
		}
		again, err := series.Decode(series.Encode(d))
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		if diff := cmp.Diff(d, again); diff != "" {
			t.Fatalf("decoded twice (-first +second):\n%s", diff)
		}
		from := series.DayStart(d.Number)
		series.Merge(d, again)
		for _, p := range d.Pools {
			series.Pieces([]series.Day{d}, p.Pool, series.Frame{From: from, To: from + series.DaySeconds, UpTo: from})
			sameNewest(t, d, p.Pool)
		}
	})
}

// sameNewest fails where the head of a day's block tells other newest values of a
// pool than its days do. It returns whether the head tells them.
func sameNewest(t rapid.TB, d series.Day, pool series.PoolID) bool {
	t.Helper()
	want, ok, gone := series.Latest([]series.Day{d}, pool, math.MaxInt64)
	head, _, err := series.Split(series.Encode(d))
	if err != nil {
		t.Fatal(err)
	}
	var v series.View
	if err := v.Open(head, nil); err != nil {
		t.Fatal(err)
	}
	got, told := v.Newest(pool)
	if told && (got != want || !ok || gone) {
		t.Errorf("pool %d: the head tells %+v, the day %+v (told %v, gone %v)", pool, got, want, ok, gone)
	}
	return told
}

func TestHeadTellsTheNewestValues(t *testing.T) {
	check(t, func(t *rapid.T) {
		for _, d := range build(t, rapid.SliceOfN(records(), 0, 12).Draw(t, "records")) {
			for _, p := range d.Pools {
				sameNewest(t, d, p.Pool)
			}
		}
	})
	plain := oneDay(day0)
	for _, p := range plain.Pools {
		if !sameNewest(t, plain, p.Pool) {
			t.Errorf("the head of an ordinary day does not tell the newest values of pool %d", p.Pool)
		}
	}
}

func TestLeanHeadTellsTheSameUse(t *testing.T) {
	head, body, err := series.Split(series.Encode(oneDay(day0)))
	if err != nil {
		t.Fatal(err)
	}
	lean := series.AppendLean(nil, head)
	if len(lean) == 0 || len(lean) >= len(head) {
		t.Fatalf("lean head of %d bytes, from %d", len(lean), len(head))
	}
	var whole, less series.View
	if err := errors.Join(whole.Open(head, body), less.Open(lean, body)); err != nil {
		t.Fatal(err)
	}
	at, _, _ := whole.Instants(nil, 0, series.DaySeconds)
	atLean, _, ok := less.Instants(nil, 0, series.DaySeconds)
	if !ok || !slices.Equal(at, atLean) {
		t.Errorf("instants %v, want %v", atLean, at)
	}
	for pool := series.PoolID(1); pool <= 8; pool++ {
		p, _ := whole.Find(pool)
		q, ok := less.Find(pool)
		use, _ := whole.InUse(p, nil, len(at))
		useLean, read := less.InUse(q, nil, len(at))
		if !ok || !read || !slices.Equal(use, useLean) {
			t.Errorf("pool %d: %v, want %v", pool, useLean, use)
		}
	}
	var b series.Builder
	b.AddRound(series.Round{At: 5, Hold: 9}, []series.PoolSample{{Pool: 4}}) // its use is not told
	head, _, err = series.Split(series.Encode(b.Days()[0]))
	if lean := series.AppendLean(nil, head); err != nil || !slices.Equal(lean, head) {
		t.Errorf("lean head of a pool that is not plain: %v, %v, want all of it", lean, err)
	}
}

// look asks a view of a block for all that it can tell.
func look(block []byte) {
	head, body, err := series.Split(block)
	if err != nil {
		return
	}
	var v series.View
	if v.Open(head, body) != nil {
		return
	}
	series.AppendLean(nil, head)
	v.Instants(nil, 0, series.DaySeconds)
	at, _, _ := v.Instants(nil, 3000, 4000)
	s := v.Summaries()
	for n := 0; n < 3 && s.Next(); n++ { // what each of many costs is not the question
		s.Summary.Hours()
		if s.Place.Plain {
			v.InUse(s.Place, nil, len(at))
		}
		if p, ok := v.Find(s.Place.Pool); ok && p.Plain {
			v.InUse(p, nil, len(at))
		}
		if _, err := v.PoolOf(s.Place.Pool); err != nil {
			return
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	day := oneDay(day0)
	b.ReportAllocs()
	for b.Loop() {
		series.Encode(day)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(96*8), "ns/sample")
}

// What a peak does with each license server's day: when it was read, and the
// use of one pool.
func BenchmarkView(b *testing.B) {
	head, body, err := series.Split(series.Encode(oneDay(day0)))
	if err != nil {
		b.Fatal(err)
	}
	var v series.View
	var at, use []uint32
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Open(head, body); err != nil {
			b.Fatal(err)
		}
		p, _ := v.Find(4)
		at, _, _ = v.Instants(at, 0, series.DaySeconds)
		use, _ = v.InUse(p, use, len(at))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/96, "ns/sample")
}

func BenchmarkDecode(b *testing.B) {
	block := series.Encode(oneDay(day0))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := series.Decode(block); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(96*8), "ns/sample")
}

func BenchmarkPieces(b *testing.B) {
	days := []series.Day{oneDay(day0 - 1), oneDay(day0)}
	from := series.DayStart(day0)
	b.ReportAllocs()
	for b.Loop() {
		for pool := series.PoolID(1); pool <= 8; pool++ {
			series.Pieces(days, pool, series.Frame{From: from, To: from + series.DaySeconds, UpTo: from + series.DaySeconds, After: series.Pending})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(96*8), "ns/sample")
}
