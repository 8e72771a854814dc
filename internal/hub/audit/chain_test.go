package audit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

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

func TestHashesAreReadAsTheyAreWritten(t *testing.T) {
	h := chain(1)[0].Hash
	got, err := audit.ParseHash(h.String())
	if err != nil || got != h {
		t.Errorf("ParseHash(%s) = %s, %v", h, got, err)
	}
	for _, text := range []string{"", "zz", h.String()[2:], h.String() + "00"} {
		if _, err := audit.ParseHash(text); err == nil {
			t.Errorf("ParseHash(%q): no error", text)
		}
	}
}
