package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

// today is the UTC day of start.
var today = series.DayOf(start.Unix())

// onDay is a batch with one reading on a UTC day, n minutes after noon, in an
// epoch of the server's own.
func onDay(org, agent int64, server string, day, n int) *ingest.Batch {
	b := one(org, agent, server, uint64(1440*day+n))
	b.Epoch = server
	return b
}

// pack packs the days before one and returns how many blocks.
func pack(t *testing.T, db *store.DB, before int32) int {
	t.Helper()
	n, err := db.Pack(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// An answer is all that a store says of the days of an organisation.
type answer struct {
	Days     map[int64][]series.Day
	Versions map[int64][]storetest.DayVersion
	Heads    []usage.Head
	Blocks   map[int32][]usage.Block
}

func ask(t *testing.T, db *store.DB, org, servers int64) answer {
	t.Helper()
	a := answer{
		Days: map[int64][]series.Day{}, Versions: map[int64][]storetest.DayVersion{},
		Heads: heads(t, db, org, usage.Mark{}), Blocks: map[int32][]usage.Block{},
	}
	for server := int64(1); server <= servers; server++ {
		a.Days[server] = days(t, db, org, server)
		var err error
		if a.Versions[server], err = storetest.Versions(t.Context(), db, org, server); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range a.Heads {
		if a.Blocks[h.Day] == nil {
			a.Blocks[h.Day] = blocks(t, db, org, h.Day)
		}
	}
	return a
}

func days(t *testing.T, db *store.DB, org, server int64) (all []series.Day) {
	t.Helper()
	for day, err := range storetest.Days(t.Context(), db, org, server, 0, 1<<30) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, day)
	}
	return all
}

func heads(t *testing.T, db *store.DB, org int64, since usage.Mark) (all []usage.Head) {
	t.Helper()
	for h, err := range db.Heads(t.Context(), org, math.MinInt32, math.MaxInt32, since) {
		if err != nil {
			t.Fatal(err)
		}
		h.Data = slices.Clone(h.Data)
		all = append(all, h)
	}
	return all
}

func blocks(t *testing.T, db *store.DB, org int64, day int32) (all []usage.Block) {
	t.Helper()
	for b, err := range db.Blocks(t.Context(), org, day) {
		if err != nil {
			t.Fatal(err)
		}
		b.Head, b.Body = slices.Clone(b.Head), slices.Clone(b.Body)
		all = append(all, b)
	}
	for _, b := range all {
		one, err := db.Block(t.Context(), org, b.Server, day)
		if err != nil || !reflect.DeepEqual(one, b) {
			t.Errorf("license server %d alone on day %d: %+v, %v, want %+v", b.Server, day, one, err, b)
		}
	}
	return all
}

// openRows returns how many blocks are open.
func openRows(t *testing.T, dsn string) (n int) {
	t.Helper()
	if err := storetest.Raw(t, dsn).QueryRow(`SELECT COUNT(*) FROM block`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPackingChangesNoAnswer(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a", "b", "c")
		for day := range 4 {
			for n, server := range []string{"a", "b", "c"} {
				if day != 1 || server != "b" {
					put(t, db, onDay(org, agent, server, day, 10+n))
				}
			}
		}
		want := ask(t, db, org, 3)
		if len(want.Heads) != 11 || len(want.Days[2]) != 3 {
			t.Fatalf("%d heads and %d days of b before, want 11 and 3", len(want.Heads), len(want.Days[2]))
		}
		for _, c := range []struct {
			before       int32
			packed, open int
		}{{today, 0, 11}, {today + 1, 3, 8}, {today + 3, 5, 3}, {today + 3, 0, 3}, {today + 9, 3, 0}} {
			if packed, open := pack(t, db, c.before), openRows(t, dsn); packed != c.packed || open != c.open {
				t.Errorf("before day %d: %d packed and %d open, want %d and %d", c.before-today, packed, open, c.packed, c.open)
			}
			if d := cmp.Diff(ask(t, db, org, 3), want); d != "" {
				t.Errorf("packed before day %d (-after +before):\n%s", c.before-today, d)
			}
		}
	})
}

func TestLateDataAreMergedIntoAPackedDay(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a", "b")
		put(t, db, onDay(org, agent, "a", 0, 30))
		put(t, db, onDay(org, agent, "a", 1, 30))
		put(t, db, onDay(org, agent, "b", 0, 30))
		pack(t, db, today+1)
		before := ask(t, db, org, 2)
		put(t, db, onDay(org, agent, "a", 0, 60))
		after := ask(t, db, org, 2)
		if got := after.Days[1]; len(got) != 2 || len(got[0].Rounds) != 2 || len(got[0].Pools) != 2 {
			t.Errorf("days of a with late data: %+v, want two readings of both pools on the first of two days", got)
		}
		if got, was := after.Versions[1], before.Versions[1]; got[0].Version <= was[0].Version || got[1] != was[1] {
			t.Errorf("versions of a with late data: %v, were %v, want the first one higher", got, was)
		}
		if d := cmp.Diff(after.Days[2], before.Days[2]); d != "" {
			t.Errorf("days of b with late data of a (-after +before):\n%s", d)
		}
		if n := pack(t, db, today+1); n != 1 || openRows(t, dsn) != 1 {
			t.Errorf("%d blocks packed and %d left open, want the late one and that of tomorrow", n, openRows(t, dsn))
		}
		if d := cmp.Diff(ask(t, db, org, 2), after); d != "" {
			t.Errorf("the late data are packed (-after +before):\n%s", d)
		}
	})
}

