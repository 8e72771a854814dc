package insight_test

import (
	"bufio"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// Every file in testdata is a worked example; testdata/README.md tells how they
// are written. Adding a case needs no Go.
func TestWorkedExamples(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runExample(t, file) })
	}
}

// thePool is the only pool of each license server of an example.
const thePool = 1

// An example is a file being played.
type example struct {
	zone    *time.Location
	day     string
	hold    int64
	lines   map[string]*told
	servers []*told                   // the lines in the order of appearance
	blocks  map[int32]*insight.Blocks // of what the servers told, as a store has them
	changed bool                      // something was told since the last question
}

// A told line is what was told of it.
type told struct {
	server      int64
	first, upTo int64 // series.Frame; nothing was told of the pool while first is after upTo
	after       series.Kind
	fresh       series.Builder       // what was told since the last question
	days        map[int32]series.Day // what was told before
}

func runExample(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	e := example{zone: time.UTC, day: "2026-03-10", hold: 1800, lines: map[string]*told{}}
	var got, want []string
	where := ""
	compare := func() {
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %s\nwant %s", where, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
		got, want = nil, nil
	}
	asked := 0
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		switch {
		case len(words) == 0:
			continue
		case text[0] == ' ':
			want = append(want, strings.Join(words, " "))
			continue
		}
		compare()
		where = fmt.Sprintf("%s:%d: %s", file, n, strings.TrimSpace(text))
		if !slices.Contains([]string{"peak", "trend", "duration", "hours"}, words[0]) {
			if err := e.tell(words); err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			e.changed = true
			continue
		}
		if got, err = e.ask(words); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		asked++
	}
	compare()
	if err := lines.Err(); err != nil || asked == 0 {
		t.Fatalf("%d questions, %v", asked, err)
	}
}

// keep adds what was told since the last question to what was told before, as
// a hub does: day by day.
func (e *example) keep() error {
	e.blocks = map[int32]*insight.Blocks{}
	for _, l := range e.servers {
		for _, d := range l.fresh.Days() {
			if old, ok := l.days[d.Number]; ok {
				d = series.Merge(old, d)
			}
			l.days[d.Number] = d
		}
		for number, d := range l.days {
			head, body, err := series.Split(series.Encode(d))
			if err != nil {
				return err
			}
			if e.blocks[number] == nil {
				e.blocks[number] = new(insight.Blocks)
			}
			if !e.blocks[number].Add(l.server, head, body) {
				return fmt.Errorf("the block of day %d was not added", number)
			}
		}
	}
	e.changed = false
	return nil
}

// Blocks makes an example what tracks read from.
func (e *example) Blocks(day int32) (*insight.Blocks, error) {
	if b := e.blocks[day]; b != nil {
		return b, nil
	}
	return new(insight.Blocks), nil
}

// track makes the track of a line.
func (e *example) track(l *told) (*insight.Track, error) {
	t := &insight.Track{Server: l.server, Pool: thePool, First: l.first, UpTo: l.upTo, After: l.after}
	for _, number := range slices.Sorted(maps.Keys(l.days)) {
		s, err := e.blocks[number].Source(l.server, thePool)
		if err != nil {
			return nil, err
		}
		if err := t.Grow(number, s); err != nil {
			return nil, err
		}
	}
	return t, t.Finish()
}

// line returns what the track of a line stands for, as pieces of its days.
func (l *told) line(t *insight.Track, s insight.Span) insight.Line {
	var days []series.Day
	for _, number := range slices.Sorted(maps.Keys(l.days)) {
		days = append(days, l.days[number])
	}
	return insight.Line{Server: l.server, Pool: thePool, Pieces: series.Pieces(days, thePool, series.Frame{
		From: s.From, To: s.To, First: t.First, UpTo: t.UpTo, After: t.After,
	})}
}

func (e *example) tell(words []string) (err error) {
	switch {
	case words[0] == "zone" && len(words) == 2:
		e.zone, err = time.LoadLocation(words[1])
	case words[0] == "day" && len(words) == 2:
		e.day = words[1]
	case words[0] == "hold" && len(words) == 2:
		e.hold, err = seconds(words[1])
	case words[0] == "then" && len(words) == 3:
		kinds := map[string]series.Kind{"pending": series.Pending, "unknown": series.Unknown, "removed": series.Absent}
		kind, ok := kinds[words[2]]
		l := e.lines[words[1]]
		if !ok || l == nil {
			return fmt.Errorf("want then LINE pending, unknown or removed; there are %v", slices.Sorted(maps.Keys(e.lines)))
		}
		l.after = kind
	case words[0] == "load" && len(words) > 4:
		err = e.load(words[1], words[2:])
	case words[0] == "log" && len(words) > 5:
		err = e.log(words[1], words[2:])
	case words[0] == "max" && (len(words) == 5 || len(words) == 6 && words[5] == "import"):
		err = e.maximum(words[1], words[2:])
	default:
		err = fmt.Errorf("not understood; see testdata/README.md")
	}
	return err
}

