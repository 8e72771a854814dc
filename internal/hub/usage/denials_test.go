package usage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

func TestDenialsAreCountedByDayPersonAndReason(t *testing.T) {
	e := newEstate(t)
	paris, rome := e.server("paris"), e.server("rome")
	for _, r := range []*usage.Record{paris, rome} {
		e.reading(t, r, now.AddDate(0, 0, -20), map[string]series.Sample{"cad": counted(1, 1), "mill": counted(1, 1)})
	}
	cad := func(r *usage.Record) series.PoolID { return e.pool(r.ID, "cad", now.Unix()) }
	noon := now.Truncate(24 * time.Hour).Add(10 * time.Hour)
	deny := func(r *usage.Record, pool series.PoolID, at time.Time, user, outcome string, n int64) {
		e.denials = append(e.denials, usage.Denial{Server: r.ID, Pool: pool, At: at.Unix(), User: user, Host: "h", Reason: "none left", Count: n, Outcome: outcome})
	}
	deny(paris, cad(paris), now.AddDate(0, 0, -25), "kim", "unserved", 1) // before the span
	day := noon.AddDate(0, 0, -2)
	deny(paris, cad(paris), day.Add(-11*time.Hour), "kim", "unserved", 2) // 23:00 UTC: the same day in Berlin, in summer
	deny(paris, cad(paris), day, "Kim", "served", 3)
	deny(paris, cad(paris), day.Add(time.Hour), "lee", "", 1)
	deny(paris, e.pool(paris.ID, "mill", now.Unix()), day, "kim", "unserved", 1) // another product
	deny(rome, cad(rome), day.AddDate(0, 0, 1), "max", "served", 1)

	q := usage.Question{Product: card(t, overview(t, e.service()), "cad").Product.Key, From: now.AddDate(0, 0, -10)}
	got, err := e.service().Denials(t.Context(), 1, q)
	if err != nil {
		t.Fatal(err)
	}
	local := func(days int) time.Time {
		return time.Date(2026, 6, 15+days, 0, 0, 0, 0, e.org.Zone)
	}
	row := func(days int, server, user string, c usage.DenialCount) usage.DenialRow {
		return usage.DenialRow{Day: local(days), Server: server, Pool: license.Pool{Feature: "cad"}, User: user, Reason: "none left", DenialCount: c}
	}
	want := usage.Denials{
		DenialCount: usage.DenialCount{True: 1, False: 2, Untold: 1, Refusals: 7},
		Rows: []usage.DenialRow{
			row(-1, "rome", "max", usage.DenialCount{False: 1, Refusals: 1}),
			row(-2, "paris", "kim", usage.DenialCount{True: 1, False: 1, Refusals: 5}),
			row(-2, "paris", "lee", usage.DenialCount{Untold: 1, Refusals: 1}),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("denials (-want +got):\n%s", diff)
	}

	if got := card(t, overview(t, e.service()), "cad").Denied; got != want.DenialCount {
		t.Errorf("the card counts %+v of the last 7 days, want %+v", got, want.DenialCount)
	}
	q.Servers = []string{rome.GUID}
	if got, err := e.service().Denials(t.Context(), 1, q); err != nil || got.All() != 1 {
		t.Errorf("of rome alone: %d denials, %v, want 1", got.All(), err)
	}
	q.Product = "nothing"
	if _, err := e.service().Denials(t.Context(), 1, q); fault.KindOf(err) != fault.NotFound {
		t.Errorf("of nothing: error %v, want a fault.NotFound", err)
	}
}
