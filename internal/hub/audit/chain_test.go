package audit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/hub/audit"
)

// chain is a log of n entries.
func chain(n int) []audit.Entry {
	var all []audit.Entry
	var head audit.Hash
	for i := range n {
		e := audit.Entry{
			Org: 1, Seq: int64(i + 1), At: time.UnixMilli(1_700_000_000_000 + int64(i)*1000), Act: audit.Acts[i%len(audit.Acts)],
			Actor:   audit.Actor{Member: int64(i % 3), Name: fmt.Sprint("member ", i%3), Address: "192.0.2.1"},
			Subject: fmt.Sprint("server ", i), Detail: "d",
		}
		e.Hash = e.Chain(head)
		head = e.Hash
		all = append(all, e)
	}
	return all
}

// rehash makes a chain of entries whatever was done to them.
func rehash(all []audit.Entry) {
	var head audit.Hash
	for i := range all {
		all[i].Seq = int64(i + 1)
		all[i].Hash = all[i].Chain(head)
		head = all[i].Hash
	}
}

func check(all []audit.Entry, given int64, witnesses ...audit.Checkpoint) error {
	c := audit.NewChecker(witnesses)
	for _, e := range all {
		if err := c.Add(e); err != nil {
			return err
		}
	}
	_, err := c.End(given)
	return err
}

// U-02: whatever is done to a log, verifying finds it: edits of each field,
// deletions, swaps and insertions by the chain alone, a cut tail by the number of
// entries that were made, a whole log that was written anew by what an agent has
// kept.
func TestEveryChangeOfTheLogIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n, rounds = 40, 1000
	if err := check(chain(n), n, audit.Checkpoint{Seq: 7, Head: chain(n)[6].Hash}); err != nil {
		t.Fatalf("an untouched log: %v", err)
	}
	kinds := []struct {
		name string
		do   func(all []audit.Entry, i int) []audit.Entry
	}{
		{"act", func(all []audit.Entry, i int) []audit.Entry { all[i].Act += "x"; return all }},
		{"time", func(all []audit.Entry, i int) []audit.Entry { all[i].At = all[i].At.Add(time.Millisecond); return all }},
		{"member", func(all []audit.Entry, i int) []audit.Entry { all[i].Actor.Member++; return all }},
		{"name", func(all []audit.Entry, i int) []audit.Entry { all[i].Actor.Name = "somebody else"; return all }},
		{"address", func(all []audit.Entry, i int) []audit.Entry { all[i].Actor.Address = ""; return all }},
		{"subject", func(all []audit.Entry, i int) []audit.Entry { all[i].Subject += " "; return all }},
		{"words moved between fields", func(all []audit.Entry, i int) []audit.Entry {
			all[i].Subject, all[i].Detail = all[i].Subject+all[i].Detail, ""
			return all
		}},
		{"organisation", func(all []audit.Entry, i int) []audit.Entry { all[i].Org = 2; return all }},
		{"hash", func(all []audit.Entry, i int) []audit.Entry { all[i].Hash[3] ^= 1; return all }},
		{"deletion", func(all []audit.Entry, i int) []audit.Entry { return slices.Delete(all, i, i+1) }},
		{"swap", func(all []audit.Entry, i int) []audit.Entry {
			j := (i + 1) % n
			all[i], all[j] = all[j], all[i]
			return all
		}},
		{"twice", func(all []audit.Entry, i int) []audit.Entry { return slices.Insert(all, i, all[i]) }},
		{"tail", func(all []audit.Entry, i int) []audit.Entry { return all[:i] }},
		{"written anew", func(all []audit.Entry, i int) []audit.Entry {
			all[i].Detail = "nothing happened"
			rehash(all)
			return all
		}},
		{"written anew and shorter", func(all []audit.Entry, i int) []audit.Entry {
			all = slices.Delete(all, i, i+1)
			rehash(all)
			return all
		}},
	}
	found := 0
	for range rounds {
		all := chain(n)
		witness := audit.Checkpoint{Seq: n, Head: all[n-1].Hash}
		k := kinds[r.IntN(len(kinds))]
		if err := check(k.do(all, r.IntN(n)), n, witness); err == nil {
			t.Errorf("%s: not found", k.name)
			continue
		}
		found++
	}
	t.Logf("U-02: %d of %d changes found", found, rounds)
}

func TestAnEndThatIsMissingIsFoundWithoutAWitness(t *testing.T) {
	if err := check(chain(5), 6); err == nil {
		t.Error("five of six entries: no error")
	}
	if err := check(nil, 0); err != nil {
		t.Errorf("an empty log: %v", err)
	}
}

func TestWitnessIsReadByItsColumns(t *testing.T) {
	h := chain(1)[0].Hash.String()
	got, err := audit.ReadWitness(strings.NewReader("\ufeffhash,organisation,note,number\r\n" + h + ",AAAA,\"x\ny\",1\r\n" + h + ",BBBB,,7\r\n"))
	want := map[string][]audit.Checkpoint{"AAAA": {{Seq: 1, Head: chain(1)[0].Hash}}, "BBBB": {{Seq: 7, Head: chain(1)[0].Hash}}}
	if diff := cmp.Diff(want, got.Checkpoints); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for text, says := range map[string]string{
		"":                                   "first line",
		"number,hash\n1," + h:                "organisation",
		"organisation,number,hash\nA,0," + h: "line 2",
		"organisation,number,hash\nA,1," + h + "\nA,2," + h[2:]: "line 3",
		"organisation,number,hash\nA,1":                         "wrong number of fields",
		"{}\n":                                                  "line 1",
		"{\n":                                                   "line 1",
		`{"entries":1,"head":"` + h[2:] + `"}`:                  "line 1",
	} {
		if _, err := audit.ReadWitness(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want an error with %q", text, err, says)
		}
	}
}

func TestNamesAreFoundInAnyCase(t *testing.T) {
	e := audit.Entry{Act: audit.Removed, Actor: audit.Actor{Name: "Ärger@example.com"}, Subject: "LIC_1%"}
	for q, want := range map[audit.Query]bool{
		{}: true, {Who: "äRG"}: true, {Subject: "lic_"}: true, {Subject: "licx"}: false, {Subject: "1%"}: true,
		{Act: audit.Removed}: true, {Act: audit.Approved}: false, {Who: "ärger", Subject: "lic-2"}: false,
	} {
		if q.Has(e) != want {
			t.Errorf("%+v: %v, want %v", q, !want, want)
		}
	}
}
