package citrix

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A History is what a table of past use says.
type History struct {
	Past   []Past
	Error  string // why the table could not be read; Past is then empty
	Lines  int
	Unread facts.UnreadLines
}

// ParseHistory reads a table of past use as CSV: the export of Historical Use,
// whose columns differ by version and language and are found by their names,
// and what scripts write that poll WMI. Cells are divided by comma, semicolon
// or tab.
//
// A row with a day alone says the highest use of that day in o.Zone, one with
// a time of day what was in use then. Rows of a table that names no product
// are of feature; where it is empty too, nothing is read. The order of day and
// month is found from all rows together; where it makes a difference and
// nothing tells it, nothing is read. The error is the reader's, or names a
// code page that does not exist.
func ParseHistory(r io.Reader, feature string, o facts.Options) (History, error) {
	b, more, err := text.ReadAll(r, o.CodePage, maxText)
	if err != nil {
		return History{}, err
	}
	if more {
		return History{}, errTooMuch
	}
	s := string(b)
	p := historyParser{feature: feature, zone: o.Zone}
	if p.zone == nil {
		p.zone = time.UTC
	}
	if err := p.read(s); err != nil {
		p.history.Past, p.history.Error = nil, err.Error()
	}
	p.history.Lines = strings.Count(strings.TrimRight(s, "\n"), "\n") + 1
	return p.history, nil
}

// A field is what a column tells.
type field uint8

const (
	noField field = iota
	dayField
	timeField
	inUseField
	overdraftField
	installedField
	saField
	typeField
	codeField
	nameField
	modelField
)

// fieldWords are parts of column names, in lower case, in the order in which
// they are tried: "licenses in use" is no "licenses". Names of days come last
// but one, since the Subscription Advantage date has one too.
var fieldWords = []struct {
	field field
	words []string
}{
	{noField, []string{"%", "pct", "percent", "prozent", "free", "available", "verfügbar", "disponib", "frei"}},
	{overdraftField, []string{"overdraft", "überzieh", "overziehung", "découvert", "descubierto", "超過", "透支"}},
	{saField, []string{"customer success", "css", "subscription", "sa date", "sadate", "customersuccess"}},
	{inUseField, []string{"in use", "inuse", "in_use", "used", "usage", "verwend", "genutzt", "benutzt", "en uso", "utilis", "uso", "使用"}},
	{typeField, []string{"license type", "licensetype", "lizenztyp"}},
	{codeField, []string{"pld", "pem", "feature", "producteditionmodel"}},
	{modelField, []string{"model", "modell", "modèle", "modelo", "モデル", "模式"}},
	{nameField, []string{"product", "produkt", "produit", "製品", "产品"}},
	{installedField, []string{"installed", "installiert", "instal", "total", "gesamt", "count", "licenses", "lizenzen"}},
	{dayField, []string{"date", "datum", "fecha", "timestamp", "日付", "日期", "day", "tag"}},
	{timeField, []string{"time", "uhrzeit", "zeit", "heure", "hora", "時刻", "时间"}},
}

func fieldOf(name string) field {
	name = strings.ToLower(strings.TrimSpace(name))
	for _, f := range fieldWords {
		for _, w := range f.words {
			if strings.Contains(name, w) {
				return f.field
			}
		}
	}
	return noField
}

type historyParser struct {
	history History
	feature string
	zone    *time.Location
	columns map[field]int
	order   order
}

// A cells is a row of the table.
type cells struct {
	values []string
	line   int
}

func (p *historyParser) read(s string) error {
	all := p.table(s)
	head := 0
	for head < len(all) && !p.header(all[head].values) {
		head++
	}
	if head == len(all) {
		return errors.New("the table has no header with a date and what was in use")
	}
	for _, c := range all[:head] {
		if !strings.HasPrefix(c.values[0], "#") {
			p.history.Unread.Add(c.line, strings.Join(c.values, ","))
		}
	}
	_, code := p.columns[codeField]
	_, name := p.columns[nameField]
	if !code && !name && p.feature == "" {
		return errors.New("the table names no product: say which feature it is about")
	}
	rows := all[head+1:]
	var err error
	if p.order, err = p.orderOf(rows); err != nil {
		return err
	}
	for _, c := range rows {
		p.row(c)
	}
	if len(p.history.Past) == 0 {
		return errors.New("the table has no rows that could be read")
	}
	return nil
}

