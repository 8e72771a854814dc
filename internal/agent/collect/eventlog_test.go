package collect_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/agent/collect"
	"headroom/internal/format/facts"
	"headroom/internal/format/flexnet"
	"headroom/internal/license"
)

// A told is all that a log has told, put together.
type told struct {
	use       map[license.Pool][]collect.Events // spans that touch are one
	denials   []collect.Denial
	installed map[license.Pool]license.Count
}

func (w *told) add(t testing.TB, res collect.Result) {
	t.Helper()
	if res.Failure != "" {
		t.Fatalf("failure: %s", res.Failure)
	}
	if w.use == nil {
		w.use, w.installed = map[license.Pool][]collect.Events{}, map[license.Pool]license.Count{}
	}
	for _, r := range res.Snapshot.Readings {
		w.installed[r.Pool] = r.Installed
	}
	for _, e := range res.Events {
		all := w.use[e.Pool]
		n := len(all)
		if n == 0 || !all[n-1].To.Equal(e.From) || all[n-1].Exact != e.Exact {
			w.use[e.Pool] = append(all, e)
			continue
		}
		last := &all[n-1]
		if use := inUse(*last); use != e.Start {
			t.Fatalf("%s: a span ends with %d in use at %v and the next one begins with %d", e.Pool, use, e.From, e.Start)
		}
		last.To, last.Steps = e.To, append(last.Steps, e.Steps...)
	}
	w.denials = append(w.denials, res.Denials...)
}

// inUse is what is in use at the end of a span.
func inUse(e collect.Events) int64 {
	if n := len(e.Steps); n > 0 {
		return e.Steps[n-1].InUse
	}
	return e.Start
}

// sorted puts the denials in an order of their own.
func (w *told) sorted() *told {
	slices.SortFunc(w.denials, func(a, b collect.Denial) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Pool.Feature, b.Pool.Feature), cmp.Compare(a.User, b.User))
	})
	return w
}

// day is when the logs of these tests begin.
var day = time.Date(2026, 3, 3, 8, 0, 0, 0, time.UTC)

// A story is a debug log that is made up line by line.
type story struct {
	t     *rapid.T
	at    time.Time
	times []time.Time // of the lines
	made  map[string]bool
}

// line makes the next line.
func (s *story) line(n int) []byte {
	s.at = s.at.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 20, 200, 4000}).Draw(s.t, "seconds")) * time.Second)
	text := fmt.Sprintf("(acmed) TIMESTAMP %s", s.at.Format("1/2/2006"))
	feature := rapid.SampledFrom([]string{"DRAFT", "MILL"}).Draw(s.t, "feature")
	who := rapid.SampledFrom([]string{"kim@ws1", "lee@ws2", "M\xfcller@ws3"}).Draw(s.t, "who")
	kind := rapid.IntRange(0, 9).Draw(s.t, "line")
	switch {
	case n == 1:
		text = "(lmgrd) FlexNet Licensing (v11.16.2.0 build 242994 x64_lsb) started on lic01 (linux) (3/3/2026)"
	case kind < 4:
		text = fmt.Sprintf("(acmed) OUT: %q %s  (%d licenses) ", feature, who, rapid.IntRange(1, 3).Draw(s.t, "licenses"))
		text = strings.ReplaceAll(text, `\xfc`, "\xfc")
	case kind < 7:
		text = fmt.Sprintf("(acmed) IN: %q %s  (%d licenses) ", feature, who, rapid.IntRange(1, 3).Draw(s.t, "licenses"))
	case kind < 9:
		text = fmt.Sprintf("(acmed) DENIED: %q %s  (Licensed number of users already reached. (-4,342))", feature, who)
	case rapid.IntRange(0, 9).Draw(s.t, "down") == 0:
		text = "(acmed) EXITING DUE TO SIGNAL 15"
	}
	if rapid.IntRange(0, 4).Draw(s.t, "daemon") == 0 {
		text = strings.Replace(text, "(acmed)", "(millingd)", 1)
	}
	line := fmt.Sprintf("%2d:%02d:%02d %s\r\n", s.at.Hour(), s.at.Minute(), s.at.Second(), text)
	for s.made[line] { // two files of one and the same line would be taken for copies
		s.at = s.at.Add(time.Second)
		line = fmt.Sprintf("%2d:%02d:%02d %s\r\n", s.at.Hour(), s.at.Minute(), s.at.Second(), text)
	}
	s.made[line] = true
	s.times = append(s.times, s.at)
	return []byte(line)
}

