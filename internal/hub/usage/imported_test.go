package usage_test

import (
	"testing"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/series"
)

func TestDetailsTellWhereHistoryWasImported(t *testing.T) {
	e := newEstate(t)
	paris, rome := e.server("paris"), e.server("rome")
	today := series.DayOf(now.Unix())
	for _, r := range []*usage.Record{paris, rome} {
		e.reading(t, r, now.AddDate(0, 0, -30), map[string]series.Sample{"cad": counted(1, 1)})
	}
	e.past = []usage.ImportedDay{{today - 20, paris.ID}, {today - 20, rome.ID}, {today - 19, rome.ID}, {today - 10, rome.ID}, {today - 3, rome.ID + 1}}
	q := usage.Question{Product: card(t, overview(t, e.service()), "cad").Product.Key}
	days := func(ago ...int) (out []int) {
		d, err := e.service().Details(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range ago {
			noon := time.Unix(series.DayStart(today-int32(n)), 0).Add(12 * time.Hour).Unix()
			if d.Imported.In(insight.Span{From: noon, To: noon + 1}) {
				out = append(out, n)
			}
		}
		return out
	}
	if got := days(21, 20, 19, 18, 10, 3); len(got) != 3 || got[0] != 20 || got[1] != 19 || got[2] != 10 {
		t.Errorf("imported %v days ago, want 20, 19 and 10", got)
	}
	q.Servers = []string{paris.GUID}
	if got := days(21, 20, 19, 18, 10, 3); len(got) != 1 || got[0] != 20 {
		t.Errorf("of paris imported %v days ago, want 20", got)
	}
}
