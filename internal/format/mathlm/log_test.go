package mathlm_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/mathlm"
	"headroom/internal/formattest"
	"headroom/internal/license"
)

// A goldenLog is all that a log says.
type goldenLog struct {
	Events []facts.Event
	Lines  int
	Unread facts.UnreadLines
}

// readLog reads a log to its end and returns, with it, where each event ends.
func readLog(t testing.TB, in string, o facts.Options) (goldenLog, []int64) {
	t.Helper()
	l, err := mathlm.NewLog(strings.NewReader(in), o)
	if err != nil {
		t.Fatal(err)
	}
	var g goldenLog
	var offsets []int64
	for {
		e, err := l.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		g.Events, offsets = append(g.Events, e), append(offsets, l.Offset())
	}
	g.Lines, g.Unread = l.Lines(), l.Unread()
	return g, offsets
}

func TestLogGolden(t *testing.T) {
	for _, path := range formattest.Fixtures(t, "testdata/log/*.log") {
		g, _ := readLog(t, string(formattest.Fixture(t, path)), facts.Options{})
		formattest.Golden(t, path, g)
	}
}

// The facts that the index of the captures states.
func TestSampleLogGrantsAndReturnsOneKernel(t *testing.T) {
	g, _ := readLog(t, string(formattest.Sample(t, "mathlm/mathlm-12.0-server-log-grant-and-return.log")), facts.Options{})
	event := func(kind facts.Kind, line int, at time.Time) facts.Event {
		return facts.Event{
			Kind: kind, At: at, Pool: license.Pool{Feature: "MathKernel"}, User: "user01", Host: "10.0.75.1",
			Licenses: 1, Handle: "1", Line: line,
		}
	}
	want := []facts.Event{
		event(facts.Out, 2, time.Date(2019, 6, 6, 17, 25, 39, 0, time.UTC)),
		event(facts.In, 5, time.Date(2019, 6, 6, 17, 27, 47, 0, time.UTC)),
	}
	if diff := cmp.Diff(want, g.Events); diff != "" || g.Unread.Total != 0 || g.Lines != 6 {
		t.Errorf("%d lines, unread %v, -want +got\n%s", g.Lines, g.Unread.First, diff)
	}
}

func TestSampleLogOfAStart(t *testing.T) {
	g, _ := readLog(t, string(formattest.Sample(t, "mathlm/mathlm-12.0-server-log-start.log")), facts.Options{})
	want := []facts.Event{{Kind: facts.Start, At: time.Date(2019, 6, 6, 17, 13, 59, 0, time.UTC), Line: 1}}
	if diff := cmp.Diff(want, g.Events); diff != "" || g.Unread.Total != 0 {
		t.Errorf("unread %v, -want +got\n%s", g.Unread.First, diff)
	}
}

func TestLogTimesAreOfTheirZone(t *testing.T) {
	o := facts.Options{Zone: time.FixedZone("", 3600)}
	for date, want := range map[string]time.Time{
		"06/Jun/2019:17:25:39":       time.Date(2019, 6, 6, 16, 25, 39, 0, time.UTC),
		"06/Jun/2019:17:25:39 -0500": time.Date(2019, 6, 6, 22, 25, 39, 0, time.UTC),
		"6/Jun/2019:17:25:39":        time.Date(2019, 6, 6, 16, 25, 39, 0, time.UTC),
		"31/Jun/2019:17:25:39":       {},
	} {
		g, _ := readLog(t, `h - u [`+date+`] "Kernel License requested" "License #3 granted" -`, o)
		if want.IsZero() {
			if g.Unread.Total != 1 {
				t.Errorf("%s: %+v, want an unread line", date, g)
			}
			continue
		}
		if len(g.Events) != 1 || !g.Events[0].At.Equal(want) {
			t.Errorf("%s: %+v, want %v", date, g.Events, want)
		}
	}
}

func TestLogGoesOnAtItsOffset(t *testing.T) {
	log := strings.ReplaceAll(string(formattest.Fixture(t, "testdata/log/day.log")), "\r\n", "\n")
	whole, offsets := readLog(t, log, facts.Options{})
	for i, offset := range offsets {
		rest, _ := readLog(t, log[offset:], facts.Options{})
		for j := range rest.Events {
			rest.Events[j].Line += whole.Events[i].Line
		}
		if diff := cmp.Diff(whole.Events[i+1:], rest.Events); diff != "" && i+1 < len(whole.Events) {
			t.Errorf("behind line %d, offset %d: -whole +rest\n%s", whole.Events[i].Line, offset, diff)
		}
	}
}

func TestErrorOfTheReaderComesThrough(t *testing.T) {
	broken := errors.New("disk is gone")
	l, err := mathlm.NewLog(io.MultiReader(strings.NewReader("x\n"), iotest.ErrReader(broken)), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Next(); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func FuzzLog(f *testing.F) {
	for _, path := range formattest.Fixtures(f, "testdata/log/*.log") {
		f.Add(string(formattest.Fixture(f, path)))
	}
	f.Add("h - u [01/Jan/1970:00:00:00 +2359] \"Sub-Kernel License requested\" \"no\" -\nJan 1 0:00:00:\nx")
	f.Fuzz(func(t *testing.T, in string) {
		g, offsets := readLog(t, in, facts.Options{Zone: time.FixedZone("", -5*3600)})
		line, offset := 0, int64(0)
		for i, e := range g.Events {
			if e.Line <= line || e.Kind.String() == "" || e.At.Location() != time.UTC || e.Kind != facts.Start && e.Pool.Feature == "" {
				t.Fatalf("event %+v behind line %d", e, line)
			}
			if offsets[i] < offset || offsets[i] > int64(len(in)) {
				t.Fatalf("offset %d behind %d of %d", offsets[i], offset, len(in))
			}
			line, offset = e.Line, offsets[i]
		}
		if g.Unread.Total+len(g.Events) > g.Lines {
			t.Fatalf("%d events, %d unread of %d lines", len(g.Events), g.Unread.Total, g.Lines)
		}
	})
}