// TestEventLogTellsTheSameHoweverItIsLookedAt writes and rotates a log in all
// ways, looks at it at any time, restarts the reader, and compares what was
// told with one reading of the whole.
func TestEventLogTellsTheSameHoweverItIsLookedAt(t *testing.T) {
	base := t.TempDir()
	format, err := collect.FlexNetLog(time.UTC, "")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		s := &story{t: rt, at: day, made: map[string]bool{}}
		r := newRotation(rt, filepath.Join(base, fmt.Sprint(n)))
		r.line = s.line
		var now time.Time
		var got told
		resume := ""
		reader, err := collect.NewEventLog(r.pattern(), format, resume, func() time.Time { return now })
		r.must(err)
		r.looks = func() {
			begun := bytes.Count(r.text.Bytes(), []byte("\n"))
			if !bytes.HasSuffix(r.text.Bytes(), []byte("\n")) {
				begun++
			}
			if bytes.Count(r.text.Bytes(), []byte("\n")) == 0 {
				return
			}
			now = later(now, s.times[begun-1])
			for more := true; more; {
				res, err := reader.Read(rt.Context())
				r.must(err)
				got.add(t, res)
				resume, more = res.Resume, res.More
			}
		}
		r.restarts = func() {
			r.must(reader.Close())
			reader, err = collect.NewEventLog(r.pattern(), format, resume, func() time.Time { return now })
			r.must(err)
		}
		r.write(150) // the start: what comes before the first look is not read where it was rotated
		r.finish()
		r.look()
		rt.Repeat(r.steps())
		r.finish()
		r.look()
		now = now.Add(time.Hour)
		res, err := reader.Read(rt.Context())
		r.must(err)
		got.add(t, res)
		r.must(reader.Close())

		whole := filepath.Join(r.dir, "whole")
		r.must(os.WriteFile(whole, r.text.Bytes(), 0o600))
		once, err := collect.NewEventLog(whole, format, "", func() time.Time { return now })
		r.must(err)
		var want told
		res, err = once.Read(rt.Context())
		r.must(err)
		want.add(t, res)
		r.must(once.Close())
		if diff := gocmp.Diff(want.sorted().use, got.sorted().use); diff != "" {
			rt.Fatalf("use (-whole +bit by bit):\n%s\n%s", diff, r.text.String())
		}
		if diff := gocmp.Diff(want.denials, got.denials); diff != "" {
			rt.Fatalf("denials (-whole +bit by bit):\n%s\n%s", diff, r.text.String())
		}
	})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// The totals of a log, which reports are made of, and its tail count alike.
func TestEventLogCountsAsReportsDo(t *testing.T) {
	dir := t.TempDir()
	check := func(t testing.TB, text []byte) {
		path := filepath.Join(dir, "debug.log")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		type pool struct{ feature, daemon string }
		want := map[pool][]collect.Step{}
		totals := flexnet.NewLogTotals(flexnet.LogOptions{})
		totals.OnStep = func(s flexnet.LogStep) {
			p := pool{s.Feature, s.Daemon}
			want[p] = append(want[p], collect.Step{At: s.At, InUse: s.InUse, High: s.High})
		}
		file, err := totals.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		totals.Flush()
		denials := map[string]int64{}
		for _, f := range totals.Features() {
			if f.DeniedFolded > 0 {
				denials[f.Feature] += f.DeniedFolded
			}
		}
		format, err := collect.FlexNetLog(time.UTC, "")
		if err != nil {
			t.Fatal(err)
		}
		r, err := collect.NewEventLog(path, format, "", func() time.Time { return file.Last.Add(time.Hour) })
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		got, gotDenials := map[pool][]collect.Step{}, map[string]int64{}
		for more := true; more; {
			res, err := r.Read(t.Context())
			if err != nil || res.Failure != "" {
				t.Fatalf("%v %s", err, res.Failure)
			}
			for _, e := range res.Events {
				if len(e.Steps) > 0 {
					p := pool{e.Pool.Feature, e.Daemon}
					got[p] = append(got[p], e.Steps...)
				}
			}
			for _, d := range res.Denials {
				gotDenials[d.Pool.Feature]++
			}
			more = res.More
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("steps (-report +tail):\n%s", diff)
		}
		if !maps.Equal(denials, gotDenials) {
			t.Fatalf("denials of the tail %v, of the report %v", gotDenials, denials)
		}
	}
	t.Run("made up", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			s := &story{t: rt, at: day, made: map[string]bool{}}
			var text []byte
			for n := range rapid.IntRange(1, 60).Draw(rt, "lines") {
				text = append(text, s.line(n+1)...)
			}
			check(t, text)
		})
	})
	samples := cmp.Or(os.Getenv("HEADROOM_SAMPLES"), "../../../../shared/samples")
	names, err := filepath.Glob(filepath.Join(samples, "flexnet", "debuglog-*.log"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 && os.Getenv("CI") != "" {
		t.Error("no samples")
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			check(t, text)
		})
	}
}

