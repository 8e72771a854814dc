package upload_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"headroom/internal/agent/spool"
	"headroom/internal/agent/upload"
	"headroom/internal/wire"
)

// quiet is the log of an agent whose log nobody reads.
var quiet = slog.New(slog.DiscardHandler)

func openSpool(t failer, dir string) *spool.Spool {
	t.Helper()
	sp, _, err := spool.Open(dir, spool.Options{Now: atNoon, Declare: upload.EncodeGap, Ballast: 64})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return sp
}

func closeSpool(t failer, sp *spool.Spool) {
	t.Helper()
	if err := sp.Close(); err != nil {
		t.Fatalf("%v", err)
	}
}

// newSpool is a spool in a folder of the test.
func newSpool(t *testing.T) *spool.Spool {
	t.Helper()
	sp := openSpool(t, t.TempDir())
	t.Cleanup(func() { closeSpool(t, sp) })
	return sp
}

// keep puts what one reading brought into the spool.
func keep(t failer, sp *spool.Spool, records ...wire.Record) {
	t.Helper()
	record, err := upload.EncodeReading(server, "1.2.3", noon, records...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	keepBytes(t, sp, noon, record)
}

func keepBytes(t failer, sp *spool.Spool, at time.Time, record []byte) {
	t.Helper()
	if err := sp.Append(server, at, record); err != nil {
		t.Fatalf("%v", err)
	}
}

func pack(t failer, sp *spool.Spool) int {
	t.Helper()
	n, err := upload.Pack(sp, server, "1.2.3", atNoon, asItIs)
	if err != nil {
		t.Fatalf("pack: %v", err)
	}
	return n
}

// drain drains, and wants it to come to its end.
func drain(t failer, h *hub, sp *spool.Spool) upload.Report {
	t.Helper()
	report, err := upload.Drain(context.Background(), h.client(atNoon), sp, quiet)
	if err != nil {
		t.Fatalf("drain: %v", err)
	}
	if b, err := sp.Next(); !errors.Is(err, spool.ErrEmpty) {
		t.Errorf("after a drain batch %s waits (%v)", b.ID, err)
	}
	return report
}

// next returns the batch that waits.
func next(t failer, sp *spool.Spool) spool.Batch {
	t.Helper()
	b, err := sp.Next()
	if err != nil {
		t.Fatalf("no batch waits: %v", err)
	}
	return b
}

// same wants the hub to have what the records mean.
func (h *hub) same(want ...wire.Record) {
	h.t.Helper()
	if d := meaningOf(h.t, h.records()).differs(meaningOf(h.t, want)); d != "" {
		h.t.Errorf("the hub has:\n%s", d)
	}
}

// asItIs screens nothing.
func asItIs(records []wire.Record) ([]wire.Record, error) { return records, nil }
