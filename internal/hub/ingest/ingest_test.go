package ingest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/license"
	"headroom/internal/series"
	"headroom/internal/wire"
)

func TestBatchIsStoredOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var first string
		for i, want := range []string{wire.ReceiptStored, wire.ReceiptKnown, wire.ReceiptKnown} {
			if got := w.take(t, 1, reading(noon, 3, 5)); got != want {
				t.Errorf("upload %d: receipt %q, want %q", i+1, got, want)
			}
			history := w.history(t, w.server(t).ID)
			if first == "" {
				first = history
			}
			if d := cmp.Diff(history, first); d != "" {
				t.Errorf("upload %d changed the history (-got +first):\n%s", i+1, d)
			}
		}
		want := []series.Sample{
			{At: noon, State: license.StateCounted, InUse: license.Of(3), Installed: license.Of(20)},
			{At: noon + 300, State: license.StateCounted, InUse: license.Of(5), Installed: license.Of(20)},
		}
		days := w.days(t, w.server(t).ID)
		if len(days) != 1 || len(days[0].Pools) != 1 {
			t.Fatalf("days %v, want one day of one pool", days)
		}
		if d := cmp.Diff(days[0].Pools[0].Samples, want); d != "" {
			t.Errorf("samples (-got +want):\n%s", d)
		}
	})
}

func TestAnotherContentUnderAnIdentityIsAFork(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.take(t, 1, reading(noon, 3))
		before := w.history(t, w.server(t).ID)
		_, err := w.Take(t.Context(), w.agent, epoch, 1, batch(t, 1, reading(noon, 19)))
		if fault.KindOf(err) != fault.Conflict {
			t.Errorf("error %v, want a fault.Conflict", err)
		}
		if got := w.server(t).Forked; !got.Equal(w.Now()) {
			t.Errorf("the fork is told of as of %v, want %v", got, w.Now())
		}
		if d := cmp.Diff(w.history(t, w.server(t).ID), before); d != "" {
			t.Errorf("the fork changed the history (-got +before):\n%s", d)
		}
	})
}

func TestBatchNeedsAnApprovedServerOfItsAgent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		other := ingest.Agent{Org: w.agent.Org, ID: storetest.Admit(t, db, w.agent.Org, "other", now, "another-server")}
		for name, c := range map[string]struct {
			agent  ingest.Agent
			server string
		}{
			"another agent's server":        {other, guid},
			"nobody's server":               {w.agent, "no-such-server"},
			"another organisation's server": {ingest.Agent{Org: w.agent.Org + 1, ID: w.agent.ID}, guid},
		} {
			_, err := w.Take(t.Context(), c.agent, epoch, 1, batchOf(t, c.server, 1, reading(noon, 3)))
			if fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s: error %v, want a fault.NotFound", name, err)
			}
		}
		if got := w.history(t, w.serverID(t, guid)); got != "" {
			t.Errorf("a refused batch left %s", got)
		}
		if complete, err := w.Complete(t.Context(), w.agent); err != nil || len(complete) != 0 {
			t.Errorf("Complete = %v, %v, want none: a batch that waits for approval is to come again", complete, err)
		}
	})
}

// serverID returns the number of a license server by its GUID.
func (w *world) serverID(t *testing.T, guid string) int64 {
	t.Helper()
	all, err := w.db.Servers(t.Context(), w.agent.Org)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.GUID == guid {
			return s.ID
		}
	}
	t.Fatalf("no license server %s", guid)
	return 0
}

func TestBatchOfARemovedServerIsDiscarded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.take(t, 1, reading(noon, 3))
		if err := db.RemoveAgent(t.Context(), w.agent.ID, audit.Entry{Org: w.agent.Org, At: now}); err != nil {
			t.Fatal(err)
		}
		before := w.history(t, w.server(t).ID)
		if got := w.take(t, 2, reading(noon+300, 19)); got != wire.ReceiptDiscarded {
			t.Errorf("receipt %q, want %q", got, wire.ReceiptDiscarded)
		}
		if d := cmp.Diff(w.history(t, w.server(t).ID), before); d != "" {
			t.Errorf("a discarded batch changed the history (-got +before):\n%s", d)
		}
		complete, err := w.Complete(t.Context(), w.agent)
		if err != nil || complete[epoch] != 3 {
			t.Errorf("Complete = %v, %v, want 3: what is discarded is there", complete, err)
		}
	})
}

