package rlm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// A simLog writes a report log of one pool the way rlm does, in any of its
// formats.
type simLog struct {
	format   int // 0 std, 1 small, 2 detailed
	b        strings.Builder
	at       time.Time
	stamped  time.Time
	next     int
	open     []*simCheckout
	inUse    int64
	reserved int64
	want     []int64 // in use after each event of a checkout or return
}

type simCheckout struct {
	handle   string
	licenses int64
	reserved int64
	share    *int // checkouts that share
}

func newSimLog(format int, start time.Time) *simLog {
	l := &simLog{format: format, at: start, stamped: start}
	fmt.Fprintf(&l.b, "RLM Report Log Format %d, version 12.4, authenticated\nISV: acme, RLM version 12.4 BL2\n\nSTART lic01 %s\n",
		format, start.Format("01/02/2006 15:04:05"))
	l.b.WriteString(`PRODUCT viewer pro 1.0 1 90 10 90 "" "" "" "" "" "" 3 0 0 0 0 0 0 0 0` + "\n")
	return l
}

// pass lets time go by; the server stamps every half hour.
func (l *simLog) pass(d time.Duration) {
	for end := l.at.Add(d); ; {
		next := l.stamped.Truncate(30 * time.Minute).Add(30 * time.Minute)
		if next.After(end) {
			l.at = end
			return
		}
		l.at, l.stamped = next, next
		fmt.Fprintln(&l.b, next.Format("01/02/2006 15:04"))
	}
}

func (l *simLog) time() string {
	return l.at.Format([]string{"01/02 15:04:05", "15:04", "01/02 15:04:05.0000"}[l.format])
}

func (l *simLog) out(licenses, reserved int64, sharing *simCheckout) {
	l.next += 0x40
	c := &simCheckout{handle: fmt.Sprintf("%x", l.next+1), licenses: licenses, reserved: reserved, share: new(int)}
	shared := c.handle
	if sharing != nil {
		shared, c.share, c.licenses, c.reserved = sharing.handle, sharing.share, sharing.licenses, sharing.reserved
	} else {
		l.inUse += c.licenses
		l.reserved += c.reserved
	}
	*c.share++
	l.open = append(l.open, c)
	l.want = append(l.want, l.inUse)
	if l.format == 1 {
		fmt.Fprintf(&l.b, "OUT viewer pro 1.0 ann roth pc1 \"\" %d %s %s %s\n", c.licenses, c.handle, shared, l.time())
		return
	}
	fmt.Fprintf(&l.b, "OUT viewer pro 1.0 1 ann roth pc1 \"\" %d %d %d %s %s 7b1 \"\" \"viewer pro\" \"1.0\" %s", c.licenses,
		l.inUse-l.reserved, l.reserved, c.handle, shared, l.time())
	if l.format == 2 {
		l.b.WriteString(` "x64_l1 5.4" "viewer" 0 0 10.0.0.7`)
	}
	l.b.WriteString("\n")
}

func (l *simLog) in(i int) {
	c := l.open[i]
	l.open = slices.Delete(l.open, i, i+1)
	if *c.share--; *c.share == 0 {
		l.inUse -= c.licenses
		l.reserved -= c.reserved
	}
	l.want = append(l.want, l.inUse)
	if l.format == 1 {
		fmt.Fprintf(&l.b, "IN 1 %d %s %s\n", c.licenses, c.handle, l.time())
		return
	}
	fmt.Fprintf(&l.b, "IN 1 viewer pro 1.0 ann roth pc1 \"\" %d %d %d %s %s\n", c.licenses, l.inUse-l.reserved, l.reserved, c.handle, l.time())
}

func drawSimLog(t *rapid.T) *simLog {
	start := time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "start"), 0).UTC()
	l := newSimLog(rapid.IntRange(0, 2).Draw(t, "format"), start)
	for range rapid.IntRange(0, 30).Draw(t, "events") {
		l.pass(time.Duration(rapid.IntRange(0, 7200).Draw(t, "seconds")) * time.Second)
		switch {
		case len(l.open) > 0 && rapid.Bool().Draw(t, "return"):
			l.in(rapid.IntRange(0, len(l.open)-1).Draw(t, "which"))
		case len(l.open) > 0 && rapid.Bool().Draw(t, "share"):
			l.out(0, 0, l.open[rapid.IntRange(0, len(l.open)-1).Draw(t, "whose")])
		default:
			n := rapid.Int64Range(1, 5).Draw(t, "licenses")
			l.out(n, rapid.Int64Range(0, n).Draw(t, "of reservations"), nil)
		}
	}
	return l
}

