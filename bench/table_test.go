package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGridIsAligned(t *testing.T) {
	g := grid{{"query", "time", "answers"}, {"peak", "2.6 ms", "equal"}, {"trend, 7 days", "45 ms", "equal (3)"}}
	var text, markdown strings.Builder
	g.text(&text)
	g.markdown(&markdown)
	wantText := `
query            time  answers
-------------  ------  ---------
peak           2.6 ms  equal
trend, 7 days   45 ms  equal (3)
`
	wantMarkdown := `
| query         |   time | answers   |
| ------------- | -----: | --------- |
| peak          | 2.6 ms | equal     |
| trend, 7 days |  45 ms | equal (3) |
`
	if got := "\n" + text.String(); got != wantText {
		t.Errorf("text:%s\nwant:%s", got, wantText)
	}
	if got := "\n" + markdown.String(); got != wantMarkdown {
		t.Errorf("Markdown:%s\nwant:%s", got, wantMarkdown)
	}
}

// A time is worth nothing where the answer is another one.
func TestDifferentAnswersFailTheRun(t *testing.T) {
	e := small()
	own := answer{Peak: peakRow{5, 100}, Days: []dayRow{{Day: 1, Max: 5, P95: -1}}}
	other := answer{Peak: peakRow{5, 100}, Days: []dayRow{{Day: 1, Max: 5, P95: 4}}}
	r := result{Estate: *e, Rivals: []rivalResult{{Name: "another"}}}
	for range e.queries() {
		one := asking{Took: []time.Duration{time.Second}, Answers: []answer{own}}
		r.Ours.Queries = append(r.Ours.Queries, one)
		r.Swept = append(r.Swept, other)
		r.Rivals[0].Asked = append(r.Rivals[0].Asked, one)
	}
	if err := r.check(); err != nil {
		t.Errorf("answers that are equal but for a percentile that is not told: %v", err)
	}
	if text, _ := r.verdict(0); text != "equal (2), p95 not told" {
		t.Errorf("verdict = %q", text)
	}
	r.Rivals[0].Asked[2].Answers = []answer{{Peak: peakRow{5, 101}}}
	if err := r.check(); err == nil || !strings.Contains(err.Error(), "DIFFERENT from another") {
		t.Errorf("a peak at another second: %v", err)
	}
}

func TestEveryClickTogglesOneServer(t *testing.T) {
	e := &estate{Seed: 1, Servers: 50, Pools: 1, Days: 1, Samples: 1}
	queries := e.queries()
	q := queries[slices.IndexFunc(queries, func(q query) bool { return q.Kind == aToggle })]
	for round := range 3 * clicks {
		before := e.opened(round)
		if !opens(round) {
			before = e.choice(q, round-1)
		}
		after := e.choice(q, round)
		more := slices.DeleteFunc(slices.Clone(after), func(s int) bool { return slices.Contains(before, s) })
		less := slices.DeleteFunc(slices.Clone(before), func(s int) bool { return slices.Contains(after, s) })
		if len(more)+len(less) != 1 {
			t.Errorf("round %d adds %v and takes away %v, want one server", round, more, less)
		}
	}
}

func TestFiguresAreShownShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		340 * time.Microsecond: "0.34 ms", 5100 * time.Microsecond: "5.1 ms", 45 * time.Millisecond: "45 ms",
		1979 * time.Millisecond: "1.98 s", 16500 * time.Millisecond: "16.5 s",
	} {
		if got := duration(d); got != want {
			t.Errorf("duration(%v) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 115200000: "115,200,000"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}
