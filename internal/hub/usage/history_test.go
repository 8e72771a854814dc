package usage_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// lines plays the whole history of a product at once, with no days and no
// memory.
func (e *estate) lines(t testing.TB, feature string, servers ...int64) []insight.Line {
	t.Helper()
	var out []insight.Line
	for _, p := range e.pools {
		r := e.servers[p.Server-1]
		if p.Key.Feature != feature || len(servers) > 0 && p.Server != servers[0] {
			continue
		}
		var days []series.Day
		for _, number := range slices.Sorted(maps.Keys(e.blocks[r.ID])) {
			d, err := series.Decode(e.blocks[r.ID][number].bytes)
			if err != nil {
				t.Fatal(err)
			}
			days = append(days, d)
		}
		after := map[usage.Status]series.Kind{
			usage.Reporting: series.Pending, usage.NotReporting: series.Unknown, usage.Silent: series.Unknown, usage.Removed: series.Absent,
		}
		out = append(out, insight.Line{Server: r.ID, Pool: p.ID, Pieces: series.Pieces(days, p.ID, series.Frame{
			From: now.AddDate(-1, 0, 0).Unix(), To: now.Unix(), First: p.First, UpTo: r.LastReading.Unix(),
			After: after[usage.StatusOf(r, e.org.Thresholds, now)],
		})})
	}
	return out
}

// draw adds readings of a few servers over the last weeks, with gaps.
func (e *estate) draw(t *rapid.T, tb testing.TB) {
	for i := range e.servers {
		r := &e.servers[i]
		for range rapid.IntRange(0, 6).Draw(t, "readings") {
			ago := time.Duration(rapid.IntRange(1, 100_000).Draw(t, "minutes ago")) * time.Minute
			if rapid.Bool().Draw(t, "lately") {
				ago /= 10
			}
			values := map[string]series.Sample{"other": counted(1, 1)} // no reading is empty
			for _, feature := range []string{"cad", "sim"} {
				if rapid.IntRange(0, 4).Draw(t, feature) > 0 {
					values[feature] = counted(rapid.Int64Range(0, 9).Draw(t, "in use"), 10)
				}
			}
			e.round(tb, r, drawRound(t, now.Add(-ago)), values)
		}
		if rapid.Bool().Draw(t, "log") {
			e.log(tb, r, "cad", now.Add(-time.Duration(rapid.IntRange(1, 100_000).Draw(t, "log minutes ago"))*time.Minute))
		}
	}
}

func drawRound(t *rapid.T, at time.Time) series.Round {
	return series.Round{
		At: at.Unix(), Hold: rapid.SampledFrom([]int64{1800, 20_000, series.MaxHold}).Draw(t, "hold"),
		Complete: rapid.Bool().Draw(t, "complete"), Imported: rapid.Bool().Draw(t, "imported"),
	}
}

func TestPeaksAreThoseOfTheWholeHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := newEstate(t)
		for i := range 3 {
			r := e.server(fmt.Sprint("server", i))
			r.LastReported = now.Add(-time.Duration(rapid.IntRange(1, 1000).Draw(rt, "hours")) * time.Hour)
		}
		s := e.service()
		for range 3 { // what is in memory must not survive a change
			e.draw(rt, t)
			comparePeaks(rt, t, e, s)
		}
	})
}

func comparePeaks(rt *rapid.T, tb testing.TB, e *estate, s *usage.Service) {
	for _, feature := range []string{"cad", "sim"} {
		lines := e.lines(tb, feature)
		d, err := s.Details(tb.Context(), 1, usage.Question{Product: "acme." + feature})
		if len(lines) == 0 {
			if fault.KindOf(err) != fault.NotFound {
				rt.Fatalf("details of %s: %v, want not found", feature, err)
			}
			continue
		}
		if err != nil {
			rt.Fatal(err)
		}
		last7, month := insight.Windows(now, e.org.Zone)
		all := insight.Span{From: now.AddDate(-1, 0, 0).Unix(), To: now.Unix()}
		for name, c := range map[string]struct {
			got  insight.Peak
			span insight.Span
		}{"last 7 days": {d.Peaks.Last7, last7}, "month": {d.Peaks.Month, month}, "all": {d.Peaks.All, all}, "chosen": {d.Peak, all}} {
			if diff := cmp.Diff(insight.PeakOf(lines, c.span), c.got); diff != "" {
				rt.Fatalf("%s, %s (-want +got):\n%s", feature, name, diff)
			}
		}
		compareSteps(rt, tb, s, feature, lines)
		for _, u := range d.Servers {
			if diff := cmp.Diff(insight.PeakOf(e.lines(tb, feature, u.Server.ID), all), u.Peak); diff != "" {
				rt.Fatalf("%s on %s (-want +got):\n%s", feature, u.Server.Name, diff)
			}
		}
		compareTrend(rt, d, lines)
	}
}

