package wire

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/license"
)

// drawSamples draws a run that need not make sense.
func drawSamples(t *rapid.T, text *rapid.Generator[string], numbers *rapid.Generator[int64]) *Samples {
	counts := func(name string) (c Counts) {
		switch rapid.IntRange(0, 3).Draw(t, "array "+name) {
		case 0:
			return nil
		case 1:
			return Counts{}
		}
		for range rapid.IntRange(1, 5).Draw(t, "length") {
			if rapid.IntRange(0, 3).Draw(t, "told") == 0 {
				c = append(c, license.Count{})
			} else {
				c = append(c, license.Of(numbers.Draw(t, "count")))
			}
		}
		return c
	}
	maybe := func(name string) string {
		if rapid.Bool().Draw(t, "without "+name) {
			return ""
		}
		return text.Draw(t, name)
	}
	r := &Samples{
		Kind: KindSamples, At: rapid.SliceOfN(numbers, 0, 5).Draw(t, "at"), Interval: numbers.Draw(t, "interval"),
		Complete: rapid.Bool().Draw(t, "complete"), Imported: rapid.Bool().Draw(t, "imported"), Source: text.Draw(t, "source"),
		Own: rapid.Bool().Draw(t, "own"), OffsetMS: numbers.Draw(t, "offset"), Pools: []SampledPool{},
	}
	for range rapid.IntRange(0, 3).Draw(t, "pools") {
		r.Pools = append(r.Pools, SampledPool{
			PoolKey: PoolKey{Feature: text.Draw(t, "feature"), Daemon: maybe("daemon"), Variant: maybe("variant")},
			Vendor:  maybe("vendor"), State: text.Draw(t, "state"),
			InUse: counts("in use"), Installed: counts("installed"), Reserved: counts("reserved"), Borrowed: counts("borrowed"),
			Queued: counts("queued"), Overdraft: counts("overdraft"), Reason: maybe("reason"),
			SharedWith: maybe("shared with"),
		})
	}
	return r
}

func TestSamplesAreWrittenAsEncodingJSONDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawSamples(t, rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`)), rapid.Int64())
		switch rapid.IntRange(0, 9).Draw(t, "nil") {
		case 0:
			r.At = nil
		case 1:
			r.Pools = nil
		}
		got, err := MarshalRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(got), string(want)); d != "" {
			t.Errorf("line of %+v (-got +want):\n%s", r, d)
		}
	})
}

// drawPlain draws the line of a run as nearly all are: names of ASCII, no
// number of more than 18 digits.
func drawPlain(t *rapid.T) []byte {
	const most = 999_999_999_999_999_999
	numbers := rapid.OneOf(rapid.Int64Range(-20, 20), rapid.Int64Range(-most, most), rapid.SampledFrom([]int64{-most, most}))
	line, err := MarshalRecord(drawSamples(t, rapid.StringMatching(`[a-zA-Z0-9 ._/()-]*`), numbers))
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// sameAsJSON expects that a line that was read by hand is one that encoding/json
// reads, and that it says the same there.
func sameAsJSON(t rapid.TB, line []byte, got *Samples) {
	t.Helper()
	want := new(Samples)
	if err := json.Unmarshal(line, want); err != nil {
		t.Errorf("line %q was read by hand: %v", line, err)
		return
	}
	if d := cmp.Diff(got, want); d != "" || depth(line) > MaxDepth {
		t.Errorf("line %q, read by hand (-by hand +by encoding/json):\n%s", line, d)
	}
}

func TestPlainSamplesAreReadByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := drawPlain(t)
		got, ok := readSamples(line)
		if !ok {
			t.Fatalf("line %s: left to encoding/json", line)
		}
		sameAsJSON(t, line, got)
	})
}

// A few bytes are lost, doubled or replaced by what may matter.
func TestSamplesReadByHandAreThoseOfEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := drawPlain(t)
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			from := rapid.IntRange(0, len(line)).Draw(t, "from")
			to := min(from+rapid.IntRange(0, 3).Draw(t, "bytes"), len(line))
			with := rapid.SampledFrom([]string{
				"", ",", "]", "[", "}", "{", `"`, `\`, " ", "\n", "0", "00", "1", "-", ".", "e1", "null", "true", "false", ":", "é", "\xff",
				`{}`, `[]`, `,"x":1`, `,"at":[1]`, `{"feature":"","state":"","in_use":[]}`, string(line[from:to]) + string(line[from:to]),
			}).Draw(t, "with")
			line = slices.Concat(line[:from], []byte(with), line[to:])
		}
		if got, ok := readSamples(line); ok {
			sameAsJSON(t, line, got)
		}
	})
}

func FuzzReadSamples(f *testing.F) {
	for _, line := range []string{
		`{"kind":"samples","at":[1772000000,1772000900],"interval":900,"complete":true,"source":"flexnet","pools":[` +
			`{"feature":"solid","vendor":"SW_D","state":"counted","in_use":[3,null],"installed":[20],"overdraft":[2]},` +
			`{"feature":"MLM","daemon":"MLM","state":"unknown","in_use":[],"reason":"no answer","shared_with":"MLE"}]}`,
		`{"kind":"samples","at":[],"interval":-1,"complete":false,"imported":true,"source":"","own_clock":true,"offset_ms":-1500,"pools":[]}`,
		`{"kind":"samples","at":null,"interval":1,"complete":true,"source":"","pools":null}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if got, ok := readSamples(line); ok {
			sameAsJSON(t, line, got)
		}
	})
}
