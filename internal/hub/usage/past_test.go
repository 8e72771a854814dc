package usage_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// A twoEstates is a store with two organisations.
type twoEstates map[int64]*estate

func (s twoEstates) of(org int64) *estate {
	if e := s[org]; e != nil {
		return e
	}
	return &estate{}
}

func (s twoEstates) Organisation(ctx context.Context, org int64) (usage.Organisation, error) {
	return s.of(org).Organisation(ctx, org)
}

func (s twoEstates) Stamp(ctx context.Context, org int64) (usage.Stamp, error) {
	return s.of(org).Stamp(ctx, org)
}

func (s twoEstates) Servers(ctx context.Context, org int64) ([]usage.Record, error) {
	return s.of(org).Servers(ctx, org)
}

func (s twoEstates) Pools(ctx context.Context, org int64) ([]usage.Pool, error) {
	return s.of(org).Pools(ctx, org)
}

func (s twoEstates) Rosters(ctx context.Context, org int64) (map[int64]usage.Roster, error) {
	return s.of(org).Rosters(ctx, org)
}

func (s twoEstates) Assignees(ctx context.Context, org, server int64) ([]usage.Assignee, error) {
	return s.of(org).Assignees(ctx, org, server)
}

func (s twoEstates) Sources(ctx context.Context, org int64) (map[int64][]usage.Source, error) {
	return s.of(org).Sources(ctx, org)
}

func (s twoEstates) Uploads(ctx context.Context, org, server int64, limit int) ([]usage.Upload, error) {
	return s.of(org).Uploads(ctx, org, server, limit)
}

func (s twoEstates) Gaps(ctx context.Context, org, server int64, limit int) ([]usage.Gap, error) {
	return s.of(org).Gaps(ctx, org, server, limit)
}

func (s twoEstates) Holders(ctx context.Context, org int64, feature string) iter.Seq2[usage.Holder, error] {
	return s.of(org).Holders(ctx, org, feature)
}

func (s twoEstates) PackNumber(ctx context.Context, org int64) (int64, error) {
	return s.of(org).PackNumber(ctx, org)
}

func (s twoEstates) Heads(ctx context.Context, org int64, from, to int32, since usage.Mark) iter.Seq2[usage.Head, error] {
	return s.of(org).Heads(ctx, org, from, to, since)
}

func (s twoEstates) Blocks(ctx context.Context, org int64, day int32) iter.Seq2[usage.Block, error] {
	return s.of(org).Blocks(ctx, org, day)
}

func (s twoEstates) Block(ctx context.Context, org, server int64, day int32) (usage.Block, error) {
	return s.of(org).Block(ctx, org, server, day)
}

func (s twoEstates) Denials(ctx context.Context, org, from, to int64) iter.Seq2[usage.Denial, error] {
	return s.of(org).Denials(ctx, org, from, to)
}

func (s twoEstates) Imported(ctx context.Context, org int64, from, to int32) iter.Seq2[usage.ImportedDay, error] {
	return s.of(org).Imported(ctx, org, from, to)
}

func (s twoEstates) Overrides(ctx context.Context, org int64) (catalog.Overrides, error) {
	return s.of(org).Overrides(ctx, org)
}

func (s twoEstates) Snapshot(_ context.Context, f func(usage.Store) error) error { return f(s) }

// daily adds a reading of 3 in use an hour before this time of each day.
func (e *estate) daily(t *testing.T, name string, days int) {
	r := e.server(name)
	for day := range days {
		e.reading(t, r, now.AddDate(0, 0, -day).Add(-time.Hour), map[string]series.Sample{"cad": counted(3, 10)})
	}
}

func TestTrendDoesNotOutliveItsPast(t *testing.T) {
	a, b := newEstate(t), newEstate(t)
	b.org.ID = 2
	a.daily(t, "athens", 10)
	s := &usage.Service{Store: twoEstates{1: a, 2: b}, Now: func() time.Time { return now }, Memory: 2000}
	peak := func() int64 {
		t.Helper()
		trend, err := s.Trend(t.Context(), 1, usage.Question{Product: "acme.cad"})
		if err != nil {
			t.Fatal(err)
		}
		return trend[4].Peak.Value
	}
	if got := peak(); got != 3 {
		t.Fatalf("peak %d, want 3", got)
	}
	if _, err := s.Overview(t.Context(), 2); err != nil { // there is no memory for both
		t.Fatal(err)
	}
	a.reading(t, &a.servers[0], now.AddDate(0, 0, -5).Add(-2*time.Hour), map[string]series.Sample{"cad": counted(9, 10)})
	if got := peak(); got != 9 {
		t.Errorf("peak after late data %d, want 9", got)
	}
}

