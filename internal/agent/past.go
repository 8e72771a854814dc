package agent

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"headroom/internal/agent/collect"
	"headroom/internal/agent/upload"
	"headroom/internal/license"
	"headroom/internal/wire"
)

// pastFile notes what was taken of the past: a line for each part, with the
// license server's GUID and the hash of what the part says.
const pastFile = "past.log"

// pastRoom is the share of the spool's budget, as one part of so many, above
// which nothing of the past is taken: readings go before it.
const pastRoom = 2

// ErrNoRoom says that nothing more of the past is taken before an upload.
var ErrNoRoom = errors.New("the spool has no room for the past now: upload what waits (headroom agent upload), then import again; it goes on where it stopped")

// A Past is a part of a license server's past, to be delivered like readings.
type Past struct {
	Server string    `json:"server"` // as it is named in the configuration
	At     time.Time `json:"at"`     // the newest instant in it
	Again  bool      `json:"again"`  // take it though it was taken before
	Batch  []byte    `json:"batch"`  // the records (upload.EncodeReading)
}

// pastRecordsMax and pastValuesMax bound a part of the past; a record is never
// divided.
const (
	pastRecordsMax = 2000
	pastValuesMax  = 100_000
)

// NewPast makes parts of the past of what files tell: mostly one.
func NewPast(server, version string, p collect.Portion, again bool) (out []Past, err error) {
	records := pastRecords(p)
	for len(records) > 0 {
		n, values := 1, valuesOf(records[0])
		for n < min(len(records), pastRecordsMax) && values+valuesOf(records[n]) <= pastValuesMax {
			values += valuesOf(records[n])
			n++
		}
		part := Past{Server: server, At: p.Newest(), Again: again}
		if part.Batch, err = upload.EncodeReading("", version, part.At, records[:n]...); err != nil {
			return nil, err
		}
		out, records = append(out, part), records[n:]
	}
	return out, nil
}

func valuesOf(r wire.Record) int {
	switch r := r.(type) {
	case *wire.Events:
		return 1 + len(r.At)
	case *wire.Samples:
		return len(r.At) * len(r.Pools)
	}
	return 1
}

// pastRecords is what files tell, for the hub.
func pastRecords(p collect.Portion) []wire.Record {
	var out []wire.Record
	for _, e := range p.Events {
		r := events(e)
		r.Imported = true
		out = append(out, r)
	}
	for _, d := range p.Denials {
		out = append(out, denial(d))
	}
	for _, r := range p.Runs {
		out = append(out, run(r))
	}
	for _, m := range p.Maxima {
		out = append(out, &wire.Maxima{
			PoolKey: poolKey(m.Pool), Vendor: fit(m.Daemon), Imported: true, From: []int64{m.From.Unix()}, To: []int64{m.To.Unix()}, InUse: []int64{m.InUse},
		})
	}
	return out
}

// run is a run of readings of the past.
func run(r collect.Run) *wire.Samples {
	out := &wire.Samples{Interval: int64(r.Interval / time.Second), Imported: true, Source: "import"}
	for i, s := range r.Snapshots {
		out.At = append(out.At, s.At.Unix())
		for j, reading := range s.Readings {
			if i == 0 {
				out.Pools = append(out.Pools, wire.SampledPool{
					PoolKey: poolKey(reading.Pool), Vendor: reading.Daemon, State: reading.State.String(), Reason: fit(reading.Reason),
				})
			}
			p := &out.Pools[j]
			for _, v := range []struct {
				values *wire.Counts
				value  license.Count
			}{
				{&p.InUse, reading.InUse},
				{&p.Installed, reading.Installed},
				{&p.Reserved, reading.Reserved},
				{&p.Borrowed, reading.Borrowed},
				{&p.Queued, reading.Queued},
				{&p.Overdraft, reading.Overdraft},
			} {
				*v.values = append(*v.values, v.value)
			}
		}
	}
	return out
}

// TakePast keeps a part of a server's past, in the spool, as readings are. It
// returns false for what was taken before: so an import can be repeated, and goes
// on where it was interrupted.
func (a *Agent) TakePast(ctx context.Context, p Past) (taken bool, err error) {
	i := slices.IndexFunc(a.sources, func(s *source) bool { return license.FoldName(s.config.Name) == license.FoldName(p.Server) })
	if i < 0 {
		return false, fmt.Errorf("no license server %s is configured", p.Server)
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	content, err := wire.ReadBatch(bytes.NewReader(p.Batch))
	if err != nil {
		return false, fmt.Errorf("a part of the past of %s: %w", p.Server, err)
	}
	var records []wire.Record
	sum := sha256.New()
	for _, line := range content.Records {
		text, err := wire.MarshalRecord(line.Record)
		if err != nil {
			return false, err
		}
		sum.Write(append(text, '\n'))
		records = append(records, line.Record)
	}
	a.importing.Lock()
	defer a.importing.Unlock()
	mark := a.sources[i].guid + " " + hex.EncodeToString(sum.Sum(nil)[:16])
	known, err := a.tookPast(mark)
	if err != nil || known && !p.Again {
		return false, err
	}
	if st := a.spool.Stats(); st.Bytes+int64(len(p.Batch)) > st.Budget/pastRoom {
		return false, ErrNoRoom
	}
	if err := a.Keep(p.Server, p.At, records...); err != nil {
		return false, err
	}
	if known {
		return true, nil
	}
	return true, a.notePast(mark)
}

// tookPast says whether a part was taken.
func (a *Agent) tookPast(mark string) (bool, error) {
	if a.past == nil {
		a.past = map[string]bool{}
		f, err := os.Open(filepath.Join(a.config.State, pastFile))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			a.past[strings.TrimSpace(lines.Text())] = true
		}
		if err := errors.Join(lines.Err(), f.Close()); err != nil {
			return false, err
		}
	}
	return a.past[mark], nil
}

// notePast notes that a part was taken. A note that is lost in a power cut lets
// the part be sent twice, which changes nothing.
func (a *Agent) notePast(mark string) error {
	f, err := os.OpenFile(filepath.Join(a.config.State, pastFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(mark + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	a.past[mark] = true
	return nil
}
