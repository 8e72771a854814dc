package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/wire"
)

var record = flag.Bool("record", false, "record batches of the present version where there are none yet")

func header() wire.BatchHeader {
	return wire.BatchHeader{
		Epoch: "0001-00c0ffee00c0ffee", Seq: 7, Server: "0190a2b4-0000-7000-8000-00000000f10c",
		MadeAt: 1_772_000_000, Version: "0.1.0",
	}
}

// day is a small batch with a record of every kind.
func day() []wire.Record {
	solid := wire.PoolKey{Feature: "solidworks"}
	return []wire.Record{
		&wire.ServerRecord{At: 1_771_990_000, ServerInfo: wire.ServerInfo{
			GUID: header().Server, Name: "lic01", Hosts: []string{"lic01.example.com"}, Port: 27000,
			Manager: "flexnet", Version: "11.19.5",
		}},
		&wire.Samples{
			At: []int64{1_771_990_000, 1_771_990_300, 1_771_990_600}, Interval: 300, Complete: true,
			Source: "flexnet", Own: true, OffsetMS: -1500,
			Pools: []wire.SampledPool{
				{
					PoolKey: solid, Vendor: "SW_D", State: "counted",
					InUse:     wire.Counts{license.Of(3), {}, license.Of(12)},
					Installed: wire.Counts{license.Of(20)}, Overdraft: wire.Counts{license.Of(2)},
				},
				{PoolKey: wire.PoolKey{Feature: "MLM", Daemon: "MLM"}, State: "uncounted"},
				{PoolKey: wire.PoolKey{Feature: "CATIA", Variant: "2"}, State: "unknown", Reason: "no answer from the vendor daemon"},
			},
		},
		&wire.Events{
			PoolKey: solid, From: 1_771_980_000, To: 1_771_990_000, Exact: true, Start: 1,
			At: []int64{1_771_980_100, 1_771_980_200}, InUse: []int64{2, 0}, High: []int64{2, 3},
		},
		maxima(),
		&wire.Failed{At: 1_771_990_900, Reason: "lmutil: connection refused", OffsetMS: -1500},
		&wire.Holders{At: 1_771_990_600, Holders: []wire.Holder{
			{PoolKey: solid, User: "Änne", Host: "cad-07", Display: ":0", Licenses: 2, Since: 1_771_985_000, How: license.HolderActive},
		}},
		&wire.Denial{PoolKey: solid, At: 1_771_989_000, User: "bob", Host: "cad-08", Reason: "all licenses are in use", Count: 3},
		&wire.Gap{From: 1_771_000_000, To: 1_771_100_000, Reason: "spool full", Batch: &wire.BatchID{Epoch: header().Epoch, Seq: 3}},
	}
}

// citrix are records that came with the reader of Citrix License Servers.
func citrix() []wire.Record {
	premium := wire.PoolKey{Feature: "XDT_PLT_UD", Variant: "2026.1201 Retail"}
	return []wire.Record{
		&wire.Samples{At: []int64{1_771_990_000}, Interval: 900, Complete: true, Source: "citrix", Own: true, Pools: []wire.SampledPool{
			{PoolKey: wire.PoolKey{Feature: "XDS_PLT_CCS", Variant: "2026.1201 Retail"}, Vendor: "CITRIX", State: "counted", InUse: wire.Counts{license.Of(4)}, SharedWith: "XDT_PLT_CCS"},
		}},
		&wire.Assignments{
			At: 1_771_989_280, Own: true, Complete: true, Truncated: true, Lease: 90 * 24 * 3600, LastIs: license.LastRequest,
			Assigned: []wire.Assigned{
				{PoolKey: premium, Vendor: "CITRIX", Who: license.AssignedUser, Names: []string{"anna", "Jürgen"}, Last: []int64{1_771_900_000, 0}},
				{PoolKey: premium, Vendor: "CITRIX", Who: license.AssignedDevice, Names: []string{"kiosk-07"}},
			},
		},
		&wire.Assignments{At: 1_771_990_180, Own: true, Ended: []wire.Assigned{{PoolKey: premium, Who: license.AssignedUser, Names: []string{"anna"}}}},
		&wire.Sources{At: 1_771_990_000, Sources: []wire.Source{
			{Name: "wmi-pools", At: 1_771_990_000},
			{Name: "udadmin", At: 1_771_990_000, Age: 720, Remark: "1 line was not understood"},
			{Name: "sdk-inventory", At: 1_771_990_000, Failure: "not authorized"},
			{Name: "sdk-las", At: 1_771_990_000, Absent: true},
		}},
	}
}