func TestCompleteIsWhereTheFirstBatchIsMissing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		gone := &wire.Gap{From: noon, To: noon, Reason: "spool full", Batch: &wire.BatchID{Epoch: epoch, Seq: 2}}
		for i, c := range []struct {
			seq    uint64
			record wire.Record
			want   uint64
		}{
			{3, reading(noon, 1), 1},
			{1, reading(noon, 2), 2},
			{5, reading(noon, 3), 2},
			{4, gone, 6}, // 2 will never come
			{4, gone, 6},
			{7, reading(noon, 4), 6},
		} {
			w.take(t, c.seq, c.record)
			complete, err := w.Complete(t.Context(), w.agent)
			if err != nil || complete[epoch] != c.want {
				t.Errorf("step %d: after batch %d Complete = %v, %v, want %d", i+1, c.seq, complete, err, c.want)
			}
		}
		body, err := wire.EncodeBatch(wire.BatchHeader{
			Epoch: epoch, Seq: 8, Server: guid, MadeAt: noon, Replaces: []wire.BatchID{{Epoch: epoch, Seq: 6}},
		}, reading(noon, 5))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Take(t.Context(), w.agent, epoch, 8, body); err != nil {
			t.Fatal(err)
		}
		if complete, err := w.Complete(t.Context(), w.agent); err != nil || complete[epoch] != 9 {
			t.Errorf("after 8 replaced 6 Complete = %v, %v, want 9", complete, err)
		}
	})
}

func TestServerShowsWhatItsBatchesSay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.take(t, 1, &wire.Failed{At: noon - 600, Reason: "timeout"})
		s := w.server(t)
		if !s.LastReported.IsZero() || s.FailedAt.Unix() != noon-600 || s.Failure != "timeout" || !s.LastContact.Equal(now) {
			t.Errorf("after a failure: reported %v, failed %v (%s), contact %v; want never, %v, %v",
				s.LastReported, s.FailedAt, s.Failure, s.LastContact, noon-600, now)
		}
		w.take(t, 2, reading(noon-300, 3), &wire.ServerRecord{At: noon, ServerInfo: wire.ServerInfo{
			GUID: guid, Name: "lic01", Hosts: []string{"a", "b"}, Manager: "flexnet", Version: "11.19",
		}})
		w.take(t, 3, &wire.Failed{At: noon - 500, Reason: "late news"}, &wire.ServerRecord{At: noon - 86400, ServerInfo: wire.ServerInfo{GUID: guid, Name: "old name"}})
		s = w.server(t)
		if !s.LastReported.Equal(now) || s.LastReading.Unix() != noon-300 || !s.FailedAt.IsZero() || s.Failure != "" {
			t.Errorf("after a reading: reported %v, reading %v, failed %v (%s); want %v, %v, no failure",
				s.LastReported, s.LastReading.Unix(), s.FailedAt, s.Failure, now, noon-300)
		}
		if s.Name != "lic01" || s.Server.Version != "11.19" || len(s.Hosts) != 2 {
			t.Errorf("server %q version %q hosts %v, want what was said last", s.Name, s.Server.Version, s.Hosts)
		}
		imported := reading(noon-86400, 3)
		imported.Imported = true
		was := s
		now2 := now.Add(time.Hour)
		w.Now = func() time.Time { return now2 }
		w.take(t, 4, imported)
		if s = w.server(t); !s.LastReported.Equal(was.LastReported) || !s.LastReading.Equal(was.LastReading) {
			t.Errorf("imported history moved reported to %v and reading to %v", s.LastReported, s.LastReading)
		}
		was.LastContact = now2
		if d := cmp.Diff(s.Server, was.Server); d != "" {
			t.Errorf("imported history changed more than the contact (-got +want):\n%s", d)
		}
	})
}

func TestOwnStampsAreCorrectedByTheClock(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	const twoHours = 7_200_000
	for i, c := range []struct {
		own    bool
		offset int64
		want   int64
	}{
		{true, -twoHours, noon - 7200},
		{false, -twoHours, noon},         // the source's clock is never touched
		{true, 300_000, noon},            // five minutes are no reason
		{true, 301_000, noon + 301},      //
		{true, twoHours, noon + 7200},    //
		{true, -300_999, noon - 300},     // whole seconds, towards zero
		{true, 86_400_000, noon + 86400}, // exactly a day in the future still is believed
	} {
		r := reading(noon, 3)
		r.Own, r.OffsetMS = c.own, c.offset
		r.Pools[0].Feature = fmt.Sprintf("case %d", i)
		w.take(t, uint64(i+1), r)
		got := int64(0)
		pools, err := w.db.Pools(t.Context(), w.agent.Org)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pools {
			if p.Key.Feature == r.Pools[0].Feature {
				got = p.First
			}
		}
		if got != c.want {
			t.Errorf("own clock %v, offset %d ms: taken at %d, want %d", c.own, c.offset, got, c.want)
		}
	}
}

