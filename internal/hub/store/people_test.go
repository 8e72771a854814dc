package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

// rowsOf returns the rows of a query, each as text.
func rowsOf(t *testing.T, dsn, query string) (all []string) {
	t.Helper()
	rows, err := storetest.Raw(t, dsn).Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(string)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, v := range values {
			line += fmt.Sprintf("%s|", *v.(*string))
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAnotherOrganisationSeesNoImportedDays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a")
		var b series.Builder
		b.AddRound(series.Round{At: start.Unix(), Hold: 1800, Imported: true}, []series.PoolSample{{Pool: 0}})
		put(t, db, &ingest.Batch{
			Org: org, Agent: agent, ID: ingest.ID{Epoch: "e", Seq: 1}, Hash: []byte("1"), Received: start, Server: "a",
			Pools: []ingest.Pool{{Key: license.Pool{Feature: "solid"}, First: start.Unix()}}, Days: b.Days(),
		})
		day := series.DayOf(start.Unix())
		for _, c := range []struct {
			org      int64
			from, to int32
			want     int
		}{{org, day, day + 1, 1}, {org, day - 5, day, 0}, {org, day + 1, day + 5, 0}, {org + 1, day, day + 1, 0}} {
			n := 0
			for d, err := range db.Imported(t.Context(), c.org, c.from, c.to) {
				if err != nil || d != (usage.ImportedDay{Day: day, Server: 1}) {
					t.Errorf("%+v, %v", d, err)
				}
				n++
			}
			if n != c.want {
				t.Errorf("organisation %d, days %d to %d: %d imported, want %d", c.org, c.from, c.to, n, c.want)
			}
		}
	})
}

func TestChangesOfNamesAreKeptOnce(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a", "b")
		at := start.Unix()
		none := ingest.Names{Since: at - 100, Mode: "none"}
		keyed := ingest.Names{Since: at, Mode: "pseudonyms", Key: "3f2a91c0"}
		for i, told := range [][]ingest.Names{{keyed}, {none, keyed}, {none}, nil} { // late and again
			put(t, db, &ingest.Batch{
				Org: org, Agent: agent, ID: ingest.ID{Epoch: "e", Seq: uint64(i + 1)}, Hash: []byte(fmt.Sprint(i)), Received: start, Server: "b", Names: told,
			})
		}
		servers, err := db.Servers(t.Context(), org)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]usage.NamesChange{}
		for _, s := range servers {
			got[s.GUID] = s.Names
		}
		want := map[string][]usage.NamesChange{"a": nil, "b": {
			{Since: time.Unix(at-100, 0).UTC(), Mode: "none"},
			{Since: time.Unix(at, 0).UTC(), Mode: "pseudonyms", Key: "3f2a91c0"},
		}}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("changes (-got +want):\n%s", d)
		}
	})
}

func TestPeopleAndGapsAreKept(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a")
		at := start.Unix()
		seq := uint64(0)
		say := func(change func(*ingest.Batch)) {
			t.Helper()
			seq++
			b := &ingest.Batch{
				Org: org, Agent: agent, ID: ingest.ID{Epoch: "e", Seq: seq}, Hash: []byte(fmt.Sprint(seq)), Received: start, Server: "a",
				Pools: []ingest.Pool{{Key: license.Pool{Feature: "solid"}}},
			}
			change(b)
			put(t, db, b)
		}
		held := func(at int64, users ...string) func(*ingest.Batch) {
			return func(b *ingest.Batch) {
				b.Holders = &ingest.Holders{At: at}
				for _, u := range users {
					b.Holders.List = append(b.Holders.List, ingest.Holder{User: u, Host: "h", Licenses: 2, Since: at - 60, Kind: license.HolderActive})
				}
			}
		}
		denied := func(n int64) func(*ingest.Batch) {
			return func(b *ingest.Batch) {
				b.Denials = []ingest.Denial{{At: at, User: "eve", Host: "h", Reason: "none left", Count: n}}
			}
		}
		say(held(at, "Änne", "bob"))
		say(held(at-300, "late list"))
		ended := func(n, last int64, outcome string) func(*ingest.Batch) {
			return func(b *ingest.Batch) {
				denied(n)(b)
				b.Denials[0].Last, b.Denials[0].Outcome = at+last, outcome
			}
		}
		say(denied(2))
		say(ended(5, 70, "served"))
		say(ended(5, 70, ""))
		say(ended(3, 10, "unserved"))
		for range 2 {
			say(func(b *ingest.Batch) { b.Gaps = []ingest.Gap{{From: 0, To: at, Reason: "spool full"}} })
		}
		want := []string{
			fmt.Sprintf("0|Änne|h|2|%d|active|", 1000*(at-60)),
			fmt.Sprintf("1|bob|h|2|%d|active|", 1000*(at-60)),
		}
		holders := `SELECT line, user_name, host, licenses, since, how FROM holder ORDER BY line`
		if d := cmp.Diff(rowsOf(t, dsn, holders), want); d != "" {
			t.Errorf("holders (-got +want):\n%s", d)
		}
		want = []string{fmt.Sprintf("%d|eve|h|none left|5|%d|served|", 1000*at, 1000*(at+70))}
		if d := cmp.Diff(rowsOf(t, dsn, `SELECT at, user_name, host, reason, n, last_at, outcome FROM denial`), want); d != "" {
			t.Errorf("denials (-got +want):\n%s", d)
		}
		for span, want := range map[[2]int64][]usage.Denial{
			{at, at + 1}:  {{Server: 1, Pool: 1, At: at, User: "eve", Host: "h", Reason: "none left", Count: 5, Outcome: "served"}},
			{at - 60, at}: nil, {at + 1, at + 60}: nil,
		} {
			var got []usage.Denial
			for d, err := range db.Denials(t.Context(), org, span[0], span[1]) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, d)
			}
			if d := cmp.Diff(got, want); d != "" {
				t.Errorf("denials of %v (-got +want):\n%s", span, d)
			}
		}
		for d, err := range db.Denials(t.Context(), org+1, 0, at+60) {
			t.Errorf("another organisation sees %v, %v", d, err)
		}
		want = []string{fmt.Sprintf("0|%d|spool full|", 1000*at)}
		if d := cmp.Diff(rowsOf(t, dsn, `SELECT from_at, to_at, reason FROM gap`), want); d != "" {
			t.Errorf("gaps (-got +want):\n%s", d)
		}
		say(held(at + 300))
		if got := rowsOf(t, dsn, holders); len(got) != 0 {
			t.Errorf("holders %v, want none after an empty list", got)
		}
	})
}
