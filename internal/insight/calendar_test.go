package insight_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the tests need zones wherever they run

	"pgregory.net/rapid"

	"headroom/internal/insight"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// K-02.
func TestDaysHaveTheLengthOfTheCalendar(t *testing.T) {
	for _, c := range []struct {
		zone, day string
		begin     string // in UTC
		length    time.Duration
	}{
		{"Europe/Berlin", "2026-03-28", "2026-03-27T23:00:00Z", 24 * time.Hour},
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", 23 * time.Hour},
		{"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", 25 * time.Hour},
		{"Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z", 23*time.Hour + 30*time.Minute},
		{"Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", 24*time.Hour + 30*time.Minute},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", 23 * time.Hour}, // begins at 01:00
		{"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", 25 * time.Hour}, // 23:00 comes twice
		{"Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", 23 * time.Hour},       // begins at 01:00
		{"Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", 23 * time.Hour},      // begins at 01:00
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", 25 * time.Hour},    // midnight comes twice
		{"Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00Z", 24 * time.Hour},
		{"America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", 25 * time.Hour}, // at 00:01 back to 23:01
	} {
		z := zone(t, c.zone)
		noon, err := time.ParseInLocation("2006-01-02 15:04", c.day+" 12:00", z)
		if err != nil {
			t.Fatal(err)
		}
		var got insight.Span
		for _, s := range insight.Days(noon.Add(-72*time.Hour), noon.Add(72*time.Hour), z) {
			if s.From <= noon.Unix() && noon.Unix() < s.To {
				got = s
			}
		}
		begin, length := time.Unix(got.From, 0).UTC().Format(time.RFC3339), time.Duration(got.To-got.From)*time.Second
		if begin != c.begin || length != c.length {
			t.Errorf("%s in %s: begins %s and has %v, want %s and %v", c.day, c.zone, begin, length, c.begin, c.length)
		}
	}
}

func TestDayThatAZoneLeftOutDoesNotAppear(t *testing.T) {
	z := zone(t, "Pacific/Apia") // went from 29 to 31 December 2011
	days := insight.Days(time.Date(2011, 12, 28, 0, 0, 0, 0, z), time.Date(2012, 1, 2, 0, 0, 0, 0, z), z)
	if len(days) != 4 {
		t.Errorf("%d days from 28 December to 1 January, want 4: the 30th did not exist", len(days))
	}
}

var zones = []string{
	"UTC", "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "America/St_Johns", "Asia/Beirut", "Africa/Cairo",
	"Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "America/New_York", "Pacific/Kiritimati",
}

func TestCalendarCoversTheSpanWithoutHoles(t *testing.T) {
	divisions := map[string]func(from, to time.Time, z *time.Location) []insight.Span{
		"days": insight.Days, "months": insight.Months, "years": insight.Years,
	}
	rapid.Check(t, func(t *rapid.T) {
		z := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		from := rapid.Int64Range(1e9, 2e9).Draw(t, "from")
		to := from + rapid.Int64Range(1, 200*86400).Draw(t, "length")
		for name, divide := range divisions {
			at := from
			for _, s := range divide(time.Unix(from, 0), time.Unix(to, 0), z) {
				if s.From != at || s.To <= s.From {
					t.Fatalf("%s: span %+v, want it to begin at %d", name, s, at)
				}
				at = s.To
			}
			if at != to {
				t.Fatalf("%s end at %d, want %d", name, at, to)
			}
		}
	})
}

func TestDaysShowOneDate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		from := time.Unix(rapid.Int64Range(1.3e9, 2e9).Draw(t, "from"), 0)
		for _, s := range insight.Days(from, from.AddDate(0, 0, 30), z) {
			first, last := time.Unix(s.From, 0).In(z).Format(time.DateOnly), time.Unix(s.To-1, 0).In(z).Format(time.DateOnly)
			if first != last {
				t.Fatalf("%s: day %+v shows %s and %s", z, s, first, last)
			}
		}
	})
}

func TestMonthsAndYearsBeginWithTheirFirstDay(t *testing.T) {
	z := zone(t, "Europe/Berlin")
	from, to := time.Date(2025, 12, 31, 23, 0, 0, 0, z), time.Date(2026, 3, 2, 0, 0, 0, 0, z)
	months := insight.Months(from, to, z)
	want := []time.Time{from, time.Date(2026, 1, 1, 0, 0, 0, 0, z), time.Date(2026, 2, 1, 0, 0, 0, 0, z), time.Date(2026, 3, 1, 0, 0, 0, 0, z)}
	if len(months) != len(want) {
		t.Fatalf("%d months, want %d", len(months), len(want))
	}
	for i, m := range months {
		if m.From != want[i].Unix() {
			t.Errorf("month %d begins %v, want %v", i, time.Unix(m.From, 0).In(z), want[i])
		}
	}
	if years := insight.Years(from, to, z); len(years) != 2 || years[1].From != want[1].Unix() {
		t.Errorf("years %+v, want the second of two to begin %v", years, want[1])
	}
}

func TestWindowsEndNow(t *testing.T) {
	now := time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	last7, month := insight.Windows(now, zone(t, "Europe/Berlin"))
	if want := (insight.Span{From: now.Unix() - 168*3600, To: now.Unix()}); last7 != want {
		t.Errorf("last 7 days %+v, want %+v", last7, want)
	}
	begin := time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)
	if want := (insight.Span{From: begin.Unix(), To: now.Unix()}); month != want {
		t.Errorf("month %+v, want %+v", month, want)
	}
}
