package series

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"headroom/internal/license"
)

// Split divides a block into its head, which sums it up, and its body, which
// has the values and the checksum of both. Neither is copied, and nothing is
// checked but that there is a head of the length that the block says.
func Split(block []byte) (head, body []byte, err error) {
	if len(block) == 0 {
		return nil, nil, errors.New("day block of 0 bytes: too short")
	}
	if block[0] != blockVersion {
		return nil, nil, fmt.Errorf("day block of version %d: this hub knows version %d", block[0], blockVersion)
	}
	n, size := binary.Uvarint(block[1:])
	if size <= 0 || n > uint64(len(block)-1-size) {
		return nil, nil, fmt.Errorf("day block of %d bytes: ends within its head", len(block))
	}
	at := 1 + size + int(n)
	return block[:at:at], block[at:], nil
}

// checkSum checks the checksum of a block that was divided.
func checkSum(head, body []byte) error {
	n := len(body) - crc32.Size
	if n < 0 {
		return errors.New("too short")
	}
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, body[:n])
	if sum != binary.LittleEndian.Uint32(body[n:]) {
		return errors.New("checksum does not match: the block is damaged")
	}
	return nil
}

// A View reads of a block what is asked for, and nothing else. What it says of
// a damaged block means nothing, but it does no harm; whoever takes blocks from
// a store checks them once with Check.
type View struct {
	spread
	day       int32
	even      bool
	complete  bool
	rounds    int    // bytes of the rounds in the body
	pools     int    // how many there are
	directory []byte // what follows in the head
	body      []byte
}

// Check checks the checksum of a block that was divided.
func Check(head, body []byte) error {
	if err := checkSum(head, body); err != nil {
		return fmt.Errorf("day block of %d bytes: %w", len(head)+len(body), err)
	}
	return nil
}

// Open makes the View one of a block. The body may be nil where only the
// summaries are asked for. Neither is copied.
func (v *View) Open(head, body []byte) error {
	*v = View{body: body}
	inner, _, err := Split(head)
	if err != nil {
		return err
	}
	_, size := binary.Uvarint(inner[1:])
	r := decoder{rest: inner[1+size:]}
	number := r.varint()
	if number < math.MinInt32 || number > math.MaxInt32 {
		r.fail("day %d does not exist", number)
	}
	v.day = int32(number)
	flags := r.uvarint()
	v.even, v.complete = flags&headEven != 0, flags&headComplete != 0
	if flags > headEven|headComplete {
		r.fail("flags %d", flags)
	}
	if v.even {
		start := DayStart(v.day)
		v.n = r.count("rounds", DaySeconds)
		v.hold = int64(r.count("seconds of hold", MaxHold))
		v.first = start + int64(r.count("seconds before the first round", DaySeconds-1))
		v.last = v.first + int64(r.count("seconds between the first round and the last", int(start+DaySeconds-1-v.first)))
		v.lost = int64(r.count("lost seconds", DaySeconds))
		if v.n == 0 || v.hold == 0 {
			r.fail("an even day without rounds or hold")
		}
	}
	v.rounds = r.count("bytes of rounds", math.MaxInt32)
	v.pools = r.count("pools", len(r.rest))
	v.directory = r.rest
	if r.err != nil {
		return fmt.Errorf("head of a day block: %w", r.err)
	}
	return nil
}

// AppendLean appends the head of a block without its summaries, which is enough
// for Readings, Find, Instants and InUse. Of a block with a pool that is not plain,
// and takes more than that, it appends the head as it is.
func AppendLean(to, head []byte) []byte {
	var v View
	if v.Open(head, nil) != nil {
		return append(to, head...)
	}
	r := decoder{rest: v.directory}
	var p Place
	for range v.pools {
		if r.place(&p); !p.Plain || r.err != nil {
			return append(to, head...)
		}
	}
	_, size := binary.Uvarint(head[1:])
	inner := head[1+size : len(head)-len(r.rest)]
	to = binary.AppendUvarint(append(to, blockVersion), uint64(len(inner)))
	return append(to, inner...)
}

// Day returns the number of the UTC day.
func (v *View) Day() int32 { return v.day }

// Complete says whether the day has a complete reading.
func (v *View) Complete() bool { return v.complete }

// Readings says when the readings of an even day were: the first and the last
// one, how long each holds, and how many seconds between them are lost since
// none holds. ok is false for a day whose readings are not alike, and for one
// without any.
func (v *View) Readings() (first, last, hold, lost int64, ok bool) {
	return v.first, v.last, v.hold, v.lost, v.even
}

