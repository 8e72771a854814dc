package upload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"headroom/internal/license"
	"headroom/internal/wire"
)

// A meaning is what records say, however they are put: one line for each pool
// at each instant, for each second of a log's spans, and for each maximum, with
// how often it is said.
type meaning map[string]int

// meaningOf sends records over the wire and says what arrives.
func meaningOf(t failer, records []wire.Record) meaning {
	t.Helper()
	m := meaning{}
	for _, r := range overTheWire(t, records) {
		switch r := r.(type) {
		case *wire.Samples:
			m.samples(r)
		case *wire.Events:
			m.events(r)
		case *wire.Maxima:
			m.maxima(r)
		default:
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatalf("%v", err)
			}
			m[string(text)]++
		}
	}
	return m
}

func overTheWire(t failer, records []wire.Record) []wire.Record {
	t.Helper()
	body, err := wire.EncodeBatch(wire.BatchHeader{Server: server}, records...)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	b, err := wire.ReadBatch(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	out := make([]wire.Record, len(b.Records))
	for i, line := range b.Records {
		out[i] = line.Record
	}
	return out
}

func (m meaning) samples(r *wire.Samples) {
	for i, at := range r.At {
		round := fmt.Sprintf("%d every %d complete %t imported %t %s own %t offset %d", at, r.Interval, r.Complete, r.Imported, r.Source, r.Own, r.OffsetMS)
		m[fmt.Sprintf("%s: %d pools", round, len(r.Pools))]++
		for _, p := range r.Pools {
			values := []license.Count{
				wire.At(p.InUse, i), wire.At(p.Installed, i), wire.At(p.Reserved, i),
				wire.At(p.Borrowed, i), wire.At(p.Queued, i), wire.At(p.Overdraft, i),
			}
			m[fmt.Sprintf("%s: %v %s %s %s %v", round, p.PoolKey, p.Vendor, p.State, p.Reason, values)]++
		}
	}
}

// events says of each second the highest use in it and the use at its end.
func (m meaning) events(r *wire.Events) {
	level, next := r.Start, 0
	for s := r.From; s < r.To; s++ {
		high := level
		if next < len(r.At) && r.At[next] == s {
			level = r.InUse[next]
			high = level
			if len(r.High) > 0 {
				high = r.High[next]
			}
			next++
		}
		m[fmt.Sprintf("%d of %v %s exact %t imported %t offset %d: %d, then %d", s, r.PoolKey, r.Vendor, r.Exact, r.Imported, r.OffsetMS, high, level)]++
	}
	if next != len(r.At) {
		m[fmt.Sprintf("%d events outside of [%d, %d)", len(r.At)-next, r.From, r.To)]++
	}
}

// maxima says each maximum with its whole time.
func (m meaning) maxima(r *wire.Maxima) {
	for i, from := range r.From {
		m[fmt.Sprintf("[%d, %d) of %v %s imported %t offset %d: at most %d", from, r.To[i], r.PoolKey, r.Vendor, r.Imported, r.OffsetMS, r.InUse[i])]++
	}
}

// without returns a meaning without the lines that contain any of the texts.
func (m meaning) without(texts ...string) meaning {
	out := maps.Clone(m)
	maps.DeleteFunc(out, func(line string, _ int) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(line, text) })
	})
	return out
}

// differs says in which lines two meanings differ, the first few of them.
func (m meaning) differs(want meaning) string {
	var lines []string
	for line := range want {
		if m[line] != want[line] {
			lines = append(lines, fmt.Sprintf("said %d times, want %d: %s", m[line], want[line], line))
		}
	}
	for line := range m {
		if want[line] == 0 {
			lines = append(lines, fmt.Sprintf("said %d times, want 0: %s", m[line], line))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines[:min(len(lines), 8)], "\n")
}