// table divides the text into cells. A line that is no CSV is unread.
func (p *historyParser) table(s string) []cells {
	r := csv.NewReader(strings.NewReader(s))
	r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace, r.Comma = -1, true, true, separatorOf(s)
	var all []cells
	for len(all) < maxFacts {
		values, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			p.history.Unread.Add(e.StartLine, e.Err.Error())
			continue
		}
		if err != nil {
			break // the text is in memory: there is no other
		}
		line, _ := r.FieldPos(0)
		all = append(all, cells{values, line})
	}
	return all
}

// separatorOf returns what divides the cells: whichever stands most often
// in the first lines.
func separatorOf(s string) rune {
	head := s[:min(len(s), 4096)]
	best, most := ',', strings.Count(head, ",")
	for _, r := range ";\t" {
		if n := strings.Count(head, string(r)); n > most || n == most && n > 0 && r == '\t' {
			best, most = r, n
		}
	}
	return best
}

// header takes a row for the header if it names a date and what was in use. Of
// several columns for one field the first counts.
func (p *historyParser) header(names []string) bool {
	columns := map[field]int{}
	for i, n := range names {
		f := fieldOf(n)
		if _, seen := columns[f]; !seen && f != noField {
			columns[f] = i
		}
	}
	_, used := columns[inUseField]
	_, day := columns[dayField]
	if at, timed := columns[timeField]; timed && !day {
		columns[dayField], day = at, true
		delete(columns, timeField)
	}
	p.columns = columns
	return used && day
}

func (p *historyParser) cell(c cells, f field) string {
	i, ok := p.columns[f]
	if !ok || i >= len(c.values) {
		return ""
	}
	return strings.TrimSpace(c.values[i])
}

// when returns a row's time as text.
func (p *historyParser) when(c cells) string {
	return strings.TrimSpace(p.cell(c, dayField) + " " + p.cell(c, timeField))
}

// orderOf finds the order of day and month that all rows agree to. Where both
// are possible it is the one in which the rows lie closer together: a table
// has a row a day or more.
func (p *historyParser) orderOf(rows []cells) (order, error) {
	var times []string // that the numbers tell to be times, in one order or the other
	open := false
	for _, c := range rows {
		if m, ok := parseMoment(p.when(c), p.zone, anyOrder); ok {
			times, open = append(times, p.when(c)), open || m.either
		}
	}
	if !open {
		return anyOrder, nil
	}
	byMonth, month := p.span(times, monthFirst)
	byDay, day := p.span(times, dayFirst)
	switch {
	case month && (!day || byMonth < byDay):
		return monthFirst, nil
	case day && (!month || byDay < byMonth):
		return dayFirst, nil
	}
	return anyOrder, errors.New("the dates can be read in two ways: nothing tells whether the month or the day stands first")
}

// span returns how long the time is in which all times lie, read in an order;
// ok is false where one of them cannot be read in it.
func (p *historyParser) span(times []string, o order) (span time.Duration, ok bool) {
	var low, high time.Time
	for _, s := range times {
		m, ok := parseMoment(s, p.zone, o)
		if !ok {
			return 0, false
		}
		if low.IsZero() || m.at.Before(low) {
			low = m.at
		}
		if m.at.After(high) {
			high = m.at
		}
	}
	return high.Sub(low), true
}

// row reads a row. One without a time or without a number in use tells nothing.
func (p *historyParser) row(c cells) {
	m, ok := parseMoment(p.when(c), p.zone, p.order)
	n, counted := parseNumber(p.cell(c, inUseField))
	if !ok || !counted {
		p.history.Unread.Add(c.line, strings.Join(c.values, ","))
		return
	}
	past := Past{Pool: p.pool(c), From: m.at, InUse: license.Of(n), Line: c.line}
	if !m.timed {
		from := localDay(m, p.zone)
		past.To = from.AddDate(0, 0, 1).UTC()
	}
	if v, ok := parseNumber(p.cell(c, installedField)); ok {
		past.Installed = license.Of(v)
	}
	if v, ok := parseNumber(p.cell(c, overdraftField)); ok {
		past.Overdraft = license.Of(v)
	}
	p.history.Past = append(p.history.Past, past)
}

// pool names a row's pool: by its code, else by the product and model that the
// table shows, else as it was said.
func (p *historyParser) pool(c cells) license.Pool {
	feature := p.cell(c, codeField)
	if feature == "" {
		feature = strings.TrimSpace(fmt.Sprintf("%s %s", p.cell(c, nameField), p.cell(c, modelField)))
	}
	if feature == "" {
		feature = p.feature
	}
	sa := saDateOf(p.cell(c, saField), p.zone)
	if strings.EqualFold(sa, "all") {
		sa = ""
	}
	return Pool{Feature: feature, SADate: sa, Type: p.cell(c, typeField)}.Key()
}
