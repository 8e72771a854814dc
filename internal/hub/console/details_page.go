package console

import (
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/look"
)

// A detailsPage is everything about one product.
type detailsPage struct {
	productView
	nowView
	Span, Step string // as they stand in the address
	Spans      []choiceView
	Steps      []choiceView
	Filter     filterView
	Counted    string
	Oldest     template.HTML
	Peaks      peaksView
	Trend      template.HTML
	Rows       []trendRow
	Coverage   template.HTML
	Strip      template.HTML
	Changes    []string // in words
	Turns      []turnView
	Duration   template.HTML
	Lasted     []lastedRow // of the duration curve
	Servers    []serverUse
	Checks     []checkView
	Denials    denialsView
	Week       string // address of the use by weekday and hour
	TrendCSV   filePath
	ServersCSV filePath
	Checkouts  *checkoutsView // nil where nobody tells any, and none are expected
	Activity   *activityView  // nil where licenses are not assigned
}

// A choiceView is one of a few, as a link.
type choiceView struct {
	Label, Href string
	Current     bool
}

// A trendRow is a point of the trend in the table beside the chart.
type trendRow struct {
	Name              string
	Imported          bool
	From              int64
	Highest           template.HTML
	HighestAt         template.HTML
	Mean              string
	P95               template.HTML // what use did not exceed in 95 % of the known time
	Installed         template.HTML
	Coverage          template.HTML
	MaxSort, MeanSort string
	P95Sort           string
}

// A serverUse is one license server's part.
type serverUse struct {
	Name, Pools      string
	Status           template.HTML
	Counted          bool
	Installed, InUse template.HTML
	Available        template.HTML
	Peak             peakView
	Share            template.HTML
	LastReported     template.HTML
	Sort             serverSort
}

// A serverSort is what the columns of a serverUse are sorted by; empty is
// unknown.
type serverSort struct{ Installed, InUse, Available, Peak, Share, Reported string }

// A detailsQuery is what the address asks for.
type detailsQuery struct {
	product string
	servers []string
	site    string
	tag     string
	placed  []string // the license servers of the site and the tag; nil: neither is named
	span    string
	step    usage.Step
	who     string             // of check-outs and of the license activity: a part of the name
	how     license.HolderKind // of check-outs; empty: all
}

// defaultSpan is shown where the address names none.
const defaultSpan = "90"

var spanWords = []struct{ span, label string }{
	{"7", "7 days"}, {"31", "31 days"}, {"90", "90 days"}, {"400", "400 days"}, {"all", "All time"},
}

// stepsOf are the steps that a span can be divided into; the first is the
// default.
var stepsOf = map[string][]usage.Step{
	"7": {usage.ByDay}, "31": {usage.ByDay}, "90": {usage.ByDay, usage.ByMonth},
	"400": {usage.ByDay, usage.ByMonth}, "all": {usage.ByMonth, usage.ByDay, usage.ByYear},
}

// readQuery reads an address. What it does not know is refused, so that a link
// never shows something else than it says.
func readQuery(r *http.Request) (detailsQuery, error) {
	q := r.URL.Query()
	d := detailsQuery{product: r.PathValue("product"), servers: q["server"], site: q.Get("site"), tag: q.Get("tag"), span: q.Get("span"), step: usage.Step(q.Get("step")), who: q.Get("who"), how: license.HolderKind(q.Get("how"))}
	if d.span == "" {
		d.span = defaultSpan
	}
	if d.how != "" && !slices.ContainsFunc(heldWords, func(w heldWord) bool { return w.kind == d.how }) {
		return d, fault.Errorf(fault.Invalid, "licenses are not held in a way called %q", string(d.how))
	}
	steps, ok := stepsOf[d.span]
	if !ok {
		return d, fault.Errorf(fault.Invalid, "span %q: choose 7, 31, 90 or 400 days, or all", d.span)
	}
	if d.step == "" {
		d.step = steps[0]
	}
	if !slices.Contains(steps, d.step) {
		return d, fault.Errorf(fault.Invalid, "a span of %s cannot be shown by %q", d.span, string(d.step))
	}
	return d, nil
}

