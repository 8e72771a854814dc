package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"headroom/internal/license"
)

// WriteTable writes the report for a person to read.
func (r Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	if len(r.Products) > 0 {
		t := table{&b, tabwriter.NewWriter(&b, 2, 8, 2, ' ', 0)}
		t.row("PRODUCT", "MODEL", "INSTALLED", "IN USE", "PEAK", "AT", "BASIS", "SERVERS")
		for _, p := range r.Products {
			t.row(p.Name, string(p.Model), p.installed(), shown(p.InUse), shown(p.Peak.Value), p.Peak.at(), p.Peak.Known, strings.Join(p.Servers, " "))
		}
		t.end()
	}
	if len(r.Features) > 0 {
		t := table{&b, tabwriter.NewWriter(&b, 2, 8, 2, ' ', 0)}
		t.row("FEATURE", "DAEMON", "INSTALLED", "IN USE", "RESERVED", "QUEUED", "CHECKOUTS", "LICENSES", "USERS", "DENIED", "PEAK", "AT", "OPEN", "LAST")
		for _, f := range r.Features {
			t.row(f.Feature, f.Daemon, f.installed(), shown(f.InUse), shown(f.Reserved), shown(f.Queued), shown(f.Checkouts), shown(f.CheckedOut),
				shown(f.Users), shown(f.Denied), shown(f.Peak.Value), f.Peak.at(), shown(f.Open), f.Last.short())
		}
		t.end()
	}
	r.denialTable(table{&b, tabwriter.NewWriter(&b, 2, 8, 2, ' ', 0)})
	t := table{&b, tabwriter.NewWriter(&b, 2, 8, 2, ' ', 0)}
	t.row("FILE", "FORMAT", "LINES", "UNREAD", "FIRST", "LAST")
	for _, f := range r.Files {
		t.row(f.Path, f.Format, fmt.Sprint(f.Lines), fmt.Sprint(f.Unread), f.First.short(), f.Last.short())
	}
	t.end()
	for _, f := range r.Files {
		for _, warning := range f.Warnings {
			fmt.Fprintf(&b, "%s: %s\n", Plain(f.Path), Plain(warning))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// A table is columns of text in a builder; writing to it cannot fail.
type table struct {
	b *strings.Builder
	w *tabwriter.Writer
}

func (t table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = Plain(c)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

func (t table) end() {
	_ = t.w.Flush() // into a strings.Builder
	t.b.WriteByte('\n')
}

// Plain makes text from a license server safe to print: control characters,
// which could move the cursor or change a terminal, become a visible mark.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// shown is a count in a table: "-" where no file tells it.
func shown(c license.Count) string {
	if !c.Known {
		return "-"
	}
	return c.String()
}

// installed shows the count or, where there is none, the state.
func (f Figures) installed() string {
	if f.State == license.StateCounted && f.Installed.Known || f.State == license.StateUnknown {
		return shown(f.Installed)
	}
	return f.State.String()
}

func (p Peak) at() string { return p.At.short() }

func (i Instant) short() string {
	if i.IsZero() {
		return "-"
	}
	return i.String()
}

// WriteCSV writes a line per feature. Text that a spreadsheet would take for
// a formula gets a leading apostrophe.
func (r Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{
		"server", "daemon", "feature", "product", "state", "installed", "in_use", "reserved", "queued", "checkouts", "checked_out",
		"users", "hosts", "out", "in", "denied", "denials", "unsupported", "peak", "peak_at", "peak_basis", "open", "open_checkouts", "first", "last",
		"denials_true", "denials_false",
	}}
	for _, f := range r.Features {
		row := []string{f.Server, f.Daemon, f.Feature, f.Product, f.StateName}
		for _, c := range []license.Count{
			f.Installed, f.InUse, f.Reserved, f.Queued, f.Checkouts, f.CheckedOut, f.Users, f.Hosts,
			f.Out, f.In, f.Denied, f.Denials, f.Unsupported, f.Peak.Value,
		} {
			row = append(row, cell(c))
		}
		row = append(row, f.Peak.At.cell(), f.Peak.Known, cell(f.Open), cell(f.OpenCheckouts), f.First.cell(), f.Last.cell(), cell(f.DenialsTrue), cell(f.DenialsFalse))
		rows = append(rows, row)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = unformula(row[i])
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func cell(c license.Count) string {
	if !c.Known {
		return ""
	}
	return c.String()
}

func (i Instant) cell() string {
	if i.IsZero() {
		return ""
	}
	return i.Format("2006-01-02T15:04:05-07:00")
}

// unformula defuses a cell (OWASP, CSV injection).
func unformula(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
