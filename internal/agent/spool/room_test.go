package spool_test

import (
	"errors"
	"strings"
	"testing"

	"headroom/internal/agent/spool"
)

func TestSentBatchesMakeRoomFirst(t *testing.T) {
	w := open(t, spool.Options{Budget: 400})
	w.must(w.appends("a", 4), w.seals("a"), w.upload, w.upload, w.upload) // divided in two, both sent
	if got := w.spool.Stats().Sent; got != 2 {
		t.Fatalf("%d sent batches, want 2", got)
	}
	for w.spool.Stats().Sent > 0 {
		w.must(w.appends("b", 1))
	}
	if got, want := w.spool.Stats().Waiting, w.taken-4; got != want {
		t.Errorf("%d records wait, want all %d: sent batches were still there to be dropped", got, want)
	}
}

func TestFullBudgetDropsTheOldestAndDeclaresIt(t *testing.T) {
	w := open(t, spool.Options{Budget: 2000})
	w.must(w.appends("a", 10), w.seals("a"), w.appends("b", 10), w.seals("b"))
	for range 100 {
		w.must(w.appends("c", 1))
	}
	if st := w.spool.Stats(); st.Bytes > 2000 {
		t.Errorf("the spool has %d bytes, want at most its budget of 2000", st.Bytes)
	}
	w.lossy = true
	w.drain()
	w.check()
	all := ""
	for _, body := range w.hub {
		all += body + "\n"
	}
	for _, want := range []string{"gap a ", "gap b ", "gap c "} {
		if !strings.Contains(all, want) {
			t.Errorf("the hub was not told of a %q", want)
		}
	}
	if !strings.Contains(all, "c:120:x") {
		t.Error("the newest record was dropped")
	}
}

func TestDroppedSequencesAreNamedAndNeverUsedAgain(t *testing.T) {
	w := open(t, spool.Options{Budget: 1000})
	w.must(w.appends("a", 10), w.seals("a"))
	id := w.spool.Epoch()
	for w.spool.Stats().Ready > 0 {
		w.must(w.appends("b", 1))
	}
	w.must(w.open)
	if got := w.spool.Epoch(); got != id {
		t.Errorf("after the only batch was dropped the next one is %s, want %s", got, id)
	}
	w.drain()
	id.Seq--
	for _, body := range w.hub {
		if strings.Contains(body, "gap a") && strings.Contains(body, id.String()) {
			return
		}
	}
	t.Errorf("no gap names the sequence %s that will never come", id)
}

func TestRecordBeyondTheWholeBudgetDropsNothingElse(t *testing.T) {
	w := open(t, spool.Options{Budget: 500})
	w.must(w.appends("a", 3))
	err := w.append("a", strings.Repeat("x", 600))
	if !errors.Is(err, spool.ErrFull) {
		t.Errorf("Append = %v, want ErrFull", err)
	}
	if got := w.spool.Stats(); got.Waiting != 3 || got.Lost != 1 {
		t.Errorf("%d records wait and %d are lost, want 3 and 1", got.Waiting, got.Lost)
	}
}

// TestFullDiskStopsNothingButNewRecords is what D-10 asks of the spool: it
// keeps what it has, batches are still made, sent and removed, and records are
// taken again as soon as there is room, with the loss declared.
func TestFullDiskStopsNothingButNewRecords(t *testing.T) {
	w := open(t, spool.Options{Ballast: 600})
	w.limit = 100
	w.must(w.appends("a", 5))
	w.disk.Size = w.disk.Used() + 10
	if err := w.append("a", "x"); !errors.Is(err, spool.ErrFull) {
		t.Fatalf("Append on a full disk = %v, want ErrFull", err)
	}
	w.must(w.seals("a"))
	if len(w.names("ballast")) != 0 {
		t.Error("the batch was made without the ballast; the test shows nothing")
	}
	w.disk.Size = w.disk.Used() + 10
	if err := w.append("b", "x"); !errors.Is(err, spool.ErrFull) {
		t.Errorf("Append took the room of the ballast: %v, want ErrFull", err)
	}
	w.must(w.upload)
	if got := w.spool.Stats().Lost; got != 2 {
		t.Errorf("%d records count as lost, want 2", got)
	}

	w.disk.Size = 0
	w.must(w.appends("a", 1))
	if got := w.spool.Stats().Lost; got != 0 {
		t.Errorf("%d records are still to be declared, want 0", got)
	}
	if len(w.names("ballast")) != 1 {
		t.Error("the ballast did not come back with the room")
	}
	for text := range w.times {
		w.kept[text] = true // now every record is to be there or declared
	}
	w.lossy = true
	w.drain()
	w.check()
}
