package main

import "headroom/internal/series"

// A sweeper answers in the plainest way that there is, second by second and
// straight from the generator. Nothing of it is measured: all others must
// agree with it.
type sweeper struct {
	*estate
	use, known [series.DaySeconds + 1]int64 // changes at each second of the day
}

func newSweeper(e *estate) *sweeper { return &sweeper{estate: e.askedOnly()} }

// answer sweeps every day of a query.
func (s *sweeper) answer(q query, servers []int) answer {
	var a answer
	a.Peak.Value = -1
	for n := int((q.From - s.begin()) / series.DaySeconds); n < int((q.To-s.begin())/series.DaySeconds); n++ {
		clear(s.use[:])
		clear(s.known[:])
		for _, server := range servers {
			s.add(server, n)
		}
		d := s.sum(n, &a.Peak)
		if d.Seconds > 0 && q.Kind == aTrend {
			a.Days = append(a.Days, d)
		}
	}
	if q.Kind == aTrend {
		a.Peak = peakRow{}
	}
	return a
}

// add enters what one server has in a day, the day before included as far as
// it holds on.
func (s *sweeper) add(server, n int) {
	var at, use []int64
	for d := range s.days(server, max(0, n-1), n+1) {
		at, use = append(at, d.At...), append(use, d.Use[asked]...)
	}
	midnight := series.DayStart(firstDay + int32(n))
	for i := range at {
		until := at[i] + s.hold()
		if i+1 < len(at) {
			until = min(until, at[i+1])
		}
		from, to := max(at[i]-midnight, 0), min(until-midnight, series.DaySeconds)
		if from < to {
			s.use[from] += use[i]
			s.use[to] -= use[i]
			s.known[from]++
			s.known[to]--
		}
	}
}

// sum goes through the seconds of a day.
func (s *sweeper) sum(n int, best *peakRow) dayRow {
	d := dayRow{Day: firstDay + int32(n)}
	var use, known int64
	var at []int64 // seconds at each level
	for i := range series.DaySeconds {
		use += s.use[i]
		known += s.known[i]
		if known == 0 {
			continue
		}
		if use > best.Value {
			*best = peakRow{use, series.DayStart(d.Day) + int64(i)}
		}
		d.Max = max(d.Max, use)
		d.Integral += use
		d.Seconds++
		for int64(len(at)) <= use {
			at = append(at, 0)
		}
		at[use]++
	}
	var upTo int64
	for level, seconds := range at {
		if upTo += seconds; 100*upTo >= 95*d.Seconds {
			d.P95 = int64(level)
			break
		}
	}
	return d
}
