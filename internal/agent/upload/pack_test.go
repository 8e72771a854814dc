package upload_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// wide is a run of so many pools and instants.
func wide(pools, instants int, from int64) *wire.Samples {
	s := &wire.Samples{Interval: 300, Complete: true, Source: "flexnet"}
	for i := range instants {
		s.At = append(s.At, from+int64(300*i))
	}
	for p := range pools {
		pool := wire.SampledPool{PoolKey: wire.PoolKey{Feature: fmt.Sprintf("f%d", p)}, State: "counted"}
		for i := range instants {
			pool.InUse = append(pool.InUse, license.Of(int64((p+i)%5)))
		}
		s.Pools = append(s.Pools, pool)
	}
	return s
}

// dailyMaxima are those of so many days, one each.
func dailyMaxima(days int, from int64) *wire.Maxima {
	m := &wire.Maxima{PoolKey: wire.PoolKey{Feature: "a"}, Imported: true}
	for i := range int64(days) {
		m.From, m.To, m.InUse = append(m.From, from+i*86400), append(m.To, from+(i+1)*86400), append(m.InUse, i%50)
	}
	return m
}

// limits refuses what a hub refuses as too large, and counts how often.
func limits(refusals *int) func(http.ResponseWriter, string, *wire.Batch) bool {
	return func(w http.ResponseWriter, _ string, b *wire.Batch) bool {
		if b == nil {
			return false
		}
		points, days := 0, map[int64]bool{}
		for _, line := range b.Records {
			switch r := line.Record.(type) {
			case *wire.Samples:
				points += len(r.At) * len(r.Pools)
				for _, at := range r.At {
					days[at/86400] = true
				}
			case *wire.Events:
				points += len(r.At)
				for day := r.From / 86400; day <= (r.To-1)/86400; day++ {
					points++
					days[day] = true
				}
			case *wire.Maxima:
				for i, from := range r.From {
					for day := from / 86400; day <= (r.To[i]-1)/86400; day++ {
						points++
						days[day] = true
					}
				}
			}
		}
		if points <= wire.MaxPoints && len(days) <= wire.MaxDays {
			return false
		}
		*refusals++
		problem(w, http.StatusRequestEntityTooLarge, "about:blank", fmt.Sprintf("%d values, %d days", points, len(days)))
		return true
	}
}

func TestMoreThanABatchHoldsBecomesSeveral(t *testing.T) {
	t.Parallel()
	day := int64(86400)
	for name, c := range map[string]struct {
		readings [][]wire.Record // each a record of the spool
		refusals int             // how often the hub has to say no
	}{
		"readings with too many values together": {
			readings: [][]wire.Record{{wide(1000, 150, 0)}, {wide(1000, 150, 100_000)}, {wide(1000, 150, 200_000)}, {wide(1000, 150, 300_000)}},
		},
		"readings of too many days together": {
			readings: [][]wire.Record{{wide(1, 300_000, 0)}, {wide(1, 10, 1100*day)}},
			refusals: 1,
		},
		"log of too many days together": {
			readings: [][]wire.Record{
				{&wire.Events{PoolKey: wire.PoolKey{Feature: "a"}, From: 0, To: 700 * day, At: []int64{5}, InUse: []int64{1}}},
				{&wire.Events{PoolKey: wire.PoolKey{Feature: "a"}, From: 700 * day, To: 1400 * day, Start: 1}},
			},
		},
		"maxima of too many days together": {
			readings: [][]wire.Record{{dailyMaxima(700, 0)}, {dailyMaxima(700, 700*day)}},
		},
		"maxima of too many days in each": {
			readings: [][]wire.Record{{dailyMaxima(1400, 0)}, {dailyMaxima(1400, 1400*day)}},
			refusals: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, sp := newHub(t, t), newSpool(t)
			defer h.Close()
			refusals := 0
			h.says = limits(&refusals)
			for _, records := range c.readings {
				keep(t, sp, records...)
			}
			if n := pack(t, sp); n < 2 {
				t.Errorf("%d batch, want several", n)
			}
			if got := drain(t, h, sp); got.Refused != 0 {
				t.Errorf("report %+v, want nothing refused", got)
			}
			if refusals > c.refusals {
				t.Errorf("the hub had to say no %d times, want at most %d", refusals, c.refusals)
			}
			want := meaning{}
			for _, records := range c.readings {
				for line, n := range sums(records) {
					want[line] += n
				}
			}
			if d := sums(h.records()).differs(want); d != "" {
				t.Errorf("the hub has:\n%s", d)
			}
		})
	}
}