// counted is a stream of events that are written in a line each, as other
// managers' parsers give them: "SECOND KIND USER [IN-USE]".
type counted struct {
	r      io.Reader
	text   []byte
	offset int64
}

func (c *counted) Next() (facts.Event, error) {
	for {
		if i := bytes.IndexByte(c.text, '\n'); i >= 0 {
			line := string(c.text[:i])
			c.text, c.offset = c.text[i+1:], c.offset+int64(i)+1
			var e facts.Event
			var second int64
			var kind string
			n, _ := fmt.Sscan(line, &second, &kind, &e.User, &e.InUse.N)
			for k := facts.Out; k <= facts.Mark; k++ {
				if k.String() == kind {
					e.Kind = k
				}
			}
			e.At, e.Licenses, e.InUse.Known = day.Add(time.Duration(second)*time.Second), 1, n == 4
			e.Pool, e.Daemon = license.Pool{Feature: "SIM", Variant: "1"}, "isv"
			return e, nil
		}
		b := make([]byte, 64)
		n, err := c.r.Read(b)
		if err != nil {
			return facts.Event{}, err
		}
		c.text = append(c.text, b[:n]...)
	}
}

func (c *counted) Offset() int64 { return c.offset }

// tells reads a log of such lines, looked at so many seconds after its begin.
func tells(t *testing.T, seconds int, text string) collect.Result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "isv.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := collect.NewEventLog(path, collect.LogFormat{
		Manager: "rlm", Silence: time.Hour, Open: func(r io.Reader, _ time.Time) (collect.EventStream, error) { return &counted{r: r}, nil },
	}, "", func() time.Time { return day.Add(time.Duration(seconds) * time.Second) })
	if err != nil {
		t.Fatal(err)
	}
	res := read(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return res
}

