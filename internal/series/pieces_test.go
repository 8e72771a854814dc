package series_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/series"
)

// A naive answers for one second by looking through everything that was said.
type naive struct {
	days  []series.Day
	pool  series.PoolID
	frame series.Frame
}

// A mark is a reading that says something of the pool; its sample is nil where
// a complete reading does not have it.
type mark struct {
	series.Round
	sample *series.Sample
}

func (n naive) marks() []mark {
	var out []mark
	for _, d := range n.days {
		for _, r := range d.Rounds {
			m := mark{Round: r}
			for _, p := range d.Pools {
				for i := range p.Samples {
					if p.Pool == n.pool && p.Samples[i].At == r.At {
						m.sample = &p.Samples[i]
					}
				}
			}
			if m.sample != nil || r.Complete && r.At > n.frame.First {
				out = append(out, m)
			}
		}
	}
	return out
}

// last returns the newest mark at or before t for which ok is true.
func (n naive) last(t int64, ok func(mark) bool) (mark, bool) {
	for _, m := range slices.Backward(n.marks()) {
		if m.At <= t && ok(m) {
			return m, true
		}
	}
	return mark{}, false
}

func (n naive) span(t int64) (series.Span, bool) {
	for _, d := range n.days {
		for _, p := range d.Pools {
			for _, s := range p.Spans {
				if p.Pool == n.pool && s.From <= t && t < s.To {
					return s, true
				}
			}
		}
	}
	return series.Span{}, false
}

// maximum returns the maximum that bounds the second t.
func (n naive) maximum(t int64) (series.Maximum, bool) {
	for _, d := range n.days {
		for _, p := range d.Pools {
			for _, m := range p.Maxima {
				if p.Pool == n.pool && m.From <= t && t < m.To {
					return m, true
				}
			}
		}
	}
	return series.Maximum{}, false
}

// recorded says whether a log vouched for any second of [from, to], or a
// maximum began in one.
func (n naive) recorded(from, to int64) bool {
	for t := from; t <= to; t++ {
		if m, ok := n.maximum(t); ok && m.From == t {
			return true
		}
	}
	return n.logged(from, to)
}

// logged says whether a log vouched for any second of [from, to].
func (n naive) logged(from, to int64) bool {
	for t := from; t <= to; t++ {
		if _, ok := n.span(t); ok {
			return true
		}
	}
	return false
}

func (n naive) step(t int64) series.Step {
	var out series.Step
	for _, d := range n.days {
		for _, p := range d.Pools {
			for _, s := range p.Steps {
				if p.Pool == n.pool && s.At <= t {
					out = s
				}
			}
		}
	}
	return out
}

// reading returns the mark in effect at t: the newest live one while it holds,
// else the newest of all while it holds.
func (n naive) reading(t int64) (mark, bool) {
	any := func(mark) bool { return true }
	for _, ok := range []func(mark) bool{func(m mark) bool { return !m.Imported }, any} {
		m, found := n.last(t, ok)
		if found && t < m.At+m.Hold && (m.sample != nil || !n.recorded(m.At, t)) {
			return m, true
		}
	}
	return mark{}, false
}

// told returns what was told last of the pool: the newest mark, where imported
// marks without it do not count while a live one holds.
func (n naive) told(t int64) (p series.Piece, reserved bool) {
	m, ok := n.last(t, func(m mark) bool {
		live, found := n.last(m.At, func(l mark) bool { return !l.Imported })
		hidden := m.Imported && m.sample == nil && found && live.sample != nil && m.At < live.At+live.Hold
		return !hidden
	})
	switch {
	case !ok:
		return series.Piece{}, false
	case m.sample != nil:
		return attributes(m.sample), reserves(m.sample)
	case n.logged(m.At, m.At):
		return series.Piece{State: license.StateCounted, Installed: license.Of(0)}, false
	}
	return series.Piece{}, false
}

func attributes(s *series.Sample) series.Piece {
	return series.Piece{State: s.State, Installed: s.Installed, Overdraft: s.Overdraft}
}

func reserves(s *series.Sample) bool { return s.Reserved.Known && s.Reserved.N > 0 }

// at returns the second t as a piece.
func (n naive) at(t int64) series.Piece {
	if t < n.frame.First {
		return series.Piece{Kind: series.Absent}
	}
	reading, reads := n.reading(t)
	span, logs := n.span(t)
	maximum, bounded := n.maximum(t)
	told, reserved := n.told(t)
	newest, any := n.last(t, func(mark) bool { return true })
	ended := any && newest.sample == nil && !n.recorded(newest.At, t)
	if reads && reading.sample != nil {
		told, reserved = attributes(reading.sample), reserves(reading.sample)
	}
	known := reads && reading.sample != nil && reading.sample.InUse.Known
	switch {
	case logs && !(known && (reserved || span.Imported && !reading.Imported)):
		p := told
		p.Kind, p.Basis = series.Known, license.BasisAtLeast
		if span.Exact && !reserved {
			p.Basis = license.BasisExact
		}
		step := n.step(t)
		p.InUse, p.High = step.InUse, step.InUse
		if step.At == t {
			p.High = step.High
		}
		if known {
			p.Reserved = reading.sample.Reserved
		}
		return p
	case bounded && !known:
		p := told
		p.Kind, p.Basis = series.Known, license.BasisBetween
		p.InUse, p.High = maximum.InUse, maximum.InUse
		return p
	case reads && reading.sample == nil, !reads && ended:
		return series.Piece{Kind: series.Ended}
	case known:
		s := reading.sample
		p := told
		p.Kind, p.Basis = series.Known, license.BasisSampled
		p.InUse, p.High = s.InUse.N, s.InUse.N
		p.Reserved = s.Reserved
		return p
	case reads:
		return told
	case t < n.frame.UpTo:
		return told
	case n.frame.After == series.Absent:
		return series.Piece{Kind: series.Absent}
	}
	if n.frame.After == series.Unknown {
		return series.Piece{State: told.State}
	}
	told.Kind = n.frame.After
	return told
}