func TestReadingHoldsTwiceItsInterval(t *testing.T) {
	for interval, want := range map[int64]int64{0: 1800, 300: 1800, 900: 1800, 901: 1802, 3600: 7200, 43200: 86400, 1 << 62: 86400} {
		w := newWorld(t, storetest.New(t))
		r := reading(noon, 3)
		r.Interval = interval
		w.take(t, 1, r)
		if got := w.days(t, w.server(t).ID)[0].Rounds[0].Hold; got != want {
			t.Errorf("interval %d: holds %d seconds, want %d", interval, got, want)
		}
	}
}

// A batch that was taken once is there, whatever today's rules say of it.
func TestTakenBatchStaysTaken(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	w.take(t, 1, reading(noon, 3))
	w.Now = func() time.Time { return now.Add(-72 * time.Hour) } // the hub's clock was set right
	if got := w.take(t, 1, reading(noon, 3)); got != wire.ReceiptKnown {
		t.Errorf("receipt %q, want %q", got, wire.ReceiptKnown)
	}
	if _, err := w.Take(t.Context(), w.agent, epoch, 2, batch(t, 2, reading(noon, 3))); fault.KindOf(err) != fault.Invalid {
		t.Errorf("new batch from three days ahead: error %v, want a fault.Invalid", err)
	}
}