// names is what a server says whose names leave as pseudonyms.
func names() []wire.Record {
	return []wire.Record{
		&wire.ServerRecord{At: 1_771_990_000, ServerInfo: wire.ServerInfo{
			GUID: header().Server, Name: "cad-lic-01", Manager: "flexnet",
			Names: &wire.NamesInfo{Mode: wire.NamesPseudonyms, Key: "3f2a91c0", Since: 1_771_900_000},
		}},
		&wire.Denial{PoolKey: wire.PoolKey{Feature: "solid"}, At: 1_771_989_000, User: "~3f2a91c0-b5pnxq2mfz7k4wra", Reason: "all licenses in use", Count: 1},
	}
}

// maxima are those of two intervals of an imported usage file.
func maxima() *wire.Maxima {
	return &wire.Maxima{
		PoolKey: wire.PoolKey{Feature: "XDT_PLT_CCS"}, Vendor: "CITRIX", Imported: true, OffsetMS: -1500,
		From: []int64{1_771_970_400, 1_771_971_300}, To: []int64{1_771_971_300, 1_771_972_200}, InUse: []int64{412, 0},
	}
}

func TestBatchComesBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(drawRecord), 0, 6).Draw(t, "records")
		body, err := wire.EncodeBatch(header(), records...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.ReadBatch(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		want := &wire.Batch{Header: header()}
		want.Header.Kind, want.Header.V = wire.KindBatch, wire.Version
		for i, r := range records {
			want.Records = append(want.Records, wire.Line{Number: i + 2, Record: r})
		}
		if d := cmp.Diff(got, want, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("read what was not written (-got +want):\n%s", d)
		}
	})
}

// drawRecord draws a record of any kind. What it says need not make sense.
func drawRecord(t *rapid.T) wire.Record {
	instants := rapid.SliceOfN(rapid.Int64(), 0, 5)
	counts := rapid.Custom(func(t *rapid.T) wire.Counts {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) license.Count {
			if rapid.Bool().Draw(t, "unknown") {
				return license.Count{}
			}
			return license.Of(rapid.Int64().Draw(t, "n"))
		}), 0, 5).Draw(t, "counts")
	})
	name := rapid.StringN(0, 8, -1)
	key := wire.PoolKey{Feature: name.Draw(t, "feature"), Daemon: name.Draw(t, "daemon"), Variant: name.Draw(t, "variant")}
	at := rapid.Int64().Draw(t, "at")
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return &wire.ServerRecord{At: at, ServerInfo: wire.ServerInfo{GUID: name.Draw(t, "guid"), Name: name.Draw(t, "name")}}
	case 1:
		return &wire.Samples{
			At: instants.Draw(t, "instants"), Interval: at, Complete: rapid.Bool().Draw(t, "complete"), Source: "test",
			Pools: []wire.SampledPool{{PoolKey: key, State: "counted", InUse: counts.Draw(t, "in use"), Installed: counts.Draw(t, "installed")}},
		}
	case 2:
		return &wire.Events{PoolKey: key, From: at, To: at, At: instants.Draw(t, "instants"), InUse: instants.Draw(t, "in use")}
	case 3:
		return &wire.Failed{At: at, Reason: name.Draw(t, "reason")}
	case 4:
		return &wire.Holders{At: at, Holders: []wire.Holder{{PoolKey: key, User: name.Draw(t, "user"), Licenses: at}}}
	case 5:
		return &wire.Denial{PoolKey: key, At: at, User: name.Draw(t, "user"), Count: at}
	case 6:
		return &wire.Maxima{
			PoolKey: key, Vendor: name.Draw(t, "vendor"), Imported: rapid.Bool().Draw(t, "imported"), OffsetMS: at,
			From: instants.Draw(t, "from"), To: instants.Draw(t, "to"), InUse: instants.Draw(t, "in use"),
		}
	case 7:
		return &wire.Assignments{At: at, Complete: rapid.Bool().Draw(t, "complete"), Lease: at, LastIs: license.LastRequest, Assigned: []wire.Assigned{
			{PoolKey: key, Who: license.AssignedUser, Names: []string{name.Draw(t, "user")}, Last: instants.Draw(t, "last")},
		}}
	case 8:
		return &wire.Sources{At: at, Sources: []wire.Source{{Name: name.Draw(t, "source"), At: at, Failure: name.Draw(t, "failure")}}}
	default:
		return &wire.Gap{From: at, To: at, Reason: name.Draw(t, "reason")}
	}
}

func TestTheSameBatchIsTheSameBytes(t *testing.T) {
	first, err := wire.EncodeBatch(header(), day()...)
	if err != nil {
		t.Fatal(err)
	}
	second, err := wire.EncodeBatch(header(), day()...)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("two encodings of one batch differ: a retry would look like a fork")
	}
}

