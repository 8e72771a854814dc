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

// A PoolRun is a pool's values in some readings, one for each.
type PoolRun struct {
	Pool    PoolID
	Samples []Sample
}

// AddRound adds one reading of the whole server: it is AddRun of a single one,
// and keeps no slice.
func (b *Builder) AddRound(r Round, samples []PoolSample) {
	pools := make([]PoolRun, len(samples))
	for i, s := range samples {
		pools[i] = PoolRun{Pool: s.Pool, Samples: []Sample{s.Sample}}
	}
	b.AddRun([]Round{r}, pools)
}

// AddRun adds readings of the whole server that name the same pools. The
// samples' own At is not looked at: it is that of the round. Hold is brought
// between 1 and MaxHold. Complete readings without a pool end none: they count
// as not complete (design section 4, rule 6). The slices are the Builder's from
// then on: a day of samples is not copied.
func (b *Builder) AddRun(rounds []Round, pools []PoolRun) {
	for i := range rounds {
		r := &rounds[i]
		r.Hold = min(max(r.Hold, 1), MaxHold)
		r.Complete = r.Complete && len(pools) > 0
		for _, p := range pools {
			p.Samples[i].At = r.At
		}
	}
	for from := 0; from < len(rounds); {
		key := keyOf(rounds[from])
		to := from + 1
		for to < len(rounds) && keyOf(rounds[to]) == key {
			to++
		}
		b.day(key).add(from, to, rounds, pools)
		from = to
	}
}

func keyOf(r Round) buildKey { return buildKey{DayOf(r.At), r.Imported} }

// add adds the readings from <= i < to of a run.
func (d *dayBuild) add(from, to int, rounds []Round, pools []PoolRun) {
	d.rounds = joined(d.rounds, rounds[from:to:to])
	for _, p := range pools {
		pool := d.pools[p.Pool]
		if pool == nil {
			pool = &PoolDay{Pool: p.Pool}
			d.pools[p.Pool] = pool
		}
		pool.Samples = joined(pool.Samples, p.Samples[from:to:to])
	}
}

// joined appends to a list, whose place the first part takes.
func joined[T any](list, part []T) []T {
	if len(list) == 0 {
		return part
	}
	return append(list, part...)
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
	day := Day{Number: number, Rounds: inOrder(d.rounds, func(r *Round) int64 { return r.At }, joinRounds)}
	for _, id := range slices.Sorted(maps.Keys(d.pools)) {
		samples := inOrder(d.pools[id].Samples, func(s *Sample) int64 { return s.At }, higher)
		day.Pools = append(day.Pools, PoolDay{Pool: id, Samples: samples})
	}
	if len(d.spans) == 0 {
		return day
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

// inOrder sorts a list and joins what is of one instant. Most lists are in
// order already: they are left alone.
func inOrder[T any](list []T, at func(*T) int64, join func(a, b T) T) []T {
	if ascends(list, at) {
		return list
	}
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(at(&a), at(&b)) })
	out := list[:1]
	for _, x := range list[1:] {
		if last := &out[len(out)-1]; at(last) == at(&x) {
			*last = join(*last, x)
			continue
		}
		out = append(out, x)
	}
	return out
}

// ascends says whether each element is after the one before it.
func ascends[T any](list []T, at func(*T) int64) bool {
	for i := 1; i < len(list); i++ {
		if at(&list[i]) <= at(&list[i-1]) {
			return false
		}
	}
	return true
}
