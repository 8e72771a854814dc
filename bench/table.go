package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// A grid is a table: the first line is its head. Figures stand at the right
// of their columns, words at the left: those of the first and the last one.
type grid [][]string

// text writes a grid in aligned columns.
func (g grid) text(w io.Writer) { g.write(w, "  ", "", "") }

// markdown writes a grid as Markdown has it, aligned as well.
func (g grid) markdown(w io.Writer) { g.write(w, " | ", "| ", " |") }

func (g grid) write(w io.Writer, between, before, after string) {
	width := make([]int, len(g[0]))
	words := func(i int) bool { return i == 0 || i == len(width)-1 }
	for _, line := range g {
		for i, cell := range line {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	show := func(line []string) {
		padded := make([]string, len(line))
		for i, cell := range line {
			gap := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			padded[i] = gap + cell
			if words(i) {
				padded[i] = cell + gap
			}
		}
		fmt.Fprintln(w, strings.TrimRight(before+strings.Join(padded, between)+after, " "))
	}
	for i, line := range g {
		show(line)
		if i > 0 {
			continue
		}
		rule := make([]string, len(line))
		for k := range rule {
			rule[k] = strings.Repeat("-", max(2, width[k]))
			if before != "" && !words(k) {
				rule[k] = rule[k][1:] + ":"
			}
		}
		show(rule)
	}
}

// A result is all that a run has found.
type result struct {
	Estate  estate
	Loaded  loaded
	Clients int
	Ours    findings
	Swept   []answer // by the plain sweep, the first round of each query
	Rivals  []rivalResult
}

// A rivalResult is what was found of one rival.
type rivalResult struct {
	Name   string
	Absent string // why it was not asked; the rest is empty
	Rows   int64
	Bytes  int64
	Took   time.Duration // to load
	Asked  []asking      // in the order of estate.queries
}

// queries is the table of the answers.
func (r *result) queries() grid {
	head := []string{fmt.Sprintf("random %d of %d servers", (r.Estate.Servers+1)/2, r.Estate.Servers), "Headroom p50", "p99"}
	for _, rival := range r.present() {
		head = append(head, rival.Name, "ratio")
	}
	g := grid{append(head, "answers")}
	for i, q := range r.Estate.queries() {
		own := r.Ours.Queries[i]
		p50 := own.quantile(0.50)
		line := []string{q.Name, duration(p50), duration(own.quantile(0.99))}
		for _, rival := range r.present() {
			other := rival.Asked[i].quantile(0.50)
			line = append(line, duration(other), ratio(other, p50))
		}
		verdict, _ := r.verdict(i)
		g = append(g, append(line, verdict))
	}
	return g
}

func (r *result) present() []rivalResult {
	var out []rivalResult
	for _, rival := range r.Rivals {
		if rival.Absent == "" {
			out = append(out, rival)
		}
	}
	return out
}

// verdict compares the answers to a query: ours with the plain sweep, and with
// those of each rival.
func (r *result) verdict(i int) (text string, ok bool) {
	own := r.Ours.Queries[i].Answers
	compared, told := 0, true
	compare := func(name string, others []answer) bool {
		for round := range min(len(own), len(others)) {
			if !own[round].equal(others[round]) {
				text = "DIFFERENT from " + name
				return false
			}
			compared++
		}
		return true
	}
	if !compare("the sweep", r.Swept[i:i+1]) {
		return text, false
	}
	for _, rival := range r.present() {
		if !compare(rival.Name, rival.Asked[i].Answers) {
			return text, false
		}
	}
	for _, a := range own {
		for _, d := range a.Days {
			told = told && d.P95 >= 0
		}
	}
	text = fmt.Sprintf("equal (%d)", compared)
	if !told {
		text += ", p95 not told"
	}
	return text, compared > 0
}

// check returns an error if any answers differ.
func (r *result) check() error {
	for i, q := range r.Estate.queries() {
		if text, ok := r.verdict(i); !ok {
			return fmt.Errorf("%s: %s", q.Name, cmp.Or(text, "nothing was compared"))
		}
	}
	return nil
}

// figures is the table of what is not a query.
func (r *result) figures() grid {
	l := &r.Loaded
	g := grid{{"Headroom", "", ""}}
	add := func(name, figure, words string) { g = append(g, []string{name, figure, words}) }
	seconds := l.Took.Seconds()
	add("points loaded", count(l.Points), plural(int(l.Batches), "batch"))
	how := fmt.Sprintf("%.0f batches/s of %d clients on the same machine, %s in all", float64(l.Batches)/seconds, r.Clients, duration(l.Took))
	if l.Packing > 0 {
		how += ", " + duration(l.Packing) + " of it packing"
	}
	add("ingest, points/s", count(int64(float64(l.Points)/seconds)), how)
	add("sent, bytes/point", l.per(l.Sent), "NDJSON in zstd")
	add("kept, bytes/point", l.per(l.Bytes), "the whole file, "+size(l.Bytes))
	rest := part{Name: "all else"}
	for _, p := range l.Parts {
		if p.Bytes*100 < l.Bytes {
			rest.Bytes, rest.Payload = rest.Bytes+p.Bytes, rest.Payload+p.Payload
			continue
		}
		add(l.part(p))
	}
	add(l.part(rest))
	add("cold start", duration(r.Ours.Cold), "store opened, first peak over all days")
	add("memory", size(r.Ours.Memory), "resident after all queries; "+size(r.Ours.Highest)+" at most")
	for _, rival := range r.Rivals {
		if rival.Absent != "" {
			add(rival.Name, "", rival.Absent)
			continue
		}
		add(rival.Name+", bytes/row", fmt.Sprintf("%.2f", float64(rival.Bytes)/float64(max(1, rival.Rows))),
			fmt.Sprintf("%s, one pool of %d: %s rows, loaded in %s", size(rival.Bytes), r.Estate.Pools, count(rival.Rows), duration(rival.Took)))
	}
	return g
}

// per shows bytes for each point.
func (l *loaded) per(bytes int64) string {
	return fmt.Sprintf("%.3f", float64(bytes)/float64(max(1, l.Points)))
}

// part is the line of a part of the file.
func (l *loaded) part(p part) (name, figure, words string) {
	full := 100 * float64(p.Payload) / float64(max(1, p.Bytes))
	return "  " + p.Name, l.per(p.Bytes), fmt.Sprintf("%s, %.0f %% of it data", size(p.Bytes), full)
}

// title says what was measured.
func (r *result) title() string {
	e := &r.Estate
	return fmt.Sprintf("%s x %s x %s x %d samples, seed %d. Each query is about one product and a random half of the servers. "+
		"Plain tables hold that product only: a row per sample with its change. Theirs are medians of up to %d rounds, ours of up to %d.",
		plural(e.Servers, "license server"), plural(e.Pools, "pool"), plural(e.Days, "day"), e.Samples, e.Seed, r.sqlRounds(), len(r.Ours.Queries[0].Took))
}

func (r *result) sqlRounds() int {
	most := 0
	for _, rival := range r.present() {
		for _, a := range rival.Asked {
			most = max(most, len(a.Took))
		}
	}
	return most
}

func (r *result) text(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", r.title())
	r.queries().text(w)
	fmt.Fprintln(w)
	r.figures().text(w)
}

func (r *result) markdown(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", r.title())
	r.queries().markdown(w)
	fmt.Fprintln(w)
	r.figures().markdown(w)
}

// duration shows a duration with three digits.
func duration(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 0.995:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 9950:
		return fmt.Sprintf("%.2f s", ms/1000)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// ratio shows how many times as long one takes as the other.
func ratio(one, other time.Duration) string {
	r := float64(one) / float64(max(1, other))
	if r < 9.95 {
		return fmt.Sprintf("%.1fx", r)
	}
	return fmt.Sprintf("%.0fx", r)
}

// size shows bytes.
func size(bytes int64) string {
	switch {
	case bytes == 0:
		return "not told"
	case bytes < 10<<20:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.0f MB", float64(bytes)/1e6)
}

// count shows a whole number with its thousands apart.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural shows a number of things.
func plural(n int, one string) string {
	switch {
	case n == 1:
		return "1 " + one
	case strings.HasSuffix(one, "ch"):
		return count(int64(n)) + " " + one + "es"
	}
	return count(int64(n)) + " " + one + "s"
}