// spans shows the spans and steps of a result in seconds.
func spans(res collect.Result) string {
	var b strings.Builder
	second := func(at time.Time) int { return int(at.Sub(day) / time.Second) }
	for _, e := range res.Events {
		fmt.Fprintf(&b, "[%d,%d) exact=%t %d", second(e.From), second(e.To), e.Exact, e.Start)
		for _, s := range e.Steps {
			fmt.Fprintf(&b, " %d:%d/%d", second(s.At), s.InUse, s.High)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestEventsOfAnyManagerBecomeUse(t *testing.T) {
	for name, c := range map[string]struct {
		seconds   int
		log, want string
	}{
		"counted out and in, the log cut at its start": {
			100, "10 mark\n20 out kim\n20 out lee\n30 in kim\n40 in max\n",
			"[20,100) exact=false 0 20:2/2 30:1/1\n",
		},
		"exact from a start on": {
			100, "10 out kim\n20 start\n30 out kim\n",
			"[10,20) exact=false 0 10:1/1\n[20,100) exact=true 1 20:0/0 30:1/1\n",
		},
		"a start before the first checkout": {
			100, "10 start\n30 out kim\n40 shutdown\n",
			"[30,100) exact=true 0 30:1/1 40:0/0\n",
		},
		"the log tells what is in use": {
			100, "10 mark\n20 out kim 7\n30 in lee 6\n",
			"[20,100) exact=true 0 20:7/7 30:6/6\n",
		},
		"held already": {
			100, "10 start\n10 held kim\n10 held lee\n20 in kim\n",
			"[10,100) exact=true 0 10:2/2 20:1/1\n",
		},
		"held and seen going out": {
			100, "10 start\n20 out kim\n30 held kim\n",
			"[20,100) exact=true 0 20:1/1\n",
		},
		"a silence": {
			5000, "0 start\n10 out kim\n4000 out lee\n",
			"[10,3610) exact=true 0 10:1/1\n[4000,5000) exact=false 1 4000:2/2\n",
		},
		"silent until now": {
			5000, "0 start\n10 out kim\n",
			"[10,3610) exact=true 0 10:1/1\n",
		},
		"its own clock is ahead": {
			15, "0 start\n10 out kim\n20 out lee\n20 in lee\n",
			"[10,20) exact=true 0 10:1/1\n", // the last second may not be over
		},
	} {
		res := tells(t, c.seconds, c.log)
		if diff := gocmp.Diff(c.want, spans(res)); diff != "" {
			t.Errorf("%s: spans (-want +got):\n%s", name, diff)
		}
		for _, e := range res.Events {
			if want := (license.Pool{Feature: "SIM", Variant: "1"}); e.Pool != want || e.Daemon != "isv" {
				t.Errorf("%s: pool %v of %q, want %v of isv", name, e.Pool, e.Daemon, want)
			}
		}
	}
}

func TestDenialIsToldOnceItIsKnownHowItEnded(t *testing.T) {
	res := tells(t, 400, "0 start\n10 refused kim\n20 refused kim\n30 out kim\n40 refused lee\n200 refused max\n")
	var got []string
	for _, d := range res.Denials {
		got = append(got, fmt.Sprintf("%s %d..%d x%d %s", d.User, d.At.Sub(day)/time.Second, d.Last.Sub(day)/time.Second, d.Count, d.Outcome))
	}
	want := []string{"kim 10..20 x2 served", "lee 40..40 x1 unserved"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("denials (-want +got):\n%s", diff)
	}
}

func TestLogWithAHoleBeginsAnew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "isv.log")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := day.Add(100 * time.Second)
	r, err := collect.NewEventLog(path, collect.LogFormat{
		Silence: time.Hour, Open: func(r io.Reader, _ time.Time) (collect.EventStream, error) { return &counted{r: r}, nil },
	}, "", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	write("0 start\n10 out kim\n")
	if got, want := spans(read(t, r)), "[10,100) exact=true 0 10:1/1\n"; got != want {
		t.Errorf("first look %q, want %q", got, want)
	}
	write("200 out lee\n")
	now = day.Add(300 * time.Second)
	if got, want := spans(read(t, r)), "[200,300) exact=false 0 200:1/1\n"; got != want {
		t.Errorf("behind the hole %q, want %q: whether kim came back is not known", got, want)
	}
}

func TestLineThatIsNotUnderstoodYetIsNotVouchedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "isv.log")
	if err := os.WriteFile(path, []byte("0 start\n10 out kim\n30 mark\n50 refused lee\nits reason\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := collect.NewEventLog(path, collect.LogFormat{
		Silence: time.Hour,
		Open:    func(r io.Reader, _ time.Time) (collect.EventStream, error) { return &hesitant{counted{r: r}}, nil },
	}, "", func() time.Time { return day.Add(100 * time.Second) })
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, want := spans(read(t, r)), "[10,30) exact=true 0 10:1/1\n"; got != want {
		t.Errorf("spans %q, want %q", got, want)
	}
}

// A hesitant stream does not end a refusal before it has seen two lines more.
type hesitant struct{ counted }

func (h *hesitant) Next() (facts.Event, error) {
	e, err := h.counted.Next()
	if err == nil && e.Kind == facts.Refused {
		before := h.offset
		for range 2 {
			_, err = h.counted.Next()
			h.offset = before
		}
	}
	return e, err
}

func TestEventLogRefusesACodePageThatIsNone(t *testing.T) {
	if _, err := collect.FlexNetLog(nil, "klingon"); err == nil {
		t.Error("code page klingon was taken")
	}
	wrong := errors.New("no such setting")
	_, err := collect.NewEventLog("x.log", collect.LogFormat{Open: func(io.Reader, time.Time) (collect.EventStream, error) { return nil, wrong }}, "", time.Now)
	if !errors.Is(err, wrong) {
		t.Errorf("error %v, want that of Open", err)
	}
}