func TestRefusalNamesLineFeatureAndMend(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	samples := func(change func(*wire.Samples)) wire.Record {
		r := reading(noon, 3, 4)
		change(r)
		return r
	}
	events := func(change func(*wire.Events)) wire.Record {
		r := &wire.Events{PoolKey: wire.PoolKey{Feature: "solid"}, From: noon, To: noon + 100, At: []int64{noon + 1}, InUse: []int64{2}, High: []int64{3}}
		change(r)
		return r
	}
	maxima := func(change func(*wire.Maxima)) wire.Record {
		r := &wire.Maxima{PoolKey: wire.PoolKey{Feature: "solid"}, From: []int64{noon, noon + 900}, To: []int64{noon + 900, noon + 1800}, InUse: []int64{3, 4}}
		change(r)
		return r
	}
	long := strings.Repeat("x", wire.MaxName+1)
	for name, c := range map[string]struct {
		record wire.Record
		kind   fault.Kind
		says   []string
	}{
		"no instant":        {samples(func(r *wire.Samples) { r.At = nil }), fault.Invalid, []string{"no instant"}},
		"not ascending":     {samples(func(r *wire.Samples) { r.At[1] = r.At[0] }), fault.Invalid, []string{"instant 2", "order of time"}},
		"in the future":     {reading(noon+86401, 3), fault.Invalid, []string{"future", "clock"}},
		"corrected too far": {samples(func(r *wire.Samples) { r.Own, r.OffsetMS = true, 86_401_000 }), fault.Invalid, []string{"future"}},
		"absurd offset":     {samples(func(r *wire.Samples) { r.OffsetMS = 1 << 62 }), fault.Invalid, []string{"offset"}},
		"in milliseconds":   {reading(1000*noon, 3), fault.Invalid, []string{"future"}},
		"before 1990":       {reading(1, 3), fault.Invalid, []string{"1990", "Unix seconds"}},
		"negative":          {samples(func(r *wire.Samples) { r.Pools[0].InUse[1] = license.Of(-1) }), fault.Invalid, []string{"of solid", "-1 licenses in use", "null"}},
		"unbelievable":      {samples(func(r *wire.Samples) { r.Pools[0].Installed[0] = license.Of(1 << 62) }), fault.Invalid, []string{"of solid", "installed", "not believable"}},
		"array too short":   {reading2(3, 2), fault.Invalid, []string{"of solid", "2 values of in use for 3 instants"}},
		"array too long":    {reading2(2, 3), fault.Invalid, []string{"3 values of in use for 2 instants"}},
		"unknown state":     {samples(func(r *wire.Samples) { r.Pools[0].State = "sleeping" }), fault.Invalid, []string{"of solid", "sleeping", "update the hub"}},
		"no feature":        {samples(func(r *wire.Samples) { r.Pools[0].Feature = "" }), fault.Invalid, []string{"without a feature"}},
		"long feature":      {samples(func(r *wire.Samples) { r.Pools[0].Feature = long }), fault.Invalid, []string{"513 bytes", "cut it to 512"}},
		"NUL":               {samples(func(r *wire.Samples) { r.Pools[0].Feature = "a\x00b" }), fault.Invalid, []string{"NUL"}},
		"named twice":       {samples(func(r *wire.Samples) { r.Pools = append(r.Pools, r.Pools[0]) }), fault.Invalid, []string{"of solid", "named twice"}},
		"many values":       {many(wire.MaxPoints/10+1, 10), fault.TooLarge, []string{"values", "divide"}},
		"many days":         {manyDays(wire.MaxDays + 1), fault.TooLarge, []string{"days", "divide"}},
		"span backwards":    {events(func(r *wire.Events) { r.To = r.From }), fault.Invalid, []string{"of solid", "before a second"}},
		"event outside":     {events(func(r *wire.Events) { r.At[0] = r.To }), fault.Invalid, []string{"outside of its span"}},
		"missing value":     {events(func(r *wire.Events) { r.InUse = nil }), fault.Invalid, []string{"1 instants, 0 values"}},
		"high too low":      {events(func(r *wire.Events) { r.High[0] = 1 }), fault.Invalid, []string{"never had more than 1"}},
		"negative start":    {events(func(r *wire.Events) { r.Start = -1 }), fault.Invalid, []string{"-1 licenses"}},
		"long span":         {events(func(r *wire.Events) { r.From -= 86400 * wire.MaxDays }), fault.TooLarge, []string{"days in one record"}},
		"no time":           {maxima(func(r *wire.Maxima) { r.From, r.To, r.InUse = nil, nil, nil }), fault.Invalid, []string{"maxima of solid", "no time"}},
		"missing end":       {maxima(func(r *wire.Maxima) { r.To = r.To[:1] }), fault.Invalid, []string{"maxima of solid", "2 starts, 1 ends and 2 values"}},
		"missing maximum":   {maxima(func(r *wire.Maxima) { r.InUse = nil }), fault.Invalid, []string{"2 starts, 2 ends and 0 values"}},
		"no second":         {maxima(func(r *wire.Maxima) { r.To[0] = r.From[0] }), fault.Invalid, []string{"maxima of solid", "time 1 ends", "before a second"}},
		"overlapping":       {maxima(func(r *wire.Maxima) { r.To[0]++ }), fault.Invalid, []string{"maxima of solid", "time 2 starts", "in order"}},
		"starts too early":  {maxima(func(r *wire.Maxima) { r.From[0] = 1 }), fault.Invalid, []string{"the start", "1990"}},
		"ends too late":     {maxima(func(r *wire.Maxima) { r.To[1] = noon + 86401 }), fault.Invalid, []string{"the end", "future"}},
		"negative maximum":  {maxima(func(r *wire.Maxima) { r.InUse[1] = -1 }), fault.Invalid, []string{"maxima of solid", "-1 licenses in use"}},
		"maximum's clock":   {maxima(func(r *wire.Maxima) { r.OffsetMS = 1 << 62 }), fault.Invalid, []string{"offset"}},
		"maximum of nobody": {maxima(func(r *wire.Maxima) { r.Feature = "" }), fault.Invalid, []string{"without a feature"}},
		"long daemon":       {maxima(func(r *wire.Maxima) { r.Vendor = long }), fault.Invalid, []string{"513 bytes"}},
		"long maximum":      {maxima(func(r *wire.Maxima) { r.From[0] -= 86400 * wire.MaxDays }), fault.Invalid, []string{"maxima of solid", "1000 days", "shorter"}},
		"maxima, many days": {manyMaxima(wire.MaxDays, 86400), fault.TooLarge, []string{"days", "divide"}},
		"failure later":     {&wire.Failed{At: noon + 90000}, fault.Invalid, []string{"future"}},
		"long reason":       {&wire.Failed{At: noon, Reason: long}, fault.Invalid, []string{"513 bytes"}},
		"holder's kind":     {&wire.Holders{At: noon, Holders: []wire.Holder{{PoolKey: wire.PoolKey{Feature: "solid"}, How: "dreaming"}}}, fault.Invalid, []string{"of solid", "dreaming"}},
		"denied somehow":    {&wire.Denial{PoolKey: wire.PoolKey{Feature: "solid"}, At: noon, Count: 1, Outcome: "shrugged"}, fault.Invalid, []string{"of solid", "shrugged"}},
		"denied for ever":   {&wire.Denial{PoolKey: wire.PoolKey{Feature: "solid"}, At: noon, Count: 1, Last: noon + 1e6}, fault.Invalid, []string{"of solid", "last refusal"}},
		"denied 0 times":    {&wire.Denial{PoolKey: wire.PoolKey{Feature: "solid"}, At: noon}, fault.Invalid, []string{"of solid", "0 times"}},
		"gap backwards":     {&wire.Gap{From: noon, To: noon - 1}, fault.Invalid, []string{"end not before"}},
		"gap of no batch":   {&wire.Gap{From: noon, To: noon, Batch: &wire.BatchID{Epoch: epoch}}, fault.Invalid, []string{"sequence 0"}},
		"another server":    {&wire.ServerRecord{At: noon, ServerInfo: wire.ServerInfo{GUID: "other"}}, fault.Invalid, []string{"one server"}},
		"port":              {&wire.ServerRecord{At: noon, ServerInfo: wire.ServerInfo{GUID: guid, Port: 70000}}, fault.Invalid, []string{"70000"}},
	} {
		t.Run(name, func(t *testing.T) {
			good := reading(noon, 1)
			_, err := w.Take(t.Context(), w.agent, epoch, 1, batch(t, 1, good, c.record))
			if fault.KindOf(err) != c.kind {
				t.Fatalf("error %v, want a fault of kind %d", err, c.kind)
			}
			says := fault.Message(err)
			if name != "gap of no batch" {
				c.says = append(c.says, "line 3")
			}
			for _, want := range c.says {
				if !strings.Contains(says, want) {
					t.Errorf("refused with %q, want %q in it", says, want)
				}
			}
		})
	}
	if got := w.history(t, w.server(t).ID); got != "" {
		t.Errorf("refused batches left %s", got)
	}
}