func TestRepeatedDataOfAPackedDayChangeNothing(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a")
		b := onDay(org, agent, "a", 0, 30)
		put(t, db, b)
		pack(t, db, today+1)
		want := ask(t, db, org, 1)
		if o, err := db.PutBatch(t.Context(), b); err != nil || o != ingest.Known {
			t.Errorf("the batch again: %v, %v, want it known", o, err)
		}
		b.Seq, b.Hash = 4711, []byte("4711")
		put(t, db, b)
		if d := cmp.Diff(ask(t, db, org, 1), want); d != "" || openRows(t, dsn) != 0 {
			t.Errorf("%d blocks open, want none (-after +before):\n%s", openRows(t, dsn), d)
		}
	})
}

func TestLargeBlockStaysOpen(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a", "b")
		put(t, db, onDay(org, agent, "a", 0, 1))
		put(t, db, onDay(org, agent, "b", 0, 1))
		put(t, db, onDay(org, agent, "b", 1, 1))
		pack(t, db, today+1)
		put(t, db, large(org, agent, "a"))
		want := ask(t, db, org, 2)
		if n := pack(t, db, today+9); n != 1 || openRows(t, dsn) != 1 {
			t.Errorf("%d blocks packed and %d open, want the small one and the large one", n, openRows(t, dsn))
		}
		if got := ask(t, db, org, 2); cmp.Diff(got, want) != "" || len(got.Blocks[today]) != 2 {
			t.Errorf("beside a large block packing changes answers (%d blocks today, want 2)", len(got.Blocks[today]))
		}
	})
}

// large is a batch whose block has more than 64 KiB.
func large(org, agent int64, server string) *ingest.Batch {
	random := rand.New(rand.NewPCG(1, 2))
	b := one(org, agent, server, 9)
	b.Pools = nil
	var build series.Builder
	for n := range 600 {
		at := start.Unix() + 60*int64(n)
		var samples []series.PoolSample
		for p := range 100 {
			if n == 0 {
				b.Pools = append(b.Pools, ingest.Pool{Key: license.Pool{Feature: fmt.Sprintf("large %d", p)}, First: at})
			}
			samples = append(samples, series.PoolSample{Pool: series.PoolID(p), Sample: series.Sample{InUse: license.Of(random.Int64N(1 << 20))}})
		}
		build.AddRound(series.Round{At: at, Hold: 600}, samples)
	}
	b.Days = build.Days()
	return b
}

// known makes a mark as usage does: the numbers first, then the heads.
func known(t *testing.T, db *store.DB, org int64) usage.Mark {
	t.Helper()
	m := usage.Mark{Servers: map[int64]int64{}}
	servers, err := db.Servers(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		m.Servers[s.ID] = s.Version
	}
	if m.Pack, err = db.PackNumber(t.Context(), org); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestHeadsSinceAMarkAreWhatChanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		names := make([]string, 20) // more than one statement asks for
		for i := range names {
			names[i] = fmt.Sprintf("server %02d", i+1)
		}
		agent := storetest.Admit(t, db, org, "agent", start, names...)
		for day := range 3 {
			for _, server := range names {
				put(t, db, onDay(org, agent, server, day, 30))
			}
		}
		mark := known(t, db, org)
		check := func(when string, want ...string) {
			t.Helper()
			var got []string
			for _, h := range heads(t, db, org, mark) {
				got = append(got, fmt.Sprintf("%d/%d", h.Day-today, h.Server))
			}
			if d := cmp.Diff(got, want); d != "" {
				t.Errorf("%s, day/server (-got +want):\n%s", when, d)
			}
		}
		check("nothing changed")
		put(t, db, onDay(org, agent, names[4], 2, 60))
		put(t, db, onDay(org, agent, names[2], 0, 60))
		put(t, db, onDay(org, agent, names[19], 2, 60))
		check("three late readings", "0/3", "2/5", "2/20")
		pack(t, db, today+2)
		check("and two days were packed", "0/3", "2/5", "2/20")
		put(t, db, onDay(org, agent, names[2], 0, 90))
		check("and a packed day is open again", "0/3", "2/5", "2/20")
		mark = known(t, db, org)
		check("all is known")
		pack(t, db, today+9)
		check("all is known and packed")
		put(t, db, onDay(org, agent, names[0], 5, 1))
		check("a new day", "5/1")
	})
}

