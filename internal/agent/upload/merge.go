package upload

import (
	"slices"

	"headroom/internal/wire"
)

// merge puts the records of consecutive readings together: samples of the same
// pools become runs, spans of a log are joined, so are the maxima of a pool, and
// of facts of which only the newest counts (what the server is, who holds
// licenses, how its sources stand) only that is kept.
// Records come in the order in which they were taken, and keep it.
func merge(records []wire.Record) []wire.Record {
	m := merger{spans: map[spanKey]*wire.Events{}, maxima: map[maximaKey]*wire.Maxima{}}
	for _, r := range records {
		m.add(r)
	}
	m.endRun()
	for _, r := range m.out {
		if e, ok := r.(*wire.Events); ok {
			e.High = shortenHigh(e)
		}
	}
	return m.out
}

type merger struct {
	out     []wire.Record
	run     *wire.Samples // the run under way, not yet in out
	server  int           // where in out the newest ServerRecord stands, plus one
	holders int           // and the newest Holders
	sources int           // and the newest Sources
	spans   map[spanKey]*wire.Events
	maxima  map[maximaKey]*wire.Maxima
}

// A spanKey names a pool whose log spans may be joined.
type spanKey struct {
	pool     wire.PoolKey
	vendor   string
	exact    bool
	imported bool
	offset   int64
}

// A maximaKey names a pool whose maxima may be joined.
type maximaKey struct {
	pool     wire.PoolKey
	vendor   string
	imported bool
	offset   int64
}

func (m *merger) add(r wire.Record) {
	switch r := r.(type) {
	case *wire.Samples:
		if len(r.At) == 0 {
			m.out = append(m.out, r) // nothing to join; the hub says what is wrong with it
			return
		}
		if m.run != nil && continues(m.run, r) {
			extend(m.run, r)
			return
		}
		m.endRun()
		m.run = spread(r)
	case *wire.ServerRecord:
		m.addServer(r)
	case *wire.Holders:
		m.holders = m.newest(m.holders, r)
	case *wire.Sources:
		m.sources = m.newest(m.sources, r)
	case *wire.Events:
		m.addSpan(r)
	case *wire.Maxima:
		m.addMaxima(r)
	default:
		m.out = append(m.out, r)
	}
}

// addServer keeps the newest of what the server is, and each change of how names
// leave its site.
func (m *merger) addServer(r *wire.ServerRecord) {
	if m.server > 0 && !m.out[m.server-1].(*wire.ServerRecord).Names.Equal(r.Names) {
		m.server = 0
	}
	m.server = m.newest(m.server, r)
}

// newest keeps r instead of the record at place-1, if there is one.
func (m *merger) newest(place int, r wire.Record) int {
	if place > 0 {
		m.out[place-1] = r
		return place
	}
	m.out = append(m.out, r)
	return len(m.out)
}

// continues tells whether s goes on with a run: later, and of the same pools
// in the same states.
func continues(run, s *wire.Samples) bool {
	same := run.Interval == s.Interval && run.Complete == s.Complete && run.Imported == s.Imported &&
		run.Source == s.Source && run.Own == s.Own && run.OffsetMS == s.OffsetMS &&
		s.At[0] > run.At[len(run.At)-1]
	return same && slices.EqualFunc(run.Pools, s.Pools, func(a, b wire.SampledPool) bool {
		return a.PoolKey == b.PoolKey && a.Vendor == b.Vendor && a.State == b.State && a.Reason == b.Reason && a.SharedWith == b.SharedWith
	})
}

// counts are the arrays of a pool.
func counts(p *wire.SampledPool) []*wire.Counts {
	return []*wire.Counts{&p.InUse, &p.Installed, &p.Reserved, &p.Borrowed, &p.Queued, &p.Overdraft}
}

// spread returns a copy of s whose arrays have one value per instant.
func spread(s *wire.Samples) *wire.Samples {
	run := *s
	run.At = slices.Clone(s.At)
	run.Pools = slices.Clone(s.Pools)
	for i := range run.Pools {
		for _, c := range counts(&run.Pools[i]) {
			*c = full(*c, len(s.At))
		}
	}
	return &run
}

