package relay_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/relay"
	"headroom/internal/license"
)

const pooled = `| id                                   | pool    | claims | node_id | last_claimed_at      | last_released_at     |
+--------------------------------------+---------+--------+---------+----------------------+----------------------+
| 0b6f6c1e-0000-4000-8000-000000000001 | floor 2 | 7      | 3       | 2026-03-03T09:15:42Z | 2026-03-03T08:00:00Z |
| 0b6f6c1e-0000-4000-8000-000000000002 | floor 2 | 0      | -       | -                    | -                    |
| 0b6f6c1e-0000-4000-8000-000000000003 | -       | 12     | 4       | 2026-03-03T07:00:00Z | -                    |
`

func parse(t *testing.T, text string) facts.Output {
	t.Helper()
	out, err := relay.ParseStatus(strings.NewReader(text), facts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func counted(feature string, installed, inUse int64) license.Reading {
	return license.Reading{
		Pool: license.Pool{Feature: feature}, State: license.StateCounted, Installed: license.Of(installed), InUse: license.Of(inUse),
	}
}

func TestTableIsRead(t *testing.T) {
	out := parse(t, pooled)
	if out.Error != "" || len(out.Servers) != 1 || out.Unread.Total != 0 || out.Lines != 5 {
		t.Fatalf("output %+v", out)
	}
	want := license.Snapshot{
		Complete: true, Readings: []license.Reading{counted("floor 2", 2, 1), counted("licenses", 1, 1)},
		Holders: []license.Holder{
			{
				Pool: license.Pool{Feature: "floor 2"}, Host: "node 3", Licenses: 1, Since: time.Date(2026, 3, 3, 9, 15, 42, 0, time.UTC),
				Kind: license.HolderActive, Handle: "0b6f6c1e-0000-4000-8000-000000000001",
			},
			{
				Pool: license.Pool{Feature: "licenses"}, Host: "node 4", Licenses: 1, Since: time.Date(2026, 3, 3, 7, 0, 0, 0, time.UTC),
				Kind: license.HolderActive, Handle: "0b6f6c1e-0000-4000-8000-000000000003",
			},
		},
	}
	if diff := cmp.Diff(want, out.Servers[0].Snapshot); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}

func TestColumnsAreKnownByTheirTitles(t *testing.T) {
	for name, text := range map[string]string{
		"blanks alone": "id  claims  node_id  last_claimed_at  last_released_at  \n----  ----  ----  ----  ----  \n" +
			"a  7  3  2026-03-03T09:15:42Z  -  \nb  0  -  -  -  \n",
		"another order":   "| node_id | id |\n+---------+----+\n| 3 | a |\n| - | b |\n",
		"CRLF and a word": "some banner\r\n| id | node_id |\r\n+----+---------+\r\n| a | 3 |\r\n| b | - |\r\n",
	} {
		out := parse(t, text)
		if out.Error != "" || len(out.Servers) != 1 {
			t.Errorf("%s: error %q", name, out.Error)
			continue
		}
		if diff := cmp.Diff([]license.Reading{counted("licenses", 2, 1)}, out.Servers[0].Snapshot.Readings); diff != "" {
			t.Errorf("%s: readings (-want +got):\n%s", name, diff)
		}
	}
}

func TestOddRowCostsOnlyItself(t *testing.T) {
	for _, odd := range []string{
		"| 0b6f | floor 2 | 7 | three | 2026-03-03T09:15:42Z | - |",
		"| 0b6f | floor 2 | 7 | 3 | yesterday | - |",
		"| 0b6f | floor 2 | 7 |",
		"| - | floor 2 | 7 | 3 | - | - |",
		"error: disk is full",
	} {
		out := parse(t, pooled+odd+"\n")
		if len(out.Servers) != 1 || len(out.Servers[0].Snapshot.Readings) != 2 || out.Servers[0].Snapshot.Complete {
			t.Errorf("%s: output %+v", odd, out)
			continue
		}
		if diff := cmp.Diff([]facts.Unread{{Line: 6, Text: odd}}, out.Unread.First); diff != "" {
			t.Errorf("%s: unread (-want +got):\n%s", odd, diff)
		}
	}
}

func TestErrorIsNotZero(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "the output tells of no license of Keygen Relay",
		"license pool is empty\n":              "license pool is empty",
		"error: pool not found\n":              "error: pool not found",
		"| id | claims |\n| a | 3 |\n":         "| id | claims |",
		"| id | node_id |\n+----+---------+\n": "the output tells of no license of Keygen Relay",
	} {
		out := parse(t, text)
		if out.Error != want || len(out.Servers) != 0 {
			t.Errorf("%q: error %q with %d servers, want %q and none", text, out.Error, len(out.Servers), want)
		}
	}
}

func TestReaderThatFailsIsAnError(t *testing.T) {
	broken := errors.New("broken pipe")
	if _, err := relay.ParseStatus(iotest.ErrReader(broken), facts.Options{}); !errors.Is(err, broken) {
		t.Errorf("ParseStatus: %v, want %v", err, broken)
	}
	if _, err := relay.ParseStatus(strings.NewReader(""), facts.Options{CodePage: "nonsense"}); err == nil {
		t.Error("a code page that does not exist is taken")
	}
}

func TestEmptyPoolsAreCountedToo(t *testing.T) {
	s := relay.Snapshot([]relay.License{{ID: "a", Pool: "floor 2", Seats: 5, Nodes: []relay.Node{{Name: "x"}, {Name: "y"}}}}, []string{"floor 1"})
	want := []license.Reading{counted("floor 1", 0, 0), counted("floor 2", 5, 2)}
	if diff := cmp.Diff(want, s.Readings); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
}

func FuzzStatus(f *testing.F) {
	f.Add(pooled)
	f.Add("id node_id\na 3\nb -\nc x\n")
	f.Fuzz(func(t *testing.T, in string) {
		out, err := relay.ParseStatus(strings.NewReader(in), facts.Options{})
		if err != nil {
			t.Fatalf("error of a reader that has none: %v", err)
		}
		if (out.Error == "") == (len(out.Servers) == 0) {
			t.Fatalf("error %q with %d servers", out.Error, len(out.Servers))
		}
		for _, s := range out.Servers {
			held := int64(0)
			for _, r := range s.Snapshot.Readings {
				if r.Pool.Feature == "" || r.InUse.N > r.Installed.N || r.InUse.N < 0 {
					t.Fatalf("reading %+v", r)
				}
				held += r.InUse.N
			}
			if held != int64(len(s.Snapshot.Holders)) {
				t.Fatalf("%d in use and %d holders", held, len(s.Snapshot.Holders))
			}
		}
	})
}