// reading2 has a number of values for another number of instants.
func reading2(instants, values int) *wire.Samples {
	r := reading(noon, make([]int64, values)...)
	r.At = nil
	for i := range instants {
		r.At = append(r.At, noon+int64(i))
	}
	return r
}

// many is a run of many pools and instants that is small on the wire.
func many(instants, pools int) *wire.Samples {
	r := &wire.Samples{Source: "test"}
	for i := range instants {
		r.At = append(r.At, noon-int64(instants)+int64(i))
	}
	for i := range pools {
		r.Pools = append(r.Pools, wire.SampledPool{PoolKey: wire.PoolKey{Feature: fmt.Sprint(i)}, State: "counted", InUse: wire.Counts{license.Of(1)}})
	}
	return r
}

// manyDays is a run with one instant a day.
func manyDays(days int) *wire.Samples {
	r := many(days, 1)
	for i := range r.At {
		r.At[i] = noon - int64(days-i)*86400
	}
	return r
}

// manyMaxima are maxima that touch each other, of so many seconds each.
func manyMaxima(n int, seconds int64) *wire.Maxima {
	r := &wire.Maxima{PoolKey: wire.PoolKey{Feature: "solid"}, InUse: make([]int64, n)}
	for i := range n {
		from := noon - int64(n-i)*seconds
		r.From, r.To = append(r.From, from), append(r.To, from+seconds)
	}
	return r
}