// A Place is where a pool stands in a block.
type Place struct {
	Pool  PoolID
	Plain bool // a sample at each reading of an even day, with the same Terms, and nothing else
	mask  uint64
	from  int // of its bytes in the body
	to    int
}

// Find looks a pool up; ok is false where the day has nothing of it.
func (v *View) Find(pool PoolID) (p Place, ok bool) {
	r := decoder{rest: v.directory}
	p.to = v.rounds
	for range v.pools {
		r.place(&p)
		if p.Pool >= pool {
			break
		}
	}
	return p, p.Pool == pool && r.err == nil && p.to <= len(v.body)
}

// place reads the next entry of a directory.
func (r *decoder) place(p *Place) {
	p.Pool += PoolID(r.varint())
	p.mask = r.uvarint()
	p.Plain = p.mask&maskPlain != 0
	p.from = p.to
	p.to += r.count("bytes of a pool", math.MaxInt32)
}

// Instants reads when readings of the day were, in seconds of the day: those that
// matter from one second to another. First is the number of the first of them; of
// an even day it is the last one not behind from, or the day's first. The last is
// the first one at or behind to, or the day's last. Of a day that is not even they
// are all. The slice is used again if it is large enough.
func (v *View) Instants(out []uint32, from, to int64) (at []uint32, first int, ok bool) {
	r := decoder{rest: v.body[:min(v.rounds, len(v.body))], start: DayStart(v.day)}
	if !v.even {
		out = resized(out, r.count("rounds", DaySeconds))
		r.instants(out, 0, len(out))
		return out, 0, r.err == nil
	}
	lo, hi := v.near(from, to)
	for {
		again := r
		out = resized(out, hi-lo)
		again.instants(out, lo, v.n)
		switch {
		case again.err != nil:
			return nil, 0, false
		case lo > 0 && int64(out[0]) > from:
			lo = max(0, lo-group)
		case hi < v.n && int64(out[len(out)-1]) < to:
			hi = min(v.n, hi+group)
		default:
			return out, lo, true
		}
	}
}

// near guesses which readings of an even day matter from one second to another:
// they are nearly a grid. The first is that of a group.
func (v *View) near(from, to int64) (lo, hi int) {
	if v.n < 2 || v.last <= v.first {
		return 0, v.n
	}
	first := v.first - DayStart(v.day)
	place := func(at int64) int { return int(int64(v.n-1) * (at - first) / (v.last - v.first)) }
	lo = min(max(0, place(from)), v.n-1) / group * group
	return lo, min(v.n, max(lo+1, place(to)+2))
}

// InUse reads the use of a plain pool at the first readings of the day, as many as
// are asked for. The slice is used again if it is large enough.
func (v *View) InUse(p Place, out []uint32, readings int) (values []uint32, ok bool) {
	if p.to > len(v.body) || readings > v.n {
		return nil, false
	}
	r := decoder{rest: v.body[p.from:p.to]}
	out = resized(out, readings)
	r.inUse(out, v.n, p.mask&maskSteady != 0)
	return out, r.err == nil
}

// resized returns a slice with room for whole groups.
func resized(s []uint32, n int) []uint32 {
	if cap(s) < groups(n)*group+1 {
		return make([]uint32, n, groups(n)*group+1)
	}
	return s[:n]
}

// A Summary is what the head of a block says of a plain pool.
type Summary struct {
	Terms  Terms
	Max    int64 // highest use of the day's readings
	Last   int64 // use at the last one
	hours  hours
	steady bool
	others [len(plainFields) - plainTerms]license.Count // where they are the same all day
}

// Hours bounds the use in each hour of the day from above, as far as the day's
// own readings tell it.
func (s *Summary) Hours() (out [24]int64) {
	for h := range out {
		out[h] = s.Max
		if !s.steady {
			out[h] -= int64(s.hours.below[h]) << s.hours.shift
		}
	}
	return out
}

// Below is Hours in few bits: the bound of hour h is Max - below[h] << shift.
func (s *Summary) Below() (below [24]uint8, shift uint8) {
	return s.hours.below, s.hours.shift // of a steady pool nothing is below
}

// Summaries goes through the pools of a block's head, ascending.
type Summaries struct {
	Place   Place
	Summary Summary // of a plain pool

	places, own decoder
	left        int
}

