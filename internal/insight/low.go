package insight

import (
	"slices"

	"headroom/internal/license"
	"headroom/internal/series"
)

// A low is what the sum is at least from an instant on.
type low struct{ at, sum int64 }

// setLow sets the lower bound of the peaks of buckets in which some use is
// bounded from above only. It is the highest sum that is certain: at each
// instant what is known but for maxima; and for each maximum that was reached
// somewhere in its time, that and the least that the others were meanwhile.
func setLow(buckets []Bucket, lines []Line) {
	for i := range buckets {
		b := &buckets[i]
		if b.Peak.Known && slices.ContainsFunc(lines, func(l Line) bool { return l.bounded(b.Span) }) {
			b.Peak.Low = lowest(lines, b.Span)
		}
	}
}

// bounded says whether a maximum counts in a span.
func (l Line) bounded(s Span) bool {
	return slices.ContainsFunc(l.Pieces, func(p series.Piece) bool {
		return p.Basis == license.BasisBetween && p.State != license.StateUncounted && p.From < s.To && p.To > s.From
	})
}

// lowest returns the highest sum over a span that is certain.
func lowest(lines []Line, s Span) int64 {
	certain := make([]Line, len(lines))
	var reached []series.Piece
	for i, l := range lines {
		certain[i] = l
		certain[i].Pieces = slices.Clone(l.Pieces)
		for k := range l.Pieces {
			p := &certain[i].Pieces[k]
			if p.Basis != license.BasisBetween || p.State == license.StateUncounted {
				continue
			}
			if p.Reached && p.From >= s.From && p.To <= s.To {
				reached = append(reached, *p)
			}
			p.InUse, p.High = min(p.InUse, 0), min(p.High, 0)
		}
	}
	var sums []low
	w := sweep{runs: &sums}
	w.start(certain, s.From)
	out := w.bucket(s).Peak.Value
	for _, p := range reached {
		out = max(out, p.InUse+least(sums, p.From, p.To))
	}
	return out
}

// least returns the lowest of some sums over a span.
func least(sums []low, from, to int64) int64 {
	first := 0
	for first+1 < len(sums) && sums[first+1].at <= from {
		first++
	}
	out := sums[first].sum
	for _, l := range sums[first:] {
		if l.at < to {
			out = min(out, l.sum)
		}
	}
	return out
}
