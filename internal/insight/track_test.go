package insight_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// firstDay is the first UTC day of the estates of these tests.
const firstDay = 20000

// estateDays is how many days an estate has, one more at each end not counted.
const estateDays = 4

// A made server is one that was made up: its records, and what stands in the
// hub's table of servers.
type made struct {
	id    int64
	days  map[int32]series.Day
	first map[series.PoolID]int64
	upTo  int64
	after series.Kind
}

// A madeEstate is license servers with their blocks.
type madeEstate struct {
	servers []*made
	days    map[int32]*insight.Blocks
	tracks  []*insight.Track
}

func (e *madeEstate) Blocks(day int32) (*insight.Blocks, error) {
	if b := e.days[day]; b != nil {
		return b, nil
	}
	return new(insight.Blocks), nil
}

// regularly adds readings as an ordinary server has them: every now and then
// one is lost.
func (m *made) regularly(t *rapid.T, b *series.Builder) {
	period := rapid.SampledFrom([]int64{900, 3600, 7000}).Draw(t, "period")
	hold := rapid.SampledFrom([]int64{1800, 5000, 86400}).Draw(t, "hold")
	begin := series.DayStart(firstDay) + rapid.Int64Range(0, 80_000).Draw(t, "begin")
	end := begin + rapid.Int64Range(1, estateDays*86400).Draw(t, "length")
	sample := drawSample(t)
	other := drawSample(t)
	for at := begin; at < min(end, series.DayStart(firstDay+estateDays)); at += period {
		if rapid.IntRange(0, 15).Draw(t, "lost") == 0 {
			continue
		}
		sample.InUse = license.Of(rapid.Int64Range(0, 40).Draw(t, "in use"))
		samples := []series.PoolSample{{Pool: 1, Sample: sample}}
		if rapid.IntRange(0, 30).Draw(t, "without") > 0 {
			other.InUse = sample.InUse
			samples = append(samples, series.PoolSample{Pool: 2, Sample: other})
		}
		m.add(b, series.Round{At: at, Hold: hold, Complete: true}, samples)
		if rapid.IntRange(0, 60).Draw(t, "change") == 0 {
			sample.Installed = drawCount(t, "installed")
		}
	}
}

func drawSample(t *rapid.T) series.Sample {
	s := series.Sample{State: rapid.SampledFrom([]license.State{1, 1, 1, 1, 2, 3}).Draw(t, "state"), Installed: drawCount(t, "installed")}
	if rapid.Bool().Draw(t, "more") {
		s.Reserved, s.Overdraft, s.Queued = drawCount(t, "reserved"), drawCount(t, "overdraft"), drawCount(t, "queued")
	}
	return s
}

// oddly adds anything that a server may say, in any order.
func (m *made) oddly(t *rapid.T, b *series.Builder) {
	instant := func() int64 {
		return series.DayStart(firstDay) + rapid.Int64Range(0, estateDays*86400-1).Draw(t, "at")
	}
	for range rapid.IntRange(0, 4).Draw(t, "odd records") {
		pool := series.PoolID(rapid.IntRange(1, 2).Draw(t, "pool"))
		from := instant()
		to := from + rapid.Int64Range(1, 100_000).Draw(t, "length")
		imported := rapid.Bool().Draw(t, "imported")
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			s := drawSample(t)
			s.InUse = drawCount(t, "in use")
			samples := []series.PoolSample{{Pool: pool, Sample: s}}
			m.add(b, series.Round{
				At: from, Hold: rapid.Int64Range(1, 86400).Draw(t, "hold"), Imported: imported,
				Complete: rapid.Bool().Draw(t, "complete"),
			}, samples)
		case 1:
			steps := []series.Step{{At: from + (to-from)/2, InUse: rapid.Int64Range(0, 30).Draw(t, "use"), High: 20}}
			span := series.Span{From: from, To: to, Exact: rapid.Bool().Draw(t, "exact"), Imported: imported}
			if err := b.AddSpan(pool, span, rapid.Int64Range(0, 30).Draw(t, "start"), steps); err != nil {
				t.Fatal(err)
			}
			m.record(pool, from, imported, to)
		default:
			if err := b.AddMaximum(pool, series.Maximum{From: from, To: to, InUse: rapid.Int64Range(0, 50).Draw(t, "maximum"), Whole: true, Imported: imported}); err != nil {
				t.Fatal(err)
			}
			m.record(pool, from, imported, to)
		}
	}
}

