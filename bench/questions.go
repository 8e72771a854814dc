package main

import (
	"math/rand/v2"
	"slices"

	"headroom/internal/series"
)

// asked is the pool that is asked about: one product of every license server.
const asked = 0

// askedOnly returns an estate of the same values with no pools behind the
// asked one.
func (e *estate) askedOnly() *estate {
	out := *e
	out.Pools = asked + 1
	return &out
}

// A kind is what a query asks.
type kind int

const (
	aPeak   kind = iota // the peak of the sum and its first second
	aTrend              // maximum, mean and 95th percentile of each day
	aToggle             // a peak, where one server was added or taken away since the answer before
)

// A query is a line of the table: one question about many choices of servers.
type query struct {
	Name     string
	Kind     kind
	From, To int64 // midnights in UTC
}

// queries returns what is asked of an estate. What is toggled comes right after
// the peak that it is compared with: both find the memory that trends fill with
// other things in the same state.
func (e *estate) queries() []query {
	last := func(days int) int64 { return e.end() - int64(min(days, e.Days))*series.DaySeconds }
	spans := spansOf(e.Days)
	var out []query
	for _, days := range spans {
		out = append(out, query{"peak, " + plural(days, "day"), aPeak, last(days), e.end()})
	}
	out = append(out, query{"one server toggled, " + plural(e.Days, "day"), aToggle, e.begin(), e.end()})
	for _, days := range spans {
		out = append(out, query{"trend, " + plural(days, "day"), aTrend, last(days), e.end()})
	}
	return out
}

// spansOf returns the lengths of time that are asked about, in days.
func spansOf(all int) []int {
	var out []int
	for _, days := range []int{7, 31} {
		if days < all {
			out = append(out, days)
		}
	}
	return append(out, all)
}

// clicks are the toggles that are made in one open filter.
const clicks = 10

// warmUp is the round that is not measured.
const warmUp = 1 << 30

// choice returns the servers of a round of a query, ascending: a random half,
// another one in every round of every query, so that no part of an answer was
// there before. A toggle's rounds are clicks in an open filter, one after the
// other.
func (e *estate) choice(q query, round int) []int {
	if q.Kind != aToggle {
		return e.half(e.hash(forChoice, uint64(q.Kind), uint64(q.From), uint64(q.To), uint64(round)))
	}
	servers := e.opened(round)
	r := rand.New(rand.NewPCG(e.Seed, e.hash(forClick, uint64(round/clicks))))
	for range round%clicks + 1 {
		s := r.IntN(e.Servers)
		if i, ok := slices.BinarySearch(servers, s); ok {
			servers = slices.Delete(servers, i, i+1)
		} else {
			servers = slices.Insert(servers, i, s)
		}
	}
	return servers
}

// opens says whether a round of a toggle begins with a new filter, which is
// asked once before the clicks are measured.
func opens(round int) bool { return round%clicks == 0 }

// opened returns the servers of the filter in which a toggle's round is.
func (e *estate) opened(round int) []int {
	return e.half(e.hash(forChoice, uint64(aToggle), uint64(round/clicks)))
}

// half returns one of the random halves of the servers, ascending.
func (e *estate) half(which uint64) []int {
	servers := rand.New(rand.NewPCG(e.Seed, which)).Perm(e.Servers)[:(e.Servers+1)/2]
	slices.Sort(servers)
	return servers
}

// A peakRow is an answer: the highest sum and the first second that has it.
type peakRow struct{ Value, At int64 }

// A dayRow is one day of a trend.
type dayRow struct {
	Day      int32 // days since 1970-01-01
	Max      int64
	Integral int64 // license-seconds; by Seconds it is the mean
	Seconds  int64 // in which at least one of the servers is known
	P95      int64 // the smallest level that held in at least 95 % of them; -1: not told
}

// An answer is a peak or a trend.
type answer struct {
	Peak peakRow
	Days []dayRow
}

// equal compares two answers. A percentile that one of them does not tell is
// left out.
func (a answer) equal(b answer) bool {
	return a.Peak == b.Peak && slices.EqualFunc(a.Days, b.Days, func(x, y dayRow) bool {
		if x.P95 < 0 || y.P95 < 0 {
			x.P95, y.P95 = 0, 0
		}
		return x == y
	})
}
