package usage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/series"
)

// daysAgo returns a question for whole local days of cad: the one that began
// so many days ago, and those up to another.
func daysAgo(e *estate, from, to int) usage.Question {
	midnight := insight.DayStart(now, e.org.Zone)
	return usage.Question{Product: "acme.cad", From: midnight.AddDate(0, 0, -from), To: midnight.AddDate(0, 0, 1-to)}
}

func trend(t testing.TB, s *usage.Service, q usage.Question) []insight.Bucket {
	t.Helper()
	d, err := s.Details(t.Context(), 1, q)
	if err != nil {
		t.Fatal(err)
	}
	return d.Trend
}

// ends is an estate whose server had cad first days ago and a day later no more;
// from then on no reading is complete.
func ends(t testing.TB, first int) *estate {
	e := newEstate(t)
	r := e.server("athens")
	e.reading(t, r, now.AddDate(0, 0, -first), map[string]series.Sample{"cad": counted(3, 10), "sim": counted(1, 1)})
	e.reading(t, r, now.AddDate(0, 0, 1-first), map[string]series.Sample{"sim": counted(1, 1)})
	for ago := range first - 1 {
		e.incomplete(t, r, now.AddDate(0, 0, -ago).Add(-time.Hour), map[string]series.Sample{"sim": counted(1, 1)})
	}
	return e
}

func TestPoolThatEndedStaysSoOverIncompleteReadings(t *testing.T) {
	e := ends(t, 8)
	alone := trend(t, e.service(), daysAgo(e, 2, 2))
	if len(alone) != 1 || alone[0].Peak.Coverage.Unknown != 0 || alone[0].Peak.Value != 0 {
		t.Errorf("a day after the end: %+v, want 0, and nothing unknown", alone)
	}
}

func TestDayDoesNotDependOnWhatWasAsked(t *testing.T) {
	for _, first := range []int{8, 30, 33, 34, 40, 90} {
		e := ends(t, first)
		for _, ago := range []int{1, 2, 3, 6} {
			alone := e.service()
			want := trend(t, alone, daysAgo(e, ago, ago))
			all := e.service()
			trend(t, all, daysAgo(e, first, 0))
			if diff := cmp.Diff(want, trend(t, all, daysAgo(e, ago, ago)), cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("ended %d days ago, day %d (-alone +after all):\n%s", first-1, ago, diff)
			}
			if diff := cmp.Diff(trend(t, e.service(), daysAgo(e, first, 0)), trend(t, alone, daysAgo(e, first, 0)), cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("ended %d days ago (-all +all after day %d):\n%s", first-1, ago, diff)
			}
		}
	}
}

// Readings are so many and so seldom complete that reaches are cut.
func TestAnswersAreTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := newEstate(t)
		const days = 70
		for i := range 2 {
			r := e.server(fmt.Sprint("server", i))
			often := rapid.IntRange(1, 60).Draw(rt, "one complete of")
			for ago := days; ago > 0; ago-- {
				values := map[string]series.Sample{"sim": counted(1, 1)}
				if rapid.Bool().Draw(rt, "has cad") {
					values["cad"] = counted(rapid.Int64Range(0, 9).Draw(rt, "in use"), 10)
				}
				at := now.AddDate(0, 0, -ago).Add(time.Duration(rapid.IntRange(0, 1439).Draw(rt, "minute")) * time.Minute)
				switch k := rapid.IntRange(0, often).Draw(rt, "reading"); {
				case k == 0:
					e.round(t, r, drawRound(rt, at), values)
				case k%5 == 1:
					e.log(t, r, "cad", at)
				case k%5 > 1:
					e.incomplete(t, r, at, values)
				}
			}
			e.reading(t, r, now.AddDate(0, 0, -days-1), map[string]series.Sample{"cad": counted(1, 10)})
		}
		asked := e.service()
		for range 5 {
			from := rapid.IntRange(1, days).Draw(rt, "from")
			q := daysAgo(e, from, rapid.IntRange(max(1, from-40), from).Draw(rt, "to"))
			if diff := cmp.Diff(trend(t, e.service(), q), trend(t, asked, q), cmpopts.EquateNaNs()); diff != "" {
				rt.Fatalf("from %v to %v (-alone +after others):\n%s", q.From, q.To, diff)
			}
		}
	})
}