// question is the query as usage answers it.
func (d detailsQuery) question(clock look.Clock) usage.Question {
	q := usage.Question{Product: d.product, Servers: d.servers, To: clock.Now, Step: d.step}
	if d.placed != nil {
		q.Servers = d.placed
	}
	if days, err := strconv.Atoi(d.span); err == nil {
		q.From = insight.DayStart(clock.Now.In(clock.Zone).AddDate(0, 0, 1-days), clock.Zone)
	}
	return q
}

// path returns the address of the query, or of a file below it.
func (d detailsQuery) path(file string) string {
	v := d.values()
	p := productPath(d.product) + file
	if len(v) > 0 {
		p += "?" + v.Encode()
	}
	return p
}

// values is what stands in the address, without what goes without saying.
func (d detailsQuery) values() url.Values {
	v := url.Values{}
	if d.span != defaultSpan {
		v.Set("span", d.span)
	}
	if d.step != stepsOf[d.span][0] {
		v.Set("step", string(d.step))
	}
	if len(d.servers) > 0 {
		v["server"] = d.servers
	}
	if d.site != "" {
		v.Set("site", d.site)
	}
	if d.tag != "" {
		v.Set("tag", d.tag)
	}
	if d.who != "" {
		v.Set("who", d.who)
	}
	if d.how != "" {
		v.Set("how", string(d.how))
	}
	return v
}

// over is the query over another span. Who was looked for goes away with it.
func (d detailsQuery) over(span string) detailsQuery {
	d.span, d.step = span, stepsOf[span][0]
	d.who, d.how = "", ""
	return d
}

func (c *Console) details(r *http.Request, v visit) (detailsQuery, usage.Details, error) {
	q, err := c.query(r, v)
	if err != nil {
		return q, usage.Details{}, err
	}
	d, err := c.Usage.Details(r.Context(), v.member.Org, q.question(v.clock))
	return q, d, err
}

func (c *Console) getDetails(w http.ResponseWriter, r *http.Request, v visit) error {
	q, err := c.query(r, v)
	if err != nil {
		return err
	}
	d, err := c.Usage.Dossier(r.Context(), v.member.Org, q.question(v.clock))
	if err != nil {
		return err
	}
	page := newDetailsPage(v.clock, q, d.Details, assignments(d.Activity, q), d.Denials)
	if page.Activity != nil {
		page.Activity.Recency = newRecency(v.clock.Now, d.Activity.Rows)
	}
	page.Checkouts = newCheckouts(v.clock, q, page.productView, d.Checkouts)
	return show(c, w, r, v, look.Shell{Title: d.Product.Name, Section: "usage"}, c.pages.details, http.StatusOK, page)
}

func newDetailsPage(clock look.Clock, q detailsQuery, d usage.Details, a *usage.Activity, denials usage.Denials) detailsPage {
	product := newProduct(d.Product)
	p := detailsPage{
		productView: product, nowView: newNow(d.Now, "", product),
		Span: q.span, Step: string(q.step), Filter: newFilter(q, d, func(to detailsQuery) string { return to.path("") }),
		Counted: countedText(d.Now, len(d.Servers)), Oldest: clock.Age(d.Now.Oldest),
		Peaks: newPeaks(clock, d.Peaks, product.UseWord), Trend: newTrend(clock, q, d, product),
		Coverage: coverageText(d.Peak.Coverage), Strip: look.Strip(covers(clock, q.step, d.Trend), "Coverage per "+string(q.step)),
		Checks: newChecks(clock, d.Servers), Denials: newDenials(clock, q, denials), Week: weekPath(q, figurePeak), TrendCSV: filePath(q.path("/trend.csv")), ServersCSV: filePath(q.path("/servers.csv")),
		Activity: newActivity(clock, q, a),
	}
	p.Peaks.Rows = append(p.Peaks.Rows, newPeak(clock, "Span shown", d.Peak))
	for _, s := range spanWords {
		p.Spans = append(p.Spans, choiceView{s.label, q.over(s.span).path(""), s.span == q.span})
	}
	for _, step := range []usage.Step{usage.ByDay, usage.ByMonth, usage.ByYear} {
		if slices.Contains(stepsOf[q.span], step) {
			to := q
			to.step = step
			p.Steps = append(p.Steps, choiceView{firstUpper(string(step)), to.path(""), step == q.step})
		}
	}
	for _, b := range slices.Backward(d.Trend) {
		row := newTrendRow(clock, q.step, b)
		row.Imported = d.Imported.In(b.Span)
		p.Rows = append(p.Rows, row)
	}
	for i, peak := range []insight.Peak{d.Peaks.Last7, d.Peaks.Month, d.Peaks.All, d.Peak} {
		if peak.Known && d.Imported.In(insight.Span{From: peak.At, To: peak.At + 1}) {
			p.Peaks.Rows[i].Basis += ", imported history"
		}
	}
	curve := newDuration(d, p.productView)
	p.Duration, p.Lasted = curve.HTML(), lastedRows(curve)
	for _, c := range d.Changes {
		p.Changes = append(p.Changes, changeText(clock, c))
	}
	for _, turn := range turnsOf(clock, d) {
		p.Turns = append(p.Turns, turnView{turn.Text, clock.Day(turn.At)})
	}
	for _, s := range d.Servers {
		p.Servers = append(p.Servers, newServerUse(clock, s))
	}
	return p
}

