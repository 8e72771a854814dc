package console_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// Names of license servers are in it, which are hostile text.
func TestWorkbooksHaveTheCellsOfTheirFiles(t *testing.T) {
	h := founded(t)
	for _, path := range []string{"/usage/cad%2Fx%20y/servers", "/usage/cad%2Fx%20y/trend", "/audit/log"} {
		a := h.get(path + ".xlsx")
		a.wants(http.StatusOK)
		if got := a.header.Get("Content-Disposition"); !strings.HasSuffix(got, `.xlsx"`) {
			t.Errorf("%s: Content-Disposition %s", path, got)
		}
		book, err := excelize.OpenReader(strings.NewReader(a.body))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		rows, err := book.GetRows(book.GetSheetName(0))
		if err != nil {
			t.Fatal(err)
		}
		want := h.get(path + ".csv").csv()
		if len(rows) != len(want) || len(want) < 2 {
			t.Errorf("%s: the workbook has %d rows, the file %d", path, len(rows), len(want))
			continue
		}
		for r := range want {
			for c, cell := range want[r] {
				got := ""
				if c < len(rows[r]) { // empty cells at a row's end are left out
					got = rows[r][c]
				}
				if n, err := strconv.ParseFloat(cell, 64); err == nil {
					cell = strconv.FormatFloat(n, 'f', -1, 64) // a number has no digits of its own
				}
				if got != cell {
					t.Errorf("%s, row %d, column %d: the workbook has %q, the file %q", path, r, c, got, cell)
				}
			}
		}
	}
}
