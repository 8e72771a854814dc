package series

// compareSlack is how many seconds a log and a reading may be apart: what
// changes meanwhile is in one and not in the other.
const compareSlack = 60

// A Comparison says how the readings of a pool agree with its log (design
// section 4, rule 16).
type Comparison struct {
	Compared int // readings at which the log tells the use too
	Differ   int
	At       int64 // the newest of those that differ
	Reading  int64 // in use by people, as it says
	Log      int64 // as the log says, the nearest value within a minute
}

// Compare compares the readings of a pool in a day with what its log says of the
// same time. A log tells what people took, and so do readings less what is
// reserved. A log that was cut at its start may say less.
func Compare(day *Day, pool PoolID) (c Comparison) {
	p := day.pool(pool)
	spans, steps := p.Spans, p.Steps
	for _, s := range p.Samples {
		if !s.InUse.Known {
			continue
		}
		for len(spans) > 0 && spans[0].To <= s.At {
			spans = spans[1:]
		}
		if len(spans) == 0 || spans[0].From > s.At {
			continue
		}
		from := max(spans[0].From, s.At-compareSlack)
		for len(steps) > 1 && steps[1].At <= from {
			steps = steps[1:]
		}
		people := s.InUse.N
		if s.Reserved.Known {
			people -= s.Reserved.N
		}
		low, high := logged(steps, s.At+compareSlack)
		c.Compared++
		if people >= low && (people <= high || !spans[0].Exact) {
			continue
		}
		c.Differ++
		c.At, c.Reading, c.Log = s.At, people, min(max(people, low), high)
	}
	return c
}

// logged returns the lowest and the highest use between the first step and an
// instant.
func logged(steps []Step, to int64) (low, high int64) {
	low, high = steps[0].InUse, steps[0].High
	for _, s := range steps[1:] {
		if s.At > to {
			break
		}
		low, high = min(low, s.InUse), max(high, s.High)
	}
	return low, high
}
