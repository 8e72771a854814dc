package ingest_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"headroom/internal/agent"
	"headroom/internal/agent/collect"
	"headroom/internal/format/text"
	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/wire"
)

// pastLog is a debug log over two days that some people leave without a license.
func pastLog(t *rapid.T) []byte {
	var b bytes.Buffer
	at := now.AddDate(0, 0, -20)
	line := func(text string) {
		fmt.Fprintf(&b, "%2d:%02d:%02d %s\n", at.Hour(), at.Minute(), at.Second(), text)
	}
	line("(lmgrd) FlexNet Licensing (v11.16) started on lic01 (linux) (" + at.Format("1/2/2006") + ")")
	for range rapid.IntRange(5, 40).Draw(t, "lines") {
		at = at.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 100, 5000}).Draw(t, "seconds")) * time.Second)
		who := rapid.SampledFrom([]string{"kim@ws1", "lee@ws2"}).Draw(t, "who")
		word := rapid.SampledFrom([]string{"OUT: %q %s  ", "IN: %q %s  ", "DENIED: %q %s  (None left. (-4,342))"}).Draw(t, "word")
		line("(acmed) " + fmt.Sprintf(word, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "feature"), who))
	}
	return b.Bytes()
}

// imports is what an import of a file hands to the hub.
func imports(t testing.TB, format string, content []byte) (all []wire.Record) {
	t.Helper()
	past, err := collect.OpenPast([]text.File{{Path: "past", Size: int64(len(content)), Data: bytes.NewReader(content)}},
		collect.PastOptions{Zone: time.UTC, As: format})
	if err != nil {
		t.Fatal(err)
	}
	for portion, err := range past.Portions(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		parts, err := agent.NewPast("cad", "1", portion, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			batch, err := wire.ReadBatch(bytes.NewReader(p.Batch))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range batch.Records {
				all = append(all, r.Record)
			}
		}
	}
	return all
}

// Half a log imported, then the whole: the hub has the same as after the whole at
// once, denials included.
func TestHalfALogImportedThenTheWholeIsTheWhole(t *testing.T) {
	db := storetest.New(t)
	w := newWorld(t, db)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		log := pastLog(rt)
		half := log[:rapid.IntRange(0, len(log)).Draw(rt, "half")]
		var histories []string
		for _, logs := range [][][]byte{{log}, {half, log}, {log, half}} {
			n++
			server := fmt.Sprintf("past-%d", n)
			a := ingest.Agent{Org: w.agent.Org, ID: storetest.Admit(t, db, w.agent.Org, fmt.Sprintf("past-%d", n), now, server)}
			for i, l := range logs {
				if records := imports(t, "flexnet-log", l); len(records) > 0 {
					seq := uint64(i + 1)
					if _, err := w.Take(t.Context(), a, epoch, seq, batchOf(t, server, seq, records...)); err != nil {
						rt.Fatal(err)
					}
				}
			}
			id := w.serverID(t, server)
			histories = append(histories, w.history(t, id)+w.denials(t, id))
		}
		for _, h := range histories[1:] {
			if d := cmp.Diff(histories[0], h); d != "" {
				rt.Fatalf("history differs (-whole +with half):\n%s\n%s", d, log)
			}
		}
	})
}

// What other sources tell reaches the hub as it is: what is installed by a log
// of RLM, and the highest use of days; and of a part and then the whole the same.
func TestOtherImportsReachTheHistory(t *testing.T) {
	db := storetest.New(t)
	w := newWorld(t, db)
	wanted := map[string][]string{
		"rlm-report-log": {"counted unknown 8 ", "[{1772524800 0 0} {1772525400 4 4} {1772526000 0 0}]", "denied solver (1) 1772525460 lee x1 unserved"},
		"citrix-history": {"counted unknown 100 ", "[{1772323200 1772409600 41 true true}]", "[{1772409600 1772496000 52 true true}]"},
	}
	for format, content := range map[string]string{
		"rlm-report-log": `RLM Report Log Format 0, version 14.0, authenticated
ISV: acme, RLM version 14.0 BL1
START lic01 03/03/2026 08:00:00
PRODUCT solver 5.1 1 8 0 8 "" "" "" "" "" "" 0 0 0 0 0 0 0 0 0
OUT solver 5.1 1 kim ws1 "" 4 4 0 101 101 7b1 "" "" "" 03/03 08:10:00
DENY solver 5.1 lee ws2 "" 8 -22 1 03/03 08:11
IN 1 solver 5.1 kim ws1 "" 4 0 0 101 03/03 08:20:00
03/03/2026 08:30
`,
		"citrix-history": "Date,Feature,Licenses Installed,Licenses in Use\n2026-03-01,XDT_PLT_CCS,100,41\n2026-03-02,XDT_PLT_CCS,110,52\n2026-03-03,XDT_PLT_CCS,110,52\n",
	} {
		var histories []string
		for i, parts := range [][]string{{content}, {content[:len(content)*9/10], content}} {
			server := fmt.Sprintf("%s-%d", format, i)
			a := ingest.Agent{Org: w.agent.Org, ID: storetest.Admit(t, db, w.agent.Org, server, now, server)}
			for i, part := range parts {
				seq := uint64(i + 1)
				if _, err := w.Take(t.Context(), a, epoch, seq, batchOf(t, server, seq, imports(t, format, []byte(part))...)); err != nil {
					t.Fatal(err)
				}
			}
			id := w.serverID(t, server)
			histories = append(histories, w.history(t, id)+w.denials(t, id))
		}
		if d := cmp.Diff(histories[0], histories[1]); d != "" {
			t.Errorf("%s (-whole +with a part):\n%s", format, d)
		}
		for _, want := range wanted[format] {
			if !strings.Contains(histories[0], want) {
				t.Errorf("%s: %q is missing in\n%s", format, want, histories[0])
			}
		}
	}
}

// denials shows what is kept of the denials of a license server, by the names of
// its pools.
func (w *world) denials(t testing.TB, server int64) string {
	t.Helper()
	pools, err := w.db.Pools(t.Context(), w.agent.Org)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for d, err := range w.db.Denials(t.Context(), w.agent.Org, 0, now.Unix()) {
		if err != nil {
			t.Fatal(err)
		}
		if d.Server != server {
			continue
		}
		name := "a pool that has no use yet"
		for _, p := range pools {
			if p.Server == server && p.ID == d.Pool {
				name = p.Key.String()
			}
		}
		lines = append(lines, fmt.Sprintf("denied %s %d %s x%d %s\n", name, d.At, d.User, d.Count, d.Outcome))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestImportedHistoryIsNotedAsSuchAndMovesNothingElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		day := int32(noon / 86400)
		days := func() (out []int32) {
			for d, err := range db.Imported(t.Context(), w.agent.Org, 0, 1<<30) {
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, d.Day)
			}
			return out
		}
		old := reading(noon-3*86400, 1, 2)
		old.Imported = true
		w.take(t, 1, old, reading(noon-86400, 3))
		if got := days(); len(got) != 1 || got[0] != day-3 {
			t.Errorf("imported days %v, want %d", got, day-3)
		}
		if s := w.server(t); s.LastReading.Unix() != noon-86400 {
			t.Errorf("last reading %v, want the live one", s.LastReading)
		}
		live := reading(noon-3*86400-300, 1, 1, 1, 1)
		w.take(t, 2, live)
		if got := days(); len(got) != 0 {
			t.Errorf("imported days %v, want none: live readings count there", got)
		}
	})
}