func (m *made) add(b *series.Builder, r series.Round, samples []series.PoolSample) {
	b.AddRound(r, samples)
	for _, s := range samples {
		m.record(s.Pool, r.At, r.Imported, r.At)
	}
}

func (m *made) record(pool series.PoolID, at int64, imported bool, upTo int64) {
	if first, ok := m.first[pool]; !ok || at < first {
		m.first[pool] = at
	}
	if !imported {
		m.upTo = max(m.upTo, upTo)
	}
}

func drawMade(t *rapid.T, id int64) *made {
	m := &made{id: id, first: map[series.PoolID]int64{}, days: map[int32]series.Day{}}
	m.tell(t)
	m.after = rapid.SampledFrom([]series.Kind{series.Pending, series.Unknown, series.Absent}).Draw(t, "after")
	if rapid.Bool().Draw(t, "failed since") {
		m.upTo += rapid.Int64Range(0, 100_000).Draw(t, "failed")
	}
	return m
}

// tell adds records to what the server has told.
func (m *made) tell(t *rapid.T) (changed []int32) {
	var b series.Builder
	if rapid.IntRange(0, 4).Draw(t, "regular") > 0 {
		m.regularly(t, &b)
	}
	if rapid.IntRange(0, 2).Draw(t, "odd") == 0 {
		m.oddly(t, &b)
	}
	for _, d := range b.Days() {
		changed = append(changed, d.Number)
		if old, ok := m.days[d.Number]; ok {
			d = series.Merge(old, d)
		}
		m.days[d.Number] = d
	}
	return changed
}

// drawEstate makes an estate, with the blocks as a store would have them.
func drawEstate(t *rapid.T) *madeEstate {
	e := &madeEstate{}
	for id := range rapid.Int64Range(1, 4).Draw(t, "servers") {
		e.servers = append(e.servers, drawMade(t, id+1))
	}
	e.block(t)
	for _, m := range e.servers {
		for _, pool := range slices.Sorted(maps.Keys(m.first)) {
			track := &insight.Track{Server: m.id, Pool: pool, First: m.first[pool], UpTo: m.upTo, After: m.after}
			e.grow(t, m, track)
			e.tracks = append(e.tracks, track)
		}
	}
	return e
}

// block makes the blocks of the servers' days.
func (e *madeEstate) block(t *rapid.T) {
	e.days = map[int32]*insight.Blocks{}
	e.blockDays(t, func(int32) bool { return true })
}

// blockDays makes the blocks of some days anew.
func (e *madeEstate) blockDays(t *rapid.T, which func(day int32) bool) {
	maps.DeleteFunc(e.days, func(day int32, _ *insight.Blocks) bool { return which(day) })
	room := insight.NewRoom(rapid.SampledFrom([]int64{0, 20_000, 1 << 30}).Draw(t, "room"))
	for _, m := range e.servers {
		for _, number := range slices.Sorted(maps.Keys(m.days)) {
			if !which(number) {
				continue
			}
			if e.days[number] == nil {
				e.days[number] = new(insight.Blocks)
				e.days[number].DrawIn(room)
			}
			head, body, err := series.Split(series.Encode(m.days[number]))
			if err != nil {
				t.Fatal(err)
			}
			if !e.days[number].Add(m.id, head, body) {
				t.Fatal("a block was not added")
			}
		}
	}
}

// grow makes a track longer by all days that it does not have.
func (e *madeEstate) grow(t *rapid.T, m *made, track *insight.Track) {
	for _, number := range slices.Sorted(maps.Keys(m.days)) {
		if track.Size() > 0 && number < track.End() && track.End() != 0 {
			continue
		}
		if err := track.Grow(number, sourceOf(t, m.days[number], track.Pool)); err != nil {
			t.Fatal(err)
		}
	}
	if err := track.Finish(); err != nil {
		t.Fatal(err)
	}
}

