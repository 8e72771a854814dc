package upload

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"headroom/internal/agent/spool"
	"headroom/internal/wire"
)

// packLimit is how much goes into one batch at most, in spool records as they
// are on disk: compressed, each for itself.
var packLimit = spool.Limit{Records: 2000, Bytes: 1 << 20}

// errTooMuch says that records are more than one batch may hold.
var errTooMuch = errors.New("more than one batch may hold")

// EncodeReading makes a spool record of what one reading of a server brought.
// It is a batch of the wire without an identity.
func EncodeReading(server, version string, at time.Time, records ...wire.Record) ([]byte, error) {
	h := wire.BatchHeader{Server: server, MadeAt: at.Unix(), Version: version}
	return wire.EncodeBatch(h, records...)
}

// EncodeGap makes a spool record of a loss: it is the spool's Options.Declare.
func EncodeGap(g spool.Gap) ([]byte, error) {
	gap := &wire.Gap{From: g.From.Unix(), To: g.To.Unix(), Reason: Cut(fmt.Sprintf("%s (%d records)", g.Reason, g.Records))}
	if g.Batch != (spool.ID{}) {
		gap.Batch = &wire.BatchID{Epoch: g.Batch.Epoch, Seq: g.Batch.Seq}
	}
	return EncodeReading(g.Server, "", g.To, gap)
}

// Pack makes batches of all that waits for a server, and returns how many.
func Pack(sp *spool.Spool, server, version string, now func() time.Time) (int, error) {
	build := func(id spool.ID, parts [][]byte) ([]byte, error) {
		records, err := decode(parts)
		if err != nil {
			return nil, err
		}
		h := wire.BatchHeader{Epoch: id.Epoch, Seq: id.Seq, Server: server, MadeAt: now().Unix(), Version: version}
		return encode(h, merge(records))
	}
	limit := packLimit
	for n := 0; ; {
		_, ok, err := sp.Seal(server, limit, build)
		switch {
		case errors.Is(err, errTooMuch) && limit.Records > 1:
			limit.Records /= 2
			continue
		case err != nil:
			return n, err
		case !ok:
			return n, nil
		}
		n++
	}
}

// decode reads spool records.
func decode(parts [][]byte) ([]wire.Record, error) {
	var records []wire.Record
	for i, p := range parts {
		b, err := wire.ReadBatch(bytes.NewReader(p))
		if err != nil {
			return nil, fmt.Errorf("record %d of those waiting: %w", i+1, err)
		}
		for _, line := range b.Records {
			records = append(records, line.Record)
		}
	}
	return records, nil
}

// encode writes a batch, or says errTooMuch.
func encode(h wire.BatchHeader, records []wire.Record) ([]byte, error) {
	var points, bytesOpen int
	lines := make([][]byte, len(records))
	for i, r := range records {
		points += pointsOf(r)
		line, err := wire.MarshalRecord(r)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errTooMuch, err)
		}
		lines[i] = line
		bytesOpen += len(line) + 1
	}
	if points > wire.MaxPoints || len(lines) > wire.MaxRecords || bytesOpen > wire.MaxBatchBytes-headRoom {
		return nil, fmt.Errorf("%w: %d values, %d records, %d bytes", errTooMuch, points, len(lines), bytesOpen)
	}
	var body bytes.Buffer
	if err := wire.WriteBatch(&body, h, lines...); err != nil {
		return nil, err
	}
	if body.Len() > wire.MaxBodyBytes {
		return nil, fmt.Errorf("%w: %d bytes compressed", errTooMuch, body.Len())
	}
	return body.Bytes(), nil
}

// headRoom is more than a batch's header takes.
const headRoom = 4 << 10

// pointsOf counts the values of a record as the hub does.
func pointsOf(r wire.Record) int {
	switch r := r.(type) {
	case *wire.Samples:
		return len(r.At) * max(1, len(r.Pools))
	case *wire.Events:
		days := int((r.To-1)/86400-r.From/86400) + 1
		return len(r.At) + days
	}
	return 0
}

// Cut makes a text fit for the wire: at most wire.MaxName bytes.
func Cut(s string) string {
	if len(s) <= wire.MaxName {
		return s
	}
	return string(bytes.ToValidUTF8([]byte(s[:wire.MaxName-3]), nil)) + "..."
}
