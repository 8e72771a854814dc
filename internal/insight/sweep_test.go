package insight_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// horizon is how many seconds the lines of these tests have.
const horizon = 60

// bases from best to weakest.
var bases = []license.Basis{license.BasisExact, license.BasisSampled, license.BasisAtLeast, license.BasisBetween}

func drawCount(t *rapid.T, label string) license.Count {
	if n := rapid.Int64Range(-2, 20).Draw(t, label); n >= 0 {
		return license.Of(n)
	}
	return license.Count{}
}

func drawPiece(t *rapid.T, from, to int64) series.Piece {
	p := series.Piece{
		From: from, To: to,
		Kind:  series.Kind(rapid.IntRange(0, 4).Draw(t, "kind")),
		State: rapid.SampledFrom([]license.State{1, 1, 1, 0, 2, 3, 4}).Draw(t, "state"),
	}
	if p.Kind == series.Absent || p.Kind == series.Ended {
		p.State = 0
		return p
	}
	p.Installed = drawCount(t, "installed")
	p.Overdraft = drawCount(t, "overdraft")
	if p.Kind == series.Known {
		p.InUse = rapid.Int64Range(0, 9).Draw(t, "in use")
		p.High = p.InUse + max(0, rapid.Int64Range(-6, 4).Draw(t, "spike"))
		p.Reserved = drawCount(t, "reserved")
		p.Basis = rapid.SampledFrom(bases).Draw(t, "basis")
		if p.Basis == license.BasisBetween {
			p.High, p.Reached = p.InUse, rapid.Bool().Draw(t, "reached")
		}
	}
	return p
}

func drawLines(t *rapid.T) []insight.Line {
	lines := make([]insight.Line, rapid.IntRange(0, 5).Draw(t, "lines"))
	for i := range lines {
		lines[i] = insight.Line{Server: int64(i), Pool: series.PoolID(i)}
		for from := int64(0); from < horizon; {
			to := min(horizon, from+rapid.Int64Range(1, 25).Draw(t, "length"))
			lines[i].Pieces = append(lines[i].Pieces, drawPiece(t, from, to))
			from = to
		}
	}
	return lines
}

func drawSpan(t *rapid.T) insight.Span {
	from := rapid.Int64Range(0, horizon-1).Draw(t, "from")
	return insight.Span{From: from, To: rapid.Int64Range(from+1, horizon).Draw(t, "to")}
}

// second returns the piece of a line at a second, with its value in this one.
func second(l insight.Line, at int64) (p series.Piece, value int64) {
	for _, p := range l.Pieces {
		if p.From <= at && at < p.To {
			if p.From == at {
				return p, p.High
			}
			return p, p.InUse
		}
	}
	return series.Piece{Kind: series.Absent}, 0
}

// naive adds the lines up second by second.
func naive(lines []insight.Line, s insight.Span) insight.Bucket {
	b := insight.Bucket{Span: s}
	for at := s.From; at < s.To; at++ {
		p, something := naivePeak(lines, at)
		b.Peak.Coverage = b.Peak.Coverage.Plus(p.Coverage)
		if installed, overdraft, ok := naiveInstalled(lines, at); ok {
			b.Installed, b.Overdraft = installed, overdraft
		}
		if !something {
			continue
		}
		b.Seconds++
		b.Integral += p.Value
		if !b.Peak.Known || p.Value > b.Peak.Value {
			p.Coverage = b.Peak.Coverage
			b.Peak = p
		}
	}
	b.Peak.Low = naiveLow(lines, s)
	b.Levels = naiveLevels(lines, s)
	b.P95 = naivePercentile(b.Levels, 0.95)
	if len(b.Levels) > 0 {
		b.Least = license.Of(b.Levels[0].Value)
	}
	b.Mean = math.NaN()
	if b.Seconds > 0 {
		b.Mean = float64(b.Integral) / float64(b.Seconds)
	}
	return b
}

// certain returns what the sum is at least at a second.
func certain(lines []insight.Line, at int64) (sum int64) {
	for _, l := range lines {
		p, value := second(l, at)
		if p.Kind == series.Known && p.State != license.StateUncounted && p.Basis != license.BasisBetween {
			sum += value
		}
	}
	return sum
}