func full(c wire.Counts, n int) wire.Counts {
	all := make(wire.Counts, n)
	for i := range all {
		all[i] = wire.At(c, i)
	}
	return all
}

func extend(run, s *wire.Samples) {
	run.At = append(run.At, s.At...)
	for i := range run.Pools {
		more := counts(&s.Pools[i])
		for j, c := range counts(&run.Pools[i]) {
			*c = append(*c, full(*more[j], len(s.At))...)
		}
	}
}

// endRun puts the run in its place, its arrays as short as they can be.
func (m *merger) endRun() {
	if m.run == nil {
		return
	}
	shorten(m.run)
	m.out = append(m.out, m.run)
	m.run = nil
}

// shorten makes an array whose values are all the same a single value, or
// none if that is unknown.
func shorten(run *wire.Samples) {
	for i := range run.Pools {
		for _, c := range counts(&run.Pools[i]) {
			if same(*c) {
				*c = (*c)[:1]
			}
			if !wire.At(*c, 0).Known && len(*c) == 1 {
				*c = nil
			}
		}
	}
}

func same(c wire.Counts) bool {
	for _, v := range c {
		if v != c[0] {
			return false
		}
	}
	return len(c) > 0
}

// addSpan joins a span to the one of its pool that ends where it begins.
func (m *merger) addSpan(e *wire.Events) {
	key := spanKey{e.PoolKey, e.Vendor, e.Exact, e.Imported, e.OffsetMS}
	if was := m.spans[key]; was != nil && was.To == e.From && e.Start == last(was) {
		was.High = append(high(was), high(e)...)
		was.At, was.InUse = append(was.At, e.At...), append(was.InUse, e.InUse...)
		was.To = e.To
		return
	}
	span := *e
	span.At, span.InUse, span.High = slices.Clone(e.At), slices.Clone(e.InUse), slices.Clone(e.High)
	m.spans[key] = &span
	m.out = append(m.out, &span)
}

// addMaxima joins maxima to those of their pool that end before they begin.
func (m *merger) addMaxima(r *wire.Maxima) {
	n := len(r.From)
	if n == 0 || len(r.To) != n || len(r.InUse) != n {
		m.out = append(m.out, r) // the hub says what is wrong with it
		return
	}
	key := maximaKey{r.PoolKey, r.Vendor, r.Imported, r.OffsetMS}
	if was := m.maxima[key]; was != nil && was.To[len(was.To)-1] <= r.From[0] {
		was.From, was.To, was.InUse = append(was.From, r.From...), append(was.To, r.To...), append(was.InUse, r.InUse...)
		return
	}
	joined := *r
	joined.From, joined.To, joined.InUse = slices.Clone(r.From), slices.Clone(r.To), slices.Clone(r.InUse)
	m.maxima[key] = &joined
	m.out = append(m.out, &joined)
}

// last returns what is in use at the end of a span.
func last(e *wire.Events) int64 {
	if len(e.InUse) == 0 {
		return e.Start
	}
	return e.InUse[len(e.InUse)-1]
}

// high returns the highest values of a span's steps.
func high(e *wire.Events) []int64 {
	if len(e.High) > 0 {
		return e.High
	}
	return slices.Clone(e.InUse)
}

// shortenHigh leaves the highest values out where they say nothing.
func shortenHigh(e *wire.Events) []int64 {
	if slices.Equal(e.High, e.InUse) {
		return nil
	}
	return e.High
}

// split divides records into two halves, a single run or span at the middle of
// its instants, and a list of maxima between two of them: in half of its time a
// maximum would claim that it was reached there. It returns false for what
// cannot be divided.
func split(records []wire.Record) (a, b []wire.Record, ok bool) {
	if len(records) > 1 {
		n := len(records) / 2
		return records[:n:n], records[n:], true
	}
	if len(records) == 0 {
		return nil, nil, false
	}
	switch r := records[0].(type) {
	case *wire.Samples:
		if len(r.At) > 1 {
			first, second := splitRun(r)
			return []wire.Record{first}, []wire.Record{second}, true
		}
	case *wire.Events:
		if at, ok := middle(r); ok {
			first, second := splitSpan(r, at)
			return []wire.Record{first}, []wire.Record{second}, true
		}
	case *wire.Maxima:
		if n := len(r.From); n > 1 && len(r.To) == n && len(r.InUse) == n {
			first, second := splitMaxima(r)
			return []wire.Record{first}, []wire.Record{second}, true
		}
	case *wire.Assignments:
		if namesOf(r) > 1 {
			first, second := splitAssignments(r)
			return []wire.Record{first}, []wire.Record{second}, true
		}
	}
	return nil, nil, false
}

