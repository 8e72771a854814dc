package series

import (
	"cmp"
	"fmt"
	"slices"

	"headroom/internal/license"
)

// Merge returns what two days say together of the same server and day. It is
// commutative, associative and idempotent, so that late, repeated and
// out-of-order data end in the same day whatever the order was.
//
// At one instant a live reading replaces an imported one. Two readings of the
// same standing are united; of two different values of one pool the higher use
// wins. At one second an exact log wins over one that was cut, then live over
// imported; of two of the same standing the higher value wins. So it is with
// maxima; where two overlap and are not of the same time, both are divided.
//
// Merge panics if the days have different numbers.
func Merge(a, b Day) Day {
	if a.Number != b.Number {
		panic(fmt.Sprintf("series: merge of day %d with day %d", a.Number, b.Number))
	}
	live := liveInstants(a.Rounds, b.Rounds)
	m := Day{Number: a.Number, Rounds: mergeRounds(a.Rounds, b.Rounds)}
	mergeSorted(a.Pools, b.Pools,
		func(p, q PoolDay) int { return cmp.Compare(p.Pool, q.Pool) },
		func(p, q *PoolDay) {
			pool := mergePool(p, q, outranked(a.Rounds, live), outranked(b.Rounds, live))
			if !pool.empty() {
				m.Pools = append(m.Pools, pool)
			}
		})
	return m
}

// mergeSorted walks two sorted lists in step and calls f with the element of
// each that is next; one of them is nil where only the other list has it.
func mergeSorted[T any](a, b []T, order func(x, y T) int, f func(x, y *T)) {
	for len(a) > 0 || len(b) > 0 {
		c := 0
		switch {
		case len(b) == 0:
			c = -1
		case len(a) == 0:
			c = 1
		default:
			c = order(a[0], b[0])
		}
		var x, y *T
		if c <= 0 {
			x, a = &a[0], a[1:]
		}
		if c >= 0 {
			y, b = &b[0], b[1:]
		}
		f(x, y)
	}
}

// liveInstants returns the instants at which one list has a live round and the
// other an imported one; nil in the common case that there is none.
func liveInstants(a, b []Round) map[int64]bool {
	var live map[int64]bool
	mergeSorted(a, b, byAt, func(x, y *Round) {
		if x == nil || y == nil || x.Imported == y.Imported {
			return
		}
		if live == nil {
			live = make(map[int64]bool)
		}
		live[x.At] = true
	})
	return live
}

// outranked returns those of the instants live at which the day with these
// rounds has an imported round: its samples of that instant do not count.
func outranked(rounds []Round, live map[int64]bool) map[int64]bool {
	if len(live) == 0 {
		return nil
	}
	out := make(map[int64]bool)
	for _, r := range rounds {
		if r.Imported && live[r.At] {
			out[r.At] = true
		}
	}
	return out
}

func byAt(a, b Round) int { return cmp.Compare(a.At, b.At) }

func mergeRounds(a, b []Round) []Round {
	out := make([]Round, 0, max(len(a), len(b)))
	mergeSorted(a, b, byAt, func(x, y *Round) {
		switch {
		case y == nil, x != nil && !x.Imported && y.Imported:
			out = append(out, *x)
		case x == nil, x.Imported && !y.Imported:
			out = append(out, *y)
		default:
			out = append(out, joinRounds(*x, *y))
		}
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// joinRounds unites two rounds of one instant and the same standing.
func joinRounds(a, b Round) Round {
	a.Hold = max(a.Hold, b.Hold)
	a.Complete = a.Complete || b.Complete
	return a
}

// mergePool unites what two days say of one pool; either may be nil. Samples
// at the instants skipA and skipB are left out of a and b.
func mergePool(a, b *PoolDay, skipA, skipB map[int64]bool) PoolDay {
	if a == nil {
		a = &PoolDay{Pool: b.Pool}
	}
	if b == nil {
		b = &PoolDay{Pool: a.Pool}
	}
	m := PoolDay{Pool: a.Pool}
	m.Samples = mergeSamples(without(a.Samples, skipA), without(b.Samples, skipB))
	m.Spans, m.Steps = mergeSpans(*a, *b)
	m.Maxima = mergeMaxima(a.Maxima, b.Maxima)
	return m
}

func without(samples []Sample, skip map[int64]bool) []Sample {
	if len(skip) == 0 {
		return samples
	}
	return slices.DeleteFunc(slices.Clone(samples), func(s Sample) bool { return skip[s.At] })
}

func mergeSamples(a, b []Sample) []Sample {
	switch {
	case len(a) == 0 && len(b) == 0:
		return nil
	case len(b) == 0:
		return a
	case len(a) == 0:
		return b
	}
	out := make([]Sample, 0, max(len(a), len(b)))
	mergeSorted(a, b,
		func(x, y Sample) int { return cmp.Compare(x.At, y.At) },
		func(x, y *Sample) {
			switch {
			case y == nil:
				out = append(out, *x)
			case x == nil:
				out = append(out, *y)
			default:
				out = append(out, higher(*x, *y))
			}
		})
	return out
}

// higher returns that of two samples of one instant that says more: the higher
// use first; the other fields only make the choice the same in any order.
func higher(a, b Sample) Sample {
	if compareSamples(a, b) >= 0 {
		return a
	}
	return b
}

func compareSamples(a, b Sample) int {
	return cmp.Or(
		compareCounts(a.InUse, b.InUse),
		cmp.Compare(a.State, b.State),
		compareCounts(a.Installed, b.Installed),
		compareCounts(a.Reserved, b.Reserved),
		compareCounts(a.Borrowed, b.Borrowed),
		compareCounts(a.Queued, b.Queued),
		compareCounts(a.Overdraft, b.Overdraft),
	)
}

// compareCounts orders counts; an unknown one is lower than any known one.
func compareCounts(a, b license.Count) int {
	switch {
	case a.Known && b.Known:
		return cmp.Compare(a.N, b.N)
	case a.Known:
		return 1
	case b.Known:
		return -1
	}
	return 0
}