// naiveLow returns the highest sum that is certain: of each second, and of each
// maximum that was reached together with the least of the others meanwhile.
func naiveLow(lines []insight.Line, s insight.Span) (low int64) {
	for at := s.From; at < s.To; at++ {
		low = max(low, certain(lines, at))
	}
	for _, l := range lines {
		for _, p := range l.Pieces {
			if !p.Reached || p.State == license.StateUncounted || p.From < s.From || p.To > s.To {
				continue
			}
			least := int64(math.MaxInt64)
			for at := p.From; at < p.To; at++ {
				least = min(least, certain(lines, at))
			}
			low = max(low, p.InUse+least)
		}
	}
	return low
}

// naiveLevels counts the seconds of each value, of those in which something is
// known.
func naiveLevels(lines []insight.Line, s insight.Span) (out insight.Levels) {
	seconds := map[int64]int64{}
	for at := s.From; at < s.To; at++ {
		if p, something := naivePeak(lines, at); something {
			seconds[p.Value]++
		}
	}
	for _, v := range slices.Sorted(maps.Keys(seconds)) {
		out = append(out, insight.Level{Value: v, Seconds: seconds[v]})
	}
	return out
}

// naivePercentile sorts all seconds and takes the one at the share.
func naivePercentile(levels insight.Levels, share float64) license.Count {
	var all []int64
	for _, l := range levels {
		for range l.Seconds {
			all = append(all, l.Value)
		}
	}
	if len(all) == 0 {
		return license.Count{}
	}
	return license.Of(all[int(math.Ceil(share*float64(len(all))-1e-9))-1])
}

func naivePeak(lines []insight.Line, at int64) (peak insight.Peak, something bool) {
	peak = insight.Peak{Known: true, At: at, Installed: license.Of(0), Basis: license.BasisSampled}
	weakest, limited := -1, 0
	for _, l := range lines {
		p, value := second(l, at)
		if p.State == license.StateUncounted {
			continue
		}
		switch p.Kind {
		case series.Ended:
			peak.Coverage.Known++
		case series.Unknown:
			peak.Coverage.Unknown++
			peak.Partial = true
		case series.Pending:
			peak.Partial = true
		case series.Known:
			peak.Coverage.Known++
			peak.Value += value
			peak.Reserved += p.Reserved.N
			weakest = max(weakest, slices.Index(bases, p.Basis))
			if p.State == license.StateUnlimited {
				peak.Unlimited = true
				continue
			}
			limited++
			peak.Installed = peak.Installed.Plus(p.Installed)
		}
	}
	if weakest >= 0 {
		peak.Basis = bases[weakest]
	}
	if limited == 0 {
		peak.Installed = license.Count{}
	}
	return peak, peak.Coverage.Known > 0
}

func naiveInstalled(lines []insight.Line, at int64) (installed, overdraft license.Count, ok bool) {
	told := true // by every pool that is installed
	for _, l := range lines {
		p, _ := second(l, at)
		if p.State == license.StateUncounted || p.State == license.StateUnlimited {
			continue
		}
		if !p.Installed.Known {
			if p.Kind == series.Known {
				return license.Count{}, license.Count{}, false
			}
			continue
		}
		installed = license.Of(installed.N + p.Installed.N)
		told = told && p.Overdraft.Known
		if p.Overdraft.Known {
			overdraft = license.Of(overdraft.N + p.Overdraft.N)
		}
	}
	if !told {
		overdraft = license.Count{}
	}
	return installed, overdraft, installed.Known
}

func TestTrendIsTheNaiveSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := drawLines(t)
		var spans []insight.Span
		for from := rapid.Int64Range(0, 20).Draw(t, "from"); from < horizon; {
			to := min(horizon, from+rapid.Int64Range(1, 30).Draw(t, "length"))
			spans = append(spans, insight.Span{From: from, To: to})
			from = to + max(0, rapid.Int64Range(-5, 5).Draw(t, "hole"))
		}
		got := insight.TrendOf(lines, spans)
		for i, s := range spans {
			if diff := cmp.Diff(naive(lines, s), got[i], cmpopts.EquateNaNs()); diff != "" {
				t.Fatalf("bucket %v (-want +got):\n%s", s, diff)
			}
		}
	})
}

