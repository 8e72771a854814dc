package console

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/export"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/look"
)

// A weekPage is the use of a product by weekday and hour.
type weekPage struct {
	productView
	Span    string
	Figure  string // as it stands in the address
	Spans   []choiceView
	Figures []choiceView
	Filter  filterView
	Details string // address of the details
	CSV     filePath
	Said    string // in a sentence
	Caption string
	Hours   []string
	Rows    []weekRow
	Key     []weekCell // a cell per shade, from few to many
	Zone    string
}

// A weekRow is a weekday.
type weekRow struct {
	Day   string
	Cells []weekCell
}

// A weekCell is an hour of a weekday. Shade is from 0 to shades-1; a cell of which
// nothing is known has none.
type weekCell struct {
	Hour, Value, Title string
	Shade              int
	Known              bool
}

// shades is how many steps the colours of the map have.
const shades = 8

// The figures that a cell can show, as they stand in the address.
const (
	figurePeak = "peak"
	figureP95  = "p95"
)

// weekdays begins with Monday, as ISO 8601 does.
var weekdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}

// week reads the address and asks.
func (c *Console) week(r *http.Request, v visit) (q detailsQuery, figure string, w usage.Week, err error) {
	if q, err = c.query(r, v); err != nil {
		return q, "", w, err
	}
	switch figure = r.URL.Query().Get("figure"); figure {
	case "":
		figure = figurePeak
	case figurePeak, figureP95:
	default:
		return q, "", w, fault.Errorf(fault.Invalid, "no figure is called %q: choose %s or %s", figure, figurePeak, figureP95)
	}
	w, err = c.Usage.Week(r.Context(), v.member.Org, q.question(v.clock))
	return q, figure, w, err
}

func (c *Console) getWeek(w http.ResponseWriter, r *http.Request, v visit) error {
	q, figure, week, err := c.week(r, v)
	if err != nil {
		return err
	}
	return show(c, w, r, v, look.Shell{Title: week.Product.Name + " by weekday and hour", Section: "usage"}, c.pages.week, http.StatusOK,
		newWeekPage(v.clock, q, figure, week))
}

// weekPath is the address of a query's week.
func weekPath(q detailsQuery, figure string) string {
	v := q.values()
	for _, other := range []string{"step", "hours", "who", "how"} {
		v.Del(other) // of the details alone
	}
	if figure != figurePeak {
		v.Set("figure", figure)
	}
	p := productPath(q.product) + "/week"
	if len(v) > 0 {
		p += "?" + v.Encode()
	}
	return p
}

func newWeekPage(clock look.Clock, q detailsQuery, figure string, w usage.Week) weekPage {
	q.step = stepsOf[q.span][0]
	p := weekPage{
		productView: newProduct(w.Product), Span: q.span, Figure: figure, Filter: newFilter(q, w.Details, func(to detailsQuery) string { return weekPath(to, figure) }),
		Details: q.path(""), CSV: filePath(q.path("/week.csv")), Zone: clock.ZoneText(),
	}
	for _, s := range spanWords {
		p.Spans = append(p.Spans, choiceView{s.label, weekPath(q.over(s.span), figure), s.span == q.span})
	}
	p.Figures = []choiceView{
		{"Highest", weekPath(q, figurePeak), figure == figurePeak},
		{"95" + "\u202f" + "% of the time at most", weekPath(q, figureP95), figure == figureP95},
	}
	for hour := range 24 {
		p.Hours = append(p.Hours, strconv.Itoa(hour))
	}
	p.Caption = "Highest " + p.UseWord + " by weekday and hour"
	if figure == figureP95 {
		p.Caption = "What " + p.UseWord + " did not exceed in 95\u202f% of the known time, by weekday and hour"
	}
	top := highestCell(w.Heat, figure)
	for _, day := range weekdays {
		row := weekRow{Day: day.String()}
		for hour, cell := range w.Heat[day] {
			row.Cells = append(row.Cells, newWeekCell(clock, day, hour, cell, figure, top, p.UseWord))
		}
		p.Rows = append(p.Rows, row)
	}
	for shade := range shades {
		p.Key = append(p.Key, weekCell{Value: look.Number(int64(shade+1) * top / shades), Shade: shade, Known: true})
	}
	p.Said = weekWords(w.Heat, figure, p.UseWord)
	return p
}