func TestPackNumberRisesWithEveryPacking(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a")
		last := int64(-1)
		for day := range 3 {
			pack(t, db, today+int32(day))
			number, err := db.PackNumber(t.Context(), org)
			if err != nil || number <= last || day == 0 && number != 0 {
				t.Errorf("PackNumber = %d, %v after packing day %d, was %d", number, err, day, last)
			}
			last = number
			pack(t, db, today+int32(day)) // nothing to do
			if again, err := db.PackNumber(t.Context(), org); err != nil || again != number {
				t.Errorf("PackNumber = %d, %v after packing nothing, want %d", again, err, number)
			}
			put(t, db, onDay(org, agent, "a", day, 1))
		}
	})
}

func TestDamagedPackIsAnErrorAndNotAHole(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a")
		put(t, db, onDay(org, agent, "a", 0, 1))
		put(t, db, onDay(org, agent, "a", 1, 1))
		pack(t, db, today+1)
		put(t, db, onDay(org, agent, "a", 0, 2)) // open beside its pack
		raw := storetest.Raw(t, dsn)
		place := fmt.Sprintf("organisation %d, day %d, part 0", org, today)
		named := func(what string, err error) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), place) {
				t.Errorf("%s: error %v, want one that names %s", what, err, place)
			}
		}
		for _, column := range []string{"bodies", "heads"} {
			if _, err := raw.Exec(`UPDATE pack SET ` + column + ` = substr(` + column + `, 1, 9)`); err != nil {
				t.Fatal(err)
			}
			named("Days, cut "+column, last(storetest.Days(t.Context(), db, org, 1, 0, 1<<30)))
			named("Blocks, cut "+column, last(db.Blocks(t.Context(), org, today)))
			n, err := db.Pack(t.Context(), today+9)
			named("Pack, cut "+column, err)
			if want := map[string]int{"bodies": 1}[column]; n != want {
				t.Errorf("Pack, cut %s: %d packed, want %d: the other days go on", column, n, want)
			}
		}
		named("Heads", last(db.Heads(t.Context(), org, math.MinInt32, math.MaxInt32, usage.Mark{})))
		if _, err := raw.Exec(`DELETE FROM block`); err != nil {
			t.Fatal(err)
		}
		_, err := db.PutBatch(t.Context(), onDay(org, agent, "a", 0, 3))
		named("PutBatch", err)
	})
}

// last returns the error with which a sequence ends.
func last[T any](seq func(yield func(T, error) bool)) (last error) {
	for _, err := range seq {
		last = err
	}
	return last
}

// Packers, hubs that take batches, and readers at the same time: nothing is
// lost or doubled, and no reader misses a block that is being moved.
func TestPackersBesideIngestLoseNothing(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		plain := storetest.New(t)
		packing := []*store.DB{storetest.Open(t, dsn)}
		if strings.HasPrefix(dsn, "postgres") {
			packing = append(packing, storetest.Open(t, dsn))
		}
		servers := []string{"a", "b", "c", "d"}
		org := storetest.Found(t, packing[0], "UTC")
		storetest.Found(t, plain, "UTC")
		agent := storetest.Admit(t, packing[0], org, "agent", start, servers...)
		storetest.Admit(t, plain, org, "agent", start, servers...)
		batches := func(server int) (all []*ingest.Batch) {
			for i := range 60 {
				all = append(all, onDay(org, agent, servers[server], i%3, 10+4*i+server))
			}
			return all
		}
		for server := range servers { // pools get their numbers in one order
			for _, b := range batches(server)[:3] {
				put(t, plain, b)
				put(t, packing[0], b)
			}
		}
		var writers, others sync.WaitGroup
		var packed atomic.Int64
		done := make(chan struct{})
		for server := range servers {
			writers.Go(func() {
				for i, b := range batches(server)[3:] {
					if o, err := packing[(i+server)%len(packing)].PutBatch(t.Context(), b); err != nil || o != ingest.Stored {
						t.Errorf("batch %d: %v, %v", b.Seq, o, err)
					}
				}
			})
		}
		for _, db := range packing {
			others.Go(func() { packUntil(t, db, &packed, done) })
			others.Go(func() { readUntil(t, db, org, 12, done) })
		}
		writers.Wait()
		close(done)
		others.Wait()
		if n := packed.Load(); n <= 8 {
			t.Errorf("%d blocks packed, want more than the 8 that there were at first: this test shows nothing", n)
		}
		for server := range servers {
			for _, b := range batches(server)[3:] {
				put(t, plain, b)
			}
		}
		for server := range servers {
			got, want := days(t, packing[0], org, int64(server+1)), days(t, plain, org, int64(server+1))
			if d := cmp.Diff(got, want); d != "" {
				t.Errorf("days of server %d (-packed meanwhile +never packed):\n%s", server+1, d)
			}
		}
	})
}

