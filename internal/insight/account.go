package insight

// An account adds up the seconds of a bucket.
type account struct {
	bucket Bucket
	levels histogram

	peakOnly bool

	counts bool // something is known in the seconds at hand
	higher bool // the highest use was in the seconds at hand
}

// begin begins a bucket; of one that is peakOnly nothing but the highest use is
// asked for, and whether it is known is not looked at.
func (a *account) begin(s Span, peakOnly bool) {
	a.bucket, a.peakOnly, a.counts = Bucket{Span: s}, peakOnly, peakOnly
}

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
	if !a.peakOnly {
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