func TestPeakIsThatOfTheTrend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, s := drawLines(t), drawSpan(t)
		if diff := cmp.Diff(naive(lines, s).Peak, insight.PeakOf(lines, s)); diff != "" {
			t.Fatalf("peak of %v (-want +got):\n%s", s, diff)
		}
	})
}

// The peak of a day is the highest of the peaks of its hours, and nothing else
// of the day differs from what its hours say together.
func TestWholeIsTheJoinOfItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, s := drawLines(t), drawSpan(t)
		var parts []insight.Span
		for from := s.From; from < s.To; {
			to := min(s.To, from+rapid.Int64Range(1, 20).Draw(t, "part"))
			parts = append(parts, insight.Span{From: from, To: to})
			from = to
		}
		want := insight.TrendOf(lines, []insight.Span{s})[0]
		got := insight.Join(insight.TrendOf(lines, parts))
		if got.Peak.Low > want.Peak.Low {
			t.Fatalf("low of the parts %d, of the whole %d", got.Peak.Low, want.Peak.Low)
		}
		got.Peak.Low = want.Peak.Low // parts may divide a maximum
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("join of %v (-whole +joined):\n%s", parts, diff)
		}
	})
}

func TestMoreLinesNeverLowerAPeak(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, s := drawLines(t), drawSpan(t)
		n := rapid.IntRange(0, len(lines)).Draw(t, "chosen")
		some, all := insight.PeakOf(lines[:n], s), insight.PeakOf(lines, s)
		if some.Known && (!all.Known || all.Value < some.Value) {
			t.Fatalf("peak of %d lines %+v, of all %d %+v", n, some, len(lines), all)
		}
	})
}

func TestPeakOfTheSumIsAtMostTheSumOfPeaks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, s := drawLines(t), drawSpan(t)
		sum := int64(0)
		for i := range lines {
			sum += insight.PeakOf(lines[i:i+1], s).Value
		}
		if p := insight.PeakOf(lines, s); p.Value > sum {
			t.Fatalf("peak of the sum %d, sum of peaks %d", p.Value, sum)
		}
	})
}

func TestOrderOfLinesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, s := drawLines(t), drawSpan(t)
		shuffled := rapid.Permutation(lines).Draw(t, "order")
		if diff := cmp.Diff(insight.PeakOf(lines, s), insight.PeakOf(shuffled, s)); diff != "" {
			t.Fatalf("peaks differ (-want +got):\n%s", diff)
		}
	})
}

func TestCoverageShare(t *testing.T) {
	for _, c := range []struct {
		coverage insight.Coverage
		share    float64
		ok       bool
	}{
		{insight.Coverage{}, 0, false},
		{insight.Coverage{Known: 3, Unknown: 1}, 0.75, true},
		{insight.Coverage{Unknown: 5}, 0, true},
	} {
		share, ok := c.coverage.Share()
		if share != c.share || ok != c.ok {
			t.Errorf("%+v.Share() = %v, %v, want %v, %v", c.coverage, share, ok, c.share, c.ok)
		}
	}
}

func BenchmarkTrend(b *testing.B) {
	const servers, samples = 12, 96 * 30
	lines := make([]insight.Line, servers)
	for i := range lines {
		for k := range int64(samples) {
			at, n := 900*k, (k*7+int64(i)*31)%40
			lines[i].Pieces = append(lines[i].Pieces, series.Piece{
				From: at, To: at + 900, Kind: series.Known, InUse: n, High: n,
				State: license.StateCounted, Installed: license.Of(100), Basis: license.BasisSampled,
			})
		}
		for k := range lines[i].Pieces { // servers are not read at the same second
			lines[i].Pieces[k].From += int64(i * 7)
			lines[i].Pieces[k].To += int64(i * 7)
		}
	}
	var spans []insight.Span
	for d := range int64(30) {
		spans = append(spans, insight.Span{From: d * 86400, To: (d + 1) * 86400})
	}
	b.ReportAllocs()
	for b.Loop() {
		insight.TrendOf(lines, spans)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(servers*samples), "ns/piece")
}
