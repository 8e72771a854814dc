package upload_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"headroom/internal/agent/upload"
	"headroom/internal/license"
	"headroom/internal/wire"
)

const server = "6f1f2f5e-6a53-4a34-9d0f-1f6a2b3c4d5e"

func drawCount(t *rapid.T) license.Count {
	if n := rapid.Int64Range(-2, 3).Draw(t, "count"); n >= 0 {
		return license.Of(n)
	}
	return license.Count{}
}

// drawCounts draws an array in any of the forms that the wire allows.
func drawCounts(t *rapid.T, instants int) wire.Counts {
	n := rapid.SampledFrom([]int{0, 1, instants}).Draw(t, "values")
	var c wire.Counts
	for range n {
		c = append(c, drawCount(t))
	}
	return c
}

func drawPool(t *rapid.T, feature string, instants int) wire.SampledPool {
	p := wire.SampledPool{
		PoolKey: wire.PoolKey{Feature: feature}, State: "counted",
		InUse: drawCounts(t, instants), Installed: drawCounts(t, instants), Reserved: drawCounts(t, instants),
		Borrowed: drawCounts(t, instants), Queued: drawCounts(t, instants), Overdraft: drawCounts(t, instants),
	}
	switch rapid.IntRange(0, 9).Draw(t, "oddity") {
	case 0:
		p.Vendor = "adskflex"
	case 1:
		p.State = "error"
	case 2:
		p.Reason = "cannot connect"
	}
	return p
}

// drawSamples draws a reading, or a run of them, that begins about the instant
// at and returns the instant after its last.
func drawSamples(t *rapid.T, at int64) (*wire.Samples, int64) {
	s := &wire.Samples{Interval: 300, Complete: true, Source: "flexnet"}
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 4}).Draw(t, "instants") {
		s.At = append(s.At, at)
		at += rapid.Int64Range(1, 3).Draw(t, "step")
	}
	for _, feature := range rapid.SampledFrom([][]string{{"a", "b"}, {"a", "b"}, {"a", "b"}, {"b"}, {}}).Draw(t, "features") {
		s.Pools = append(s.Pools, drawPool(t, feature, len(s.At)))
	}
	switch rapid.IntRange(0, 14).Draw(t, "kind") {
	case 0:
		s.Complete = false
	case 1:
		s.Imported = true
	case 2:
		s.Source = "file"
	case 3:
		s.Own = true
	case 4:
		s.OffsetMS = 7000
	case 5:
		s.Interval = 900
	}
	return s, at
}

// A log is what the generator remembers of a pool's log, so that spans often
// go on where the last one ended.
type logState struct{ at, level int64 }

func drawEvents(t *rapid.T, logs map[string]logState) *wire.Events {
	feature := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "feature")
	log := logs[feature]
	if rapid.IntRange(0, 5).Draw(t, "break") == 0 {
		log = logState{at: log.at + rapid.Int64Range(0, 3).Draw(t, "hole"), level: rapid.Int64Range(0, 3).Draw(t, "level")}
	}
	e := &wire.Events{
		PoolKey: wire.PoolKey{Feature: feature}, Exact: rapid.IntRange(0, 9).Draw(t, "exact") > 0,
		From: log.at, To: log.at + rapid.Int64Range(1, 12).Draw(t, "seconds"), Start: log.level,
	}
	plain := rapid.Bool().Draw(t, "plain")
	for s := e.From; s < e.To; s++ {
		if rapid.IntRange(0, 2).Draw(t, "event") > 0 {
			continue
		}
		v := rapid.Int64Range(0, 3).Draw(t, "in use")
		e.At, e.InUse = append(e.At, s), append(e.InUse, v)
		if !plain {
			e.High = append(e.High, v+rapid.Int64Range(0, 1).Draw(t, "above"))
		}
		log.level = v
	}
	log.at = e.To
	logs[feature] = log
	return e
}

