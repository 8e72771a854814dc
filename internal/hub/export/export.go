// Package export writes a table as a file for spreadsheets: CSV and XLSX, both
// from the same cells. It decides nothing about what stands in them.
package export

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// A Column is a column's name and what its cells are.
type Column struct {
	Name   string
	Number bool // cells are numbers, or empty where nothing is known
}

// A Table is what is written. Cells are texts as a CSV file has them; instants
// have their offset, which dates of spreadsheets cannot have, and stay texts.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// Texts are columns of texts.
func Texts(names ...string) []Column { return columns(false, names) }

// Numbers are columns of numbers.
func Numbers(names ...string) []Column { return columns(true, names) }

func columns(number bool, names []string) (out []Column) {
	for _, name := range names {
		out = append(out, Column{Name: name, Number: number})
	}
	return out
}

// New is an empty table of the columns, in their order.
func New(columns ...[]Column) (t Table) {
	for _, some := range columns {
		t.Columns = append(t.Columns, some...)
	}
	return t
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// byteOrderMark tells spreadsheets that a file is UTF-8.
const byteOrderMark = "\ufeff"

// CSV writes the table as CSV.
func (t Table) CSV(w io.Writer) error {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	head := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = c.Name
	}
	if err := out.Write(head); err != nil {
		return err
	}
	return out.WriteAll(t.Rows)
}

// sheet is the only sheet of a workbook; a new workbook has it.
const sheet = "Sheet1"

// XLSX writes the table as a workbook of one sheet. Texts are written as texts:
// no cell is a formula. The head stays in sight while one scrolls.
func (t Table) XLSX(w io.Writer) error {
	book := excelize.NewFile()
	err := t.fill(book)
	if err == nil {
		err = book.Write(w)
	}
	if failed := book.Close(); err == nil {
		err = failed
	}
	return err
}

func (t Table) fill(book *excelize.File) error {
	out, err := book.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	cells := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		cells[i] = c.Name
	}
	if err := out.SetRow("A1", cells); err != nil {
		return err
	}
	for n, row := range t.Rows {
		for i, c := range t.Columns {
			cells[i] = c.cell(row[i])
		}
		if err := out.SetRow("A"+strconv.Itoa(n+2), cells); err != nil {
			return err
		}
	}
	return out.Flush()
}

// cell is a cell's value in a workbook. A number that cannot be read stays the
// text that it is, and nothing stays nothing.
func (c Column) cell(text string) any {
	if text == "" {
		return nil
	}
	if c.Number {
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	}
	return text
}
