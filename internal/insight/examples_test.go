package insight_test

import (
	"bufio"
	"cmp"
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

// An example is a file being played.
type example struct {
	zone  *time.Location
	day   string
	hold  int64
	names []string // of the lines, in the order of appearance
	first map[string]int64
	upTo  map[string]int64
	after map[string]series.Kind
	build map[string]*series.Builder // one for each line: its license server has no other pool
}

func runExample(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	e := example{
		zone: time.UTC, day: "2026-03-10", hold: 1800, first: map[string]int64{}, upTo: map[string]int64{},
		after: map[string]series.Kind{}, build: map[string]*series.Builder{},
	}
	var days map[string][]series.Day
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
		if words[0] != "peak" && words[0] != "trend" {
			if err := e.tell(words); err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			days = nil
			continue
		}
		if days == nil {
			days = e.days()
		}
		if got, err = e.ask(days, words); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		asked++
	}
	compare()
	if err := lines.Err(); err != nil || asked == 0 {
		t.Fatalf("%d questions, %v", asked, err)
	}
}

// days builds what was told so far. A builder is empty afterwards, so what is
// told after a question is added to the days by merging.
func (e *example) days() map[string][]series.Day {
	out := make(map[string][]series.Day)
	for name, b := range e.build {
		out[name] = b.Days()
		again := new(series.Builder)
		for _, d := range out[name] {
			replay(again, d)
		}
		e.build[name] = again
	}
	return out
}

// replay adds a day to a builder.
func replay(b *series.Builder, d series.Day) {
	for _, r := range d.Rounds {
		var samples []series.PoolSample
		for _, p := range d.Pools {
			for _, s := range p.Samples {
				if s.At == r.At {
					samples = append(samples, series.PoolSample{Pool: p.Pool, Sample: s})
				}
			}
		}
		b.AddRound(r, samples)
	}
	for _, p := range d.Pools {
		for _, s := range p.Spans {
			var steps []series.Step
			for _, step := range p.Steps {
				if s.From <= step.At && step.At < s.To {
					steps = append(steps, step)
				}
			}
			if err := b.AddSpan(p.Pool, s, 0, steps); err != nil {
				panic(err)
			}
		}
	}
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
		if !ok {
			return fmt.Errorf("%q: want pending, unknown or removed", words[2])
		}
		e.after[words[1]] = kind
	case words[0] == "load" && len(words) > 4:
		err = e.load(words[1], words[2:])
	case words[0] == "log" && len(words) > 5:
		err = e.log(words[1], words[2:])
	default:
		err = fmt.Errorf("not understood; see testdata/README.md")
	}
	return err
}

// builder returns the builder of a line and notes an instant of which
// something is known.
func (e *example) builder(name string, from, to int64) *series.Builder {
	b := e.build[name]
	if b == nil {
		b = new(series.Builder)
		e.build[name] = b
		e.names = append(e.names, name)
		e.first[name] = from
		if _, ok := e.after[name]; !ok {
			e.after[name] = series.Pending
		}
	}
	e.first[name] = min(e.first[name], from)
	e.upTo[name] = max(e.upTo[name], to)
	return b
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
		b := e.builder(name, at, at)
		at += every
		samples := []series.PoolSample{{Pool: 1, Sample: s}}
		round.Complete = false
		switch word {
		case "-":
			continue
		case "?":
		case "gone":
			samples[0].Pool = 2 // the reading has another pool
			round.Complete = true
		default:
			n, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return err
			}
			samples[0].InUse = license.Of(n)
		}
		b.AddRound(round, samples)
	}
	return nil
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
	from, err := e.at(words[0])
	if err != nil {
		return err
	}
	to, err := e.at(words[1])
	if err != nil {
		return err
	}
	span := series.Span{From: from, To: to, Exact: words[2] == "exact"}
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
	return e.builder(name, from, to).AddSpan(1, span, start, steps)
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

// ask answers "peak LINES FROM TO [by STEP]" and "trend LINES FROM TO".
func (e *example) ask(days map[string][]series.Day, words []string) ([]string, error) {
	if len(words) != 4 && !(len(words) == 6 && words[4] == "by") {
		return nil, fmt.Errorf("want %s LINES FROM TO", words[0])
	}
	from, err := e.at(words[2])
	if err != nil {
		return nil, err
	}
	to, err := e.at(words[3])
	if err != nil {
		return nil, err
	}
	names := e.names
	if words[1] != "all" {
		names = strings.Split(words[1], ",")
	}
	var lines []insight.Line
	for _, name := range names {
		if e.build[name] == nil {
			return nil, fmt.Errorf("no line %q; there are %v", name, slices.Sorted(maps.Keys(e.build)))
		}
		lines = append(lines, insight.Line{Pieces: series.Pieces(days[name], 1, series.Frame{
			From: from, To: to, First: e.first[name], UpTo: e.upTo[name], After: e.after[name],
		})})
	}
	if words[0] == "trend" {
		var out []string
		for _, b := range insight.TrendOf(lines, insight.Days(time.Unix(from, 0), time.Unix(to, 0), e.zone)) {
			out = append(out, e.bucket(b))
		}
		return out, nil
	}
	if len(words) == 4 {
		return []string{e.peak(insight.PeakOf(lines, insight.Span{From: from, To: to}))}, nil
	}
	step, err := seconds(words[5])
	if err != nil {
		return nil, err
	}
	var out []string
	for ; from < to; from += step {
		p := insight.PeakOf(lines, insight.Span{From: from, To: from + step})
		out = append(out, e.clock(from)+" "+e.peak(p))
	}
	return out, nil
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
	text += " at " + e.clock(p.At) + " (" + string(p.Basis) + ")"
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

// bucket writes a local day: 2026-03-29 23h: ..., mean 4.5, installed 10.
func (e *example) bucket(b insight.Bucket) string {
	day := time.Unix(b.From, 0).In(e.zone).Format(time.DateOnly)
	length := strings.TrimSuffix((time.Duration(b.To-b.From) * time.Second).String(), "0s")
	text := fmt.Sprintf("%s %s: %s", day, strings.TrimSuffix(length, "0m"), e.peak(b.Peak))
	if b.Seconds > 0 {
		text += ", mean " + decimal(b.Mean)
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
	layout := cmp.Or(map[bool]string{true: "15:04"}[t.Second() == 0], "15:04:05")
	if t.Format(time.DateOnly) != e.day {
		layout = "2006-01-02T" + layout
	}
	return t.Format(layout)
}