// What goes out less what comes back is what is in use, as the log itself
// counts it, whoever shares with whom.
func TestLicensesOfEventsAddUpToWhatIsInUse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sim := drawSimLog(rt)
		log := sim.b.String()
		r := reportLog(t, log, facts.Options{})
		var got []int64
		sum := int64(0)
		for _, e := range eventsOf(t, r) {
			switch e.Kind {
			case facts.Out:
				sum += e.Licenses
			case facts.In:
				sum -= e.Licenses
			default:
				continue
			}
			got = append(got, sum)
			if e.InUse != license.Of(sum) && sim.format != 1 {
				rt.Fatalf("in use %v after %d licenses, in\n%s", e.InUse, sum, log)
			}
			if e.Pool != (license.Pool{Feature: "viewer pro", Variant: "1"}) || e.User != "ann roth" || e.Host != "pc1" || e.Total != license.Of(100) {
				rt.Fatalf("%+v, in\n%s", e, log)
			}
		}
		if !slices.Equal(got, sim.want) || r.Unread().Total != 0 {
			rt.Fatalf("in use %v, want %v, unread %v, in\n%s", got, sim.want, r.Unread().First, log)
		}
	})
}

// A log that grows says the same of what it had, and reading stops between two
// lines.
func TestHalfAReportLogIsTheBeginningOfTheWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		log := drawSimLog(rt).b.String()
		all := reportLog(t, log, facts.Options{})
		events := eventsOf(t, all)
		cut := strings.LastIndexByte(log[:rapid.IntRange(0, len(log)).Draw(rt, "cut")], '\n') + 1
		half := reportLog(t, log[:cut], facts.Options{})
		got := eventsOf(t, half)
		if !slices.Equal(events[:len(got)], got) {
			rt.Fatalf("events %v, want %v, of\n%s", got, events[:len(got)], log[:cut])
		}
		if half.Offset() != int64(cut) || all.Offset() != int64(len(log)) {
			rt.Fatalf("offsets %d and %d, want %d and %d", half.Offset(), all.Offset(), cut, len(log))
		}
	})
}

func TestTornReportLogLosesOneRecord(t *testing.T) {
	log := fixture(t, "testdata/reportlog/std.log")
	whole := eventsOf(t, reportLog(t, log, facts.Options{}))
	for cut := range len(log) {
		r := reportLog(t, log[:cut], facts.Options{})
		got := eventsOf(t, r)
		for i, e := range got[:max(0, len(got)-1)] {
			if diff := cmp.Diff(whole[i], e); diff != "" {
				t.Fatalf("cut at %d: event %d: -want +got\n%s", cut, i, diff)
			}
		}
		if r.Unread().Total > 3 {
			t.Fatalf("cut at %d: %v", cut, r.Unread().First)
		}
	}
}

const reportStart = "START lic01 12/31/2025 22:10:00\n"

