package text_test

import (
	"testing"
	"time"

	"headroom/internal/format/text"
)

func TestMonthsAndWeekdaysAreEnglishInAnyCase(t *testing.T) {
	for m := time.January; m <= time.December; m++ {
		for _, s := range []string{m.String(), m.String()[:3]} {
			if got, ok := text.Month(s); got != m || !ok {
				t.Errorf("Month(%q) = %v, %t; want %v", s, got, ok, m)
			}
		}
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		for _, s := range []string{d.String(), d.String()[:3]} {
			if got, ok := text.Weekday(s); got != d || !ok {
				t.Errorf("Weekday(%q) = %v, %t; want %v", s, got, ok, d)
			}
		}
	}
	if m, ok := text.Month("deC"); m != time.December || !ok {
		t.Errorf("Month(deC) = %v, %t", m, ok)
	}
	for _, s := range []string{"", "Ja", "ebm", "anf", "Janu", "Fev", "İab", "Mai"} {
		if m, ok := text.Month(s); ok {
			t.Errorf("Month(%q) = %v, want none", s, m)
		}
	}
	for _, s := range []string{"", "Mo", "unm", "Mond", "Lun"} {
		if d, ok := text.Weekday(s); ok {
			t.Errorf("Weekday(%q) = %v, want none", s, d)
		}
	}
}

func TestParseClock(t *testing.T) {
	for s, want := range map[string]text.Clock{
		"8:33": {Hour: 8, Minute: 33}, "08:33": {Hour: 8, Minute: 33}, "0:10": {Minute: 10}, "23:59:59": {Hour: 23, Minute: 59, Second: 59},
	} {
		if got, ok := text.ParseClock(s); got != want || !ok {
			t.Errorf("ParseClock(%q) = %v, %t; want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "8", "8:3", "24:00", "8:60", "8:33:60", "-1:30", "+1:30", "8:33:", "8:33pm"} {
		if got, ok := text.ParseClock(s); ok {
			t.Errorf("ParseClock(%q) = %v, want none", s, got)
		}
	}
}

func TestParseDays(t *testing.T) {
	for s, want := range map[string]text.Day{
		"10/20/2017": {Year: 2017, Month: 10, Day: 20}, "03/31/2021": {Year: 2021, Month: 3, Day: 31}, "2/29/2024": {Year: 2024, Month: 2, Day: 29},
	} {
		if got, ok := text.ParseSlashDay(s); got != want || !ok {
			t.Errorf("ParseSlashDay(%q) = %v, %t; want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "10/20", "20/10/2017", "2/29/2023", "1/1/17", "1/1/0000", "//2017"} {
		if got, ok := text.ParseSlashDay(s); ok {
			t.Errorf("ParseSlashDay(%q) = %v, want none", s, got)
		}
	}
	for s, want := range map[string]text.Day{
		"30-dec-2025": {Year: 2025, Month: 12, Day: 30}, "1-Jan-2026": {Year: 2026, Month: 1, Day: 1}, "01-jan-0000": {Month: 1, Day: 1},
		"1-jan-0": {Month: 1, Day: 1}, "1-jan-00": {Month: 1, Day: 1}, "6-feb-07": {Year: 2007, Month: 2, Day: 6}, "6-feb-99": {Year: 1999, Month: 2, Day: 6},
	} {
		if got, ok := text.ParseDashDay(s); got != want || !ok {
			t.Errorf("ParseDashDay(%q) = %v, %t; want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "30-dec", "31-feb-2025", "1-january-2025", "1-jan-202", "0-jan-2025", "permanent"} {
		if got, ok := text.ParseDashDay(s); ok {
			t.Errorf("ParseDashDay(%q) = %v, want none", s, got)
		}
	}
}