// drawMaxima draws maxima that often go on where the last ones ended.
func drawMaxima(t *rapid.T, files map[string]int64) *wire.Maxima {
	feature := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "feature")
	m := &wire.Maxima{PoolKey: wire.PoolKey{Feature: feature}, Imported: rapid.IntRange(0, 5).Draw(t, "imported") > 0}
	at := files[feature] + rapid.Int64Range(-1, 2).Draw(t, "hole")
	for range rapid.IntRange(1, 3).Draw(t, "times") {
		m.From = append(m.From, at)
		at += rapid.Int64Range(1, 900).Draw(t, "seconds")
		m.To, m.InUse = append(m.To, at), append(m.InUse, rapid.Int64Range(0, 3).Draw(t, "in use"))
		at += rapid.Int64Range(0, 1).Draw(t, "hole within")
	}
	files[feature] = at
	return m
}

// drawRecords draws what consecutive readings bring. The times go ahead, and
// sometimes not.
func drawRecords(t *rapid.T) []wire.Record {
	var records []wire.Record
	logs := map[string]logState{"a": {at: noon.Unix()}, "b": {at: noon.Unix()}}
	files := map[string]int64{"a": noon.Unix(), "b": noon.Unix()}
	at := noon.Unix()
	for range rapid.IntRange(0, 25).Draw(t, "records") {
		switch rapid.SampledFrom([]string{"samples", "samples", "samples", "samples", "events", "events", "maxima", "maxima", "failed", "denial", "gap", "server", "holders"}).Draw(t, "record") {
		case "samples":
			if rapid.IntRange(0, 9).Draw(t, "clock set back") == 0 {
				at -= 2
			}
			var s *wire.Samples
			s, at = drawSamples(t, at)
			records = append(records, s)
		case "events":
			records = append(records, drawEvents(t, logs))
		case "maxima":
			records = append(records, drawMaxima(t, files))
		case "failed":
			records = append(records, &wire.Failed{At: at, Reason: "timeout"})
		case "denial":
			records = append(records, &wire.Denial{PoolKey: wire.PoolKey{Feature: "a"}, At: at, User: "u", Reason: "none left", Count: 1})
		case "gap":
			records = append(records, &wire.Gap{From: at, To: at, Reason: "spool full"})
		case "server":
			records = append(records, &wire.ServerRecord{At: at, ServerInfo: wire.ServerInfo{GUID: server, Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name")}})
		case "holders":
			records = append(records, &wire.Holders{At: at, Holders: []wire.Holder{{User: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "user")}}})
		}
	}
	return records
}

// newestOnly leaves out the facts of which only the newest counts.
func newestOnly(records []wire.Record) []wire.Record {
	server, holders := -1, -1
	for i, r := range records {
		switch r.(type) {
		case *wire.ServerRecord:
			server = i
		case *wire.Holders:
			holders = i
		}
	}
	var out []wire.Record
	for i, r := range records {
		switch r.(type) {
		case *wire.ServerRecord:
			if i != server {
				continue
			}
		case *wire.Holders:
			if i != holders {
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

func TestMergedRecordsMeanTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t)
		want := meaningOf(t, newestOnly(records))
		before := meaningOf(t, records)
		merged := upload.Merge(records)
		if d := meaningOf(t, merged).differs(want); d != "" {
			t.Errorf("merged:\n%s", d)
		}
		if len(merged) > len(records) {
			t.Errorf("%d records became %d", len(records), len(merged))
		}
		if d := meaningOf(t, records).differs(before); d != "" {
			t.Errorf("merging changed its input:\n%s", d)
		}
		if again := upload.Merge(merged); len(again) != len(merged) {
			t.Errorf("%d records, merged once more, are %d", len(merged), len(again))
		}
	})
}

// reading is a reading of two pools at noon plus so many minutes.
func reading(minutes, inUse int64) *wire.Samples {
	return &wire.Samples{
		At: []int64{noon.Unix() + 60*minutes}, Interval: 300, Complete: true, Source: "flexnet",
		Pools: []wire.SampledPool{
			{PoolKey: wire.PoolKey{Feature: "a"}, State: "counted", InUse: wire.Counts{license.Of(inUse)}, Installed: wire.Counts{license.Of(10)}},
			{PoolKey: wire.PoolKey{Feature: "b"}, State: "uncounted", InUse: wire.Counts{{}}},
		},
	}
}

func TestConsecutiveReadingsBecomeOneRun(t *testing.T) {
	var records []wire.Record
	for i := range int64(100) {
		records = append(records, reading(5*i, i%7), &wire.Holders{At: noon.Unix() + 300*i})
	}
	merged := upload.Merge(records)
	if len(merged) != 2 {
		t.Fatalf("100 readings with holders became %d records, want a run and the newest holders", len(merged))
	}
	for _, r := range merged {
		run, ok := r.(*wire.Samples)
		if !ok {
			continue
		}
		a, b := run.Pools[0], run.Pools[1]
		if len(run.At) != 100 || len(a.InUse) != 100 || len(a.Installed) != 1 || len(b.InUse) != 0 {
			t.Errorf("the run has %d instants, arrays of %d, %d and %d values; want 100, 100, 1 (all the same) and 0 (all unknown)",
				len(run.At), len(a.InUse), len(a.Installed), len(b.InUse))
		}
	}
}

func TestSpansOfALogAreJoined(t *testing.T) {
	var records []wire.Record
	at := noon.Unix()
	for i := range int64(50) {
		records = append(records, &wire.Events{
			PoolKey: wire.PoolKey{Feature: "a"}, Exact: true, From: at + 10*i, To: at + 10*i + 10, Start: i,
			At: []int64{at + 10*i + 9}, InUse: []int64{i + 1}, High: []int64{i + 1},
		})
	}
	merged := upload.Merge(records)
	if len(merged) != 1 {
		t.Fatalf("50 spans that follow each other became %d", len(merged))
	}
	if e := merged[0].(*wire.Events); len(e.At) != 50 || e.To-e.From != 500 || e.High != nil {
		t.Errorf("joined: %d events in %d seconds, highest values %v; want 50 in 500 and no highest values", len(e.At), e.To-e.From, e.High)
	}
}

func TestMaximaOfAPoolAreJoined(t *testing.T) {
	var records []wire.Record
	for i := range int64(50) {
		from := noon.Unix() + 900*i
		records = append(records, &wire.Maxima{PoolKey: wire.PoolKey{Feature: "a"}, Imported: true, From: []int64{from}, To: []int64{from + 900}, InUse: []int64{i}})
	}
	merged := upload.Merge(records)
	if len(merged) != 1 {
		t.Fatalf("50 maxima that follow each other became %d records, want one", len(merged))
	}
	if again := upload.Merge([]wire.Record{records[0], records[0]}); len(again) != 2 {
		t.Errorf("the same maximum twice became %d records, want two: a list may not overlap", len(again))
	}
}

// What a broken reader says is for the hub to refuse, not to crash on.
func TestMergeSurvivesWhatNoReaderShouldSay(t *testing.T) {
	empty := &wire.Samples{Interval: 300, Complete: true, Source: "flexnet"}
	merged := upload.Merge([]wire.Record{empty, reading(0, 1), empty, reading(5, 2), empty})
	if len(merged) != 4 {
		t.Errorf("%d records, want three empty ones and a run of two", len(merged))
	}
	uneven := &wire.Maxima{From: []int64{1, 2}, To: []int64{2}}
	if merged := upload.Merge([]wire.Record{uneven, uneven, &wire.Maxima{}}); len(merged) != 3 {
		t.Errorf("%d records, want the broken maxima as they were", len(merged))
	}
	if _, _, ok := upload.Split([]wire.Record{uneven}); ok {
		t.Error("maxima without ends were divided")
	}
}

func TestPartsOfADivisionMeanTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t)
		if rapid.Bool().Draw(t, "merged") {
			records = upload.Merge(records)
		}
		var leaves []wire.Record
		var divide func(part []wire.Record)
		divide = func(part []wire.Record) {
			first, second, ok := upload.Split(part)
			if !ok {
				leaves = append(leaves, part...)
				return
			}
			if len(first) == 0 || len(second) == 0 {
				t.Fatalf("half of %d records is nothing", len(part))
			}
			divide(first)
			divide(second)
		}
		divide(records)
		if d := meaningOf(t, leaves).differs(meaningOf(t, records)); d != "" {
			t.Errorf("divided as far as possible:\n%s", d)
		}
		for _, r := range leaves {
			if s, ok := r.(*wire.Samples); ok && len(s.At) > 1 {
				t.Errorf("a run of %d instants was not divided", len(s.At))
			}
			if e, ok := r.(*wire.Events); ok && len(e.At) > 1 {
				t.Errorf("a span of %d events was not divided", len(e.At))
			}
			if m, ok := r.(*wire.Maxima); ok && len(m.From) > 1 {
				t.Errorf("a list of %d maxima was not divided", len(m.From))
			}
		}
	})
}

