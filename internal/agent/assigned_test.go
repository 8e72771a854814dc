package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/wire"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func user(name string, last time.Time) license.Assignment {
	return license.Assignment{Pool: license.Pool{Feature: "XDT_PLT_UD", Variant: "2026.1201"}, Daemon: "CITRIX", Kind: license.AssignedUser, Name: name, Last: last}
}

func assignedAt(at time.Time, list ...license.Assignment) license.Assignments {
	return license.Assignments{At: at, Complete: true, Lease: 90 * 24 * time.Hour, LastIs: license.LastRequest, List: list}
}

// spoken shows what records say: + for assigned, - for ended, ! for complete.
func spoken(records []wire.Record) string {
	var b strings.Builder
	for _, r := range records {
		a := r.(*wire.Assignments)
		for _, l := range a.Assigned {
			fmt.Fprintf(&b, "+%s", strings.Join(l.Names, "+"))
		}
		for _, l := range a.Ended {
			fmt.Fprintf(&b, "-%s", strings.Join(l.Names, "-"))
		}
		if a.Complete {
			b.WriteString("!")
		}
	}
	return b.String()
}

func TestHubIsToldAllOnceADayAndElseWhatChanged(t *testing.T) {
	var r roster
	early := noon.Add(-48 * time.Hour)
	partial := assignedAt(noon.Add(70*time.Minute), user("anna", noon))
	partial.Complete = false
	for _, c := range []struct {
		list license.Assignments
		want string
	}{
		{assignedAt(noon, user("anna", early), user("bob", early)), "+anna+bob!"},
		{assignedAt(noon.Add(15*time.Minute), user("Anna", early), user("bob", early)), ""},
		{assignedAt(noon.Add(30*time.Minute), user("anna", noon), user("bob", early)), "+anna"},
		{assignedAt(noon.Add(45*time.Minute), user("anna", noon), user("cy", noon)), "+cy-bob"},
		{assignedAt(noon.Add(60*time.Minute), user("anna", noon), user("cy", noon)), ""},
		{partial, ""}, // a list that is not complete ends nobody's license
		{assignedAt(noon.Add(75*time.Minute), user("anna", noon)), "-cy"},
		{assignedAt(noon.Add(24*time.Hour), user("anna", noon)), "+anna!"},
		{assignedAt(noon.Add(25 * time.Hour)), "-anna"},
		{assignedAt(noon.Add(48 * time.Hour)), "!"},
	} {
		var records []wire.Record
		records, r = r.next(c.list, true, 0)
		if got := spoken(records); got != c.want {
			t.Errorf("at %v: told %q, want %q", c.list.At, got, c.want)
		}
	}
}

// What was not kept is told with the next reading.
func TestRosterThatDidNotBecomeRightIsTold(t *testing.T) {
	var r roster
	_, r = r.next(assignedAt(noon, user("anna", noon)), true, 0)
	lost, _ := r.next(assignedAt(noon.Add(time.Minute), user("bob", noon)), true, 0)
	again, _ := r.next(assignedAt(noon.Add(2*time.Minute), user("bob", noon)), true, 0)
	if spoken(lost) != "+bob-anna" || spoken(again) != "+bob-anna" {
		t.Errorf("told %q, then %q", spoken(lost), spoken(again))
	}
}

// Whoever replays what is told knows who is assigned, however long the lists.
func TestReplayOfWhatIsToldIsTheList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r roster
		known := map[string]int64{}
		at := noon
		for range rapid.IntRange(1, 6).Draw(t, "readings") {
			at = at.Add(time.Duration(rapid.IntRange(1, 1500).Draw(t, "minutes")) * time.Minute)
			list := assignedAt(at)
			want := map[string]int64{}
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 0, 7, rapid.ID).Draw(t, "users") {
				last := noon.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "last")) * time.Hour)
				list.List = append(list.List, user(fmt.Sprintf("user%d", n), last))
				want[fmt.Sprintf("user%d", n)] = last.Unix()
			}
			var records []wire.Record
			records, r = r.next(list, true, 0)
			for _, rec := range records {
				a := rec.(*wire.Assignments)
				if a.Complete {
					clear(known)
				}
				for _, l := range a.Assigned {
					for i, name := range l.Names {
						known[name] = l.Last[i]
					}
				}
				for _, l := range a.Ended {
					for _, name := range l.Names {
						delete(known, name)
					}
				}
			}
			if d := cmp.Diff(want, known); d != "" {
				t.Fatalf("assigned (-want +told):\n%s", d)
			}
		}
	})
}

func TestLongListsAreDividedAndTheLastPartIsComplete(t *testing.T) {
	var list []license.Assignment
	for i := range 2*maxNames + 1 {
		list = append(list, user(strings.Repeat("x", wire.MaxName)+fmt.Sprint(i), noon))
	}
	records, _ := roster{}.next(assignedAt(noon, list...), true, 0)
	if len(records) != 3 {
		t.Fatalf("%d records, want 3", len(records))
	}
	for i, r := range records {
		if _, err := wire.MarshalRecord(r); err != nil {
			t.Error(err)
		}
		if a := r.(*wire.Assignments); a.Complete != (i == 2) {
			t.Errorf("record %d is complete: %v", i, a.Complete)
		}
	}
}

func TestHistoryIsARunForEachSetOfPools(t *testing.T) {
	reading := func(feature string, n int64) license.Reading {
		return license.Reading{Pool: license.Pool{Feature: feature}, Daemon: "CITRIX", State: license.StateCounted, InUse: license.Of(n)}
	}
	records := history([]license.Snapshot{
		{At: noon, Readings: []license.Reading{reading("a", 1), reading("b", 2)}},
		{At: noon.Add(time.Minute), Readings: []license.Reading{reading("b", 3)}},
		{At: noon.Add(2 * time.Minute), Readings: []license.Reading{reading("a", 4), reading("b", 5)}},
	}, 15*time.Minute, "citrix")
	pool := func(feature string, n ...int64) wire.SampledPool {
		p := wire.SampledPool{PoolKey: wire.PoolKey{Feature: feature}, Vendor: "CITRIX", State: "counted"}
		for _, v := range n {
			p.InUse = append(p.InUse, license.Of(v))
		}
		return p
	}
	want := []wire.Record{
		&wire.Samples{At: []int64{noon.Unix(), noon.Unix() + 120}, Interval: 900, Imported: true, Source: "citrix", Pools: []wire.SampledPool{pool("a", 1, 4), pool("b", 2, 5)}},
		&wire.Samples{At: []int64{noon.Unix() + 60}, Interval: 900, Imported: true, Source: "citrix", Pools: []wire.SampledPool{pool("b", 3)}},
	}
	if d := cmp.Diff(want, records); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
}
