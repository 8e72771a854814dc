package flexnet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/internal/format/flexnet"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

const termsTable = `NOTE: lmstat -i does not give information from the server,
      but only reads the license file.  For this reason,
      lmstat -a is recommended instead.

Feature                         Version     #licenses    Vendor        Expires
_______                         _________   _________    ______        __________
EDIT                            3.1         5            acme          31-dec-2026
EDIT                            3.0         2            acme          permanent(no expiration date)
VIEW                            1.0         uncounted    acme          01-jan-0000
HUGE                            1.0         2147483647   other         1-jan-0
`

func parseTerms(t *testing.T, in string) flexnet.Terms {
	t.Helper()
	terms, err := flexnet.ParseTerms(strings.NewReader(in), "")
	if err != nil {
		t.Fatalf("ParseTerms: %v", err)
	}
	return terms
}

func TestTermsColumnsAreFoundByTheirHeader(t *testing.T) {
	want := []flexnet.Term{
		{Feature: "EDIT", Version: "3.1", State: license.StateCounted, Count: license.Of(5), Vendor: "acme", Expires: "31-dec-2026", Line: 7},
		{Feature: "EDIT", Version: "3.0", State: license.StateCounted, Count: license.Of(2), Vendor: "acme", Expires: "permanent(no expiration date)", Line: 8},
		{Feature: "VIEW", Version: "1.0", State: license.StateUncounted, Vendor: "acme", Expires: "01-jan-0000", Line: 9},
		{Feature: "HUGE", Version: "1.0", State: license.StateUnlimited, Vendor: "other", Expires: "1-jan-0", Line: 10},
	}
	swapped := ""
	for i, line := range strings.Split(strings.TrimSuffix(termsTable, "\n"), "\n") {
		if i >= 4 {
			w := strings.Fields(strings.ReplaceAll(line, "permanent(no expiration date)", "permanent(no~expiration~date)"))
			line = strings.ReplaceAll(fmt.Sprintf("%s\t%s %s %s  %s", w[0], w[1], w[2], w[4], w[3]), "~", " ")
		}
		swapped += line + "\r\n"
	}
	wrongHeader := strings.Replace(termsTable, "Vendor        Expires", "Expires       Vendor ", 1)
	for name, in := range map[string]string{"vendor first": termsTable, "expires first": swapped, "header the wrong way round": wrongHeader} {
		got := parseTerms(t, in)
		if diff := diffOf(want, got.Rows); diff != "" || got.Error != "" || got.UnreadTotal != 0 {
			t.Errorf("%s: error %q, unread %v, -want +got\n%s", name, got.Error, got.Unread, diff)
		}
	}
}

func TestTermsWithinAStatus(t *testing.T) {
	got := parseTerms(t, juergen+termsTable+"\n"+juergen)
	if len(got.Rows) != 4 || got.UnreadTotal != 0 || got.Error != "" {
		t.Errorf("%d rows, unread %v, error %q; want 4 rows", len(got.Rows), got.Unread, got.Error)
	}
}

func TestTermsSayWhyThereIsNoTable(t *testing.T) {
	for in, want := range map[string]string{
		"":         "the output is empty",
		juergen:    "the output has no table of features",
		"lmutil\n": "the output has no table of features",
		"Cannot find license file. (-1,359:2 \"No such file or directory\")\n": "Cannot find license file. (-1,359:2 \"No such file or directory\")",
	} {
		if got := parseTerms(t, in); got.Error != want || len(got.Rows) != 0 {
			t.Errorf("%q: error %q, %d rows; want %q", in, got.Error, len(got.Rows), want)
		}
	}
}

func TestTermsRowsThatCannotBeReadAreUnread(t *testing.T) {
	got := parseTerms(t, termsTable+"EDIT 3.1 many acme 31-dec-2026\nEDIT 3.1\nLAST 1 1 acme 31-dec-2026\n")
	if got.UnreadTotal != 2 || len(got.Rows) != 5 || got.Unread[0].Line != 11 {
		t.Errorf("unread %v, %d rows; want lines 11 and 12 unread, 5 rows", got.Unread, len(got.Rows))
	}
}

func TestTermsSample(t *testing.T) {
	terms := parseTerms(t, string(formattest.Sample(t, "flexnet/lmstat-i-expires-column-before-vendor.txt")))
	names, permanent := map[string]int{}, 0
	for _, r := range terms.Rows {
		names[r.Feature]++
		e, err := flexnet.ParseExpiry(r.Expires)
		if err != nil {
			t.Error(err)
		}
		if e.Permanent {
			permanent++
		}
		if !strings.HasPrefix(r.Vendor, "vendor") {
			t.Errorf("%s: vendor %q", r.Feature, r.Vendor)
		}
	}
	if len(terms.Rows) != 17 || len(names) != 16 || permanent != 2 || names["feature12"] != 2 || terms.UnreadTotal != 0 {
		t.Errorf("%d rows, %d names, %d permanent, feature12 %d times, %d unread; want 17, 16, 2, 2, 0",
			len(terms.Rows), len(names), permanent, names["feature12"], terms.UnreadTotal)
	}
}

func TestParseExpiry(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	for s, want := range map[string]flexnet.Expiry{
		"30-dec-2025":                   {Day: day(2025, 12, 30)},
		"1-Jan-2026 ":                   {Day: day(2026, 1, 1)},
		"06-feb-2009":                   {Day: day(2009, 2, 6)},
		"permanent":                     {Permanent: true},
		"permanent(no expiration date)": {Permanent: true},
		"1-jan-0":                       {Permanent: true},
		"01-jan-0":                      {Permanent: true},
		"1-jan-00":                      {Permanent: true},
		"1-jan-0000":                    {Permanent: true},
		"01-jan-0000":                   {Permanent: true},
		"01-jan-2099":                   {Permanent: true, Day: day(2099, 1, 1)},
	} {
		if got, err := flexnet.ParseExpiry(s); got != want || err != nil {
			t.Errorf("ParseExpiry(%q) = %+v, %v; want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "soon", "2025-12-30", "31-feb-2025", "30-dez-2025"} {
		if got, err := flexnet.ParseExpiry(s); err == nil {
			t.Errorf("ParseExpiry(%q) = %+v, want an error", s, got)
		}
	}
}
