package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
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
	d := drain{client: c, spool: sp, log: log}
	for {
		b, err := sp.Next()
		if errors.Is(err, spool.ErrEmpty) {
			return d.report, nil
		}
		if err != nil {
			return d.report, err
		}
		if err := d.one(ctx, b); err != nil {
			return d.report, err
		}
	}
}

// A drain is a Drain under way.
type drain struct {
	client *Client
	spool  *spool.Spool
	log    *slog.Logger
	report Report
	began  bool // an epoch: no hub has anything under it yet
}

// one does with the oldest batch what has to be done.
func (d *drain) one(ctx context.Context, b spool.Batch) error {
	if b.Epoch != d.spool.Epoch().Epoch && !b.Again {
		return d.reissue(b) // made before a fork was seen
	}
	if len(b.Body) > wire.MaxBodyBytes {
		return d.refused(b, fmt.Errorf("%d bytes are more than a hub reads", len(b.Body)))
	}
	receipt, err := d.client.put(ctx, b)
	switch judge(err) {
	case taken:
		d.report.Batches++
		d.report.Records += receipt.Records
		if receipt.Status == wire.ReceiptDiscarded {
			d.report.Discarded++
		}
		return gone(d.spool.Sent(b.ID))
	case forked:
		return d.leaveEpoch(b, err)
	case refused:
		return d.refused(b, err)
	case narrow:
		if done, derr := d.narrow(b, err); done || derr != nil {
			return derr
		}
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
	narrow                 // something in front of the hub lets nothing so large through
)

// judge says what the hub's answer means for a batch. Nothing else decides.
// What is not the hub's own word is never a reason to give a batch up.
func judge(err error) verdict {
	r, ok := errors.AsType[*Refusal](err)
	switch {
	case err == nil:
		return taken
	case !ok:
		return later
	case !r.Hub && r.Status == http.StatusRequestEntityTooLarge:
		return narrow
	case !r.Hub:
		return later
	case r.Status == http.StatusConflict && r.Type == wire.ProblemFork:
		return forked
	case r.Status == http.StatusBadRequest, r.Status == http.StatusRequestEntityTooLarge, r.Status == http.StatusUnprocessableEntity:
		return refused
	}
	return later
}

// leaveEpoch begins a new epoch, unless that was done for an earlier batch,
// and gives the batch an identity in it. It does so once: a hub that then
// still has other content is a hub to come back to later.
func (d *drain) leaveEpoch(b spool.Batch, why error) error {
	if b.Epoch == d.spool.Epoch().Epoch {
		if d.began {
			return fmt.Errorf("batch %s is of a new epoch: %w", b.ID, why)
		}
		d.log.Error("the hub has other content under this identity: this agent was copied or rolled back; a new epoch begins",
			"batch", b.ID.String(), "err", why)
		if _, err := d.spool.NewEpoch(); err != nil {
			return err
		}
		d.began = true
	}
	return d.reissue(b)
}

// reissue gives a batch's content an identity in the present epoch.
func (d *drain) reissue(b spool.Batch) error {
	content, err := wire.ReadBatch(bytes.NewReader(b.Body))
	if err != nil {
		return d.setAside(b, fmt.Errorf("cannot be read to be sent under a new identity: %w", err))
	}
	return d.replace(b, content.Header, recordsOf(content, b.From.Unix(), b.To.Unix()))
}

// refused replaces a batch by its halves, or sets it aside if it is a single
// record.
func (d *drain) refused(b spool.Batch, why error) error {
	if content, parts := divide(b); parts != nil {
		d.log.Warn("the hub refuses a batch; it is divided to find the record", "batch", b.ID.String(), "err", why)
		return d.replace(b, content.Header, parts...)
	}
	return d.setAside(b, why)
}

// setAside sets aside a batch that the hub will never take. The gap that
// declares it tells of the batches, too, for which it stood.
func (d *drain) setAside(b spool.Batch, why error) error {
	d.report.Refused++
	d.log.Error("a record is set aside: the hub will never take it", "batch", b.ID.String(), "err", why)
	var stoodFor []spool.ID
	if content, err := wire.ReadBatch(bytes.NewReader(b.Body)); err == nil {
		for _, id := range content.Header.Replaces {
			stoodFor = append(stoodFor, spool.ID(id))
		}
	}
	return gone(d.spool.Bad(b.ID, why.Error(), stoodFor...))
}

// letThrough is a size that everything in front of a hub lets through. What
// is refused below it is refused for another reason.
const letThrough = 64 << 10

// narrow divides a batch that does not pass through something in front of the
// hub, and reports whether it could. What cannot be divided is kept: it is not
// the hub that says no.
func (d *drain) narrow(b spool.Batch, why error) (bool, error) {
	if len(b.Body) <= letThrough {
		return false, nil
	}
	content, parts := divide(b)
	if parts == nil {
		return false, nil
	}
	d.log.Warn("a batch does not pass on its way to the hub; it is divided", "batch", b.ID.String(), "bytes", len(b.Body), "err", why)
	return true, d.replace(b, content.Header, parts...)
}

// divide returns the content of a batch in at least two parts of which each is
// what one batch may hold; none if it cannot be divided.
func divide(b spool.Batch) (*wire.Batch, [][]wire.Record) {
	content, err := wire.ReadBatch(bytes.NewReader(b.Body))
	if err != nil {
		return nil, nil
	}
	first, second, ok := split(recordsOf(content, b.From.Unix(), b.To.Unix()))
	if !ok {
		return nil, nil
	}
	return content, append(pieces(first), pieces(second)...)
}

// pieces divides records until each piece is what one batch may hold. What is
// too much and cannot be divided is left for the hub to refuse.
func pieces(records []wire.Record) [][]wire.Record {
	if _, err := lines(records); err == nil {
		return [][]wire.Record{records}
	}
	first, second, ok := split(records)
	if !ok {
		return [][]wire.Record{records}
	}
	return append(pieces(first), pieces(second)...)
}

// replace lets batches of these contents stand for b, whose header is h. Each
// of them tells of b, and of all that b stood for: the hub would wait for ever
// for a batch of which nobody tells that it will not come.
func (d *drain) replace(b spool.Batch, h wire.BatchHeader, contents ...[]wire.Record) error {
	h.Replaces = append(slices.Clone(h.Replaces), wire.BatchID{Epoch: b.Epoch, Seq: b.Seq})
	return gone(d.spool.Replace(b.ID, func(id spool.ID) ([]spool.Part, error) {
		parts := make([]spool.Part, len(contents))
		for i, records := range contents {
			h.Epoch, h.Seq = id.Epoch, id.Seq+uint64(i)
			body, err := wire.EncodeBatch(h, records...)
			if err != nil {
				return nil, err
			}
			share := b.Records*(i+1)/len(contents) - b.Records*i/len(contents)
			parts[i] = spool.Part{Body: body, Records: max(1, share)}
		}
		return parts, nil
	}))
}

// recordsOf returns the records of a batch. Those of kinds that only a newer
// version knows cannot be taken over: they are declared as a gap.
func recordsOf(b *wire.Batch, from, to int64) []wire.Record {
	records := make([]wire.Record, len(b.Records), len(b.Records)+1)
	for i, line := range b.Records {
		records[i] = line.Record
	}
	if b.Unknown > 0 {
		records = append(records, &wire.Gap{
			From: from, To: to, Reason: fmt.Sprintf("%d records of kinds that this version of the agent does not know", b.Unknown),
		})
	}
	return records
}