// pack compresses text as an agent would.
func pack(t testing.TB, text []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll(text, nil)
}

const head = `{"kind":"batch","v":1,"epoch":"e","seq":1,"server":"s","made_at":1,"version":"1"}` + "\n"

func TestWhatIsUnknownIsIgnoredAndCounted(t *testing.T) {
	text := head +
		`{"kind":"weather","at":1,"sky":["blue",{"deep":[1]}]}` + "\n" +
		`{"colour":"red","kind":"failed","at":5,"reason":"timeout","more":{"a":[{}]}}` + "\n" +
		`{"sky":"blue","kind":"weather"}` + "\n"
	b, err := wire.ReadBatch(bytes.NewReader(pack(t, []byte(text))))
	if err != nil {
		t.Fatal(err)
	}
	want := []wire.Line{{Number: 3, Record: &wire.Failed{Kind: wire.KindFailed, At: 5, Reason: "timeout"}}}
	if d := cmp.Diff(b.Records, want); d != "" || b.Unknown != 2 {
		t.Errorf("unknown = %d, want 2; records (-got +want):\n%s", b.Unknown, d)
	}
}

func TestBatchIsRefusedWithLineAndReason(t *testing.T) {
	long := strings.Repeat("x", wire.MaxRecordBytes)
	for name, c := range map[string]struct {
		text  string
		line  int
		large bool
		says  string
	}{
		"no line":           {"", 0, false, "empty"},
		"no header":         {`{"kind":"failed","at":1}` + "\n", 1, false, "begins with"},
		"two headers":       {head + head, 2, false, "second header"},
		"version 0":         {`{"kind":"batch"}` + "\n", 1, false, "version 0"},
		"blank line":        {head + "\n" + `{"kind":"gap"}`, 2, false, "JSON"},
		"no JSON":           {head + "hello\n", 2, false, "invalid character"},
		"no kind":           {head + `{"at":1}` + "\n", 2, false, `no field "kind"`},
		"cut off":           {head + `{"kind":"gap","from":1`, 2, false, "unexpected end"},
		"wrong type":        {head + `{"kind":"gap","from":"noon"}`, 2, false, "gap"},
		"fraction":          {head + `{"kind":"samples","pools":[{"in_use":[1.5]}]}`, 2, false, "whole number"},
		"count is no array": {head + `{"kind":"samples","pools":[{"in_use":7}]}`, 2, false, "array of counts"},
		"deep":              {head + `{"kind":"gap","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}", 2, false, "nested"},
		"unknown and deep":  {head + `{"kind":"?","x":` + strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40) + "}", 2, false, "nested"},
		"long record":       {head + `{"kind":"failed","at":1,"reason":"` + long + `"}` + "\n", 2, true, "longer"},
		"many bytes":        {head + strings.Repeat(`{"kind":"?","x":"`+long[:1<<20]+`"}`+"\n", 17), 17, true, "bytes in all"},
		"many records":      {head + strings.Repeat(`{"kind":"?"}`+"\n", wire.MaxRecords+1), wire.MaxRecords + 2, true, "records"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wire.ReadBatch(bytes.NewReader(pack(t, []byte(c.text))))
			e, ok := errors.AsType[*wire.BatchError](err)
			if !ok {
				t.Fatalf("error %v, want a *BatchError", err)
			}
			if e.Line != c.line || e.TooLarge != c.large || !strings.Contains(e.Error(), c.says) {
				t.Errorf("line %d, too large %v, %q; want line %d, %v, and %q in it", e.Line, e.TooLarge, e, c.line, c.large, c.says)
			}
		})
	}
}

func TestBatchAtItsLimitsIsTaken(t *testing.T) {
	text := head + strings.Repeat(`{"kind":"?"}`+"\n", wire.MaxRecords)
	b, err := wire.ReadBatch(bytes.NewReader(pack(t, []byte(text))))
	if err != nil {
		t.Fatal(err)
	}
	if b.Unknown != wire.MaxRecords {
		t.Errorf("%d records, want %d", b.Unknown, wire.MaxRecords)
	}
	reason := strings.Repeat("x", wire.MaxRecordBytes-len(`{"kind":"failed","at":0,"reason":""}`))
	body, err := wire.EncodeBatch(header(), &wire.Failed{Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.ReadBatch(bytes.NewReader(body)); err != nil {
		t.Errorf("a record of exactly the largest size: %v", err)
	}
	if _, err := wire.MarshalRecord(&wire.Failed{Reason: reason + "x"}); err == nil {
		t.Error("a record one byte above the limit was written")
	}
}

// X-01, of what a batch is packed with.
func TestBombCostsLittleMemory(t *testing.T) {
	zeros := bytes.Repeat([]byte{'0'}, 256<<20)
	wide, err := zstd.NewWriter(nil, zstd.WithWindowSize(128<<20))
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"small window": pack(t, zeros),
		"large window": wide.EncodeAll(zeros, nil),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := wire.ReadBatch(bytes.NewReader(body))
		runtime.ReadMemStats(&after)
		if _, ok := errors.AsType[*wire.BatchError](err); !ok {
			t.Errorf("%s: error %v, want a *BatchError", name, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 24<<20 {
			t.Errorf("%s: %d bytes unpacked from %d cost %d bytes of memory", name, len(zeros), len(body), got)
		}
	}
}

func TestErrorOfTheSourceIsNoFaultOfTheBatch(t *testing.T) {
	body, err := wire.EncodeBatch(header(), day()...)
	if err != nil {
		t.Fatal(err)
	}
	away := errors.New("connection reset")
	_, err = wire.ReadBatch(&cut{body[:len(body)/2], away})
	if !errors.Is(err, away) {
		t.Errorf("error %v, want %v", err, away)
	}
}

// cut gives its bytes and then its error.
type cut struct {
	left []byte
	err  error
}

func (c *cut) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, c.err
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

// testdata/vN is what agents of that version of the wire really sent, with
// what was understood of it. These files are never edited: if one no longer
// reads, agents in the field break.
func TestEveryReleasedVersionReads(t *testing.T) {
	present := fmt.Sprintf("testdata/v%d", wire.Version)
	for name, records := range map[string][]wire.Record{"day": day(), "maxima": {maxima()}, "citrix": citrix(), "names": names()} {
		file := filepath.Join(present, name)
		if _, err := os.Stat(file + ".batch"); *record && errors.Is(err, os.ErrNotExist) {
			recordBatch(t, file, records)
		}
	}
	for v := 1; v <= wire.Version; v++ {
		files, err := filepath.Glob(fmt.Sprintf("testdata/v%d/*.batch", v))
		if err != nil || len(files) == 0 {
			t.Fatalf("no recorded batch of version %d: %v", v, err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b, err := wire.ReadBatch(bytes.NewReader(body))
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			want, err := os.ReadFile(strings.TrimSuffix(file, ".batch") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(understood(t, b), string(want)); d != "" {
				t.Errorf("%s is understood differently (-got +want):\n%s", file, d)
			}
		}
	}
}

// recordBatch keeps a batch, and what is understood of it, as file.batch and
// file.json.
func recordBatch(t *testing.T, file string, records []wire.Record) {
	t.Helper()
	body, err := wire.EncodeBatch(header(), records...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := wire.ReadBatch(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file+".batch", body, 0o644),
		os.WriteFile(file+".json", []byte(understood(t, b)), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// understood shows a batch as text.
func understood(t *testing.T, b *wire.Batch) string {
	t.Helper()
	text, err := json.MarshalIndent(b, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func FuzzReadBatch(f *testing.F) {
	files, err := filepath.Glob("testdata/v*/*.batch")
	if err != nil || len(files) == 0 {
		f.Fatalf("no recorded batches: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) { readHostile(t, body) })
}

func FuzzReadLines(f *testing.F) {
	var text strings.Builder
	text.WriteString(head)
	for _, r := range day() {
		line, err := wire.MarshalRecord(r)
		if err != nil {
			f.Fatal(err)
		}
		text.Write(append(line, '\n'))
	}
	f.Add([]byte(text.String()))
	f.Add([]byte(head + `{"kind":"samples","pools":[{"in_use":[ 1 , null,-3],"installed":null}]}`))
	f.Fuzz(func(t *testing.T, text []byte) { readHostile(t, pack(t, text)) })
}

// readHostile reads a batch of any bytes: it is refused by a *BatchError, or
// what was read can be written and read again.
func readHostile(t *testing.T, body []byte) {
	t.Helper()
	b, err := wire.ReadBatch(bytes.NewReader(body))
	if err != nil {
		if _, ok := errors.AsType[*wire.BatchError](err); !ok {
			t.Fatalf("error %v, want a *BatchError", err)
		}
		return
	}
	records := make([]wire.Record, len(b.Records))
	for i, l := range b.Records {
		records[i] = l.Record
	}
	again, err := wire.EncodeBatch(b.Header, records...)
	if err != nil {
		return // escapes may lengthen a line beyond its limit
	}
	c, err := wire.ReadBatch(bytes.NewReader(again))
	if err != nil {
		t.Fatalf("what was written of it cannot be read: %v", err)
	}
	for i := range c.Records {
		if d := cmp.Diff(b.Records[i].Record, c.Records[i].Record, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("record %d changed on the way (-first +second):\n%s", i, d)
		}
	}
}
