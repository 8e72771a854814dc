package usage_test

import (
	"testing"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

func TestDetailsTellWhereReadingsAndLogDiffer(t *testing.T) {
	e := newEstate(t)
	paris := e.server("paris")
	e.log(t, paris, "cad", now.AddDate(0, 0, -5)) // two in use, for four days
	e.reading(t, paris, now.AddDate(0, 0, -4), map[string]series.Sample{"cad": counted(2, 10)})
	at := now.AddDate(0, 0, -3)
	e.reading(t, paris, at, map[string]series.Sample{"cad": counted(7, 10)})
	e.reading(t, paris, now.Add(-time.Hour), map[string]series.Sample{"cad": counted(3, 10)}) // the log has ended
	e.reading(t, e.server("rome"), at, map[string]series.Sample{"cad": counted(3, 10)})

	d, err := e.service().Details(t.Context(), 1, usage.Question{Product: card(t, overview(t, e.service()), "cad").Product.Key})
	if err != nil {
		t.Fatal(err)
	}
	got := d.Servers[0].Check
	if got.Compared != 2 || got.Differ != 1 || got.At != at.Unix() || got.Reading != 7 || got.Log != 2 || got.Pool != (license.Pool{Feature: "cad"}) {
		t.Errorf("check of paris: %+v, want 1 of 2 readings to differ, 7 for the log's 2", got)
	}
	if got := d.Servers[1].Check; got.Compared != 0 {
		t.Errorf("rome has no log: %+v", got)
	}
	if d.Peak.Value != 5 { // 2 by the log of paris, 3 in rome
		t.Errorf("peak %d, want 5: the log counts", d.Peak.Value)
	}
}
