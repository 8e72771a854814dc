package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/store"
	"headroom/internal/hub/store/storetest"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
)

// The holders of a feature are those of the newest list of each server, and the
// server says of when that is, even if it is empty.
func TestHoldersAreReadByFeature(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		org := storetest.Found(t, db, "UTC")
		agent := storetest.Admit(t, db, org, "agent", start, "a", "b", "c")
		at := start.Unix()
		say := func(server string, seq uint64, list ...ingest.Holder) {
			t.Helper()
			b := one(org, agent, server, seq)
			b.Pools = append(b.Pools, ingest.Pool{Key: license.Pool{Feature: "cad"}}, ingest.Pool{Key: license.Pool{Feature: "other"}})
			b.Holders = &ingest.Holders{At: at + int64(seq), List: list}
			put(t, db, b)
		}
		cad, other := 2, 3
		say("a", 1, ingest.Holder{Pool: cad, User: "old", Licenses: 1, Kind: license.HolderActive})
		say("a", 2,
			ingest.Holder{Pool: cad, User: "Änne", Host: "h", Display: ":0", Licenses: 2, Since: at - 60, Kind: license.HolderActive},
			ingest.Holder{Pool: other, User: "eve", Licenses: 1, Kind: license.HolderActive},
			ingest.Holder{Pool: cad, User: "bob", Licenses: 1, Kind: license.HolderQueued},
		)
		say("b", 3)
		servers, err := db.Servers(t.Context(), org)
		if err != nil || len(servers) != 3 {
			t.Fatal(servers, err)
		}
		for i, want := range []int64{at + 2, at + 3, 0} {
			if got := servers[i].HoldersAt; want == 0 && !got.IsZero() || want != 0 && got.Unix() != want {
				t.Errorf("%s: list of %v, want %d", servers[i].Name, got, want)
			}
		}
		var got []usage.Holder
		for h, err := range db.Holders(t.Context(), org, "cad") {
			if err != nil {
				t.Fatal(err)
			}
			if h.Pool == 0 {
				t.Errorf("%s holds of no pool", h.User)
			}
			h.Pool, h.Since = 0, h.Since.UTC()
			got = append(got, h)
		}
		want := []usage.Holder{
			{Server: servers[0].ID, User: "Änne", Host: "h", Display: ":0", Licenses: 2, Since: start.Add(-60e9).UTC(), Kind: license.HolderActive},
			{Server: servers[0].ID, User: "bob", Licenses: 1, Kind: license.HolderQueued},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("holders (-want +got):\n%s", diff)
		}
	})
}
