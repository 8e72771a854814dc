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

// errTooMuch says that records cannot be in one batch together.
var errTooMuch = errors.New("not in one batch")

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
		for _, id := range g.StoodFor {
			gap.Replaces = append(gap.Replaces, wire.BatchID(id))
		}
	}
	return EncodeReading(g.Server, "", g.To, gap)
}

// A Screen returns records as they may leave the site. It does nothing to what
// it has screened before.
type Screen func([]wire.Record) ([]wire.Record, error)

// Pack makes batches of all that waits for a server, and returns how many. What
// waits may have been kept when more was to be sent: it passes through screen.
func Pack(sp *spool.Spool, server, version string, now func() time.Time, screen Screen) (int, error) {
	limit, tried := packLimit, 0
	build := func(id spool.ID, parts [][]byte) ([]byte, error) {
		tried = len(parts)
		h := wire.BatchHeader{Epoch: id.Epoch, Seq: id.Seq, Server: server, MadeAt: now().Unix(), Version: version}
		return pack(h, parts, screen)
	}
	for n := 0; ; n++ {
		_, ok, err := sp.Seal(server, limit, build)
		for errors.Is(err, errTooMuch) {
			limit.Records = tried / 2
			_, ok, err = sp.Seal(server, limit, build)
		}
		if err != nil || !ok {
			return n, err
		}
		limit.Records = min(2*limit.Records, packLimit.Records)
	}
}

// pack makes the content of a batch, or says errTooMuch of several records. A
// single one must not stand in the way of those behind it for ever: if it
// cannot be a batch it goes as it is, the hub refuses it, and Drain divides it
// or sets it aside.
func pack(h wire.BatchHeader, parts [][]byte, screen Screen) ([]byte, error) {
	records, err := decode(parts)
	if err == nil {
		if records, err = screen(records); err != nil {
			return nil, err
		}
	}
	var content [][]byte
	if err == nil {
		content, err = lines(merge(records))
	}
	switch {
	case err != nil && len(parts) == 1:
		return parts[0], nil
	case err != nil:
		return nil, err
	}
	var body bytes.Buffer
	if err := wire.WriteBatch(&body, h, content...); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

// decode reads spool records, or says errTooMuch if one of them cannot be read.
func decode(parts [][]byte) ([]wire.Record, error) {
	var records []wire.Record
	for i, p := range parts {
		b, err := wire.ReadBatch(bytes.NewReader(p))
		if err != nil {
			return nil, fmt.Errorf("%w: record %d of those waiting: %w", errTooMuch, i+1, err)
		}
		records = append(records, recordsOf(b, b.Header.MadeAt, b.Header.MadeAt)...)
	}
	return records, nil
}

// lines writes records as the lines of a batch, or says errTooMuch. The hub
// counts in the same way.
func lines(records []wire.Record) ([][]byte, error) {
	var points, size int
	days := map[int64]bool{}
	out := make([][]byte, len(records))
	for i, r := range records {
		points += pointsOf(r)
		touch(days, r)
		line, err := wire.MarshalRecord(r)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errTooMuch, err)
		}
		out[i] = line
		size += len(line) + 1
	}
	if points > wire.MaxPoints || len(out) > wire.MaxRecords || len(days) > wire.MaxDays || size > wire.MaxBatchBytes-headRoom {
		return nil, fmt.Errorf("%w: %d values, %d records, %d days, %d bytes", errTooMuch, points, len(out), len(days), size)
	}
	return out, nil
}

// headRoom is more than a batch's header takes.
const headRoom = 4 << 10

const daySeconds = 24 * 60 * 60

// daysOf returns the first and the last UTC day of a span.
func daysOf(e *wire.Events) (first, last int64) { return daysBetween(e.From, e.To) }

// daysBetween returns the first and the last UTC day of [from, to).
func daysBetween(from, to int64) (first, last int64) { return from / daySeconds, (to - 1) / daySeconds }

// pointsOf counts the values of a record.
func pointsOf(r wire.Record) int {
	switch r := r.(type) {
	case *wire.Samples:
		return len(r.At) * max(1, len(r.Pools))
	case *wire.Events:
		first, last := daysOf(r)
		return len(r.At) + max(0, int(last-first)+1)
	case *wire.Maxima:
		n := 0
		for i, from := range r.From[:min(len(r.From), len(r.To))] {
			first, last := daysBetween(from, r.To[i])
			n += max(0, int(last-first)+1)
		}
		return n
	case *wire.Assignments:
		return namesOf(r)
	}
	return 0
}

// touch notes the UTC days of a record; more than one batch may hold are not
// noted.
func touch(days map[int64]bool, r wire.Record) {
	switch r := r.(type) {
	case *wire.Samples:
		for _, t := range r.At {
			days[t/daySeconds] = true
		}
	case *wire.Events:
		for day, last := daysOf(r); day <= last && len(days) <= wire.MaxDays; day++ {
			days[day] = true
		}
	case *wire.Maxima:
		for i, from := range r.From[:min(len(r.From), len(r.To))] {
			for day, last := daysBetween(from, r.To[i]); day <= last && len(days) <= wire.MaxDays; day++ {
				days[day] = true
			}
		}
	}
}

// Cut makes a text fit for the wire: at most wire.MaxName bytes.
func Cut(s string) string {
	if len(s) <= wire.MaxName {
		return s
	}
	return string(bytes.ToValidUTF8([]byte(s[:wire.MaxName-3]), nil)) + "..."
}