func drawFrame(t *rapid.T) series.Frame {
	return series.Frame{
		From:  series.DayStart(day0) + rapid.Int64Range(-30, 20).Draw(t, "from"),
		To:    series.DayStart(day0) + rapid.Int64Range(22, 60).Draw(t, "to"),
		First: series.DayStart(day0) + rapid.Int64Range(-60, 10).Draw(t, "first"),
		UpTo:  series.DayStart(day0) + rapid.Int64Range(-40, 60).Draw(t, "up to"),
		After: rapid.SampledFrom([]series.Kind{series.Unknown, series.Pending, series.Absent}).Draw(t, "after"),
	}
}

func TestPiecesAreTheNaiveSeconds(t *testing.T) {
	check(t, func(t *rapid.T) {
		n := naive{build(t, rapid.SliceOfN(records(), 0, 10).Draw(t, "records")), 1, drawFrame(t)}
		at := n.frame.From
		for _, p := range series.Pieces(n.days, n.pool, n.frame) {
			if p.From != at || p.To <= p.From {
				t.Fatalf("piece %+v: want it from %d", p, at)
			}
			if m, _ := n.maximum(p.From); p.Reached != (p.Basis == license.BasisBetween && m.Whole && m.From == p.From && m.To == p.To) {
				t.Fatalf("piece %+v of %+v: want it Reached if it is all of it", p, m)
			}
			for ; at < p.To; at++ {
				got := p
				got.From, got.To, got.Reached = 0, 0, false
				if at > p.From {
					got.High = p.InUse
				}
				if diff := cmp.Diff(n.at(at), got); diff != "" {
					t.Fatalf("second %+d (-want +got):\n%s", at-series.DayStart(day0), diff)
				}
			}
		}
		if at != n.frame.To {
			t.Fatalf("pieces end at %d, want %d", at, n.frame.To)
		}
	})
}

func TestPiecesOfAPartArePartOfThePieces(t *testing.T) {
	check(t, func(t *rapid.T) {
		days := build(t, rapid.SliceOfN(records(), 0, 10).Draw(t, "records"))
		f := drawFrame(t)
		cut := rapid.Int64Range(f.From+1, f.To-1).Draw(t, "cut")
		first, second := f, f
		first.To, second.From = cut, cut
		want := series.Pieces(days, 1, f)
		got := append(series.Pieces(days, 1, first), series.Pieces(days, 1, second)...)
		if diff := cmp.Diff(joined(want), joined(got), cmpopts.IgnoreFields(series.Piece{}, "Reached")); diff != "" {
			t.Fatalf("cut at %d (-want +got):\n%s", cut, diff)
		}
	})
}

// joined unites neighbours between which nothing changes.
func joined(pieces []series.Piece) []series.Piece {
	var out []series.Piece
	for _, p := range pieces {
		if n := len(out); n > 0 && out[n-1].To == p.From && p.High == p.InUse {
			same := out[n-1]
			same.From, same.To, same.High, same.Reached = p.From, p.To, p.High, p.Reached
			if same == p {
				out[n-1].Reached = false
				out[n-1].To = p.To
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

func TestNeighboursDiffer(t *testing.T) {
	check(t, func(t *rapid.T) {
		pieces := series.Pieces(build(t, rapid.SliceOfN(records(), 0, 10).Draw(t, "records")), 1, drawFrame(t))
		pieces = slices.DeleteFunc(pieces, func(p series.Piece) bool { return p.Basis == license.BasisBetween })
		if diff := cmp.Diff(len(joined(pieces)), len(pieces)); diff != "" {
			t.Fatalf("pieces that could be one (-want +got):\n%s", diff)
		}
	})
}

func TestDaysOneByOneAreTheWhole(t *testing.T) {
	check(t, func(t *rapid.T) {
		days := build(t, rapid.SliceOfN(records(), 0, 10).Draw(t, "records"))
		f := drawFrame(t)
		f.From, f.To = series.DayStart(day0-1), series.DayStart(day0+2)
		var state series.State
		var got []series.Piece
		for number := int32(day0 - 1); number < day0+2; number++ {
			one := f
			one.From, one.To = series.DayStart(number), series.DayStart(number+1)
			i := slices.IndexFunc(days, func(d series.Day) bool { return d.Number == number })
			if i < 0 {
				got = state.AppendDay(got, nil, 1, one)
				continue
			}
			// Of the day, only what the pool's own part of the block says.
			var v series.View
			head, body, err := series.Split(series.Encode(days[i]))
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Open(head, body); err != nil {
				t.Fatal(err)
			}
			day, err := v.PoolOf(1)
			if err != nil {
				t.Fatal(err)
			}
			got = state.AppendDay(got, &day, 1, one)
		}
		if diff := cmp.Diff(joined(series.Pieces(days, 1, f)), joined(got)); diff != "" {
			t.Fatalf("day by day (-want +got):\n%s", diff)
		}
	})
}
