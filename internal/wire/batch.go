package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A Record is one line of a batch after its header: a *ServerRecord, *Samples,
// *Events, *Maxima, *Failed, *Holders, *Denial, *Gap, *Assignments or *Sources.
type Record interface {
	kind() string
	stamp() // sets the field Kind
}

func (r *ServerRecord) kind() string { return KindServer }
func (r *Samples) kind() string      { return KindSamples }
func (r *Events) kind() string       { return KindEvents }
func (r *Maxima) kind() string       { return KindMaxima }
func (r *Failed) kind() string       { return KindFailed }
func (r *Holders) kind() string      { return KindHolders }
func (r *Denial) kind() string       { return KindDenial }
func (r *Gap) kind() string          { return KindGap }
func (r *Assignments) kind() string  { return KindAssignments }
func (r *Sources) kind() string      { return KindSources }

func (r *ServerRecord) stamp() { r.Kind = KindServer }
func (r *Samples) stamp()      { r.Kind = KindSamples }
func (r *Events) stamp()       { r.Kind = KindEvents }
func (r *Maxima) stamp()       { r.Kind = KindMaxima }
func (r *Failed) stamp()       { r.Kind = KindFailed }
func (r *Holders) stamp()      { r.Kind = KindHolders }
func (r *Denial) stamp()       { r.Kind = KindDenial }
func (r *Gap) stamp()          { r.Kind = KindGap }
func (r *Assignments) stamp()  { r.Kind = KindAssignments }
func (r *Sources) stamp()      { r.Kind = KindSources }

// newRecord returns an empty record of a kind, nil for a kind unknown to this
// version.
func newRecord(kind string) Record {
	switch kind {
	case KindServer:
		return new(ServerRecord)
	case KindSamples:
		return new(Samples)
	case KindEvents:
		return new(Events)
	case KindMaxima:
		return new(Maxima)
	case KindFailed:
		return new(Failed)
	case KindHolders:
		return new(Holders)
	case KindDenial:
		return new(Denial)
	case KindGap:
		return new(Gap)
	case KindAssignments:
		return new(Assignments)
	case KindSources:
		return new(Sources)
	}
	return nil
}

// A Batch is what ReadBatch found.
type Batch struct {
	Header  BatchHeader
	Records []Line // of known kinds, in the order of the batch
	Unknown int    // records of kinds that this version does not know
}

// A Line is a record and where it stood: the header is line 1.
type Line struct {
	Number int
	Record Record
}

// A BatchError says why a batch cannot be read.
type BatchError struct {
	Line     int  // where it stands, from 1 on; 0: the compression as a whole
	TooLarge bool // it is more than a limit allows: half of it may be read. Else it is malformed
	Reason   string
}

// Error names the line and the reason.
func (e *BatchError) Error() string {
	if e.Line == 0 {
		return "batch: " + e.Reason
	}
	return fmt.Sprintf("line %d of the batch: %s", e.Line, e.Reason)
}

// MarshalRecord writes a record as one line, without its end, and sets the
// record's Kind. The result goes to WriteBatch, at any later time. It is an
// error if the line is longer than MaxRecordBytes.
func MarshalRecord(r Record) ([]byte, error) {
	r.stamp()
	line, err := recordJSON(r)
	if err != nil {
		return nil, fmt.Errorf("write a record of kind %s: %w", r.kind(), err)
	}
	if len(line) > MaxRecordBytes {
		return nil, fmt.Errorf("a record of kind %s has %d bytes, and %d is the limit: divide it", r.kind(), len(line), MaxRecordBytes)
	}
	return line, nil
}

func recordJSON(r Record) ([]byte, error) {
	if s, ok := r.(*Samples); ok {
		return s.line(), nil
	}
	return json.Marshal(r)
}

// WriteBatch writes a batch of lines that MarshalRecord made, and sets the
// header's Kind and V. The same header and lines give the same bytes. It is
// an error if the batch is above the limits.
func WriteBatch(w io.Writer, h BatchHeader, lines ...[]byte) error {
	h.Kind, h.V = KindBatch, Version
	head, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("write the header of a batch: %w", err)
	}
	size := len(head) + 1
	for _, line := range lines {
		size += len(line) + 1
	}
	if len(lines) > MaxRecords || size > MaxBatchBytes {
		return fmt.Errorf("a batch of %d records and %d bytes: the limits are %d and %d", len(lines), size, MaxRecords, MaxBatchBytes)
	}
	if err := compress(w, append([][]byte{head}, lines...)...); err != nil {
		return fmt.Errorf("write a batch: %w", err)
	}
	return nil
}