func compareTrend(rt *rapid.T, d usage.Details, lines []insight.Line) {
	spans := insight.Days(d.Question.From, d.Question.To, d.Organisation.Zone)
	want := insight.TrendOf(lines, spans)
	if diff := cmp.Diff(insight.Join(want).Levels, d.Levels); diff != "" {
		rt.Fatalf("levels (-want +got):\n%s", diff)
	}
	for i := range want {
		want[i].Levels = nil
	}
	if diff := cmp.Diff(want, d.Trend, cmpopts.EquateNaNs()); diff != "" {
		rt.Fatalf("trend (-want +got):\n%s", diff)
	}
	sum := int64(0)
	for _, u := range d.Servers {
		sum += u.Share.N
	}
	if d.Peak.Known && sum != d.Peak.Value {
		rt.Fatalf("shares of the peak add up to %d, want %d", sum, d.Peak.Value)
	}
}

// compareSteps asks for a trend by month or year from any day on: months are whole
// in some questions and cut in others.
func compareSteps(rt *rapid.T, tb testing.TB, s *usage.Service, feature string, lines []insight.Line) {
	q := usage.Question{Product: "acme." + feature, From: now.AddDate(0, 0, -rapid.IntRange(1, 90).Draw(rt, "days back")), Step: usage.ByMonth}
	if rapid.Bool().Draw(rt, "by year") {
		q.Step = usage.ByYear
	}
	d, err := s.Details(tb.Context(), 1, q)
	if err != nil {
		rt.Fatal(err)
	}
	spans := insight.Months(d.Question.From, d.Question.To, d.Organisation.Zone)
	if q.Step == usage.ByYear {
		spans = insight.Years(d.Question.From, d.Question.To, d.Organisation.Zone)
	}
	if diff := cmp.Diff(insight.TrendOf(lines, spans), d.Trend, cmpopts.EquateNaNs()); diff != "" {
		rt.Fatalf("trend by %s from %s (-want +got):\n%s", q.Step, d.Question.From, diff)
	}
}