// sourceOf reads a day as a store that keeps blocks does.
func sourceOf(t *rapid.T, d series.Day, pool series.PoolID) *insight.Source {
	head, body, err := series.Split(series.Encode(d))
	if err != nil {
		t.Fatal(err)
	}
	v := new(series.View)
	if err := v.Open(head, nil); err != nil {
		t.Fatal(err)
	}
	s := &insight.Source{View: v, Read: func(pool series.PoolID) (series.Day, error) {
		var whole series.View
		if err := whole.Open(head, body); err != nil {
			return series.Day{}, err
		}
		return whole.PoolOf(pool)
	}}
	for pools := v.Summaries(); pools.Next(); {
		if pools.Place.Pool != pool {
			continue
		}
		if s.Has = true; pools.Place.Plain {
			summary := pools.Summary
			s.Summary = &summary
		}
	}
	return s
}

// line returns what the tracks stand for, played at once from the days.
func (e *madeEstate) line(track *insight.Track, s insight.Span) insight.Line {
	m := e.servers[track.Server-1]
	var days []series.Day
	for _, number := range slices.Sorted(maps.Keys(m.days)) {
		days = append(days, m.days[number])
	}
	return insight.Line{Server: track.Server, Pool: track.Pool, Pieces: series.Pieces(days, track.Pool, series.Frame{
		From: s.From, To: s.To, First: track.First, UpTo: track.UpTo, After: track.After,
	})}
}

func (e *madeEstate) lines(tracks []*insight.Track, s insight.Span) []insight.Line {
	out := make([]insight.Line, len(tracks))
	for i, track := range tracks {
		out[i] = e.line(track, s)
		out[i].Pieces = counted(track, out[i].Pieces)
	}
	return out
}

// drawPart draws a span that begins and ends at midnight, or anywhere.
func drawPart(t *rapid.T) insight.Span {
	begin := series.DayStart(firstDay - 1)
	const length = (estateDays + 3) * 86400
	if rapid.Bool().Draw(t, "whole days") {
		from := rapid.Int64Range(0, estateDays).Draw(t, "from day")
		return insight.Span{From: begin + from*86400, To: begin + rapid.Int64Range(from+1, estateDays+3).Draw(t, "to day")*86400}
	}
	from := rapid.Int64Range(0, length-1).Draw(t, "from")
	return insight.Span{From: begin + from, To: begin + rapid.Int64Range(from+1, length).Draw(t, "to")}
}

func drawTracks(t *rapid.T, e *madeEstate) []*insight.Track {
	tracks := slices.DeleteFunc(slices.Clone(e.tracks), func(*insight.Track) bool { return rapid.IntRange(0, 3).Draw(t, "left out") == 0 })
	for i, track := range tracks {
		if rapid.IntRange(0, 5).Draw(t, "echo") == 0 {
			tracks[i] = track.Echo()
		}
	}
	return tracks
}

// counted takes from pieces what an echo leaves to another track.
func counted(track *insight.Track, pieces []series.Piece) []series.Piece {
	if !track.Echoes() {
		return pieces
	}
	pieces = slices.Clone(pieces)
	for i := range pieces {
		pieces[i].Installed.N, pieces[i].Overdraft.N = 0, 0
	}
	return pieces
}

// checkPeak compares a filter's peak with that of the pieces.
func (e *madeEstate) checkPeak(t *rapid.T, f *insight.Filter, tracks []*insight.Track, s insight.Span) {
	got, err := f.Peak(e, new(insight.Scratch), new(insight.Scratch))
	if err != nil {
		t.Fatal(err)
	}
	want := insight.PeakOf(e.lines(tracks, s), s)
	if diff := cmp.Diff(want, got); diff != "" {
		var about []any
		for _, track := range tracks {
			about = append(about, fmt.Sprintf("first %d, up to %d, after %d: %+v", track.First, track.UpTo, track.After, e.servers[track.Server-1].days))
		}
		t.Fatalf("peak of %d tracks over %+v (-want +got):\n%s\n%s", len(tracks), s, diff, about)
	}
}

func TestFilterFindsThePeakOfThePieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEstate(t)
		s := drawPart(t)
		f := insight.NewFilter(s)
		tracks := drawTracks(t, e)
		if err := f.Add(e, new(insight.Scratch), tracks...); err != nil {
			t.Fatal(err)
		}
		e.checkPeak(t, f, tracks, s)
		for range 3 {
			if len(e.tracks) == 0 {
				break
			}
			track := rapid.SampledFrom(e.tracks).Draw(t, "toggled")
			if err := f.Toggle(e, new(insight.Scratch), track); err != nil {
				t.Fatal(err)
			}
			if i := slices.Index(tracks, track); i >= 0 {
				tracks = slices.Delete(tracks, i, i+1)
			} else {
				tracks = append(tracks, track)
			}
			e.checkPeak(t, f, tracks, s)
		}
	})
}

func TestTrendOfTracksIsThatOfThePieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEstate(t)
		tracks, s := drawTracks(t, e), drawPart(t)
		zone := time.FixedZone("", rapid.IntRange(-14*3600, 14*3600).Draw(t, "zone"))
		spans := insight.Days(time.Unix(s.From, 0), time.Unix(s.To, 0), zone)
		if rapid.Bool().Draw(t, "with holes") {
			spans = slices.DeleteFunc(spans, func(insight.Span) bool { return rapid.IntRange(0, 3).Draw(t, "hole") == 0 })
		}
		got, err := insight.TrackTrend(e, tracks, spans)
		if err != nil {
			t.Fatal(err)
		}
		want := insight.TrendOf(e.lines(tracks, s), spans)
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("trend of %d tracks (-want +got):\n%s", len(tracks), diff)
		}
		if len(spans) == 0 {
			return
		}
		joins := rapid.SliceOfN(rapid.Bool(), len(spans), len(spans)).Draw(t, "joins")
		joined, err := insight.JoinedTrend(e, tracks, spans, func(i int) bool { return joins[i] })
		if err != nil {
			t.Fatal(err)
		}
		for from := 0; from < len(spans); {
			to := from + 1
			for to < len(spans) && joins[to] {
				to++
			}
			if diff := cmp.Diff(insight.Join(want[from:to]), insight.Join(joined[from:to]), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("trend of %d tracks, spans %d to %d joined (-want +got):\n%s", len(tracks), from, to, diff)
			}
			from = to
		}
		if diff := cmp.Diff(want, joined, cmpopts.EquateNaNs(), cmpopts.IgnoreFields(insight.Bucket{}, "Levels")); diff != "" {
			t.Fatalf("joined trend of %d tracks (-want +got):\n%s", len(tracks), diff)
		}
	})
}

func TestCoverageByDayIsThatOfThePieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEstate(t)
		tracks, s := drawTracks(t, e), drawPart(t)
		from, to := series.DayOf(s.From), series.DayOf(s.To)+1
		got := insight.CoverageByDay(tracks, from, to)
		silent := slices.ContainsFunc(tracks, func(t *insight.Track) bool { return t.After == series.Unknown })
		for i, c := range got {
			day := insight.Span{From: series.DayStart(from + int32(i)), To: series.DayStart(from + int32(i) + 1)}
			want := insight.PeakOf(e.lines(tracks, day), day).Coverage
			if silent && c.Unknown < want.Unknown {
				c.Unknown = want.Unknown
			}
			if c != want {
				t.Fatalf("day %d of %d tracks: %+v, want %+v", from+int32(i), len(tracks), c, want)
			}
		}
	})
}

func TestTrackThatGrowsAnewIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEstate(t)
		if len(e.tracks) == 0 {
			t.Skip("nothing was told")
		}
		s := drawPart(t)
		all := insight.NewFilter(s)
		if err := all.Add(e, new(insight.Scratch), e.tracks...); err != nil {
			t.Fatal(err)
		}
		e.checkPeak(t, all, e.tracks, s) // what it finds of days that do not change stays
		m := e.servers[0]
		changed := m.tell(t)
		e.blockDays(t, func(day int32) bool { return slices.Contains(changed, day) })
		renewed, tail, follows := map[int32]bool{}, int32(math.MaxInt32), true
		for _, track := range e.tracks {
			if track.Server != m.id || len(changed) == 0 {
				continue
			}
			if track.First != m.first[track.Pool] {
				follows = false
				continue
			}
			was := series.DayOf(track.UpTo)
			tail = min(tail, was)
			track.UpTo = max(track.UpTo, m.upTo)
			slices.Sort(changed)
			for _, day := range changed {
				if day >= was {
					break
				}
				last, err := track.Renew(day, func(day int32) (*insight.Source, error) {
					if d, ok := m.days[day]; ok {
						return sourceOf(t, d, track.Pool), nil
					}
					return nil, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				e.blockDays(t, func(d int32) bool { return d > day && d <= last }) // they were asked for
				for d := day; d <= last; d++ {
					renewed[d] = true
				}
			}
			track.Cut(was)
			e.grow(t, m, track)
			f := insight.NewFilter(s)
			if err := f.Add(e, new(insight.Scratch), track); err != nil {
				t.Fatal(err)
			}
			e.checkPeak(t, f, []*insight.Track{track}, s)
		}
		if !follows {
			return
		}
		if err := all.Renew(e, new(insight.Scratch), func(day int32) bool { return renewed[day] || day >= tail }); err != nil {
			t.Fatal(err)
		}
		e.checkPeak(t, all, e.tracks, s)
	})
}

// A pool that is used up every day has its peak on the first of them, and no other
// day is read for it.
func TestPeakThatComesBackEveryDayReadsOneDay(t *testing.T) {
	const days = 60
	e := &countingReader{days: map[int32]*insight.Blocks{}}
	track := &insight.Track{Server: 1, Pool: 1, First: series.DayStart(firstDay), UpTo: series.DayStart(firstDay + days), After: series.Pending}
	for number := int32(firstDay); number < firstDay+days; number++ {
		var b series.Builder
		for k := range int64(96) {
			use := int64(3)
			if k == 40 {
				use = 5
			}
			b.AddRound(series.Round{At: series.DayStart(number) + 900*k, Hold: 1800, Complete: true}, []series.PoolSample{{Pool: 1, Sample: series.Sample{
				State: license.StateCounted, InUse: license.Of(use), Installed: license.Of(5),
			}}})
		}
		head, body, err := series.Split(series.Encode(b.Days()[0]))
		if err != nil {
			t.Fatal(err)
		}
		blocks := new(insight.Blocks)
		blocks.Add(1, head, body)
		source, err := blocks.Source(1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := track.Grow(number, source); err != nil {
			t.Fatal(err)
		}
		e.days[number] = blocks
	}
	if err := track.Finish(); err != nil {
		t.Fatal(err)
	}
	f := insight.NewFilter(insight.Span{From: series.DayStart(firstDay), To: series.DayStart(firstDay + days)})
	var s insight.Scratch
	if err := f.Add(e, &s, track); err != nil {
		t.Fatal(err)
	}
	p, err := f.Peak(e, &s)
	if want := series.DayStart(firstDay) + 40*900; err != nil || p.Value != 5 || p.At != want {
		t.Errorf("peak %+v (%v), want 5 at %d", p, err, want)
	}
	if len(e.read) != 1 {
		t.Errorf("%d days read, want the first alone", len(e.read))
	}
}

// A countingReader knows which days were read.
type countingReader struct {
	days map[int32]*insight.Blocks
	read map[int32]bool
}

func (r *countingReader) Blocks(day int32) (*insight.Blocks, error) {
	if r.read == nil {
		r.read = map[int32]bool{}
	}
	r.read[day] = true
	return r.days[day], nil
}
