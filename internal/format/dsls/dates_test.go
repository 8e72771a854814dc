package dsls

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// locales are the ways in which Java writes the fifth of a month, 15:04:09.
var locales = map[string]func(time.Time) string{
	"ISO":                 layout("2006-01-02 15:04:05"),
	"United States":       layout("1/2/06 3:04:05 PM"),
	"United States, new":  layout("1/2/06, 3:04:05\u202fPM"),
	"United States, long": layout("Jan 2, 2006, 3:04:05 PM"),
	"Germany":             layout("02.01.2006, 15:04:05"),
	"Germany, short":      layout("02.01.06 15:04:05"),
	"France":              layout("02/01/2006 15:04:05"),
	"France, short":       layout("02/01/06 15:04:05"),
	"Australia":           layout("2/1/06, 3:04:05 pm"),
	"Netherlands":         layout("02-01-06 15:04:05"),
	"Denmark":             layout("02.01.2006 15.04.05"),
	"Japan":               layout("2006/01/02 15:04:05"),
	"Hungary":             layout("2006. 01. 02. 15:04:05"),
	"China":               asian("2006/1/2 ", "上午", "下午"),
	"China, long":         asian("2006年1月2日 ", "上午", "下午"),
	"China, two digits":   asian("06-1-2 ", "上午", "下午"),
	"Korea":               asian("2006. 1. 2 ", "오전 ", "오후 "),
	"Korea, two digits":   asian("06. 1. 2. ", "오전 ", "오후 "),
}

func layout(l string) func(time.Time) string {
	return func(t time.Time) string { return t.Format(l) }
}

// asian returns a format with the half of the day before the hour.
func asian(date, am, pm string) func(time.Time) string {
	return func(t time.Time) string {
		half := am
		if t.Hour() >= 12 {
			half = pm
		}
		return t.Format(date) + half + t.Format("3:04:05")
	}
}

// drawDate draws a time with a day of the month within [low, high].
func drawDate(t *rapid.T, low, high int) time.Time {
	return time.Date(
		rapid.IntRange(2008, 2059).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(low, high).Draw(t, "day"),
		rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 59).Draw(t, "second"), 0, time.UTC,
	)
}

// The expiries of licenses are dates late in a month, so that the order of all
// others is known. That holds for years of two digits as long as the last one
// is not a possible day.
func TestDatesOfEveryLocaleAreReadAgain(t *testing.T) {
	for name, format := range locales {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c := newCalendar(nil)
				dates := []time.Time{time.Date(2032, 12, 31, 23, 59, 0, 0, time.UTC)}
				for range rapid.IntRange(0, 5).Draw(t, "dates") {
					dates = append(dates, drawDate(t, 1, 28))
				}
				for _, d := range dates {
					c.observe(format(d))
				}
				for _, d := range dates {
					if got := c.instant(format(d)); !got.Equal(d) {
						t.Fatalf("%q is read as %v, want %v", format(d), got, d)
					}
				}
			})
		})
	}
}

// Where every number could be a day or a month, the style decides.
func TestAmbiguousDatesGoByTheirStyle(t *testing.T) {
	for s, want := range map[string]string{
		"3/4/05 6:07:08 AM":      "2005-03-04 06:07:08",
		"3/4/05 6:07:08 am":      "2005-04-03 06:07:08",
		"03/04/2005 06:07:08":    "2005-04-03 06:07:08",
		"03.04.05 06:07:08":      "2005-04-03 06:07:08",
		"05. 3. 4. 오후 6:07:08":   "2005-03-04 18:07:08",
		"05-3-4 上午6:07:08":       "2005-03-04 06:07:08",
		"3/4/05 12:07:08 AM":     "2005-03-04 00:07:08",
		"3/4/05 12:07:08 PM":     "2005-03-04 12:07:08",
		"3/4/05, 6:07:08 p.m.":   "2005-04-03 18:07:08",
		"2020. 2. 27 오전 0:10:00": "2020-02-27 00:10:00",
		"2005-03-04":             "2005-03-04 00:00:00",
	} {
		c := newCalendar(nil)
		c.observe(s)
		if got := c.instant(s).Format(time.DateTime); got != want {
			t.Errorf("%q is read as %s, want %s", s, got, want)
		}
	}
}

func TestWhatIsNoDateIsZero(t *testing.T) {
	for _, s := range []string{
		"", "-", "never", "13/13/13 1:00:00 PM", "2/30/2024 1:00:00 PM", "2024-13-01 00:00:00", "2024-01-01 25:00:00", "2024-01-01 13:00:00 PM",
		"1 2", "1/2/3/4 5:00", "20240-01-01 00:00:00", "2024-01-01 00:00:00 Uhrzeit", "¿ÀÈÄ 2020. 2. 27 3:00:00", "9999-12-31 23:59:59",
	} {
		c := newCalendar(nil)
		c.observe(s)
		if got := c.instant(s); !got.IsZero() {
			t.Errorf("%q is read as %v, want none", s, got)
		}
	}
}

// One date that is misprinted, or none at all, does not turn the others.
func TestOneOddDateDoesNotTurnTheOthers(t *testing.T) {
	c := newCalendar(time.FixedZone("", 3600))
	for i := range 9 {
		c.observe(fmt.Sprintf("%d/%d/2024 10:00:00", 20+i, 1+i))
	}
	c.observe("12/31/2024 10:00:00")
	if got, want := c.instant("3/4/2024 10:00:00"), time.Date(2024, 4, 3, 9, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := c.instant("12/31/2024 10:00:00"); !got.IsZero() {
		t.Errorf("got %v for a date of another order, want none", got)
	}
}

func FuzzDate(f *testing.F) {
	for _, format := range locales {
		f.Add(format(time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC)))
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := newCalendar(time.FixedZone("", 14*3600))
		c.observe(s)
		if at := c.instant(s); !at.IsZero() && (at.Year() < 1969 || at.Year() > 9999 || at.Location() != time.UTC) {
			t.Fatalf("%q is read as %v", s, at)
		}
	})
}
