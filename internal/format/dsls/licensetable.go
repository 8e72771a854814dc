package dsls

import (
	"slices"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A column of the table of licenses has a fixed place, counted in letters.
type column struct {
	name  string
	start int
}

// readTableRow reads the table of licenses: its header, which gives the
// columns, and the rows below it.
func (p *statusParser) readTableRow(t string) bool {
	if columns := tableColumns(t); columns != nil {
		p.section()
		p.table = columns
		return true
	}
	if p.table == nil {
		return false
	}
	cells := cellsOf([]rune(t), p.table)
	quantity, ok := text.ParseCount(cells["Quantity"])
	if !ok || cells["Feature"] == "" {
		return false
	}
	e := entry{
		editor: cells["Editor"],
		term: facts.Term{
			Pool: license.Pool{Feature: cells["Feature"]}, State: license.StateError,
			Version: cells["MaxReleaseNumber"], Vendor: cells["Editor"], Text: cells["EndDate"],
			Start: tableDate(cells["StartDate"]), Expiry: tableDate(cells["EndDate"]),
		},
	}
	if cells["Status"] == "active" {
		e.term.State, e.term.Count = license.StateOf(quantity)
	}
	p.kept++
	p.sec.table = append(p.sec.table, e)
	return true
}

// tableColumns returns the columns if t is the table's header.
func tableColumns(t string) []column {
	if !strings.HasPrefix(t, "Status ") {
		return nil
	}
	names := strings.Fields(t)
	for _, need := range []string{"Feature", "Quantity", "EndDate"} {
		if !slices.Contains(names, need) {
			return nil
		}
	}
	var columns []column
	at := 0
	for _, name := range names {
		at += strings.Index(t[at:], name)
		columns = append(columns, column{name, len([]rune(t[:at]))})
		at += len(name)
	}
	return columns
}

func cellsOf(row []rune, columns []column) map[string]string {
	cells := make(map[string]string, len(columns))
	for i, c := range columns {
		end := len(row)
		if i+1 < len(columns) {
			end = min(end, columns[i+1].start)
		}
		if c.start < end {
			cells[c.name] = strings.TrimSpace(string(row[c.start:end]))
		}
	}
	return cells
}

// tableDate reads "2024-12-30.23:59.UTC". What is no date is zero.
func tableDate(s string) time.Time {
	at, err := time.Parse("2006-01-02.15:04.UTC", s)
	if err != nil || at.Year() < 1970 || at.Year() == 9999 {
		return time.Time{}
	}
	return at
}
