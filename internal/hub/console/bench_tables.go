package console

import (
	"html/template"
	"slices"
	"time"

	"headroom/internal/license"
	"headroom/internal/look"
	"headroom/internal/report"
)

// A benchTable is some of the facts of a text.
type benchTable struct {
	ID, Title string
	Heads     []benchHead
	Rows      [][]benchCell
	More      int // rows that are left out
}

type benchHead struct {
	Label, Sort string // Sort is how the column is sorted: text or number
}

// A benchCell is a value as text or as markup, and what it is sorted by. One that
// tells nothing has neither text nor what it is sorted by.
type benchCell struct {
	Text string
	HTML template.HTML
	Sort string
}

// benchTables are the facts that there are.
func benchTables(clock look.Clock, r report.Report) []benchTable {
	var all []benchTable
	for _, t := range []benchTable{
		serverTable(clock, r.Servers), featureTable(clock, r.Features), holderTable(clock, r.Holders),
		assignedTable(clock, r.Assigned), termTable(clock, r.Terms), userTable(clock, r.Users), deniedTable(r.Denials),
	} {
		if len(t.Rows) > 0 {
			all = append(all, t)
		}
	}
	return all
}

// tableOf makes a table of the first rows. A head that ends in "#" is of a
// column of numbers.
func tableOf[T any](id, title string, heads []string, rows []T, cells func(T) []benchCell) benchTable {
	t := benchTable{ID: id, Title: title, More: max(0, len(rows)-benchRows)}
	for _, h := range heads {
		head := benchHead{Label: h, Sort: "text"}
		if h[len(h)-1] == '#' {
			head = benchHead{Label: h[:len(h)-1], Sort: "number"}
		}
		t.Heads = append(t.Heads, head)
	}
	for _, row := range rows[:min(len(rows), benchRows)] {
		t.Rows = append(t.Rows, cells(row))
	}
	t.dropUntold()
	return t
}

// dropUntold drops the columns of which no row tells anything.
func (t *benchTable) dropUntold() {
	for i := len(t.Heads) - 1; i > 0; i-- {
		told := slices.ContainsFunc(t.Rows, func(row []benchCell) bool { return row[i].Text != "" || row[i].Sort != "" })
		if told {
			continue
		}
		t.Heads = slices.Delete(t.Heads, i, i+1)
		for k := range t.Rows {
			t.Rows[k] = slices.Delete(t.Rows[k], i, i+1)
		}
	}
}

func wordCell(s string) benchCell { return benchCell{Text: report.Plain(s)} }

func countCell(c license.Count) benchCell {
	return benchCell{HTML: look.Count(c, "The text does not tell it."), Sort: sortCount(c)}
}

func timeCell(clock look.Clock, at report.Instant) benchCell {
	if at.IsZero() {
		return benchCell{HTML: look.None("not told")}
	}
	return benchCell{HTML: clock.Time(at.Time), Sort: sortTime(at.Time)}
}

// peakCell is a peak with its moment below it.
func peakCell(clock look.Clock, p report.Peak) benchCell {
	cell := countCell(p.Value)
	if !p.At.IsZero() {
		cell.HTML = `<div>` + cell.HTML + `<span class="sub">` + clock.Time(p.At.Time) + `</span></div>`
	}
	return cell
}

// endCell is an expiry, which is a day or an instant.
func endCell(clock look.Clock, t report.Term) benchCell {
	switch {
	case t.Permanent:
		return benchCell{Text: "never"}
	case t.Expiry.IsZero():
		return benchCell{HTML: look.None("not told")}
	case t.Expiry.Equal(t.Expiry.Truncate(24 * time.Hour)):
		return benchCell{Text: t.Expiry.UTC().Format("2 Jan 2006"), Sort: sortTime(t.Expiry.Time)}
	}
	return timeCell(clock, t.Expiry)
}