func TestLateDataChangeTheirDayOnly(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	for day := range 60 {
		e.reading(t, r, now.AddDate(0, 0, -day).Add(-time.Hour), map[string]series.Sample{"cad": counted(3, 10)})
	}
	s := e.service()
	before := card(t, overview(t, s), "cad").Spark
	e.read.Store(0)
	overview(t, s)
	warm := e.read.Load()
	e.read.Store(0)
	late := now.AddDate(0, 0, -40)
	e.reading(t, r, late, map[string]series.Sample{"cad": counted(9, 10)})
	after := card(t, overview(t, s), "cad")
	if after.Peaks.All.Value != 9 || after.Peaks.All.At != late.Unix() {
		t.Errorf("peak %+v, want the late 9", after.Peaks.All)
	}
	changed := 0
	for i := range before {
		if !cmp.Equal(before[i], after.Spark[i], cmpopts.EquateNaNs()) {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d days changed, want 1", changed)
	}
	if extra := e.read.Load() - warm; extra > 12 {
		t.Errorf("one late day made %d blocks more to be read than %d, want a few", extra, warm)
	}
}

func TestDetailsOfChosenServersAndSteps(t *testing.T) {
	e := newEstate(t)
	for i, name := range []string{"athens", "berlin", "cairo"} {
		r := e.server(name)
		for month := range 14 {
			e.reading(t, r, now.AddDate(0, -month, 0).Add(-time.Hour), map[string]series.Sample{"cad": counted(int64(10*(i+1)+month), 100)})
		}
	}
	details := func(q usage.Question) usage.Details {
		t.Helper()
		q.Product = "acme.cad"
		d, err := e.service().Details(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := details(usage.Question{Servers: []string{"guid-athens", "guid-cairo"}, Step: usage.ByMonth})
	if d.Peak.Value != 10+13+30+13 || d.Now.InUse != license.Of(40) {
		t.Errorf("peak %d, now %v, want 66 and 40 of the two chosen servers", d.Peak.Value, d.Now.InUse)
	}
	if len(d.Servers) != 2 || len(d.All) != 3 {
		t.Errorf("%d servers of %d, want 2 of 3", len(d.Servers), len(d.All))
	}
	if len(d.Trend) != 14 || d.Trend[13].Peak.Value != 40 {
		t.Errorf("trend of %d months, want 14 with 40 in the last", len(d.Trend))
	}
	if share := d.Servers[1].Share; share != license.Of(43) {
		t.Errorf("share of cairo %v, want 43", share)
	}
	if d := details(usage.Question{Step: usage.ByYear}); len(d.Trend) != 2 {
		t.Errorf("trend of %d years, want 2", len(d.Trend))
	}
	from := now.AddDate(0, -2, 0)
	d = details(usage.Question{From: from, To: now.AddDate(0, -1, 0)})
	if d.Peak.Value != 11+21+31 || d.Trend[0].From != from.Unix() {
		t.Errorf("peak %d from %d, want 63 from %d", d.Peak.Value, d.Trend[0].From, from.Unix())
	}
	if d := details(usage.Question{To: now.AddDate(-5, 0, 0)}); d.Peak.Known || len(d.Trend) != 0 {
		t.Errorf("before the first record: peak %+v and %d days, want none", d.Peak, len(d.Trend))
	}
}

func TestQuestionsWithoutSenseAreRefused(t *testing.T) {
	e := newEstate(t)
	e.reading(t, e.server("athens"), now.Add(-time.Hour), map[string]series.Sample{"cad": counted(1, 1)})
	for _, c := range []struct {
		q    usage.Question
		want fault.Kind
	}{
		{usage.Question{Product: "acme.none"}, fault.NotFound},
		{usage.Question{Product: "acme.cad", Servers: []string{"guid-none"}}, fault.NotFound},
		{usage.Question{Product: "acme.cad", Step: "week"}, fault.Invalid},
		{usage.Question{Product: "acme.cad", From: now, To: now}, fault.Invalid},
	} {
		if _, err := e.service().Details(t.Context(), 1, c.q); fault.KindOf(err) != c.want {
			t.Errorf("%+v: error %v, want kind %d", c.q, err, c.want)
		}
	}
}

func TestLittleMemoryChangesNoAnswer(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	for day := range 30 {
		e.reading(t, r, now.AddDate(0, 0, -day).Add(-time.Hour), map[string]series.Sample{"cad": counted(3, 10), "sim": counted(4, 10)})
	}
	small := e.service()
	small.Memory = 1
	want := overview(t, e.service())
	for range 2 {
		if diff := cmp.Diff(want.Cards, overview(t, small).Cards, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("cards (-want +got):\n%s", diff)
		}
	}
}

func TestManyAskAtTheSameTime(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	e.reading(t, r, now.AddDate(0, 0, -9), map[string]series.Sample{"cad": counted(3, 10)})
	s := e.service()
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			o, err := s.Overview(t.Context(), 1)
			if err != nil || len(o.Cards) != 1 || o.Cards[0].Peaks.All.Value != 3 {
				t.Errorf("overview %+v, %v, want a peak of 3", o.Cards, err)
			}
		})
	}
	g.Wait()
}

// A restless store changes whenever blocks are read, except within a snapshot.
type restless struct {
	usage.Store
	change func()
	still  bool
}

func (r *restless) Blocks(ctx context.Context, org int64, day int32) iter.Seq2[usage.Block, error] {
	if !r.still {
		r.change()
	}
	return r.Store.Blocks(ctx, org, day)
}

func (r *restless) Snapshot(ctx context.Context, f func(usage.Store) error) error {
	return r.Store.Snapshot(ctx, func(usage.Store) error {
		r.still = true
		defer func() { r.still = false }()
		return f(r)
	})
}

// However fast license servers upload, there is an answer.
func TestHistoryThatNeverRestsIsAnswered(t *testing.T) {
	e := newEstate(t)
	a, b := e.server("a"), e.server("b")
	for day := range 5 {
		at := now.Add(-time.Duration(24*day+1) * time.Hour)
		e.reading(t, a, at, map[string]series.Sample{"cad": counted(3, 10)})
		e.reading(t, b, at, map[string]series.Sample{"cad": counted(4, 10)})
	}
	changes := 0
	r := &restless{Store: e, change: func() {
		changes++
		e.reading(t, b, now.Add(-time.Duration(changes)*time.Second), map[string]series.Sample{"cad": counted(4, 10)})
	}}
	s := &usage.Service{Store: r, Now: func() time.Time { return now }}
	d, err := s.Dossier(t.Context(), 1, usage.Question{Product: "acme.cad", From: now.AddDate(0, 0, -5), To: now})
	if err != nil || d.Peak.Value != 7 {
		t.Errorf("peak %d, %v; want 7", d.Peak.Value, err)
	}
	if changes < 2 {
		t.Errorf("the history changed %d times: the test does not show anything", changes)
	}
}
