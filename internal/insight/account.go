package insight

// An account adds up the seconds of a bucket.
type account struct {
	bucket Bucket
	levels histogram

	counts bool // something is known in the seconds at hand
	higher bool // the highest use was in the seconds at hand
}

// begin begins a bucket.
func (a *account) begin(s Span) { a.bucket, a.counts = Bucket{Span: s}, false }

// stretch begins n seconds in which nothing but the use changes.
func (a *account) stretch(s *sum, n int64) {
	b := &a.bucket
	a.higher = false
	a.counts = s.known > 0
	s.cover(b, n)
	if a.counts {
		b.Seconds += n
	}
}

// use says that the use was value for n seconds from at on.
func (a *account) use(value, at, n int64) {
	if !a.counts {
		return
	}
	b := &a.bucket
	b.Integral += value * n
	if value >= a.levels.low && value <= a.levels.high && value < int64(len(a.levels.small)) && value >= 0 {
		a.levels.small[value] += n
	} else {
		a.levels.add(value, n)
	}
	if value > b.Peak.Value || !b.Peak.Known {
		b.Peak.Known, b.Peak.Value, b.Peak.At = true, value, at
		a.higher = true
	}
}

// end ends the seconds of stretch: what else was so at the highest use is as
// the sum says.
func (a *account) end(s *sum) {
	if !a.higher {
		return
	}
	p := s.peak(a.bucket.Peak.At, a.bucket.Peak.Coverage)
	p.Value, p.Low = a.bucket.Peak.Value, a.bucket.Peak.Value
	a.bucket.Peak = p
}

// done returns the bucket.
func (a *account) done() Bucket {
	a.bucket.Levels = a.levels.take()
	return a.bucket.finish()
}

// join returns the bucket without its levels, which go to those of others; unless
// more are to come, it has them all.
func (a *account) join(others *histogram, more bool) Bucket {
	b := a.bucket.finish()
	b.P95, b.Least = a.levels.percentile(95, b.Seconds), a.levels.least()
	a.levels.moveTo(others)
	if !more {
		b.Levels = others.take()
	}
	return b
}
