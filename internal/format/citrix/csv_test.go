package citrix_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/citrix"
	"headroom/internal/format/facts"
	"headroom/internal/license"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func history(t testing.TB, text, feature string) citrix.History {
	t.Helper()
	h, err := citrix.ParseHistory(strings.NewReader(text), feature, facts.Options{Zone: berlin(t)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The header of a real export was never seen: columns are found by their
// names, in whatever order and language.
func TestHistoryIsFoundByTheNamesOfItsColumns(t *testing.T) {
	day := func(d int, inUse, installed, overdraft int64, line int) citrix.Past {
		zone := berlin(t)
		return citrix.Past{
			Pool: license.Pool{Feature: "XDT_PLT_CCS", Variant: "2026.1201"}, From: time.Date(2026, 10, d, 0, 0, 0, 0, zone).UTC(),
			To: time.Date(2026, 10, d+1, 0, 0, 0, 0, zone).UTC(), InUse: license.Of(inUse), Installed: license.Of(installed), Overdraft: license.Of(overdraft), Line: line,
		}
	}
	for name, text := range map[string]string{
		"English": "Date,Feature,Customer Success Services Date,Licenses Installed,Licenses in Use,Licenses in Overdraft,% Available\n" +
			"10/24/2026,XDT_PLT_CCS,2026.1201,\"1,320\",\"1,214\",14,8\n10/25/2026,XDT_PLT_CCS,2026.1201,1320,9,0,99\n",
		"British": "Feature,In use,Total,Overdraft,SA Date,Date\n" +
			"XDT_PLT_CCS,1214,1320,14,2026.1201,24/10/2026\nXDT_PLT_CCS,9,1320,0,2026.1201,25/10/2026\n",
		"German": "Datum;Feature;Customer Success Services;Installiert;Verwendet;Überziehung\r\n" +
			"24.10.2026;XDT_PLT_CCS;2026.1201;1.320;1.214;14\r\n25.10.2026;XDT_PLT_CCS;2026.1201;1.320;9;0\r\n",
		"ISO, by tabs": "\ufeffDay\tPLD\tCSS\tTotal\tUsed\tOverdraft\n2026-10-24\tXDT_PLT_CCS\t2026.1201\t1320\t1214\t14\n2026-10-25\tXDT_PLT_CCS\t2026.1201\t1320\t9\t0\n",
	} {
		h := history(t, text, "")
		if h.Error != "" || h.Unread.Total != 0 {
			t.Errorf("%s: error %q, unread %+v", name, h.Error, h.Unread)
		}
		// 25 October has 25 hours in Berlin.
		if d := cmp.Diff([]citrix.Past{day(24, 1214, 1320, 14, 2), day(25, 9, 1320, 0, 3)}, h.Past); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestProductAndModelNameAPoolWithoutACode(t *testing.T) {
	h := history(t, "Date,Product & Edition,Model,Customer Success Services,In Use\n2026-10-24,Citrix Virtual Apps and Desktops Premium,Concurrent,All,7\n", "")
	want := license.Pool{Feature: "Citrix Virtual Apps and Desktops Premium Concurrent"}
	if len(h.Past) != 1 || h.Past[0].Pool != want || h.Past[0].Installed.Known {
		t.Errorf("past %+v, error %q, want one of %v with installed unknown", h.Past, h.Error, want)
	}
}

// Rows of a table lie close together: so the order of day and month is found
// where the numbers leave it open.
func TestTheOrderOfDayAndMonthIsFoundFromAllRows(t *testing.T) {
	for name, c := range map[string]struct {
		dates []string
		month time.Month
		day   int // of the first row
	}{
		"days of March":           {[]string{"3/1/2026", "3/2/2026", "3/3/2026"}, time.March, 1},
		"the same, day first":     {[]string{"1/3/2026", "2/3/2026", "3/3/2026"}, time.March, 1},
		"one row gives it away":   {[]string{"3/4/2026", "3/13/2026", "4/1/2026"}, time.March, 4},
		"one row, day first":      {[]string{"3/4/2026", "13/4/2026", "1/5/2026"}, time.April, 3},
		"equal numbers":           {[]string{"3/3/2026"}, time.March, 3},
		"a row that is none":      {[]string{"3/1/2026", "total", "3/2/2026"}, time.March, 1},
		"dots, the day is first":  {[]string{"1.3.2026"}, time.March, 1},
		"AM, the month is first":  {[]string{"3/1/2026 8:00 AM"}, time.March, 1},
		"times of the day in ISO": {[]string{"2026-03-01 08:00"}, time.March, 1},
	} {
		h := history(t, "Date,Used\n"+strings.Join(c.dates, ",1\n")+",1\n", "F")
		if h.Error != "" || len(h.Past) == 0 {
			t.Errorf("%s: error %q", name, h.Error)
			continue
		}
		if got := h.Past[0].From.In(berlin(t)); got.Month() != c.month || got.Day() != c.day {
			t.Errorf("%s: the first row is of %v, want %v %d", name, got, c.month, c.day)
		}
	}
	for _, dates := range []string{"3/4/2026", "3/13/2026,1\n13/3/2026,1\n3/4/2026"} {
		if h := history(t, "Date,Used\n"+dates+",1\n", "F"); !strings.Contains(h.Error, "month") || len(h.Past) != 0 {
			t.Errorf("%q: past %+v, error %q, want one about month and day", dates, h.Past, h.Error)
		}
	}
}

func TestWhatIsNoHistorySaysSo(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "no header",
		"hello\n":                           "no header",
		"Date,Total\n2026-01-01,5\n":        "no header",
		"Date,In use\n2026-01-01,5\n":       "names no product",
		"Date,PLD,In use\n":                 "no rows",
		"Date,PLD,In use\nnever,A,5\n":      "no rows",
		"Date,PLD,In use\n2026-01-01,A,?\n": "no rows",
	} {
		if h := history(t, text, ""); !strings.Contains(h.Error, want) || len(h.Past) != 0 {
			t.Errorf("%q: error %q and %d rows, want %q", text, h.Error, len(h.Past), want)
		}
	}
}

func TestABadRowOfHistoryCostsNotTheRest(t *testing.T) {
	h := history(t, "Report of LIC01\n\nDate,PLD,In use\n2026-01-01,A,5\n2026-01-02,A\n2026-01-03,A,\"6\n2026-01-04,A,7\n", "")
	if h.Error != "" || len(h.Past) < 1 || h.Past[0].InUse != license.Of(5) || h.Unread.Total < 2 {
		t.Errorf("past %+v, unread %+v, error %q", h.Past, h.Unread, h.Error)
	}
}