// namesOf counts the names of a record of assignments.
func namesOf(r *wire.Assignments) int {
	n := 0
	for _, lists := range [][]wire.Assigned{r.Assigned, r.Ended} {
		for _, l := range lists {
			n += len(l.Names)
		}
	}
	return n
}

// splitAssignments divides a record of at least two names. The second half says
// that both together are complete, if they are.
func splitAssignments(r *wire.Assignments) (first, second *wire.Assignments) {
	a, b := *r, *r
	a.Complete = false
	n := namesOf(r) / 2
	a.Assigned, b.Assigned, n = splitLists(r.Assigned, n)
	a.Ended, b.Ended, _ = splitLists(r.Ended, n)
	return &a, &b
}

// splitLists divides lists behind n names, and returns how many of n are left
// where there are less.
func splitLists(lists []wire.Assigned, n int) (first, second []wire.Assigned, left int) {
	for _, l := range lists {
		cut := min(n, len(l.Names))
		n -= cut
		if cut > 0 {
			first = append(first, partOf(l, 0, cut))
		}
		if cut < len(l.Names) {
			second = append(second, partOf(l, cut, len(l.Names)))
		}
	}
	return first, second, n
}

// partOf returns the names [from, to) of a list.
func partOf(l wire.Assigned, from, to int) wire.Assigned {
	for _, times := range []*[]int64{&l.First, &l.Last} {
		if len(*times) == len(l.Names) {
			*times = (*times)[from:to]
		}
	}
	l.Names = l.Names[from:to]
	return l
}

// splitMaxima divides a list of at least two maxima.
func splitMaxima(r *wire.Maxima) (first, second *wire.Maxima) {
	a, b := *r, *r
	n := len(r.From) / 2
	a.From, b.From = r.From[:n:n], r.From[n:]
	a.To, b.To = r.To[:n:n], r.To[n:]
	a.InUse, b.InUse = r.InUse[:n:n], r.InUse[n:]
	return &a, &b
}

// splitRun divides a run of at least two instants.
func splitRun(run *wire.Samples) (first, second *wire.Samples) {
	first, second = spread(run), spread(run)
	n := len(run.At) / 2
	first.At, second.At = first.At[:n], second.At[n:]
	for i := range run.Pools {
		for _, c := range counts(&first.Pools[i]) {
			*c = (*c)[:n]
		}
		for _, c := range counts(&second.Pools[i]) {
			*c = (*c)[n:]
		}
	}
	shorten(first)
	shorten(second)
	return first, second
}

// middle returns the instant at which a span is divided: that of the event in
// the middle, or the middle of a span of more days than a batch may hold.
func middle(e *wire.Events) (at int64, ok bool) {
	first, last := daysOf(e)
	switch n := len(e.At); {
	case len(e.InUse) != n || len(e.High) != 0 && len(e.High) != n:
		return 0, false // the hub says what is wrong with it
	case n > 1:
		at = e.At[n/2]
	case last-first >= wire.MaxDays:
		at = e.From + (e.To-e.From)/2
	}
	return at, e.From < at && at < e.To
}

// splitSpan divides a span at an instant within it.
func splitSpan(e *wire.Events, at int64) (first, second *wire.Events) {
	a, b := *e, *e
	n, _ := slices.BinarySearch(e.At, at)
	a.To, b.From = at, at
	a.At, b.At = e.At[:n], e.At[n:]
	a.InUse, b.InUse = e.InUse[:n], e.InUse[n:]
	if len(e.High) > 0 {
		a.High, b.High = e.High[:n], e.High[n:]
	}
	b.Start = last(&a)
	return &a, &b
}