// Summaries begins before the first pool.
func (v *View) Summaries() Summaries {
	s := Summaries{places: decoder{rest: v.directory}, own: decoder{rest: v.directory}, left: v.pools}
	s.Place.to = v.rounds
	// The summaries stand behind the directory.
	var p Place
	for range v.pools {
		s.own.place(&p)
	}
	return s
}

// Next goes to the next pool; false at the end, and where the head is damaged.
func (s *Summaries) Next() bool {
	if s.left == 0 {
		return false
	}
	s.left--
	s.places.place(&s.Place)
	if s.Place.Plain {
		s.own.summary(s.Place.mask, &s.Summary)
	}
	return s.Err() == nil
}

// Err returns what is wrong with the head.
func (s *Summaries) Err() error { return errors.Join(s.places.err, s.own.err) }

// summary reads what the head says of a plain pool.
func (r *decoder) summary(mask uint64, s *Summary) {
	*s = Summary{steady: mask&maskSteady != 0}
	s.Terms.State = license.StateCounted
	if mask&maskState != 0 {
		s.Terms.State = license.State(r.count("as state", int(license.StateError)))
	}
	terms := [plainTerms]*license.Count{&s.Terms.Installed, &s.Terms.Overdraft, &s.Terms.Reserved}
	for i := range plainFields {
		var c license.Count
		switch code := mask >> (maskFields + 2*i) & 3; code {
		case codeZero:
			c = license.Of(0)
		case codeValue:
			c = license.Of(int64(r.count("of a count", maxPlain)))
		}
		if i < plainTerms {
			*terms[i] = c
		} else {
			s.others[i-plainTerms] = c
		}
	}
	s.Max = int64(r.count("in use", maxPlain))
	s.Last = s.Max
	if s.steady {
		return
	}
	s.Last -= int64(r.count("in use below the highest", int(s.Max)))
	r.hours(&s.hours)
}

// hours reads the bounds of the hours.
func (r *decoder) hours(h *hours) {
	b := r.take(1)
	if b == nil {
		return
	}
	width := int(b[0] & 7)
	h.shift = b[0] >> 3
	packed := r.take(24 * width / 8)
	if packed == nil && width > 0 {
		return
	}
	// Eight values of up to 8 bits begin on a whole byte.
	mask := uint64(1)<<width - 1
	var tail [8]byte
	for i := range 3 {
		from := packed[min(i*width, len(packed)):]
		if len(from) < len(tail) {
			copy(tail[:], from)
			from = tail[:]
		}
		word := binary.LittleEndian.Uint64(from)
		for k := range 8 {
			h.below[8*i+k] = uint8(word & mask)
			word >>= width
		}
	}
}

// Newest returns what Latest finds of this day alone, where the head tells it: of
// a plain pool none of whose values differ within the day but the use.
func (v *View) Newest(pool PoolID) (newest Sample, ok bool) {
	s := v.Summaries()
	for s.Next() && s.Place.Pool < pool {
		continue
	}
	if s.Err() != nil || v.pools == 0 || s.Place.Pool != pool || !s.Place.Plain || !v.even {
		return Sample{}, false
	}
	t := s.Summary.Terms
	newest = Sample{
		At: v.last, State: t.State, InUse: license.Of(s.Summary.Last),
		Installed: t.Installed, Reserved: t.Reserved, Overdraft: t.Overdraft,
	}
	for i, field := range plainFields[plainTerms:] {
		if s.Place.mask>>(maskFields+2*(i+plainTerms))&3 == codeColumn {
			return Sample{}, false
		}
		*field(&newest) = s.Summary.others[i]
	}
	return newest, true
}

// PoolOf decodes what a block says of one pool: a day that has all its readings,
// and of the pools at most this one.
func (v *View) PoolOf(pool PoolID) (Day, error) {
	r := decoder{start: DayStart(v.day)}
	d := Day{Number: v.day, Rounds: r.roundsOf(v)}
	s := v.Summaries()
	for s.Next() && s.Place.Pool < pool {
		continue
	}
	if r.err == nil {
		r.err = s.Err()
	}
	if r.err == nil && s.Place.Pool == pool && v.pools > 0 {
		d.Pools = []PoolDay{r.poolOf(v, d.Rounds, &s)}
	}
	if r.err != nil {
		return Day{}, fmt.Errorf("pool %d of a day block: %w", pool, r.err)
	}
	return d, nil
}
