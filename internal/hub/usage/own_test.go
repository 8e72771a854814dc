package usage_test

import (
	"fmt"
	"testing"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/series"
)

// ownOf returns what each server has at its own peak.
func ownOf(t *testing.T, s *usage.Service, days int) map[string]int64 {
	t.Helper()
	d, err := s.Details(t.Context(), 1, usage.Question{Product: "acme.cad", From: now.AddDate(0, 0, -days), To: now})
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]int64{}
	for _, u := range d.Servers {
		own[u.Server.Name] = u.Peak.Value
	}
	return own
}

func TestOwnPeaksOfClosedDaysAreRemembered(t *testing.T) {
	e := newEstate(t)
	for i := range 40 {
		e.daily(t, fmt.Sprint("server", 10+i), 60)
	}
	s := e.service()
	first := ownOf(t, s, 50)
	e.reading(t, &e.servers[3], now.Add(-time.Minute), map[string]series.Sample{"cad": counted(5, 10)})
	e.read.Store(0)
	again := ownOf(t, s, 50)
	if first["server13"] != 3 || again["server13"] != 5 || again["server14"] != 3 {
		t.Errorf("own peaks %d and then %d and %d, want 3, 5 and 3", first["server13"], again["server13"], again["server14"])
	}
	// The days that are not closed are read again, and no more.
	if n := e.read.Load(); n > 5*40 {
		t.Errorf("%d blocks read of 40 servers after one reading", n)
	}
}

// A day is closed at every midnight: what was found before is not looked for
// again.
func TestMidnightDoesNotForgetOwnPeaks(t *testing.T) {
	e := newEstate(t)
	for i := range 40 {
		e.daily(t, fmt.Sprint("server", 10+i), 60)
	}
	clock := now
	s := &usage.Service{Store: e, Now: func() time.Time { return clock }}
	own := func() map[string]int64 {
		t.Helper()
		d, err := s.Details(t.Context(), 1, usage.Question{Product: "acme.cad", From: now.AddDate(0, 0, -50), To: clock})
		if err != nil {
			t.Fatal(err)
		}
		own := map[string]int64{}
		for _, u := range d.Servers {
			own[u.Server.Name] = u.Peak.Value
		}
		return own
	}
	own()
	for day := range 5 {
		clock = now.AddDate(0, 0, day+1)
		e.reading(t, &e.servers[day], clock.Add(-time.Hour), map[string]series.Sample{"cad": counted(int64(4+day), 10)})
		e.read.Store(0)
		got := own()
		if name := fmt.Sprint("server", 10+day); got[name] != int64(4+day) || got["server40"] != 3 {
			t.Errorf("own peaks %d and %d, want %d and 3", got[name], got["server40"], 4+day)
		}
		if n := e.read.Load(); n > 10*40 {
			t.Errorf("%d blocks read of 40 servers after a midnight", n)
		}
		q := usage.Question{Product: "acme.cad", From: now.AddDate(0, 0, -50), To: clock}
		kept, err := s.Peak(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := (&usage.Service{Store: e, Now: s.Now}).Peak(t.Context(), 1, q)
		if err != nil || kept != fresh {
			t.Errorf("peak %+v by what is kept, %+v by a fresh service, %v", kept, fresh, err)
		}
	}
}

func TestOwnPeakFollowsLateData(t *testing.T) {
	e := newEstate(t)
	for i := range 40 {
		e.daily(t, fmt.Sprint("server", 10+i), 60)
	}
	s := e.service()
	ownOf(t, s, 50)
	e.reading(t, &e.servers[7], now.AddDate(0, 0, -30), map[string]series.Sample{"cad": counted(9, 10)})
	own := ownOf(t, s, 50)
	if own["server17"] != 9 || own["server18"] != 3 {
		t.Errorf("own peaks %d and %d after late data, want 9 and 3", own["server17"], own["server18"])
	}
	if again := ownOf(t, s, 20)["server17"]; again != 3 {
		t.Errorf("own peak of the last 20 days %d, want 3", again)
	}
}