func newTrend(clock look.Clock, q detailsQuery, d usage.Details, p productView) template.HTML {
	t := look.Trend{
		ID: "trend", Title: p.Name, Use: firstUpper(p.UseWord), Step: look.Step(q.step), Clock: clock, Points: points(d.Trend),
	}
	for _, change := range d.Changes {
		t.Turns = append(t.Turns, look.Turn{At: change.At, Text: changeText(clock, change)})
	}
	for i, b := range d.Trend {
		t.Points[i].Imported = d.Imported.In(b.Span)
	}
	if d.Peak.Known {
		t.PeakAt, t.Peak = time.Unix(d.Peak.At, 0), d.Peak.Value
	}
	t.Dots = dotsOf(q, d)
	t.Turns = append(t.Turns, turnsOf(clock, d)...)
	return t.HTML()
}

// dotsOf are the peaks of a page, each once.
func dotsOf(q detailsQuery, d usage.Details) (dots []look.Dot) {
	seen := map[int64]bool{}
	for _, peak := range []struct {
		name string
		insight.Peak
	}{
		{"Highest of the span shown", d.Peak}, {"Highest of all time", d.Peaks.All}, {"Highest of this month", d.Peaks.Month}, {"Highest of the last 7 days", d.Peaks.Last7},
	} {
		if peak.Known && !seen[peak.At] {
			seen[peak.At] = true
			dots = append(dots, look.Dot{At: time.Unix(peak.At, 0), Value: peak.Value, Text: peak.name, Href: momentPath(q, peak.At)})
		}
	}
	return dots
}

// A lastedRow is a share of the known time.
type lastedRow struct {
	Share, Value, Rest             template.HTML
	ShareSort, ValueSort, RestSort int64
}

func newDuration(d usage.Details, p productView) look.Duration {
	curve := look.Duration{ID: "duration", Title: p.Name, Use: firstUpper(p.UseWord), Installed: d.Now.Installed}
	for _, l := range d.Levels {
		curve.Steps = append(curve.Steps, look.Lasted(l))
	}
	return curve
}

// lastedRows are the shares that people ask about. The rest of the time is that
// in which more was in use.
func lastedRows(curve look.Duration) (rows []lastedRow) {
	for _, share := range []int64{500, 750, 900, 950, 990, 999, 1000} {
		value := curve.AtMost(share)
		if !value.Known {
			return nil
		}
		rest := curve.Above(value.N)
		row := lastedRow{
			Share: template.HTML(template.HTMLEscapeString(look.Thousandths(share))), Value: look.Count(value, ""),
			Rest: look.None("never"), ShareSort: share, ValueSort: value.N, RestSort: int64(rest / time.Second),
		}
		if rest > 0 {
			row.Rest = template.HTML(template.HTMLEscapeString(look.Length(rest)))
		}
		rows = append(rows, row)
	}
	return rows
}

