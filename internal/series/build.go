package series

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// MaxSpan is the longest span in seconds that AddSpan takes: thirty years.
const MaxSpan = 30 * 366 * DaySeconds

// A Builder makes days of what a license server's records say, in any order.
// The zero Builder is ready to use.
type Builder struct {
	days map[buildKey]*dayBuild
	last *dayBuild // the day that was added to last
	key  buildKey  // its key
}

// A buildKey keeps live and imported readings apart until Days merges them.
type buildKey struct {
	day      int32
	imported bool
}

type dayBuild struct {
	rounds []Round
	pools  map[PoolID]*PoolDay
	spans  []Day // one for each part of a span, to be merged
}

// A PoolSample is a pool's values in a reading.
type PoolSample struct {
	Pool PoolID
	Sample
}

// AddRound adds one reading of the whole server. The samples' own At is not
// looked at: it is that of the round. Hold is brought between 1 and MaxHold. A
// complete reading without a sample ends no pool: it counts as not complete
// (design section 4, rule 6). The slice is not kept.
func (b *Builder) AddRound(r Round, samples []PoolSample) {
	r.Hold = min(max(r.Hold, 1), MaxHold)
	r.Complete = r.Complete && len(samples) > 0
	day := b.day(buildKey{DayOf(r.At), r.Imported})
	day.rounds = append(day.rounds, r)
	for _, s := range samples {
		s.At = r.At
		pool := day.pools[s.Pool]
		if pool == nil {
			pool = &PoolDay{Pool: s.Pool}
			day.pools[s.Pool] = pool
		}
		pool.Samples = append(pool.Samples, s.Sample)
	}
}

// AddSpan adds what a log vouches for: the use at the start of the span, in
// effect until the first step, and the steps, ascending by At and within the
// span. A step in the first second replaces start. Whatever crosses a UTC
// midnight is divided. The slice is not kept.
func (b *Builder) AddSpan(pool PoolID, s Span, start int64, steps []Step) error {
	if s.To <= s.From || uint64(s.To-s.From) > MaxSpan {
		return fmt.Errorf("span from %d to %d of pool %d: want at least a second and at most %d", s.From, s.To, pool, int64(MaxSpan))
	}
	before := s.From - 1
	for _, step := range steps {
		if step.At <= before || step.At >= s.To {
			return fmt.Errorf("step at %d of pool %d: want it after %d and before %d", step.At, pool, before, s.To)
		}
		before = step.At
	}
	carry := start
	for from := s.From; from < s.To; {
		number := DayOf(from)
		to := min(s.To, DayStart(number+1))
		n := 0
		for n < len(steps) && steps[n].At < to {
			n++
		}
		part := PoolDay{Pool: pool, Steps: daySteps(from, carry, steps[:n])}
		part.Spans = []Span{{From: from, To: to, Exact: s.Exact, Imported: s.Imported}}
		day := b.day(buildKey{number, s.Imported})
		day.spans = append(day.spans, Day{Number: number, Pools: []PoolDay{part}})
		carry = part.Steps[len(part.Steps)-1].InUse
		from, steps = to, steps[n:]
	}
	return nil
}

// AddMaximum adds the highest use that a source tells of a time. What crosses a
// UTC midnight is divided, and then not Whole.
func (b *Builder) AddMaximum(pool PoolID, m Maximum) error {
	if m.To <= m.From || uint64(m.To-m.From) > MaxSpan {
		return fmt.Errorf("maximum from %d to %d of pool %d: want at least a second and at most %d", m.From, m.To, pool, int64(MaxSpan))
	}
	for from := m.From; from < m.To; {
		part := m
		number := DayOf(from)
		part.From, part.To = from, min(m.To, DayStart(number+1))
		part.Whole = m.Whole && part.From == m.From && part.To == m.To
		day := b.day(buildKey{number, m.Imported})
		day.spans = append(day.spans, Day{Number: number, Pools: []PoolDay{{Pool: pool, Maxima: []Maximum{part}}}})
		from = part.To
	}
	return nil
}

// daySteps returns the steps of one part of a span, the first of them at from.
func daySteps(from, carry int64, steps []Step) []Step {
	out := make([]Step, 0, len(steps)+1)
	if len(steps) == 0 || steps[0].At > from {
		out = append(out, Step{At: from, InUse: carry, High: carry})
	}
	for _, s := range steps {
		s.High = max(s.High, s.InUse)
		out = append(out, s)
	}
	return out
}

func (b *Builder) day(key buildKey) *dayBuild {
	if b.last != nil && b.key == key {
		return b.last
	}
	day := b.days[key]
	if day == nil {
		day = &dayBuild{pools: make(map[PoolID]*PoolDay)}
		if b.days == nil {
			b.days = make(map[buildKey]*dayBuild)
		}
		b.days[key] = day
	}
	b.last, b.key = day, key
	return day
}

// Days returns what was added, ascending by day. The Builder is empty
// afterwards.
func (b *Builder) Days() []Day {
	merged := make(map[int32]Day)
	for key, build := range b.days {
		day := build.done(key.day)
		if other, ok := merged[key.day]; ok {
			day = Merge(other, day)
		}
		merged[key.day] = day
	}
	*b = Builder{}
	out := make([]Day, 0, len(merged))
	for _, number := range slices.Sorted(maps.Keys(merged)) {
		out = append(out, merged[number])
	}
	return out
}

// done puts the day's readings in order and adds its spans.
func (d *dayBuild) done(number int32) Day {
	day := Day{Number: number, Rounds: inOrder(d.rounds, byAt, func(a, b Round) (Round, bool) {
		return joinRounds(a, b), a.At == b.At
	})}
	for _, id := range slices.Sorted(maps.Keys(d.pools)) {
		samples := inOrder(d.pools[id].Samples,
			func(a, b Sample) int { return cmp.Compare(a.At, b.At) },
			func(a, b Sample) (Sample, bool) { return higher(a, b), a.At == b.At })
		day.Pools = append(day.Pools, PoolDay{Pool: id, Samples: samples})
	}
	return Merge(day, mergeAll(number, d.spans))
}

// mergeAll merges days two by two, so that many small ones take little time.
func mergeAll(number int32, days []Day) Day {
	switch len(days) {
	case 0:
		return Day{Number: number}
	case 1:
		return days[0]
	}
	half := len(days) / 2
	return Merge(mergeAll(number, days[:half]), mergeAll(number, days[half:]))
}

// inOrder sorts a list, unless it is sorted already, and joins neighbours.
func inOrder[T any](list []T, order func(a, b T) int, join func(a, b T) (T, bool)) []T {
	if !slices.IsSortedFunc(list, order) {
		slices.SortStableFunc(list, order)
	}
	out := list[:0]
	for _, x := range list {
		if n := len(out); n > 0 {
			if joined, same := join(out[n-1], x); same {
				out[n-1] = joined
				continue
			}
		}
		out = append(out, x)
	}
	return out
}