func TestEventsAtNewYearStandOnBothSidesOfTheStamp(t *testing.T) {
	const log = reportStart +
		"IN 1 viewer 1.0 ann pc1 \"\" 1 0 0 41 12/31 23:59:58\n" +
		"IN 1 viewer 1.0 ann pc1 \"\" 1 0 0 41 01/01 00:00:01\n" +
		"12/31/2025 23:59\n01/01/2026 00:00\n" +
		"IN 1 viewer 1.0 ann pc1 \"\" 1 0 0 41 12/31 23:59:59\n" +
		"IN 1 viewer 1.0 ann pc1 \"\" 1 0 0 41 01/01 00:00:02\n"
	var got []string
	for _, e := range eventsOf(t, reportLog(t, log, facts.Options{})) {
		if e.Kind == facts.In {
			got = append(got, e.At.Format(time.DateTime))
		}
	}
	want := []string{"2025-12-31 23:59:58", "2026-01-01 00:00:01", "2025-12-31 23:59:59", "2026-01-01 00:00:02"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReportLogWithoutBeginningIsDatedByItsText(t *testing.T) {
	const in = "IN 1 viewer 1.0 ann pc1 \"\" 1 0 0 41 12/31 23:59:58\n"
	for at, want := range map[time.Time]time.Time{
		{}: {},
		time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC): time.Date(2025, 12, 31, 23, 59, 58, 0, time.UTC),
	} {
		e := eventsOf(t, reportLog(t, in, facts.Options{At: at}))[0]
		if !e.At.Equal(want) {
			t.Errorf("text of %v: event at %v, want %v", at, e.At, want)
		}
	}
	small := "IN 1 1 41 23:59\nOUT viewer 1.0 ann pc1 \"\" 1 41 41 23:59\n"
	r := reportLog(t, small, facts.Options{At: time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)})
	if e := eventsOf(t, r); len(e) != 1 || !e[0].At.IsZero() || r.Unread().Total != 1 {
		t.Errorf("%+v, unread %v; want a checkout without a time, and a return of nobody knows what unread", e, r.Unread().First)
	}
}

func TestNameOfAUserCanBeMissing(t *testing.T) {
	for record, want := range map[string][2]string{
		`OUT viewer 1.0 1 "" "" "" 1 1 0 41 41 7b1 "" "" "" 12/31 22:15:14`:        {"", ""},
		`OUT viewer 1.0 1 "" pc1 "x 1" 1 1 0 41 41 7b1 "" "" "" 12/31 22:15:14`:    {"", "pc1"},
		`OUT viewer 1.0 1 ann "" "12/31 0:00" 1 1 0 41 41 1 "" "" "" 12/31 22:15`:  {"ann", ""},
		`OUT viewer 1.0 1 Ann Roth pc1 "" 1 1 0 41 41 7b1 "" "" "" 12/31 22:15:14`: {"Ann Roth", "pc1"},
		`OUT viewer pro 2.0 1.0 1 ann pc1 "" 1 1 0 41 41 1a "" "" "" 12/31 22:1`:   {},
	} {
		r := reportLog(t, reportStart+record+"\n", facts.Options{})
		events := eventsOf(t, r)
		if len(events) != 2 {
			if r.Unread().Total != 1 {
				t.Errorf("%s: %d events, unread %v", record, len(events), r.Unread().First)
			}
			continue
		}
		if e := events[1]; e.User != want[0] || e.Host != want[1] || e.Pool.Feature != "viewer" {
			t.Errorf("%s: %s@%s of %s, want %s@%s of viewer", record, e.User, e.Host, e.Pool.Feature, want[0], want[1])
		}
	}
}

func TestReturnOfSeveralPoolsTellsNoUseWithoutItsCheckout(t *testing.T) {
	const log = reportStart +
		"PRODUCT viewer 1.0 1 4 0 4 \"\" \"\" \"\" \"\" \"\" \"\" 0\nPRODUCT viewer 2.0 2 4 0 4 \"\" \"\" \"\" \"\" \"\" \"\" 0\n" +
		"IN 1 viewer 1.0 ann pc1 \"\" 1 3 0 41 12/31 23:59:58\n"
	events := eventsOf(t, reportLog(t, log, facts.Options{}))
	if e := events[len(events)-1]; e.Pool != (license.Pool{Feature: "viewer"}) || e.InUse.Known || e.Reserved.Known || e.Licenses != 1 {
		t.Errorf("%+v, want one license back to a pool that is not known", e)
	}
}

func TestLongRecordsAreUnread(t *testing.T) {
	r := reportLog(t, reportStart+"OUT "+strings.Repeat("viewer ", 10_000)+"\n12/31/2025 22:30\n", facts.Options{})
	if events := eventsOf(t, r); len(events) != 2 || r.Unread().Total != 1 {
		t.Errorf("%d events, %d unread; want start, stamp and one unread", len(events), r.Unread().Total)
	}
}