// What a source tells of times is kept as it is told; what crosses a midnight
// is divided and is not whole any more.
func TestMaximaAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		midnight := noon - noon%86400
		history := &wire.Maxima{
			PoolKey: wire.PoolKey{Feature: "XDT_PLT_CCS"}, Vendor: "CITRIX", Imported: true, OffsetMS: 7_200_000,
			From: []int64{midnight - 1800, midnight - 900, midnight + 1800}, To: []int64{midnight - 900, midnight + 900, midnight + 2700},
			InUse: []int64{412, 430, 0},
		}
		w.take(t, 1, history)
		if s := w.server(t); !s.LastReported.IsZero() || !s.LastReading.IsZero() {
			t.Errorf("imported maxima moved reported to %v and reading to %v", s.LastReported, s.LastReading)
		}
		live := &wire.Maxima{PoolKey: history.PoolKey, Vendor: "CITRIX", From: []int64{noon - 900}, To: []int64{noon}, InUse: []int64{57}}
		w.take(t, 2, live, history) // a usage file is read again as it grows
		if s := w.server(t); !s.LastReported.Equal(now) || s.LastReading.Unix() != noon {
			t.Errorf("after live maxima: reported %v, reading %v; want %v, %v", s.LastReported, s.LastReading, now, noon)
		}
		pools, err := db.Pools(t.Context(), w.agent.Org)
		if err != nil {
			t.Fatal(err)
		}
		if len(pools) != 1 || pools[0].First != midnight-1800 || pools[0].Vendor != "CITRIX" {
			t.Errorf("pools %+v, want one of CITRIX from %d on", pools, midnight-1800)
		}
		var got []series.Maximum
		for _, day := range w.days(t, w.server(t).ID) {
			for _, p := range day.Pools {
				got = append(got, p.Maxima...)
			}
		}
		want := []series.Maximum{
			{From: midnight - 1800, To: midnight - 900, InUse: 412, Whole: true, Imported: true},
			{From: midnight - 900, To: midnight, InUse: 430, Imported: true},
			{From: midnight, To: midnight + 900, InUse: 430, Imported: true},
			{From: midnight + 1800, To: midnight + 2700, InUse: 0, Whole: true, Imported: true},
			{From: noon - 900, To: noon, InUse: 57, Whole: true},
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("maxima (-got +want):\n%s", d)
		}
	})
}

// A maximum counts once for each day that it touches, whatever else the batch
// holds.
func TestMaximaCountAgainstTheLimit(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	rest := many(wire.MaxPoints/10-1, 10) // 10 less than the limit
	if _, err := w.Take(t.Context(), w.agent, epoch, 1, batch(t, 1, rest, manyMaxima(6, 86400))); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("6 maxima of two days each with room for 10 values: error %v, want a fault.TooLarge", err)
	}
	if got := w.take(t, 1, rest, manyMaxima(5, 86400)); got != wire.ReceiptStored {
		t.Errorf("5 of them: receipt %q, want %q", got, wire.ReceiptStored)
	}
}

func TestBatchMustAgreeWithItsPath(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	for name, c := range map[string]struct {
		epoch string
		seq   uint64
		body  []byte
	}{
		"another sequence": {epoch, 2, batch(t, 1, reading(noon, 1))},
		"another epoch":    {"0002-00", 1, batch(t, 1, reading(noon, 1))},
		"sequence 0":       {epoch, 0, batch(t, 0, reading(noon, 1))},
		"no epoch":         {"", 1, batch(t, 1, reading(noon, 1))},
		"strange epoch":    {"../../x", 1, batch(t, 1, reading(noon, 1))},
		"no batch":         {epoch, 1, []byte("hello")},
		"no server":        {epoch, 1, batchOf(t, "", 1, reading(noon, 1))},
	} {
		_, err := w.Take(t.Context(), w.agent, c.epoch, c.seq, c.body)
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: error %v, want a fault.Invalid", name, err)
		}
	}
}

func TestTooLargeIsToldApartFromMalformed(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	var lines [][]byte
	for range 5 {
		line, err := wire.MarshalRecord(&wire.Failed{At: noon, Reason: strings.Repeat("x", wire.MaxRecordBytes-100)})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	body := encodeUnchecked(t, lines)
	_, err := w.Take(t.Context(), w.agent, epoch, 1, body)
	if fault.KindOf(err) != fault.TooLarge {
		t.Errorf("error %v, want a fault.TooLarge: then the agent halves the batch", err)
	}
}

func TestTakeEndsWithItsContext(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	body := batch(t, 1, reading(noon, 3))
	if _, err := w.Take(ctx, w.agent, epoch, 1, body); err == nil {
		t.Log("the commit was faster than the cancellation") // both are allowed
	}
	if got := w.take(t, 1, reading(noon, 3)); got != wire.ReceiptStored && got != wire.ReceiptKnown {
		t.Errorf("receipt %q after a cancelled upload", got)
	}
	if n := len(w.days(t, w.server(t).ID)[0].Rounds); n != 1 {
		t.Errorf("%d readings, want 1", n)
	}
}