// The open block of a license server's only day is packed between two
// statements of the commit that adds to it, whichever they are.
func TestBlockPackedWithinACommitIsFound(t *testing.T) {
	for stop := 1; packedBefore(t, stop); stop++ {
		if stop > 50 {
			t.Fatalf("statement %d still comes before the block is written", stop)
		}
	}
}

// packedBefore packs before statement number stop of a commit. It is false
// where that one comes after the block was written: then the packer waits for
// the commit.
func packedBefore(t *testing.T, stop int) (packed bool) {
	t.Helper()
	dsn := storetest.Postgres(t) // SQLite has one writer
	db, packer := storetest.Open(t, dsn), storetest.Open(t, dsn)
	org := storetest.Found(t, db, "UTC")
	agent := storetest.Admit(t, db, org, "agent", start, "a")
	put(t, db, onDay(org, agent, "a", 0, 30))
	n, written := 0, false
	err := db.PutWatched(t.Context(), onDay(org, agent, "a", 0, 60), func(query string) {
		if n++; n == stop && !written {
			packed = pack(t, packer, today+1) == 1
		}
		written = written || strings.Contains(query, "INTO block")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := days(t, db, org, 1); len(got) != 1 || len(got[0].Rounds) != 2 {
		t.Errorf("packed before statement %d: %+v, want one day with two readings", stop, got)
	}
	if !packed && stop < 5 {
		t.Errorf("the block was written before statement %d: this test does not see them", stop)
	}
	return packed
}

func packUntil(t *testing.T, db *store.DB, packed *atomic.Int64, done <-chan struct{}) {
	for {
		n, err := db.Pack(t.Context(), today+2)
		if err != nil {
			t.Errorf("pack: %v", err)
		}
		packed.Add(int64(n))
		select {
		case <-done:
			return
		default:
		}
	}
}

// readUntil reads heads and blocks again and again and expects n of them, each
// once and never older than before.
func readUntil(t *testing.T, db *store.DB, org int64, n int, done <-chan struct{}) {
	type key struct {
		day    int32
		server int64
	}
	newest := map[key]int64{}
	for {
		seen := map[key]bool{}
		for h, err := range db.Heads(t.Context(), org, math.MinInt32, math.MaxInt32, usage.Mark{}) {
			k := key{h.Day, h.Server}
			if err != nil || seen[k] || h.Version < newest[k] {
				t.Errorf("head %v: %v, seen already %v, version %d, was %d", k, err, seen[k], h.Version, newest[k])
				return
			}
			seen[k], newest[k] = true, h.Version
		}
		blocks := 0
		for day := range int32(3) {
			for _, err := range db.Blocks(t.Context(), org, today+day) {
				if err != nil {
					t.Error(err)
					return
				}
				blocks++
			}
		}
		if len(seen) != n || blocks != n {
			t.Errorf("%d heads and %d blocks, want %d: one was missed while it was moved", len(seen), blocks, n)
			return
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestDamagedHeadOfAnOpenBlockIsAnError(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a")
		put(t, db, one(org, agent, "a", 1))
		raw := storetest.Raw(t, dsn)
		var data []byte
		if err := raw.QueryRow(`SELECT data FROM block WHERE org_id = $1`, org).Scan(&data); err != nil {
			t.Fatal(err)
		}
		head, _, err := series.Split(data)
		if err != nil {
			t.Fatal(err)
		}
		data[len(head)-1] ^= 1
		if _, err := raw.Exec(`UPDATE block SET data = $2 WHERE org_id = $1`, org, data); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, err := range db.Heads(t.Context(), org, math.MinInt32, math.MaxInt32, usage.Mark{}) {
			found = found || err != nil
		}
		if !found {
			t.Error("a head with a flipped bit was read without an error")
		}
	})
}