func TestLowIsThatOfAllParts(t *testing.T) {
	e := newEstate(t)
	r := e.server("athens")
	at := now.AddDate(0, 0, -10).Unix()
	var b series.Builder
	if err := b.AddMaximum(e.pool(r.ID, "cad", at), series.Maximum{From: at, To: at + 3600, InUse: 50}); err != nil {
		t.Fatal(err)
	}
	e.add(t, r.ID, b.Days())
	e.reading(t, r, now.Add(-time.Hour), map[string]series.Sample{"cad": counted(20, 100)})
	p, err := e.service().Peak(t.Context(), 1, usage.Question{Product: "acme.cad"})
	if err != nil || p.Value != 50 || p.Low != 20 {
		t.Errorf("peak %d to %d, %v, want 20 to 50", p.Low, p.Value, err)
	}
}

func TestClockThatWasBehindLosesNothing(t *testing.T) {
	e := newEstate(t)
	e.daily(t, "athens", 30)
	clock := now.AddDate(-1, 0, 0)
	s := &usage.Service{Store: e, Now: func() time.Time { return clock }}
	overview(t, s)
	clock = now
	if got := card(t, overview(t, s), "cad").Peaks.All.Value; got != 3 {
		t.Errorf("peak %d, want 3", got)
	}
}

func TestBlockWithoutPoolsIsNoObstacle(t *testing.T) {
	e := newEstate(t)
	e.daily(t, "athens", 30)
	silent := e.server("berlin")
	e.round(t, silent, series.Round{At: now.AddDate(0, 0, -60).Unix(), Hold: 1800}, nil)
	e.round(t, silent, series.Round{At: now.AddDate(0, 0, -9).Unix(), Hold: 1800}, nil)
	if got := card(t, overview(t, e.service()), "cad").Peaks.All.Value; got != 3 {
		t.Errorf("peak %d, want 3", got)
	}
}