func placeCell(p report.Place) benchCell {
	return wordCell(license.Pool{Feature: p.Feature, Variant: p.Variant}.String())
}

func serverTable(clock look.Clock, rows []report.Server) benchTable {
	return tableOf("servers", "License servers", []string{"License server", "License manager", "Version", "Told at#", "Told"}, rows,
		func(s report.Server) []benchCell {
			told := benchCell{HTML: look.Status(look.Mute, "in part"), Sort: "1"}
			switch {
			case s.Error != "":
				told = wordCell(s.Error)
			case s.Partial != "":
				told = wordCell(s.Partial)
			case s.Complete:
				told = benchCell{HTML: look.Status(look.Good, "every pool"), Sort: "2"}
			}
			return []benchCell{wordCell(s.Name), wordCell(managerWord(s.Manager)), wordCell(s.Version), timeCell(clock, s.At), told}
		})
}

func featureTable(clock look.Clock, rows []report.Feature) benchTable {
	return tableOf("features", "Features", []string{
		"Feature", "Daemon", "State", "Installed#", "In use#", "Reserved#", "Borrowed#", "Queued#", "Users#", "Denied#", "Peak#",
	}, rows, func(f report.Feature) []benchCell {
		state := f.StateName
		if f.Error != "" {
			state += ": " + f.Error
		}
		denied := f.Denied
		if !denied.Known {
			denied = f.Refused
		}
		return []benchCell{
			placeCell(f.Place), wordCell(f.Daemon), wordCell(state), countCell(f.Installed), countCell(f.InUse), countCell(f.Reserved),
			countCell(f.Borrowed), countCell(f.Queued), countCell(f.Users), countCell(denied), peakCell(clock, f.Peak),
		}
	})
}

func holderTable(clock look.Clock, rows []report.Holder) benchTable {
	return tableOf("holders", "Held by", []string{"User", "Host", "Feature", "How", "Licenses#", "Since#"}, rows, func(h report.Holder) []benchCell {
		return []benchCell{
			wordCell(h.User), wordCell(h.Host), placeCell(h.Place), wordCell(string(h.Kind)), countCell(license.Of(h.Licenses)), timeCell(clock, h.Since),
		}
	})
}

func assignedTable(clock look.Clock, rows []report.Assigned) benchTable {
	return tableOf("assigned", "Assigned to", []string{"Name", "Kind", "Feature", "First#", "Last#"}, rows, func(a report.Assigned) []benchCell {
		return []benchCell{wordCell(a.Name), wordCell(string(a.Kind)), placeCell(a.Place), timeCell(clock, a.First), timeCell(clock, a.Last)}
	})
}

func termTable(clock look.Clock, rows []report.Term) benchTable {
	return tableOf("terms", "Terms", []string{"Feature", "Daemon", "Version", "Licenses#", "Ends#"}, rows, func(t report.Term) []benchCell {
		return []benchCell{placeCell(t.Place), wordCell(t.Daemon), wordCell(t.Version), countCell(t.Count), endCell(clock, t)}
	})
}

func userTable(clock look.Clock, rows []report.User) benchTable {
	return tableOf("users", "Users", []string{"User", "Feature", "Checkouts#", "Last use#"}, rows, func(u report.User) []benchCell {
		return []benchCell{wordCell(u.Name), placeCell(u.Place), countCell(u.Checkouts), timeCell(clock, u.Last)}
	})
}

func deniedTable(rows []report.Denials) benchTable {
	return tableOf("denied", "Denials", []string{"User", "Day", "Feature", "True#", "False#", "Not known#", "Refusals#", "Reason"}, rows,
		func(d report.Denials) []benchCell {
			return []benchCell{
				wordCell(d.User), wordCell(d.Day), wordCell(d.Feature), countCell(license.Of(d.True)), countCell(license.Of(d.False)),
				countCell(license.Of(d.Unknown)), countCell(license.Of(d.Refusals)), wordCell(d.Reason),
			}
		})
}
