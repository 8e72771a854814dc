package usage

import (
	"cmp"
	"slices"
	"sync/atomic"

	"headroom/internal/insight"
	"headroom/internal/series"
)

// reachDays is how many days with data before a span may say something of it.
// What a day says holds on until a complete reading says anew what there is, so
// the reach ends at the last day before that has one: as a rule, the day before.
// Where none of so many days has one, what was said before them is forgotten: a
// pool that had ended is Unknown from then on. The same days are looked at
// whatever else is asked, and so an answer does not depend on the question.
const reachDays = 32

// A carry is what a day does to what was known before it, as far as the readings
// of the day tell; 0 until the day has been decoded.
type carry uint32

const (
	decoded     carry = 1 << iota
	reads             // has a reading; without one nothing of it holds after its midnight
	readsLive         // has a live reading, which may hold for a day
	saysAll           // has a complete live reading: earlier days say nothing after it
	saysAllElse       // has a complete imported one: the same, unless a live one of the day before holds
)

func carryOf(d *series.Day) carry {
	c := decoded
	for _, r := range d.Rounds {
		c |= reads
		if !r.Imported {
			c |= readsLive
		}
		switch {
		case r.Complete && r.Imported:
			c |= saysAllElse
		case r.Complete:
			c |= saysAll
		}
	}
	return c
}

// A carries has the carry of each of a server's days. Requests that run at the
// same time share it; a day has one carry as long as its version stays.
type carries []atomic.Uint32

func (c carries) of(i int) carry { return carry(c[i].Load()) }

// inherit takes over what an older state of the server knew of the same days.
func (s *server) inherit(old *server) {
	if old.version == s.version && len(old.carries) == len(s.days) {
		s.carries = old.carries
		return
	}
	k := 0
	for i, d := range s.days {
		for k < len(old.days) && old.days[k].Day < d.Day {
			k++
		}
		if k < len(old.days) && old.days[k] == d {
			s.carries[i].Store(old.carries[k].Load())
		}
	}
}

// learn notes the carries of the days from <= i < to, of which those read are
// given; a day that is missing was deleted meanwhile.
func (s *server) learn(days []series.Day, from, to int) {
	for i := from; i < to; i++ {
		for len(days) > 0 && days[0].Number < s.days[i].Day {
			days = days[1:]
		}
		c := decoded
		if len(days) > 0 && days[0].Number == s.days[i].Day {
			c = carryOf(&days[0])
		}
		s.carries[i].Store(uint32(c))
	}
}

// place returns the indexes from <= i < to of the days that a span touches.
func (s *server) place(span insight.Span) (from, to int) {
	return s.index(series.DayOf(span.From)), s.index(series.DayOf(span.To-1) + 1)
}

// index returns the index of the first day that is number or later.
func (s *server) index(number int32) int {
	i, _ := slices.BinarySearchFunc(s.days, number, func(d DayVersion, n int32) int { return cmp.Compare(d.Day, n) })
	return i
}

// An end is why a reach ends where it does.
type end int

const (
	cut    end = iota // there are no more days, or it would be too long
	closed            // earlier days can say nothing
	untold            // its first day has to be read to tell
)

// reach returns the index of the first day that says something of a span whose
// own days begin at index i.
func (s *server) reach(i int) (first int, end end) {
	all := false // the day at first says all, unless a live reading of the day before holds
	for first = i; first > max(0, i-reachDays); {
		if all && s.days[first-1].Day != s.days[first].Day-1 {
			return first, closed
		}
		first--
		c := s.carries.of(first)
		switch {
		case c == 0:
			return first, untold
		case c&saysAll != 0, all && c&readsLive == 0:
			return first, closed
		}
		all = c&saysAllElse != 0
	}
	return first, cut
}

// begin is reach without the days at its start of which nothing holds on.
func (s *server) begin(i int) (first int, end end) {
	first, end = s.reach(i)
	for first < i && s.carries.of(first) == decoded {
		first++
	}
	return first, end
}

// together says whether days that are played from the begin of one span on say
// of a later one just what its own reach says. All of them have been read.
func (s *server) together(one, later insight.Span) bool {
	from, _ := s.begin(s.index(series.DayOf(one.From)))
	own, end := s.begin(s.index(series.DayOf(later.From)))
	if end == closed {
		return true
	}
	for ; from < own; from++ {
		if s.carries.of(from) != decoded {
			return false
		}
	}
	return true
}
