package spool_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/agent/spool"
	"headroom/internal/agent/spool/spooltest"
)

func open(t *testing.T, opt spool.Options) *world {
	t.Helper()
	w := newWorld(t, opt)
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) must(steps ...func() error) {
	w.t.Helper()
	for i, step := range steps {
		if err := step(); err != nil {
			w.t.Fatalf("step %d: %v", i+1, err)
		}
	}
}

func (w *world) appends(server string, n int) func() error {
	return func() error {
		for range n {
			if err := w.append(server, "x"); err != nil {
				return err
			}
		}
		return nil
	}
}

func (w *world) seals(server string) func() error {
	return func() error { return w.seal(server, 100) }
}

// names returns the files of a world's disk that contain a word.
func (w *world) names(word string) []string {
	w.t.Helper()
	files, err := w.disk.List()
	if err != nil {
		w.t.Fatalf("list: %v", err)
	}
	var names []string
	for _, f := range files {
		if strings.Contains(f.Name, word) {
			names = append(names, f.Name)
		}
	}
	return names
}

func TestBatchesComeInOrderAndOncePerServer(t *testing.T) {
	w := open(t, spool.Options{})
	w.must(w.appends("b", 2), w.appends("a", 3), w.seals("b"), w.seals("a"), w.appends("b", 1), w.seals("b"))
	for seq, want := range []string{"b", "a", "b"} {
		b, err := w.spool.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b.Seq != uint64(seq+1) || b.Server != want {
			t.Errorf("batch %d is %d of server %s, want server %s", seq+1, b.Seq, b.Server, want)
		}
		w.must(w.upload)
	}
	if _, err := w.spool.Next(); !errors.Is(err, spool.ErrEmpty) {
		t.Errorf("Next of an empty queue: %v, want ErrEmpty", err)
	}
	w.check()
}

func TestBatchTellsTheSpanOfItsRecords(t *testing.T) {
	w := open(t, spool.Options{})
	w.must(w.appends("a", 3), w.seals("a"))
	b, err := w.spool.Next()
	if err != nil {
		t.Fatal(err)
	}
	if from, to := start.Add(5*time.Minute), start.Add(15*time.Minute); !b.From.Equal(from) || !b.To.Equal(to) || b.Records != 3 {
		t.Errorf("batch has %d records from %v to %v, want 3 from %v to %v", b.Records, b.From, b.To, from, to)
	}
}

