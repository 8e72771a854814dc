package upload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"headroom/internal/agent/spool"
	"headroom/internal/wire"
)

// build makes a server's waiting records into the content of a batch.
func (d *Drain) build(server string) func(spool.ID, [][]byte) ([]byte, error) {
	return func(id spool.ID, records [][]byte) ([]byte, error) {
		return d.encode(id, server, runs(records), nil)
	}
}

func (d *Drain) encode(id spool.ID, server string, records [][]byte, replaces *wire.BatchID) ([]byte, error) {
	var out bytes.Buffer
	err := wire.WriteBatch(&out, wire.BatchHeader{
		Epoch: id.Epoch, Seq: id.Seq, Server: server, MadeAt: d.Now().Unix(), Version: d.Version, Replaces: replaces,
	}, records...)
	return out.Bytes(), err
}

// again puts a batch's records into n batches with identities of their own.
func (d *Drain) again(b spool.Batch, n int) func(spool.ID) ([]spool.Part, error) {
	return func(first spool.ID) ([]spool.Part, error) {
		records, err := split(b.Body)
		if err != nil {
			return nil, err
		}
		var parts []spool.Part
		size := max((len(records)+n-1)/n, 1)
		for i, chunk := range slices.Collect(slices.Chunk(records, size)) {
			id := spool.ID{Epoch: first.Epoch, Seq: first.Seq + uint64(i)}
			body, err := d.encode(id, b.Server, chunk, &wire.BatchID{Epoch: b.Epoch, Seq: b.Seq})
			if err != nil {
				return nil, err
			}
			parts = append(parts, spool.Part{Body: body, Records: len(chunk)})
		}
		return parts, nil
	}
}

// split returns the record lines of a batch of ours.
func split(body []byte) ([][]byte, error) {
	z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	text, err := io.ReadAll(io.LimitReader(z, wire.MaxBatchBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read a batch of our own: %w", err)
	}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	return lines[1:], nil
}

// runs joins readings that name the same pools in the same states into runs,
// and keeps of several lists of holders the newest: that is all a hub makes of
// them. Records of other kinds and lines that cannot be read stay as they are.
func runs(records [][]byte) [][]byte {
	var out [][]byte
	var r run
	var holders []byte
	for _, line := range records {
		switch kind(line) {
		case wire.KindHolders:
			holders = line
			continue
		case wire.KindSamples:
			if r.takes(line) {
				continue
			}
			out = append(out, r.end()...)
			if r.takes(line) {
				continue
			}
		}
		out = append(append(out, r.end()...), line)
	}
	out = append(out, r.end()...)
	if holders != nil {
		out = append(out, holders)
	}
	return out
}

// A run is readings that are being joined.
type run struct {
	lines   [][]byte // as they were
	samples wire.Samples
}

// takes joins a reading to the run, if it fits.
func (r *run) takes(line []byte) bool {
	var s wire.Samples
	if json.Unmarshal(line, &s) != nil || len(s.At) != 1 {
		return false
	}
	switch {
	case len(r.lines) == 0:
		r.samples = s
	case joins(&r.samples, &s):
		join(&r.samples, &s)
	default:
		return false
	}
	r.lines = append(r.lines, line)
	return true
}

// end returns the run as one line and begins another. A run that is too long
// for one line stays the readings that it was.
func (r *run) end() [][]byte {
	lines := r.lines
	if len(lines) > 1 {
		if line, err := wire.MarshalRecord(&r.samples); err == nil {
			lines = [][]byte{line}
		}
	}
	*r = run{}
	return lines
}

func kind(line []byte) string {
	var k struct {
		Kind string `json:"kind"`
	}
	if json.Unmarshal(line, &k) != nil {
		return ""
	}
	return k.Kind
}

// maxRun is how many readings one run has at most: what a day brings, even at
// the shortest interval.
const maxRun = 300

func joins(run, s *wire.Samples) bool {
	same := len(run.At) < maxRun && run.At[len(run.At)-1] < s.At[0] && run.Interval == s.Interval && run.Complete == s.Complete &&
		run.Imported == s.Imported && run.Source == s.Source && run.Own == s.Own && run.OffsetMS == s.OffsetMS && len(run.Pools) == len(s.Pools)
	for i := 0; same && i < len(s.Pools); i++ {
		a, b := &run.Pools[i], &s.Pools[i]
		same = a.PoolKey == b.PoolKey && a.Vendor == b.Vendor && a.State == b.State && a.Reason == b.Reason
		for j, values := range arrays(a) {
			same = same && len(*values) > 0 == (len(*arrays(b)[j]) > 0)
		}
	}
	return same
}

func join(run, s *wire.Samples) {
	run.At = append(run.At, s.At[0])
	for i := range s.Pools {
		added := arrays(&s.Pools[i])
		for j, values := range arrays(&run.Pools[i]) {
			*values = append(*values, *added[j]...)
		}
	}
}

func arrays(p *wire.SampledPool) [6]*wire.Counts {
	return [6]*wire.Counts{&p.InUse, &p.Installed, &p.Reserved, &p.Borrowed, &p.Queued, &p.Overdraft}
}