// named returns what was told of a line, which may be nothing yet.
func (e *example) named(name string) *told {
	l := e.lines[name]
	if l == nil {
		l = &told{
			server: int64(len(e.servers)) + 1, first: math.MaxInt64, upTo: math.MinInt64,
			after: series.Pending, days: map[int32]series.Day{},
		}
		e.lines[name] = l
		e.servers = append(e.servers, l)
	}
	return l
}

// record notes that something is told of the pool from an instant on, and of
// its server up to one.
func (l *told) record(from, to int64) {
	l.first = min(l.first, from)
	l.upTo = max(l.upTo, to)
}

// load reads START EVERY [option=value...] VALUE...
func (e *example) load(name string, words []string) error {
	at, err := e.at(words[0])
	if err != nil {
		return err
	}
	every, err := seconds(words[1])
	if err != nil {
		return err
	}
	round := series.Round{Hold: e.hold}
	s := series.Sample{State: license.StateCounted}
	for _, word := range words[2:] {
		if key, value, ok := strings.Cut(word, "="); ok {
			if err := option(&s, &round, key, value); err != nil {
				return err
			}
			continue
		}
		round.At = at
		l := e.named(name)
		l.upTo = max(l.upTo, at)
		at += every
		samples := []series.PoolSample{{Pool: thePool, Sample: s}}
		round.Complete = false
		switch word {
		case "-":
			continue
		case "?":
		case "gone":
			samples[0].Pool = thePool + 1 // the reading has another one
			round.Complete = true
		default:
			n, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return err
			}
			samples[0].InUse = license.Of(n)
		}
		if samples[0].Pool == thePool {
			l.record(round.At, round.At)
		}
		l.fresh.AddRound(round, samples)
	}
	return nil
}

// maximum reads FROM TO VALUE [import].
func (e *example) maximum(name string, words []string) error {
	s, err := e.span(words)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return err
	}
	l := e.named(name)
	l.record(s.From, s.To)
	return l.fresh.AddMaximum(thePool, series.Maximum{From: s.From, To: s.To, InUse: n, Whole: true, Imported: len(words) > 3})
}

func option(s *series.Sample, r *series.Round, key, value string) error {
	switch key {
	case "state":
		s.State = license.ParseState(value)
		return nil
	case "from":
		r.Imported = value == "import"
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	count, ok := map[string]*license.Count{"installed": &s.Installed, "reserved": &s.Reserved, "overdraft": &s.Overdraft}[key]
	if err != nil || !ok {
		return fmt.Errorf("option %s=%s not understood", key, value)
	}
	*count = license.Of(n)
	return nil
}

// log reads FROM TO exact|cut [import] START [TIME VALUE,VALUE...]...
func (e *example) log(name string, words []string) error {
	s, err := e.span(words)
	if err != nil {
		return err
	}
	if words[2] != "exact" && words[2] != "cut" {
		return fmt.Errorf("%q: want exact or cut", words[2])
	}
	span := series.Span{From: s.From, To: s.To, Exact: words[2] == "exact"}
	words = words[3:]
	if words[0] == "import" {
		span.Imported, words = true, words[1:]
	}
	start, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return err
	}
	var steps []series.Step
	for pair := range slices.Chunk(words[1:], 2) {
		at, err := e.at(pair[0])
		if err != nil {
			return err
		}
		step := series.Step{At: at}
		for i, word := range strings.Split(pair[len(pair)-1], ",") {
			n, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return err
			}
			step.InUse = n
			if i == 0 || n > step.High {
				step.High = n
			}
		}
		steps = append(steps, step)
	}
	l := e.named(name)
	l.record(s.From, s.To)
	return l.fresh.AddSpan(thePool, span, start, steps)
}

// span reads FROM TO.
func (e *example) span(words []string) (s insight.Span, err error) {
	if s.From, err = e.at(words[0]); err != nil {
		return s, err
	}
	if s.To, err = e.at(words[1]); err == nil && s.To <= s.From {
		err = fmt.Errorf("%s is not before %s", words[0], words[1])
	}
	return s, err
}