func TestLimitsBoundABatchButNeverToNothing(t *testing.T) {
	for _, c := range []struct {
		limit spool.Limit
		want  int
	}{
		{spool.Limit{}, 4},
		{spool.Limit{Records: 3}, 3},
		{spool.Limit{Bytes: 45}, 2}, // each is 17 bytes on disk
		{spool.Limit{Bytes: 1}, 1},
	} {
		w := open(t, spool.Options{})
		w.must(w.appends("a", 4))
		got := 0
		_, _, err := w.spool.Seal("a", c.limit, func(_ spool.ID, records [][]byte) ([]byte, error) {
			got = len(records)
			return []byte("body"), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%+v put %d records into the batch, want %d", c.limit, got, c.want)
		}
	}
}

func TestFailedBuildLeavesTheRecordsWaiting(t *testing.T) {
	w := open(t, spool.Options{})
	w.must(w.appends("a", 2))
	no := errors.New("no")
	_, _, err := w.spool.Seal("a", spool.Limit{}, func(spool.ID, [][]byte) ([]byte, error) { return nil, no })
	if !errors.Is(err, no) {
		t.Errorf("Seal = %v, want the build's own error", err)
	}
	if got := w.spool.Stats().Waiting; got != 2 {
		t.Errorf("%d records wait after a failed build, want 2", got)
	}
	w.must(w.seals("a"))
	if b, err := w.spool.Next(); err != nil || b.Seq != 1 {
		t.Errorf("the failed build used up a sequence: next is %d, %v", b.Seq, err)
	}
}

func TestSealOfNothingMakesNoBatch(t *testing.T) {
	w := open(t, spool.Options{})
	_, ok, err := w.spool.Seal("a", spool.Limit{}, func(spool.ID, [][]byte) ([]byte, error) {
		t.Error("build was called")
		return nil, nil
	})
	if ok || err != nil {
		t.Errorf("Seal = %v, %v, want false, nil", ok, err)
	}
}

func TestServerNamesAreSafeAsFileNames(t *testing.T) {
	w := open(t, spool.Options{})
	for _, name := range []string{"", "A", "../x", "a_b", "a.b", "a/b", `a\b`, "ü", strings.Repeat("a", 65)} {
		if err := w.spool.Append(name, start, nil); err == nil {
			t.Errorf("Append accepted the server name %q", name)
		}
	}
	if lost := w.spool.Stats().Lost; lost != 0 {
		t.Errorf("%d records count as lost, want 0: they never were of a server", lost)
	}
}

func TestSpoolSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	text := func(_ spool.ID, records [][]byte) ([]byte, error) { return slices.Concat(records...), nil }

	s := mustOpen(t, dir, spool.Options{})
	for i := range 4 {
		if err := s.Append("a", start, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	id, _, err := s.Seal("a", spool.Limit{Records: 3}, text)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = mustOpen(t, dir, spool.Options{})
	b, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	if b.ID != id || string(b.Body) != "012" {
		t.Errorf("after the restart the next batch is %s %q, want %s %q", b.ID, b.Body, id, "012")
	}
	if got := s.Waiting()["a"]; got != 1 {
		t.Errorf("%d records wait after the restart, want 1", got)
	}
	if err := s.Sent(id); err != nil {
		t.Fatal(err)
	}
	if id, _, err = s.Seal("a", spool.Limit{}, text); err != nil || id.Seq != 2 {
		t.Errorf("the batch after the restart is %s, %v, want sequence 2", id, err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	opt := spool.Options{Now: time.Now, Declare: func(spool.Gap) ([]byte, error) { return nil, nil }}
	s := mustOpen(t, dir, opt)
	if _, _, err := spool.Open(dir, opt); !errors.Is(err, spool.ErrLocked) {
		t.Errorf("second Open = %v, want ErrLocked", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir, opt)
}

func TestFilesOfOthersAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	others := []string{"README", "record_1_a_t1-1.ready", "batch_x.sent", "record_000000000001_A_t1-1.ready", "note.bad", "x.open"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := mustOpen(t, dir, spool.Options{})
	if st := s.Stats(); st.Waiting+st.Ready+st.Sent+st.Bad != 0 {
		t.Errorf("foreign files were counted: %+v", st)
	}
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("foreign file: %v", err)
		}
	}
}

func TestSentBatchesStayForTheTimeSet(t *testing.T) {
	w := open(t, spool.Options{Keep: 24 * time.Hour})
	w.must(w.appends("a", 1), w.seals("a"), w.upload, w.appends("a", 1), w.seals("a"))
	w.clock = w.clock.Add(24*time.Hour - 10*time.Minute)
	w.must(w.upload, w.appends("b", 1))
	if got := w.spool.Stats().Sent; got != 2 {
		t.Fatalf("%d sent batches after 23:55 hours, want 2", got)
	}
	w.clock = w.clock.Add(10 * time.Minute)
	w.must(w.appends("b", 1))
	if got := w.spool.Stats().Sent; got != 1 {
		t.Errorf("%d sent batches after 24:10 hours, want only the newer one", got)
	}
}

func TestSequencesAreNeverUsedTwice(t *testing.T) {
	w := open(t, spool.Options{Keep: time.Hour})
	w.must(w.appends("a", 1), w.seals("a"), w.upload, w.appends("a", 1), w.seals("a"), w.upload)
	w.clock = w.clock.Add(48 * time.Hour)
	w.must(w.appends("a", 1))
	if n := w.names("batch_"); len(n) != 0 {
		t.Fatalf("batches are left: %v", n)
	}
	w.must(w.open, w.seals("a"))
	if b, err := w.spool.Next(); err != nil || b.Seq != 3 {
		t.Errorf("the third batch has sequence %d, %v", b.Seq, err)
	}
}

func TestSpoolWithoutItsMarkBeginsAnEpoch(t *testing.T) {
	w := open(t, spool.Options{})
	w.must(w.appends("a", 1), w.seals("a"), w.upload)
	before := w.spool.Epoch()
	w.must(func() error { return w.disk.Remove(w.names("epoch")[0]) }, w.open)
	if after := w.spool.Epoch(); after.Epoch <= before.Epoch || after.Seq != 1 {
		t.Errorf("after %s comes %s, want a later epoch from 1", before, after)
	}
}

func TestForkMovesWhatIsUnsentToANewEpoch(t *testing.T) {
	w := open(t, spool.Options{})
	w.must(w.appends("a", 1), w.seals("a"), w.upload)
	old := w.spool.Epoch()
	w.forks[old] = true
	w.must(w.appends("a", 2), w.seals("a"), w.upload, w.appends("a", 1), w.seals("a"))
	if now := w.spool.Epoch(); now.Epoch == old.Epoch || now.Seq != 3 {
		t.Errorf("after a fork at %s the spool is at %s, want a new epoch with two batches in it", old, now)
	}
	w.drain()
	w.check()
}

func TestHubThatLostDataGetsTheSameBytesAgain(t *testing.T) {
	w := open(t, spool.Options{})
	for range 3 {
		w.must(w.appends("a", 2), w.seals("a"), w.upload)
	}
	from := w.spool.Epoch()
	from.Seq = 2
	w.must(func() error { return w.loseSince(from) })
	b, err := w.spool.Next()
	if err != nil || b.ID != from || !b.Again {
		t.Fatalf("Next = %s, again %v, %v, want %s again", b.ID, b.Again, err, from)
	}
	w.drain() // upload compares the bytes
	w.check()
	if st := w.spool.Stats(); st.Sent != 3 || st.Ready != 0 {
		t.Errorf("%d sent and %d waiting, want 3 and 0", st.Sent, st.Ready)
	}
}

func TestStatementsAboutAbsentBatchesAreRefused(t *testing.T) {
	w := open(t, spool.Options{})
	w.must(w.appends("a", 1), w.seals("a"))
	b, err := w.spool.Next()
	if err != nil {
		t.Fatal(err)
	}
	w.must(w.upload)
	other := spool.ID{Epoch: b.Epoch, Seq: 9}
	for what, err := range map[string]error{
		"Sent of an absent batch":   w.spool.Sent(other),
		"Sent for the second time":  w.spool.Sent(b.ID),
		"Bad of a sent batch":       w.spool.Bad(b.ID, "x"),
		"Replace of a sent batch":   w.split(b, 1),
		"Bad in an unknown epoch":   w.spool.Bad(spool.ID{Epoch: "x", Seq: 1}, "x"),
		"Replace of nothing at all": w.spool.Replace(spool.ID{}, nil),
	} {
		if !errors.Is(err, spool.ErrUnknown) {
			t.Errorf("%s: %v, want ErrUnknown", what, err)
		}
	}
}

func TestDeclareIsRequired(t *testing.T) {
	if _, _, err := spool.New(spooltest.New(), spool.Options{Now: time.Now}); err == nil {
		t.Error("a spool without Declare would lose in silence; want an error")
	}
}

func TestTheLastSentBatchIsShown(t *testing.T) {
	w := open(t, spool.Options{})
	if _, _, err := w.spool.LastSent(); !errors.Is(err, spool.ErrEmpty) {
		t.Errorf("before the first: %v, want ErrEmpty", err)
	}
	w.must(w.appends("a", 1), w.seals("a"), w.appends("a", 1), w.seals("a"))
	for range 2 {
		b, err := w.spool.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.spool.Sent(b.ID); err != nil {
			t.Fatal(err)
		}
		got, at, err := w.spool.LastSent()
		if err != nil || got.ID != b.ID || string(got.Body) != string(b.Body) || at.IsZero() {
			t.Errorf("last sent %s at %v, %v; want %s", got.ID, at, err, b.ID)
		}
	}
}
