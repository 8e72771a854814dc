package export

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

func TestBothFilesHaveTheSameCells(t *testing.T) {
	table := New(Texts("name", "at"), Numbers("licenses", "mean"))
	table.Add("'=cmd()", "2026-03-01T00:00:00+01:00", "12", "3.250")
	table.Add("Größe, Ω", "", "", "0")

	var asCSV, asXLSX bytes.Buffer
	if err := table.CSV(&asCSV); err != nil {
		t.Fatal(err)
	}
	if err := table.XLSX(&asXLSX); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(asCSV.String(), byteOrderMark))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&asXLSX)
	if err != nil {
		t.Fatal(err)
	}
	for r, line := range lines {
		for c, want := range line {
			at, err := excelize.CoordinatesToCellName(c+1, r+1)
			if err != nil {
				t.Fatal(err)
			}
			got, err := book.GetCellValue(sheet, at)
			if err != nil {
				t.Fatal(err)
			}
			if n, bad := strconv.ParseFloat(want, 64); bad == nil {
				want = strconv.FormatFloat(n, 'f', -1, 64)
			}
			if got != want {
				t.Errorf("cell %s: workbook has %q, CSV %q", at, got, want)
			}
		}
	}
}

func TestNoCellOfAWorkbookIsAFormula(t *testing.T) {
	table := New(Texts("name"), Numbers("licenses"))
	hostile := []string{"=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0"}
	for _, name := range hostile {
		table.Add(name, name)
	}
	var b bytes.Buffer
	if err := table.XLSX(&b); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range hostile {
		for _, column := range []string{"A", "B"} {
			at := column + strconv.Itoa(i+2)
			formula, err := book.GetCellFormula(sheet, at)
			if err != nil || formula != "" {
				t.Errorf("cell %s of %q: formula %q (%v), want none", at, name, formula, err)
			}
			if got, err := book.GetCellValue(sheet, at); err != nil || got != name {
				t.Errorf("cell %s = %q (%v), want %q", at, got, err, name)
			}
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	table := New(Texts("name", "server", "at"), Numbers("licenses", "peak"))
	table.Rows = slices.Repeat([][]string{{"somebody", "cad-lic-01", "2026-03-01T00:00:00+01:00", "12", "340"}}, 100_000)
	for _, kind := range []struct {
		name  string
		write func(io.Writer) error
	}{{"csv", table.CSV}, {"xlsx", table.XLSX}} {
		b.Run(kind.name+"/100000rows", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := kind.write(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