// changeText says what happened when a license server got entitlements.
func changeText(clock look.Clock, c usage.Change) string {
	return fmt.Sprintf("On %s %s changed to the License Activation Service: %s before, %s since. That is a change of editions, not of use.",
		clock.Text(c.At), c.Server, joined(c.Before), joined(c.After))
}

func covers(clock look.Clock, step usage.Step, trend []insight.Bucket) []look.Cover {
	days := make([]look.Cover, len(trend))
	for i, b := range trend {
		days[i] = look.Cover{Title: bucketName(clock, step, b) + ": nothing to know", Share: math.NaN()}
		if share, ok := b.Peak.Coverage.Share(); ok {
			days[i] = look.Cover{Title: bucketName(clock, step, b) + ": " + look.Percent(100*share) + " known", Share: share}
		}
	}
	return days
}

// bucketName names a step of a trend.
func bucketName(clock look.Clock, step usage.Step, b insight.Bucket) string {
	from := time.Unix(b.From, 0).In(clock.Zone)
	switch step {
	case usage.ByMonth:
		return from.Format("Jan 2006")
	case usage.ByYear:
		return from.Format("2006")
	}
	return from.Format("Mon 2 Jan 2006")
}

func newTrendRow(clock look.Clock, step usage.Step, b insight.Bucket) trendRow {
	const noMoment = "No moment of this time is known."
	row := trendRow{
		Name: bucketName(clock, step, b), From: b.From, Mean: look.Decimal(b.Mean), Coverage: coverageText(b.Peak.Coverage),
		P95: look.Count(b.P95, noMoment), P95Sort: sortCount(b.P95),
	}
	_, knowable := b.Peak.Coverage.Share()
	switch {
	case b.Peak.Known:
		row.Highest, row.MaxSort = peakValue(b.Peak), strconv.FormatInt(b.Peak.Value, 10)
		row.HighestAt = clock.Time(time.Unix(b.Peak.At, 0))
	case knowable:
		row.Highest, row.HighestAt = look.Unknown(noMoment), look.None("not known")
	default:
		row.Highest, row.HighestAt, row.P95 = look.None("no readings yet"), look.None("no readings yet"), look.None("no readings yet")
	}
	if !math.IsNaN(b.Mean) {
		row.MeanSort = strconv.FormatFloat(b.Mean, 'f', 3, 64)
	}
	if b.Installed.Known || knowable {
		row.Installed = look.Count(b.Installed, "No license server told what is installed.")
	} else {
		row.Installed = look.None("no readings yet")
	}
	return row
}

func newServerUse(clock look.Clock, s usage.ServerUse) serverUse {
	u := serverUse{
		Name: s.Server.Name, Pools: joined(s.Pools), Status: statusMark(s.Server), Counted: s.Server.Status == usage.Reporting,
		Installed: installedText(s.Now), InUse: look.Count(s.Now.InUse, "It was not told at the last reading."), Available: availableText(s.Now),
		Peak: newPeak(clock, "", s.Peak), Share: look.Count(s.Share, "At the moment of the common peak this license server was unknown."),
		LastReported: clock.Age(s.Server.LastReported),
		Sort: serverSort{
			Installed: sortCount(s.Now.Installed), InUse: sortCount(s.Now.InUse), Share: sortCount(s.Share), Reported: sortTime(s.Server.LastReported),
		},
	}
	if s.With != "" {
		u.Pools += "; its licenses count once, with those of " + s.With
	}
	if p, ok := s.Now.Available(); ok {
		u.Sort.Available = strconv.FormatFloat(p, 'f', 3, 64)
	}
	if s.Peak.Known {
		u.Sort.Peak = strconv.FormatInt(s.Peak.Value, 10)
	}
	return u
}

// sortCount is what a count is sorted by; unknown is empty and goes last.
func sortCount(c license.Count) string {
	if !c.Known {
		return ""
	}
	return strconv.FormatInt(c.N, 10)
}

func sortTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}