func TestSpanOfMoreDaysThanABatchHoldsIsDivided(t *testing.T) {
	from := noon.AddDate(-5, 0, 0).Unix()
	whole := &wire.Events{PoolKey: wire.PoolKey{Feature: "a"}, Exact: true, From: from, To: noon.Unix(), Start: 1, At: []int64{from + 5}, InUse: []int64{2}}
	first, second, ok := upload.Split([]wire.Record{whole})
	if !ok {
		t.Fatal("a span of five years with one event was not divided")
	}
	a, b := first[0].(*wire.Events), second[0].(*wire.Events)
	if a.From != from || a.To != b.From || b.To != noon.Unix() || b.Start != 2 || len(a.At) != 1 || len(b.At) != 0 {
		t.Errorf("halves %+v and %+v", a, b)
	}
}

func TestPartsOfAssignmentsNameTheSame(t *testing.T) {
	premium, standard := wire.PoolKey{Feature: "XDT_PLT_UD"}, wire.PoolKey{Feature: "XDT_STD_UD"}
	whole := &wire.Assignments{
		At: noon.Unix(), Complete: true, LastIs: license.LastRequest,
		Assigned: []wire.Assigned{
			{PoolKey: premium, Who: license.AssignedUser, Names: []string{"a", "b", "c"}, Last: []int64{1, 2, 3}},
			{PoolKey: standard, Who: license.AssignedDevice, Names: []string{"d"}},
		},
		Ended: []wire.Assigned{{PoolKey: premium, Who: license.AssignedUser, Names: []string{"e"}}},
	}
	var said []string
	complete := 0
	var divide func(part []wire.Record)
	divide = func(part []wire.Record) {
		if first, second, ok := upload.Split(part); ok {
			divide(first)
			divide(second)
			return
		}
		a := part[0].(*wire.Assignments)
		if a.Complete {
			complete++
		}
		for i, lists := range [][]wire.Assigned{a.Assigned, a.Ended} {
			for _, l := range lists {
				if len(l.Names) != 1 || a.LastIs != license.LastRequest {
					t.Errorf("part %+v", a)
				}
				said = append(said, fmt.Sprintf("%d %s %s %v %v", i, l.Feature, l.Who, l.Names, l.Last))
			}
		}
	}
	divide([]wire.Record{whole})
	want := []string{"0 XDT_PLT_UD user [a] [1]", "0 XDT_PLT_UD user [b] [2]", "0 XDT_PLT_UD user [c] [3]", "0 XDT_STD_UD device [d] []", "1 XDT_PLT_UD user [e] []"}
	if !slices.Equal(said, want) || complete != 1 {
		t.Errorf("said %q, %d times complete, want %q and once", said, complete, want)
	}
}