// sums is a meaning of large records that costs little: how many values, their
// sum, the seconds of spans and the licenses times seconds in them.
func sums(records []wire.Record) meaning {
	m := meaning{}
	for _, r := range records {
		switch r := r.(type) {
		case *wire.Samples:
			for _, p := range r.Pools {
				m["values"] += len(r.At)
				for i, at := range r.At {
					m["sum of "+p.Feature] += int(at%1_000_003) * int(1+wire.At(p.InUse, i).N)
				}
			}
		case *wire.Events:
			at, level := r.From, r.Start
			for i, t := range r.At {
				m["licenses times seconds"] += int(level * (t - at))
				at, level = t, r.InUse[i]
			}
			m["licenses times seconds"] += int(level * (r.To - at))
			m["seconds"] += int(r.To - r.From)
			m["events"] += len(r.At)
		case *wire.Maxima:
			for i, from := range r.From {
				m["maxima"]++
				m["maxima times seconds"] += int(r.InUse[i] * (r.To[i] - from))
				m["ends of maxima"] += int(r.To[i])
			}
		}
	}
	return m
}

// What is too much already when it is read must not stand in the way of what
// comes after it.
func TestReadingLargerThanABatchIsDividedOnceTheHubSaysSo(t *testing.T) {
	t.Parallel()
	h, sp := newHub(t, t), newSpool(t)
	defer h.Close()
	refusals := 0
	h.says = limits(&refusals)
	large := wide(600, 1000, 0)
	keep(t, sp, reading(0, 1))
	keep(t, sp, large)
	keep(t, sp, reading(5, 2))
	pack(t, sp)
	if got := drain(t, h, sp); got.Refused != 0 {
		t.Errorf("report %+v, want nothing refused", got)
	}
	if refusals != 1 {
		t.Errorf("the hub said no %d times, want once", refusals)
	}
	if d := sums(h.records()).differs(sums([]wire.Record{reading(0, 1), large, reading(5, 2)})); d != "" {
		t.Errorf("the hub has:\n%s", d)
	}
}

func TestRecordThatCannotBeReadIsSetAsideAlone(t *testing.T) {
	h, sp := newHub(t, t), newSpool(t)
	defer h.Close()
	var good []wire.Record
	for i := range int64(40) {
		if i == 4 {
			keepBytes(t, sp, noon, []byte("written by an agent that had gone mad"))
			continue
		}
		good = append(good, reading(5*i, i))
		keep(t, sp, reading(5*i, i))
	}
	if n := pack(t, sp); n > 12 {
		t.Errorf("40 records became %d batches; one bad record must not make all others single", n)
	}
	if got := drain(t, h, sp); got.Refused != 1 {
		t.Errorf("report %+v, want one refused", got)
	}
	h.same(good...)
	pack(t, sp)
	drain(t, h, sp)
	if g := gaps(h); len(g) != 1 {
		t.Errorf("declared %v, want one gap", g)
	}
}

// An agent that was set back to an older version finds records of kinds that
// it does not know. It says so.
func TestKindsOfANewerVersionAreDeclared(t *testing.T) {
	h, sp := newHub(t, t), newSpool(t)
	defer h.Close()
	line, err := wire.MarshalRecord(reading(0, 1))
	if err != nil {
		t.Fatal(err)
	}
	var newer bytes.Buffer
	if err := wire.WriteBatch(&newer, wire.BatchHeader{Server: server, MadeAt: noon.Unix()}, line, []byte(`{"kind":"weather","at":1}`)); err != nil {
		t.Fatal(err)
	}
	keepBytes(t, sp, noon, newer.Bytes())
	pack(t, sp)
	drain(t, h, sp)
	g := gaps(h)
	if len(g) != 1 || g[0].From != noon.Unix() || g[0].To != noon.Unix() || !strings.Contains(g[0].Reason, "does not know") {
		t.Errorf("declared %+v, want a gap at the reading that says why", g)
	}
}

func TestGapSaysWhatIsLost(t *testing.T) {
	lost := spool.Gap{
		Server: server, From: noon, To: noon.Add(3600e9), Records: 12, Batch: spool.ID{Epoch: "0001-ab", Seq: 7},
		Reason: strings.Repeat("ü", 400),
	}
	for name, c := range map[string]struct {
		batch spool.ID
		want  *wire.BatchID
	}{
		"of a batch":       {spool.ID{Epoch: "0001-ab", Seq: 7}, &wire.BatchID{Epoch: "0001-ab", Seq: 7}},
		"of loose records": {},
	} {
		t.Run(name, func(t *testing.T) {
			lost.Batch = c.batch
			record, err := upload.EncodeGap(lost)
			if err != nil {
				t.Fatal(err)
			}
			b, err := wire.ReadBatch(bytes.NewReader(record))
			if err != nil {
				t.Fatal(err)
			}
			g, ok := b.Records[0].Record.(*wire.Gap)
			if !ok || g.From != noon.Unix() || g.To != noon.Unix()+3600 || len(g.Reason) > wire.MaxName || !strings.HasPrefix(g.Reason, "üü") {
				t.Fatalf("the record is %+v", b.Records[0].Record)
			}
			if strings.ContainsRune(g.Reason, '\uFFFD') {
				t.Errorf("the reason was cut in the middle of a character: %q", g.Reason)
			}
			if (g.Batch == nil) != (c.want == nil) || g.Batch != nil && *g.Batch != *c.want {
				t.Errorf("it names batch %v, want %v", g.Batch, c.want)
			}
		})
	}
}