// A record behind a silent server's newest one takes another way of counting,
// also where it comes to a choice that is kept.
func TestTrackThatTurnsOddIsCountedRight(t *testing.T) {
	e := newEstate(t)
	for i := range 17 {
		e.daily(t, fmt.Sprint("server", 10+i), 100)
	}
	silent := func(i, days int) {
		e.servers[i].LastReported = now.AddDate(0, 0, -20)
		for day := range e.blocks[e.servers[i].ID] {
			if day > series.DayOf(now.AddDate(0, 0, -days).Unix()) {
				delete(e.blocks[e.servers[i].ID], day)
			}
		}
		e.servers[i].LastReading = now.AddDate(0, 0, -days).Add(-time.Hour)
	}
	silent(0, 60)
	silent(1, 20)
	imported := func(i, ago int) {
		r := &e.servers[i]
		was := r.LastReading
		e.round(t, r, series.Round{At: now.AddDate(0, 0, -ago).Unix(), Hold: 1800, Imported: true}, map[string]series.Sample{"cad": counted(1, 10)})
		r.LastReading = was
	}
	imported(0, 50)
	s := e.service()
	ask := func(s *usage.Service, without int) insight.Peak {
		t.Helper()
		midnight := now.Truncate(24 * time.Hour)
		q := usage.Question{Product: "acme.cad", From: midnight.AddDate(0, 0, -90), To: midnight.AddDate(0, 0, -30)}
		for i := range e.servers {
			if i != without {
				q.Servers = append(q.Servers, e.servers[i].GUID)
			}
		}
		p, err := s.Peak(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	ask(s, -1)
	imported(1, 10)
	if got, want := ask(s, 1), ask(e.service(), 1); got != want {
		t.Errorf("peak %+v, want %+v as a service says that asks for the first time", got, want)
	}
}

func TestShareOfManyBillionsIsRight(t *testing.T) {
	e := newEstate(t)
	const many = 3_000_000_000
	e.reading(t, e.server("athens"), now.Add(-time.Hour), map[string]series.Sample{
		"cad": {State: license.StateUnlimited, InUse: license.Of(many)},
	})
	d, err := e.service().Details(t.Context(), 1, usage.Question{Product: "acme.cad"})
	if err != nil || d.Peak.Value != many || d.Servers[0].Share != license.Of(many) || d.Servers[0].Peak.Value != many {
		t.Errorf("peak %d, share %v, %v, want %d everywhere", d.Peak.Value, d.Servers[0].Share, err, int64(many))
	}
}

// A gone is a store whose first reader goes away while heads are read.
type gone struct {
	*estate
	cancel context.CancelFunc
	heads  int
}

func (s *gone) Snapshot(_ context.Context, f func(usage.Store) error) error { return f(s) }

func (s *gone) Heads(ctx context.Context, org int64, from, to int32, since usage.Mark) iter.Seq2[usage.Head, error] {
	return func(yield func(usage.Head, error) bool) {
		for h, err := range s.estate.Heads(ctx, org, from, to, since) {
			s.cancel()
			if ctx.Err() != nil {
				yield(usage.Head{}, ctx.Err())
				return
			}
			if s.heads++; !yield(h, err) {
				return
			}
		}
	}
}

func TestWhoGoesAwayTakesNothingAlong(t *testing.T) {
	e := newEstate(t)
	e.daily(t, "athens", 50)
	s := &gone{estate: e}
	u := &usage.Service{Store: s, Now: func() time.Time { return now }}
	ask := func(away bool) (heads int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.cancel, s.heads = func() {}, 0
		if away {
			s.cancel = cancel
		}
		if _, err := u.Overview(ctx, 1); err != nil && !away {
			t.Fatal(err)
		}
		return s.heads
	}
	ask(false)
	e.reading(t, &e.servers[0], now.Add(-time.Minute), map[string]series.Sample{"cad": counted(3, 10)})
	ask(true)
	if n := ask(false); n > 5 {
		t.Errorf("%d heads read again, want none or few", n)
	}
}

// What is remembered of a day's blocks goes when the day before it changes what
// holds at midnight.
func TestLateReadingIsHighUntilAfterMidnight(t *testing.T) {
	e := newEstate(t)
	midnight := now.Truncate(24*time.Hour).AddDate(0, 0, -10)
	for i := range 40 { // of so many, one that has changed is not loaded anew
		e.daily(t, fmt.Sprint("server", 10+i), 5)
	}
	r := e.server("athens")
	day := func(from time.Time, use int64) {
		for at := from; at.Before(from.Add(24 * time.Hour)); at = at.Add(15 * time.Minute) {
			e.reading(t, r, at, map[string]series.Sample{"cad": counted(use, 1000)})
		}
	}
	day(midnight.Add(-24*time.Hour+5*time.Minute), 3)
	day(midnight.Add(5*time.Minute), 4)
	s := e.service()
	ask := func() insight.Peak {
		t.Helper()
		p, err := s.Peak(t.Context(), 1, usage.Question{Product: "acme.cad", From: midnight, To: midnight.AddDate(0, 0, 2)})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if got := ask().Value; got != 4 {
		t.Fatalf("peak %d, want 4", got)
	}
	e.reading(t, r, midnight.Add(-time.Minute), map[string]series.Sample{"cad": counted(500, 1000)})
	if got := ask(); got.Value != 500 || got.At != midnight.Unix() {
		t.Errorf("peak %d at %s, want 500 at midnight", got.Value, time.Unix(got.At, 0).UTC())
	}
}

func (s twoEstates) Standing(ctx context.Context, org int64) (usage.Organisation, usage.Stamp, error) {
	return s.of(org).Standing(ctx, org)
}

// What is kept of a day's blocks is only what its tracks need. A late reading makes
// one of them need more on the day after, in the same breath as another product's
// tracks are loaded.
func TestDayThatNeedsMoreOfItsBlockHasMore(t *testing.T) {
	e := newEstate(t)
	midnight := now.Truncate(24*time.Hour).AddDate(0, 0, -10)
	for i := range 40 { // of so many, one that has changed is not loaded anew
		e.daily(t, fmt.Sprint("server", 10+i), 5)
	}
	r := e.server("athens")
	reading := func(at time.Time, installed int64) {
		values := map[string]series.Sample{"cad": counted(3, installed), "sim": counted(1, 10)}
		e.round(t, r, series.Round{At: at.Unix(), Hold: series.MaxHold}, values)
	}
	reading(midnight.Add(-14*time.Hour), 10)
	reading(midnight.Add(10*time.Hour), 10)
	s := e.service()
	trend := func(feature string) {
		t.Helper()
		q := usage.Question{Product: "acme." + feature, From: midnight.AddDate(0, 0, -1), To: midnight.AddDate(0, 0, 2), Step: usage.ByDay}
		got, err := s.Trend(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range insight.TrendOf(e.lines(t, feature), insight.Days(q.From, q.To, e.org.Zone)) {
			if got[i].Peak.Value != want.Peak.Value || got[i].Integral != want.Integral {
				t.Errorf("%s on %v: peak %d, integral %d, want %d, %d", feature, time.Unix(want.From, 0).UTC(), got[i].Peak.Value, got[i].Integral, want.Peak.Value, want.Integral)
			}
		}
	}
	trend("cad")
	reading(midnight.Add(-4*time.Hour), 11) // other terms hold at midnight
	trend("sim")
	trend("cad")
}
