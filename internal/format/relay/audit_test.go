package relay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/format/facts"
	"headroom/internal/format/relay"
	"headroom/internal/license"
)

// at is a second of a test's day.
func at(second int) time.Time { return time.Date(2026, 3, 3, 9, 0, second, 0, time.UTC) }

func event(t testing.TB, name string, second int, pool, id string) facts.Event {
	t.Helper()
	e, ok := relay.LeaseEvent(name, at(second), relay.PoolOf(pool), id)
	if !ok {
		t.Fatalf("%s is no lease event", name)
	}
	return e
}

func held(id, pool string, claimed int) relay.License {
	return relay.License{ID: id, Pool: pool, Seats: 1, Nodes: []relay.Node{{Name: "n"}}, Claimed: at(claimed)}
}

func free(id, pool string) relay.License { return relay.License{ID: id, Pool: pool, Seats: 1} }

func TestUseIsToldByTheAuditLog(t *testing.T) {
	events := []facts.Event{
		event(t, "license.leased", 10, "p", "a"),
		event(t, "license.leased", 10, "p", "b"),
		event(t, "license.released", 20, "p", "a"),
		event(t, "license.lease_expired", 20, "q", "c"), // was out before
		event(t, "license.leased", 20, "p", "a"),
		event(t, "license.removed", 30, "p", "b"), // was out
		event(t, "license.removed", 31, "p", "d"), // was not
		event(t, "license.leased", 50, "q", "c"),  // after the end
	}
	now := []relay.License{held("a", "p", 20), held("c", "q", 50), held("e", "q", 0)}
	got, ok := relay.Uses(now, events, at(5), at(40))
	p, q := relay.PoolOf("p"), relay.PoolOf("q")
	want := []facts.Use{
		{Pool: p, From: at(5), To: at(40), Exact: true, Start: 0, Steps: []facts.Step{
			{At: at(10), InUse: 2, High: 2}, {At: at(20), InUse: 2, High: 2}, {At: at(30), InUse: 1, High: 1},
		}},
		{Pool: q, From: at(5), To: at(40), Exact: true, Start: 2, Steps: []facts.Step{{At: at(20), InUse: 1, High: 1}}},
	}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("ok %v, uses (-want +got):\n%s", ok, diff)
	}
}

func TestHistoryBeginsWithTheFirstEvent(t *testing.T) {
	got, ok := relay.Uses([]relay.License{held("a", "p", 7)}, []facts.Event{event(t, "license.leased", 7, "p", "a")}, time.Time{}, at(40))
	want := []facts.Use{{Pool: relay.PoolOf("p"), From: at(7), To: at(40), Exact: true, Steps: []facts.Step{{At: at(7), InUse: 1, High: 1}}}}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("ok %v, uses (-want +got):\n%s", ok, diff)
	}
	if got, ok := relay.Uses([]relay.License{held("a", "p", 7)}, nil, time.Time{}, at(40)); got != nil || !ok {
		t.Errorf("without events: %+v, %v, want nothing to tell", got, ok)
	}
}

func TestLogThatDoesNotTellAllIsNotBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		now    relay.License
		events []facts.Event
	}{
		"a lease without its line":     {held("a", "p", 20), nil},
		"a release without its line":   {relay.License{ID: "a", Pool: "p", Seats: 1, Released: at(20)}, nil},
		"out and yet free":             {free("a", "p"), []facts.Event{event(t, "license.leased", 10, "p", "a")}},
		"back and yet held":            {held("a", "p", 0), []facts.Event{event(t, "license.released", 10, "p", "a")}},
		"out, and no license any more": {free("b", "p"), []facts.Event{event(t, "license.leased", 10, "p", "a")}},
	} {
		if got, ok := relay.Uses([]relay.License{c.now}, c.events, at(5), at(40)); ok {
			t.Errorf("%s: believed: %+v", name, got)
		}
	}
}

// Two leases of one license without a return between them: the log was not
// written for a while.
func TestUseBeginsAfterAContradiction(t *testing.T) {
	events := []facts.Event{
		event(t, "license.leased", 10, "p", "a"),
		event(t, "license.leased", 20, "p", "a"),
		event(t, "license.released", 30, "p", "a"),
	}
	got, ok := relay.Uses([]relay.License{free("a", "p")}, events, at(5), at(40))
	want := []facts.Use{{Pool: relay.PoolOf("p"), From: at(21), To: at(40), Exact: true, Start: 1, Steps: []facts.Step{{At: at(30), InUse: 0, High: 0}}}}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("ok %v, uses (-want +got):\n%s", ok, diff)
	}
}

func TestOtherEventsTellOfNoLease(t *testing.T) {
	for _, name := range []string{"license.added", "license.lease_extended", "node.activated", "node.heartbeat_ping", "pool.added", "unknown", ""} {
		if e, ok := relay.LeaseEvent(name, at(0), license.Pool{}, "a"); ok {
			t.Errorf("%q is %+v", name, e)
		}
	}
}

// TestUseIsTheNumberOfLeases leases and returns licenses at random, and counts.
func TestUseIsTheNumberOfLeases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "licenses")
		out := make([]bool, n)
		claimed := make([]int, n)
		var events []facts.Event
		inUse := make([]int64, 200) // at the end of each second
		high := make([]int64, 200)  // within it
		count, second := int64(0), 0
		advance := func(by int) {
			for range by {
				inUse[second] = count
				second++
				high[second] = 0
			}
		}
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			advance(rapid.IntRange(0, 4).Draw(t, "seconds"))
			i := rapid.IntRange(0, n-1).Draw(t, "license")
			name := "license.leased"
			if out[i] {
				name = rapid.SampledFrom([]string{"license.released", "license.lease_expired"}).Draw(t, "return")
				count--
			} else {
				count++
				claimed[i] = second
			}
			out[i] = !out[i]
			e, _ := relay.LeaseEvent(name, at(second), relay.PoolOf("p"), fmt.Sprint(i))
			events = append(events, e)
			high[second] = max(high[second], count)
		}
		advance(1)
		end := second
		var now []relay.License
		for i := range n {
			if out[i] {
				now = append(now, held(fmt.Sprint(i), "p", claimed[i]))
			} else {
				now = append(now, free(fmt.Sprint(i), "p"))
			}
		}
		from := rapid.IntRange(0, end-1).Draw(t, "from")
		to := rapid.IntRange(from+1, end).Draw(t, "to")
		for len(events) > 0 && events[0].At.Before(at(from)) {
			events = events[1:]
		}
		uses, ok := relay.Uses(now, events, at(from), at(to))
		if !ok || len(uses) != 1 || !uses[0].From.Equal(at(from)) {
			t.Fatalf("ok %v, uses %+v", ok, uses)
		}
		value, steps := uses[0].Start, uses[0].Steps
		for s := from; s < to; s++ {
			if len(steps) > 0 && steps[0].At.Equal(at(s)) {
				if steps[0].High != high[s] {
					t.Fatalf("second %d: at most %d, want %d", s, steps[0].High, high[s])
				}
				value, steps = steps[0].InUse, steps[1:]
			}
			if value != inUse[s] {
				t.Fatalf("second %d: %d in use, want %d", s, value, inUse[s])
			}
		}
		if len(steps) > 0 {
			t.Fatalf("steps outside of the time: %+v", steps)
		}
	})
}