func TestOfHowSourcesStandTheNewestIsKept(t *testing.T) {
	merged := upload.Merge([]wire.Record{
		&wire.Sources{At: 1, Sources: []wire.Source{{Name: "a"}}}, &wire.Failed{At: 2}, &wire.Sources{At: 3, Sources: []wire.Source{{Name: "b"}}},
	})
	if s, ok := merged[0].(*wire.Sources); len(merged) != 2 || !ok || s.At != 3 {
		t.Errorf("merged to %+v, want the newer one in the place of the older", merged)
	}
}

// In a batch only the newest of what a server is counts, but no change of how
// names leave is lost.
func TestChangesOfNamesOutliveMerging(t *testing.T) {
	says := func(at int64, mode string) *wire.ServerRecord {
		r := &wire.ServerRecord{At: at}
		if mode != "" {
			r.Names = &wire.NamesInfo{Mode: mode, Since: at / 100}
		}
		return r
	}
	var got []int64
	for _, r := range upload.Merge([]wire.Record{
		says(100, ""), says(150, ""), says(200, wire.NamesNone), says(250, wire.NamesNone), says(300, wire.NamesClear),
	}) {
		got = append(got, r.(*wire.ServerRecord).At)
	}
	if want := []int64{150, 250, 300}; !slices.Equal(got, want) {
		t.Errorf("the records of %v are kept, want %v", got, want)
	}
}
