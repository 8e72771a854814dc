package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"headroom/internal/agent/spool"
	"headroom/internal/wire"
)

// A Report says what a Drain has done.
type Report struct {
	Batches   int // taken by the hub
	Records   int // of the wire, in them
	Discarded int // batches that the hub had no use for: deleted, or nobody's any more
	Refused   int // batches set aside for a person
}

// Drain sends all batches that wait, oldest first, until there is none. An
// error ends it: ErrRemoved for good, any other until later (see Backoff).
// The hub being away is an error here, and no fault of the agent's.
func Drain(ctx context.Context, c *Client, sp *spool.Spool, log *slog.Logger) (Report, error) {
	var report Report
	for {
		b, err := sp.Next()
		if errors.Is(err, spool.ErrEmpty) {
			return report, nil
		}
		if err != nil {
			return report, err
		}
		if err := sendOne(ctx, c, sp, b, &report, log); err != nil {
			return report, err
		}
	}
}

// sendOne does with the oldest batch what has to be done.
func sendOne(ctx context.Context, c *Client, sp *spool.Spool, b spool.Batch, report *Report, log *slog.Logger) error {
	if b.Epoch != sp.Epoch().Epoch && !b.Again {
		return reissue(sp, b) // made before a fork was seen
	}
	receipt, err := c.put(ctx, b)
	switch judge(err) {
	case taken:
		report.Batches++
		report.Records += receipt.Records
		if receipt.Status == wire.ReceiptDiscarded {
			report.Discarded++
		}
		return gone(sp.Sent(b.ID))
	case forked:
		log.Error("the hub has other content under this identity: this agent was copied or rolled back; a new epoch begins",
			"batch", b.ID.String(), "err", err)
		return leaveEpoch(sp, b)
	case refused:
		log.Warn("the hub refuses this batch; it is divided to find the record", "batch", b.ID.String(), "err", err)
		return divide(sp, b, err, report, log)
	}
	return fmt.Errorf("batch %s: %w", b.ID, err)
}

// gone makes nothing of a batch that was dropped for want of room meanwhile.
func gone(err error) error {
	if errors.Is(err, spool.ErrUnknown) {
		return nil
	}
	return err
}

// put sends a batch.
func (c *Client) put(ctx context.Context, b spool.Batch) (wire.Receipt, error) {
	var receipt wire.Receipt
	path := wire.BatchesPath + "/" + url.PathEscape(b.Epoch) + "/" + strconv.FormatUint(b.Seq, 10)
	if err := c.signed(ctx, http.MethodPut, path, b.Body, contentBatch, &receipt); err != nil {
		return wire.Receipt{}, err
	}
	switch receipt.Status {
	case wire.ReceiptStored, wire.ReceiptKnown, wire.ReceiptDiscarded:
		return receipt, nil
	}
	return receipt, fmt.Errorf("the answer is no receipt: status %.40q", receipt.Status)
}

// A verdict is what becomes of a batch.
type verdict uint8

const (
	later   verdict = iota // the same bytes again, some time
	taken                  // the hub has it
	forked                 // the hub has something else under its identity
	refused                // the hub will never take it as it is
	barred                 // the hub takes nothing from this agent any more
)

// judge says what the hub's answer means for a batch. Nothing else decides.
// What is not the hub's own word is never a reason to give a batch up.
func judge(err error) verdict {
	r, ok := errors.AsType[*Refusal](err)
	switch {
	case err == nil:
		return taken
	case !ok || !r.Hub:
		return later
	case errors.Is(r, ErrRemoved):
		return barred
	case r.Status == http.StatusConflict && r.Type == wire.ProblemFork:
		return forked
	case r.Status == http.StatusBadRequest, r.Status == http.StatusRequestEntityTooLarge, r.Status == http.StatusUnprocessableEntity:
		return refused
	}
	return later
}

// leaveEpoch begins a new epoch, unless that was done for an earlier batch,
// and gives the batch an identity in it.
func leaveEpoch(sp *spool.Spool, b spool.Batch) error {
	if b.Epoch == sp.Epoch().Epoch {
		if _, err := sp.NewEpoch(); err != nil {
			return err
		}
	}
	return reissue(sp, b)
}

// reissue gives a batch's content an identity in the present epoch.
func reissue(sp *spool.Spool, b spool.Batch) error {
	content, err := wire.ReadBatch(bytes.NewReader(b.Body))
	if err != nil {
		return gone(sp.Bad(b.ID, "cannot be read to be sent under a new identity: "+err.Error()))
	}
	return gone(sp.Replace(b.ID, func(first spool.ID) ([]spool.Part, error) {
		body, err := encode(header(content, first, b.ID), recordsOf(content))
		return []spool.Part{{Body: body, Records: b.Records}}, err
	}))
}

// divide replaces a refused batch by its halves, or sets it aside if it is a
// single record.
func divide(sp *spool.Spool, b spool.Batch, why error, report *Report, log *slog.Logger) error {
	var first, second []wire.Record
	content, err := wire.ReadBatch(bytes.NewReader(b.Body))
	divisible := err == nil
	if divisible {
		first, second, divisible = split(recordsOf(content))
	}
	if !divisible {
		report.Refused++
		log.Error("a record is set aside: the hub will never take it", "batch", b.ID.String(), "err", why)
		return gone(sp.Bad(b.ID, why.Error()))
	}
	return gone(sp.Replace(b.ID, func(id spool.ID) ([]spool.Part, error) {
		head, err := encode(header(content, id, b.ID), first)
		if err != nil {
			return nil, err
		}
		id.Seq++
		tail, err := encode(header(content, id, b.ID), second)
		if err != nil {
			return nil, err
		}
		n := b.Records / 2
		return []spool.Part{{Body: head, Records: max(1, n)}, {Body: tail, Records: max(1, b.Records-n)}}, nil
	}))
}

// header is that of a batch that stands for another.
func header(of *wire.Batch, id, old spool.ID) wire.BatchHeader {
	h := of.Header
	h.Epoch, h.Seq = id.Epoch, id.Seq
	h.Replaces = &wire.BatchID{Epoch: old.Epoch, Seq: old.Seq}
	return h
}

func recordsOf(b *wire.Batch) []wire.Record {
	records := make([]wire.Record, len(b.Records))
	for i, line := range b.Records {
		records[i] = line.Record
	}
	return records
}