// EncodeBatch returns a batch of records as it is sent: MarshalRecord and
// WriteBatch in one.
func EncodeBatch(h BatchHeader, records ...Record) ([]byte, error) {
	lines := make([][]byte, len(records))
	for i, r := range records {
		line, err := MarshalRecord(r)
		if err != nil {
			return nil, err
		}
		lines[i] = line
	}
	var b bytes.Buffer
	if err := WriteBatch(&b, h, lines...); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// ReadBatch reads a batch. However hostile, it costs no more memory than the
// limits of this package allow. What is wrong with it is a *BatchError; an
// error of r is returned as it is.
//
// Fields that are unknown are ignored and records of unknown kinds counted.
// Whether the values make sense is for ingest to say.
func ReadBatch(r io.Reader) (*Batch, error) {
	source := &watched{r: r}
	text, err := newLineReader(source)
	if err != nil {
		return nil, err
	}
	defer text.done()
	lines, rest := text.lines, &text.rest
	b := new(Batch)
	number := 0
	for lines.Scan() {
		number++
		if rest.N <= 0 || number > MaxRecords+1 {
			break
		}
		if err := b.add(number, lines.Bytes()); err != nil {
			return nil, err
		}
	}
	switch err := lines.Err(); {
	case source.err != nil:
		return nil, source.err
	case rest.N <= 0, errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, tooLarge(number, "more than %d bytes in all", MaxBatchBytes)
	case number > MaxRecords+1:
		return nil, tooLarge(number, "more than %d records", MaxRecords)
	case errors.Is(err, bufio.ErrTooLong):
		return nil, tooLarge(number+1, "longer than %d bytes", MaxRecordBytes)
	case err != nil:
		return nil, &BatchError{Reason: "not a zstd stream with a window of at most 1 MiB: " + err.Error()}
	case number == 0:
		return nil, &BatchError{Reason: "it is empty"}
	}
	return b, nil
}

func tooLarge(line int, format string, limit int) error {
	return &BatchError{Line: line, TooLarge: true, Reason: fmt.Sprintf(format, limit)}
}

// add reads one line.
func (b *Batch) add(number int, line []byte) error {
	malformed := func(format string, args ...any) error {
		return &BatchError{Line: number, Reason: fmt.Sprintf(format, args...)}
	}
	if len(line) > MaxRecordBytes {
		return tooLarge(number, "longer than %d bytes", MaxRecordBytes)
	}
	if number > 1 {
		if r, ok := readSamples(line); ok {
			b.Records = append(b.Records, Line{Number: number, Record: r})
			return nil
		}
	}
	if depth(line) > MaxDepth {
		return malformed("nested deeper than %d", MaxDepth)
	}
	kind, err := kindOf(line)
	if err != nil {
		return malformed("%v", err)
	}
	if number == 1 {
		if kind != KindBatch {
			return malformed("a batch begins with a record of kind %q, this is %.40q", KindBatch, kind)
		}
		if err := json.Unmarshal(line, &b.Header); err != nil {
			return malformed("%v", err)
		}
		if b.Header.V < 1 {
			return malformed("version %d of the wire", b.Header.V)
		}
		return nil
	}
	if kind == KindBatch {
		return malformed("a second header")
	}
	r := newRecord(kind)
	if r == nil {
		b.Unknown++
		return nil
	}
	if err := json.Unmarshal(line, r); err != nil {
		return malformed("%s: %v", kind, err)
	}
	r.stamp()
	b.Records = append(b.Records, Line{Number: number, Record: r})
	return nil
}

// kindOf returns the kind of a line. Our own writers put it first: then the
// line is not read twice.
func kindOf(line []byte) (string, error) {
	if rest, ok := bytes.CutPrefix(line, []byte(`{"kind":"`)); ok {
		if kind, _, ok := bytes.Cut(rest, []byte(`"`)); ok && (newRecord(string(kind)) != nil || string(kind) == KindBatch) {
			return string(kind), nil
		}
	}
	var head struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return "", err
	}
	if head.Kind == "" {
		return "", errors.New(`no field "kind"`)
	}
	return head.Kind, nil
}

// depth returns how deep arrays and objects are nested in a line.
func depth(line []byte) (deepest int) {
	deep, quoted, escaped := 0, false, false
	for _, c := range line {
		switch {
		case escaped:
			escaped = false
		case quoted:
			quoted, escaped = c != '"', c == '\\'
		case c == '"':
			quoted = true
		case c == '{', c == '[':
			deep++
			deepest = max(deepest, deep)
		case c == '}', c == ']':
			deep--
		}
	}
	return deepest
}

// watched remembers an error of the source, which the decompressor would
// report as damage of the stream.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}
