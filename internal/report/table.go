package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
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
		for _, p := range r.Products {
			for _, check := range p.Checks {
				fmt.Fprintf(&b, "%s: %s\n", Plain(p.Name), Plain(check))
			}
		}
	}
	if len(r.Features) > 0 {
		t := table{&b, tabwriter.NewWriter(&b, 2, 8, 2, ' ', 0)}
		t.row("FEATURE", "DAEMON", "INSTALLED", "IN USE", "RESERVED", "BORROWED", "QUEUED", "CHECKOUTS", "LICENSES", "USERS", "DENIED", "PEAK", "AT", "OPEN", "LAST")
		for _, f := range r.Features {
			t.row(f.name(), f.Daemon, f.installed(), shown(f.InUse), shown(f.Reserved), shown(f.Borrowed), shown(f.Queued), shown(f.Checkouts),
				shown(f.CheckedOut), shown(f.Users), shown(f.Denied), shown(f.Peak.Value), f.Peak.at(), shown(f.Open), f.Last.short())
		}
		t.end()
	}
	r.details(&b)
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

// shownRows is how many rows of a list of people or licenses a table has.
const shownRows = 50

// details writes who holds what, what ends, and who used what last.
func (r Report) details(b *strings.Builder) {
	list(b, r.Holders, []string{"HELD BY", "HOST", "HOW", "LICENSES", "FEATURE", "SINCE", "SERVER"}, func(h Holder) []string {
		return []string{h.User, h.Host, string(h.Kind), fmt.Sprint(h.Licenses), h.name(), h.Since.short(), h.Server}
	})
	list(b, r.Assigned, []string{"ASSIGNED TO", "KIND", "FEATURE", "FIRST", "LAST", "SERVER"}, func(a Assigned) []string {
		return []string{a.Name, string(a.Kind), a.name(), a.First.short(), a.Last.short(), a.Server}
	})
	ending := slices.DeleteFunc(slices.Clone(r.Terms), func(t Term) bool { return t.Expiry.IsZero() })
	list(b, ending, []string{"ENDS", "FEATURE", "VERSION", "LICENSES", "SERVER"}, func(t Term) []string {
		return []string{t.Expiry.day(), t.name(), t.Version, shown(t.Count), t.Server}
	})
	newest := slices.Clone(r.Users)
	slices.SortStableFunc(newest, func(a, b User) int { return b.Last.Compare(a.Last.Time) })
	list(b, newest, []string{"USER", "FEATURE", "CHECKOUTS", "LAST USE", "SERVER"}, func(u User) []string {
		return []string{u.Name, u.name(), shown(u.Checkouts), u.Last.short(), u.Server}
	})
}

// list writes a table of the first rows; nothing where there are none.
func list[T any](b *strings.Builder, rows []T, head []string, cells func(T) []string) {
	if len(rows) == 0 {
		return
	}
	t := table{b, tabwriter.NewWriter(b, 2, 8, 2, ' ', 0)}
	t.row(head...)
	for _, r := range rows[:min(len(rows), shownRows)] {
		t.row(cells(r)...)
	}
	_ = t.w.Flush() // into a strings.Builder
	if more := len(rows) - shownRows; more > 0 {
		fmt.Fprintf(b, "%d more rows are left out; --json has them.\n", more)
	}
	b.WriteByte('\n')
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

// day is a day where the instant is one, else the whole instant.
func (i Instant) day() string {
	if i.IsZero() || !i.Equal(i.Truncate(24*time.Hour)) {
		return i.short()
	}
	return i.Format(time.DateOnly)
}

// WriteCSV writes a line per feature. Text that a spreadsheet would take for
// a formula gets a leading apostrophe.
func (r Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{
		"server", "daemon", "feature", "product", "state", "installed", "in_use", "reserved", "queued", "checkouts", "checked_out",
		"users", "hosts", "out", "in", "denied", "denials", "unsupported", "peak", "peak_at", "peak_basis", "open", "open_checkouts", "first", "last",
		"denials_true", "denials_false",
		"manager", "variant", "borrowed", "overdraft", "refused",
	}}
	for _, f := range r.Features {
		row := []string{f.Server, f.Daemon, f.Place.Feature, f.Product, f.StateName}
		for _, c := range []license.Count{
			f.Installed, f.InUse, f.Reserved, f.Queued, f.Checkouts, f.CheckedOut, f.Users, f.Hosts,
			f.Out, f.In, f.Denied, f.Denials, f.Unsupported, f.Peak.Value,
		} {
			row = append(row, cell(c))
		}
		row = append(row, f.Peak.At.cell(), f.Peak.Known, cell(f.Open), cell(f.OpenCheckouts), f.First.cell(), f.Last.cell(), cell(f.DenialsTrue), cell(f.DenialsFalse))
		row = append(row, f.Manager, f.Variant, cell(f.Borrowed), cell(f.Overdraft), cell(f.Refused))
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
