package olicense

import (
	"slices"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// usualColumns are those of the table of modules where it has no header.
var usualColumns = []string{"Name", "LicenseType", "FloatCount", "Expiration"}

// neverYear is the last year that can be written with four digits.
const neverYear = 9999

// readRow reads the header of the table of modules and its rows. A row without
// a count that we know is kept as unknown.
func (p *statusParser) readRow(t string) bool {
	cells := strings.Split(t, ";")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	if len(cells) < len(usualColumns) {
		return false
	}
	if cells[0] == "Name" && slices.Contains(cells, "FloatCount") {
		p.columns = cells
		return true
	}
	name := p.cell(cells, "Name")
	if name == "" || p.kept >= maxKept {
		return false
	}
	p.kept++
	p.flush()
	r := license.Reading{Pool: license.Pool{Feature: name}, Daemon: p.block.application, InUse: license.Of(0)}
	count := p.cell(cells, "FloatCount")
	if n, ok := text.ParseCount(count); ok {
		r.State, r.Installed = license.StateOf(n)
	} else {
		r.InUse, r.Reason = license.Count{}, facts.Shorten("FloatCount is "+count, facts.MaxText)
	}
	p.module = &r
	p.terms = append(p.terms, p.term(r, p.cell(cells, "Expiration")))
	return true
}

func (p *statusParser) cell(cells []string, column string) string {
	columns := p.columns
	if columns == nil {
		columns = usualColumns
	}
	if i := slices.Index(columns, column); i >= 0 && i < len(cells) {
		return cells[i]
	}
	return ""
}

func (p *statusParser) term(r license.Reading, expiry string) facts.Term {
	term := facts.Term{
		Pool: r.Pool, State: r.State, Count: r.Installed,
		Version: p.block.versions, Vendor: p.block.licenser, Text: expiry,
	}
	if t, err := time.ParseInLocation(time.DateTime, expiry, p.zone); err == nil {
		term.Permanent = t.Year() == neverYear
		if !term.Permanent && t.Year() > 0 {
			term.Expiry = t.Truncate(time.Second).UTC()
		}
	}
	return term
}

// readLocked reads "3 FloatsLockedBy:" below a row, and
// "1 FloatsLockedBy 'unknown clients'", which names nobody.
func (p *statusParser) readLocked(t string) bool {
	count, rest, ok := strings.Cut(t, " ")
	if !ok || p.module == nil || !strings.HasPrefix(strings.TrimSpace(rest), "FloatsLockedBy") {
		return false
	}
	n, ok := text.ParseCount(count)
	if !ok {
		p.module.InUse = license.Count{}
		return false
	}
	p.module.InUse = p.module.InUse.Plus(license.Of(n))
	return true
}

// readHolder reads "USER@HOST #N".
func (p *statusParser) readHolder(t string) bool {
	i := strings.LastIndex(t, "#")
	at := strings.LastIndexByte(t, '@')
	if at <= 0 || i <= at || p.module == nil || p.kept >= maxKept {
		return false
	}
	n, ok := text.ParseCount(t[i+1:])
	user := strings.TrimSpace(t[:at])
	if !ok || user == "" {
		return false
	}
	p.kept++
	p.holders = append(p.holders, license.Holder{
		Pool: p.module.Pool, User: user, Host: strings.TrimSpace(t[at+1 : i]),
		Licenses: n, Kind: license.HolderActive,
	})
	return true
}