// figureOf returns what a cell shows.
func figureOf(cell insight.Cell, figure string) license.Count {
	switch {
	case figure == figureP95:
		return cell.P95
	case cell.Peak.Known:
		return license.Of(cell.Peak.Value)
	}
	return license.Count{}
}

// highestCell returns the highest figure of a map, at least 1.
func highestCell(h insight.Heat, figure string) int64 {
	top := int64(1)
	for _, day := range h {
		for _, cell := range day {
			top = max(top, figureOf(cell, figure).N)
		}
	}
	return top
}

func newWeekCell(clock look.Clock, day time.Weekday, hour int, cell insight.Cell, figure string, top int64, use string) weekCell {
	n := figureOf(cell, figure)
	when := fmt.Sprintf("%s, %d:00 to %d:00", day, hour, hour+1)
	out := weekCell{Hour: strconv.Itoa(hour), Known: n.Known, Value: "\u2013", Title: when + ": nothing is known"}
	if !n.Known {
		return out
	}
	out.Value = look.Number(n.N)
	out.Shade = int(max(shades*n.N-1, 0) / top) // the key says up to what each reaches
	out.Title = fmt.Sprintf("%s: at most %s %s, on %s", when, look.Number(cell.Peak.Value), use, clock.Text(time.Unix(cell.Peak.At, 0)))
	if cell.P95.Known {
		out.Title += fmt.Sprintf("; 95\u202f%% of the known time at most %s", look.Number(cell.P95.N))
	}
	if share, ok := cell.Peak.Coverage.Share(); ok {
		out.Title += "; known " + look.Percent(100*share)
	}
	return out
}

// weekWords says in a sentence which hours are the highest.
func weekWords(h insight.Heat, figure, use string) string {
	type hour struct {
		day  time.Weekday
		hour int
		n    int64
	}
	var known []hour
	for _, day := range weekdays {
		for i, cell := range h[day] {
			if n := figureOf(cell, figure); n.Known {
				known = append(known, hour{day, i, n.N})
			}
		}
	}
	if len(known) == 0 {
		return "No moment of this span is known."
	}
	slices.SortStableFunc(known, func(a, b hour) int { return int(b.n - a.n) })
	first := known[0]
	return fmt.Sprintf("The highest hour is %s, %d:00 to %d:00, with %s %s.", first.day, first.hour, first.hour+1, look.Number(first.n), use)
}

func (c *Console) getWeekFile(r *http.Request, v visit) (string, export.Table, error) {
	_, _, week, err := c.week(r, v)
	if err != nil {
		return "", export.Table{}, err
	}
	return fileName(week.Details, "week"), weekTable(v.clock, week.Heat), nil
}

// weekTable has a row per weekday and hour. What is not known is an empty cell.
func weekTable(clock look.Clock, h insight.Heat) export.Table {
	rows := export.New(export.Texts("weekday"), export.Numbers("hour", "highest"), export.Texts("highest_at"), export.Numbers("95_percent_of_the_time_at_most", "known_percent"))
	for _, day := range weekdays {
		for hour, cell := range h[day] {
			row := []string{day.String(), strconv.Itoa(hour), sortCount(figureOf(cell, figurePeak)), "", sortCount(cell.P95), ""}
			if cell.Peak.Known {
				row[3] = cellTime(clock, cell.Peak.At)
			}
			if share, ok := cell.Peak.Coverage.Share(); ok {
				row[5] = strconv.FormatFloat(100*share, 'f', 2, 64)
			}
			rows.Add(row...)
		}
	}
	return rows
}