// at reads a time of the day, or a date, or both as 2026-03-10T09:00.
func (e *example) at(word string) (int64, error) {
	if !strings.Contains(word, "-") {
		word = e.day + "T" + word
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, word, e.zone); err == nil {
			return t.Unix(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time", word)
}

func seconds(word string) (int64, error) {
	d, err := time.ParseDuration(word)
	return int64(d / time.Second), err
}

// A choice is the lines that a question is about, in both of the ways in which
// they are added up.
type choice struct {
	insight.Reader
	lines  []insight.Line
	tracks []*insight.Track
}

// ask answers a QUESTION LINES FROM TO [by STEP].
func (e *example) ask(words []string) (out []string, err error) {
	by := ""
	if len(words) == 6 && words[4] == "by" && (words[0] == "peak" || words[0] == "trend") {
		by, words = words[5], words[:4]
	}
	if len(words) != 4 {
		return nil, fmt.Errorf("not understood; see testdata/README.md")
	}
	s, err := e.span(words[2:])
	if err != nil {
		return nil, err
	}
	c, err := e.choose(words[1], s)
	if err != nil {
		return nil, err
	}
	switch words[0] {
	case "trend":
		return e.trend(c, s, by)
	case "duration":
		return c.duration(s)
	case "hours":
		return e.hours(c, s)
	}
	return e.peaks(c, s, by)
}

// choose looks up lines by their names.
func (e *example) choose(names string, s insight.Span) (c choice, err error) {
	if e.changed {
		if err := e.keep(); err != nil {
			return c, err
		}
	}
	c.Reader = e
	for _, name := range slices.Sorted(maps.Keys(e.lines)) {
		if names != "all" && !slices.Contains(strings.Split(names, ","), name) {
			continue
		}
		l := e.lines[name]
		if l.first > l.upTo {
			return c, fmt.Errorf("nothing was told of %s", name)
		}
		t, err := e.track(l)
		if err != nil {
			return c, err
		}
		c.tracks = append(c.tracks, t)
		c.lines = append(c.lines, l.line(t, s))
	}
	if names != "all" && len(c.lines) != len(strings.Split(names, ",")) {
		return c, fmt.Errorf("%s: there are %v", names, slices.Sorted(maps.Keys(e.lines)))
	}
	return c, nil
}

// peak finds the peak of a choice by its pieces and by its tracks.
func (c *choice) peak(s insight.Span) (insight.Peak, error) {
	var scratch insight.Scratch
	f := insight.NewFilter(s)
	if err := f.Add(c, &scratch, c.tracks...); err != nil {
		return insight.Peak{}, err
	}
	got, err := f.Peak(c, &scratch)
	if err != nil {
		return insight.Peak{}, err
	}
	want := insight.PeakOf(c.lines, s)
	if diff := cmp.Diff(want, got); diff != "" {
		return want, fmt.Errorf("the peak by tracks is not that by pieces (-pieces +tracks):\n%s", diff)
	}
	return want, nil
}

// trend returns the buckets of a choice, by its pieces and by its tracks.
func (c *choice) trend(spans []insight.Span) ([]insight.Bucket, error) {
	got, err := insight.TrackTrend(c, c.tracks, spans)
	if err != nil {
		return nil, err
	}
	want := insight.TrendOf(c.lines, spans)
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		return want, fmt.Errorf("the trend by tracks is not that by pieces (-pieces +tracks):\n%s", diff)
	}
	for _, b := range want {
		p, err := c.peak(b.Span)
		if err != nil {
			return nil, err
		}
		if diff := cmp.Diff(b.Peak, p); diff != "" {
			return nil, fmt.Errorf("the peak of %v is another if asked alone (-trend +alone):\n%s", b.Span, diff)
		}
	}
	return want, nil
}

func (e *example) peaks(c choice, s insight.Span, by string) (out []string, err error) {
	if by == "" {
		p, err := c.peak(s)
		return []string{e.peak(p)}, err
	}
	step, err := seconds(by)
	if err == nil && step <= 0 {
		err = fmt.Errorf("by %s: want a second at least", by)
	}
	if err != nil {
		return nil, err
	}
	for at := s.From; at < s.To; at += step {
		p, err := c.peak(insight.Span{From: at, To: min(at+step, s.To)})
		if err != nil {
			return nil, err
		}
		out = append(out, e.clock(at)+" "+e.peak(p))
	}
	return out, nil
}

func (e *example) trend(c choice, s insight.Span, by string) (out []string, err error) {
	divide, layout := insight.Days, time.DateOnly
	switch by {
	case "", "day":
	case "month":
		divide, layout = insight.Months, "2006-01"
	case "year":
		divide, layout = insight.Years, "2006"
	default:
		return nil, fmt.Errorf("by %s: want day, month or year", by)
	}
	buckets, err := c.trend(divide(time.Unix(s.From, 0), time.Unix(s.To, 0), e.zone))
	for _, b := range buckets {
		out = append(out, time.Unix(b.From, 0).In(e.zone).Format(layout)+" "+e.bucket(b))
	}
	return out, err
}

// duration writes for how long the sum was how high: 7 for 2h30m.
func (c *choice) duration(s insight.Span) (out []string, err error) {
	buckets, err := c.trend([]insight.Span{s})
	if err != nil {
		return nil, err
	}
	for _, l := range slices.Backward(buckets[0].Levels) {
		out = append(out, fmt.Sprintf("%d for %s", l.Value, length(l.Seconds)))
	}
	return append(out, usually(buckets[0].P95)), nil
}

// hours writes the hours of the week in which something is known: Mon 09: 7 at
// most.
func (e *example) hours(c choice, s insight.Span) (out []string, err error) {
	buckets, err := c.trend(insight.Hours(time.Unix(s.From, 0), time.Unix(s.To, 0), e.zone))
	if err != nil {
		return nil, err
	}
	heat := insight.HeatOf(buckets, e.zone)
	for i := range heat {
		day := (time.Monday + time.Weekday(i)) % 7
		for hour, cell := range heat[day] {
			if cell.Peak.Known {
				out = append(out, fmt.Sprintf("%.3s %02d: %d at most, %s", day, hour, cell.Peak.Value, usually(cell.P95)))
			}
		}
	}
	return out, nil
}

// usually writes what a sum does not exceed but for a twentieth of the time.
func usually(p95 license.Count) string {
	if !p95.Known {
		return "unknown"
	}
	return fmt.Sprintf("95 %% of the time at most %d", p95.N)
}

// peak writes a peak: 9 of 10 at 10:15 (sampled), partial, 75 % known.
func (e *example) peak(p insight.Peak) string {
	if !p.Known {
		return "unknown" + covered(p.Coverage)
	}
	text := strconv.FormatInt(p.Value, 10)
	switch {
	case p.Unlimited:
		text += " of unlimited"
	case p.Installed.Known:
		text += " of " + p.Installed.String()
	}
	basis := string(p.Basis)
	if p.Basis == license.BasisBetween {
		basis = fmt.Sprintf("between %d and %d", p.Low, p.Value)
	}
	text += " at " + e.clock(p.At) + " (" + basis + ")"
	if p.Reserved > 0 {
		text += fmt.Sprintf(", %d reserved", p.Reserved)
	}
	if p.Partial {
		text += ", partial"
	}
	return text + covered(p.Coverage)
}

func covered(c insight.Coverage) string {
	share, ok := c.Share()
	if !ok {
		return ", nothing to know"
	}
	return ", " + decimal(100*share) + " % known"
}

// decimal writes a number with at most two places.
func decimal(x float64) string { return strconv.FormatFloat(math.Round(100*x)/100, 'f', -1, 64) }

// length writes a time of so many seconds: 2h30m.
func length(n int64) string {
	text := (time.Duration(n) * time.Second).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// bucket writes a step of a trend: 23h: ..., mean 4.5, 95 % of the time at most
// 6, installed 10.
func (e *example) bucket(b insight.Bucket) string {
	text := length(b.To-b.From) + ": " + e.peak(b.Peak)
	if b.Seconds > 0 {
		text += ", mean " + decimal(b.Mean) + ", " + usually(b.P95)
	}
	if b.Installed.Known {
		text += ", installed " + b.Installed.String()
	}
	if b.Overdraft.Known {
		text += fmt.Sprintf(", overdraft %v", b.Overdraft)
	}
	return text
}

// clock writes an instant, without the date on the example's day and without
// seconds on the minute.
func (e *example) clock(at int64) string {
	t := time.Unix(at, 0).In(e.zone)
	layout := "15:04"
	if t.Second() != 0 {
		layout = time.TimeOnly
	}
	if t.Format(time.DateOnly) != e.day {
		layout = "2006-01-02T" + layout
	}
	return t.Format(layout)
}
